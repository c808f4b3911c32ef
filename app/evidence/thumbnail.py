"""The thumbnail that a camera embeds, and whether it shows what the picture shows.

A program that changes a picture and copies the old EXIF block leaves the old thumbnail in the
file. The comparison is of the whole picture: a small local change does not show in it.

The thresholds come from 62 embedded thumbnails of camera and editor files, and from each of them
against every other picture (3,782 pairs). Correlation of luma after a blur of 1.5 pixels, black
bars left out, was 0.972 to 1.0 for 57 of them. Two cameras write a thumbnail of another frame or
with a cut of their own (0.75, 0.86), which is why the middle is inconclusive. Two pictures were
turned after they were taken (0.14 and less), one thumbnail is blank. Pairs of different pictures:
median 0.05, 99 % below 0.62, 99.9 % below 0.83.
"""

import enum
import io
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.arrays import RgbU8
from app.evidence.exif import Exif

CONSISTENT = 0.95
DIFFERENT = 0.7
ASPECT_TOLERANCE = 0.05
"""Thumbnails are rounded to whole pixels and to 8x8 blocks: up to 2.3 % were found."""

_JPEG_OFFSET, _JPEG_LENGTH, _COMPRESSION = 0x0201, 0x0202, 0x0103
_PIXEL_LIMIT = 4_000_000
_SMALLEST_SIDE = 16
_WORKING_SIDE = 512
_BLUR = 1.5
_DARK = 24
_FLAT = 1.0
_NO_BARS = (0, 0, 0, 0)


IN_EXIF, IN_PHOTOSHOP = "EXIF IFD1", "Photoshop resource 1036"

NONE_IN_EXIF = "none in EXIF"


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """An embedded thumbnail.

    Attributes:
        pixels: (height, width, 3) uint8 RGB as stored.
        size: bytes of its JPEG data.
        source: the part of the file that has it, `IN_EXIF` or `IN_PHOTOSHOP`.
    """

    pixels: RgbU8
    size: int
    source: str


class Agreement(enum.Enum):
    """How the thumbnail and the picture compare."""

    CONSISTENT = "consistent with the picture"
    INCONCLUSIVE = "inconclusive"
    DIFFERENT = "differs clearly from the picture"
    NOT_COMPARED = "cannot be compared"


@dataclass(frozen=True, slots=True, eq=False)
class ThumbnailComparison:
    """An embedded thumbnail against the picture.

    Attributes:
        agreement: in one of four.
        sentence: for the analyst.
        bars: rows or columns of black bars left out at (top, bottom, left, right).
        aspect_difference: of the thumbnail without bars against the whole picture, as a
            fraction; positive where the thumbnail is wider.
        difference: mean absolute difference of luma in grey levels, or None if not compared.
        correlation: -1..1, of luma after a slight blur, or None if not compared.
        reduced: the picture, or what of it was compared, at the size of the thumbnail without
            bars, RGB; None if not compared.
    """

    agreement: Agreement
    sentence: str
    bars: tuple[int, int, int, int] = (0, 0, 0, 0)
    aspect_difference: float = 0.0
    difference: float | None = None
    correlation: float | None = None
    reduced: RgbU8 | None = None


def read_thumbnail(exif: Exif, photoshop: bytes | None) -> tuple[Thumbnail | None, str]:
    """The JPEG thumbnail of IFD1, else that of Photoshop, and a few words on what was found."""
    thumbnail, state = _from_exif(exif)
    if photoshop is None:
        return thumbnail, state
    if thumbnail is not None:
        return thumbnail, f"{state}; the one in {IN_PHOTOSHOP} is not read"
    thumbnail, other = _decoded(photoshop, IN_PHOTOSHOP)
    more = "" if state == NONE_IN_EXIF else f"; in EXIF: {state}"
    return thumbnail, f"{other}, in {IN_PHOTOSHOP}{more}"


