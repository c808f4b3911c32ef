"""How many rows have which score, above the zones of the operating point."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.detection.card import Question
from app.detection.verdict import State
from app.gui.scan.words import amount
from app.gui.words import plain_tooltip, state_colour

BARS = 20
"""Of equal width, from 0 to 1."""

_ZONES = 6.0
"""Height of the zones in pixels."""


def counted(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """(BARS,), how many of the scores lie in each bar; a score of 1 lies in the last one.

    Args:
        scores: 0..1; NaN is left out.
    """
    known = scores[~np.isnan(scores)]
    # The same comparison as in the filter: a bar and the rows that it leads to must agree.
    places = np.searchsorted(EDGES, known, side="right") - 1
    counts = np.bincount(np.clip(places, 0, BARS - 1), minlength=BARS)
    return counts.astype(np.int64)


EDGES = np.array([round(bar / BARS, 2) for bar in range(BARS)])
"""Smallest score of each bar."""


class Histogram(QWidget):
    """Bars on a logarithmic scale: few conspicuous rows are seen beside many that are not.

    Signals:
        chosen: smallest score of a bar, and the one from which the next begins; None for the last.
    """

    chosen = Signal(float, object)

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = question
        self.counts: NDArray[np.int64] = np.zeros(BARS, np.int64)
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 3 * self.fontMetrics().height() + 24)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Scores: {question.id}")
        self.setAccessibleDescription(
            "Left and right go through the bars, Enter shows the rows of one"
        )

    def sizeHint(self) -> QSize:
        """Wide enough for its numbers."""
        return QSize(300, 90)

    def show_counts(self, counts: NDArray[np.int64]) -> None:
        """Show how many rows each bar has."""
        if not np.array_equal(counts, self.counts):
            self.counts = counts
            self.update()

    def words(self, bar: int) -> str:
        """What a bar stands for."""
        start, end = EDGES[bar], self._end(bar)
        rows = amount(int(self.counts[bar]), "row")
        return f"Score {start:.2f} to {1.0 if end is None else end:.2f}: {rows}"

    # Places -----------------------------------------------------------------------------------

    def _end(self, bar: int) -> float | None:
        return float(EDGES[bar + 1]) if bar + 1 < BARS else None

    def _room(self) -> QRectF:
        """Where the bars are."""
        line = self.fontMetrics().height()
        left = 6.0 + self.fontMetrics().horizontalAdvance("10k")
        return QRectF(left, line + 2, self.width() - left - 6.0, self.height() - 2 * line - 14)

    def _x(self, score: float) -> float:
        room = self._room()
        return room.left() + score * room.width()

    def bar_at(self, position: QPointF) -> int:
        """The bar at a place of the widget; -1 beside them."""
        room = self._room()
        share = (position.x() - room.left()) / max(room.width(), 1.0)
        return math.floor(share * BARS) if 0 <= share < 1 else -1

    def centre_of(self, bar: int) -> QPointF:
        """The middle of a bar's column."""
        return QPointF(self._x((bar + 0.5) / BARS), self._room().center().y())

    # Painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw grid, bars, zones and limits."""
        painter = QPainter(self)
        room, palette = self._room(), self.palette()
        ink = palette.color(QPalette.ColorRole.WindowText)
        faint = palette.color(QPalette.ColorRole.PlaceholderText)
        top = max(math.log10(1 + int(self.counts.max())), math.log10(11))
        self._paint_grid(painter, room, top)
        for bar, count in enumerate(self.counts.tolist()):
            left, right = self._x(bar / BARS) + 1, self._x((bar + 1) / BARS) - 1
            height = room.height() * math.log10(1 + count) / top
            box = QRectF(left, room.bottom() - height, right - left, height)
            painter.fillRect(box, ink if bar == self._current else faint)
        self._paint_zones(painter, room)
        for bar, count in enumerate(self.counts.tolist()):
            self._write_count(painter, bar, count, room.height() * math.log10(1 + count) / top)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_grid(self, painter: QPainter, room: QRectF, top: float) -> None:
        ink = self.palette().color(QPalette.ColorRole.PlaceholderText)
        thin = self.palette().color(QPalette.ColorRole.Mid)
        for power in range(math.floor(top) + 1):
            y = room.bottom() - room.height() * math.log10(1 + 10**power) / top
            if y < room.top() - 1:
                continue
            painter.setPen(QPen(thin, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
            text = f"{10**power}" if power < 3 else f"{10 ** (power - 3)}k"
            painter.setPen(ink)
            width = self.fontMetrics().horizontalAdvance(text)
            painter.drawText(
                QPointF(room.left() - width - 4, y + self.fontMetrics().ascent() / 2 - 1), text
            )

    def _write_count(self, painter: QPainter, bar: int, count: int, height: float) -> None:
        text, room = str(count), self._room()
        width = self.fontMetrics().horizontalAdvance(text)
        if not count or width > room.width() / BARS:
            return
        corner = QPointF(self._x((bar + 0.5) / BARS) - width / 2, room.bottom() - height - 2)
        behind = QRectF(corner.x(), corner.y() - 10, width, 11)
        # A rim in the window's colour keeps the number apart from lines behind it.
        painter.fillRect(behind, self.palette().window())
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(corner, text)

    def _paint_zones(self, painter: QPainter, room: QRectF) -> None:
        low = self.question.inconclusive_below
        high = self.question.operating_point.threshold
        zones = (
            (0.0, low, State.NEGATIVE),
            (low, high, State.INCONCLUSIVE),
            (high, 1.0, State.POSITIVE),
        )
        for start, end, state in zones:
            zone = QRectF(self._x(start), room.bottom() + 2, self._x(end) - self._x(start), _ZONES)
            painter.fillRect(zone, state_colour(state, self.palette()))
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        base = self.height() - self.fontMetrics().descent() - 1
        taken = -math.inf
        for limit in sorted({low, high}):
            x = round(self._x(limit)) + 0.5
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, room.top() - 2), QPointF(x, room.bottom() + 2 + _ZONES))
            text = f"{limit:.2f}"
            width = self.fontMetrics().horizontalAdvance(text)
            left = min(max(x - width / 2, taken + 6, 2), self.width() - width - 2)
            painter.setPen(ink)
            painter.drawText(QPointF(left, base), text)
            taken = left + width

    # Input ------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """A tooltip says what the bar under the pointer stands for."""
        if isinstance(event, QHelpEvent):
            bar = self.bar_at(QPointF(event.pos()))
            if bar >= 0:
                QToolTip.showText(event.globalPos(), plain_tooltip(self.words(bar)), self)
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click chooses the rows of a bar."""
        bar = self.bar_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and bar >= 0:
            self._choose(bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go through the bars, Enter and the space bar choose one."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps:
            bar = self._current + steps[Qt.Key(event.key())] if self._current >= 0 else BARS - 1
            self._current = min(max(bar, 0), BARS - 1)
            self.setAccessibleDescription(self.words(self._current))
            self.setToolTip(self.words(self._current))
            self.update()
        elif (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
            and self._current >= 0
        ):
            self._choose(self._current)
        else:
            super().keyPressEvent(event)

    def _choose(self, bar: int) -> None:
        self._current = bar
        self.update()
        self.chosen.emit(float(EDGES[bar]), self._end(bar))
