"""Pixels of a file as the analyses see them, with a record of everything done to get there.

Nothing is silent: a rotation that is *not* applied, alpha that is dropped and depth that is
reduced all stand in the `DecodeRecord`.
"""

import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError, features

from app.arrays import RgbU8
from app.errors import BrokenImageError, TooLargeError, UnsupportedFormatError
from app.evidence.file import EvidenceFile
from app.evidence.lossy import lossy_compression

DEFAULT_PIXEL_LIMIT = 250_000_000
"""Pictures above this number of pixels (750 MB as RGB) are refused before decoding."""

_PLUGINS = {
    # Only the plugin that belongs to the sniffed content is tried, so no other decoder can be
    # reached by a hostile file.
    "JPEG": ("JPEG",),
    "PNG": ("PNG",),
    "TIFF": ("TIFF",),
    "WebP": ("WEBP",),
    "GIF": ("GIF",),
    "BMP": ("BMP",),
    "AVIF": ("AVIF",),
}

_LIBRARIES = {
    "JPEG": "libjpeg_turbo",
    "MPO": "libjpeg_turbo",
    "PNG": "zlib",
    "TIFF": "libtiff",
    "WebP": "webp",
    "AVIF": "avif",
}

_EXIF_ORIENTATION = 0x0112

_BAND = 256

_UNDO_ROTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True)
class DecodeRecord:
    """How the analysed pixels came out of the file.

    Attributes:
        decoder: library and version, with the codec beneath it.
        format: as in `EvidenceFile.format`, or ``MPO`` for a JPEG with further pictures.
        width: pixels, as stored.
        height: pixels, as stored.
        mode: colour mode of the file in Pillow's terms (``RGB``, ``L``, ``CMYK``, ``P`` …).
        bit_depth: bits per sample in the file.
        frames: pictures in the file; the first is analysed.
        exif_orientation: the EXIF value 1..8, or None. It is never applied to the analysed
            pixels, because rotating would move them off the 8x8 grid they were saved on.
        alpha: ``none`` or ``dropped`` (colour values stay as stored, nothing is composited).
        icc_profile: whether the file has one; it is not applied.
        conversions: further steps, in order, in words.
        lossy: the compression inside the file if it loses detail: ``JPEG``, ``VP8`` (lossy
            WebP), ``WebP`` (in a TIFF), ``AV1``; the last two can also be lossless. Else empty.
    """

    decoder: str
    format: str
    width: int
    height: int
    mode: str
    bit_depth: int
    frames: int
    exif_orientation: int | None
    alpha: str
    icc_profile: bool
    conversions: tuple[str, ...]
    lossy: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """Full-resolution pixels, (height, width, 3) uint8 RGB, and the record of their making."""

    pixels: RgbU8
    record: DecodeRecord


