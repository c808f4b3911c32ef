"""What all report formats share: the columns, and how they are written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.atomic import write_bytes
from app.names import printable
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
)
_VERDICT_COLUMNS = ("state", "score", "low", "high", "model", "model_sha256", "reason")


@dataclass(frozen=True, slots=True)
class Report:
    """One format.

    Attributes:
        id: also the flag's name and the file's suffix.
        title: for the window's dialog.
        render: rows and question ids -> the whole file.
    """

    id: str
    title: str
    render: Callable[[Sequence[Row], Sequence[str]], bytes]

    def write(self, target: Path, rows: Sequence[Row], questions: Sequence[str]) -> None:
        """Write ``rows`` to ``target`` at once, or leave what is there.

        Raises:
            NotWrittenError: the target cannot be written.
        """
        write_bytes(target, self.render(rows, questions))


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
    }
    for verdict in reversed(row.verdicts):
        values |= {
            f"{verdict.question}_state": verdict.state.value,
            f"{verdict.question}_score": _rounded(verdict.score),
            f"{verdict.question}_low": _rounded(verdict.low),
            f"{verdict.question}_high": _rounded(verdict.high),
            f"{verdict.question}_model": verdict.model,
            f"{verdict.question}_model_sha256": verdict.model_sha256,
            f"{verdict.question}_reason": verdict.reason,
        }
    return values


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
