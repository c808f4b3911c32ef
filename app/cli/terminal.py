"""What all commands share with the terminal: one-line messages, silence, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.names import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def complain(sentence: str) -> None:
    """Print ``sentence`` on standard error, if there is one."""
    if sys.stderr is not None:
        print(f"elascope: {one_line(sentence)}", file=sys.stderr)


def discard_output() -> None:
    """Send what standard output still holds nowhere.

    It took no more; the rest must not be tried again when the interpreter ends.
    """
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work in an orderly way: a scan still writes its report."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(number, lambda *_: stop.set()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def decoders_silenced() -> Iterator[TextIO]:
    """Send what C libraries print on standard error (libtiff does, on damaged files) nowhere.

    Yields a stream to the real standard error for the progress bar.
    """
    if sys.stderr is None:
        # Closed; descriptor 2 may be any file by now, and nobody looks at progress.
        with Path(os.devnull).open("w") as terminal:
            yield terminal
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with os.fdopen(kept, "w", closefd=False) as terminal:
            yield terminal
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
