"""A parameter record as a file that others hand over: JSON, or a PNG with the record inside.

docs/record.md describes the record; `app.report.step` checks what it says.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.arrays import RgbU8
from app.errors import RecordRefusedError
from app.evidence.decode import decode
from app.evidence.file import open_evidence, sniff
from app.evidence.plaintext import plain
from app.foreign_json import FaultError, NotJsonError, deeper_than, parse, read_start
from app.names import printable

RECORD_KEY = "elascope.record"
"""Keyword of the PNG's iTXt chunk with the parameter record."""

RECORD_SCHEMA = 1
"""Version of the record that this program writes, and the newest it reads."""

RECORD_LIMIT = 1 << 20
"""Bytes of a record as text; one that this program writes has about 2,000."""

_DEPTH_LIMIT = 16
"""Lists and objects in each other."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_WRITTEN = [b"IHDR", b"IDAT", b"IEND"]
"""The chunks of `app.report.picture.write_png` besides the record's."""

_NAMED = 4
"""Other chunks that are named; a hostile file may have any number."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPicture:
    """A PNG as this program reads it.

    Attributes:
        pixels: (height, width, 3) uint8 RGB.
        record: the record in it, as JSON; None if there is none.
        strange: what it has that this program does not write, in words, so that a viewer may
            show something other than the pixels; empty if there is nothing.
    """

    pixels: RgbU8
    record: bytes | None
    strange: str


def read_record(source: Path) -> tuple[dict[str, Any], RecordedPicture | None]:
    """Read a record from its own file, or from a PNG together with the PNG's picture.

    Of the content only the schema is checked.

    Raises:
        UnreadableFileError: the file cannot be read.
        RecordRefusedError: it holds no record that this program understands.
    """
    head = read_start(source, RECORD_LIMIT + 1)
    if sniff(head) == "PNG":
        picture = read_png(source)
        if picture.record is None:
            raise RecordRefusedError(
                f"{_shown(source)} is a PNG without a record of Elascope inside."
            )
        return record_of(picture.record), picture
    return record_of(head), None


def read_png(source: Path) -> RecordedPicture:
    """A PNG that this program wrote.

    Raises:
        UnreadableFileError: the file cannot be read.
        RecordRefusedError: it is damaged, too large, no PNG in 8-bit RGB, or has two records.
    """
    file = open_evidence(source)
    try:
        image = decode(file)
        found = [(kind, _record_in(kind, text)) for kind, text in _chunks(file.data or b"")]
    except Exception as error:
        # Decoders reject hostile content with almost any exception type.
        reason = getattr(error, "sentence", "Its structure is damaged.")
        raise RecordRefusedError(
            f"{_shown(source)} cannot be read. {reason}", repr(error)
        ) from error
    kind = (image.record.format, image.record.mode, image.record.bit_depth)
    if kind != ("PNG", "RGB", 8):
        raise RecordRefusedError(f"{_shown(source)} is no picture as Elascope writes them.")
    records = [text for _, text in found if text is not None]
    if len(records) > 1:
        raise RecordRefusedError(
            f"{_shown(source)} has {len(records)} records of Elascope inside; which of them it "
            "belongs to cannot be told."
        )
    strange = _strange([kind for kind, text in found if text is None])
    return RecordedPicture(image.pixels, records[0] if records else None, strange)


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
        raw = parse(data)
    except NotJsonError as error:
        raise RecordRefusedError(
            "This is not a record: it is neither JSON in UTF-8 nor a PNG.", str(error)
        ) from error
    except FaultError as error:
        raise damaged_record(error) from error
    if deeper_than(_DEPTH_LIMIT, raw):
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


def damaged_record(fault: FaultError) -> RecordRefusedError:
    """The refusal of a record that cannot be what the program wrote."""
    return RecordRefusedError(
        f"The record is damaged or was changed by hand: {fault}.", repr(fault.__cause__ or fault)
    )


# Chunks of a PNG (PNG specification, third edition, 5 and 11) ---------------------------------


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and text of each, a run of image data as one; b"" for what lies behind the last."""
    at, kind = 8, b""
    while kind != b"IEND" and at + 12 <= len(data):
        before = kind
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind != b"IDAT" or before != b"IDAT":
            yield kind, data[at + 8 : at + 8 + length] if kind in _TEXTS else b""
        at += 12 + length
    if at < len(data):
        yield b"", b""


def _record_in(kind: bytes, content: bytes) -> bytes | None:
    """The record, if this chunk has it; a program that saved the PNG again may have packed it."""
    keyword, _, text = content.partition(b"\0")
    if kind not in _TEXTS or keyword != RECORD_KEY.encode():
        return None
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[2]
    elif packed:
        text = text[1:]
    return zlib.decompressobj().decompress(text, RECORD_LIMIT + 1) if packed else text


def _strange(kinds: Sequence[bytes]) -> str:
    """What of these chunks this program does not write, in words."""
    others = [*dict.fromkeys(kind for kind in kinds if kind and kind not in _WRITTEN)]
    parts = [f"the chunk {plain(kind.decode('latin-1'))}" for kind in others[:_NAMED]]
    if len(others) > _NAMED:
        parts.append("further chunks")
    if b"" in kinds:
        parts.append("bytes behind its end")
    if not parts and list(kinds) != _WRITTEN:
        parts.append("its chunks in another order")
    return ", ".join(parts)


def _shown(path: Path) -> str:
    return printable(path.name or str(path))
