"""Building the application: the objects are made here and handed down."""

import signal
import sys
from pathlib import Path

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import __version__, paths
from app.gui.main_window import MainWindow


def run(path: Path | None) -> int:
    """Open the window, with ``path`` (a folder or an image) if given, until it is closed."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Elascope")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("elascope")
    # Fusion follows the system's light or dark scheme on every platform.
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(paths.resources() / "icons" / "elascope.svg")))
    window = MainWindow(paths.model_folders())
    # Ctrl-C in the terminal closes the window; its timers let Python see the signal.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    window.show()
    if path is not None:
        window.open_paths([path])
    return application.exec()
