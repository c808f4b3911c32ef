"""Building the application: the objects are made here and handed down."""

import gc
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import __version__, paths
from app.evidence.guard import Guard
from app.gui.appearance import Look
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.main_window import MainWindow
from app.gui.memory import share_arenas
from app.gui.settings import Settings


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
    # What a picture shows is seen here; what it does to a decoder happens elsewhere. Thumbnails
    # have a process of their own, so that a slow one does not hold up the picture.
    pictures, small = Guard(), Guard()
    window = MainWindow(
        paths.model_folders(),
        settings,
        look,
        ThumbnailSource(paths.user_cache() / "thumbnails", small),
        paths.backbone_folders(),
        pictures,
    )
    # Ctrl-C in the terminal closes the window. Python sees a signal only between its own
    # instructions, and a window at rest executes none; so a timer wakes it now and then.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    waking = QTimer(application, interval=250)
    waking.timeout.connect(lambda: None)
    waking.start()
    window.show()
    # What is there now stays; a full collection that looks at it again would hold up the window.
    gc.freeze()
    if path is not None:
        window.open_paths([path])
    try:
        return application.exec()
    finally:
        pictures.close()
        small.close()
