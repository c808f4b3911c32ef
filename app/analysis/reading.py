"""What a file's own facts allow one to conclude from its maps, in sentences.

Source for the reading rules: N. Krawetz, "A Picture's Worth", Black Hat 2007, and its tutorials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evidence.decode import DecodeRecord
from app.evidence.jpeg import JpegFacts, QualityEstimate

if TYPE_CHECKING:
    from app.analysis.ela import ElaParams

NEAR = 3
"""Qualities closer than this to the last save give less difference for any history."""

UNKNOWN_SAVE = "Without a luma quantisation table the last save is unknown; read the map with care."

_SMALL = 64

_CHROMA = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2), "4:4:0": (1, 2), "4:1:1": (4, 1)}
"""Columns and rows of luma to one sample of chroma."""

_USABLE = ("4:4:4", "4:2:2", "4:2:0", "grey")


def read_ela(record: DecodeRecord, jpeg: JpegFacts | None, params: ElaParams) -> tuple[str, ...]:
    """Sentences for under the map, the most important one first."""
    sentences = [_history(record, jpeg, params)]
    if dithered(record):
        sentences.append("Palette colours: dithering dots look like error levels.")
    sentences += common_sentences(record)
    if jpeg:
        sentences += _colour_sentences(jpeg, params.subsampling)
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


def dithered(record: DecodeRecord) -> bool:
    """Whether so few colours were stored that dots may stand for the others."""
    return record.mode in ("P", "PA", "1")


def no_jpeg_file(record: DecodeRecord) -> str:
    """What a file that is no JPEG tells of earlier saves."""
    if record.lossy == "JPEG":
        return f"This {record.format} file is compressed as JPEG inside; its quality is not read."
    if record.lossy:
        return (
            f"This {record.format} file is compressed with {record.lossy}, which can leave traces "
            "of its own, and says nothing of an earlier JPEG save."
        )
    return f"This {record.format} file says nothing of an earlier JPEG save."


def quality_words(estimate: QualityEstimate) -> str:
    """The quality of the last save; only near it where the encoder has tables of its own."""
    return f"{'' if estimate.exact else 'near '}quality {estimate.quality}"


def unusable_chroma(jpeg: JpegFacts | None, used: str) -> list[str]:
    """Which subsampling the saves have where they cannot have that of the file."""
    if jpeg is None or jpeg.subsampling in _USABLE:
        return []
    own = "" if jpeg.subsampling == "other" else f" ({jpeg.subsampling})"
    return [f"The file's chroma subsampling{own} cannot be used for a save; {used} is."]


def last_save(jpeg: JpegFacts | None) -> str:
    """The last JPEG save in a few words, for beside the quality slider."""
    if jpeg is None:
        return "no JPEG save of its own is read"
    if jpeg.quality is None:
        return "last save: no luma quantisation table"
    if jpeg.quality.exact:
        return f"last save: quality {jpeg.quality.quality}, {jpeg.subsampling}"
    return f"last save: own tables, near quality {jpeg.quality.quality}, {jpeg.subsampling}"


def _colour_sentences(jpeg: JpegFacts, used: str) -> list[str]:
    own, ours = _CHROMA.get(jpeg.subsampling), _CHROMA[used]
    if own and (ours[0] > own[0] or ours[1] > own[1]):
        aside = "" if jpeg.subsampling in _USABLE else ", which cannot be used here"
        sentences = [
            f"The file is saved with {jpeg.subsampling} chroma{aside}, the map with {used}: "
            "coloured edges look brighter than they are."
        ]
    else:
        sentences = unusable_chroma(jpeg, used)
    if jpeg.colours == "RGB":
        sentences.append(
            "The file is saved as RGB, the map as luma and chroma: no setting is that of the "
            "last save."
        )
    return sentences


def _history(record: DecodeRecord, jpeg: JpegFacts | None, params: ElaParams) -> str:
    if jpeg is None:
        if record.lossy:
            return f"{no_jpeg_file(record)} Read the map with care."
        return (
            f"{no_jpeg_file(record)} If there was none, the map shows edge strength only and "
            "allows no conclusion on save history."
        )
    if jpeg.quality is None:
        return UNKNOWN_SAVE
    last, words = jpeg.quality.quality, quality_words(jpeg.quality)
    same = jpeg.subsampling in (params.subsampling, "grey") and jpeg.colours in ("YCbCr", "grey")
    if last == params.quality and jpeg.quality.exact and same:
        return (
            f"The map's settings are those of the file's last save ({words}): the whole map is "
            "much darker than at lower qualities and allows no conclusion. Try another quality."
        )
    if abs(last - params.quality) < NEAR:
        return (
            f"The map's quality {params.quality} is near that of the file's last save ({words}): "
            "the whole map is darker than at clearly lower qualities. Compare parts of the same "
            "kind, and try other qualities too."
        )
    if last < 60:
        return (
            f"The last save ({words}) was coarse: it evens out what came before. An even map "
            "allows no conclusion."
        )
    return (
        "Compare edges with edges, textures with textures, flats with flats. A part that stands "
        "out against its like is consistent with another save history, and also with contrast, "
        "text, saturated colour or sharpening."
    )
