"""A calibrated score on its scale, with the band of the inconclusive and how far it moves."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from app.detection.card import Question
from app.detection.verdict import State, Verdict
from app.gui.words import state_colour

_LEFT = 4.0
_BAR = 12.0
"""Height of the zones in pixels."""


class ScoreScale(QWidget):
    """The score from 0 to 1 with the three zones of the operating point.

    A line with two ends is the range of the score over mild variations of the picture.
    """

    def __init__(self, question: Question, verdict: Verdict, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert verdict.score is not None
        self._question = question
        self._score, self._low, self._high = verdict.score, verdict.low, verdict.high
        self.setFixedHeight(2 * self.fontMetrics().height() + 22)
        threshold = question.operating_point.threshold
        moved = ""
        if self._low is not None and self._high is not None:
            moved = f"; from {self._low:.2f} to {self._high:.2f} over mild changes"
        self.setAccessibleName(
            f"Score {self._score:.2f}{moved}; negative below {question.inconclusive_below:.2f}, "
            f"positive from {threshold:.2f}"
        )

    def sizeHint(self) -> QSize:
        """As wide as the panel allows."""
        return QSize(220, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the zones, their limits, the range and the score."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = self.fontMetrics().height() + 8.0
        self._paint_zones(painter, top)
        self._paint_range(painter, top)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        x = self._x(self._score)
        mark = QRectF(round(x) - 1, top - 4, 3, _BAR + 8)
        # A rim in the window's colour keeps the mark apart from every zone.
        painter.fillRect(mark.adjusted(-2, 0, 2, 0), self.palette().window())
        painter.fillRect(mark, text)
        painter.setPen(text)
        self._write(painter, self._score, self.fontMetrics().ascent() + 2)
        below = round(top + _BAR + 4 + self.fontMetrics().ascent())
        for limit in self._limits():
            self._write(painter, limit, below)

    def _limits(self) -> tuple[float, float]:
        return self._question.inconclusive_below, self._question.operating_point.threshold

    def _paint_zones(self, painter: QPainter, top: float) -> None:
        low, high = self._limits()
        zones = (
            (0.0, low, State.NEGATIVE),
            (low, high, State.INCONCLUSIVE),
            (high, 1.0, State.POSITIVE),
        )
        for start, end, state in zones:
            zone = QRectF(self._x(start), top, self._x(end) - self._x(start), _BAR)
            painter.fillRect(zone, state_colour(state, self.palette()))

    def _paint_range(self, painter: QPainter, top: float) -> None:
        if self._low is None or self._high is None:
            return
        left, right, middle = self._x(self._low), self._x(self._high), top + _BAR / 2
        parts = (
            QRectF(left - 1, middle - 1, right - left + 2, 2),
            QRectF(left - 1, middle - 4, 2, 8),
            QRectF(right - 1, middle - 4, 2, 8),
        )
        for part in parts:
            painter.fillRect(part.adjusted(-1, -1, 1, 1), self.palette().window())
        for part in parts:
            painter.fillRect(part, self.palette().color(QPalette.ColorRole.WindowText))

    def _x(self, score: float) -> float:
        return _LEFT + score * (self.width() - 2 * _LEFT)

    def _write(self, painter: QPainter, number: float, baseline: int) -> None:
        """Write a number above or below its place, as far as it stays inside."""
        text = f"{number:.2f}"
        width = self.fontMetrics().horizontalAdvance(text)
        at = min(max(self._x(number) - width / 2, _LEFT), self.width() - _LEFT - width)
        painter.drawText(round(at), baseline, text)
