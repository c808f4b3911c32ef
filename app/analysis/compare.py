"""Two rectangles of one picture compared, textures with textures; or a refusal, with the reason.

A residual depends on texture more than on anything else. So 8x8 blocks are sorted by their
standard deviation, and only blocks of like texture are held against each other: the means of
each sort, weighted by how much of it both regions have.

How far apart two regions of an untouched picture lie was measured with ELA at qualities 75, 90 and
95, 4:2:0, and squares of 64 to 384 pixels: 10,212 random pairs from 71 photographs that never were
a JPEG, the same saved once, and 74 camera files. By the limits below 43 % of the pairs are
comparable, and of these 2.3 % stand out (4.5 % of the smallest squares, 0.3 % from 256 pixels on).
Where one region had been saved once more at quality 50 to 75 than the other, and the whole at 88
to 96 after that, 74 % of the comparable pairs stand out.
"""

import functools
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Analysis, Params
from app.analysis.ela import ELA
from app.analysis.region import Region
from app.analysis.region_statistics import PARTS, RegionStatistics, statistics
from app.arrays import RgbU8
from app.errors import InvalidParameterError

FACTOR = 1.75
"""Ratio of like blocks' residuals beyond which untouched pairs hardly ever lie."""

UNTOUCHED = "98 of 100"
"""Untouched comparable pairs that do not stand out, as measured."""

_SMALLEST_SIDE = 64
_LIKE_TEXTURE = 0.5
_TEXTURE_RATIO = 2.0
_EDGE_RATIO = 3.0
_EDGE_FLOOR = 0.02
_BRIGHTNESS = 80.0
_CLIPPED = 0.1
_LEAST_RESIDUAL = 0.2
_SHARED = 0.1

