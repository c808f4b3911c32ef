"""CSV as RFC 4180 describes it, in UTF-8, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Sequence

from app.report.base import Cell, Report, cells, columns
from app.scan.rows import Row

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_csv(rows: Sequence[Row], questions: Sequence[str]) -> bytes:
    """The whole file, with a header line and CRLF line ends."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns(questions), lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _safe(value) for name, value in cells(row, questions).items()})
    return stream.getvalue().encode("utf-8")


def _safe(value: Cell) -> Cell:
    """Keep a spreadsheet from reading text as a formula (OWASP, "CSV Injection").

    A leading apostrophe marks such a cell as text; whoever reads the file by program takes one
    leading apostrophe away.
    """
    if isinstance(value, str) and value.startswith((*_FORMULA_STARTS, "'")):
        return "'" + value
    return value


CSV = Report("csv", "CSV table", render_csv)
