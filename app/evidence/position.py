"""The position that a file gives, in decimal degrees.

Sources: EXIF 4.6.6 (GPS tags 1 to 4), XMP specification part 2 (``GPSCoordinate``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.evidence.exif import Directory, Exif

_REFERENCES = {"latitude": {"N": 1, "S": -1}, "longitude": {"E": 1, "W": -1}}
_LIMITS = {"latitude": 90.0, "longitude": 180.0}
_TAGS = {"latitude": (1, 2), "longitude": (3, 4)}
_COORDINATE = re.compile(
    r"(\d{1,3}),(\d{1,2}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEW])"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Decimal degrees, north and east positive, and the part of the file that has them."""

    latitude: float
    longitude: float
    source: str


def position_of(
    exif: Exif, xmp: Sequence[tuple[str, str]]
) -> tuple[Position | None, tuple[str, ...]]:
    """The position from EXIF, else from XMP, and the faults of what is there but not valid."""
    faults: list[str] = []
    properties = dict(xmp)
    for source, latitude, longitude in (
        ("EXIF GPS", _from_exif(exif, "latitude"), _from_exif(exif, "longitude")),
        ("XMP", _from_xmp(properties, "latitude"), _from_xmp(properties, "longitude")),
    ):
        if isinstance(latitude, float) and isinstance(longitude, float):
            return Position(latitude, longitude, source), tuple(faults)
        if latitude == longitude == "":
            continue
        faults += [
            f"{source}: the {axis} {answer or 'is not there'}."
            for axis, answer in (("latitude", latitude), ("longitude", longitude))
            if isinstance(answer, str)
        ]
    return None, tuple(faults)


def _from_exif(exif: Exif, axis: str) -> float | str:
    """Degrees, or what is wrong; an empty text where nothing is there."""
    letter_tag, value_tag = _TAGS[axis]
    found = exif.directories.get("GPS", Directory()).fields.get(value_tag)
    if found is None:
        return ""
    if found.kind not in (5, 10) or found.count < 3:
        return "is not in degrees, minutes and seconds"
    numbers = exif.stream.numbers(found, 3)
    if 0 in numbers[1::2]:
        return "has a zero denominator and no value"
    degrees, minutes, seconds = (
        numerator / denominator
        for numerator, denominator in zip(numbers[::2], numbers[1::2], strict=True)
    )
    letter = (exif.block("GPS", letter_tag) or b"").rstrip(b"\0 ").decode("latin-1").upper()
    return _signed(axis, degrees + minutes / 60 + seconds / 3600, letter)


def _from_xmp(properties: dict[str, str], axis: str) -> float | str:
    text = properties.get(f"exif:GPS{axis.capitalize()}", "")
    if not text:
        return ""
    match = _COORDINATE.fullmatch(text)
    if match is None:
        return "is not written as degrees and minutes"
    degrees, minutes, seconds, letter = match.groups(default="0")
    return _signed(axis, int(degrees) + float(minutes) / 60 + float(seconds) / 3600, letter)


def _signed(axis: str, degrees: float, letter: str) -> float | str:
    sign = _REFERENCES[axis].get(letter)
    if sign is None:
        return f"has no valid reference letter ({' or '.join(_REFERENCES[axis])})"
    if not 0 <= degrees <= _LIMITS[axis]:
        return f"is beyond {_LIMITS[axis]:g} degrees"
    return sign * degrees
