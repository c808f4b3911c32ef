"""The folder: a list of its images with thumbnails and, once known, their answers."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, LifoQueue

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QListView, QStyle, QVBoxLayout, QWidget

from app.errors import ElascopeError
from app.evidence.decode import decode_thumbnail
from app.evidence.file import open_evidence
from app.gui.jobs import Stream
from app.gui.words import plain_tooltip, state_word
from app.report.base import printable
from app.scan.pipeline import find_files
from app.scan.rows import Row

_SIDE = 96
_ICON_HEIGHT = 72
_AnyIndex = QModelIndex | QPersistentModelIndex


class FolderModel(QAbstractListModel):
    """Paths with thumbnails that arrive when a row is first looked at, last looked at first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.paths: list[Path] = []
        self._at: dict[Path, int] = {}
        self._icons: dict[Path, QIcon] = {}
        self._asked: set[Path] = set()
        self._rows: dict[Path, Row] = {}
        self._wanted: LifoQueue[Path] = LifoQueue()
        placeholder = QPixmap(_SIDE, _ICON_HEIGHT)
        placeholder.fill(Qt.GlobalColor.transparent)
        self._placeholder = QIcon(placeholder)
        warning = QApplication.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
        centred = QPixmap(placeholder)
        painter = QPainter(centred)
        warning.paint(painter, centred.rect().adjusted(0, 18, 0, -18))
        painter.end()
        self._no_picture = QIcon(centred)
        self._stream = Stream(self._thumbnails, self)
        self._stream.items.connect(self._take)
        self._stream.start()

    def set_paths(self, paths: list[Path]) -> None:
        """Show another list; thumbnails not yet made are forgotten."""
        self.beginResetModel()
        while True:
            try:
                self._wanted.get_nowait()
            except Empty:
                break
        self.paths = paths
        self._at = {path: index for index, path in enumerate(paths)}
        self._icons.clear()
        self._asked.clear()
        self._rows.clear()
        self.endResetModel()

    def set_rows(self, rows: list[Row]) -> None:
        """Add the answers of a scan to the list."""
        for row in rows:
            self._rows[row.path] = row
            self._refresh(row.path)

    def close(self) -> None:
        """End the thumbnail thread."""
        self._stream.stop()

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Number of files."""
        return 0 if parent.isValid() else len(self.paths)

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Name, thumbnail and answer of one file."""
        path = self.paths[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(path)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(printable(str(path)))
        if role == Qt.ItemDataRole.DecorationRole:
            if path not in self._asked:
                self._asked.add(path)
                self._wanted.put(path)
            return self._icons.get(path, self._placeholder)
        return None

    def _text(self, path: Path) -> str:
        row, name = self._rows.get(path), printable(path.name)
        if row is None:
            return name
        if row.status != "ok":
            return f"{name}\n{row.status.replace('_', ' ')}"
        if len(row.verdicts) == 1:
            return f"{name}\n{state_word(row.verdicts[0].state)}"
        answers = (f"{v.question}: {state_word(v.state)}" for v in row.verdicts)
        return "\n".join((name, *answers))

    def _refresh(self, path: Path) -> None:
        at = self._at.get(path)
        if at is not None:
            index = self.index(at)
            self.dataChanged.emit(index, index)

    def _thumbnails(self, stop: threading.Event) -> Iterator[tuple[Path, QImage | None]]:
        while not stop.is_set():
            try:
                path = self._wanted.get(timeout=0.2)
            except Empty:
                continue
            yield path, _thumbnail(path)

    def _take(self, arrived: list[tuple[Path, QImage | None]]) -> None:
        for path, image in arrived:
            self._icons[path] = QIcon(QPixmap.fromImage(image)) if image else self._no_picture
            self._refresh(path)


def _thumbnail(path: Path) -> QImage | None:
    """None where the file gives none; the reason stands in the notice when it is opened."""
    try:
        pixels = decode_thumbnail(open_evidence(path), _SIDE)
    except (ElascopeError, MemoryError):
        return None
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()


class FolderPanel(QWidget):
    """The list with its heading.

    Signals:
        selected: the path of the current file.
    """

    selected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = FolderModel(self)
        self.title = ""
        self._heading = QLabel("No folder is open")
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self._heading.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._heading.setContentsMargins(6, 4, 6, 0)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setIconSize(QSize(_SIDE, _ICON_HEIGHT))
        self.list.setUniformItemSizes(False)
        self.list.setLayoutMode(QListView.LayoutMode.Batched)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSpacing(2)
        self.list.setAccessibleName("Images of the folder")
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._heading)
        layout.addWidget(self.list)

    def show_paths(self, title: str, paths: list[Path]) -> None:
        """Show ``paths`` under ``title`` and select the first."""
        self.model.set_paths(paths)
        self.title = printable(title)
        self._heading.setText(f"{self.title}\n{len(paths) or 'no'} files")
        if paths:
            self.list.setCurrentIndex(self.model.index(0))

    def select(self, path: Path) -> None:
        """Make ``path`` the current file; one of another folder is shown without the list."""
        if path not in self.model.paths:
            self.selected.emit(path)
        else:
            index = self.model.index(self.model.paths.index(path))
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)

    def step(self, by: int) -> None:
        """Go ``by`` files down (or up)."""
        row = self.list.currentIndex().row() + by
        if 0 <= row < len(self.model.paths):
            self.list.setCurrentIndex(self.model.index(row))

    def _current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.selected.emit(self.model.paths[current.row()])


def files_to_show(roots: list[Path], stop: threading.Event) -> tuple[Path, str, list[Path]]:
    """For opened or dropped paths: the folder they are in, a heading, and all files below them."""
    first = roots[0]
    folder = first if os.path.isdir(first) else first.parent  # noqa: PTH112 (names too long)
    title = first.name or str(first)
    if len(roots) > 1:
        title += f" and {len(roots) - 1} more"
    return folder, title, find_files(roots, stop=stop)
