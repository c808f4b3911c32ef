"""Whether two places that a move joins are the same, pixel by pixel, or only alike.

The picture is laid over itself by the move, and a local correlation says where the two agree. What
repeats by nature (windows, leaves, weave) has noise of its own at either place, agrees along edges
rather than over areas, and agrees with a third place as well. What was copied agrees in its finest
texture, over a connected area, by a move without distortion, and nowhere else. `strength` weighs
these.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.copy_move_overlay import (
    SMALLEST,
    GreyF32,
    MaskBool,
    Overlaid,
    agreeing,
    places_within,
    to_its_edge,
)
from app.analysis.copy_move_transforms import Move, moved, scale_of
from app.analysis.region import Region

_FINE = 2.5
"""Standard deviation in pixels of the blur whose remainder is fine texture."""

_TEMPLATE = 24
_AROUND = 160
_REFINED_PIXELS = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What became of a move.

    Attributes:
        matrix: (2, 3) float64; takes (x, y, 1) of pixel centres from the smaller of the two places
            to the larger one.
        matches: that agree on the move.
        mask: (height, width) of the whole picture: the smaller place.
        correlation: of fine texture over the whole mask, -1..1.
        elsewhere: the highest correlation of a part of it with any third place nearby, -1..1.
        area: of what agrees in texture, in pixels; the mask goes on to its edge.
    """

    matrix: NDArray[np.float64]
    matches: int
    mask: MaskBool
    correlation: float
    elsewhere: float
    area: int

    @property
    def mirrored(self) -> bool:
        """Whether one place is a mirror image of the other."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    @property
    def stretch(self) -> float:
        """How much more the move enlarges one direction than another; 0 for a plain copy.

        Things of one kind are seen from slightly different sides.
        """
        return float(np.linalg.cond(self.matrix[:, :2])) - 1

    @property
    def overlap(self) -> float:
        """Share of the smaller of the two places that lies within the other.

        A pattern slides over itself; a copy hardly hides its own source.
        """
        other = self.other_mask()
        sizes = [int(np.count_nonzero(mask)) for mask in (self.mask, other)]
        return int(np.count_nonzero(self.mask & other)) / max(min(sizes), 1)

    def other_mask(self) -> MaskBool:
        """The larger place, of the same shape."""
        height, width = self.mask.shape
        carried = cv2.warpAffine(
            self.mask.astype(np.uint8) * 255, self.matrix, (width, height), flags=cv2.INTER_LINEAR
        )
        return np.asarray(carried > 127)


def check(grey: GreyF32, move: Move) -> Check | None:
    """Lay the picture over itself by ``move`` and measure where it agrees.

    Args:
        grey: (height, width) float32, 0..255.
        move: a proposal, right to about three pixels.

    Returns:
        None where nothing agrees over an area.
    """
    if move.scale < 1:
        move = move.inverse()
    found = agreeing(grey, move.matrix, move.sources)
    if found is None:
        return None
    matrix, overlaid, mask = move.matrix, *found
    best = _fine_correlation(overlaid, mask)
    seeds = places_within(mask, overlaid.part)
    for refined in _refined(matrix, overlaid, mask):
        found = agreeing(grey, refined, seeds)
        if found is None:
            continue
        correlation = _fine_correlation(*found)
        # A plain shift leaves less to chance, and wins where it is about as good.
        favour = 1.03 if np.array_equal(refined[:, :2], np.eye(2)) else 1.0
        if favour * correlation * found[1].sum() > best * mask.sum():
            matrix, overlaid, mask, best = refined, *found, correlation
    exact = to_its_edge(overlaid, mask)
    whole = np.zeros(grey.shape, dtype=bool)
    overlaid.part.of(whole)[:] = exact
    return Check(
        matrix=matrix,
        matches=move.matches,
        mask=whole,
        correlation=best,
        elsewhere=_elsewhere(grey, matrix, overlaid, mask),
        area=int(np.count_nonzero(mask)),
    )


def _refined(
    matrix: NDArray[np.float64], overlaid: Overlaid, mask: MaskBool
) -> list[NDArray[np.float64]]:
    """Better moves by the pixels themselves, and the plain shift that is near one, if any.

    The first follows G. Evangelidis and E. Psarakis, "Parametric Image Alignment Using Enhanced
    Correlation Coefficient Maximization", IEEE TPAMI 30(10), 2008.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = Region(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    box = box.grown(8, 8).inside(Region(0, 0, mask.shape[1], mask.shape[0]))
    small = min((_REFINED_PIXELS / box.area) ** 0.5, 1.0)
    size = max(round(box.width * small), 1), max(round(box.height * small), 1)
    here, there, within = (
        cv2.resize(box.of(image), size, interpolation=cv2.INTER_AREA)
        for image in (overlaid.here, overlaid.there, mask.astype(np.uint8) * 255)
    )
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-4)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(here, there, start, cv2.MOTION_AFFINE, stop, within, 3)
    except cv2.error:
        return []
    corner = np.array([overlaid.part.left + box.left, overlaid.part.top + box.top], dtype=float)
    correction = _in_full_size(warp.astype(np.float64), np.array(size) / (box.width, box.height))
    correction[:, 2] += corner - correction[:, :2] @ corner
    better = matrix[:, :2] @ correction
    better[:, 2] += matrix[:, 2]
    if not 0.9 < scale_of(better) / scale_of(matrix) < 1.1:
        return []
    middle = np.array([[(box.left + box.right) / 2, (box.top + box.bottom) / 2]])
    middle += overlaid.part.left, overlaid.part.top
    return [better, *_plain_shift(better, middle)]


