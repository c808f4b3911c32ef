"""Rows as text and back, for the journal."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from app.detection.verdict import State, Verdict
from app.evidence.decode import DecodeRecord
from app.scan.rows import Row


def to_document(row: Row) -> str:
    """Everything of a row but its path, which is kept beside it; ASCII, one line."""
    values: dict[str, Any] = {
        field.name: getattr(row, field.name)
        for field in dataclasses.fields(row)
        if field.name not in ("path", "record", "verdicts", "duplicate_of")
    }
    values["record"] = dataclasses.asdict(row.record) if row.record else None
    values["verdicts"] = [dataclasses.asdict(verdict) for verdict in row.verdicts]
    first = row.duplicate_of
    values["duplicate_of"] = os.fsencode(first).hex() if first is not None else None
    return json.dumps(values, separators=(",", ":"))


def from_document(path: Path, document: str) -> Row:
    """The row that `to_document` wrote.

    Raises:
        ValueError, TypeError, KeyError: the document is none of its own.
    """
    values = json.loads(document)
    record, first = values["record"], values["duplicate_of"]
    if record is not None:
        record = DecodeRecord(**{**record, "conversions": tuple(record["conversions"])})
    verdicts = tuple(Verdict(**{**v, "state": State(v["state"])}) for v in values["verdicts"])
    duplicate_of = None if first is None else Path(os.fsdecode(bytes.fromhex(first)))
    return Row(
        **{
            **values,
            "path": path,
            "record": record,
            "verdicts": verdicts,
            "duplicate_of": duplicate_of,
        }
    )
