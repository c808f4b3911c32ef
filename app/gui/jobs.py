"""Work off the GUI thread: the latest request wins, long streams arrive in slices.

The work itself is plain Python without Qt. A request captures its inputs when it is made; a
reply to a request that is no longer wanted is dropped.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal
from shiboken6 import isValid

from app.errors import CancelledError, ElascopeError

Work = Callable[[threading.Event], Any]

_SLICE_SECONDS = 0.008
"""Longest time that a stream may keep the GUI thread at once."""

_AHEAD = 1000
"""Items that a stream's generator may be ahead of the GUI thread. One that has everything at hand
would otherwise keep Python's lock from the window until it has yielded all of it."""


def as_expected(error: Exception) -> ElascopeError:
    """Any exception as one with a sentence; a fault of the program names its type."""
    if isinstance(error, ElascopeError):
        return error
    if isinstance(error, MemoryError):
        return ElascopeError("Memory ran out.", repr(error))
    return ElascopeError(f"This failed unexpectedly ({type(error).__name__}).", repr(error))


@dataclass(slots=True, eq=False)
class _Ticket:
    """One request with everything that it needs.

    Attributes:
        channel: takes the replies on the GUI thread; None when all is over.
        key: what the request is about.
        work: done on a thread.
        done: takes each reply on the GUI thread.
        failed: takes the error on the GUI thread.
        stop: asks the work to end.
        dropped: nobody wants its replies any more.
        replies: delivered so far.
    """

    channel: "Channel | None"
    key: object
    work: Work
    done: Callable[[Any], None]
    failed: Callable[[ElascopeError], None]
    stop: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    replies: int = 0

    def forget(self) -> None:
        """Hold nothing more: Qt may keep the runner, and so the ticket, for a while.

        Neither may pictures stay that long, nor may the thread be the last to hold a widget.
        """
        self.channel = self.key = None
        self.work = self.done = self.failed = _nothing


def _nothing(_: object) -> None:
    """Stands where a finished request had its functions."""


class _Relay(QObject):
    """Takes replies from the threads of a pool to the channels on the GUI thread.

    A channel goes with its image or its window, or as soon as it has replied, on the GUI thread
    and whatever a thread of the pool does just then; a signal that is emitted while its object
    is destroyed brings the program down. So no thread touches a channel. All of a pool emit the
    signals of one relay, which is a child of the pool: Qt destroys the children of a pool after
    the pool has waited for its threads. The relay looks for the channel on the GUI thread,
    where alone channels are destroyed; there it is either whole or gone.

    No lock is held, so none can be waited for: to emit is to post an event to the GUI thread.
    """

    replied = Signal(object, object)  # ticket, value
    ended = Signal(object, object)  # ticket, error

    def __init__(self, pool: QThreadPool) -> None:
        super().__init__(pool)
        self.replied.connect(self._deliver)
        self.ended.connect(self._end)

    def _deliver(self, ticket: _Ticket, value: Any) -> None:
        if ticket.channel and isValid(ticket.channel):
            ticket.channel.deliver(ticket, value)

    def _end(self, ticket: _Ticket, error: ElascopeError | None) -> None:
        if ticket.channel and isValid(ticket.channel):
            ticket.channel.end(ticket, error)
        ticket.forget()


class _Runner(QRunnable):
    """Does the work of a ticket on a pool thread."""

    def __init__(self, ticket: _Ticket, relay: _Relay) -> None:
        super().__init__()
        self._ticket = ticket
        self._relay = relay

    def run(self) -> None:
        ticket = self._ticket
        error: ElascopeError | None = None
        try:
            value = ticket.work(ticket.stop)
            for item in value if isinstance(value, Iterator) else (value,):
                self._relay.replied.emit(ticket, item)
        except CancelledError:
            pass
        except Exception as raised:
            error = as_expected(raised)
        # While the pool is being destroyed Python takes its relay for gone already.
        with contextlib.suppress(RuntimeError):
            self._relay.ended.emit(ticket, error)


class Channel(QObject):
    """Requests of one kind, one at a time.

    A request with the same key as the running one waits until that has replied, replacing an
    older waiting one: while a slider is dragged, pictures keep coming and the last value is the
    last picture. A request with another key stops the running one and its reply is dropped.

    Work that returns an iterator replies with each of its items: first a coarse picture, then
    a finer one. Of such work a waiting request leaves only the first reply; then it is stopped.
    """

    def __init__(self, pool: QThreadPool, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = pool
        self._relay = pool.findChild(_Relay) or _Relay(pool)
        self._running: _Ticket | None = None
        self._waiting: _Ticket | None = None

    def request(
        self,
        key: object,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[ElascopeError], None],
    ) -> None:
        """Run ``work`` on a thread; then call ``done`` or ``failed`` on the GUI thread."""
        ticket = _Ticket(self, key, work, done, failed)
        if self._running is None:
            self._start(ticket)
            return
        if self._running.key != key:
            self._running.dropped = True
            self._running.stop.set()
        elif self._running.replies:
            self._running.stop.set()
        self._waiting = ticket

    def drop(self) -> None:
        """Forget every request."""
        self._waiting = None
        if self._running:
            self._running.dropped = True
            self._running.stop.set()

    @property
    def busy(self) -> bool:
        """Whether a request is running or waiting."""
        return self._running is not None

    def _start(self, ticket: _Ticket) -> None:
        self._running = ticket
        self._pool.start(_Runner(ticket, self._relay))

    def deliver(self, ticket: _Ticket, value: Any) -> None:
        """Take a reply of the running request; for the relay."""
        if ticket.dropped:
            return
        ticket.replies += 1
        if self._waiting:
            ticket.stop.set()
        ticket.done(value)

    def end(self, ticket: _Ticket, error: ElascopeError | None) -> None:
        """Take the end of the running request, and start the waiting one; for the relay."""
        self._running = None
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._start(waiting)
        if error is not None and not ticket.dropped:
            ticket.failed(error)


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
                while self._queue.qsize() >= _AHEAD and not self._stop.is_set():
                    time.sleep(0.01)
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
