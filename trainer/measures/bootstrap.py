"""Confidence intervals by resampling images, for many statistics at once.

Images are drawn with replacement within each class, all draws of an image together, since these
are not independent. A resample is a row of counts, how often each image was drawn; statistics
take many such rows at once, which makes a thousand rounds quick.

Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float, float]
"""A value, and the lower and upper end of its 95 % interval."""

Statistics = Callable[[Floats], Mapping[str, Floats]]
"""From how often each image counts, (rounds, images), to (rounds,) values by name."""

ROUNDS = 1000
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Resampled:
    """A statistic of the images as they are, and of the images as they were drawn again.

    Attributes:
        value: NaN when it is not defined.
        drawn: (ROUNDS,) float64; NaN in a round that drew a small group empty.
    """

    value: float
    drawn: Floats

    def interval(self) -> Interval:
        """The value with the percentiles of what was drawn."""
        low, high = np.nanpercentile(self.drawn, (2.5, 97.5))
        return self.value, float(low), float(high)

    def interval_if_any(self) -> Interval | None:
        """The same, or None when the value is not defined."""
        return self.interval() if np.isfinite(self.value) else None

    def reflected_interval(self, chance: Floats) -> Interval:
        """For a sum of absolute errors, which noise can only make larger.

        A resample has the noise of the sample and as much again, so its percentiles lie too
        high by what the value does; they are mirrored at the value. Where chance alone often
        gives as much as the value, the interval begins at 0.

        Args:
            chance: (ROUNDS,) the same sum of the noise alone.
        """
        _, low, high = self.interval()
        by_chance = self.value <= np.percentile(chance, 97.5)
        begin = 0.0 if by_chance else max(min(2 * self.value - high, self.value), 0.0)
        return self.value, begin, max(2 * self.value - low, self.value)


def resampled(
    statistics: Statistics, strata: NDArray[np.int64], entries: int
) -> dict[str, Resampled]:
    """Compute statistics of the images as they are and of a thousand resamples.

    Args:
        statistics: what to compute; NaN where it is not defined.
        strata: (images,) the class of each; each class keeps its number of images.
        entries: how many numbers a round costs, which bounds the rounds computed at once.
    """
    at_once = max(1, _AT_ONCE // max(entries, 1))
    values = statistics(np.ones((1, len(strata))))
    rounds = [statistics(counts) for counts in _resamples(strata, at_once)]
    return {
        name: Resampled(float(value[0]), np.concatenate([found[name] for found in rounds]))
        for name, value in values.items()
    }


def share(counts: Floats, part: Floats) -> Floats:
    """Mean of ``part``, (images,), over images that count as in ``counts``; NaN over none.

    Returns:
        (rounds,) float64.
    """
    total = counts.sum(axis=1)
    mean: Floats = np.divide(counts @ part, total, out=np.full(len(total), np.nan), where=total > 0)
    return mean


def _resamples(strata: NDArray[np.int64], at_once: int) -> Iterator[Floats]:
    random = np.random.default_rng(0)
    classes = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    for start in range(0, ROUNDS, at_once):
        counts = np.empty((min(at_once, ROUNDS - start), len(strata)))
        for row in counts:
            drawn = np.concatenate([random.choice(images, len(images)) for images in classes])
            row[:] = np.bincount(drawn, minlength=len(strata))
        yield counts
