"""Painting a picture, its map and what is drawn over them. Coordinates are device pixels."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.analysis.region import Region
from app.gui.table.frames import Frame
from app.gui.table.geometry import Geometry
from app.gui.table.inspection import Pyramid

PIXEL_GRID_ZOOM = 12.0
BLOCK_GRID_ZOOM = 4.0
_BLOCK = 8

REGION_COLOURS = {"A": QColor("#19b3e6"), "B": QColor("#ffb000")}
"""Apart for readers with a colour vision deficiency, on dark and light pictures; the letter stands
beside each."""


def paint_picture(painter: QPainter, picture: Pyramid, geometry: Geometry) -> None:
    """Draw the visible part of a picture."""
    visible = geometry.visible()
    if not visible.area:
        return
    level = picture.level_for(geometry.zoom)
    across, down = level.shape[1] / picture.width, level.shape[0] / picture.height
    part = Region(
        int(visible.left * across),
        int(visible.top * down),
        -int(-visible.right * across // 1),
        -int(-visible.bottom * down // 1),
    ).inside(Region.whole(level))
    cut = np.ascontiguousarray(part.of(level))
    image = QImage(cut.data, part.width, part.height, 3 * part.width, QImage.Format.Format_RGB888)
    left, top = geometry.corner
    zoom_x, zoom_y = geometry.zoom / across, geometry.zoom / down
    target = QRectF(
        left + part.left * zoom_x,
        top + part.top * zoom_y,
        part.width * zoom_x,
        part.height * zoom_y,
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, geometry.zoom < 1)
    painter.drawImage(target, image)


def paint_frame(painter: QPainter, frame: Frame, geometry: Geometry, opacity: float) -> None:
    """Draw a map where it belongs, also while the pane has already moved on."""
    image = _as_image(frame.image, frame.overlay)
    x, y, width, height = geometry.rectangle(frame.region)
    painter.setOpacity(opacity if frame.overlay else 1.0)
    if abs(width - image.width()) < 1.5 and abs(height - image.height()) < 1.5:
        painter.drawImage(QPointF(round(x), round(y)), image)
    else:
        smooth = frame.coarse or width < image.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(QRectF(x, y, width, height), image)
    painter.setOpacity(1.0)


def paint_grid(painter: QPainter, geometry: Geometry) -> None:
    """Draw the 8x8 blocks of the JPEG grid, and closer the single pixels."""
    visible = geometry.visible()
    if geometry.zoom >= PIXEL_GRID_ZOOM:
        _lines(painter, geometry, visible, 1, QColor(128, 128, 128, 110))
    if geometry.zoom >= BLOCK_GRID_ZOOM:
        _lines(painter, geometry, visible, _BLOCK, QColor(255, 255, 255, 120))


def paint_region(painter: QPainter, name: str, region: Region, geometry: Geometry) -> None:
    """Draw the outline of region A or B with its letter."""
    target = QRectF(*geometry.rectangle(region))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 4))
    painter.drawRect(target)
    painter.setPen(QPen(REGION_COLOURS[name], 2))
    painter.drawRect(target)
    paint_label(painter, name, round(target.left()), round(target.top()), REGION_COLOURS[name])


def paint_label(painter: QPainter, text: str, x: int, y: int, colour: QColor) -> QRect:
    """Write text on a dark plate that is readable over any picture; returns the plate."""
    metrics = painter.fontMetrics()
    plate = QRect(x, y, metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
    painter.fillRect(plate, QColor(0, 0, 0, 170))
    painter.setPen(colour)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate


def _lines(
    painter: QPainter, geometry: Geometry, visible: Region, step: int, colour: QColor
) -> None:
    painter.setPen(QPen(colour, 1))
    left, top = geometry.corner
    bounds = QRectF(*geometry.rectangle(visible))
    for column in range(-(-visible.left // step) * step, visible.right + 1, step):
        x = round(left + column * geometry.zoom)
        painter.drawLine(x, round(bounds.top()), x, round(bounds.bottom()))
    for row in range(-(-visible.top // step) * step, visible.bottom + 1, step):
        y = round(top + row * geometry.zoom)
        painter.drawLine(round(bounds.left()), y, round(bounds.right()), y)


def _as_image(rows: NDArray[np.uint8], overlay: bool) -> QImage:
    """Wrap an array without copying it; the caller keeps it alive."""
    height, width = rows.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied if overlay else QImage.Format.Format_RGB32
    return QImage(rows.data, width, height, 4 * width, kind)
