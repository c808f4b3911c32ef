"""One opened image on the light table, with the map that its pane asked for last."""

import os
from functools import partial

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from app.analysis.base import Analysis, Params
from app.analysis.survey import Reduction
from app.errors import ElascopeError
from app.gui.jobs import Channel
from app.gui.table.frames import Frame, Wish, make_frames
from app.gui.table.geometry import Geometry
from app.gui.table.inspection import Inspection
from app.names import one_line

_PATIENCE = 200
"""Milliseconds after which a map of earlier parameters is labelled as such."""


class Subject(QObject):
    """An image and its map; the maps come from worker threads, the latest wish wins.

    Signals:
        framed: there is another frame.
        failed: a wish could not be fulfilled; the error.
        waited: a wish takes so long that what is on the screen should not pass for it.
    """

    framed = Signal()
    failed = Signal(object)
    waited = Signal()

    def __init__(self, inspection: Inspection, pool: QThreadPool, parent: QObject) -> None:
        super().__init__(parent)
        self.inspection = inspection
        self.frame: Frame | None = None
        self.error: ElascopeError | None = None
        self.late = False
        self._wished: tuple[object, ...] = ()
        self._channel = Channel(pool, self)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self._wait)

    @property
    def name(self) -> str:
        """Of the file, fit for display."""
        return one_line(self.inspection.path.name)

    @property
    def busy(self) -> bool:
        """Whether a map is being made."""
        return self._channel.busy

    def wish(
        self,
        analysis: Analysis,
        params: Params,
        geometry: Geometry,
        reduction: Reduction,
        overlay: bool,
    ) -> None:
        """Ask for the map of what is visible; nothing happens if it is on its way already."""
        wished = (analysis.id, params, geometry, reduction, overlay)
        if wished == self._wished or not geometry.visible().area:
            return
        if (analysis.id, params) != self._wished[:2] and not self._patience.isActive():
            self._patience.start()
        self._wished = wished
        pixels, jpeg = self.inspection.image.pixels, self.inspection.jpeg
        resolved = analysis.resolve(params, jpeg)
        wish = Wish(pixels, analysis, resolved, geometry, reduction, overlay, self.frame)
        threads = os.cpu_count() or 1
        work = partial(make_frames, wish, threads=threads)
        self._channel.request("map", work, self._take, self._fail)

    def close(self) -> None:
        """Forget the image, now: a signal and its object hold each other until Python's
        collector comes by, which with pictures of this size is too late.
        """
        self._channel.drop()
        self.frame = None
        del self.inspection
        self.deleteLater()

    def _take(self, frame: Frame) -> None:
        self.frame, self.error, self.late = frame, None, False
        self._patience.stop()
        self.framed.emit()

    def _fail(self, error: ElascopeError) -> None:
        self.frame, self.error, self.late = None, error, False
        self._patience.stop()
        self.failed.emit(error)

    def _wait(self) -> None:
        self.late = True
        self.waited.emit()
