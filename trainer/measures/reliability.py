"""How far calibrated scores are from what they promise, in bins of equal mass.

Both classes weigh the same, because a score is a probability with both equally frequent. Equal
scores share a bin, so isotonic plateaus may leave some bins empty.

Source: M. Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015,
for the error. With bins of equal width, as in that paper, most images share a few of them.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.measures.bootstrap import Floats

BINS = 15


def bin_errors(probabilities: Floats, labels: NDArray[np.int64]) -> Floats:
    """What each image adds to the error of each bin; NaN unless both classes are there.

    The expected calibration error is the sum over bins of the absolute sum over images.

    Args:
        probabilities: (images, draws) calibrated scores.
        labels: (images,) 0 or 1.

    Returns:
        (images, BINS) float64.
    """
    errors = np.zeros((len(labels), BINS))
    weights = _weights(probabilities, labels)
    image = np.broadcast_to(np.arange(len(labels))[:, None], probabilities.shape)
    with np.errstate(invalid="ignore"):
        excess = weights * (probabilities - labels[:, None])
    np.add.at(errors, (image, _bins(probabilities, weights)), excess)
    return errors


def reliability(probabilities: Floats, labels: NDArray[np.int64]) -> Floats:
    """The bins that hold any draw, as rows of mean score, share of positives, number of draws.

    Empty unless both classes are there.
    """
    if len(np.unique(labels)) < 2:
        return np.empty((0, 3))
    weights = _weights(probabilities, labels)
    bins = _bins(probabilities, weights).ravel()
    truth = np.broadcast_to(labels[:, None], probabilities.shape)
    mass, score, share = (
        np.bincount(bins, (weights * values).ravel(), BINS)
        for values in (np.ones_like(probabilities), probabilities, truth)
    )
    counts = np.bincount(bins, minlength=BINS)
    held = counts > 0
    return np.stack([score[held] / mass[held], share[held] / mass[held], counts[held]], axis=1)


def _weights(probabilities: Floats, labels: NDArray[np.int64]) -> Floats:
    """Of each draw: half of all for each class; NaN unless both classes are there."""
    counts = np.bincount(labels, minlength=2) * probabilities.shape[1]
    if not counts.all():
        return np.full(probabilities.shape, np.nan)
    weights: Floats = np.broadcast_to(0.5 / counts[labels][:, None], probabilities.shape)
    return weights


def _bins(probabilities: Floats, weights: Floats) -> NDArray[np.int64]:
    """The bin of each draw: where the middle of the mass of its score lies."""
    _, place = np.unique(probabilities.ravel(), return_inverse=True)
    mass = np.bincount(place.ravel(), np.nan_to_num(weights).ravel())
    middle = np.cumsum(mass) - mass / 2
    bins = np.minimum((middle * BINS).astype(np.int64), BINS - 1)
    return bins[place.reshape(probabilities.shape)]
