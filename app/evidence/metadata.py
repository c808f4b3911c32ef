"""What a file says of itself beside its pixels: EXIF, XMP, IPTC, texts, position, thumbnail.

All of it is written by whoever wrote the file and is easily changed: a statement of the file,
not a fact about the picture.
"""

from dataclasses import dataclass

from app.evidence.blocks import LOOKED_FOR, Blocks, read_blocks
from app.evidence.exif import Exif, ExifEntry, read_exif
from app.evidence.file import EvidenceFile
from app.evidence.iptc import iptc_of_photoshop, read_iptc
from app.evidence.position import Position, position_of
from app.evidence.thumbnail import IN_PHOTOSHOP, NONE_IN_EXIF, Thumbnail, read_thumbnail
from app.evidence.xmp import read_xmp

_TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP = 700, 33723, 34377

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """Everything read, in the file's order; texts are bounded and free of control characters.

    Attributes:
        exif: group, tag and value.
        xmp: path and value.
        iptc: data set and value.
        comments: of a JPEG or GIF file.
        texts: keyword and text of a PNG file.
        position: where the file says that the picture was taken.
        software: the part of the file that names a program, and the name.
        thumbnail: from the EXIF block, else from the Photoshop resources of a JPEG file.
        states: for each part, in a few words, what was found, that there is none where it was
            looked for, or that it was not looked for.
        faults: what is damaged or was left out, in sentences.
    """

    exif: tuple[ExifEntry, ...]
    xmp: tuple[Pair, ...]
    iptc: tuple[Pair, ...]
    comments: tuple[str, ...]
    texts: tuple[Pair, ...]
    position: Position | None
    software: tuple[Pair, ...]
    thumbnail: Thumbnail | None
    states: tuple[Pair, ...]
    faults: tuple[str, ...]


def read_metadata(evidence: EvidenceFile) -> Metadata:
    """Read all metadata of ``evidence`` within bounds; never raises for its content."""
    blocks = read_blocks(evidence)
    exif = read_exif(blocks.exif) if blocks.exif is not None else Exif()
    if evidence.format == "TIFF" and not exif.complete("IFD0"):
        blocks.incomplete = True
    _take_from_tags(exif, blocks)
    xmp, xmp_faults = read_xmp(blocks.xmp) if blocks.xmp is not None else ((), ())
    iptc, iptc_faults = read_iptc(blocks.iptc) if blocks.iptc is not None else ((), ())
    position, position_faults = position_of(exif, xmp)
    thumbnail, thumbnail_state = _thumbnail(evidence, blocks, exif)

    def state(part: str, count: int, there: bool) -> Pair:
        if not there:
            return part, _absence(evidence, blocks, part)
        return part, f"{count:,} {'entry' if count == 1 else 'entries'}"

    if position:
        place = f"{position.latitude:.6f}, {position.longitude:.6f} (from {position.source})"
    elif position_faults:
        place = "there, but not valid"
    elif not exif.complete("GPS"):
        place = "there, but damaged"
    elif xmp_faults or not exif.complete("IFD0"):
        place = "none found, but not all metadata could be read"
    else:
        place = _absence(evidence, blocks, "XMP")
    if "damaged, cannot" in thumbnail_state:
        blocks.say("An embedded thumbnail is damaged and was not read.")
    return Metadata(
        exif=exif.entries,
        xmp=xmp,
        iptc=iptc,
        comments=tuple(blocks.comments),
        texts=tuple(blocks.texts),
        position=position,
        software=_software(exif, xmp, iptc, blocks),
        thumbnail=thumbnail,
        states=(
            state("EXIF", len(exif.entries), blocks.exif is not None),
            ("GPS position", place),
            state("XMP", len(xmp), blocks.xmp is not None),
            state("IPTC", len(iptc), blocks.iptc is not None),
            state("Comment", len(blocks.comments), bool(blocks.comments)),
            state("Text", len(blocks.texts), bool(blocks.texts)),
            ("Thumbnail", thumbnail_state),
        ),
        faults=(*blocks.faults, *exif.faults, *xmp_faults, *iptc_faults, *position_faults),
    )


def _take_from_tags(exif: Exif, blocks: Blocks) -> None:
    """XMP and IPTC stand in tags of their own in a TIFF file."""
    if blocks.xmp is None:
        blocks.xmp = exif.block("IFD0", _TIFF_XMP)
    if blocks.iptc is None:
        blocks.iptc = exif.block("IFD0", _TIFF_IPTC)
    if blocks.iptc is None and (photoshop := exif.block("IFD0", _TIFF_PHOTOSHOP)):
        blocks.iptc = iptc_of_photoshop(photoshop)


def _thumbnail(evidence: EvidenceFile, blocks: Blocks, exif: Exif) -> tuple[Thumbnail | None, str]:
    if evidence.format == "TIFF":
        return None, "not looked for: further pictures of a TIFF are pages"
    if blocks.exif is None and blocks.thumbnail is None:
        unknown = _unknown(evidence, blocks, "EXIF")
        if unknown:
            return None, unknown
    thumbnail, state = read_thumbnail(exif, blocks.thumbnail)
    if state == NONE_IN_EXIF and evidence.format == "JPEG":
        state += f" or {IN_PHOTOSHOP}"
    return thumbnail, state


def _absence(evidence: EvidenceFile, blocks: Blocks, part: str) -> str:
    """Why there is nothing to show: "not there" never reads as "not looked for"."""
    if unknown := _unknown(evidence, blocks, part):
        return unknown
    if evidence.format == "JPEG":
        return "none before the picture's data"
    if evidence.format == "GIF":
        return "none before the first picture"
    return "none in the file"


def _unknown(evidence: EvidenceFile, blocks: Blocks, part: str) -> str:
    """Why the file may have the part although nothing was found, or an empty text."""
    if evidence.data is None or evidence.format is None:
        return "not looked for: the content was not read"
    if part not in LOOKED_FOR.get(evidence.format, ()):
        return f"not looked for in {evidence.format} files"
    if blocks.incomplete:
        return "none found, but the file could not be followed to its end"
    return ""


def _software(
    exif: Exif, xmp: tuple[Pair, ...], iptc: tuple[Pair, ...], blocks: Blocks
) -> tuple[Pair, ...]:
    wanted = (
        *(("EXIF", e.value) for e in exif.entries if e.name in ("Software", "ProcessingSoftware")),
        *(("XMP", value) for path, value in xmp if path in ("xmp:CreatorTool", "tiff:Software")),
        *(("IPTC", value) for name, value in iptc if name.endswith(" OriginatingProgram")),
        *(("Text", value) for name, value in blocks.texts if name.lower() == "software"),
    )
    return tuple(dict.fromkeys(wanted))
