"""The legend of the map: what its black and its white mean, and how it was made."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.analysis.base import Legend


class LegendBar(QWidget):
    """A grey ramp with its ends in the map's unit, and the parameters beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._legend: Legend | None = None
        self._method = ""
        self.setFixedHeight(self.fontMetrics().height() + 10)
        self.setAccessibleName("Legend of the map")

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(400, self.height())

    def show_legend(self, legend: Legend | None, method: str) -> None:
        """Show ``legend``, and ``method`` as the text beside it."""
        self._legend, self._method = legend, method
        if legend:
            self.setAccessibleDescription(f"{method}; black {legend.low}, white {legend.high}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ramp and the texts."""
        if not self._legend:
            return
        painter = QPainter(self)
        metrics = self.fontMetrics()
        left = 8
        baseline = (self.height() + metrics.ascent() - metrics.descent()) // 2
        painter.drawText(left, baseline, self._legend.low)
        left += metrics.horizontalAdvance(self._legend.low) + 6
        ramp = QRect(left, 5, 120, self.height() - 10)
        gradient = QLinearGradient(ramp.left(), 0, ramp.right(), 0)
        gradient.setColorAt(0, QColor(Qt.GlobalColor.black))
        gradient.setColorAt(1, QColor(Qt.GlobalColor.white))
        painter.fillRect(ramp, gradient)
        painter.drawRect(ramp.adjusted(0, 0, -1, -1))
        left = ramp.right() + 8
        high = self._legend.high
        painter.drawText(left, baseline, high)
        left += metrics.horizontalAdvance(high) + 18
        text = " · ".join(part for part in (self._method, self._legend.note) if part)
        room = self.width() - left - 8
        painter.drawText(
            left, baseline, metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        )
