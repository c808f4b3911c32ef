"""Many files through several worker processes: none of them can stop the others."""

import multiprocessing.connection
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from app.errors import CancelledError, CrashedError, ElascopeError, ModelRefusedError, TimedOutError
from app.isolation import Worker, cores, memory_of_the_machine
from app.scan.results import ModelFacts
from app.scan.rows import Row, error_row
from app.scan.work import (
    Go,
    Hashed,
    Judged,
    Leave,
    Outcome,
    Read,
    Ready,
    Refused,
    Setup,
    as_duplicate,
    serve,
)

_IN_HAND = 2
"""Files that a worker has at once: one that it judges, one that it reads meanwhile."""

_TRIES = 2
"""A file may bring down this many workers; the first may have died of something else."""

_PATIENCE = 0.1
"""Seconds between two looks at the clock and at the request to stop."""

_START_SECONDS = 300.0
"""For a worker to load its models."""

_LEAST_MEMORY, _MOST_MEMORY = 1 << 30, 16 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take.

    Attributes:
        seconds: after which its worker is ended.
        memory: bytes beside program and models; None for a share of the machine's.
    """

    seconds: float = 300.0
    memory: int | None = None

    def memory_of(self, jobs: int) -> int:
        """Bytes for each of ``jobs`` workers."""
        if self.memory is not None:
            return self.memory
        share = int(0.8 * memory_of_the_machine() / jobs)
        return max(min(share, _MOST_MEMORY), _LEAST_MEMORY)


@dataclass(frozen=True, slots=True)
class Done:
    """A file is done.

    Attributes:
        number: as given with its path.
        outcome: its row, and what was made beside it.
    """

    number: int
    outcome: Outcome


Known = Callable[[str], Row | None]
"""The row of a file with this SHA-256, if one was judged before."""


def nothing_known(_: str) -> None:
    """For scans in which no file was judged before."""


@dataclass(slots=True, eq=False)
class _Task:
    """A file under way."""

    number: int
    path: Path
    deaths: int = 0
    sha256: str = ""
    size: int | None = None
    modified_ns: int | None = None


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker and what it has been given.

    Attributes:
        worker: the process.
        ready: its models are loaded.
        tasks: files that it reads, holds or judges.
        reading: numbers of those that it has not hashed yet, in order.
        judging: numbers of those that it was told to judge, in order.
        since: when it last finished something, or was given something while idle.
    """

    worker: Worker
    since: float
    ready: bool = False
    tasks: dict[int, _Task] = field(default_factory=dict)
    reading: deque[int] = field(default_factory=deque)
    judging: deque[int] = field(default_factory=deque)


