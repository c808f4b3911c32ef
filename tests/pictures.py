"""Small pictures and image files for the tests, made without the code under test."""

import hashlib
import io
import struct
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.evidence.file import EvidenceFile, sniff

PILLOW_SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Independent random values: the worst case for a codec."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Ramps, a hard coloured edge and a little noise, as in a photograph."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack(
        [rows * 255 / max(height, 2), columns * 255 / max(width, 2), (rows + columns) % 200],
        axis=2,
    )
    picture[height // 3 : height // 2, width // 4 : width // 2] = (220, 30, 40)
    picture += np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def encoded(picture: NDArray[Any] | Image.Image, container: str, **options: Any) -> bytes:
    """The picture as Pillow saves it."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, container, **options)
    return stream.getvalue()


def pillow_round_trip(
    pixels: NDArray[np.uint8], quality: int, subsampling: str
) -> NDArray[np.uint8]:
    """One JPEG save and load by Pillow; the program uses OpenCV for its own."""
    data = encoded(pixels, "JPEG", quality=quality, subsampling=PILLOW_SUBSAMPLING[subsampling])
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def pillow_residual(pixels: NDArray[np.uint8], quality: int, subsampling: str) -> NDArray[np.int16]:
    """The absolute difference to `pillow_round_trip`, in a type that cannot saturate."""
    again = pillow_round_trip(pixels, quality, subsampling)
    return np.abs(pixels.astype(np.int16) - again.astype(np.int16))


def block_means(plane: NDArray[Any], height: int, width: int) -> NDArray[np.float64]:
    """Means of equal blocks of (rows, columns, channels), as (channels, height, width)."""
    rows, columns, channels = plane.shape
    blocks = plane.astype(np.float64).reshape(
        height, rows // height, width, columns // width, channels
    )
    return blocks.mean(axis=(1, 3)).transpose(2, 0, 1)


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    """One chunk with its checksum (PNG specification, 5.3)."""
    return (
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
    )


def hand_made_png(
    width: int,
    height: int,
    bit_depth: int,
    colour_type: int,
    scanlines: Sequence[bytes],
    extra: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG from packed scanlines without filter; ``extra`` chunks stand before the data."""
    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in scanlines))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, payload) for kind, payload in chunks)


def in_memory(data: bytes) -> EvidenceFile:
    """Evidence as `open_evidence` returns it for a file with this content."""
    return EvidenceFile(
        path=Path("in-memory"),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        modified=datetime(2024, 5, 6, tzinfo=UTC),
        format=sniff(data[:64]),
        kind="",
        data=data,
    )
