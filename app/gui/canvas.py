"""The picture and its map: zoom about the cursor, pan, fit, actual size."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.inspection import Pyramid

_LARGEST_ZOOM = 32.0
_STEP = 1.25


class View(StrEnum):
    """What the canvas shows."""

    PICTURE = "Picture"
    OVERLAY = "Overlay"
    MAP = "Map"


class Canvas(QWidget):
    """Shows a `Pyramid` and, over it or instead of it, the map of an analysis.

    Zoom is in screen pixels per image pixel, so 1:1 is exact on high-density screens.

    Signals:
        hovered: image coordinates (x, y) under the cursor, or (-1, -1) outside the picture.
        zoomed: the new zoom.
    """

    hovered = Signal(int, int)
    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: Pyramid | None = None
        self._map: Pyramid | None = None
        self._view = View.OVERLAY
        self._opacity = 0.6
        self._zoom = 1.0
        self._centre = QPointF()
        self._fitted = True
        self._grabbed: QPointF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture and map")
        self.setMinimumSize(240, 200)

    def sizeHint(self) -> QSize:
        """Room for a picture."""
        return QSize(760, 560)

    def set_picture(self, picture: Pyramid | None) -> None:
        """Show another picture, fitted, without a map until one is set."""
        self._picture = picture
        self._map = None
        self.fit()

    def set_map(self, map_: Pyramid | None) -> None:
        """Set the map of the current picture."""
        self._map = map_
        self.update()

    def set_view(self, view: View) -> None:
        """Choose between picture, overlay and map."""
        self._view = view
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set the map's opacity in the overlay, 0..1."""
        self._opacity = opacity
        self.update()

    def fit(self) -> None:
        """Show the whole picture; small ones are not enlarged beyond actual size."""
        self._fitted = True
        if self._picture:
            size = self._device_size()
            scale = min(size.x() / self._picture.width, size.y() / self._picture.height)
            self._zoom = min(scale, self.devicePixelRatioF())
            self._centre = QPointF(self._picture.width / 2, self._picture.height / 2)
            self.zoomed.emit(self._zoom)
        self.update()

    def actual_size(self) -> None:
        """One image pixel on one screen pixel."""
        self.zoom_to(1.0)

    def zoom_in(self) -> None:
        """One step closer."""
        self.zoom_to(self._zoom * _STEP)

    def zoom_out(self) -> None:
        """One step away."""
        self.zoom_to(self._zoom / _STEP)

    def zoom_to(self, zoom: float, about: QPointF | None = None) -> None:
        """Set the zoom, keeping the image point under ``about`` (a widget position) in place."""
        if not self._picture:
            return
        size = self._device_size()
        smallest = min(size.x() / self._picture.width, size.y() / self._picture.height, 1.0) / 2
        zoom = min(max(zoom, smallest), _LARGEST_ZOOM)
        anchor = about or QPointF(self.width() / 2, self.height() / 2)
        before = self._to_image(anchor)
        self._zoom = zoom
        self._centre += before - self._to_image(anchor)
        self._fitted = False
        self._keep_inside()
        self.zoomed.emit(self._zoom)
        self.update()

    @property
    def zoom(self) -> float:
        """Screen pixels per image pixel."""
        return self._zoom

    # Geometry ---------------------------------------------------------------------------------

    def _device_size(self) -> QPointF:
        ratio = self.devicePixelRatioF()
        return QPointF(self.width() * ratio, self.height() * ratio)

    def _to_image(self, position: QPointF) -> QPointF:
        device = position * self.devicePixelRatioF()
        return (device - self._device_size() / 2) / self._zoom + self._centre

    def _target(self) -> QRectF:
        """Where the whole picture lies, in device pixels."""
        assert self._picture
        corner = self._device_size() / 2 - self._centre * self._zoom
        width, height = self._picture.width * self._zoom, self._picture.height * self._zoom
        if self._zoom >= 1 or self._fitted:
            # On whole device pixels an unscaled picture stays as sharp as it is.
            corner = QPointF(round(corner.x()), round(corner.y()))
        return QRectF(corner.x(), corner.y(), width, height)

    def _keep_inside(self) -> None:
        assert self._picture
        x = min(max(self._centre.x(), 0.0), float(self._picture.width))
        y = min(max(self._centre.y(), 0.0), float(self._picture.height))
        self._centre = QPointF(x, y)

    # Painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, the map, or both."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Dark).darker(160))
        if not self._picture:
            painter.setPen(Qt.GlobalColor.lightGray)
            text = "Open a folder or drop images here.\nNothing is ever written to them."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        painter.scale(1 / self.devicePixelRatioF(), 1 / self.devicePixelRatioF())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._zoom < 1)
        target = self._target()
        if self._view is not View.MAP or not self._map:
            self._draw(painter, self._picture, target)
        if self._view is not View.PICTURE and self._map:
            painter.setOpacity(self._opacity if self._view is View.OVERLAY else 1.0)
            self._draw(painter, self._map, target)

    def _draw(self, painter: QPainter, pyramid: Pyramid, target: QRectF) -> None:
        chosen = pyramid.levels[0]
        for level in pyramid.levels:
            if level.shape[1] >= target.width() and level.shape[0] >= target.height():
                chosen = level
        painter.drawImage(target, _as_image(chosen))

    # Input ------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor."""
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_to(self._zoom * _STEP**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan."""
        if event.button() == Qt.MouseButton.LeftButton and self._picture:
            self._grabbed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, and say what lies under the cursor."""
        if not self._picture:
            return
        if self._grabbed is not None:
            moved = (event.position() - self._grabbed) * self.devicePixelRatioF() / self._zoom
            self._grabbed = event.position()
            self._centre -= moved
            self._fitted = False
            self._keep_inside()
            self.update()
        point = self._to_image(event.position())
        x, y = int(point.x() // 1), int(point.y() // 1)
        inside = 0 <= x < self._picture.width and 0 <= y < self._picture.height
        self.hovered.emit(x if inside else -1, y if inside else -1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning."""
        self._grabbed = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Change between fit and actual size at the cursor."""
        if self._fitted:
            self.zoom_to(1.0, event.position())
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan with the arrow keys."""
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._picture:
            super().keyPressEvent(event)
            return
        self._centre += QPointF(*step) * (64 / self._zoom)
        self._fitted = False
        self._keep_inside()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        if self._fitted:
            self.fit()


def _as_image(level: NDArray[np.uint8]) -> QImage:
    """Wrap a pyramid level without copying it; the caller keeps the array alive."""
    height, width = level.shape[:2]
    return QImage(level.data, width, height, 4 * width, QImage.Format.Format_RGB32)
