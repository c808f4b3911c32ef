"""The legend of the map: what the ends of its scale mean, and how it was made."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.analysis.colormap import table
from app.analysis.rendering import Legend


class LegendBar(QWidget):
    """The map's colours with the scale's ends in its unit, and the parameters beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = QLabel(), QLabel()
        self._scale = ColourScale()
        self.method = QLabel()
        self.method.setWordWrap(True)
        self.method.setTextFormat(Qt.TextFormat.PlainText)
        self.method.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.method.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.method.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 8, 3)
        for widget in (self._low, self._scale, self._high):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        layout.addSpacing(10)
        layout.addWidget(self.method, 1, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName("Legend of the map")
        self.show_legend(None, "")

    def show_legend(self, legend: Legend | None, method: str) -> None:
        """Show ``legend``, and ``method`` as the text beside it."""
        self._scale.setVisible(legend is not None)
        if legend is None:
            for label in (self._low, self._high):
                label.clear()
            self.method.setText(method)
            return
        self._low.setText(legend.low)
        self._high.setText(legend.high)
        self._scale.show_colours(legend.colours)
        self.method.setText(" · ".join(part for part in (method, legend.note) if part))
        ends = f"from {legend.low} to {legend.high}, colours {legend.colours}"
        self.setAccessibleDescription(f"{method}; {ends}. {legend.note}")


class ColourScale(QWidget):
    """The colours from the lower to the upper end."""

    def __init__(self) -> None:
        super().__init__()
        self._colours = "grey"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as the text beside it."""
        return QSize(120, self.fontMetrics().height())

    def show_colours(self, name: str) -> None:
        """Show the colour map of this name."""
        self._colours = name
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ramp."""
        painter = QPainter(self)
        colours = table(self._colours)
        ramp = QImage(colours.data, 256, 1, 3 * 256, QImage.Format.Format_RGB888)
        painter.drawImage(self.rect(), ramp)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
