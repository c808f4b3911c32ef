"""The compression inside a file that loses detail, asked of the container.

Sources: TIFF 6.0 (tag Compression) and its technical note 2, the WebP container specification.
"""

from typing import Any

from PIL import Image

_OF_FORMAT = {"JPEG": "JPEG", "MPO": "JPEG", "AVIF": "AV1"}

_OF_TIFF = {6: "JPEG", 7: "JPEG", 50001: "WebP"}
"""Values of the tag Compression that can lose detail, of those that Pillow decodes."""

_COMPRESSION = 259

_CHUNKS = 1000
"""Chunks of a WebP file that are looked through for the one with the first picture."""


def lossy_compression(image: Image.Image, container: str, data: bytes) -> str:
    """Name the compression, as `DecodeRecord.lossy` has it; empty if it loses nothing.

    Args:
        image: opened by Pillow.
        container: as in `DecodeRecord.format`.
        data: the file.
    """
    if container == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        return _OF_TIFF.get(tags.get(_COMPRESSION, 1), "")
    if container == "WebP":
        return "VP8" if _first_webp_picture(data) == b"VP8 " else ""
    return _OF_FORMAT.get(container, "")


def _first_webp_picture(data: bytes) -> bytes:
    """The kind of the chunk with the first picture: ``VP8 ``, or ``VP8L``, which loses nothing."""
    at = 12
    for _ in range(_CHUNKS):
        kind = data[at : at + 4]
        if kind in (b"VP8 ", b"VP8L"):
            return kind
        # The picture of an animation stands in a chunk of its own, behind 16 bytes about it.
        size = 16 if kind == b"ANMF" else int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return b""