_RESAMPLINGS = 400
_SEED = 20_07


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two regions allow to say.

    Attributes:
        comparable: False if they differ in what the residual depends on anyway.
        sentences: the result first, or the reasons of the refusal.
        ratio: residual of B divided by that of A, blocks of like texture; None if refused.
        interval: 95 % of the ratios when the parts of both regions are drawn anew.
        stands_out: the ratio is beyond what untouched pairs and the regions' own parts show.
    """

    comparable: bool
    sentences: tuple[str, ...]
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    stands_out: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RegionsCompared:
    """Everything there is to show of the regions A and B; None for one that is not set."""

    a: RegionStatistics | None
    b: RegionStatistics | None
    comparison: Comparison | None
    method: str


def compare_regions(
    pixels: RgbU8,
    analysis: Analysis,
    params: Params,
    a: Region | None,
    b: Region | None,
    stop: threading.Event | None = None,
) -> RegionsCompared:
    """Measure the regions that are set, and compare if both are.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution.
        analysis: Error Level Analysis; the limits were measured with it.
        params: resolved (`Analysis.resolve`).
        a: inside the picture, not empty.
        b: likewise.
        stop: looked at between bands.

    Raises:
        CancelledError: ``stop`` was set.
        InvalidParameterError: another analysis, or a region outside the picture.
    """
    if analysis.id != ELA.id:
        raise InvalidParameterError(
            f"Regions are compared by their error level; {analysis.title} has none. "
            f"Choose {ELA.title}."
        )
    whole = Region.whole(pixels)
    for region in (a, b):
        if region is not None and (not region.area or region.inside(whole) != region):
            raise InvalidParameterError("A region must lie inside the picture.")
    measure = analysis.measuring(params)
    first = statistics(pixels, measure, a, stop) if a else None
    second = statistics(pixels, measure, b, stop) if b else None
    comparison = compare(first, second) if first and second else None
    names = ("quality", "subsampling")
    settings = ", ".join(
        f"{name} {value}" for name, value in params.values().items() if name in names
    )
    return RegionsCompared(first, second, comparison, f"{analysis.title}: {settings}")


def compare(a: RegionStatistics, b: RegionStatistics) -> Comparison:
    """Hold B against A."""
    reasons = _refusals(a, b)
    if reasons:
        return Comparison(False, ("Not comparable: " + reasons[0], *reasons[1:]))
    of_a, of_b, _ = _matched(a.blocks, a.residuals, b.blocks, b.residuals)
    ratio = float(of_b / of_a)
    low, high = _resampled(a, b)
    outside = low > 1 or high < 1
    beyond = max(ratio, 1 / ratio) > FACTOR
    sentences = (
        f"Median residual: {a.luma.median:.2f} in A, {b.luma.median:.2f} in B grey levels"
        f"{_times(a.luma.median, b.luma.median)}.",
        f"In blocks of like texture B's residual is {ratio:.2f} times A's; resampling the "
        f"parts of both gives {low:.2f} to {high:.2f} (95 %).",
        f"Within A itself, a sixteenth of it departs from the whole by up to {_within(a):.1f} "
        f"times, within B by up to {_within(b):.1f} times.",
        _conclusion(outside, beyond),
    )
    return Comparison(True, sentences, ratio, (low, high), outside and beyond)


def _conclusion(outside: bool, beyond: bool) -> str:
    if outside and beyond:
        return (
            f"B and A differ by more than untouched pictures do ({UNTOUCHED} of their comparable "
            f"pairs stay within {FACTOR:g} times). Consistent with another save history, and also "
            "with sharpening, noise, text or strongly coloured detail. Random pairs were measured; "
            "pairs picked because they look different stand out more often."
        )
    if beyond:
        return (
            "Inconclusive: the difference is large, but the parts of A and B vary as much in "
            "themselves. Choose more even parts."
        )
    return (
        f"No difference beyond what untouched pictures show (up to {FACTOR:g} times). This does "
        "not show that both have the same history."
    )


def _refusals(a: RegionStatistics, b: RegionStatistics) -> list[str]:
    """Why the two must not be compared; empty if they may."""
    small = [
        f"{name} is {r.region.width} x {r.region.height} pixels; below {_SMALLEST_SIDE} x "
        f"{_SMALLEST_SIDE} there are too few 8x8 blocks."
        for name, r in (("A", a), ("B", b))
        if min(r.region.width, r.region.height) < _SMALLEST_SIDE
    ]
    if small:
        return small
    reasons = []
    shared = a.region.inside(b.region).area / min(a.region.area, b.region.area)
    if shared > _SHARED:
        reasons.append(f"A and B share {shared:.0%} of the smaller one.")
    if _apart(a.texture, b.texture, 0.25) > _TEXTURE_RATIO:
        reasons.append(
            f"the texture is too different ({a.texture:.1f} in A and {b.texture:.1f} in B grey "
            "levels within 8x8 blocks), and the residual follows the texture."
        )
    of_a, of_b, like = _matched(a.blocks, a.residuals, b.blocks, b.residuals)
    if not reasons and like < _LIKE_TEXTURE:
        reasons.append(f"only {float(like):.0%} of the blocks have their like in the other region.")
    if _apart(a.edges, b.edges, _EDGE_FLOOR) > _EDGE_RATIO:
        reasons.append(
            f"{a.edges:.0%} of A and {b.edges:.0%} of B are edges. Compare edges with edges."
        )
    if abs(a.clipped - b.clipped) > _CLIPPED:
        reasons.append(
            f"{a.clipped:.0%} of A and {b.clipped:.0%} of B are clipped (0 or 255), and clipped "
            "pixels hardly change."
        )
    if abs(a.brightness - b.brightness) > _BRIGHTNESS:
        reasons.append(
            f"the brightness is too different ({a.brightness:.0f} in A, {b.brightness:.0f} in B)."
        )
    if not reasons and min(of_a, of_b) < _LEAST_RESIDUAL:
        reasons.append(
            "there is hardly any residual at this quality; near a save's own quality that is so "
            "for any history. Try another quality."
        )
    return reasons


def _apart(a: float, b: float, floor: float) -> float:
    """The larger divided by the smaller; ``floor`` keeps next to nothing from counting much."""
    return (max(a, b) + floor) / (min(a, b) + floor)


def _times(a: float, b: float) -> str:
    return f" ({b / a:.2f} times)" if a > 0 else ""


Table = NDArray[np.float64]


def _matched(
    blocks_a: Table, residuals_a: Table, blocks_b: Table, residuals_b: Table
) -> tuple[Table, Table, Table]:
    """Mean residuals over blocks of like texture.

    Args:
        blocks_a: (…, parts, strata) as in `RegionStatistics.blocks`.
        residuals_a: as in `RegionStatistics.residuals`.
        blocks_b: of the other region.
        residuals_b: of the other region.

    Returns:
        Mean of A, mean of B, and the share of blocks that have their like; (…) each.
    """
    count_a, count_b = blocks_a.sum(axis=-2), blocks_b.sum(axis=-2)
    share_a = count_a / np.maximum(count_a.sum(axis=-1, keepdims=True), 1)
    share_b = count_b / np.maximum(count_b.sum(axis=-1, keepdims=True), 1)
    common = np.minimum(share_a, share_b)
    like = common.sum(axis=-1)
    mean_a = (common * residuals_a.sum(axis=-2) / np.maximum(count_a, 1)).sum(axis=-1)
    mean_b = (common * residuals_b.sum(axis=-2) / np.maximum(count_b, 1)).sum(axis=-1)
    whole = np.maximum(like, 1e-9)
    return mean_a / whole, mean_b / whole, like


def _resampled(a: RegionStatistics, b: RegionStatistics) -> tuple[float, float]:
    """95 % of the ratios B / A when the parts of both are drawn with replacement.

    Whole parts are drawn, not blocks: neighbouring blocks are alike, and drawn one by one they
    would promise an accuracy that is not there.
    """
    random = np.random.default_rng(_SEED)
    parts = PARTS * PARTS
    draw = functools.partial(random.multinomial, parts, [1 / parts] * parts, _RESAMPLINGS)
    weights_a, weights_b = draw()[..., None], draw()[..., None]
    of_a, of_b, like = _matched(
        weights_a * a.blocks, weights_a * a.residuals, weights_b * b.blocks, weights_b * b.residuals
    )
    usable = (like > 0) & (of_a > 0)
    low, high = np.percentile(of_b[usable] / of_a[usable], [2.5, 97.5])
    return float(low), float(high)


def _within(region: RegionStatistics) -> float:
    """How many times a part's residual departs from the whole's at most, textures alike."""
    blocks, residuals = region.blocks[:, None], region.residuals[:, None]
    of_part, of_whole, like = _matched(blocks, residuals, region.blocks, region.residuals)
    # A part that shares next to no texture with the rest says nothing.
    usable = (like > _LIKE_TEXTURE / 2) & (of_part > 0) & (of_whole > 0)
    ratios = of_part[usable] / of_whole[usable]
    return float(np.maximum(ratios, 1 / ratios).max(initial=1.0))
