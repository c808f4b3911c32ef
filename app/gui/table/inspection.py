"""What the window loads when an image is selected. No Qt here: it runs on worker threads."""

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.arrays import RgbU8
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.evidence.guard import Guard
from app.evidence.jpeg import JpegFacts, read_jpeg

_TOP = 256


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """A picture at full, half, quarter … size, for painting it small.

    Attributes:
        levels: (h, w, 3) uint8 RGB, largest first. The first is the picture itself, not a copy;
            each other one is reduced from the one before by the area mean.
    """

    levels: tuple[RgbU8, ...]

    @property
    def width(self) -> int:
        """Of the full picture."""
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        """Of the full picture."""
        return int(self.levels[0].shape[0])

    def level_for(self, zoom: float) -> RgbU8:
        """The smallest level that still has a pixel for each pixel of the screen."""
        wanted = self.width * min(zoom, 1.0)
        return next(
            (level for level in reversed(self.levels) if level.shape[1] >= wanted), self.levels[0]
        )


def build_pyramid(picture: RgbU8) -> Pyramid:
    """Make a `Pyramid` of (height, width, 3) uint8 RGB."""
    levels = [picture]
    while max(picture.shape[:2]) > _TOP:
        half = max(picture.shape[1] // 2, 1), max(picture.shape[0] // 2, 1)
        small = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, dtype=np.uint8)
        levels.append(picture)
    return Pyramid(tuple(levels))


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


def inspect(
    path: Path, guard: Guard | None = None, stop: threading.Event | None = None
) -> Inspection:
    """Open, hash and decode ``path``.

    Args:
        path: the file.
        guard: decodes it in a process of its own; None decodes it here.
        stop: ends a guard's decoder that takes long.

    Raises:
        ElascopeError: with a sentence for the notice.
    """
    evidence = open_evidence(path)
    image = decode(evidence) if guard is None else guard.decode(evidence, stop)
    jpeg = read_jpeg(evidence.data or b"") if evidence.format == "JPEG" else None
    return Inspection(evidence, image, jpeg, build_pyramid(image.pixels))
