"""The rows of a scan as the table shows them: filtered and sorted, live."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon, QPalette

from app.gui.scan.columns import Answer, Columns
from app.gui.scan.files import prepared
from app.gui.scan.order import Column, Filter, Kind, Order, arranged, passing, with_text
from app.gui.scan.words import cell, full_note, heading
from app.gui.state_mark import mark_icon
from app.gui.words import plain_tooltip, state_colour
from app.names import one_line
from app.scan.rows import Row

_AnyIndex = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole

_NUMBERS = (Kind.SCORE, Kind.RANGE)
# Numbers of equal length stand below each other, apart from the columns beside them.
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)

_TOOLTIPS = {
    Kind.FOLDER: "Below the folder that holds all files of the scan",
    Kind.SCORE: "Calibrated, 0 to 1",
    Kind.RANGE: "Lowest and highest score over mild changes of the picture; sorted by how far "
    "they are apart",
}


class RowsModel(QAbstractTableModel):
    """Rows arrive with `put` and are shown with `refresh`, so that many cost one change.

    A row of the model is a place in ``visible``; a place is the file's in the order of the files.

    Signals:
        rearranging: other rows are about to be shown; these ones are still there.
        rearranged: they are shown now.
    """

    rearranging = Signal()
    rearranged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = Columns(prepared(()), ())
        self.shown: list[Column] = []
        self.order = Order()
        self.filter = Filter()
        self.visible: NDArray[np.intp] = np.zeros(0, np.intp)
        self._places: list[int] = []
        self._row_of = np.zeros(0, np.intp)
        self._with_text: tuple[str, NDArray[np.bool_]] | None = None
        self._palette = QPalette()
        self._icons: dict[Answer, QIcon] = {}

    # Content ----------------------------------------------------------------------------------

    def start(self, columns: Columns) -> None:
        """Show other rows, all of them, in the order of their files."""
        self.beginResetModel()
        self.columns = columns
        self.order, self.filter, self._with_text = Order(), Filter(), None
        self._set_columns()
        self._take(self._arranged())
        self.endResetModel()

    def ask(self, questions: Iterable[str]) -> None:
        """Have columns for ``questions`` too."""
        if any(question not in self.columns.answers for question in questions):
            self.rearranging.emit()
            self.beginResetModel()
            self.columns.ask(questions)
            self._set_columns()
            self.endResetModel()
            self.rearranged.emit()

    def put(self, rows: Iterable[Row]) -> None:
        """Take rows in; `refresh` shows them."""
        for row in rows:
            self.columns.put(row)

    def refresh(self) -> None:
        """Show what has arrived, in its place."""
        now = self._arranged()
        before = len(self.visible)
        if before <= len(now) and np.array_equal(now[:before], self.visible):
            if before:
                last = self.index(before - 1, len(self.shown) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            if len(now) > before:
                self.beginInsertRows(QModelIndex(), before, len(now) - 1)
                self._take(now)
                self.endInsertRows()
        else:
            self._show(now)

    def set_filter(self, wanted: Filter) -> None:
        """Show other rows."""
        self.filter = wanted
        self._show(self._arranged())

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Show the rows in another order; a column of -1 stands for the order of the files."""
        descending = order == Qt.SortOrder.DescendingOrder
        by = self.shown[column] if 0 <= column < len(self.shown) else None
        wanted = Order(by, descending and by is not None)
        if wanted != self.order:
            self.order = wanted
            self._show(self._arranged())

    def row_of(self, at: int) -> int:
        """The row of a file's place; -1 if it is not shown."""
        return int(self._row_of[at])

    def rows_of(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """The rows of those places that are shown, in rising order."""
        rows = self._row_of[places]
        return np.sort(rows[rows >= 0])

    def _set_columns(self) -> None:
        questions = [
            Column(kind, question)
            for question in self.columns.answers
            for kind in (Kind.STATE, Kind.SCORE, Kind.RANGE)
        ]
        file = [Column(kind) for kind in (Kind.FILE, Kind.FOLDER, Kind.STATUS)]
        self.shown = [*file, *questions, Column(Kind.NOTE)]

    def _arranged(self) -> NDArray[np.intp]:
        text = self.filter.text
        if self._with_text is None or self._with_text[0] != text:
            self._with_text = text, with_text(self.columns, text)
        others = Filter("", self.filter.status, self.filter.answers, self.filter.conspicuous)
        passes = passing(self.columns, others) & self._with_text[1]
        return arranged(self.columns, passes, self.order)

    def _show(self, visible: NDArray[np.intp]) -> None:
        self.rearranging.emit()
        self.beginResetModel()
        self._take(visible)
        self.endResetModel()
        self.rearranged.emit()

    def _take(self, visible: NDArray[np.intp]) -> None:
        self.visible, self._places = visible, visible.tolist()
        self._row_of = np.full(len(self.columns.rows), -1, np.intp)
        self._row_of[visible] = np.arange(len(visible))

    def set_palette(self, palette: QPalette) -> None:
        """Take the colours of the states from ``palette``."""
        self._palette, self._icons = palette, {}

    # Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Rows that are shown."""
        return 0 if parent.isValid() else len(self._places)

    def columnCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """File, folder, status, three for each question, note."""
        return 0 if parent.isValid() else len(self.shown)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        """Column names; numbers are sorted with the highest first."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.shown):
            return None
        column = self.shown[section]
        if role == _Role.DisplayRole:
            return heading(column)
        if role == _Role.ToolTipRole:
            return plain_tooltip(_TOOLTIPS[column.kind]) if column.kind in _TOOLTIPS else None
        if role == _Role.TextAlignmentRole:
            left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            return _CENTRE if column.kind in _NUMBERS else left
        if role == _Role.InitialSortOrderRole and column.kind in _NUMBERS:
            return Qt.SortOrder.DescendingOrder
        return None

    def data(self, index: _AnyIndex, role: int = _Role.DisplayRole) -> object:
        """Text, mark and colour of a cell."""
        at, column = self._places[index.row()], self.shown[index.column()]
        if role == _Role.DisplayRole:
            return cell(self.columns, at, column)
        if role == _Role.TextAlignmentRole:
            return _CENTRE if column.kind in _NUMBERS else None
        if role == _Role.ToolTipRole:
            row = self.columns.row(at)
            return plain_tooltip(f"{one_line(str(row.path))}\n{full_note(row)}".strip())
        if column.kind is not Kind.STATE or role not in (
            _Role.DecorationRole,
            _Role.ForegroundRole,
        ):
            return None
        answer = Answer(self.columns.answers[column.question].answer[at])
        if answer.state is None:
            return None
        if role == _Role.ForegroundRole:
            return state_colour(answer.state, self._palette)
        if answer not in self._icons:
            self._icons[answer] = mark_icon(answer.state, self._palette)
        return self._icons[answer]

    def places(self, rows: Sequence[int]) -> list[int]:
        """The places of the files of ``rows``."""
        return [self._places[row] for row in rows]
