"""``elascope open``: the window, or a sentence on why there is none."""

import argparse
import gc
import os
import sys

from app.errors import ElascopeError
from app.paths import frozen


def open_window(options: argparse.Namespace) -> int:
    """Open the window with ``options.path`` and stay until it is closed.

    Raises:
        ElascopeError: there is no display, or a library of the window is missing.
    """
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in shown):
        raise ElascopeError(
            "There is no display for the window. Without one, use elascope scan and elascope ela."
        )
    # What is imported stays; to look for garbage in it only takes time.
    gc.disable()
    try:
        from app.gui.application import run
    except ImportError as error:
        raise ElascopeError(f"The window cannot be opened: {error}. {_way_out()}") from error
    finally:
        gc.enable()
    return run(options.path)


def _way_out() -> str:
    """What brings the libraries that are missing; the built program has no scripts beside it."""
    if frozen():
        return (
            "Where a library of the system is missing, on Debian apt-get install libglib2.0-0 "
            "libgl1 libegl1 libfontconfig1 libdbus-1-3 libxcb-shape0 installs it."
        )
    return "On Debian, python3 packaging/bootstrap.py --libraries display installs what it needs."
