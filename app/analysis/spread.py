"""How the values of a residual are spread: exact percentiles, counted band by band.

Counting needs a fixed amount of memory, however large the picture is, and no approximation:
residuals are whole grey levels, and their luma is a whole number of thousandths.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import MapArray
from app.errors import InvalidParameterError

_LUMA = np.array([[299, 587, 114]], dtype=np.float32)
"""Weights of R, G, B in luma, in thousandths (ITU-T T.871, JFIF)."""

_UNIT = 1000


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles (interpolated as `numpy.percentile` does) and mean, in grey levels."""

    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    mean: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the values of a residual, band after band."""

    _channels: NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, 256), np.int64))
    _luma: NDArray[np.int64] = field(default_factory=lambda: np.zeros(255 * _UNIT + 1, np.int64))

    def add(self, residual: MapArray) -> NDArray[np.int32]:
        """Count a band.

        Args:
            residual: (rows, columns, 3) uint8, grey levels of R, G, B.

        Returns:
            (rows, columns): its luma, in thousandths of a grey level.

        Raises:
            InvalidParameterError: the map is of another kind.
        """
        if residual.dtype != np.uint8 or residual.shape[2:] != (3,):
            raise InvalidParameterError("Only error levels of red, green and blue are counted.")
        for counts, plane in zip(self._channels, cv2.split(residual), strict=True):
            counts += np.bincount(plane.ravel(), minlength=256)
        # Below 2**24 float32 holds whole numbers exactly.
        weighted = cv2.transform(residual.astype(np.float32), _LUMA)
        luma = np.asarray(weighted, dtype=np.float32).astype(np.int32)
        more = np.bincount(luma.ravel())
        self._luma[: more.size] += more
        return luma

    def channels(self) -> tuple[Spread, ...]:
        """Of R, G and B. At least one pixel must have been counted."""
        return tuple(_spread(counts, 1) for counts in self._channels)

    def luma(self) -> Spread:
        """Of the three weighted as luma. At least one pixel must have been counted."""
        return _spread(self._luma, _UNIT)


def _spread(counts: NDArray[np.int64], unit: int) -> Spread:
    # Among the sorted values, number k is the first value v of which more than k are at most v.
    at_most = np.cumsum(counts)
    last = int(at_most[-1]) - 1
    places = np.array([5, 25, 50, 75, 95]) * last / 100
    below = np.searchsorted(at_most, np.floor(places), side="right")
    above = np.searchsorted(at_most, np.ceil(places), side="right")
    values = (below + (above - below) * (places % 1)) / unit
    mean = float(counts @ np.arange(counts.size)) / (last + 1) / unit
    p5, p25, median, p75, p95 = values.tolist()
    return Spread(p5, p25, median, p75, p95, mean)
