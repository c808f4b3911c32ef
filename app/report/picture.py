"""A map as a file: amplified as PNG for looking at, unamplified as NumPy array for computing.

The PNG carries its parameter record, so that the picture never parts from what it shows.
docs/record.md describes the record.
"""

import dataclasses
import hashlib
import io
import json
import os
import platform
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import PIL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import __version__
from app.arrays import MapArray, RgbU8
from app.atomic import write_bytes
from app.errors import RecordRefusedError, UnreadableFileError
from app.evidence.decode import DecodeRecord, decode
from app.evidence.file import EvidenceFile, open_evidence, sniff
from app.names import printable

RECORD_KEY = "elascope.record"
"""Keyword of the PNG's iTXt chunk with the parameter record."""

RECORD_SCHEMA = 1
"""Version of the record that this program writes, and the newest it reads."""

RECORD_LIMIT = 1 << 20
"""Bytes of a record as text; one that this program writes has about 2,000."""

_DEPTH_LIMIT = 16
"""Lists and objects in each other: far below what exhausts Python's stack."""

# Writing --------------------------------------------------------------------------------------


def parameter_record(
    evidence: EvidenceFile, record: DecodeRecord, analysis: Mapping[str, Any]
) -> dict[str, Any]:
    """What another examiner needs to repeat a map; without a view it is of the whole picture.

    Args:
        evidence: the file; its name is kept, its folder is not.
        record: how it was decoded.
        analysis: `Finding.record`.
    """
    name = evidence.path.name
    shown = printable(name)
    return {
        "program": f"elascope {__version__}",
        "record": RECORD_SCHEMA,
        "name": shown,
        **({} if shown == name else {"name_bytes": os.fsencode(name).hex()}),
        "sha256": evidence.sha256,
        "bytes": evidence.size,
        "decode": dataclasses.asdict(record),
        **analysis,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of the program and of the libraries that its pixels depend on."""
    return {
        "elascope": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
    }


def output_facts(picture: RgbU8) -> dict[str, Any]:
    """Size of a picture and SHA-256 over its bytes R, G, B, row after row."""
    height, width = picture.shape[:2]
    digest = hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()
    return {"width": width, "height": height, "pixels_sha256": digest}


def record_text(record: Mapping[str, Any], indent: int | None = None) -> str:
    """The record as JSON."""
    return json.dumps(record, indent=indent, ensure_ascii=False, allow_nan=False)


def write_png(target: Path, picture: RgbU8, record: Mapping[str, Any]) -> None:
    """Write (height, width, 3) uint8 RGB without loss, with its record as JSON text.

    The record's ``output`` is set to the facts of ``picture``.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    text = PngInfo()
    text.add_itxt(RECORD_KEY, record_text({**record, "output": output_facts(picture)}))
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", pnginfo=text)
    write_bytes(target, stream.getvalue())


def write_npy(target: Path, measurement: MapArray) -> None:
    """Write a map in NumPy's own format.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, measurement, allow_pickle=False)
    write_bytes(target, stream.getvalue())


# Reading --------------------------------------------------------------------------------------


def read_record(source: Path) -> tuple[dict[str, Any], RgbU8 | None]:
    """Read a record from its own file, or from a PNG together with the PNG's picture.

    Of the content only the schema is checked.

    Raises:
        UnreadableFileError: the file cannot be read.
        RecordRefusedError: it holds no record that this program understands.
    """
    head = _head(source, RECORD_LIMIT + 1)
    if sniff(head) == "PNG":
        picture, text = read_png(source)
        if text is None:
            raise RecordRefusedError(
                f"{_shown(source)} is a PNG without a record of Elascope inside."
            )
        return record_of(text.encode("utf-8", "surrogatepass")), picture
    return record_of(head), None


def read_png(source: Path) -> tuple[RgbU8, str | None]:
    """The pixels of a PNG that this program wrote, and the record in it as text.

    Raises:
        UnreadableFileError: the file cannot be read.
        RecordRefusedError: it is damaged, too large, or no PNG in 8-bit RGB.
    """
    file = open_evidence(source)
    try:
        image = decode(file)
        with Image.open(io.BytesIO(file.data or b""), formats=("PNG",)) as opened:
            text = opened.info.get(RECORD_KEY)
    except Exception as error:
        # Decoders reject hostile content with almost any exception type.
        reason = getattr(error, "sentence", "Its header is damaged.")
        raise RecordRefusedError(
            f"{_shown(source)} cannot be read. {reason}", repr(error)
        ) from error
    kind = (image.record.format, image.record.mode, image.record.bit_depth)
    if kind != ("PNG", "RGB", 8):
        raise RecordRefusedError(f"{_shown(source)} is no picture as Elascope writes them.")
    return image.pixels, None if text is None else str(text)


def record_of(data: bytes) -> dict[str, Any]:
    """The record in the content of a JSON file.

    Raises:
        RecordRefusedError: too large, not JSON, not a record, or too new.
    """
    if len(data) > RECORD_LIMIT:
        raise RecordRefusedError(
            f"The file is larger than {RECORD_LIMIT >> 20} MB, too large for a record."
        )
    try:
        # Some editors put a byte order mark before UTF-8.
        raw = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RecordRefusedError(
            "This is not a record: it is neither JSON in UTF-8 nor a PNG.", str(error)
        ) from error
    if _deeper_than(_DEPTH_LIMIT, raw):
        raise RecordRefusedError("This is not a record: it is nested too deeply.")
    schema = raw.get("record") if isinstance(raw, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise RecordRefusedError("This is not a record of Elascope.")
    if schema > RECORD_SCHEMA:
        raise RecordRefusedError(
            f"This record has format {schema}; this program knows up to {RECORD_SCHEMA}. "
            "A newer Elascope is needed for it."
        )
    return dict(raw)


def _deeper_than(limit: int, value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return limit < 0 or any(_deeper_than(limit - 1, item) for item in inner)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _head(source: Path, count: int) -> bytes:
    try:
        # Opening a named pipe would wait for its writer.
        if not stat.S_ISREG(source.stat().st_mode):
            raise UnreadableFileError(f"{_shown(source)} is not a file.")
        with source.open("rb") as stream:
            return stream.read(count)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(
            f"{_shown(source)} cannot be read: {reason}.", repr(error)
        ) from error


def _shown(path: Path) -> str:
    return printable(path.name)
