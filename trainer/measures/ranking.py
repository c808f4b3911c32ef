"""Statistics of a ranking: area under the ROC curve and its kin, for many resamples at once.

The scores are sorted once; a resample only changes how often each of them counts. Equal scores
are one step of the curve, as in scikit-learn, whose definitions these are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.measures.bootstrap import Floats

STATISTICS = ("auc", "average_precision", "tpr_at_1", "tpr_at_5")
"""Names in `rank_statistics`."""

_RATES = {"tpr_at_1": 0.01, "tpr_at_5": 0.05}


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores from the highest to the lowest.

    Attributes:
        scores: (steps,) the different scores.
        image: (entries,) int, the image of each entry, sorted by its score.
        positive: (entries,) float, 1 for a positive entry and 0 for a negative one.
        starts: (steps,) index of the first entry of each score.
    """

    scores: Floats
    image: NDArray[np.int64]
    positive: Floats
    starts: NDArray[np.int64]


def rank(scores: Floats, labels: NDArray[np.int64], images: NDArray[np.int64]) -> Ranking:
    """Sort entries.

    Args:
        scores: (entries,) finite.
        labels: (entries,) 0 or 1.
        images: (entries,) which image each belongs to, an index into the rows of counts.
    """
    order = np.argsort(-scores, kind="stable")
    steps = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    return Ranking(scores[order][steps], images[order], labels[order].astype(np.float64), steps)


def cumulated(ranking: Ranking, counts: Floats) -> tuple[Floats, Floats]:
    """Positives and negatives that score at least as high as each step, (rounds, steps) each."""
    weights = counts[:, ranking.image]
    positive = weights * ranking.positive
    weights -= positive
    if len(ranking.starts) < len(ranking.image):
        positive = np.add.reduceat(positive, ranking.starts, axis=1)
        weights = np.add.reduceat(weights, ranking.starts, axis=1)
    return np.cumsum(positive, axis=1), np.cumsum(weights, axis=1)


def rank_statistics(ranking: Ranking, counts: Floats) -> dict[str, Floats]:
    """`STATISTICS` of each resample, (rounds,); NaN in a round without both classes.

    ``tpr_at_1`` is the largest share of positives found by a threshold that at most 1 % of these
    very negatives reach: an observed step of the curve, nothing between two steps.

    Args:
        ranking: of the entries.
        counts: (rounds, images) how often each image counts.
    """
    found, alarms = cumulated(ranking, counts)
    positives, negatives = found[:, -1], alarms[:, -1]
    both = (positives > 0) & (negatives > 0)
    steps = np.diff(found, prepend=0.0)
    # A positive ranks above the negatives of later steps, and half above those of its own.
    above = negatives[:, None] - (alarms + np.roll(alarms, 1, axis=1)) / 2
    above[:, 0] = negatives - alarms[:, 0] / 2
    precision = np.divide(found, found + alarms, out=np.zeros_like(found), where=found > 0)
    sums = {
        "auc": np.divide((steps * above).sum(axis=1), negatives, where=both, out=_undefined(both)),
        "average_precision": (steps * precision).sum(axis=1),
    }
    for name, rate in _RATES.items():
        # Counts are whole; the small number is for the product's rounding.
        reached = alarms <= (rate * negatives + 1e-9)[:, None]
        sums[name] = np.where(reached, found, 0.0).max(axis=1)
    return {
        name: np.divide(value, positives, where=both, out=_undefined(both))
        for name, value in sums.items()
    }


def _undefined(like: NDArray[np.bool_]) -> Floats:
    return np.full(like.shape, np.nan)
