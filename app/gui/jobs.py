"""Work off the GUI thread: the latest request wins, long streams arrive in slices.

The work itself is plain Python without Qt. A request captures its inputs when it is made; a
reply to a request that is no longer wanted is dropped.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal

from app.errors import ElascopeError

Work = Callable[[threading.Event], Any]

_SLICE_SECONDS = 0.008
"""Longest time that a stream may keep the GUI thread at once."""


def as_expected(error: Exception) -> ElascopeError:
    """Any exception as one with a sentence; a fault of the program names its type."""
    if isinstance(error, ElascopeError):
        return error
    if isinstance(error, MemoryError):
        return ElascopeError("Memory ran out.", repr(error))
    return ElascopeError(f"This failed unexpectedly ({type(error).__name__}).", repr(error))


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    """One request with everything that it needs."""

    key: object
    work: Work
    done: Callable[[Any], None]
    failed: Callable[[ElascopeError], None]
    stop: threading.Event = field(default_factory=threading.Event)


class _Runner(QRunnable):
    """Runs a function on a pool thread."""

    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__()
        self._function = function

    def run(self) -> None:
        self._function()


class Channel(QObject):
    """Requests of one kind, one at a time.

    A request with the same key as the running one waits for it, replacing an older waiting
    one: while a slider is dragged, pictures keep coming and the last value is the last picture.
    A request with another key stops the running one and its reply is dropped.
    """

    _finished = Signal(object, object, object)  # ticket, value, error

    def __init__(self, pool: QThreadPool, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = pool
        self._running: _Ticket | None = None
        self._waiting: _Ticket | None = None
        self._finished.connect(self._deliver)

    def request(
        self,
        key: object,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[ElascopeError], None],
    ) -> None:
        """Run ``work`` on a thread; then call ``done`` or ``failed`` on the GUI thread."""
        ticket = _Ticket(key, work, done, failed)
        if self._running is None:
            self._start(ticket)
            return
        if self._running.key != key:
            self._running.stop.set()
        self._waiting = ticket

    def drop(self) -> None:
        """Forget every request."""
        self._waiting = None
        if self._running:
            self._running.stop.set()

    @property
    def busy(self) -> bool:
        """Whether a request is running or waiting."""
        return self._running is not None

    def _start(self, ticket: _Ticket) -> None:
        self._running = ticket

        def run() -> None:
            value: Any = None
            error: ElascopeError | None = None
            try:
                value = ticket.work(ticket.stop)
            except Exception as raised:
                error = as_expected(raised)
            try:
                self._finished.emit(ticket, value, error)
            except RuntimeError:
                # The window was closed while this ran; its Qt objects are gone.
                return

        self._pool.start(_Runner(run))

    def _deliver(self, ticket: _Ticket, value: Any, error: ElascopeError | None) -> None:
        self._running = None
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._start(waiting)
        if ticket.stop.is_set():
            return
        if error is not None:
            ticket.failed(error)
        else:
            ticket.done(value)


class Stream(QObject):
    """A generator on a thread of its own, its items handed over in short slices.

    Signals:
        items: a list of new items.
        ended: nothing more comes; the error, or None.
    """

    items = Signal(list)
    ended = Signal(object)

    def __init__(
        self, generate: Callable[[threading.Event], Iterator[Any]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._generate = generate
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
        self._timer = QTimer(self, interval=40)
        self._timer.timeout.connect(self._drain)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._timer.start()

    def stop(self) -> None:
        """Ask the generator to end; what it has yielded still arrives."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def wait(self) -> None:
        """Block until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        error: ElascopeError | None = None
        try:
            for item in self._generate(self._stop):
                self._queue.put((item,))
        except Exception as raised:
            error = as_expected(raised)
        self._queue.put(_End(error))

    def _drain(self) -> None:
        until = time.monotonic() + _SLICE_SECONDS
        arrived: list[Any] = []
        end: _End | None = None
        while time.monotonic() < until:
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(entry, _End):
                end = entry
                break
            arrived.append(entry[0])
        if arrived:
            self.items.emit(arrived)
        if end:
            self._timer.stop()
            self.ended.emit(end.error)


@dataclass(frozen=True, slots=True)
class _End:
    """Last entry of a stream's queue."""

    error: ElascopeError | None