def _from_exif(exif: Exif) -> tuple[Thumbnail | None, str]:
    directory = exif.directories.get("IFD1")
    if directory is None:
        whole = exif.complete("IFD0")
        return None, NONE_IN_EXIF if whole else "none found, but the EXIF block is damaged"
    offset, length = exif.number("IFD1", _JPEG_OFFSET), exif.number("IFD1", _JPEG_LENGTH)
    if offset is None or length is None:
        if exif.number("IFD1", _COMPRESSION) == 1:
            return None, "stored uncompressed, which is not read"
        named = _JPEG_OFFSET in directory.fields or _JPEG_LENGTH in directory.fields
        if named or not directory.complete:
            return None, "damaged, cannot be read"
        return None, NONE_IN_EXIF
    if min(offset, length) < 0:
        return None, "damaged, cannot be read"
    return _decoded(exif.stream.data[offset : offset + length], IN_EXIF)


def _decoded(data: bytes, source: str) -> tuple[Thumbnail | None, str]:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            width, height = image.size
            if width * height > _PIXEL_LIMIT:
                return None, f"not read: {width} x {height} pixels are no thumbnail"
            pixels = np.array(image.convert("RGB"))
            return Thumbnail(pixels, len(data), source), f"{width} x {height} pixels"
    except Exception:
        # Decoders reject hostile content with almost any exception type.
        return None, "damaged, cannot be decoded"


def compare_thumbnail(thumbnail: RgbU8, picture: RgbU8) -> ThumbnailComparison:
    """Compare an embedded thumbnail with the picture, both RGB as stored.

    Neither is turned by the EXIF orientation. The picture is reduced by the area mean.
    """
    height, width = thumbnail.shape[:2]
    if min(height, width, *picture.shape[:2]) < _SMALLEST_SIDE:
        return _not_compared(f"one of the two has a side below {_SMALLEST_SIDE} pixels")
    small = _reduced_once(picture)
    fits = [_fit(thumbnail, _NO_BARS, small, "The thumbnail")]
    if (bars := _bars(thumbnail)) is not None:
        fits.append(_fit(thumbnail, bars, small, "The thumbnail without its black bars"))
    if abs(deviation := fits[0].aspect_difference) > ASPECT_TOLERANCE:
        middle = _middle(small, width / height)
        # Of a strip across another strip's middle next to nothing is left to compare.
        if min(middle.shape[:2]) >= _SMALLEST_SIDE:
            subject = "The thumbnail, taken as showing only the middle of the picture,"
            cut = _fit(thumbnail, _NO_BARS, middle, subject)
            fits.append(replace(cut, aspect_difference=deviation))
    known = [fit for fit in fits if fit.correlation is not None]
    if not known:
        return _not_compared("at this size one of the two hardly varies in brightness")
    best = max(known, key=lambda fit: (fit.agreement is Agreement.CONSISTENT, fit.correlation))
    if best.agreement is not Agreement.CONSISTENT and (turn := _turned(thumbnail, small)):
        sentence = (
            "The thumbnail differs from the picture as it is stored and agrees with it once "
            f"turned by {turn}° anticlockwise: the picture was turned after the thumbnail was "
            "made, or the thumbnail is stored turned."
        )
        return replace(best, agreement=Agreement.DIFFERENT, sentence=sentence)
    return best


def _fit(
    thumbnail: RgbU8, bars: tuple[int, int, int, int], picture: RgbU8, subject: str
) -> ThumbnailComparison:
    """Compare without ``bars``; ``subject`` begins the sentence."""
    content = _without(bars, thumbnail)
    height, width = content.shape[:2]
    reduced = _resized(picture, width, height)
    ours, theirs = _luma(content), _luma(reduced)
    correlation = _correlation(ours, theirs)
    deviation = (width / height) / (picture.shape[1] / picture.shape[0]) - 1
    if correlation is None:
        agreement, sentence = Agreement.NOT_COMPARED, ""
    else:
        agreement, sentence = _judged(correlation, deviation, subject)
    difference = float(np.mean(np.abs(ours - theirs)))
    return ThumbnailComparison(
        agreement, sentence, bars, deviation, difference, correlation, reduced
    )


