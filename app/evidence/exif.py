"""The directories of an EXIF block or a TIFF file, read within bounds and in the file's order.

Sources: TIFF 6.0 for the directories, CIPA DC-008 (EXIF 2.32) for the tags and the thumbnail,
the BigTIFF draft for 64-bit offsets. The names of the tags are Pillow's.

An own reader, because Pillow gives the tags in no order, keeps every value in memory and tells
nothing of those that it skips.
"""

import struct
from dataclasses import dataclass, field

from PIL import ExifTags

from app.evidence.plaintext import TEXT_LIMIT, decoded, plain, plain_bytes

ENTRY_LIMIT = 1000
"""Entries of one directory that are read."""

BLOCK_LIMIT = 16 << 20
"""Bytes of a block inside a directory (XMP, IPTC, thumbnail) that are read."""

_NUMBERS_SHOWN = 16

# Field type to the size of one value and the code of `struct`, TIFF 6.0 section 2 and BigTIFF.
_TYPES = {
    1: (1, "B"), 2: (1, ""), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 6: (1, "b"), 7: (1, "B"),
    8: (2, "h"), 9: (4, "i"), 10: (8, "ii"), 11: (4, "f"), 12: (8, "d"), 13: (4, "I"),
    16: (8, "Q"), 17: (8, "q"), 18: (8, "Q"),
}  # fmt: skip
_BYTE, _ASCII, _UNDEFINED = 1, 2, 7
_RATIONALS, _BYTES = (5, 10), (_BYTE, _UNDEFINED)
_OFFSETS = (4, 13, 16, 18)  # LONG, IFD, LONG8, IFD8: none is negative or a fraction

_EXIF_POINTER, _GPS_POINTER, _INTEROP_POINTER = 0x8769, 0x8825, 0xA005
_CHARSET_TAGS = {0x9286, 0x001B, 0x001C}  # UserComment, GPSProcessingMethod, GPSAreaInformation
_UTF16_TAGS = range(0x9C9B, 0x9CA0)  # XPTitle … XPSubject

_GPS_NAMES = dict(ExifTags.GPSTAGS)
_INTEROP_NAMES = {tag.value: tag.name for tag in ExifTags.Interop}


