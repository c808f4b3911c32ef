"""What a file's own facts allow one to conclude from its error level map, in sentences.

Source for the reading rules: N. Krawetz, "A Picture's Worth", Black Hat 2007, and its tutorials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evidence.decode import DecodeRecord
from app.evidence.jpeg import JpegFacts

if TYPE_CHECKING:
    from app.analysis.ela import ElaParams

_NEAR = 3
"""Qualities closer than this to the last save give a darker map for any history."""

_SMALL = 64


def read_ela(record: DecodeRecord, jpeg: JpegFacts | None, params: ElaParams) -> tuple[str, ...]:
    """Sentences for under the map, the most important one first."""
    sentences = [_history(record, jpeg, params)]
    if record.mode in ("P", "PA", "1"):
        sentences.append("Palette colours: dithering dots look like error levels.")
    sentences += common_sentences(record)
    if jpeg and jpeg.subsampling in ("4:4:4", "4:2:2") and jpeg.subsampling != params.subsampling:
        sentences.append(
            f"The file is saved with {jpeg.subsampling} chroma, the map with "
            f"{params.subsampling}: coloured edges look brighter than they are."
        )
    if params.auto_gain:
        sentences.append("Auto gain is on: brightness does not compare with other images.")
    return tuple(sentences)


def common_sentences(record: DecodeRecord) -> list[str]:
    """What holds for the map of any analysis."""
    sentences = []
    if min(record.width, record.height) < _SMALL:
        sentences.append("Too small to compare areas: there are few 8x8 blocks.")
    if record.bit_depth > 8:
        sentences.append(f"Reduced from {record.bit_depth} to 8 bits before the analysis.")
    return sentences


def last_save(jpeg: JpegFacts | None) -> str:
    """The last JPEG save in a few words, for beside the quality slider."""
    if jpeg is None:
        return "no JPEG save of its own"
    if jpeg.quality is None:
        return "last save: no quantisation tables"
    if jpeg.quality.exact:
        return f"last save: quality {jpeg.quality.quality}, {jpeg.subsampling}"
    return f"last save: own tables, near quality {jpeg.quality.quality}, {jpeg.subsampling}"


def _history(record: DecodeRecord, jpeg: JpegFacts | None, params: ElaParams) -> str:
    if jpeg is None:
        return (
            f"A {record.format} file says nothing of an earlier JPEG save. If there was none, the "
            "map shows edge strength only and allows no conclusion on save history."
        )
    if jpeg.quality is None:
        return "Without quantisation tables the last save is unknown; read the map with care."
    last, same = jpeg.quality.quality, jpeg.subsampling in (params.subsampling, "grey")
    if last == params.quality and jpeg.quality.exact and same:
        return (
            f"The map's settings are those of the file's last save (quality {last}): hardly any "
            "difference is expected, save at clipped or strongly coloured edges, and none of it "
            "allows a conclusion. Try another."
        )
    if abs(last - params.quality) < _NEAR:
        return (
            f"The map's quality {params.quality} is near that of the file's last save ({last}): "
            "the whole map is darker than at clearly lower qualities. Compare parts of the same "
            "kind, and try other qualities too."
        )
    if last < 60:
        return (
            f"The last save at quality {last} was coarse: it evens out what came before. An even "
            "map allows no conclusion."
        )
    return (
        "Compare edges with edges, textures with textures, flats with flats. A part that stands "
        "out against its like is consistent with another save history, and also with contrast, "
        "text, saturated colour or sharpening."
    )
