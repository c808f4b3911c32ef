"""Building the application: the objects are made here and handed down."""

import signal
import sys
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QFileOpenEvent, QIcon
from PySide6.QtWidgets import QApplication

from app import __version__, paths
from app.gui.appearance import Look
from app.gui.main_window import MainWindow
from app.gui.memory import share_arenas
from app.gui.settings import Settings
from app.gui.starting import Start


def run(path: Path | None) -> int:
    """Open the window, with ``path`` (a folder or an image) if given, until it is closed."""
    share_arenas()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Elascope")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("elascope")
    settings = Settings(paths.user_data() / "window.ini")
    look = Look(application, settings.appearance)
    application.setWindowIcon(QIcon(str(paths.resources() / "icons" / "elascope.svg")))
    window = MainWindow(
        paths.model_folders(),
        settings,
        look,
        backbone_folders=paths.backbone_folders(),
        furnished=False,
    )
    if path is not None:
        window.open_paths([path])
    # Ctrl-C in the terminal closes the window. Python sees a signal only between its own
    # instructions, and a window at rest executes none; so a timer wakes it now and then.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    waking = QTimer(application, interval=250)
    waking.timeout.connect(lambda: None)
    waking.start()
    opener = _Opener(window)
    application.installEventFilter(opener)
    start = Start(window)
    window.show()
    try:
        status = application.exec()
    finally:
        start.close()
    return start.status(status)


class _Opener(QObject):
    """Opens what macOS hands over as an event: *Open with*, and files dropped on the icon."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take the files that the system wants to have opened."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self._window.open_paths([Path(event.file())])
            return True
        return False
