"""A scan with its journal: what is done is kept, what was done before is not done again."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from app import __version__
from app.analysis.recompress import encoder_identity
from app.errors import ModelRefusedError
from app.scan.files import walk_files
from app.scan.journal import Journal
from app.scan.pool import Done, Known, nothing_known
from app.scan.results import Account, ModelFacts, Preview
from app.scan.rows import SCHEMA, Row
from app.scan.work import Outcome


class Engine(Protocol):
    """Judges files somewhere: in worker processes here, or on several machines.

    Attributes:
        models: that are asked; known once `start` has returned.
        refusals: on installed models that cannot be asked.
        jobs: files that are judged at once, at most.
        memory: bytes that each of them may take beside program and models.
    """

    models: tuple[ModelFacts, ...]
    refusals: tuple[ModelRefusedError, ...]
    jobs: int
    memory: int

    def __enter__(self) -> "Engine":
        """For ``with``, at whose end it is closed."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""

    def start(self, stop: threading.Event | None = None) -> None:
        """As `app.scan.pool.Scan.start`."""

    def run(
        self,
        files: Iterable[tuple[int, Path]],
        stop: threading.Event | None = None,
        known: Known = nothing_known,
    ) -> Iterator[Done]:
        """As `app.scan.pool.Scan.run`."""

    def close(self) -> None:
        """Give up whatever is under way."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Which files are examined.

    Attributes:
        roots: folders and files.
        recursive: whether to go into subfolders.
    """

    roots: Sequence[Path]
    recursive: bool = True

    def files(self, stop: threading.Event | None = None) -> Iterator[Path]:
        """Each of them, in a stable order."""
        return walk_files(self.roots, self.recursive, stop)


def terms_of(models: Sequence[ModelFacts], variations: bool) -> dict[str, str]:
    """What rows depend on: rows under other terms must not stand in one report."""
    return {
        "the trial of answers with mild changes": "on" if variations else "off",
        "the program's version": __version__,
        "the JPEG encoder": encoder_identity().fingerprint,
        "the set of columns": str(SCHEMA),
        **{f"the model {facts.card.name}": facts.sha256[:16] for facts in models},
    }


class Examination:
    """Runs an engine over the files of a walk and keeps every row in a journal.

    Attributes:
        kept: rows of before that still stood.
        walked: all files have been met.
        reached: files that have been met so far.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        walk: Walk,
        rehash: bool | None = None,
        variations: bool = True,
    ) -> None:
        """Prepare it.

        Args:
            engine: started.
            journal: new, or resumed.
            walk: the files.
            rehash: for a resumed journal, whether files of before are hashed again, beside the
                comparison of their size and time; None for a new journal.
            variations: whether the engine tries its answers.

        Raises:
            JournalRefusedError: the journal's rows were made under other terms.
        """
        journal.agree(terms_of(engine.models, variations))
        journal.go_on()
        self._engine, self._journal, self._walk = engine, journal, walk
        self._rehash = rehash
        self.kept = self.reached = 0
        self.walked = False

    def run(
        self, stop: threading.Event, met: Callable[[], None] = lambda: None
    ) -> Iterator[Outcome]:
        """Judge what is not judged yet; every row is in the journal before it is yielded.

        Args:
            stop: when set, it ends within a moment.
            met: called for each row of before that stands.

        Raises:
            NotWrittenError: the journal takes no more rows; those so far are kept.
            ElascopeError: the engine cannot go on.
        """
        files = self._to_do(stop, met)
        for done in self._engine.run(files, stop, self._journal.with_content):
            self._journal.add(done.number, done.outcome.row, done.outcome.preview)
            yield done.outcome
        if self.walked and not stop.is_set():
            self._journal.finish()

    def _to_do(self, stop: threading.Event, met: Callable[[], None]) -> Iterator[tuple[int, Path]]:
        for number, path in enumerate(self._walk.files(stop)):
            if stop.is_set():
                return
            self.reached += 1
            if self._rehash is not None and self._journal.keep(number, path, self._rehash):
                self.kept += 1
                met()
            else:
                yield number, path
        self.walked = not stop.is_set()


@dataclass(frozen=True, slots=True)
class Journaled:
    """The results that a journal holds; an `app.scan.results.Results`.

    Attributes:
        journal: with the rows.
        account: of the scan.
    """

    journal: Journal
    account: Account

    @property
    def questions(self) -> Sequence[str]:
        """Ids of the questions, in the order of the columns."""
        return self.account.questions

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the files."""
        return self.journal.rows(walked=self.account.complete)

    def preview(self, path: Path) -> Preview | None:
        """The pictures of a conspicuous file, where they were made."""
        return self.journal.preview(path)
