"""Which Qt the window is made with."""

import PySide6
from PySide6.QtCore import qVersion


def qt_versions() -> str:
    """The versions of PySide6 and of the Qt that it has loaded."""
    return f"PySide6 {PySide6.__version__}, Qt {qVersion()}"
