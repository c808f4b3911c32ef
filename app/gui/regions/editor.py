"""One rectangle as four numbers, with the key of its colour."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.analysis.region import Region
from app.gui.table.painting import REGION_COLOURS

_BLOCK = 8


class RegionEditor(QWidget):
    """Left, top, width and height of one region; a width or height of 0 means that it is not set.

    Signals:
        changed: the region was edited here.
    """

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._known: Region | None = None
        self._limits = (0, 0)
        self.visible = QPushButton("Visible part")
        self.visible.setToolTip(f"What is visible of the picture becomes {name}")
        self.visible.setAccessibleName(f"Visible part as {name}")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip(f"No region {name}")
        self.clear.setAccessibleName(f"Clear {name}")
        self.clear.clicked.connect(self._clear)
        title = QHBoxLayout()
        title.addWidget(_ColourKey(name))
        title.addWidget(self.visible, 1)
        title.addWidget(self.clear, 1)
        self.boxes: dict[str, QSpinBox] = {}
        grid = QGridLayout()
        for number, what in enumerate(("x", "y", "width", "height")):
            label, box = QLabel(what), _number_box(f"{name} {what}")
            label.setBuddy(box)
            grid.addWidget(label, number // 2, number % 2 * 2)
            grid.addWidget(box, number // 2, number % 2 * 2 + 1)
            box.valueChanged.connect(self._edited)
            self.boxes[what] = box
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.addLayout(title)
        layout.addLayout(grid)

    @property
    def region(self) -> Region | None:
        """As the numbers say."""
        x, y, width, height = (box.value() for box in self.boxes.values())
        return Region(x, y, x + width, y + height) if width and height else None

    def set_limits(self, width: int, height: int) -> None:
        """The picture's size; a region that does not lie inside is forgotten."""
        self._limits = (width, height)
        known = self._known
        stays = known is not None and known.inside(Region(0, 0, width, height)) == known
        self.set_region(known if stays else None)

    def set_region(self, region: Region | None) -> None:
        """Show ``region``, or that there is none."""
        whole = Region(0, 0, *self._limits)
        region = region.inside(whole) if region else None
        self._known = region if region and region.area else None
        shown = self._known or Region(0, 0, 0, 0)
        values = (shown.left, shown.top, shown.width, shown.height)
        for box, value, limit in zip(self.boxes.values(), values, self._limits * 2, strict=True):
            box.blockSignals(True)
            box.setRange(0, limit)
            box.setValue(value)
            box.blockSignals(False)
        self._narrow()

    def _clear(self) -> None:
        if self._known is not None or any(box.value() for box in self.boxes.values()):
            self.set_region(None)
            self.changed.emit()

    def _edited(self) -> None:
        self._narrow()
        if self.region != self._known:
            self._known = self.region
            self.changed.emit()

    def _narrow(self) -> None:
        """Keep the rectangle inside the picture: what is typed next is bounded by the rest."""
        for start, length, limit in zip(("x", "y"), ("width", "height"), self._limits, strict=True):
            near, far = self.boxes[start], self.boxes[length]
            near.setMaximum(max(limit - max(far.value(), 1), 0))
            far.setMaximum(limit - near.value())
        self.clear.setEnabled(any(box.value() for box in self.boxes.values()))


class _ColourKey(QWidget):
    """The letter of a region in the colour of its outline on the picture."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        height = self.fontMetrics().height()
        self.setFixedSize(QSize(height + 10, height + 6))
        self.setAccessibleName(f"Region {name}")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plate as on the picture."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(20, 20, 20))
        painter.setPen(QPen(REGION_COLOURS[self._name], 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._name)


def _number_box(name: str) -> QSpinBox:
    box = QSpinBox()
    box.setSingleStep(_BLOCK)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(
        "In pixels; the arrows move by one 8x8 block. Without width or height it is not set."
    )
    return box
