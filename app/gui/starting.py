"""From the empty frame of a window to the whole: what takes long is imported once it is seen."""

from __future__ import annotations

import gc
import sys
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal

from app import paths
from app.errors import ElascopeError
from app.names import one_line

if TYPE_CHECKING:
    from app.evidence.guard import Guard
    from app.gui.main_window import MainWindow

_UNSEEN_MS = 1000
"""After this the frame counts as painted: a window that starts minimised is not, for long."""

_READING_MS = 60_000
"""A window that says why it did not start closes after this, so that no script waits for ever."""

EXIT_FAILED = 1


class Start(QObject):
    """Waits until the frame is painted, imports on a thread, and furnishes on the GUI thread.

    Importing holds Python's lock only for moments, so the frame can be moved and closed meanwhile.
    """

    _imported = Signal(object)  # the error, or None

    def __init__(self, window: MainWindow) -> None:
        """Prepare it; the window is to be shown next.

        Args:
            window: that is not furnished. It gets processes of its own for decoding.
        """
        super().__init__()
        self._window = window
        self._guards: tuple[Guard, ...] = ()
        self._failed = False
        # Not a daemon: the interpreter must not end within the import of a library.
        self._thread = threading.Thread(target=self._import, name="start")
        self._imported.connect(self._furnish)
        # As in app.cli.window.
        gc.disable()
        frame = window.centralWidget()
        assert frame is not None
        frame.installEventFilter(self)
        QTimer.singleShot(_UNSEEN_MS, self, self._begin)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Begin after the first painting, which is on the screen when that event is over."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._begin)
        return False

    def close(self) -> None:
        """End what was started; call it when the event loop has ended."""
        if self._thread.ident is not None:
            self._thread.join()
        for guard in self._guards:
            guard.close()

    def status(self, of_the_loop: int) -> int:
        """The exit status of the program, given that of the event loop."""
        return EXIT_FAILED if self._failed else of_the_loop

    def _begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def _import(self) -> None:
        error: Exception | None = None
        try:
            import app.gui.folder.thumbnails
            import app.gui.furnishing  # noqa: F401
        except Exception as raised:
            # A library that is missing or broken fails in its own way.
            error = raised
        self._imported.emit(error)

    def _furnish(self, error: Exception | None) -> None:
        try:
            if error is not None:
                self._fail(error)
            elif not self._window.isHidden():  # else it was closed meanwhile
                self._fill()
        except Exception as raised:
            self._fail(raised)
        # What is there now stays; a full collection that looks at it would hold up the window.
        gc.freeze()
        gc.enable()

    def _fill(self) -> None:
        from app.evidence.guard import Guard
        from app.gui.folder.thumbnails import ThumbnailSource

        # What a picture shows is seen here; what it does to a decoder happens elsewhere. Thumbnails
        # have a process of their own, so that a slow one does not hold up the picture.
        pictures, small = self._guards = Guard(), Guard()
        thumbnails = ThumbnailSource(paths.user_cache() / "thumbnails", small)
        self._window.furnish(thumbnails, pictures)

    def _fail(self, error: Exception) -> None:
        """Say why there will be nothing in the window, in it and on standard error."""
        self._failed = True
        sentence = f"Elascope could not start. {_reason(error)}"
        if sys.stderr is not None:
            print(f"elascope: {sentence}", file=sys.stderr, flush=True)
        self._window.show_failure(sentence)
        QTimer.singleShot(_READING_MS, self, QCoreApplication.quit)


def _reason(error: Exception) -> str:
    if isinstance(error, ElascopeError):
        return one_line(error.sentence)
    if isinstance(error, ImportError):
        return f"A part of it is missing or damaged; install it again. {one_line(str(error))}"
    return f"This failed unexpectedly: {one_line(repr(error))}"
