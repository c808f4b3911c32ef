"""JSON: the same rows with the decode records, error details and versions."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from app import __version__
from app.analysis.recompress import encoder_identity
from app.names import printable
from app.report.base import Report, cells
from app.scan.results import Results
from app.scan.rows import SCHEMA, Row


def write_json(stream: BinaryIO, results: Results) -> None:
    """One object with ``schema``, the versions, and ``rows``; UTF-8, indented by one."""
    document = {
        "schema": SCHEMA,
        "program": f"elascope {__version__}",
        "encoder": dataclasses.asdict(encoder_identity()),
        "questions": list(results.questions),
        "rows": [],
    }
    # What `_text` gives of the document with all rows in it, without ever having them all.
    before, after = _text(document).rsplit("[]", 1)
    stream.write(f"{before}[".encode())
    between = ""
    for row in results.rows():
        # Line ends in text are escaped, so that those which are left begin a line.
        lines = _text(row_object(row, results.questions)).replace("\n", "\n  ")
        stream.write(f"{between}\n  {lines}".encode())
        between = ","
    stream.write(f"{chr(10) + ' ' if between else ''}]{after}\n".encode())


def row_object(row: Row, questions: Iterable[str]) -> dict[str, Any]:
    """A row's cells, how the file was decoded, what computed the answers, and the error's detail.

    Args:
        row: of a scan.
        questions: ids, in the order of the columns.
    """
    return cells(row, questions) | {
        "decode": dataclasses.asdict(row.record) if row.record else None,
        "providers": sorted({v.provider for v in row.verdicts if v.provider}),
        "detail": printable(row.detail) or None,
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


JSON = Report("json", "JSON document", write_json)
