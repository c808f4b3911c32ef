"""What all report formats share: the columns, and how they are written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.atomic import write_stream
from app.names import printable
from app.scan.results import Results
from app.scan.rows import SCHEMA, Row

Cell = str | int | float | None

_FILE_COLUMNS = (
    "schema",
    "path",
    "sha256",
    "bytes",
    "format",
    "width",
    "height",
    "status",
    "message",
    "duplicate_of",
)
_VERDICT_COLUMNS = (
    "state",
    "score",
    "low",
    "high",
    "model",
    "model_sha256",
    "provider",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Report:
    """One format.

    A scan may have a million rows, so none of the formats holds them all: ``write_to`` takes them
    one after the other from `Results.rows` and writes each before the next.

    Attributes:
        id: also the flag's name and the file's suffix.
        title: for the window's dialog.
        write_to: writes the whole report to a binary stream; equal results give equal bytes.
    """

    id: str
    title: str
    write_to: Callable[[BinaryIO, Results], None]

    def write(self, target: Path, results: Results) -> None:
        """Write the report of ``results`` to ``target`` whole, or leave what is there.

        Raises:
            NotWrittenError: the target cannot be written.
        """
        write_stream(target, lambda stream: self.write_to(stream, results))


def columns(questions: Iterable[str]) -> list[str]:
    """Column names for the given question ids, in their order."""
    return [
        *_FILE_COLUMNS,
        *(f"{question}_{name}" for question in questions for name in _VERDICT_COLUMNS),
    ]


def cells(row: Row, questions: Iterable[str]) -> dict[str, Cell]:
    """Column name to value. What is not known is None.

    When several models answer the same question, the row keeps the first one's answer here;
    the command line refuses such a choice of models beforehand.
    """
    values: dict[str, Cell] = dict.fromkeys(columns(questions))
    values |= {
        "schema": SCHEMA,
        "path": printable(str(row.path)),
        "sha256": row.sha256 or None,
        "bytes": row.size,
        "format": row.record.format if row.record else None,
        "width": row.record.width if row.record else None,
        "height": row.record.height if row.record else None,
        "status": row.status,
        "message": printable(row.message),
        "duplicate_of": printable(str(row.duplicate_of)) if row.duplicate_of else None,
    }
    for verdict in reversed(row.verdicts):
        values |= {
            f"{verdict.question}_state": verdict.state.value,
            f"{verdict.question}_score": _rounded(verdict.score),
            f"{verdict.question}_low": _rounded(verdict.low),
            f"{verdict.question}_high": _rounded(verdict.high),
            f"{verdict.question}_model": verdict.model,
            f"{verdict.question}_model_sha256": verdict.model_sha256,
            f"{verdict.question}_provider": verdict.provider or None,
            f"{verdict.question}_reason": verdict.reason,
        }
    return values


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
