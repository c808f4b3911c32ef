"""A picture laid over itself by a move, and where the two agree."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.copy_move_points import NEAREST_COPY
from app.analysis.copy_move_transforms import TOLERANCE, moved, scale_of
from app.analysis.region import Region

GreyF32 = NDArray[np.float32]
MaskBool = NDArray[np.bool_]

SMALLEST = 100
"""Pixels that are an area; fewer are not looked at."""

_WINDOW = 11
_AGREES = 0.8
_TEXTURE = 1.5
"""Standard deviation in grey levels, below which a correlation means nothing."""

_CLOSING = 11
_MARGIN = 32
_GROWTHS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Overlaid:
    """A part of the picture, and what the move brings over it.

    Attributes:
        part: where it is.
        here: (rows, columns) of the picture.
        there: what the move takes each of these pixels to.
        valid: where there is something, and it is not the place itself.
    """

    part: Region
    here: GreyF32
    there: GreyF32
    valid: MaskBool


def agreeing(
    grey: GreyF32, matrix: NDArray[np.float64], seeds: NDArray[np.float64]
) -> tuple[Overlaid, MaskBool] | None:
    """The area around ``seeds`` (n, 2) over which the picture agrees with what is brought there.

    What is looked at grows until the area ends within it.
    """
    height, width = grey.shape
    whole = Region(0, 0, width, height)
    low, high = np.floor(seeds.min(axis=0)).astype(int), np.ceil(seeds.max(axis=0)).astype(int)
    part = Region(int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1)
    side = _side(matrix, seeds)
    for _ in range(_GROWTHS):
        part = part.grown(part.width // 2 + _MARGIN, part.height // 2 + _MARGIN).inside(whole)
        overlaid = _overlay(grey, matrix, part, side)
        mask = _connected(overlaid, seeds)
        if mask is None:
            return None
        found = overlaid, mask
        if part == whole or not _touches(mask, part, whole):
            break
    return found


def _side(matrix: NDArray[np.float64], seeds: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The direction (x, y) from one place to the other, where the way back is the same move.

    So it is with half a turn and with most mirrors: both places would be found at once.
    """
    there = moved(matrix, seeds)
    if np.abs(moved(matrix, there) - seeds).max() > 2 * TOLERANCE:
        return None
    ways = there - seeds
    return np.asarray((ways * np.sign(ways @ ways[0])[:, None]).mean(axis=0))


def _overlay(
    grey: GreyF32,
    matrix: NDArray[np.float64],
    part: Region,
    side: NDArray[np.float64] | None,
) -> Overlaid:
    """``part`` of the picture, and what lies where ``matrix`` takes it, in direction ``side``."""
    height, width = grey.shape
    scale = scale_of(matrix)
    # The larger place is sampled more coarsely than it was drawn.
    source = cv2.GaussianBlur(grey, (0, 0), 0.5 * np.sqrt(scale**2 - 1)) if scale > 1.1 else grey
    local = matrix.copy()
    local[:, 2] = moved(matrix, np.array([[part.left, part.top]], dtype=np.float64))[0]
    there = cv2.warpAffine(
        source,
        local,
        (part.width, part.height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    x = np.arange(part.left, part.right, dtype=np.float32)
    y = np.arange(part.top, part.bottom, dtype=np.float32)[:, None]
    across = np.float32(matrix[0, 0]) * x + np.float32(matrix[0, 1]) * y + np.float32(matrix[0, 2])
    down = np.float32(matrix[1, 0]) * x + np.float32(matrix[1, 1]) * y + np.float32(matrix[1, 2])
    valid = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    valid &= np.square(across - x) + np.square(down - y) > NEAREST_COPY**2
    if side is not None:
        valid &= (across - x) * np.float32(side[0]) + (down - y) * np.float32(side[1]) > 0
    return Overlaid(part, part.of(grey), np.asarray(there, dtype=np.float32), valid)


def _connected(overlaid: Overlaid, seeds: NDArray[np.float64]) -> MaskBool | None:
    """Where the two agree in texture, connected with one of the seeds; small gaps are closed."""
    correlation, texture = _local_correlation(overlaid.here, overlaid.there)
    agree = overlaid.valid & (correlation > _AGREES) & (texture > _TEXTURE)
    opened = cv2.morphologyEx(agree.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(opened, connectivity=4)
    corner = overlaid.part.left, overlaid.part.top
    at = np.rint(seeds).astype(np.int64) - corner
    inside = (at >= 0).all(axis=1) & (at < agree.shape[::-1]).all(axis=1)
    chosen = np.zeros(count, dtype=np.uint8)
    chosen[labels[at[inside, 1], at[inside, 0]]] = 1
    chosen[0] = 0
    round_shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_CLOSING, _CLOSING))
    closed = cv2.morphologyEx(chosen[labels], cv2.MORPH_CLOSE, round_shape)
    mask = (closed > 0) & overlaid.valid
    return mask if np.count_nonzero(mask) >= SMALLEST else None


def _local_correlation(here: GreyF32, there: GreyF32) -> tuple[GreyF32, GreyF32]:
    """Correlation within a window around each pixel, -1..1, and the lower standard deviation."""
    mean_here, mean_there = _mean(here), _mean(there)
    variance_here = np.maximum(_mean(here * here) - mean_here**2, 0)
    variance_there = np.maximum(_mean(there * there) - mean_there**2, 0)
    product = _mean(here * there) - mean_here * mean_there
    correlation = product / (np.sqrt(variance_here * variance_there) + 1)
    return correlation, np.sqrt(np.minimum(variance_here, variance_there))


def _mean(values: GreyF32) -> GreyF32:
    return np.asarray(cv2.blur(values, (_WINDOW, _WINDOW)), dtype=np.float32)


def _touches(mask: MaskBool, part: Region, whole: Region) -> bool:
    """Whether the area goes on beyond what was looked at."""
    return bool(
        (part.left > whole.left and mask[:, 0].any())
        or (part.right < whole.right and mask[:, -1].any())
        or (part.top > whole.top and mask[0].any())
        or (part.bottom < whole.bottom and mask[-1].any())
    )


def places_within(mask: MaskBool, part: Region) -> NDArray[np.float64]:
    """About two hundred places within the mask."""
    rows, columns = np.nonzero(mask)
    every = max(len(rows) // 200, 1)
    return np.stack([columns[::every] + part.left, rows[::every] + part.top], axis=1).astype(float)


def to_its_edge(overlaid: Overlaid, mask: MaskBool) -> MaskBool:
    """The mask with what its windows missed: pixels around it that differ no more than within."""
    difference = overlaid.here - overlaid.there
    offset = np.float32(np.median(difference[mask]))
    apart = cv2.blur(np.abs(difference - offset), (3, 3))
    limit = max(2 * float(np.median(apart[mask])), 2.0)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_WINDOW + 2, _WINDOW + 2))
    around = cv2.dilate(mask.astype(np.uint8), reach) > 0
    grown = mask | (around & (apart < limit) & overlaid.valid)
    smooth = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    opened = cv2.morphologyEx(grown.astype(np.uint8), cv2.MORPH_OPEN, smooth)
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, smooth)
    return ((closed > 0) & overlaid.valid) | mask