def decode(evidence: EvidenceFile, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> DecodedImage:
    """Decode the first picture of ``evidence``.

    Raises:
        UnsupportedFormatError: not an image, or of a kind that is not decoded.
        TooLargeError: over the byte or pixel limit, or memory ran out.
        BrokenImageError: the decoder rejects the content.
    """
    with _opened(evidence, pixel_limit) as image:
        return _decode_open(image, evidence)


def decode_thumbnail(
    evidence: EvidenceFile, side: int, pixel_limit: int = DEFAULT_PIXEL_LIMIT
) -> RgbU8:
    """A small picture for lists, at most ``side`` pixels long; not for analysis.

    JPEG files are decoded at reduced resolution, which takes a fraction of the time.

    Raises:
        As `decode`.
    """
    with _opened(evidence, pixel_limit) as opened:
        opened.draft("RGB", (side, side))
        image = _loaded_as_stored(opened, opened.getexif().get(_EXIF_ORIENTATION))
        if image.mode.startswith("I;16"):
            pixels = Image.fromarray(_to_rgb(image, 16)[0])
        else:
            pixels = image.convert("RGB")
        pixels.thumbnail((side, side))
        return np.array(pixels)


@contextlib.contextmanager
def _opened(evidence: EvidenceFile, pixel_limit: int) -> Iterator[Image.Image]:
    """Open with the one decoder that belongs to the content, and translate its errors."""
    if evidence.format is None:
        raise UnsupportedFormatError(f"Not analysed: the content is {evidence.kind}.")
    if evidence.data is None:
        raise TooLargeError(
            f"The file has {evidence.size:,} bytes, more than are read into memory."
        )
    # Pillow's own limit is a process-wide number that warns before it refuses; the check
    # below replaces it.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(evidence.data), formats=_PLUGINS[evidence.format]) as image:
            width, height = image.size
            if width * height > pixel_limit:
                raise TooLargeError(
                    f"The picture has {width} x {height} pixels; "
                    f"the limit is {pixel_limit / 1e6:g} megapixels."
                )
            yield image
    except (UnsupportedFormatError, TooLargeError):
        raise
    except UnidentifiedImageError as error:
        raise BrokenImageError(
            f"The file begins as {evidence.format} does, but its header is damaged.",
            # Its text names an object in memory, which would make equal reports differ.
            type(error).__name__,
        ) from error
    except MemoryError as error:
        raise TooLargeError("The picture does not fit into memory.", repr(error)) from error
    except Exception as error:
        # Decoders reject hostile content with almost any exception type.
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise BrokenImageError(
            f"The {evidence.format} data is broken: {reason}.", repr(error)
        ) from error


def _decode_open(opened: Image.Image, evidence: EvidenceFile) -> DecodedImage:
    container = "MPO" if opened.format == "MPO" else str(evidence.format)
    mode = opened.mode
    bit_depth = _bit_depth(opened, container, evidence.data or b"")
    lossy = lossy_compression(opened, container, evidence.data or b"")
    frames = int(getattr(opened, "n_frames", 1))
    orientation = opened.getexif().get(_EXIF_ORIENTATION)
    image = _loaded_as_stored(opened, orientation)
    has_alpha = mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in opened.info
    icc_profile = bool(opened.info.get("icc_profile"))
    pixels, conversions = _to_rgb(image, bit_depth)
    if bit_depth > 8:
        conversions = (f"{bit_depth} to 8 bits per sample", *conversions)
    height, width = pixels.shape[:2]
    record = DecodeRecord(
        decoder=_decoder_name(container),
        format=container,
        width=width,
        height=height,
        mode=mode,
        bit_depth=bit_depth,
        frames=frames,
        exif_orientation=orientation if orientation in range(1, 9) else None,
        alpha="dropped" if has_alpha else "none",
        icc_profile=icc_profile,
        conversions=conversions,
        lossy=lossy,
    )
    return DecodedImage(pixels, record)


def _loaded_as_stored(image: Image.Image, orientation: int | None) -> Image.Image:
    """Decode the first picture, and take back a rotation that Pillow applied on its own.

    Its TIFF loader turns the pixels by the file's orientation and drops the tag, other loaders
    do not.
    """
    image.seek(0)
    image.load()
    undo = _UNDO_ROTATION.get(orientation or 1)
    if undo is not None and image.getexif().get(_EXIF_ORIENTATION) is None:
        return image.transpose(undo)
    return image


def _to_rgb(image: Image.Image, bit_depth: int) -> tuple[RgbU8, tuple[str, ...]]:
    """Bring any decoded mode to uint8 RGB, saying what was done."""
    mode = image.mode
    if mode == "RGB":
        return _copied(image), ()
    if mode.startswith("I;16"):
        # The highest eight bits, as libpng's 16-to-8 reduction takes them.
        grey = (np.asarray(image).astype(np.uint16) >> max(bit_depth - 8, 0)).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2), ("grey to RGB",)
    if mode in ("RGBA", "RGBX"):
        return np.ascontiguousarray(np.asarray(image)[:, :, :3]), ()
    if mode in ("P", "PA"):
        # Through RGBA, so that a palette's transparent entry keeps its stored colour.
        rgba = np.asarray(image.convert("RGBA"))
        return np.ascontiguousarray(rgba[:, :, :3]), ("palette to RGB",)
    if mode in ("1", "L", "LA"):
        return np.asarray(image.convert("L").convert("RGB")), ("grey to RGB",)
    if mode == "CMYK":
        return np.asarray(image.convert("RGB")), ("CMYK to RGB without its ICC profile",)
    if mode == "YCbCr":
        return np.asarray(image.convert("RGB")), ("YCbCr to RGB",)
    raise UnsupportedFormatError(f"Not analysed: the colour mode {mode} has no exact 8-bit RGB.")


def _copied(image: Image.Image) -> RgbU8:
    """The pixels of an RGB image, copied band by band.

    Pillow hands a whole image to NumPy as one string of bytes joined from pieces, which for a
    moment takes three times the picture's size beside its own copy.
    """
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _BAND):
        bottom = min(top + _BAND, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _decoder_name(container: str) -> str:
    name = f"Pillow {PIL.__version__}"
    library = _LIBRARIES.get(container)
    version = features.version(library) if library else None
    return f"{name} ({library} {version})" if version else name


def _bit_depth(image: Image.Image, container: str, data: bytes) -> int:
    """Bits per sample as the file states them; Pillow's mode has already lost this."""
    if container == "PNG":
        return data[24]  # IHDR, PNG specification 11.2.2
    if container == "TIFF":
        bits: Any = getattr(image, "tag_v2", {}).get(258, 1)
        return int(max(bits) if isinstance(bits, tuple) else bits)
    if container in ("JPEG", "MPO"):
        return int(getattr(image, "bits", 8))
    if container == "AVIF":
        # The pixi box: version and flags, channel count, one depth per channel (ISO 23008-12).
        at = data.find(b"pixi", 0, 1 << 16)
        return data[at + 9] if 0 <= at < len(data) - 9 else 8
    if container == "BMP":
        bits = struct.unpack_from("<H", data, 28)[0] if data[14] >= 40 else 8
        return min(int(bits), 8)
    return 8
