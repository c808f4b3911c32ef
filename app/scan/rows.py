"""One row per file: either values, or the reason why there are none."""

from dataclasses import dataclass, field
from pathlib import Path

from app.detection.verdict import Verdict
from app.errors import ElascopeError
from app.evidence.decode import DecodeRecord
from app.evidence.file import EvidenceFile

SCHEMA = 4
"""Version of the columns in every report (README, "The report")."""

STATUSES = (
    "ok",
    "unreadable",
    "unsupported",
    "broken",
    "too_large",
    "timed_out",
    "crashed",
    "error",
)
"""Every status that a row can have."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a scan says of one file.

    Attributes:
        path: as found.
        status: ``ok``, or an error's ``status``; one of `STATUSES`.
        message: the error's sentence; empty for ``ok``.
        sha256: empty when the file could not be read.
        size: in bytes; None when the file could not be read.
        record: how it was decoded; None if it was not.
        verdicts: one for each question of each model.
        detail: of an error, for the log.
        modified_ns: time of last modification of what was read, in nanoseconds since 1970.
        duplicate_of: the file with the same content that was judged in its place; else None.
        kind: what the content is when it is no supported image, such as ``a ZIP archive``.
    """

    path: Path
    status: str
    message: str = ""
    sha256: str = ""
    size: int | None = None
    record: DecodeRecord | None = None
    verdicts: tuple[Verdict, ...] = ()
    detail: str = field(default="", repr=False)
    modified_ns: int | None = None
    duplicate_of: Path | None = None
    kind: str = ""

    @property
    def is_archive(self) -> bool:
        """Whether the file is an archive, which is left alone."""
        return self.kind.endswith("archive")


def error_row(
    path: Path,
    error: ElascopeError,
    evidence: EvidenceFile | None = None,
    record: DecodeRecord | None = None,
) -> Row:
    """The row of a file that gave no verdict, with whatever is known of it."""
    return Row(
        path=path,
        status=error.status,
        message=error.sentence,
        sha256=evidence.sha256 if evidence else "",
        size=evidence.size if evidence else None,
        record=record,
        detail=error.detail,
        modified_ns=evidence.modified_ns if evidence else None,
        kind=evidence.kind if evidence else "",
    )
