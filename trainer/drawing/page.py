"""HTML pages that need nothing else: no script, no font, no network; dark where the reader is."""

import base64
import html
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from app import __version__
from app.names import one_line
from trainer.drawing.plots import inline_svg
from trainer.drawing.tables import Table

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1e23; --quiet: #5a616b;
  --line: #d5d9de; --panel: #f4f6f8; --warn: #fdf3e1; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --text: #e6e8eb; --quiet: #a3abb5; --line: #343941;
    --panel: #1f2329; --warn: #33270f; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin-bottom: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p.quiet, p.note, footer { color: var(--quiet); font-size: .9rem; }
p, li { overflow-wrap: anywhere; }
ul.verdict, ul.warning { background: var(--panel); border-left: 4px solid #0072B2;
  margin: 1.2rem 0; padding: .8rem 1rem .8rem 2rem; }
ul.warning { background: var(--warn); border-left: 8px solid #E69F00; font-size: 1.1rem;
  font-weight: 600; }
ul.verdict li, ul.warning li { margin: .3rem 0; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: right;
  font-variant-numeric: tabular-nums; vertical-align: top; }
td { white-space: nowrap; }
th.words, td.words { text-align: left; overflow-wrap: anywhere; white-space: normal; }
td.words:first-child { min-width: 7rem; }
th { color: var(--quiet); font-weight: 600; }
svg, img { display: block; height: auto; max-width: 100%; }
figure, details { margin: 1rem 0; }
summary { cursor: pointer; }
"""

_WORDS = ' class="words"'


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page of parts made by the functions below."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{text(title)}</h1>",
        *parts,
        f"</main><footer>elascope {text(__version__)}</footer></body></html>",
    ]
    return "\n".join(lines) + "\n"


def text(content: str) -> str:
    """Text from anywhere as one line without markup."""
    return html.escape(one_line(content))


def paragraph(content: str, kind: str = "") -> str:
    """A paragraph; ``kind`` is quiet, note, or nothing."""
    return f'<p class="{kind}">{text(content)}</p>' if kind else f"<p>{text(content)}</p>"


def listing(sentences: Sequence[str], kind: str = "") -> str:
    """A list of sentences, nothing for none; ``kind`` is verdict, warning, or nothing."""
    if not sentences:
        return ""
    lines = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{kind}">{lines}</ul>' if kind else f"<ul>{lines}</ul>"


def details(summary: str, inner: str) -> str:
    """What is shown when the reader asks for it."""
    return f"<details><summary>{text(summary)}</summary>{inner}</details>"


def plot(name: str, figure: Figure) -> str:
    """A figure as vector drawing; ``name`` is letters, digits and hyphens, once on a page."""
    return f"<figure>{inline_svg(figure, name)}</figure>"


def picture(content: bytes, words: str) -> str:
    """A PNG file as a part of the page; ``words`` for whoever does not see it."""
    data = base64.b64encode(content).decode("ascii")
    return f'<figure><img alt="{text(words)}" src="data:image/png;base64,{data}"></figure>'


def table(content: Table) -> str:
    """A table with its title and note; nothing where it has no rows."""
    if not content.rows:
        return ""
    title = f"<h3>{text(content.title)}</h3>" if content.title else ""
    heads = _cells(content.header, content.words, 'th scope="col"')
    rows = "".join(f"<tr>{_cells(row, content.words, 'td')}</tr>" for row in content.rows)
    note = paragraph(content.note, "note") if content.note else ""
    return (
        f'{title}<div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _cells(cells: Sequence[str], words: int, tag: str) -> str:
    return "".join(
        f"<{tag}{_WORDS if place < words else ''}>{text(cell)}</{tag.split()[0]}>"
        for place, cell in enumerate(cells)
    )
