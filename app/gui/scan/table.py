"""The table of a scan: selection and place stay while rows arrive, are sorted and filtered."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.gui.scan.model import RowsModel
from app.gui.scan.order import Kind

_PIECES = 2000
"""Pieces of a selection that are kept when the order changes; more would make Qt slow."""

_MOVES = (
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
)

_WIDTHS = {
    Kind.FILE: 20,
    Kind.FOLDER: 11,
    Kind.STATUS: 11,
    Kind.STATE: 18,
    Kind.SCORE: 8,
    Kind.RANGE: 10,
    Kind.NOTE: 40,
}
"""Of the columns at first, in digits."""


class RowsTable(QTableView):
    """Click or arrow keys on a row open its file, as in the list of the folder.

    Signals:
        opened: path of a row to look at.
        selection_changed: other rows are selected.
        rescan_wanted: judge the selected files again.
        copy_wanted: whether paths only; put the selected rows on the clipboard.
    """

    opened = Signal(object)
    selection_changed = Signal()
    rescan_wanted = Signal()
    copy_wanted = Signal(bool)

    def __init__(self, model: RowsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._sentence = ""
        self._kept: NDArray[np.intp] = np.zeros(0, np.intp)
        self._current = -1
        self._anchor: tuple[int, int] | None = None
        self._restoring = False
        self.setModel(model)
        model.set_palette(self.palette())
        self._set_up()
        self._add_actions()
        model.rearranging.connect(self._remember)
        model.rearranged.connect(self._restore)
        self.activated.connect(self._open)
        self.selectionModel().selectionChanged.connect(self._selection_changed)

    def _set_up(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Rows of the scan")
        rows, headings = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        # One height for all: with another one Qt measures every row.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        headings.setStretchLastSection(True)
        headings.setHighlightSections(False)
        # One of its own, always empty: with the table's, Qt asks of every row whether it is
        # selected before it paints a heading.
        headings.setSelectionModel(QItemSelectionModel(self._model, headings))
        headings.setSectionsMovable(True)
        headings.setSortIndicatorClearable(True)
        headings.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setMinimumHeight(headings.sizeHint().height() + rows.defaultSectionSize())

    def _add_actions(self) -> None:
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.open_action = QAction("&Open", self)
        self.open_action.triggered.connect(lambda: self._open(self.currentIndex()))
        self.rescan_action = QAction("&Re-scan selected", self)
        self.rescan_action.triggered.connect(self.rescan_wanted)
        self.copy_path_action = QAction("Copy &path", self)
        self.copy_path_action.triggered.connect(lambda: self.copy_wanted.emit(True))
        self.copy_row_action = QAction("&Copy row as text", self)
        self.copy_row_action.setShortcut(QKeySequence.StandardKey.Copy)
        self.copy_row_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.copy_row_action.triggered.connect(lambda: self.copy_wanted.emit(False))
        for action in (
            self.open_action,
            self.rescan_action,
            self.copy_path_action,
            self.copy_row_action,
        ):
            action.setEnabled(False)
            self.addAction(action)

    def begin(self) -> None:
        """The model shows other columns: give them their widths, and sort by none of them."""
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.set_widths()
        self.scrollToTop()

    def set_widths(self) -> None:
        """Give every column the width of what it usually holds; a folder column that is needed."""
        digit = self.fontMetrics().horizontalAdvance("0")
        for section, column in enumerate(self._model.shown):
            self.setColumnWidth(section, digit * _WIDTHS[column.kind])
            if column.kind is Kind.FOLDER:
                self.setColumnHidden(section, not self._model.columns.files.in_folders)

    def explain(self, sentence: str) -> None:
        """Show ``sentence`` while there is no row."""
        self._sentence = sentence
        self.setAccessibleDescription(sentence)
        self.viewport().update()

    # Selection --------------------------------------------------------------------------------

    @property
    def selected(self) -> NDArray[np.intp]:
        """The places of the selected files, in the order in which they are shown."""
        visible = self._model.visible
        selection = self.selectionModel().selection()
        found = (selection.at(number) for number in range(selection.size()))
        ranges = sorted((piece.top(), piece.bottom()) for piece in found)
        pieces = [visible[top : bottom + 1] for top, bottom in ranges]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.intp)

    @property
    def anything_selected(self) -> bool:
        """Whether a row is selected."""
        return self.selectionModel().hasSelection()

    def _selection_changed(self) -> None:
        if self._restoring:
            return
        some = self.anything_selected
        for action in (self.copy_path_action, self.copy_row_action, self.open_action):
            action.setEnabled(some)
        self.selection_changed.emit()

    # Place ------------------------------------------------------------------------------------

    def _remember(self) -> None:
        self._kept = self.selected
        visible, current = self._model.visible, self.currentIndex()
        self._current = int(visible[current.row()]) if current.isValid() else -1
        offset = self.verticalScrollBar().value()
        top = self.rowAt(0)
        # Who looks at the first rows wants to see what becomes the first.
        self._anchor = None
        if offset and top >= 0:
            self._anchor = int(visible[top]), self.rowViewportPosition(top)

    def _restore(self) -> None:
        self._restoring = True
        self._select(self._model.rows_of(self._kept))
        row = self._model.row_of(self._current) if self._current >= 0 else -1
        if row >= 0:
            index = self._model.index(row, 0)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._restoring = False
        self.updateGeometries()
        bar = self.verticalScrollBar()
        row = self._model.row_of(self._anchor[0]) if self._anchor else -1
        if self._anchor and row >= 0:
            bar.setValue(row * self.verticalHeader().defaultSectionSize() - self._anchor[1])
        self._selection_changed()

    def _select(self, rows: NDArray[np.intp]) -> None:
        if not len(rows):
            return
        breaks = np.flatnonzero(np.diff(rows) != 1)
        tops, bottoms = rows[np.r_[0, breaks + 1]], rows[np.r_[breaks, len(rows) - 1]]
        if len(tops) > _PIECES:
            return
        selection, last = QItemSelection(), len(self._model.shown) - 1
        for top, bottom in zip(tops.tolist(), bottoms.tolist(), strict=True):
            selection.select(self._model.index(top, 0), self._model.index(bottom, last))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.Select)

    def show_top(self) -> None:
        """Show the current row after a change of the order, or else the first one."""
        if self.anything_selected and self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())
        else:
            self.scrollToTop()

    # Events -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys open the row that they lead to."""
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        if event.key() in _MOVES and plain and self.currentIndex().row() != before:
            self._open(self.currentIndex())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on one row opens it; with Ctrl or Shift it only selects."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        if left and not event.modifiers() and index.isValid() and len(self.selected) == 1:
            self._open(index)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._model.set_palette(self.palette())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or why there are none."""
        super().paintEvent(event)
        if self._sentence and not len(self._model.visible):
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            room = self.viewport().rect().adjusted(12, 8, -12, -8)
            wrapped = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter
            painter.drawText(room, wrapped, self._sentence)
            painter.end()

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            at = int(self._model.visible[index.row()])
            self.opened.emit(Path(self._model.columns.files.paths[at]))
