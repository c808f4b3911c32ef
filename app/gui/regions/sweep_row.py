"""The small maps of a quality sweep side by side, with a curve of their residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QImage, QKeyEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.arrays import RgbU8
from app.gui.words import plain_tooltip

MAP_SIZE = QSize(120, 90)
"""Room for a map; one of another shape is fitted into it."""

_CELL = Qt.ItemDataRole.UserRole
_SIDE = 8
_CURVE = 30
_DOT = 2.5
_LINES = 3


@dataclass(frozen=True, slots=True, eq=False)
class SweepCell:
    """One quality in the row.

    Attributes:
        quality: of the extra save.
        image: (rows, columns, 3) uint8 RGB, or None while it is not measured.
        mean: residual, grey levels.
        median: residual, grey levels.
        own: how this quality belongs to the file's own last save, or "".
        current: the window shows this quality.
    """

    quality: int
    image: RgbU8 | None
    mean: float | None
    median: float | None
    own: str
    current: bool

    @property
    def marks(self) -> str:
        """What is special about this quality, in words."""
        return ", ".join(word for word in ("shown" if self.current else "", self.own) if word)

    @property
    def description(self) -> str:
        """Everything in a line."""
        if self.mean is None or self.median is None:
            numbers = "not measured yet"
        else:
            numbers = f"mean residual {self.mean:.2f}, median {self.median:.2f} grey levels"
        marks = f" ({self.marks})" if self.marks else ""
        return f"Quality {self.quality}{marks}: {numbers}"


class SweepRow(QListWidget):
    """Arrow keys move, click or Enter chooses; it scrolls sideways when there is little room.

    Signals:
        chosen: the quality of a map.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Quality strip")
        self.setAccessibleDescription("Arrow keys move, Enter shows the quality in the window")
        self.setItemDelegate(_CellPainter(self))
        self.itemClicked.connect(self._choose)
        self._shown = -1

    def show_cells(self, cells: Sequence[SweepCell]) -> None:
        """Show these, in this order; the keyboard's place is kept while the qualities are."""
        if [cell.quality for cell in cells] != [self._cell(i).quality for i in range(self.count())]:
            self._rebuild(cells)
        for number, cell in enumerate(cells):
            item = self.item(number)
            item.setData(_CELL, cell)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, cell.description)
            item.setToolTip(plain_tooltip(f"{cell.description}\nClick or Enter: show this quality"))
            if cell.current and number != self._shown:
                self._shown = number
                self.scrollToItem(item)
        self.viewport().update()

    def _rebuild(self, cells: Sequence[SweepCell]) -> None:
        self.clear()
        self._shown = -1
        for cell in cells:
            item = QListWidgetItem(str(cell.quality))
            item.setData(_CELL, cell)
            self.addItem(item)
            if cell.current:
                self.setCurrentItem(item)
        if self.count() and self.currentRow() < 0:
            self.setCurrentRow(0)

    def sizeHint(self) -> QSize:
        """One row, and the scroll bar."""
        frame, bar = 2 * self.frameWidth(), self.horizontalScrollBar().sizeHint().height()
        return QSize(400, cell_size(self).height() + frame + bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with Enter or the space bar."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self.currentItem():
                self._choose(self.currentItem())
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the maps, and the curve through all of them."""
        super().paintEvent(event)
        points = self._curve()
        if not points:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.palette().color(QPalette.ColorRole.Text)
        painter.setPen(QPen(colour, 1.2))
        for before, after in pairwise(points):
            if before is not None and after is not None:
                painter.drawLine(before, after)
        painter.setBrush(colour)
        for point in points:
            if point is not None:
                painter.drawEllipse(point, _DOT, _DOT)

    def _curve(self) -> list[QPointF | None]:
        """Where the mean residual of each quality lies, from 0 below to the largest above."""
        means = [self._cell(number).mean for number in range(self.count())]
        largest = max((mean for mean in means if mean is not None), default=0.0) or 1.0
        points: list[QPointF | None] = []
        for number, mean in enumerate(means):
            cell = self.visualItemRect(self.item(number))
            bottom = cell.top() + 2 * _SIDE + MAP_SIZE.height() + _CURVE - _DOT
            height = (_CURVE - 2 * _DOT) * (mean or 0.0) / largest
            x = cell.left() + cell.width() / 2
            points.append(None if mean is None else QPointF(x, bottom - height))
        return points

    def _cell(self, number: int) -> SweepCell:
        cell: SweepCell = self.item(number).data(_CELL)
        return cell

    def _choose(self, item: QListWidgetItem) -> None:
        cell: SweepCell = item.data(_CELL)
        self.chosen.emit(cell.quality)


def cell_size(widget: QWidget) -> QSize:
    """Of one quality: the map, the curve, and the lines of text below."""
    height = 3 * _SIDE + MAP_SIZE.height() + _CURVE + _LINES * widget.fontMetrics().height()
    return QSize(MAP_SIZE.width() + 2 * _SIDE, height)


class _CellPainter(QStyledItemDelegate):
    """Paints one `SweepCell`; the curve is painted by the row."""

    def __init__(self, row: SweepRow) -> None:
        super().__init__(row)
        self._row = row

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All alike."""
        return cell_size(self._row)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw map, frame, numbers and marks."""
        cell: SweepCell = index.data(_CELL)
        rect: QRect = option.rect
        palette: QPalette = option.palette
        room = QRect(rect.topLeft(), MAP_SIZE).translated(_SIDE, _SIDE)
        painter.save()
        _draw_map(painter, cell, room, palette)
        if cell.current:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 3))
            painter.drawRect(room.adjusted(-4, -4, 3, 3))
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        line = QRect(rect.left(), room.bottom() + _SIDE + _CURVE, rect.width(), 0)
        line.setHeight(painter.fontMetrics().height())
        number = "…" if cell.mean is None else f"{cell.mean:.2f}"
        for text, bold in ((str(cell.quality), True), (number, False), (cell.marks, cell.current)):
            font = QFont(option.font)
            font.setBold(bold)
            painter.setFont(font)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
            line.translate(0, line.height())
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1, Qt.PenStyle.DashLine))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.restore()


def _draw_map(painter: QPainter, cell: SweepCell, room: QRect, palette: QPalette) -> None:
    if cell.image is None:
        painter.fillRect(room, palette.color(QPalette.ColorRole.AlternateBase))
        return
    height, width = cell.image.shape[:2]
    image = QImage(cell.image.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    scale = min(room.width() / width, room.height() / height)
    target = QRectF(0, 0, width * scale, height * scale)
    target.moveCenter(QRectF(room).center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 1)
    painter.drawImage(target, image)
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRect(target.adjusted(-0.5, -0.5, 0.5, 0.5))
