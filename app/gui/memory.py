"""Keeping freed memory from piling up beside what is in use."""

import ctypes
import sys

_M_ARENA_MAX = -8
"""mallopt(3)."""

_ARENAS = 2


def share_arenas() -> None:
    """Let all threads allocate from two places instead of one each, where the C library can.

    glibc gives every thread a heap of its own and keeps what is freed there. The buffers of a
    band are just small enough for that, and after a few large images a gigabyte lay idle in the
    heaps of a dozen threads. Call it before threads are started.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
