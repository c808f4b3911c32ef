"""What a JPEG file says about its own last save: segments, tables, subsampling, quality.

Source: ITU-T T.81 (JPEG), Annex B for the segments and Annex K for the example tables, which
the Independent JPEG Group's library scales by its 1..100 "quality".
"""

import functools
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
    20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58,
    59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip

_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69,
    56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104,
    113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip

_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99,
    99, 47, 66, 99, 99, 99, 99, 99, 99, *([99] * 32),
)  # fmt: skip

_SUBSAMPLING = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
}

_NAMES = {0xD8: "SOI", 0xDB: "DQT", 0xC4: "DHT", 0xDA: "SOS", 0xFE: "COM", 0xDD: "DRI"}
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_MARKERS = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_JFIF_MARK, _ADOBE_MARK = b"JFIF\0", b"Adobe"
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)

_USUAL_PLANES = (0, 1, 1)

Table = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment: its name, the offset of its marker, and its payload's length."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class QualityEstimate:
    """The IJG quality of the last save.

    Attributes:
        quality: 1..100.
        exact: the file's tables are the IJG tables of that quality. If not, the encoder uses
            tables of its own (cameras, Photoshop) and ``quality`` is only the nearest.
    """

    quality: int
    exact: bool


@dataclass(frozen=True, slots=True)
class JpegFacts:
    """Header facts of a JPEG up to its first scan.

    Attributes:
        segments: in file order.
        tables: quantisation tables by identifier, 64 values each in natural (row) order.
        planes: identifier of the table of each component, luma first; empty without a frame.
        subsampling: ``4:4:4``, ``4:2:2``, ``4:2:0``, ``4:4:0``, ``4:1:1``, ``grey`` or ``other``.
        colours: ``YCbCr``, ``RGB`` (saved without luma and chroma), ``grey`` or ``other``.
        progressive: spectral or successive selection is used.
        quality: estimate for the last save, or None without a luma table.
    """

    segments: tuple[Segment, ...]
    tables: dict[int, Table]
    planes: tuple[int, ...]
    subsampling: str
    colours: str
    progressive: bool
    quality: QualityEstimate | None


@dataclass(frozen=True, slots=True)
class _Component:
    """One entry of a frame header (T.81, B.2.2)."""

    identifier: int
    horizontal: int
    vertical: int
    table: int


def read_jpeg(data: bytes) -> JpegFacts:
    """Read the header segments of ``data``; a truncated header gives what was there.

    Bytes that belong to no segment are passed over up to the next marker, as libjpeg does, so
    that the tables are those that the picture is decoded with.
    """
    segments: list[Segment] = [Segment("SOI", 0, 0)]
    tables: dict[int, Table] = {}
    frame, progressive = b"", False
    jfif, transform = False, -1
    at = 2
    while (at := _next_marker(data, at)) + 4 <= len(data):
        marker = data[at + 1]
        length = struct.unpack_from(">H", data, at + 2)[0]
        payload = data[at + 4 : at + 2 + length]
        segments.append(Segment(_marker_name(marker), at, max(length - 2, 0)))
        if marker == 0xDB:
            tables.update(_quantisation_tables(payload))
        elif marker in _FRAME_MARKERS:
            frame = payload
            progressive = marker in _PROGRESSIVE_MARKERS
        elif marker == 0xE0 and payload.startswith(_JFIF_MARK):
            jfif = True
        elif marker == 0xEE and payload.startswith(_ADOBE_MARK) and len(payload) >= 12:
            transform = payload[11]
        if marker == 0xDA or length < 2:
            break
        at += 2 + length
    components = _components(frame)
    planes = tuple(component.table for component in components)
    return JpegFacts(
        tuple(segments),
        tables,
        planes,
        _subsampling(components),
        _colours(components, jfif, transform),
        progressive,
        estimate_quality(tables, planes or _USUAL_PLANES),
    )


def _next_marker(data: bytes, at: int) -> int:
    """The offset of the first marker from ``at`` on, or the data's length."""
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)


def _marker_name(marker: int) -> str:
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    if marker in _FRAME_MARKERS:
        return f"SOF{marker - 0xC0}"
    return _NAMES.get(marker, f"0x{marker:02X}")


def _quantisation_tables(payload: bytes) -> dict[int, Table]:
    found: dict[int, Table] = {}
    at = 0
    while at < len(payload):
        wide, identifier = payload[at] >> 4, payload[at] & 15
        size = 128 if wide else 64
        raw = payload[at + 1 : at + 1 + size]
        if len(raw) < size:
            break
        values = struct.unpack(">64H" if wide else ">64B", raw)
        natural = [0] * 64
        for position, value in zip(_ZIGZAG, values, strict=True):
            natural[position] = value
        found[identifier] = tuple(natural)
        at += 1 + size
    return found


def _components(frame: bytes) -> tuple[_Component, ...]:
    """The components of a frame header's payload; none if it is cut short."""
    count = frame[5] if len(frame) > 5 else 0
    if len(frame) < 6 + 3 * count:
        return ()
    parts = (frame[at : at + 3] for at in range(6, 6 + 3 * count, 3))
    return tuple(_Component(name, size >> 4, size & 15, table) for name, size, table in parts)


def _subsampling(components: Sequence[_Component]) -> str:
    if len(components) == 1:
        return "grey"
    factors = [(component.horizontal, component.vertical) for component in components]
    if len(factors) != 3 or factors[1] != factors[2] or 0 in factors[1]:
        return "other"
    (luma_h, luma_v), (chroma_h, chroma_v) = factors[0], factors[1]
    if luma_h % chroma_h or luma_v % chroma_v:
        return "other"
    return _SUBSAMPLING.get((luma_h // chroma_h, luma_v // chroma_v), "other")


def _colours(components: Sequence[_Component], jfif: bool, transform: int) -> str:
    """What the components are, by libjpeg's rule: JFIF, else Adobe's mark, else their names."""
    if len(components) != 3:
        return "grey" if len(components) == 1 else "other"
    if jfif:
        return "YCbCr"
    if transform >= 0:
        return "RGB" if transform == 0 else "YCbCr"
    names = bytes(component.identifier for component in components)
    return "RGB" if names == b"RGB" else "YCbCr"


@functools.cache
def standard_tables(quality: int) -> tuple[Table, Table]:
    """IJG luma and chroma tables for ``quality`` 1..100, baseline (values 1..255)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality

    def scaled(base: Table) -> Table:
        return tuple(min(max((value * scale + 50) // 100, 1), 255) for value in base)

    return scaled(_LUMA), scaled(_CHROMA)


def estimate_quality(
    tables: dict[int, Table], planes: Sequence[int] = _USUAL_PLANES
) -> QualityEstimate | None:
    """Estimate the IJG quality from the luma table, checked with those of the other components.

    Args:
        tables: by identifier.
        planes: identifier of the table of each component, luma first (`JpegFacts.planes`).
    """
    luma = tables.get(planes[0])
    if luma is None:
        return None

    def distance(quality: int) -> int:
        standard = standard_tables(quality)[0]
        return sum(abs(a - b) for a, b in zip(luma, standard, strict=True))

    quality = min(range(100, 0, -1), key=distance)
    standard = standard_tables(quality)
    others = [tables.get(plane) for plane in planes[1:]]
    exact = luma == standard[0] and all(other in standard for other in others)
    return QualityEstimate(quality, exact)
