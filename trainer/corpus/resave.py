"""The save pipeline that every image of every class goes through, in training and evaluation.

In the published sets the label can be read from the file's tables and size alone. One random
chain for all classes alike takes that information away, so that what a model learns must be in
the picture. Only pixels pass through it, so no metadata of a file reaches a model.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.recompress import SUBSAMPLINGS, round_trip
from app.arrays import RgbU8
from trainer.errors import CorpusError
from trainer.settings import check, setting

WEBP = "WebP"
"""In place of a chroma subsampling: the save was lossy WebP and not JPEG."""


@dataclass(frozen=True, slots=True)
class ResaveRange:
    """What the chain draws from, uniformly unless said otherwise."""

    longer_side: tuple[int, int] = setting(
        (352, 640),
        "smallest and largest longer side after resizing, in pixels, drawn log-uniformly",
        low=16,
        high=16384,
    )
    quality: tuple[int, int] = setting(
        (75, 98), "lowest and highest quality of each save", low=1, high=100
    )
    second_save: float = setting(0.3, "probability of a second save", low=0.0, high=1.0)
    webp: float = setting(
        0.0, "probability of each save to be lossy WebP and not JPEG", low=0.0, high=1.0
    )
    unsaved: float = setting(
        0.0, "probability of no lossy save at all, as in a PNG file", low=0.0, high=1.0
    )

    def __post_init__(self) -> None:
        """Refuse empty ranges.

        Raises:
            CorpusError: with the field and its range.
        """
        check(self)
        if self.longer_side[0] > self.longer_side[1] or self.quality[0] > self.quality[1]:
            raise CorpusError("Each range of the save pipeline goes from its low to its high end.")


@dataclass(frozen=True, slots=True)
class SaveHistory:
    """What was drawn for one image: its size and the (quality, subsampling) of each save.

    The subsampling of a WebP save is `WEBP`.
    """

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
        The pixels that the last save decodes to, and its history, which has no save where none
        was drawn.
    """
    history, method = _drawn(pixels.shape[0], pixels.shape[1], ranges, seed, identity, draw)
    size = history.width, history.height
    result = np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)
    for quality, subsampling in history.saves:
        if subsampling == WEBP:
            result = _webp_round_trip(result, quality)
        else:
            result = round_trip(result, quality, subsampling)
    return result, history


def history_of(
    height: int, width: int, ranges: ResaveRange, seed: int, identity: str, draw: int
) -> SaveHistory:
    """What `resave` does to an image of this size, without doing it."""
    return _drawn(height, width, ranges, seed, identity, draw)[0]


def _drawn(
    height: int, width: int, ranges: ResaveRange, seed: int, identity: str, draw: int
) -> tuple[SaveHistory, int]:
    """The history of a draw, and OpenCV's interpolation for its resizing."""
    key = hashlib.sha256(f"{seed}/{identity}/{draw}".encode()).digest()
    random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    low, high = np.log(ranges.longer_side)
    scale = float(np.exp(random.uniform(low, high))) / max(height, width)
    size = max(round(width * scale), 16), max(round(height * scale), 16)
    chosen = _FILTERS[random.integers(len(_FILTERS))]
    # Pixel skipping would alias: reductions to less than half always average.
    method = cv2.INTER_AREA if scale < 0.5 else chosen
    saves = []
    for _ in range(1 + int(random.random() < ranges.second_save)):
        quality = int(random.integers(ranges.quality[0], ranges.quality[1] + 1))
        subsampling = SUBSAMPLINGS[random.integers(len(SUBSAMPLINGS))]
        # Without WebP the random numbers are those that the shipped models were trained with.
        if ranges.webp and random.random() < ranges.webp:
            subsampling = WEBP
        saves.append((quality, subsampling))
    # Drawn last and only where it is asked for, like WebP.
    if ranges.unsaved and random.random() < ranges.unsaved:
        saves = []
    return SaveHistory(*size, tuple(saves)), method


def _webp_round_trip(pixels: RgbU8, quality: int) -> RgbU8:
    """Save as lossy WebP (always 4:2:0) and decode again."""
    settings = [cv2.IMWRITE_WEBP_QUALITY, quality]
    encoded = cv2.imencode(".webp", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(np.asarray(decoded), cv2.COLOR_BGR2RGB), dtype=np.uint8)
