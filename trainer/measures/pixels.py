"""How well a mask says where a picture was altered.

F1 and IoU are computed for each image by itself and then averaged, so that a large picture counts
no more than a small one. A mask that is rightly empty counts as 1, one that is wrongly empty or
wrongly not as 0; a model that marks something everywhere must not look good.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.measures.bootstrap import Floats, Interval, resampled, share
from trainer.measures.metrics import rounded

_COUNTS = 3
_ALTERED = 0.5
"""A pixel of a mask is altered from here on; masks that were made smaller are in between."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PixelMeasures:
    """Means over images with their 95 % intervals, over resampled images.

    Attributes:
        images: with a known mask.
        unknown: images without, which count in nothing here.
        altered: of ``images``, those with an altered pixel in some draw.
        draws: of the save pipeline for each image; all count.
        f1: 2 TP / (2 TP + FP + FN); None without images.
        iou: TP / (TP + FP + FN).
        altered_f1: over draws with an altered pixel only; None without.
        altered_iou: the same.
        empty: share of the draws without an altered pixel in which none was marked; None
            without.
    """

    images: int
    unknown: int
    altered: int
    draws: int
    f1: Interval | None
    iou: Interval | None
    altered_f1: Interval | None
    altered_iou: Interval | None
    empty: Interval | None

    def rounded(self) -> dict[str, Any]:
        """As plain values with four decimals."""
        return {name: rounded(value) for name, value in asdict(self).items()}


def pixel_counts(
    probabilities: Iterable[NDArray[Any]], masks: Iterable[NDArray[Any]], threshold: float
) -> Counts:
    """Right, wrong and missed pixels of each image.

    Args:
        probabilities: (n, h, w), or one (h, w) after the other, 0..1.
        masks: as many of the same sizes, 0..1; NaN where it is not known.
        threshold: pixels at or above it are marked.

    Returns:
        (n, 3) int64: true positive, false positive, false negative; -1 where nothing is known.
    """
    rows = [_counts(one, mask, threshold) for one, mask in zip(probabilities, masks, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(-1, _COUNTS)


def _counts(
    probability: NDArray[Any], mask: NDArray[Any], threshold: float
) -> tuple[int, int, int]:
    if probability.shape != mask.shape:
        raise ValueError(f"a mask of {mask.shape} for a map of {probability.shape}")
    known = ~np.isnan(mask)
    if not known.any():
        return -1, -1, -1
    marked, altered = (probability >= threshold) & known, mask >= _ALTERED
    right = int((marked & altered).sum())
    return right, int(marked.sum()) - right, int(altered.sum()) - right


def measure_counts(counts: Counts, draws: int = 1) -> PixelMeasures:
    """Measure what `pixel_counts` counted.

    Args:
        counts: (images * draws, 3), the draws of an image after each other.
        draws: of each image.
    """
    by_image = counts.reshape(-1, draws, _COUNTS)
    is_known = (by_image >= 0).all(axis=(1, 2))
    held = by_image[is_known].astype(np.float64)
    right, wrong, missed = (held[:, :, column] for column in range(_COUNTS))
    altered = (right + missed) > 0
    f1, iou = _ratio(2 * right, wrong + missed), _ratio(right, wrong + missed)
    strata = np.asarray(altered.any(axis=1), dtype=np.int64)
    every = np.ones_like(altered)
    parts = {
        "f1": (f1, every),
        "iou": (iou, every),
        "altered_f1": (f1, altered),
        "altered_iou": (iou, altered),
        "empty": (f1, ~altered),
    }

    def statistics(resample: Floats) -> dict[str, Floats]:
        return {name: _mean(resample, *part) for name, part in parts.items()}

    found = resampled(statistics, strata, len(held)) if len(held) else {}
    intervals = {name: value.interval_if_any() for name, value in found.items()}
    return PixelMeasures(
        images=len(held),
        unknown=len(by_image) - len(held),
        altered=int(strata.sum()),
        draws=draws,
        f1=intervals.get("f1"),
        iou=intervals.get("iou"),
        altered_f1=intervals.get("altered_f1"),
        altered_iou=intervals.get("altered_iou"),
        empty=intervals.get("empty"),
    )


def pixel_measures(
    probabilities: Iterable[NDArray[Any]],
    masks: Iterable[NDArray[Any]],
    threshold: float,
    draws: int = 1,
) -> PixelMeasures:
    """`measure_counts` of `pixel_counts`, for maps that fit into memory or come one by one."""
    return measure_counts(pixel_counts(probabilities, masks, threshold), draws)


def _ratio(right: Floats, wrong: Floats) -> Floats:
    """Right ones among all; 1 where there is neither."""
    total = right + wrong
    return np.divide(right, total, out=np.ones_like(right), where=total > 0)


def _mean(resample: Floats, values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean of ``values`` over the draws that are counted, (rounds,)."""
    weight = counted.sum(axis=1)
    sums = np.where(counted, values, 0.0).sum(axis=1)
    return share(resample * weight, sums / np.maximum(weight, 1))
