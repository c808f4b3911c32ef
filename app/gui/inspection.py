"""What the window loads when an image is selected. No Qt here: it runs on worker threads."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.evidence.jpeg import JpegFacts, read_jpeg

_QT_SIDE = 32767
"""Qt's raster engine draws no image with a longer side."""

_TOP = 256


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """A picture at full, half, quarter … size, ready for painting.

    Attributes:
        width: of the full picture.
        height: of the full picture.
        levels: (h, w, 4) uint8 in Qt's 32-bit order (B, G, R, 255), largest first, each reduced
            from the one before by the area mean. Levels too large for Qt are left out.
    """

    width: int
    height: int
    levels: tuple[NDArray[np.uint8], ...]


def build_pyramid(picture: RgbU8) -> Pyramid:
    """Make a `Pyramid` of (height, width, 3) uint8 RGB."""
    height, width = picture.shape[:2]
    level = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    levels = [level]
    while max(level.shape[:2]) > _TOP:
        half = max(level.shape[1] // 2, 1), max(level.shape[0] // 2, 1)
        level = np.asarray(cv2.resize(level, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        levels.append(level)
    fitting = tuple(level for level in levels if max(level.shape[:2]) <= _QT_SIDE)
    return Pyramid(width, height, fitting)


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """One opened image: the file's facts, its pixels and their picture on the screen."""

    evidence: EvidenceFile
    image: DecodedImage
    jpeg: JpegFacts | None
    picture: Pyramid

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.evidence.path


def inspect(path: Path) -> Inspection:
    """Open, hash and decode ``path``.

    Raises:
        ElascopeError: with a sentence for the notice.
    """
    evidence = open_evidence(path)
    image = decode(evidence)
    jpeg = read_jpeg(evidence.data or b"") if evidence.format == "JPEG" else None
    return Inspection(evidence, image, jpeg, build_pyramid(image.pixels))