def _plain_shift(
    matrix: NDArray[np.float64], middle: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """The shift by whole pixels that ``matrix`` nearly is around ``middle`` (1, 2)."""
    if np.abs(matrix[:, :2] - np.eye(2)).max() > 0.03:
        return []
    shift = np.rint(moved(matrix, middle) - middle)[0]
    return [np.column_stack([np.eye(2), shift])]


def _in_full_size(warp: NDArray[np.float64], small: NDArray[np.float64]) -> NDArray[np.float64]:
    """A warp between pictures reduced by ``small`` (x, y), between their originals."""
    half = np.full(2, 0.5)
    turn = np.diag(1 / small) @ warp[:, :2] @ np.diag(small)
    # Reduced or not, the edge of the first pixel is at -0.5.
    shift = (warp[:, :2] @ (small * half - half) + warp[:, 2] + half) / small - half
    return np.column_stack([turn, shift])


def _fine(values: GreyF32) -> GreyF32:
    """What a blur takes away."""
    return np.asarray(values - cv2.GaussianBlur(values, (0, 0), _FINE), dtype=np.float32)


def _fine_correlation(overlaid: Overlaid, mask: MaskBool) -> float:
    """Of the fine texture of the two over the whole mask, but for its rim."""
    kept = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inner = kept if np.count_nonzero(kept) >= SMALLEST // 2 else mask
    here, there = _fine(overlaid.here)[inner], _fine(overlaid.there)[inner]
    here, there = here - here.mean(), there - there.mean()
    norm = float(np.sqrt(np.square(here).sum() * np.square(there).sum()))
    return float((here * there).sum()) / max(norm, 1e-6)


def _elsewhere(
    grey: GreyF32, matrix: NDArray[np.float64], overlaid: Overlaid, mask: MaskBool
) -> float:
    """The highest correlation of a part of the other place with a third place around here.

    Both are fine texture; what is brought over is looked for, and neither here nor there counts.
    """
    side = 2 * _TEMPLATE + 1
    filled = cv2.blur(mask.astype(np.float32), (side, side), borderType=cv2.BORDER_CONSTANT) * mask
    row, column = divmod(int(filled.argmax()), mask.shape[1])
    inside = Region(0, 0, mask.shape[1], mask.shape[0])
    box = Region(column, row, column + 1, row + 1).grown(_TEMPLATE, _TEMPLATE).inside(inside)
    shape = box.of(mask).astype(np.float32)
    wanted = box.of(_fine(overlaid.there)) * shape
    wanted -= wanted.sum() / shape.sum() * shape
    here = Region(
        box.left + overlaid.part.left,
        box.top + overlaid.part.top,
        box.right + overlaid.part.left,
        box.bottom + overlaid.part.top,
    )
    around = here.grown(_AROUND, _AROUND).inside(Region.whole(grey))
    correlation = _masked_correlation(_fine(around.of(grey)), wanted, shape)
    middle = np.array([[here.left + here.right - 1, here.top + here.bottom - 1]]) / 2
    size = np.array([here.width - 1, here.height - 1]) / 2
    for place in (middle, moved(matrix, middle)):
        left, top = np.rint(place[0] - size - (around.left, around.top)).astype(int)
        near = Region(int(left), int(top), int(left) + 1, int(top) + 1).grown(8, 8)
        near.inside(Region.whole(correlation)).of(correlation)[:] = -1
    return float(correlation.max())


def _masked_correlation(picture: GreyF32, wanted: GreyF32, shape: GreyF32) -> GreyF32:
    """Correlation of ``wanted``, of mean 0 and 0 outside ``shape``, with each place, -1..1."""
    product = cv2.matchTemplate(picture, wanted, cv2.TM_CCORR)
    total = cv2.matchTemplate(picture, shape, cv2.TM_CCORR)
    squares = cv2.matchTemplate(picture * picture, shape, cv2.TM_CCORR)
    own = float(np.square(wanted).sum())
    there = squares - np.square(total) / shape.sum()
    correlation = product / np.sqrt(np.maximum(there * own, 1e-6))
    # What is nearly flat correlates with anything.
    correlation[there < 0.05 * own] = 0
    return np.asarray(np.clip(correlation, -1, 1), dtype=np.float32)


def strength(found: Check, others: int) -> float:
    """How strongly a check speaks for a copy, 0..1; a logistic rule, and no probability.

    Its weights were fitted on untouched pictures and copy-moves; `benchmarks/copy_move.py` prints
    what it does on others.

    Args:
        found: a check.
        others: how many more moves were found in the picture. What repeats by nature often does
            so more than once.
    """
    total = (
        _BIAS
        + _CORRELATION * np.arctanh(np.clip(found.correlation, -0.5, 0.995))
        + _ELSEWHERE * np.arctanh(np.clip(found.elsewhere, -0.5, 0.995))
        + _SHARE * np.log10(found.area / found.mask.size)
        + _MIRRORED * found.mirrored
        + _OTHERS * np.log1p(others)
        + _STRETCH * np.log10(found.stretch + 0.003)
    )
    return float(1 / (1 + np.exp(-total)))


_BIAS = -3.2
_CORRELATION = 3.3
_ELSEWHERE = -2.0
_SHARE = 1.2
_MIRRORED = -2.2
_OTHERS = -1.0
_STRETCH = -1.1
