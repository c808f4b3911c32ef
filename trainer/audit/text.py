"""An audit as plain text for a terminal, at most `WIDTH` columns wide."""

import textwrap

from app.names import one_line
from trainer.audit.findings import Audit
from trainer.audit.words import left_out, tables, verdicts
from trainer.drawing.tables import Table

WIDTH = 100

_LINES_LEFT_OUT = 12


def audit_text(audit: Audit) -> str:
    """Verdict first, then every table."""
    negatives, positives = audit.files
    parts = [
        f"{one_line(audit.corpus)} ({audit.layout}): {negatives:,} negative and {positives:,} "
        "positive files",
        "\n".join(
            textwrap.fill(sentence, WIDTH, initial_indent="- ", subsequent_indent="  ")
            for sentence in verdicts(audit)
        ),
        *(_table(table) for table in tables(audit)),
    ]
    if audit.left_out:
        parts.append(_left_out(left_out(audit)))
    return "\n\n".join(parts) + "\n"


def _left_out(table: Table) -> str:
    lines = [one_line(row[0]) for row in table.rows[:_LINES_LEFT_OUT]]
    if len(table.rows) > _LINES_LEFT_OUT:
        lines.append(f"and {len(table.rows) - _LINES_LEFT_OUT:,} more")
    return "\n".join([table.title, *(_wrapped(line) for line in lines)])


def _table(table: Table) -> str:
    rows = [table.header, *(tuple(map(one_line, row)) for row in table.rows)]
    if len(table.header) == 1:
        lines = [_wrapped(row[0]) for row in rows[1:]]
    else:
        widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
        widths[0] = min(widths[0], WIDTH - 2 - sum(width + 2 for width in widths[1:]))
        lines = [_line(row, widths) for row in rows]
    if table.note:
        lines.append(_wrapped(table.note))
    return "\n".join([table.title, *lines])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  " + "  ".join((first.ljust(widths[0]), *numbers))


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
