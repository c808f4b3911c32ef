"""The thumbnails of the list, made on a thread for the screen that they are shown on."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from app.arrays import RgbU8
from app.gui.folder.listing import FolderEntry
from app.gui.folder.thumbnails import Thumbnailer, ThumbnailSource

ROOM = QSize(80, 60)
"""Room for a thumbnail, in the window's units."""

_KEPT = 1000


class FolderPictures(QObject):
    """Keeps the thumbnails that were last shown; asks for others.

    Signals:
        made: the entry whose thumbnail has been made, or which gives none.
    """

    made = Signal(object)
    _arrived = Signal(object, int, object)  # entry, side, image or None

    def __init__(self, source: ThumbnailSource | None, parent: QObject, room: QSize = ROOM) -> None:
        super().__init__(parent)
        self._room = room
        self._ratio = 1.0
        self._kept: OrderedDict[object, QPixmap | None] = OrderedDict()
        self._thumbnailer = Thumbnailer(source or ThumbnailSource(), self._deliver)
        self._arrived.connect(self._take)

    def get(self, entry: FolderEntry) -> QPixmap | None:
        """The thumbnail; None if the file has none, a null one while it is being made."""
        if entry.stamp in self._kept:
            self._kept.move_to_end(entry.stamp)
            return self._kept[entry.stamp]
        self._thumbnailer.want(entry, self._side)
        return QPixmap()

    def start_over(self, evidence: Sequence[Path]) -> None:
        """Forget all; from now on ``evidence`` are the opened folders and files."""
        self._kept.clear()
        self._thumbnailer.start_over(evidence)

    def set_pixel_ratio(self, ratio: float) -> None:
        """Make the thumbnails for a screen with ``ratio`` pixels to a unit."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._kept.clear()

    def close(self) -> None:
        """End the thread."""
        self._thumbnailer.close()

    @property
    def _side(self) -> int:
        return round(self._room.width() * self._ratio)

    def _deliver(self, entry: FolderEntry, side: int, pixels: RgbU8 | None) -> None:
        """Called on the thread."""
        image = (
            None if pixels is None else _fitting(pixels, self._room * (side / self._room.width()))
        )
        try:
            self._arrived.emit(entry, side, image)
        except RuntimeError:
            # The window was closed while this was made; its Qt objects are gone.
            return

    def _take(self, entry: FolderEntry, side: int, image: QImage | None) -> None:
        if side != self._side:
            return
        picture = None if image is None else QPixmap.fromImage(image)
        if picture is not None:
            picture.setDevicePixelRatio(self._ratio)
        self._kept[entry.stamp] = picture
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.made.emit(entry)


def _fitting(pixels: RgbU8, room: QSize) -> QImage:
    """The picture, not larger than ``room``."""
    height, width = pixels.shape[:2]
    data = pixels.tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    if width <= room.width() and height <= room.height():
        # A copy: the image only borrows the bytes.
        return image.copy()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(room, keep, smooth)
