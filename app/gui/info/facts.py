"""What the info panel says, as text. No Qt here: details are read on worker threads."""

import threading
from dataclasses import dataclass

from app.analysis.reading import last_save
from app.evidence.decode import DecodeRecord
from app.evidence.guard import Guard
from app.evidence.jpeg import JpegFacts, Table
from app.evidence.metadata import Metadata, read_metadata
from app.evidence.thumbnail import ThumbnailComparison, compare_thumbnail
from app.gui.table.inspection import Inspection
from app.names import one_line

SEGMENT_ROWS = 500
"""Segments that are listed; a hostile file has millions."""

Pair = tuple[str, str]

_ORIENTATIONS = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored, turned by 180°",
    5: "mirrored, turned by 90°",
    6: "turned by 90°",
    7: "mirrored, turned by 270°",
    8: "turned by 270°",
}

_USUAL_PLANE = {0: " (usually luma)", 1: " (usually chroma)"}


@dataclass(frozen=True, slots=True, eq=False)
class InfoDetails:
    """What takes a moment: the metadata, and the thumbnail against the picture if there is one."""

    metadata: Metadata
    thumbnail_comparison: ThumbnailComparison | None


def read_details(
    inspection: Inspection, guard: Guard | None = None, stop: threading.Event | None = None
) -> InfoDetails:
    """Read the details of ``inspection``; for a worker thread.

    Args:
        inspection: the file and its picture.
        guard: reads in a process of its own; None reads here.
        stop: when set, reading is given up.

    Raises:
        ElascopeError: as `Guard.metadata`.
    """
    evidence = inspection.evidence
    metadata = read_metadata(evidence) if guard is None else guard.metadata(evidence, stop)
    thumbnail = metadata.thumbnail
    if thumbnail is None:
        return InfoDetails(metadata, None)
    return InfoDetails(metadata, compare_thumbnail(thumbnail.pixels, inspection.image.pixels))


def facts_of(inspection: Inspection) -> list[Pair]:
    """The file's facts as (name, value) in the order of the panel."""
    evidence, record = inspection.evidence, inspection.image.record
    modified = evidence.modified
    facts = [
        ("File", one_line(str(evidence.path))),
        ("SHA-256", evidence.sha256),
        ("Size", f"{evidence.size:,} bytes"),
        ("Modified", modified.strftime("%Y-%m-%d %H:%M:%S UTC") if modified else "no date"),
        ("Format", f"{record.format}, {record.mode}, {record.bit_depth} bits per sample"),
        (
            "Pixels",
            f"{record.width} x {record.height} ({record.width * record.height / 1e6:.2f} MP)",
        ),
        ("JPEG", last_save(inspection.jpeg)),
        ("Decoder", record.decoder),
        ("Decoding", _decoding(record)),
    ]
    if record.exif_orientation not in (None, 1):
        turned = _ORIENTATIONS[record.exif_orientation or 1]
        facts.append(
            (
                "Orientation",
                f"EXIF {record.exif_orientation} ({turned}); not applied, pixels as stored",
            )
        )
    return facts


def _decoding(record: DecodeRecord) -> str:
    steps = list(record.conversions)
    if record.alpha == "dropped":
        steps.append("alpha dropped")
    if record.icc_profile:
        steps.append("ICC profile not applied")
    if record.frames > 1:
        steps.append(f"first of {record.frames} pictures")
    return "; ".join(steps) or "pixels as stored"


def metadata_groups(metadata: Metadata) -> list[tuple[str, list[Pair]]]:
    """Titles and rows for the metadata's tree; the first group says what there is at all."""
    groups: dict[str, list[Pair]] = {
        "In this file": [
            *metadata.states,
            *((f"Software ({where})", name) for where, name in metadata.software),
        ],
        "Faults": [(str(number), fault) for number, fault in enumerate(metadata.faults, start=1)],
    }
    for entry in metadata.exif:
        title = "EXIF" if entry.group == "Exif" else f"EXIF {entry.group}"
        groups.setdefault(title, []).append((entry.name, entry.value))
    groups["XMP"] = list(metadata.xmp)
    groups["IPTC"] = list(metadata.iptc)
    groups["Comment"] = [(str(n), text) for n, text in enumerate(metadata.comments, start=1)]
    groups["Text"] = list(metadata.texts)
    return [(title, rows) for title, rows in groups.items() if rows]


