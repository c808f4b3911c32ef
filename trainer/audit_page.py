"""An audit as one HTML page that needs nothing else: no script, no font, no network."""

import html
from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from app import __version__
from app.names import one_line
from trainer.audit import Audit
from trainer.audit_words import Table, left_out, tables, verdicts
from trainer.plots import count_bars, count_histogram, inline_svg, intervals, size_scatter

_SERIES = ("negative", "positive")
_BARS = 8

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1e23; --quiet: #5a616b;
  --line: #d5d9de; --panel: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --text: #e6e8eb; --quiet: #a3abb5; --line: #343941;
    --panel: #1f2329; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p.quiet, p.note, footer { color: var(--quiet); font-size: .9rem; }
ul.verdict { background: var(--panel); border-left: 4px solid #0072B2; margin: 1.2rem 0;
  padding: .8rem 1rem .8rem 2rem; }
ul.verdict li { margin: .3rem 0; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: right;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: 600; }
svg { display: block; height: auto; max-width: 100%; }
figure, details { margin: 1rem 0; }
"""


def audit_page(audit: Audit) -> bytes:
    """The whole page, UTF-8. Every text from the corpus is escaped."""
    title = _text(f"Audit of {audit.corpus}")
    negatives, positives = audit.files
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{title}</h1>",
        f'<p class="quiet">{_text(audit.root)}, read as {_text(audit.layout)}: {negatives:,} '
        f"negative and {positives:,} positive files</p>",
        '<ul class="verdict">',
        *(f"<li>{_text(sentence)}</li>" for sentence in verdicts(audit)),
        "</ul>",
        *(_plot(name, figure) for name, figure in audit_plots(audit).items()),
        *(_table(table) for table in tables(audit)),
        *_left_out(audit),
        f"</main><footer>elascope {_text(__version__)}</footer></body></html>",
    ]
    return ("\n".join(parts) + "\n").encode("utf-8")


def audit_plots(audit: Audit) -> dict[str, Figure]:
    """Name to plot; what the corpus gives nothing for is not there."""
    plots: dict[str, Figure] = {}
    if audit.readability:
        plots["readability"] = intervals(
            "The label read from one feature of the file, without pixels",
            "balanced accuracy with 95 % interval; the line is chance",
            {r.feature: (r.balanced_accuracy, r.low, r.high) for r in audit.readability},
            chance=0.5,
        )
    for name, title in (
        ("kind", "Files by kind"),
        ("format", "Files by format"),
        ("luma table", "JPEG files by luma quantisation table, the most frequent"),
    ):
        if len(audit.counts.get(name, ())) > 1:
            rows = dict(list(audit.counts[name].items())[:_BARS])
            plots[name.replace(" ", "-")] = count_bars(title, rows, _SERIES)
    if "quality" in audit.counts:
        qualities = {int(quality): pair for quality, pair in audit.counts["quality"].items()}
        plots["quality"] = count_histogram(
            "Quality of the last save, estimated", "IJG quality", qualities, _SERIES
        )
    if audit.sizes:
        sizes = {(width, height): (n, p) for width, height, n, p in audit.sizes}
        plots["sizes"] = size_scatter(
            "Sizes; the area of a mark is its number of files", sizes, _SERIES
        )
    if audit.sources.files_per_source:
        plots["sources"] = _source_plot(audit.sources.files_per_source)
    return plots


def _source_plot(files_per_source: Mapping[str, int]) -> Figure:
    counts = {int(files): (number,) for files, number in files_per_source.items()}
    return count_histogram(
        "Files made from one source picture", "files of a source", counts, ("sources",), "sources"
    )


def _plot(name: str, figure: Figure) -> str:
    return f"<figure>{inline_svg(figure, name)}</figure>"


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in table.header)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in table.rows)
    note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
    return (
        f'<h2>{_text(table.title)}</h2><div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{_text(cell)}</td>" for cell in row)


def _left_out(audit: Audit) -> list[str]:
    if not audit.left_out:
        return []
    table = left_out(audit)
    lines = "".join(f"<li>{_text(row[0])}</li>" for row in table.rows)
    count = len(table.rows)
    return [
        f"<h2>{_text(table.title)}</h2><details><summary>{count:,} "
        f"{'line' if count == 1 else 'lines'}</summary><ul>{lines}</ul></details>"
    ]


def _text(text: str) -> str:
    return html.escape(one_line(text))
