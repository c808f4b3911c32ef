"""Copy-move: parts of a picture that are there twice, and the move between them.

Three steps, each in a room of its own: key points that look like another one of the same picture
(`copy_move_points`), moves that many of them agree on (`copy_move_transforms`), and whether the two
places of a move are the same pixel by pixel (`copy_move_overlay`, `copy_move_check`).

It misleads where a picture repeats itself: printed patterns, rendered text and graphics, mirror
images in water, machine-made things in rows. It sees nothing where there is no structure: a copied
piece of clear sky, of smooth wall or of deep shadow stays unfound, and so does one smaller than
about twenty pixels.

The search needs the whole picture and is no entry of `ANALYSES`; see docs/adr/0009.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Params, parameter
from app.analysis.copy_move_check import Check, check, strength
from app.analysis.copy_move_points import KeyPoints, key_points, self_matches
from app.analysis.copy_move_transforms import Move, moves, scale_of
from app.analysis.localisation import Correspondence, FoundRegion, Localisation, region_of
from app.analysis.memory import memory_translated
from app.analysis.survey import heed
from app.arrays import RgbU8

METHOD = "copy-move"
VERSION = 1
"""Raised when the same picture and parameters give another result."""

SMALLEST_SIDE = 32
"""Pixels; pictures with a shorter side are not searched."""

_MOST_POINTS = 5000
_MOST_MATCHES = 1000
_MOST_MOVES = 6
_SAME_REGION = 0.5
_SAME_MOVE = 4.0


@dataclass(frozen=True, slots=True)
class CopyMoveParams(Params):
    """What is looked for, and how closely."""

    threshold: float = parameter(
        0.75,
        help="Smallest strength of what is reported; lower finds more, in untouched pictures too.",
        minimum=0.05,
        maximum=1.0,
        step=0.05,
    )
    megapixels: float = parameter(
        2.0,
        help="Larger pictures are reduced to this many million pixels before the search.",
        minimum=0.25,
        maximum=8.0,
        step=0.25,
        unit=" MP",
    )
    mirrored: bool = parameter(True, help="Also look for copies that were mirrored.")


@memory_translated()
def copy_move(
    pixels: RgbU8,
    params: CopyMoveParams | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Localisation:
    """Look for regions of one picture that show the same.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution.
        params: what is looked for.
        stop: looked at between steps.
        progress: told the share of the work that is done, 0..1.

    Returns:
        A map of the strength of what was found, on the grid that was searched; what reaches
        ``params.threshold`` as regions and pairs. The strength of the whole is that of the
        strongest, 0 if nothing agrees anywhere, and None for a picture too small to be searched.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
    """
    params = params or CopyMoveParams()
    pace = _Pace(stop, progress)
    pace(0.0)
    height, width = pixels.shape[:2]
    grey = _searched(pixels, params.megapixels)
    record: dict[str, Any] = {"method": METHOD, "version": VERSION, "parameters": params.values()}
    if min(grey.shape) < SMALLEST_SIDE:
        nothing = np.zeros(grey.shape, dtype=np.uint8)
        return Localisation(nothing, width, height, params.threshold, record=record)
    points = key_points(grey, _MOST_POINTS)
    searched = {"width": grey.shape[1], "height": grey.shape[0], "key_points": len(points)}
    record["searched"] = searched
    pace(0.4)
    checks = _checks(grey.astype(np.float32), _proposed(points, params, pace), pace)
    pace(1.0)
    return _localised(checks, grey.shape, (width, height), params, record)


@dataclass(frozen=True, slots=True)
class _Pace:
    """Stops the work on request, and tells how far it is."""

    stop: threading.Event | None
    progress: Callable[[float], None] | None

    def __call__(self, share: float | None = None) -> None:
        heed(self.stop)
        if self.progress is not None and share is not None:
            self.progress(share)


def _searched(pixels: RgbU8, megapixels: float) -> NDArray[np.uint8]:
    """Luma at the size that is searched."""
    height, width = pixels.shape[:2]
    scale = min((megapixels * 1e6 / (width * height)) ** 0.5, 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    reduced = pixels
    if size != (width, height):
        reduced = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _proposed(points: KeyPoints, params: CopyMoveParams, pace: _Pace) -> list[Move]:
    proposed: list[Move] = []
    for share, mirrored in ((0.5, False), (0.6, True)):
        if mirrored and not params.mirrored:
            break
        pace()
        matches = self_matches(points, mirrored, _MOST_MATCHES)
        proposed += moves(matches, _MOST_MOVES, pace)
        pace(share)
    return proposed


def _checks(
    grey: NDArray[np.float32], proposed: list[Move], pace: _Pace
) -> list[tuple[float, Check]]:
    """What became of the proposals and how strong it is, the strongest first.

    Each pair of places comes once, and what slides over itself not at all.
    """
    found = []
    for number, move in enumerate(proposed):
        pace(0.6 + 0.4 * number / len(proposed))
        checked = check(grey, move)
        if checked is not None:
            found.append(checked)
    found.sort(key=lambda one: -one.area * one.correlation)
    kept: list[Check] = []
    for checked in found:
        if not any(_same(checked, other) for other in kept):
            kept.append(checked)
    apart = [checked for checked in kept if checked.overlap < _SAME_REGION]
    weighed = [(strength(checked, len(kept) - 1), checked) for checked in apart]
    return sorted(weighed, key=lambda one: -one[0])


def _same(one: Check, other: Check) -> bool:
    """Whether two checks join the same places, in either direction."""
    rows, columns = np.nonzero(one.mask)
    middle = np.array([columns.mean(), rows.mean(), 1.0])
    there = one.matrix @ middle
    forth = np.abs(other.matrix @ middle - there).max()
    back = np.abs(other.matrix @ (*there, 1.0) - middle[:2]).max()
    return bool(min(forth, back) < _SAME_MOVE)


def _localised(
    checks: list[tuple[float, Check]],
    shape: tuple[int, ...],
    size: tuple[int, int],
    params: CopyMoveParams,
    record: dict[str, Any],
) -> Localisation:
    heat = np.zeros(shape, dtype=np.uint8)
    masks: list[NDArray[np.bool_]] = []
    joined: list[tuple[Check, int, int]] = []
    for weight, checked in checks:
        both = checked.mask, checked.other_mask()
        for mask in both:
            np.maximum(heat, np.where(mask, _level(weight), 0).astype(np.uint8), out=heat)
        if weight >= params.threshold:
            source = _place_of(both[0], masks)
            target = _place_of(both[1], masks, source)
            joined.append((checked, source, target))
    found = [region_of(mask.astype(np.uint8), heat, *size) for mask in masks]
    regions = [region for region in found if region is not None]
    order = sorted(range(len(regions)), key=lambda index: -regions[index].area)
    place = {index: rank for rank, index in enumerate(order)}
    regions = [regions[index] for index in order]
    pairs = [
        _correspondence(checked, place[source], place[target], regions, shape, size)
        for checked, source, target in joined
    ]
    strongest = checks[0][0] if checks else 0.0
    return Localisation(
        heat, *size, params.threshold, tuple(regions), tuple(pairs), strongest, record
    )


def _level(weight: float) -> int:
    return int(np.ceil(weight * 255))


def _place_of(
    mask: NDArray[np.bool_], masks: list[NDArray[np.bool_]], other: int | None = None
) -> int:
    """Index of the region that ``mask`` is: one of ``masks`` but ``other``, or a new one."""
    for index, known in enumerate(masks):
        if index == other:
            continue
        shared = np.count_nonzero(mask & known)
        if shared > _SAME_REGION * min(np.count_nonzero(mask), np.count_nonzero(known)):
            masks[index] = known | mask
            return index
    masks.append(mask)
    return len(masks) - 1


def _correspondence(
    checked: Check,
    source: int,
    target: int,
    regions: list[FoundRegion],
    shape: tuple[int, ...],
    size: tuple[int, int],
) -> Correspondence:
    matrix = _in_picture(checked.matrix, size[0] / shape[1], size[1] / shape[0])
    upright = matrix[:, :2] @ np.diag([-1.0 if checked.mirrored else 1.0, 1.0])
    turn = np.arctan2(upright[1, 0] - upright[0, 1], upright[0, 0] + upright[1, 1])
    box = regions[source].box
    middle = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])
    shift = matrix @ (*middle, 1.0) - middle
    first, second = ((float(row[0]), float(row[1]), float(row[2])) for row in matrix)
    return Correspondence(
        source=source,
        target=target,
        transform=(first, second),
        degrees=float(np.rad2deg(turn)),
        scale=scale_of(matrix),
        mirrored=checked.mirrored,
        shift=(float(shift[0]), float(shift[1])),
        matches=checked.matches,
        correlation=min(max(checked.correlation, 0.0), 1.0),
    )


def _in_picture(matrix: NDArray[np.float64], across: float, down: float) -> NDArray[np.float64]:
    """A move of pixel centres of the searched grid, for pixel edges of the picture.

    Args:
        matrix: (2, 3).
        across: pixels of the picture for one of the grid, to the right.
        down: the same, downwards.
    """
    size, half = np.array([across, down]), np.full(2, 0.5)
    turn = np.diag(size) @ matrix[:, :2] @ np.diag(1 / size)
    shift = size * (matrix[:, 2] + half - matrix[:, :2] @ half)
    return np.column_stack([turn, shift])