@dataclass(frozen=True, slots=True)
class ExifEntry:
    """One tag: its directory (``IFD0``, ``Exif``, ``GPS``, ``Interop``, ``IFD1``), name, value."""

    group: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """Where a directory says that a value lies: ``size`` bytes from offset ``at``."""

    tag: int
    kind: int
    count: int
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The fields of one IFD by tag; of a tag that stands twice the first counts.

    Attributes:
        following: offset of the next directory, 0 where there is none.
        complete: nothing of it was left out that could not be read.
    """

    fields: dict[int, Field] = field(default_factory=dict)
    following: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes that offsets count from, and how numbers are written in them."""

    data: bytes
    order: str = "<"
    wide: bool = False

    def numbers(self, entry: Field, limit: int = _NUMBERS_SHOWN) -> tuple[int | float, ...]:
        """The first ``limit`` values, of a rational two numbers each; none for text."""
        size, code = _TYPES[entry.kind]
        shown = min(entry.count, limit, max(len(self.data) - entry.at, 0) // size)
        return struct.unpack_from(self.order + code * shown, self.data, entry.at) if code else ()

    def raw(self, entry: Field, limit: int = 4 * TEXT_LIMIT) -> bytes:
        """The first ``limit`` bytes of the value."""
        return self.data[entry.at : entry.at + min(entry.size, limit)]


@dataclass(frozen=True, slots=True)
class Exif:
    """What an EXIF block holds.

    Attributes:
        entries: in the file's order, directory after directory.
        directories: by group, for those that need the values and not their text. One that the
            block points to but that cannot be read is here too, empty and not complete.
        stream: for the values.
        faults: what is damaged or was left out, in sentences.
    """

    entries: tuple[ExifEntry, ...] = ()
    directories: dict[str, Directory] = field(default_factory=dict)
    stream: Stream = field(default_factory=lambda: Stream(b""))
    faults: tuple[str, ...] = ()

    def complete(self, group: str) -> bool:
        """Whether the directory was read to its end, or nothing that was read points to it."""
        return self.directories.get(group, Directory()).complete

    def block(self, group: str, tag: int) -> bytes | None:
        """The bytes of a value of any type, at most `BLOCK_LIMIT` of them, or None."""
        found = self.directories.get(group, Directory()).fields.get(tag)
        return self.stream.raw(found, BLOCK_LIMIT) if found else None

    def number(self, group: str, tag: int) -> int | None:
        """The first value of a whole-number tag, or None."""
        found = self.directories.get(group, Directory()).fields.get(tag)
        values = self.stream.numbers(found, 1) if found else ()
        return int(values[0]) if values and isinstance(values[0], int) else None


def read_exif(data: bytes) -> Exif:
    """Read the directories of a TIFF stream: an EXIF block without its mark, or a TIFF file."""
    faults: list[str] = []
    opened = _open(data)
    if opened is None:
        unread = {"IFD0": Directory(complete=False)}
        fault = "The EXIF block has no valid header and was not read."
        return Exif(directories=unread, faults=(fault,))
    stream, first = opened
    directories: dict[str, Directory] = {}
    seen: set[int] = set()

    def walk(group: str, offset: int) -> None:
        if offset in seen:
            faults.append(f"EXIF {group} points back to a directory that was already read.")
            directories[group] = Directory(complete=False)
            return
        seen.add(offset)
        directories[group] = _directory(stream, group, offset, faults)

    walk("IFD0", first)
    for group, parent, pointer in (
        ("Exif", "IFD0", _EXIF_POINTER),
        ("GPS", "IFD0", _GPS_POINTER),
        ("Interop", "Exif", _INTEROP_POINTER),
    ):
        found = directories.get(parent, Directory()).fields.get(pointer)
        if found is None:
            continue
        target = stream.numbers(found, 1) if found.kind in _OFFSETS else ()
        if target:
            walk(group, int(target[0]))
        else:
            faults.append(f"EXIF {group}: the pointer to it is no offset, so it was not read.")
            directories[group] = Directory(complete=False)
    if following := directories["IFD0"].following:
        walk("IFD1", following)
    entries = tuple(
        ExifEntry(group, _tag_name(group, entry.tag), _value(stream, entry))
        for group, directory in directories.items()
        for entry in directory.fields.values()
    )
    return Exif(entries, directories, stream, tuple(faults))


def _open(data: bytes) -> tuple[Stream, int] | None:
    """The stream and the offset of its first directory."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version == 42:
        return Stream(data, order), struct.unpack_from(order + "I", data, 4)[0]
    if version == 43 and len(data) >= 16:
        return Stream(data, order, wide=True), struct.unpack_from(order + "Q", data, 8)[0]
    return None


def _directory(stream: Stream, group: str, offset: int, faults: list[str]) -> Directory:
    data, order = stream.data, stream.order
    head, step, inline, pointer = (8, 20, 8, "Q") if stream.wide else (2, 12, 4, "I")
    if offset + head > len(data):
        faults.append(f"EXIF {group} lies outside the block and was not read.")
        return Directory(complete=False)
    count = struct.unpack_from(order + ("Q" if stream.wide else "H"), data, offset)[0]
    there = min(count, (len(data) - offset - head) // step)
    if there < count:
        faults.append(f"EXIF {group} is cut off: {there:,} of {count:,} entries are there.")
    if there > ENTRY_LIMIT:
        faults.append(f"EXIF {group} has {there:,} entries; the first {ENTRY_LIMIT:,} are read.")
    fields: dict[int, Field] = {}
    outside = unknown = twice = 0
    for number in range(min(there, ENTRY_LIMIT)):
        at = offset + head + number * step
        tag, kind, values = struct.unpack_from(f"{order}HH{pointer}", data, at)
        size = _TYPES.get(kind, (0, ""))[0] * values
        where = at + step - inline
        if size > inline:
            where = struct.unpack_from(order + pointer, data, where)[0]
        if kind not in _TYPES:
            unknown += 1
        elif where + size > len(data):
            outside += 1
        elif tag in fields:
            twice += 1
        else:
            fields[tag] = Field(tag, kind, values, where, size)
    for number, what in (
        (outside, "outside the block"),
        (unknown, "of an unknown type"),
        (twice, "with a tag that stood before"),
    ):
        if number:
            entries = "entry" if number == 1 else "entries"
            faults.append(f"EXIF {group}: {number:,} {entries} left out, {what}.")
    end = offset + head + count * step
    ends = end + inline <= len(data)
    following = struct.unpack_from(order + pointer, data, end)[0] if ends else 0
    read = there == count <= ENTRY_LIMIT and not outside and not unknown
    return Directory(fields, following, complete=ends and read)


def _tag_name(group: str, tag: int) -> str:
    names = {"GPS": _GPS_NAMES, "Interop": _INTEROP_NAMES}.get(group, ExifTags.TAGS)
    return names.get(tag, f"0x{tag:04X}")


def _value(stream: Stream, entry: Field) -> str:
    raw = stream.raw(entry)
    text = _text(stream, entry, raw)
    if text is not None:
        cut = entry.size > len(raw)
        return f"{plain(text[:TEXT_LIMIT])}… ({entry.size:,} bytes)" if cut else plain(text)
    if (entry.kind == _UNDEFINED and entry.count > 1) or (
        entry.kind == _BYTE and entry.count > _NUMBERS_SHOWN
    ):
        return plain_bytes(raw, entry.size)
    numbers = stream.numbers(entry)
    if entry.kind in _RATIONALS:
        shown = [_rational(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    else:
        shown = [f"{number:g}" if isinstance(number, float) else str(number) for number in numbers]
    more = f" … ({entry.count:,} values)" if entry.count > len(shown) else ""
    return ", ".join(shown) + more


def _text(stream: Stream, entry: Field, raw: bytes) -> str | None:
    """The text that ``raw``, the beginning of the value, holds; None if it is no text."""
    whole = entry.size == len(raw)
    if entry.kind == _ASCII:
        return decoded(raw, whole).rstrip("\0 ")
    if entry.kind not in _BYTES:
        return None
    if entry.tag in _UTF16_TAGS:
        return raw.decode("utf-16-le", "replace").rstrip("\0")
    if entry.tag in _CHARSET_TAGS:
        # EXIF 4.6.5: eight bytes name the character set, the text follows.
        mark, rest = raw[:8], raw[8:]
        if mark == b"UNICODE\0":
            order = "utf-16-le" if stream.order == "<" else "utf-16-be"
            return rest.decode(order, "replace").rstrip("\0 ")
        if mark in (b"ASCII\0\0\0", bytes(8)):
            return decoded(rest, whole).rstrip("\0 ")
    return None


def _rational(numerator: float, denominator: float) -> str:
    if denominator == 0:
        return f"{numerator}/0 (no number)"
    if denominator == 1:
        return str(numerator)
    return f"{numerator}/{denominator} ({numerator / denominator:.6g})"
