"""A sheet of forgeries, to judge with one's own eyes whether they look like the real thing."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.arrays import RgbU8
from trainer.corpus.forge import Pair
from trainer.drawing.contact_sheet import Cell, contact_sheet, fitted

_SIDE = 260
_OUTLINE = (255, 0, 200)


@dataclass(frozen=True, slots=True, eq=False)
class PairPictures:
    """A pair reduced to what the sheet shows, so that hundreds of pairs need no memory.

    Attributes:
        untouched: (height, width, 3) uint8 RGB.
        forged: the same size.
        outlined: the untouched picture with the outline of the altered part.
        words: kind and method.
    """

    untouched: RgbU8
    forged: RgbU8
    outlined: RgbU8
    words: str


def pictures_of(pair: Pair) -> PairPictures:
    """What the sheet shows of a pair."""
    untouched, forged = fitted(pair.untouched, _SIDE), fitted(pair.forged.pixels, _SIDE)
    mask = cv2.resize(pair.forged.mask, untouched.shape[1::-1], interpolation=cv2.INTER_AREA)
    outlines, _ = cv2.findContours(
        np.where(mask > 127, 255, 0).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
    )
    outlined = np.asarray(cv2.drawContours(untouched.copy(), outlines, -1, _OUTLINE, 1))
    return PairPictures(untouched, forged, outlined.astype(np.uint8), _words(pair))


def forge_sheet(pairs: Sequence[PairPictures]) -> RgbU8:
    """Two pairs in a row: untouched, forged, outline."""
    rows = []
    for start in range(0, len(pairs), 2):
        rows.append(
            [
                cell
                for pair in pairs[start : start + 2]
                for cell in (
                    Cell(pair.untouched, "untouched counterpart"),
                    Cell(pair.forged, pair.words),
                    Cell(pair.outlined, "altered part"),
                )
            ]
        )
    return contact_sheet("Forgeries and their untouched counterparts", rows, side=_SIDE)


def _words(pair: Pair) -> str:
    facts = pair.forged.facts
    chosen = ("outline", "method", "drawing", "blending", "scale", "degrees", "colour_matching")
    words = []
    for name in chosen:
        if name in facts and facts[name] not in (0.0, "none"):
            value = facts[name]
            shown = f"{value:.2g}" if isinstance(value, float) else str(value)
            words.append(f"{name.replace('_', ' ')} {shown}")
    area = np.count_nonzero(pair.forged.mask) / pair.forged.mask.size
    return f"{pair.number} {pair.kind}, {area:.1%}\n{', '.join(words)}"
