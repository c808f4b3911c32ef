"""Text as HTML. Names of files, and what models say of themselves, are hostile until escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from app.names import one_line


def text(value: str) -> str:
    """Text with names in it: no markup, no line end, nothing that turns the direction."""
    return escape(one_line(value))


def prose(value: str) -> str:
    """Sentences that may be wrapped, escaped as `text`."""
    return text(" ".join(value.split()))


def count(number: int) -> str:
    """A number with its thousands divided."""
    return f"{number:,}"


def counted(number: int, singular: str, plural: str) -> str:
    """A number with its noun."""
    return f"{count(number)} {singular if number == 1 else plural}"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with their values, as a list.

    Args:
        pairs: name as text, value as HTML.
    """
    lines = (f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in pairs)
    return f'<dl class="facts">{"".join(lines)}</dl>'


def listing(items: Iterable[str]) -> str:
    """Sentences as a list."""
    return f"<ul>{''.join(f'<li>{prose(item)}</li>' for item in items)}</ul>"


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    footer: Sequence[str] | None = None,
) -> str:
    """A table whose first column names the rows.

    Args:
        caption: text above it; empty for none.
        header: text above each column.
        rows: a text for each column; those after the first are numbers or short.
        footer: a last row, of sums.
    """
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
    body = "".join(_row(row) for row in rows)
    foot = f"<tfoot>{_row(footer)}</tfoot>" if footer else ""
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{title}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody>{foot}</table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return (
        f'<tr><th scope="row">{text(first)}</th>'
        f"{''.join(f'<td>{text(cell)}</td>' for cell in others)}</tr>"
    )


def details(summary: str, content: str) -> str:
    """HTML that is folded away under a text."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"
