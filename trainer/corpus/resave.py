"""The save pipeline that every image of every class goes through, in training and evaluation.

In the published sets the label can be read from the file's tables and size alone. One random
chain for all classes alike takes that information away, so that what a model learns must be in
the picture.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.recompress import SUBSAMPLINGS, round_trip
from app.arrays import RgbU8


@dataclass(frozen=True, slots=True)
class ResaveRange:
    """What the chain draws from, uniformly unless said otherwise.

    Attributes:
        longer_side: smallest and largest length of the longer side after resizing, in pixels,
            drawn log-uniformly.
        quality: lowest and highest IJG quality of each save.
        second_save: probability of a second save.
    """

    longer_side: tuple[int, int] = (352, 640)
    quality: tuple[int, int] = (75, 98)
    second_save: float = 0.3


@dataclass(frozen=True, slots=True)
class SaveHistory:
    """What was drawn for one image: its size and the (quality, subsampling) of each save."""

    width: int
    height: int
    saves: tuple[tuple[int, str], ...]


_FILTERS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)


def resave(
    pixels: RgbU8, ranges: ResaveRange, seed: int, identity: str, draw: int
) -> tuple[RgbU8, SaveHistory]:
    """Resize and save ``pixels`` as one draw of the chain decides.

    The draw depends on ``seed``, ``identity`` (the file's SHA-256) and ``draw`` only: not on the
    label, the order of files or the machine.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        ranges: what to draw from.
        seed: of the whole run.
        identity: of the image.
        draw: 0, 1, 2 … for independent draws of one image.

    Returns:
        The pixels that the last save decodes to, and its history.
    """
    key = hashlib.sha256(f"{seed}/{identity}/{draw}".encode()).digest()
    random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    height, width = pixels.shape[:2]
    low, high = np.log(ranges.longer_side)
    scale = float(np.exp(random.uniform(low, high))) / max(height, width)
    size = max(round(width * scale), 16), max(round(height * scale), 16)
    chosen = _FILTERS[random.integers(len(_FILTERS))]
    # Pixel skipping would alias: reductions to less than half always average.
    method = cv2.INTER_AREA if scale < 0.5 else chosen
    result = np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)
    saves = []
    for _ in range(1 + int(random.random() < ranges.second_save)):
        quality = int(random.integers(ranges.quality[0], ranges.quality[1] + 1))
        subsampling = SUBSAMPLINGS[random.integers(len(SUBSAMPLINGS))]
        result = round_trip(result, quality, subsampling)
        saves.append((quality, subsampling))
    return result, SaveHistory(*size, tuple(saves))
