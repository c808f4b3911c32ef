"""A measurement made visible: values, colours, and what the ends of the scale mean."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.colormap import table
from app.analysis.memory import memory_translated
from app.arrays import MapArray, RgbU8


@dataclass(frozen=True, slots=True)
class Legend:
    """What the ends of a rendered map's scale mean, in the measurement's own unit.

    Attributes:
        low: the meaning of the scale's lower end.
        high: that of its upper end.
        note: what else must stand beside it.
        colours: the scale's name in `app.analysis.colormap`.
    """

    low: str
    high: str
    note: str = ""
    colours: str = "grey"


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """A measurement made visible. Pictures are looked up when they are asked for.

    Attributes:
        values: (height, width) uint8 for one value per pixel, seen in ``legend.colours``; or
            (height, width, 3) uint8 R, G, B, seen as it is.
        legend: of the picture.
        dark_matters: what is dark is what the map is about; a map of one value per pixel.
    """

    values: NDArray[np.uint8]
    legend: Legend
    dark_matters: bool = False

    @property
    @memory_translated()
    def picture(self) -> RgbU8:
        """(height, width, 3) uint8 RGB."""
        if self.values.ndim == 3:
            return self.values
        if self.legend.colours == "grey":
            return np.asarray(cv2.cvtColor(self.values, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
        # Several times faster than a lookup in each of three channels.
        coloured = cv2.applyColorMap(self.values, table(self.legend.colours))
        return np.asarray(coloured, dtype=np.uint8)

    @property
    def weight(self) -> NDArray[np.uint8]:
        """(height, width) uint8: how much of the map shows in an overlay.

        Where it is 0 the photograph is seen as it is.
        """
        if self.values.ndim == 3:
            return largest(self.values)
        return cv2.bitwise_not(self.values) if self.dark_matters else self.values  # type: ignore[return-value]

    @property
    def light(self) -> bool:
        """Whether the map is added to the photograph as light, or replaces it by its share."""
        return self.legend.colours == "grey" and not self.dark_matters


def amplified(values: MapArray, factor: float) -> NDArray[np.uint8]:
    """Values times a factor, rounded, saturating at 255; the same shape.

    Args:
        values: uint8 or uint16, or float32 after a reduction.
        factor: gain.
    """
    if values.dtype == np.uint8 and factor == 1:
        return values
    # A whole factor is exact in OpenCV's float32 as well, at half the time of a lookup.
    if values.dtype != np.uint8 or float(factor).is_integer():
        return np.asarray(cv2.convertScaleAbs(values, alpha=factor), dtype=np.uint8)
    steps = np.clip(np.rint(np.arange(256) * factor), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(values, steps), dtype=np.uint8)


def shade(
    values: MapArray, factor: float, legend: Legend, *, dark_matters: bool = False
) -> Rendering:
    """Make a map visible.

    Args:
        values: (height, width) or (height, width, 3), of a type that `amplified` takes.
        factor: gain.
        legend: of the picture; it names the colour map.
        dark_matters: as in `Rendering`.
    """
    return Rendering(amplified(values, factor), legend, dark_matters)


def largest(values: NDArray[Any]) -> NDArray[Any]:
    """The largest of three channels, (height, width)."""
    # numpy.max(axis=2) takes ten times as long.
    red, green, blue = cv2.split(values)
    return np.asarray(cv2.max(cv2.max(red, green), blue))
