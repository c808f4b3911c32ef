"""A pane of the light table: what is seen, and what mouse, touch and keys do there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QSizePolicy, QWidget

from app.analysis.region import Region
from app.gui.table.frames import Frame
from app.gui.table.geometry import Geometry
from app.gui.table.painting import paint_frame, paint_grid, paint_label, paint_picture, paint_region
from app.gui.table.subject import Subject
from app.gui.where.layer import Layer

_STEP = 1.25
_NEAR_DIVIDER = 6
_DRAWS = {
    Qt.KeyboardModifier.ShiftModifier: "A",
    Qt.KeyboardModifier.ControlModifier: "B",
}


class Show(StrEnum):
    """What is shown of an image."""

    PICTURE = "Picture"
    OVERLAY = "Overlay"
    MAP = "Map"


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """An image and what is shown of it.

    Attributes:
        subject: the image.
        show: its picture, its map, or both.
        label: in words.
        layer: what lies over that.
    """

    subject: Subject
    show: Show
    label: str
    layer: Layer | None = None

    @property
    def frame(self) -> Frame | None:
        """The map that is to be painted, once it is there."""
        frame = self.subject.frame if self.show is not Show.PICTURE else None
        return frame if frame and frame.overlay == (self.show is Show.OVERLAY) else None

    @property
    def state(self) -> str:
        """What an examiner must know of the map besides its label."""
        if self.show is Show.PICTURE or self.subject.error is not None:
            return ""
        if self.frame is None:
            return " · the map is being measured, this is the picture"
        if self.subject.late:
            return " · of earlier parameters, the new map is being measured"
        return " · coarse preview, being refined" if self.frame.coarse else ""


class Viewport(QObject):
    """Where all panes look; one moves, all follow.

    Signals:
        changed: look again.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.geometry: Geometry | None = None
        self.fitted = True

    def set(self, geometry: Geometry, fitted: bool = False) -> None:
        """Look elsewhere."""
        self.geometry, self.fitted = geometry, fitted
        self.changed.emit()


