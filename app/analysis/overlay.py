"""How a map lies over its photograph: the same for the screen and for an exported view.

At each pixel the map has a share: opacity times `Rendering.weight`. Where the weight is 0 the
photograph stays as it is. A grey map that is brighter the more it weighs is light: it is added to
what its share leaves of the photograph. Any other map replaces the photograph by its share; so does
a grey one whose dark parts matter.
"""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.colormap import table
from app.analysis.rendering import Rendering
from app.arrays import RgbU8

_STEPS = 1000
"""Opacity counts in thousandths, so that whole numbers do."""

_UNIT = _STEPS * 255
"""A share of one."""

_BAND_PIXELS = 1_000_000


def blend(picture: RgbU8, rendering: Rendering, opacity: float) -> RgbU8:
    """Lay a map over its photograph.

    With opacity o in thousandths and weight w, the share is s = o w / 255000. In whole numbers,
    rounded half up, hence the same on any machine:

    - light (`Rendering.light`): picture (1 - s) + map o / 1000
    - any other map: picture (1 - s) + map s

    Args:
        picture: (height, width, 3) uint8 RGB.
        rendering: of the same size.
        opacity: 0..1.
    """
    thousandths = int(opacity * _STEPS + 0.5)
    light = rendering.light
    out = np.empty_like(picture)
    rows = max(_BAND_PIXELS // max(picture.shape[1], 1), 1)
    for top in range(0, len(picture), rows):
        band = slice(top, top + rows)
        share = rendering.weight[band, :, None].astype(np.int32) * thousandths
        total = picture[band] * (_UNIT - share)
        total += rendering.picture[band] * (np.int32(thousandths * 255) if light else share)
        total += _UNIT // 2
        total //= _UNIT
        out[band] = total
    return out


def premultiplied(rendering: Rendering) -> NDArray[np.uint8]:
    """The map as a layer: drawn over the photograph with an opacity it gives `blend`.

    Painters that round at every step come within two grey levels of it.

    Returns:
        (height, width, 4) uint8 in the order B, G, R, A, which is ``ARGB32_Premultiplied`` on a
        little-endian machine; A is the weight.
    """
    if rendering.values.ndim == 3:
        out = cv2.cvtColor(rendering.values, cv2.COLOR_RGB2BGRA)
    elif rendering.light:
        out = cv2.cvtColor(rendering.values, cv2.COLOR_GRAY2BGRA)
    else:
        colours = _weighted(rendering.legend.colours, rendering.dark_matters)
        out = cv2.cvtColor(cv2.applyColorMap(rendering.values, colours), cv2.COLOR_BGR2BGRA)
    cv2.insertChannel(rendering.weight, out, 3)
    return np.asarray(out, dtype=np.uint8)


@functools.cache
def _weighted(colours: str, dark_matters: bool) -> NDArray[np.uint8]:
    """The colours of the values 0 to 255 times their weight: (256, 1, 3) uint8 B, G, R."""
    weight = np.arange(256)[:, None, None]
    weight = 255 - weight if dark_matters else weight
    return ((table(colours)[:, :, ::-1] * weight + 127) // 255).astype(np.uint8)
