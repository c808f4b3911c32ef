"""A pane of the light table by itself, and what it says."""

import threading

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.arrays import RgbU8
from app.gui.table.canvas import Canvas, Content, Show, Viewport
from app.gui.table.frames import Frame, Wish, make_frames
from app.gui.table.geometry import Geometry
from app.gui.table.subject import Subject

WIDTH, HEIGHT = 400, 300


class DenseCanvas(Canvas):
    """On a screen with two device pixels for each of Qt's."""

    def devicePixelRatioF(self) -> float:
        return 2.0


class Bench:
    """A shown pane with one picture, and what it has said."""

    def __init__(self, subject: Subject, canvas: Canvas, viewport: Viewport) -> None:
        self.subject = subject
        self.canvas = canvas
        self.viewport = viewport
        self.drawn: list[tuple[str, Region]] = []
        self.hovered: list[tuple[int, int]] = []
        canvas.region_drawn.connect(lambda name, region: self.drawn.append((name, region)))
        canvas.hovered.connect(lambda _, x, y: self.hovered.append((x, y)))

    @property
    def pixels(self) -> RgbU8:
        return self.subject.inspection.image.pixels

    @property
    def geometry(self) -> Geometry:
        assert self.viewport.geometry is not None
        return self.viewport.geometry

    def look(self, zoom: float, x: float, y: float) -> None:
        """Look at image point (x, y)."""
        rows, columns = self.pixels.shape[:2]
        self.viewport.set(Geometry(*self.canvas.device_size(), columns, rows, zoom, x, y))

    def content(self, show: Show) -> Content:
        return Content(self.subject, show, show.value)

    def make_map(self, overlay: bool, params: ElaParams) -> Frame:
        """What a worker would do."""
        wish = Wish(self.pixels, ELA, params, self.geometry, Reduction.MEAN, overlay, None)
        (self.subject.frame,) = make_frames(wish, threading.Event(), threads=1)
        return self.subject.frame

    def of_picture(self, painted: RgbU8) -> RgbU8:
        """The part of a painted pane where the picture lies, at actual size."""
        left, top = (round(at) for at in self.geometry.corner)
        rows, columns = self.pixels.shape[:2]
        return painted[top : top + rows, left : left + columns]

    def wheel(self, x: float, y: float, delta: int) -> None:
        event = QWheelEvent(
            QPointF(x, y),
            self.canvas.mapToGlobal(QPointF(x, y)),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)