def _judged(correlation: float, deviation: float, subject: str) -> tuple[Agreement, str]:
    alike = correlation >= CONSISTENT
    if alike and abs(deviation) <= ASPECT_TOLERANCE:
        return Agreement.CONSISTENT, (
            f"{subject} is consistent with the picture as a whole. A small local change would not "
            "show here."
        )
    if correlation >= DIFFERENT:
        return Agreement.INCONCLUSIVE, (
            f"Inconclusive: {subject[0].lower()}{subject[1:]} is like the picture, but not the "
            f"same in {'shape' if alike else 'content'}, as after a slight crop, a change of tone, "
            "or a camera's own cut of the thumbnail."
        )
    return Agreement.DIFFERENT, (
        f"{subject} differs clearly from the picture: the picture was changed after the thumbnail "
        "was made, another program wrote the thumbnail, or it is another picture's."
    )


def _not_compared(reason: str) -> ThumbnailComparison:
    sentence = f"The thumbnail cannot be compared with the picture: {reason}."
    return ThumbnailComparison(Agreement.NOT_COMPARED, sentence)


def _bars(thumbnail: RgbU8) -> tuple[int, int, int, int] | None:
    """Dark bars of like width at two opposite sides, as cameras fill another aspect ratio."""
    luma = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY)
    for axis in (1, 0):
        # JPEG ringing lifts single values of a black row.
        dark = np.percentile(luma, 95, axis=axis) < _DARK
        if dark.all():
            return None
        first, last = int(np.argmin(dark)), int(np.argmin(dark[::-1]))
        left = len(dark) - first - last
        if min(first, last) >= 2 and abs(first - last) <= 2 and left >= _SMALLEST_SIDE:
            return (first, last, 0, 0) if axis == 1 else (0, 0, first, last)
    return None


def _without(bars: tuple[int, int, int, int], thumbnail: RgbU8) -> RgbU8:
    top, bottom, left, right = bars
    height, width = thumbnail.shape[:2]
    return np.ascontiguousarray(thumbnail[top : height - bottom, left : width - right])


def _middle(picture: RgbU8, aspect: float) -> RgbU8:
    """The largest part of ``aspect`` at the picture's centre, as some cameras cut thumbnails."""
    height, width = picture.shape[:2]
    wide, high = min(round(height * aspect), width), min(round(width / aspect), height)
    left, top = (width - wide) // 2, (height - high) // 2
    return np.ascontiguousarray(picture[top : top + high, left : left + wide])


def _turned(thumbnail: RgbU8, small: RgbU8) -> int:
    """Degrees by which the thumbnail agrees with the picture once turned, or 0.

    Where a mirrored thumbnail agrees as well, as with a plain gradient, no turn can be named.
    """
    for cut in (thumbnail, _without(_bars(thumbnail) or _NO_BARS, thumbnail)):
        for quarters in (1, 3, 2):
            if _agrees(np.rot90(cut, quarters), small):
                mirrored = any(_agrees(np.rot90(cut[:, ::-1], turn), small) for turn in range(4))
                return 0 if mirrored else 90 * quarters
    return 0


def _agrees(thumbnail: RgbU8, picture: RgbU8) -> bool:
    """Whether both have the same shape and content."""
    height, width = thumbnail.shape[:2]
    if abs(width / height / (picture.shape[1] / picture.shape[0]) - 1) > ASPECT_TOLERANCE:
        return False
    ours, theirs = np.ascontiguousarray(thumbnail), _resized(picture, width, height)
    return (_correlation(_luma(ours), _luma(theirs)) or 0.0) >= CONSISTENT


def _reduced_once(picture: RgbU8) -> RgbU8:
    """The picture with a shorter side of `_WORKING_SIDE`, for all comparisons to start from."""
    factor = _WORKING_SIDE / min(picture.shape[:2])
    if factor >= 1:
        return picture
    height, width = (round(length * factor) for length in picture.shape[:2])
    return _resized(picture, width, height)


def _resized(picture: RgbU8, width: int, height: int) -> RgbU8:
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


def _luma(picture: RgbU8) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _correlation(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float | None:
    """Pearson's, after a blur against sharpening and shifts; None where one of them is flat."""
    planes = [cv2.GaussianBlur(plane, (0, 0), _BLUR) for plane in (ours, theirs)]
    spreads = [float(np.std(plane)) for plane in planes]
    if min(spreads) < _FLAT:
        return None
    products = (planes[0] - planes[0].mean()) * (planes[1] - planes[1].mean())
    return float(np.mean(products, dtype=np.float64)) / (spreads[0] * spreads[1])
