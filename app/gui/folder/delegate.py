"""How one file is drawn in the list: thumbnail, name, answer or date, and the analyst's mark."""

from dataclasses import dataclass

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.detection.verdict import State
from app.gui.folder.model import FolderModel
from app.gui.folder.order import Answer, Marked
from app.gui.folder.pictures import ROOM
from app.gui.state_mark import is_filled, paint_mark
from app.gui.words import state_colour

_MARGIN = 4
_SYMBOL = 12
_NAME = 100
"""Room for the name and its mark, before the picture has its full width."""

_AnyIndex = QModelIndex | QPersistentModelIndex
_STATES = {
    Answer.POSITIVE: State.POSITIVE,
    Answer.NEGATIVE: State.NEGATIVE,
    Answer.INCONCLUSIVE: State.INCONCLUSIVE,
    Answer.OUTSIDE_VALIDITY: State.OUTSIDE_VALIDITY,
}


class FolderDelegate(QStyledItemDelegate):
    """Every item has the same size, so that the view asks only for what it shows."""

    def __init__(self, model: FolderModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        """The same for all items."""
        lines = 2 * QFontMetrics(option.font).height() + _MARGIN
        height = max(ROOM.height(), lines) + 2 * _MARGIN
        return QSize(ROOM.width() + 12 * _MARGIN, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        """Draw one file."""
        row = index.row()
        self._model.pictures.set_pixel_ratio(option.widget.devicePixelRatioF())
        painter.save()
        style = option.widget.style()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        style.drawPrimitive(panel, option, painter, option.widget)
        inner = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        # In a narrow panel the picture gives way: the names must stay apart.
        width = min(max(inner.width() - _NAME, ROOM.width() // 2), ROOM.width())
        room = QRect(inner.topLeft(), QSize(width, inner.height()))
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        name_colour, detail_colour = text_colours(option, selected)
        paint_picture(painter, room, self._model.picture(row), name_colour)
        inner.setLeft(room.right() + 2 * _MARGIN)
        marked = self._model.marked(row)
        if any(marked):
            column = QRect(inner)
            column.setLeft(inner.right() - _SYMBOL)
            ink = name_colour if selected else None
            _paint_marks(painter, column, marked, ink, option.palette)
            inner.setRight(column.left() - _MARGIN)
        self._paint_texts(painter, option, inner, row, (name_colour, detail_colour))
        painter.restore()

    def _paint_texts(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        inner: QRect,
        row: int,
        colours: tuple[QColor, QColor],
    ) -> None:
        metrics = QFontMetrics(option.font)
        painter.setFont(option.font)
        height = metrics.height()
        top = inner.center().y() - height - 1
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        single = int(flags) | int(Qt.TextFlag.TextSingleLine)
        name = self._model.entry(row).name
        line = QRect(inner.left(), top, inner.width(), height)
        painter.setPen(colours[0])
        painter.drawText(
            line, single, metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, line.width())
        )
        line.translate(0, height + 2)
        answer = self._model.answer(row)
        if answer is not Answer.NOT_SCANNED:
            _paint_answer(painter, line, answer, option.palette, colours[1])
            line.setLeft(line.left() + _SYMBOL + 2)
        painter.setPen(colours[1])
        detail = self._model.detail(row)
        painter.drawText(
            line, single, metrics.elidedText(detail, Qt.TextElideMode.ElideRight, line.width())
        )


def paint_picture(painter: QPainter, room: QRect, picture: QPixmap | None, colour: QColor) -> None:
    """The thumbnail as it is, never in the colour of the selection; smaller if need be.

    Args:
        painter: of the view.
        room: it is centred in it.
        picture: None if the file has none, a null one while it is being made.
        colour: of the sign in place of a picture.
    """
    if picture is None:
        _paint_warning(painter, QPointF(room.center()), colour)
        return
    if picture.isNull():
        shade = QColor(colour)
        shade.setAlpha(24)
        height = min(room.width() * ROOM.height() // ROOM.width(), room.height())
        empty = QRect(0, 0, room.width(), height)
        empty.moveCenter(room.center())
        painter.fillRect(empty, shade)
        return
    ratio = picture.devicePixelRatio()
    size = picture.deviceIndependentSize()
    if size.width() > room.width():
        size *= room.width() / size.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    # A corner on a whole pixel of the screen keeps the picture sharp.
    left = room.left() + round((room.width() - size.width()) / 2 * ratio) / ratio
    top = room.top() + round((room.height() - size.height()) / 2 * ratio) / ratio
    painter.drawPixmap(QRectF(QPointF(left, top), size), picture, QRectF(picture.rect()))


def _paint_warning(painter: QPainter, centre: QPointF, colour: QColor) -> None:
    """A triangle with an exclamation mark, in a colour that is readable on this row."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(centre)
    painter.setPen(QPen(colour, 1.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in ((0, -11), (12, 10), (-12, 10))]))
    painter.drawLine(QPointF(0, -4), QPointF(0, 3))
    painter.drawPoint(QPointF(0, 6.5))
    painter.restore()


def text_colours(option: QStyleOptionViewItem, selected: bool) -> tuple[QColor, QColor]:
    """Of the name and of the second line."""
    active = bool(option.state & QStyle.StateFlag.State_Active)
    group = QPalette.ColorGroup.Active if active else QPalette.ColorGroup.Inactive
    if selected:
        colour = option.palette.color(group, QPalette.ColorRole.HighlightedText)
        return colour, colour
    roles = (QPalette.ColorRole.Text, QPalette.ColorRole.PlaceholderText)
    return option.palette.color(group, roles[0]), option.palette.color(group, roles[1])


def _paint_answer(
    painter: QPainter, line: QRect, answer: Answer, palette: QPalette, colour: QColor
) -> None:
    """A small disc before the word: filled for positive and negative, else a ring."""
    state = _STATES.get(answer)
    ink = state_colour(state, palette) if state else colour
    centre = QPointF(line.left() + _SYMBOL / 2, line.center().y() + 0.5)
    paint_mark(painter, centre, is_filled(state), ink)


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The outline of a mark in a square of `_SYMBOL` units."""

    points: tuple[tuple[float, float], ...]
    state: State
    filled: bool = False
    closed: bool = True


_FLAG = ((2, 11.5), (2, 1), (11, 4), (2, 7.5))
_TICK = ((1, 6.5), (4.5, 10), (11, 2))
_DIAMOND = ((6, 1), (11, 6), (6, 11), (1, 6))
_SYMBOLS = {
    "flagged": _Symbol(_FLAG, State.POSITIVE, filled=True),
    "cleared": _Symbol(_TICK, State.NEGATIVE, closed=False),
}
_OTHER = _Symbol(_DIAMOND, State.INCONCLUSIVE)


def _paint_marks(
    painter: QPainter, column: QRect, marked: Marked, ink: QColor | None, palette: QPalette
) -> None:
    """The mark's symbol above that of a note; each has a shape of its own."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(column.left(), column.center().y())
    mark, note = marked
    if mark:
        symbol = _SYMBOLS.get(mark, _OTHER)
        pen = QPen(ink or state_colour(symbol.state, palette), 1.8)
        outline = QPolygonF([QPointF(x, y - _SYMBOL - 2) for x, y in symbol.points])
        painter.setPen(pen)
        painter.setBrush(pen.color() if symbol.filled else Qt.BrushStyle.NoBrush)
        if symbol.closed:
            painter.drawPolygon(outline)
        else:
            painter.drawPolyline(outline)
    if note:
        painter.setPen(QPen(ink or palette.color(QPalette.ColorRole.Text), 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(1, 3, _SYMBOL - 3, _SYMBOL - 2)
        for y in (6, 9):
            painter.drawLine(QPointF(3.5, y), QPointF(_SYMBOL - 4.5, y))
    painter.restore()
