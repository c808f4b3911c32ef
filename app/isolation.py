"""Work in a process of its own, so that what it meets cannot take the program with it.

Decoders are C code that reads hostile files: they crash, hang, and ask for all memory. A `Worker`
is a process that answers messages; whoever owns it notices when it has gone, and may end it. The
two talk through pipes, never sockets.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's mallopt (malloc.h)."""

Serve = Callable[..., None]
"""Runs in the worker: gets the connection to receive from, the one to send to, and the worker's
arguments; the worker ends when it returns. Must be importable by name."""


class Worker:
    """A process that has been started.

    Attributes:
        outbox: what it sends; `multiprocessing.connection.wait` takes it.
    """

    def __init__(self, serve: Serve, *arguments: object) -> None:
        """Start the process; it ends with this one, however that ends.

        Args:
            serve: what it does.
            arguments: for ``serve``; they are pickled.
        """
        # Pickled here, so that nothing is imported there before `_run` has prepared the process.
        work = pickle.dumps((serve, arguments))
        # The only way that every system has, and the only safe one beside threads.
        context = multiprocessing.get_context("spawn")
        its_inbox, self._inbox = context.Pipe(duplex=False)
        self.outbox, its_outbox = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_run, args=(work, its_inbox, its_outbox), daemon=True
        )
        self._process.start()
        its_inbox.close()
        its_outbox.close()

    @property
    def sentinel(self) -> int:
        """Becomes ready when the process has ended."""
        return self._process.sentinel

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def send(self, message: object) -> None:
        """Hand a message over; one to a process that has ended is lost."""
        with contextlib.suppress(OSError):
            self._inbox.send(message)

    def send_bytes(self, data: bytes) -> None:
        """Hand bytes over without pickling them; as `send`."""
        with contextlib.suppress(OSError):
            self._inbox.send_bytes(data)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._inbox.close()
        self.outbox.close()

    def end_in_words(self) -> str:
        """How the process ended, to go on from "its process …"."""
        code = self._process.exitcode
        if code is None:
            return "has not ended"
        if code >= 0:
            return f"ended with status {code}"
        if -code == getattr(signal, "SIGKILL", 9):
            return "was killed by the system, as happens when memory runs out"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"


def _run(work: bytes, inbox: Connection, outbox: Connection) -> None:
    # Ctrl-C goes to the whole group of the terminal; the owner decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # C libraries print on damaged files; that is for nobody.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    _without_core_file()
    # There is a process for each core. NumPy's OpenBLAS would have a thread for each core in each,
    # which wait for work in loops: a scan with the shipped models took a third more time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    serve, arguments = pickle.loads(work)
    with contextlib.suppress(EOFError, BrokenPipeError):  # the owner has gone
        serve(inbox, outbox, *arguments)


def limit_memory(budget: int) -> None:
    """Let this process take ``budget`` more bytes than now; then allocations fail.

    Without effect on Windows, and on macOS, whose kernel does not heed this limit.
    """
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + budget
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def keep_freed_memory() -> None:
    """Let this process keep memory that it has freed, for the next picture.

    The C library gives large blocks back to the system at once, and gets each new one as pages
    that are cleared when they are first touched. At 12 megapixels that is a quarter of the time of
    decoding and ELA. Without effect but with glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 (others number these options differently)
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def give_memory_back() -> None:
    """Give freed memory back to the system after all; after an unusually large picture."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _without_core_file() -> None:
    """A crash writes nothing: the memory holds pieces of evidence."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_of_the_machine() -> int:
    """Bytes of memory that this machine has, as far as it tells; 8 GiB where it does not."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 8 << 30
