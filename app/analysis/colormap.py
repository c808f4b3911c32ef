"""Colour maps for a map of one value per pixel.

All but grey are perceptually uniform: equal steps of the value look like equal steps of colour
(S. van der Walt and N. Smith, "A Better Default Colormap for Matplotlib", SciPy 2015; cividis:
Nuñez et al., PLOS ONE 13(7), 2018, also for readers with a colour vision deficiency). Rainbow maps
draw edges where the values have none, so there is none here.
"""

import functools

import cv2
import numpy as np

from app.arrays import RgbU8

COLOUR_MAPS = ("grey", "inferno", "viridis", "cividis")

_OPENCV = {
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
}


@functools.cache
def table(name: str) -> RgbU8:
    """The colours of the values 0 to 255, as a picture of one column: (256, 1, 3) uint8 RGB."""
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    if name == "grey":
        colours = cv2.cvtColor(ramp, cv2.COLOR_GRAY2RGB)
    else:
        colours = cv2.cvtColor(cv2.applyColorMap(ramp, _OPENCV[name]), cv2.COLOR_BGR2RGB)
    colours.flags.writeable = False
    return np.asarray(colours, dtype=np.uint8)