class Canvas(QWidget):
    """Shows one content, or two with a divider between them.

    Signals:
        hovered: the `Subject` under the cursor and the coordinates (x, y) in its picture, or
            (-1, -1) beside it.
        region_drawn: ``A`` or ``B``, and the `Region` drawn with the mouse, in the current
            image's coordinates also where another one is shown.
        resized: the pane has another size.
    """

    hovered = Signal(object, int, int)
    region_drawn = Signal(str, object)
    resized = Signal()

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._front: Content | None = None
        self._back: Content | None = None
        self._opacity = 0.7
        self._divider = 0.5
        self._grid = True
        self._banner = ""
        self._regions: dict[str, Region] = {}
        self._grabbed: QPointF | None = None
        self._drawing: tuple[str, QPointF] | None = None
        self._dividing = False
        self._pointer: QPointF | None = None
        viewport.changed.connect(self.update)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture and map")
        self.setMinimumSize(200, 160)
        self.grabGesture(Qt.GestureType.PinchGesture)

    def sizeHint(self) -> QSize:
        """Room for a picture."""
        return QSize(760, 560)

    # What is shown ----------------------------------------------------------------------------

    def set_contents(self, front: Content | None, back: Content | None = None) -> None:
        """Show ``front``; with ``back`` that one is seen left of the divider."""
        self._front, self._back = front, back
        self.setAccessibleDescription(" | ".join(c.label for c in (back, front) if c))
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set the map's opacity in the overlay, 0..1."""
        self._opacity = opacity
        self.update()

    def set_grid(self, on: bool) -> None:
        """Draw the block and pixel grid at high zoom."""
        self._grid = on
        self.update()

    def set_banner(self, banner: str) -> None:
        """Say something across the picture; an empty text takes it away."""
        self._banner = banner
        self.update()

    def set_regions(self, regions: dict[str, Region]) -> None:
        """Draw these regions."""
        self._regions = regions
        self.update()

    @property
    def divider(self) -> float:
        """Where the divider stands, 0..1 of the pane's width."""
        return self._divider

    def set_divider(self, divider: float) -> None:
        """Move the divider."""
        self._divider = min(max(divider, 0.0), 1.0)
        self.update()

    # Geometry ---------------------------------------------------------------------------------

    def device_size(self) -> tuple[int, int]:
        """Width and height in the screen's own pixels."""
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def current_geometry(self) -> Geometry | None:
        """Where the current image lies, or would lie, in this pane."""
        shared = self._viewport.geometry
        if shared is None:
            return None
        width, height = self.device_size()
        return dataclasses.replace(shared, width=width, height=height)

    def geometry_of(self, content: Content) -> Geometry | None:
        """Where the picture of ``content`` lies in this pane."""
        own = self.current_geometry()
        picture = content.subject.inspection.picture
        return own.for_image(picture.width, picture.height) if own else None

    def _device(self, position: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return position.x() * ratio, position.y() * ratio

    def zoom_by(self, factor: float, position: QPointF | None = None) -> None:
        """Zoom, keeping what is under ``position`` (by default the middle) in place."""
        geometry = self.current_geometry()
        if geometry is not None:
            at = position or QPointF(self.width() / 2, self.height() / 2)
            self._viewport.set(geometry.zoomed(geometry.zoom * factor, *self._device(at)))

    # Painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the contents."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Dark).darker(160))
        if self._front is None:
            painter.setPen(Qt.GlobalColor.lightGray)
            text = "Open a folder or drop images here.\nNothing is ever written to them."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        font = painter.font()
        font.setPixelSize(round(self.fontInfo().pixelSize() * ratio))
        painter.setFont(font)
        width, height = self.device_size()
        if self._back is None:
            self._paint_content(painter, self._front)
        else:
            at = round(width * self._divider)
            painter.setClipRect(QRectF(0, 0, at, height))
            self._paint_content(painter, self._back)
            painter.setClipRect(QRectF(at, 0, width - at, height))
            self._paint_content(painter, self._front, at)
            painter.setClipping(False)
            painter.fillRect(QRectF(at - 1, 0, 2, height), QColor(255, 255, 255, 220))
        if self._banner:
            white = QColor(Qt.GlobalColor.white)
            paint_label(painter, self._banner, 6, height // 2, white)
        if self.hasFocus():
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.drawRect(0, 0, width - 1, height - 1)

    def _paint_content(self, painter: QPainter, content: Content, left: int = 0) -> None:
        geometry = self.geometry_of(content)
        if geometry is None:
            return
        frame = content.frame
        if frame is None or frame.overlay:
            paint_picture(painter, content.subject.inspection.picture, geometry)
        if frame is not None:
            paint_frame(painter, frame, geometry, self._opacity)
        if content.layer is not None:
            content.layer.paint(painter, geometry)
        if self._grid:
            paint_grid(painter, geometry)
        if (current := self.current_geometry()) is not None:
            for name, region in self._regions.items():
                paint_region(painter, name, region, current)
        label = content.label + content.state
        paint_label(painter, label, left + 6, 6, QColor(Qt.GlobalColor.white))

    # Mouse ------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor."""
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(_STEP**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to move the divider, or to draw a region."""
        if event.button() != Qt.MouseButton.LeftButton or self._front is None:
            return
        self.setFocus()
        name = _DRAWS.get(event.modifiers())
        if name is not None:
            self._drawing = name, event.position()
        elif self._over_divider(event.position()):
            self._dividing = True
        else:
            self._grabbed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, divide or draw, and say what lies under the cursor."""
        geometry = self.current_geometry()
        if geometry is None:
            return
        if self._drawing is not None:
            self._draw_to(geometry, event.position())
        elif self._dividing:
            self.set_divider(event.position().x() / max(self.width(), 1))
        elif self._grabbed is not None:
            x, y = self._device(self._grabbed - event.position())
            self._grabbed = event.position()
            self._viewport.set(geometry.moved(x / geometry.zoom, y / geometry.zoom))
        else:
            over = self._over_divider(event.position())
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
        self._hover(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what was begun."""
        self._grabbed, self._drawing, self._dividing = None, None, False
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Change between fit and actual size at the cursor."""
        if self._viewport.fitted and self._viewport.geometry:
            self.zoom_by(1 / self._viewport.geometry.zoom, event.position())
        else:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing lies under the cursor any more."""
        self._pointer = None
        self.hovered.emit(None, -1, -1)

    def hover_again(self) -> None:
        """Say what lies under the cursor now that something else is shown there."""
        if self._pointer is not None:
            self._hover(self._pointer)

    def _hover(self, position: QPointF) -> None:
        self._pointer = position
        left = self._back is not None and position.x() < self._divider * self.width()
        content = self._back if left else self._front
        geometry = self.geometry_of(content) if content else None
        if content is not None and geometry is not None:
            pixel = geometry.pixel_at(*self._device(position))
            self.hovered.emit(content.subject, *(pixel or (-1, -1)))

    def _over_divider(self, position: QPointF) -> bool:
        at = self._divider * self.width()
        return self._back is not None and abs(position.x() - at) <= _NEAR_DIVIDER

    def _draw_to(self, geometry: Geometry, position: QPointF) -> None:
        assert self._drawing
        name, start = self._drawing
        x0, y0 = geometry.drawn_at(*self._device(start))
        x1, y1 = geometry.drawn_at(*self._device(position))
        drawn = Region(
            int(min(x0, x1) // 1),
            int(min(y0, y1) // 1),
            int(max(x0, x1) // 1) + 1,
            int(max(y0, y1) // 1) + 1,
        ).inside(Region(0, 0, geometry.image_width, geometry.image_height))
        if drawn.area:
            self.region_drawn.emit(name, drawn)

    # Touch and keys ---------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Pinch to zoom, on touch screens and on touch pads."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(1 + event.value(), event.position())
            return True
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                middle = self.mapFromGlobal(pinch.centerPoint().toPoint())
                self.zoom_by(pinch.scaleFactor(), QPointF(middle))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan with the arrow keys; move the divider with Alt and the arrow keys."""
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        step, geometry = steps.get(Qt.Key(event.key())), self.current_geometry()
        if step is None or geometry is None:
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.set_divider(self._divider + 0.02 * step[0])
        else:
            by = 64 / geometry.zoom
            self._viewport.set(geometry.moved(step[0] * by, step[1] * by))

    def fit(self) -> None:
        """Show the whole picture; small ones are not enlarged beyond actual size."""
        shared = self._viewport.geometry
        if shared is not None:
            width, height = self.device_size()
            own = Geometry(width, height, shared.image_width, shared.image_height, 1.0, 0.0, 0.0)
            self._viewport.set(own.fitted(self.devicePixelRatioF()), fitted=True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        if self._viewport.fitted and self.isVisible():
            self.fit()
        self.resized.emit()
