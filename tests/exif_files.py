"""EXIF streams and small files with metadata, built by hand from the formats' definitions."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.pictures import encoded

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10

Tag = tuple[int, int, int, bytes]
"""Tag, type, count, and the value's bytes in the stream's order."""

EXIF_MARK = b"Exif\0\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


def text(tag: int, value: str) -> Tag:
    """An ASCII tag with its closing zero."""
    raw = value.encode() + b"\0"
    return tag, ASCII, len(raw), raw


def rationals(tag: int, *pairs: tuple[int, int], order: str = "<") -> Tag:
    """A tag of unsigned rationals."""
    raw = b"".join(struct.pack(f"{order}II", *pair) for pair in pairs)
    return tag, RATIONAL, len(pairs), raw


def long(tag: int, value: int, order: str = "<") -> Tag:
    """A tag of one 32-bit number."""
    return tag, LONG, 1, struct.pack(f"{order}I", value)


def gps(latitude: str, north: Sequence[tuple[int, int]], longitude: str, east: object) -> list[Tag]:
    """The four position tags; each angle is three rationals."""
    return [
        text(1, latitude),
        rationals(2, *north),
        text(3, longitude),
        rationals(4, *east),  # type: ignore[misc]
    ]


def directory(tags: Sequence[Tag], at: int, following: int = 0, order: str = "<") -> bytes:
    """One IFD at offset ``at`` of its stream, its values behind it (TIFF 6.0, section 2)."""
    entries, values = b"", b""
    behind = at + 2 + 12 * len(tags) + 4
    for tag, kind, count, raw in tags:
        inline = raw.ljust(4, b"\0")
        if len(raw) > 4:
            inline = struct.pack(f"{order}I", behind + len(values))
            values += raw + b"\0" * (len(raw) % 2)
        entries += struct.pack(f"{order}HHI", tag, kind, count) + inline
    head = struct.pack(f"{order}H", len(tags))
    return head + entries + struct.pack(f"{order}I", following) + values


def exif_stream(
    ifd0: Sequence[Tag] = (),
    exif: Sequence[Tag] = (),
    position: Sequence[Tag] = (),
    thumbnail: bytes = b"",
    order: str = "<",
) -> bytes:
    """A TIFF stream with the given directories one after the other."""
    pointers = [(0x8769, exif), (0x8825, position)]
    tags = [*ifd0, *(long(tag, 0, order) for tag, part in pointers if part)]
    at = 8 + len(directory(tags, 8, 0, order))
    parts, tags = b"", list(ifd0)
    for tag, part in pointers:
        if part:
            tags.append(long(tag, at + len(parts), order))
            parts += directory(part, at + len(parts), 0, order)
    following = 0
    if thumbnail:
        following = at + len(parts)
        size = len(directory([long(0, 0), long(0, 0)], 0))
        ifd1 = [long(0x201, following + size, order), long(0x202, len(thumbnail), order)]
        parts += directory(ifd1, following, 0, order) + thumbnail
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + directory(tags, 8, following, order) + parts


def segment(marker: int, payload: bytes) -> bytes:
    """One JPEG marker segment."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG file with further segments behind its first marker."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def texture(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Soft random shapes over the whole picture; two seeds do not correlate."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(image.filter(ImageFilter.GaussianBlur(1)))


def reduced(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture at another size, by Pillow."""
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def jpeg_with_thumbnail(picture: NDArray[np.uint8], thumbnail: NDArray[np.uint8]) -> bytes:
    """A JPEG file whose EXIF block embeds ``thumbnail``."""
    stream = exif_stream([text(0x10F, "Maker")], thumbnail=encoded(thumbnail, "JPEG", quality=85))
    return encoded(picture, "JPEG", quality=90, exif=EXIF_MARK + stream)
