"""JSON: the same rows with the decode records, error details and versions."""

import dataclasses
import json
from collections.abc import Sequence

from app import __version__
from app.analysis.recompress import encoder_identity
from app.report.base import Report, cells
from app.scan.rows import SCHEMA, Row


def render_json(rows: Sequence[Row], questions: Sequence[str]) -> bytes:
    """One object with ``schema``, the versions, and ``rows``; UTF-8, indented by one."""
    document = {
        "schema": SCHEMA,
        "program": f"elascope {__version__}",
        "encoder": dataclasses.asdict(encoder_identity()),
        "questions": list(questions),
        "rows": [
            cells(row, questions)
            | {
                "decode": dataclasses.asdict(row.record) if row.record else None,
                "providers": sorted({v.provider for v in row.verdicts if v.provider}),
                "detail": row.detail or None,
            }
            for row in rows
        ],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


JSON = Report("json", "JSON document", render_json)