class Scan:
    """Judges files in worker processes.

    A worker that crashes or takes too long is replaced; the file that it was at is tried once
    more after a crash and then gets a row that says so. Files with the same content are judged
    once.

    Attributes:
        models: that are asked; known once `start` has returned.
        refusals: on installed models that cannot be asked.
        jobs: workers at most.
        memory: bytes that each of them may take beside program and models.
    """

    def __init__(self, setup: Setup, jobs: int | None = None, limits: Limits | None = None) -> None:
        """Prepare a scan; `start` begins it.

        Args:
            setup: what workers do; its memory is set from ``limits``.
            jobs: workers; by default one for each core.
            limits: for one file.
        """
        self.jobs = jobs or cores()
        self._limits = limits or Limits()
        self.memory = self._limits.memory_of(self.jobs)
        self._setup = replace(setup, memory=self.memory)
        self.models: tuple[ModelFacts, ...] = ()
        self.refusals: tuple[ModelRefusedError, ...] = ()
        self._hands: list[_Hand] = []
        self._again: deque[_Task] = deque()
        self._first: dict[str, _Task] = {}
        self._waiting: dict[str, list[tuple[_Hand, _Task]]] = {}
        self._false_starts = 0

    def __enter__(self) -> "Scan":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, stop: threading.Event | None = None) -> None:
        """Start the first worker and wait until its models are loaded.

        Raises:
            ModelRefusedError: a model that was named cannot be used.
            CancelledError: ``stop`` was set.
            ElascopeError: workers do not start.
        """
        self._hire()
        while not self._hands or not self._hands[0].ready:
            if stop is not None and stop.is_set():
                raise CancelledError("Cancelled.")
            for _ in self._receive(nothing_known):
                pass
            if not self._hands:
                self._hire()

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        for hand in self._hands:
            hand.worker.close()
        self._hands.clear()

    def run(
        self,
        files: Iterable[tuple[int, Path]],
        stop: threading.Event | None = None,
        known: Known = nothing_known,
    ) -> Iterator[Done]:
        """Judge ``files``, yielding each as it is done.

        Args:
            files: numbers and paths; the numbers come back with the rows, whatever they mean.
            stop: when set, no more is yielded, and files under way are given up.
            known: asked for each content before it is judged.

        Raises:
            ElascopeError: workers do not start any more.
        """
        try:
            yield from self.judge(files, stop, known)
        finally:
            self.close()

    def judge(
        self,
        files: Iterable[tuple[int, Path]],
        stop: threading.Event | None = None,
        known: Known = nothing_known,
    ) -> Iterator[Done]:
        """As `run`, but the workers stay for more.

        Unless ``stop`` was set, or this was left in the middle: then only `close` is left to do.
        """
        source = iter(files)
        while not (stop is not None and stop.is_set()):
            self._hand_out(source)
            if not any(hand.tasks for hand in self._hands) and not self._again:
                return
            yield from self._receive(known)

    # Giving -----------------------------------------------------------------------------------

    def _hand_out(self, source: Iterator[tuple[int, Path]]) -> None:
        """Give files to workers that have room, and start workers while there are files."""
        while True:
            hand = min(self._hands, key=lambda one: len(one.tasks), default=None)
            # While models are being loaded, one file for each worker is enough.
            full = hand is None or len(hand.tasks) >= (_IN_HAND if hand.ready else 1)
            if full and len(self._hands) >= self.jobs:
                return
            task = self._next(source)
            if task is None:
                return
            if full or hand is None:
                hand = self._hire()
            if not hand.tasks:
                hand.since = time.monotonic()
            hand.tasks[task.number] = task
            hand.reading.append(task.number)
            hand.worker.send(Read(task.number, task.path))

    def _next(self, source: Iterator[tuple[int, Path]]) -> _Task | None:
        if self._again:
            return self._again.popleft()
        item = next(source, None)
        return None if item is None else _Task(*item)

    def _hire(self) -> _Hand:
        hand = _Hand(Worker(serve, self._setup), time.monotonic())
        self._hands.append(hand)
        return hand

    # Taking -----------------------------------------------------------------------------------

    def _receive(self, known: Known) -> Iterator[Done]:
        """Wait a little for messages, and for workers that have ended or take too long."""
        outboxes = [hand.worker.outbox for hand in self._hands]
        sentinels = [hand.worker.sentinel for hand in self._hands]
        multiprocessing.connection.wait([*outboxes, *sentinels], _PATIENCE)
        now = time.monotonic()
        for hand in list(self._hands):
            ended = not hand.worker.alive
            try:
                while hand.worker.outbox.poll():
                    yield from self._take(hand, hand.worker.outbox.recv(), known)
            except (EOFError, OSError):
                ended = True
            if ended:
                yield from self._bury(hand)
            elif now - hand.since > (self._limits.seconds if hand.ready else _START_SECONDS):
                yield from self._give_up(hand)

    def _take(self, hand: _Hand, message: object, known: Known) -> Iterator[Done]:
        match message:
            case Ready(models, refusals):
                self.models, self.refusals = models, refusals
                self._false_starts = 0
                hand.ready = True
                hand.since = time.monotonic()
            case Refused(error):
                raise error
            case Hashed(number, sha256, size, modified_ns):
                hand.reading.remove(number)
                task = hand.tasks[number]
                task.sha256, task.size, task.modified_ns = sha256, size, modified_ns
                yield from self._direct(hand, task, known)
            case Judged(number, outcome):
                task = hand.tasks.pop(number)
                for numbers in (hand.reading, hand.judging):
                    if number in numbers:
                        numbers.remove(number)
                hand.since = time.monotonic()
                yield from self._finish(task, outcome)

    def _direct(self, hand: _Hand, task: _Task, known: Known) -> Iterator[Done]:
        """Have a hashed file judged, unless the same content is or was."""
        row = known(task.sha256)
        if row is not None:
            yield self._repeat(hand, task, row)
        elif self._first.setdefault(task.sha256, task) is task:
            hand.judging.append(task.number)
            hand.worker.send(Go(task.number))
        else:
            self._waiting.setdefault(task.sha256, []).append((hand, task))

    def _finish(self, task: _Task, outcome: Outcome) -> Iterator[Done]:
        """Hand over a file's outcome, and that of the files that waited for it."""
        yield Done(task.number, outcome)
        if self._first.get(task.sha256) is task:
            del self._first[task.sha256]
            for hand, other in self._waiting.pop(task.sha256, ()):
                yield self._repeat(hand, other, outcome.row)

    def _repeat(self, hand: _Hand, task: _Task, row: Row) -> Done:
        del hand.tasks[task.number]
        hand.worker.send(Leave(task.number))
        return Done(task.number, Outcome(as_duplicate(row, task.path, task.modified_ns)))

    # Workers that are gone --------------------------------------------------------------------

    def _bury(self, hand: _Hand) -> Iterator[Done]:
        """A worker has ended by itself: its file is tried again, or has been often enough."""
        culprit = self._dismiss(hand)
        words = hand.worker.end_in_words()
        if not hand.ready:
            self._failed_to_start(culprit, words)
        elif culprit is not None:
            culprit.deaths += 1
            if culprit.deaths < _TRIES:
                self._again.appendleft(culprit)
            else:
                sentence = f"Not analysed: its process {words}, {_TRIES} times."
                yield from self._lost(culprit, CrashedError(sentence))

    def _give_up(self, hand: _Hand) -> Iterator[Done]:
        """A worker takes too long over a file, or over its models."""
        if hand.ready and not hand.tasks:
            return  # it has nothing to do
        culprit = self._dismiss(hand)
        if not hand.ready:
            self._failed_to_start(culprit, "takes too long to start")
        elif culprit is not None:
            limit = f"{self._limits.seconds:g} s"
            sentence = f"Not analysed: it takes longer than {limit}, which is the limit."
            yield from self._lost(culprit, TimedOutError(sentence))

    def _failed_to_start(self, task: _Task | None, words: str) -> None:
        self._false_starts += 1
        if self._false_starts > _TRIES:
            raise ElascopeError(f"The scan cannot go on: its process {words}, again and again.")
        if task is not None:
            self._again.appendleft(task)

    def _dismiss(self, hand: _Hand) -> _Task | None:
        """End a worker; its files are given to others, but for the one that it was at."""
        hand.worker.close()
        self._hands.remove(hand)
        at = (hand.judging or hand.reading or (None,))[0]
        culprit = hand.tasks.pop(at) if at is not None else None
        for task in reversed(hand.tasks.values()):
            self._again.appendleft(task)
        for waiting in self._waiting.values():
            waiting[:] = [(other, task) for other, task in waiting if other is not hand]
        return culprit

    def _lost(self, task: _Task, error: ElascopeError) -> Iterator[Done]:
        row = replace(
            error_row(task.path, error),
            # Known, so that files with the same content are not tried for ever.
            sha256=task.sha256,
            size=task.size,
            modified_ns=task.modified_ns,
        )
        yield from self._finish(task, Outcome(row))
