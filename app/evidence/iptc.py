"""IPTC-IIM data sets, and the Photoshop resources that hold them, and a thumbnail, in a JPEG file.

Sources: IPTC-NAA Information Interchange Model 4.2; Adobe Photoshop File Formats Specification
(image resource blocks).
"""

import struct

from app.evidence.plaintext import TEXT_LIMIT, decoded, plain, plain_bytes

DATA_SET_LIMIT = 1000

_IPTC_RESOURCE, _THUMBNAIL_RESOURCE = 0x0404, 0x040C
_THUMBNAIL_HEADER = 28
_RESOURCE_LIMIT = 10_000
_UTF8 = b"\x1b%G"

_NAMES = {
    (1, 90): "CodedCharacterSet",
    (2, 0): "RecordVersion",
    (2, 5): "ObjectName",
    (2, 7): "EditStatus",
    (2, 10): "Urgency",
    (2, 15): "Category",
    (2, 20): "SupplementalCategory",
    (2, 25): "Keywords",
    (2, 30): "ReleaseDate",
    (2, 35): "ReleaseTime",
    (2, 40): "SpecialInstructions",
    (2, 55): "DateCreated",
    (2, 60): "TimeCreated",
    (2, 62): "DigitalCreationDate",
    (2, 63): "DigitalCreationTime",
    (2, 65): "OriginatingProgram",
    (2, 70): "ProgramVersion",
    (2, 80): "By-line",
    (2, 85): "By-lineTitle",
    (2, 90): "City",
    (2, 92): "Sub-location",
    (2, 95): "Province-State",
    (2, 100): "Country-Code",
    (2, 101): "Country-Name",
    (2, 103): "OriginalTransmissionReference",
    (2, 105): "Headline",
    (2, 110): "Credit",
    (2, 115): "Source",
    (2, 116): "CopyrightNotice",
    (2, 118): "Contact",
    (2, 120): "Caption-Abstract",
    (2, 122): "Writer-Editor",
}

_BINARY = {(2, 0), (1, 0), (1, 90)}

DataSet = tuple[str, str]


def iptc_of_photoshop(resources: bytes) -> bytes | None:
    """The IPTC block among the resources ``8BIM…`` of a Photoshop segment, or None."""
    return _resource(resources, _IPTC_RESOURCE)


def thumbnail_of_photoshop(resources: bytes) -> bytes | None:
    """The JPEG thumbnail (resource 1036) among the resources of a Photoshop segment, or None."""
    found = _resource(resources, _THUMBNAIL_RESOURCE)
    return None if found is None else found[_THUMBNAIL_HEADER:]


def _resource(resources: bytes, wanted: int) -> bytes | None:
    at = 0
    for _ in range(_RESOURCE_LIMIT):
        if resources[at : at + 4] != b"8BIM" or at + 7 > len(resources):
            return None
        identifier = struct.unpack_from(">H", resources, at + 4)[0]
        at += 6 + (resources[at + 6] // 2 + 1) * 2  # a name, padded with its length to even
        if at + 4 > len(resources):
            return None
        size = struct.unpack_from(">I", resources, at)[0]
        if identifier == wanted:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return None


def read_iptc(block: bytes) -> tuple[tuple[DataSet, ...], tuple[str, ...]]:
    """(name, value) of every data set in the file's order, and the faults in sentences.

    A name is ``2:105 Headline``; a data set that stands twice, such as a keyword, is twice here.
    """
    found: list[DataSet] = []
    utf8 = False
    at = 0
    while block[at : at + 1] == b"\x1c" and at + 5 <= len(block):
        if len(found) >= DATA_SET_LIMIT:
            return tuple(found), (f"More than {DATA_SET_LIMIT:,} IPTC data sets; read no further.",)
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & 0x8000:  # an extended data set: the low bits are the length of the length
            width = size & 0x7FFF
            size = int.from_bytes(block[at : at + min(width, 8)], "big")
            at += width
        value = block[at : at + size]
        if len(value) < size:
            return tuple(found), (
                f"The IPTC block is cut off in data set {record}:{number:03}: "
                f"{len(value):,} of {size:,} bytes are there.",
            )
        utf8 = utf8 or ((record, number) == (1, 90) and value == _UTF8)
        name = _NAMES.get((record, number), "")
        found.append((f"{record}:{number:03} {name}".rstrip(), _value(record, number, value, utf8)))
        at += size
    if block[at:].strip(b"\0"):
        return tuple(found), ("The IPTC block has bytes that are no data set; read no further.",)
    return tuple(found), ()


def _value(record: int, number: int, value: bytes, utf8: bool) -> str:
    if (record, number) in _BINARY or record not in (1, 2):
        return plain_bytes(value[:TEXT_LIMIT], len(value))
    return plain(value.decode("utf-8", "replace") if utf8 else decoded(value))
