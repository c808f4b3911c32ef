"""What must be known and changed in programs and libraries before they go elsewhere."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_ENTRY = struct.Struct("<QQ")
_LOAD, _DYNAMIC = 1, 2
_NULL, _STRTAB, _RPATH, _RUNPATH = 0, 5, 15, 29
"""Of the System V ABI, for 64 bits with the low byte first."""


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def forget_places(path: Path) -> bool:
    """Take out of a library the folders of the machine that built it; whether there were any.

    An interpreter that was built in somebody's home writes into each of its modules that libraries
    are to be looked for there, and so they would be on every machine. Folders relative to the file
    itself ($ORIGIN) stay.
    """
    data = bytearray(path.read_bytes())
    if data[4:6] != b"\x02\x01":
        return False
    header = _HEADER.unpack_from(data)
    segments = [_SEGMENT.unpack_from(data, header[5] + i * header[9]) for i in range(header[10])]
    dynamic = next((segment for segment in segments if segment[0] == _DYNAMIC), None)
    if dynamic is None:
        return False
    places = range(dynamic[2], dynamic[2] + dynamic[5], _ENTRY.size)
    entries = [_ENTRY.unpack_from(data, place) for place in places]
    table = next(value for tag, value in entries if tag == _STRTAB)
    strings = next(
        table - address + offset
        for kind, _, offset, address, _, size, *_ in segments
        if kind == _LOAD and address <= table < address + size
    )

    def names_a_place(entry: tuple[int, int]) -> bool:
        start = strings + entry[1]
        text = bytes(data[start : data.index(0, start)]) if entry[0] in (_RPATH, _RUNPATH) else b""
        return any(folder.startswith(b"/") for folder in text.split(b":"))

    kept = [entry for entry in entries if not names_a_place(entry)]
    if len(kept) == len(entries):
        return False
    kept += [(_NULL, 0)] * (len(entries) - len(kept))
    for place, entry in zip(places, kept, strict=True):
        _ENTRY.pack_into(data, place, *entry)
    path.write_bytes(data)
    return True