def jpeg_facts(jpeg: JpegFacts) -> list[Pair]:
    """The last save in words, as (name, value)."""
    quality = jpeg.quality
    if quality is None:
        words = "unknown: no luma quantisation table in the header"
    elif quality.exact:
        words = f"{quality.quality}: exactly the IJG tables of this quality"
    else:
        words = f"near {quality.quality}: tables of the encoder's own, {quality.quality} is nearest"
    return [
        ("Estimated quality", words),
        ("Subsampling", jpeg.subsampling),
        ("Scans", "progressive" if jpeg.progressive else "sequential"),
    ]


def no_jpeg(inspection: Inspection) -> str:
    """Why there is no JPEG header to show."""
    record = inspection.image.record
    if record.lossy == "JPEG":
        return f"The format is {record.format}; the JPEG data inside it is not looked into."
    return f"The format is {record.format}; it has no JPEG header of its own."


def segments_title(jpeg: JpegFacts) -> str:
    """How many segments there are, and how many are listed."""
    count = len(jpeg.segments)
    shown = f"; the first {SEGMENT_ROWS} are listed" if count > SEGMENT_ROWS else ""
    return f"{count:,} segments up to the picture's data{shown}"


def table_title(identifier: int) -> str:
    """A quantisation table's name."""
    return f"Quantisation table {identifier}{_USUAL_PLANE.get(identifier, '')}"


def table_grid(table: Table) -> str:
    """Eight rows of eight values in columns of equal width."""
    width = len(str(max(table)))
    rows = (table[start : start + 8] for start in range(0, 64, 8))
    return "\n".join("  ".join(f"{value:{width}d}" for value in row) for row in rows)


def thumbnail_facts(details: InfoDetails) -> list[Pair]:
    """The embedded thumbnail in numbers, as (name, value); empty if none was read."""
    thumbnail, comparison = details.metadata.thumbnail, details.thumbnail_comparison
    if thumbnail is None or comparison is None:
        return []
    height, width = thumbnail.pixels.shape[:2]
    facts = [
        (
            "Stored",
            f"{width} x {height} pixels, JPEG, {thumbnail.size:,} bytes, in {thumbnail.source}",
        ),
        ("Black bars", _bars(comparison.bars)),
    ]
    if comparison.difference is not None and comparison.correlation is not None:
        facts += [
            ("Shape", _shape(comparison.aspect_difference)),
            ("Mean difference", f"{comparison.difference:.1f} grey levels of luma"),
            ("Correlation", f"{comparison.correlation:.3f} of luma, slightly blurred"),
        ]
    return facts


def thumbnail_sentence(details: InfoDetails) -> str:
    """What the thumbnail allows to say, or why there is none to compare."""
    if details.thumbnail_comparison is not None:
        return details.thumbnail_comparison.sentence
    return f"Embedded thumbnail: {dict(details.metadata.states)['Thumbnail']}."


def _bars(bars: tuple[int, int, int, int]) -> str:
    names = ("at the top", "at the bottom", "at the left", "at the right")
    found = [f"{size} pixels {name}" for size, name in zip(bars, names, strict=True) if size]
    return ", ".join(found) + "; left out" if found else "none recognised"


def _shape(difference: float) -> str:
    if abs(difference) < 0.005:
        return "as the picture"
    return f"{abs(difference):.1%} {'wider' if difference > 0 else 'narrower'} than the picture"


def info_text(inspection: Inspection, details: InfoDetails | None) -> str:
    """All sections as plain text, for the clipboard."""
    lines = ["File", *_lines(facts_of(inspection))]
    if details is None:
        lines += ["", "Metadata and thumbnail: not read yet"]
    else:
        for title, rows in metadata_groups(details.metadata):
            name = "Metadata" if title == "In this file" else f"Metadata: {title}"
            lines += ["", name, *_lines(rows)]
    lines += ["", "JPEG"]
    if (jpeg := inspection.jpeg) is None:
        lines.append(no_jpeg(inspection))
    else:
        lines += _lines(jpeg_facts(jpeg))
        for identifier, table in sorted(jpeg.tables.items()):
            lines += ["", table_title(identifier), table_grid(table)]
        lines += ["", segments_title(jpeg), "Segment\tOffset\tLength"]
        listed = jpeg.segments[:SEGMENT_ROWS]
        lines += [f"{part.name}\t{part.offset}\t{part.length}" for part in listed]
    if details is not None:
        lines += ["", "Thumbnail", thumbnail_sentence(details), *_lines(thumbnail_facts(details))]
    return "\n".join(lines) + "\n"


def _lines(facts: list[Pair]) -> list[str]:
    return [f"{name}: {value}" for name, value in facts]
