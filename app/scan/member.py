"""What a process of a cluster keeps for a scan: it knows nothing of the cluster itself.

Each thread of the cluster's process has a `Scan` with one worker process of its own, as on a
single machine: a crash, a hang or a lack of memory ends that process and costs one file, never
the cluster's. Before anything is judged the member compares itself with the machine that the scan
was started on, whenever it joins: rows of unlike machines must not stand in one report.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.detection.library import ModelChoice
from app.errors import CancelledError, ElascopeError, ModelRefusedError
from app.paths import backbone_folders, model_folders
from app.scan.likeness import Output, Place, likeness_here, unlike
from app.scan.pool import Limits, Scan
from app.scan.results import ModelFacts
from app.scan.rows import Row
from app.scan.work import Outcome, Setup

_IDLE_SECONDS = 60.0
"""After which worker processes and their models are let go: the scan's owner may be gone."""

_REMEMBERED = 4096
"""Rows by content that a member keeps, so that it judges the same content once."""


@dataclass(frozen=True, slots=True)
class Session:
    """A scan, as its members know it.

    Attributes:
        token: its name, unlike that of any other.
        setup: what is done to a file; the folders of its models are each machine's own.
        limits: for one file.
        neighbours: files that are judged at once on one machine, which share its memory.
        likeness: what must be the same on every machine, name in words to value.
        asked: models as the first member has loaded them; None as long as that is not known.
        places: to be examined.
        output: that maps are written into.
    """

    token: str
    setup: Setup
    limits: Limits
    neighbours: int
    likeness: Mapping[str, str]
    asked: Mapping[str, str] | None = None
    places: tuple[Place, ...] = ()
    output: Output | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A member that is like the others.

    Attributes:
        host: name of its machine.
        models: that it has loaded.
        refusals: on installed models that cannot be asked.
        memory: bytes that a file may take there.
    """

    host: str
    models: tuple[ModelFacts, ...]
    refusals: tuple[ModelRefusedError, ...]
    memory: int

    @property
    def asked(self) -> dict[str, str]:
        """The models by name, as their digests."""
        return {f"the model {facts.card.name}, as loaded": facts.sha256 for facts in self.models}


class Member:
    """A process's part in one scan. Its methods may be called by several threads at once."""

    def __init__(self, session: Session, name: str) -> None:
        """Prepare it.

        Args:
            session: the scan.
            name: by which sentences call this process.
        """
        self._name = name
        # Each machine has its models where it was installed.
        models = ModelChoice(model_folders(), backbone_folders(), session.setup.models.names)
        self._setup = replace(session.setup, models=models)
        self._limits = replace(session.limits, memory=session.limits.memory_of(session.neighbours))
        self._admitting, self._lock = threading.Lock(), threading.Lock()
        self._admitted: Admitted | None = None
        self._idle: list[Scan] = []
        self._busy = 0
        self._used = time.monotonic()
        self._stop = threading.Event()
        self._rows = _Rows()

    def admit(self, session: Session) -> Admitted:
        """Compare this machine with what ``session`` says, once, and load the models.

        Raises:
            ElascopeError: it differs.
            CancelledError: the scan has ended.
        """
        with self._admitting:
            if self._admitted is not None:
                return self._admitted
            for place in session.places:
                self._refuse(place.difference())
            if session.output is not None:
                self._refuse(session.output.difference())
            try:
                here = likeness_here(self._setup.models)
            except ModelRefusedError as error:
                raise ElascopeError(f"The worker {self._name}: {error.sentence}") from error
            self._refuse(unlike(here, session.likeness))
            with self._scan() as scan:
                admitted = Admitted(socket.gethostname(), scan.models, scan.refusals, scan.memory)
            if session.asked is not None:
                self._refuse(unlike(admitted.asked, session.asked))
            self._admitted = admitted
            return admitted

    def judge(self, path: Path) -> Outcome:
        """Judge one file, or repeat the row of the same content.

        Raises:
            ElascopeError: worker processes do not start any more.
            CancelledError: the scan has ended.
        """
        with self._scan() as scan:
            outcomes = [
                done.outcome for done in scan.judge([(0, path)], self._stop, self._rows.get)
            ]
            if not outcomes:
                raise CancelledError("Cancelled.")
            self._rows.add(outcomes[0].row)
            return outcomes[0]

    def close(self) -> None:
        """End all that is under way; that takes a moment, which is not waited for."""
        self._stop.set()
        self._close_idle()

    def close_if_idle(self) -> bool:
        """Close it if it has had nothing to do for a while, and say whether it did."""
        with self._lock:
            idle = not self._busy and time.monotonic() - self._used > _IDLE_SECONDS
            if idle:
                self._stop.set()
        if idle:
            self._close_idle()
        return idle

    @contextlib.contextmanager
    def _scan(self) -> Iterator[Scan]:
        """A started scan with one worker process, for one thread."""
        with self._lock:
            if self._stop.is_set():
                raise CancelledError("Cancelled.")
            self._busy += 1
            scan = self._idle.pop() if self._idle else None
        try:
            if scan is None:
                scan = Scan(self._setup, 1, self._limits)
                scan.start(self._stop)
            yield scan
        except BaseException:
            if scan is not None:
                scan.close()
            scan = None
            raise
        finally:
            with self._lock:
                self._busy -= 1
                self._used = time.monotonic()
                if scan is not None:
                    self._idle.append(scan)
            if self._stop.is_set():
                self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for scan in idle:
            scan.close()

    def _refuse(self, difference: str) -> None:
        if difference:
            raise ElascopeError(f"The worker {self._name} {difference}.")


@dataclass(slots=True)
class _Rows:
    """The last rows by content."""

    rows: OrderedDict[str, Row] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, sha256: str) -> Row | None:
        with self.lock:
            return self.rows.get(sha256)

    def add(self, row: Row) -> None:
        if not row.sha256:
            return
        with self.lock:
            self.rows.setdefault(row.sha256, row)
            if len(self.rows) > _REMEMBERED:
                self.rows.popitem(last=False)


_members: dict[str, Member] = {}
"""By the session's token. A process of the cluster has no owner of ours that could hold them:
each task comes with nothing but its arguments."""

_ended: deque[str] = deque(maxlen=1000)
"""Tokens of scans that are over: a task that was on its way must not begin one again."""

_members_lock = threading.Lock()


def member_of(session: Session, name: str) -> Member:
    """The process's member of ``session``, which may be new; ``name`` is for sentences.

    Raises:
        CancelledError: the scan has ended.
    """
    with _members_lock:
        if session.token in _ended:
            raise CancelledError("Cancelled.")
        member = _members.get(session.token)
        if member is None:
            # Dask's nanny starts its workers as daemons, which may have no processes of their own.
            # Ours end when the pipe to this process closes, however that comes about.
            multiprocessing.current_process().daemon = False
            member = _members[session.token] = Member(session, name)
            if len(_members) == 1:
                threading.Thread(target=_tidy, daemon=True).start()
        return member


def leave(token: str) -> None:
    """End this process's part in a scan."""
    with _members_lock:
        _ended.append(token)
        member = _members.pop(token, None)
    if member is not None:
        member.close()


def _tidy() -> None:
    """Let go of members whose scan seems to have gone, as long as there are any."""
    while True:
        time.sleep(_IDLE_SECONDS / 6)
        with _members_lock:
            for token in [t for t, member in _members.items() if member.close_if_idle()]:
                del _members[token]
            if not _members:
                return
