"""What a scan leaves: its rows, and what a reader must know of the scan besides them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.detection.card import ModelCard
from app.detection.verdict import State, Verdict
from app.scan.rows import Row

LIKELY = 0.5
"""Of inconclusive answers those from this score on are conspicuous: more likely so than not."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that was asked.

    Attributes:
        card: as it stands in the model's file.
        sha256: of the model's file.
        provider: the execution provider that really computed.
    """

    card: ModelCard
    sha256: str
    provider: str


@dataclass(frozen=True, slots=True)
class Preview:
    """Small pictures of a conspicuous file, for reports.

    Attributes:
        thumbnail: JPEG file, at most 320 pixels long.
        maps: question id to the map of where over the picture, in the same size, JPEG file.
    """

    thumbnail: bytes
    maps: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Totals:
    """Counts over rows; the statuses add up to ``files``.

    Attributes:
        files: rows.
        statuses: by status.
        states: question id to a count for each state; files without a verdict are in none.
        archives: left alone; they are among the ``unsupported``.
        duplicates: rows whose content was judged under another name.
    """

    files: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    states: dict[str, Counter[State]] = field(default_factory=dict)
    archives: int = 0
    duplicates: int = 0

    def count(self, row: Row) -> None:
        """Take one more row in."""
        self.files += 1
        self.statuses[row.status] += 1
        for verdict in row.verdicts:
            self.states.setdefault(verdict.question, Counter())[verdict.state] += 1
        self.archives += row.is_archive
        self.duplicates += row.duplicate_of is not None


@dataclass(frozen=True, slots=True)
class Account:
    """What a reader must know of a scan besides its rows.

    Attributes:
        roots: folders and files that were given, as text.
        models: that were asked, in the order of their questions.
        parameters: of the scan, name to value as text, in the order to show them.
        started: ISO 8601, UTC.
        ended: ISO 8601, UTC.
        found: files that there are; None when the folder was not walked to its end.
        complete: every file has its row.
    """

    roots: tuple[str, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    ended: str = ""
    found: int | None = None
    complete: bool = True

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of all questions, in the order of the columns."""
        return tuple(question.id for model in self.models for question in model.card.questions)


class Results(Protocol):
    """Rows and account of a scan, from memory or from a journal on disk."""

    @property
    def account(self) -> Account:
        """What stands above the rows."""

    @property
    def questions(self) -> Sequence[str]:
        """Ids of the questions that rows answer, in the order of the columns."""

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the files; each call begins again."""

    def preview(self, path: Path) -> Preview | None:
        """The pictures of a conspicuous file, where they were made."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Results in memory."""

    collected: Sequence[Row]
    questions: Sequence[str]
    account: Account = field(default_factory=Account)
    previews: Mapping[Path, Preview] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the files."""
        return iter(self.collected)

    def preview(self, path: Path) -> Preview | None:
        """The pictures of a conspicuous file, where they were made."""
        return self.previews.get(path)


def conspicuous(verdict: Verdict) -> bool:
    """Whether an answer asks for a look at the picture."""
    if verdict.state is State.INCONCLUSIVE:
        return verdict.score is not None and verdict.score >= LIKELY
    return verdict.state is State.POSITIVE


def rank_of(row: Row) -> tuple[bool, float] | None:
    """How conspicuous a file is: positive before inconclusive, then by score; None if it is not."""
    asking = [verdict for verdict in row.verdicts if conspicuous(verdict)]
    ranks = ((verdict.state is State.POSITIVE, verdict.score or 0.0) for verdict in asking)
    return max(ranks, default=None)
