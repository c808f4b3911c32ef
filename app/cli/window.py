"""``elascope open``: the window, or a sentence on why there is none."""

import argparse
import gc
import os
import sys

from app.errors import ElascopeError


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
        raise ElascopeError(
            f"The window cannot be opened: {error}. "
            "On Debian, python3 packaging/bootstrap.py --libraries display installs what it needs."
        ) from error
    finally:
        gc.enable()
    return run(options.path)
