"""The mark before the word for a state: a disc for positive and negative, else a ring."""

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPen, QPixmap

from app.detection.verdict import State
from app.gui.words import state_colour

_RADIUS = 3.5
_SIDE = 12
_SCALES = (1, 2, 3)
"""Screens for which an icon is drawn, pixels to a unit."""


def paint_mark(painter: QPainter, centre: QPointF, filled: bool, ink: QColor) -> None:
    """Draw the mark in ``ink`` about ``centre``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(ink, 1.5))
    painter.setBrush(ink if filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, _RADIUS, _RADIUS)


def is_filled(state: State | None) -> bool:
    """Whether the mark of ``state`` is a disc."""
    return state in (State.POSITIVE, State.NEGATIVE)


def mark_icon(state: State | None, palette: QPalette) -> QIcon:
    """The mark as an icon, also for a selected row. Without a state it is a grey ring."""
    text = palette.color(QPalette.ColorRole.PlaceholderText)
    colours = {
        QIcon.Mode.Normal: state_colour(state, palette) if state else text,
        QIcon.Mode.Selected: palette.color(QPalette.ColorRole.HighlightedText),
    }
    icon = QIcon()
    for mode, ink in colours.items():
        for scale in _SCALES:
            pixmap = QPixmap(QSize(_SIDE, _SIDE) * scale)
            pixmap.setDevicePixelRatio(scale)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            paint_mark(painter, QPointF(_SIDE / 2, _SIDE / 2), is_filled(state), ink)
            painter.end()
            icon.addPixmap(pixmap, mode)
    return icon
