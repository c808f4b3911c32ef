"""CSV as RFC 4180 describes it, in UTF-8, safe to open in a spreadsheet."""

import codecs
import csv
from typing import BinaryIO

from app.report.base import Cell, Report, cells, columns
from app.scan.results import Results

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(stream: BinaryIO, results: Results) -> None:
    """The whole file, with a header line and CRLF line ends."""
    questions = results.questions
    # No TextIOWrapper: it would close the stream, which is another's.
    text = codecs.getwriter("utf-8")(stream)
    writer = csv.DictWriter(text, columns(questions), lineterminator="\r\n")
    writer.writeheader()
    for row in results.rows():
        writer.writerow({name: _safe(value) for name, value in cells(row, questions).items()})


def _safe(value: Cell) -> Cell:
    """Keep a spreadsheet from reading text as a formula (OWASP, "CSV Injection").

    A leading apostrophe marks such a cell as text; whoever reads the file by program takes one
    leading apostrophe away.
    """
    if isinstance(value, str) and value.startswith((*_FORMULA_STARTS, "'")):
        return "'" + value
    return value


CSV = Report("csv", "CSV table", write_csv)
