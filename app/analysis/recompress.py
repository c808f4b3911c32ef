"""The one JPEG round trip of the program, and the identity of the encoder behind it.

Error levels depend on the encoder, so there is exactly one: libjpeg(-turbo) with its exact
integer transform ("islow") as OpenCV ships it. OpenCV releases the interpreter lock while it
works, Pillow's save does not; their pixels are the same (docs/adr/0001).
"""

import functools
import hashlib
import re
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.region import Region
from app.arrays import RgbU8
from app.errors import InvalidParameterError, TooLargeError

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")

_FACTORS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}

_MCU = {"4:4:4": (8, 8), "4:2:2": (16, 8), "4:2:0": (16, 16)}
"""Columns and rows of one minimum coded unit (ITU-T T.81, A.2.3): blocks are saved on this grid."""

_LARGEST_SIDE = 65500
"""libjpeg's JPEG_MAX_DIMENSION."""


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Which encoder made a round trip.

    Attributes:
        library: name and versions, for the reader of a record.
        fingerprint: first 16 hexadecimal digits of a SHA-256 over the pixels that this encoder
            returns for a fixed picture at several settings. Equal fingerprints mean equal
            error levels at those settings, whatever the version strings say.
    """

    library: str
    fingerprint: str


def round_trip(pixels: RgbU8, quality: int, subsampling: str) -> RgbU8:
    """Encode as baseline JPEG and decode again.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        quality: IJG quality 1..100.
        subsampling: one of `SUBSAMPLINGS`.

    Returns:
        Same shape and type as ``pixels``.

    Raises:
        TooLargeError: a side is longer than the JPEG format allows.
        InvalidParameterError: the subsampling is not one that a save can use.
    """
    _refuse_unfit(pixels, subsampling)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        _FACTORS[subsampling],
    ]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1]
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(encoded, flags)
    if decoded is None:
        raise TooLargeError("The JPEG round trip failed; the picture may not fit into memory.")
    return np.asarray(decoded, dtype=np.uint8)


def round_trip_region(pixels: RgbU8, quality: int, subsampling: str, region: Region) -> RgbU8:
    """The part of `round_trip` inside ``region``, at the cost of the region alone.

    A JPEG save is local: each coded unit is transformed by itself, and the chroma filter of
    the decoder looks one sample beyond it. So the rectangle is widened to the grid of coded
    units and by one unit more, saved and read back: no byte differs from the round trip of the
    whole picture (tests/analysis/test_recompress.py).

    Args:
        pixels: (height, width, 3) uint8 RGB.
        quality: IJG quality 1..100.
        subsampling: one of `SUBSAMPLINGS`.
        region: inside the picture, not empty.

    Returns:
        (region.height, region.width, 3) uint8.

    Raises:
        As `round_trip` of the whole picture, whatever the size of the region: what is refused
        must not depend on how the work is divided.
    """
    _refuse_unfit(pixels, subsampling)
    columns, rows = _MCU[subsampling]
    wide = region.snapped(columns, rows).grown(columns, rows).inside(Region.whole(pixels))
    return region.relative_to(wide).of(round_trip(wide.of(pixels), quality, subsampling))


def _refuse_unfit(pixels: RgbU8, subsampling: str) -> None:
    if subsampling not in _FACTORS:
        raise InvalidParameterError(f"A save cannot use the subsampling {subsampling}.")
    if max(pixels.shape[:2]) > _LARGEST_SIDE:
        raise TooLargeError(
            f"A side of {max(pixels.shape[:2])} pixels cannot be saved as JPEG "
            f"(at most {_LARGEST_SIDE}), so there is no error level."
        )


@functools.cache
def encoder_identity() -> EncoderIdentity:
    """Identify the encoder of `round_trip` by version and by what it does."""
    build = re.search(r"JPEG:\s+(?:\S*/)?(\S+) \(ver ([^)]+)\)", cv2.getBuildInformation())
    codec = f"{build[1].removeprefix('build-')} {build[2]}" if build else "libjpeg"
    # A smooth ramp, a hard edge and noise: every path of the transform and of the chroma filter.
    rows, columns = np.mgrid[0:48, 0:64]
    noise = (rows * 7919 + columns * 104729 + rows * columns * 31) % 256
    probe = np.stack([rows * 5 % 256, (columns > 30) * 200, noise], axis=2).astype(np.uint8)
    digest = hashlib.sha256()
    for quality in (30, 75, 90, 98):
        for subsampling in SUBSAMPLINGS:
            digest.update(round_trip(probe, quality, subsampling).tobytes())
    return EncoderIdentity(f"OpenCV {cv2.__version__} ({codec})", digest.hexdigest()[:16])
