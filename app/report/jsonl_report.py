"""JSON Lines: one object for each row, for programs that read a report line by line."""

import json
from typing import BinaryIO

from app.report.base import Report
from app.report.json_report import row_object
from app.scan.results import Results

_LINE_ENDS = str.maketrans({end: f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"})
"""What JSON allows inside text, and some readers take for the end of a line."""


def write_jsonl(stream: BinaryIO, results: Results) -> None:
    """The objects that are the rows of the JSON report; UTF-8, no header, each line ends in LF."""
    for row in results.rows():
        line = json.dumps(row_object(row, results.questions), ensure_ascii=False)
        stream.write(f"{line.translate(_LINE_ENDS)}\n".encode())


JSONL = Report("jsonl", "JSON Lines", write_jsonl)
