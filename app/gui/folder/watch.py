"""Notices when something changes in the opened folders. It only looks, and locks nothing."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

_SETTLE_MS = 500
# A file that has just appeared may still be written; only another look shows its final size.
_LOOK_AGAIN_MS = 2000


class FolderWatch(QObject):
    """Watches folders, not what is in their files.

    The system reports files that appear, vanish or are replaced. What is written into a file in
    place is not reported; therefore `changed` also comes whenever the user returns to the program.

    Signals:
        changed: something may have changed; at most twice a second.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.changed)
        self._watcher.directoryChanged.connect(lambda _: self._start(_SETTLE_MS))
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self._returned)

    def watch(self, folders: Sequence[Path]) -> int:
        """Watch ``folders`` and no others; the number of those that cannot be watched."""
        wanted = dict.fromkeys(str(folder) for folder in folders)
        watched = set(self._watcher.directories())
        if gone := list(watched - wanted.keys()):
            self._watcher.removePaths(gone)
        if new := [name for name in wanted if name not in watched]:
            self._watcher.addPaths(new)
        if not wanted:
            self._timer.stop()
        return len(wanted) - len(self._watcher.directories())

    def look_again(self) -> None:
        """Report a change once more in a while, for files that are still being written."""
        self._start(_LOOK_AGAIN_MS)

    def _returned(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive and self._watcher.directories():
            self._start(_SETTLE_MS)

    def _start(self, milliseconds: int) -> None:
        # Not started anew: a long copy would put the report off until its end.
        if not self._timer.isActive():
            self._timer.start(milliseconds)
