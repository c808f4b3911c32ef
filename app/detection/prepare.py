"""From full-resolution pixels to a model's input; trainer and program call the same function.

The preparation is not part of the ONNX graph, because a JPEG round trip cannot be
(docs/adr/0002); scaling and normalisation of its values are.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.ela import residual
from app.arrays import RgbU8, TensorF32
from app.detection.card import Preparation


def prepare(pixels: RgbU8, preparation: Preparation) -> TensorF32:
    """Make the input for one image.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution; ELA runs on these.
        preparation: from the model's card.

    Returns:
        (channels, preparation.height, preparation.width) float32 in grey levels 0..255,
        not normalised.

    Raises:
        TooLargeError: the image has no JPEG round trip.
    """
    return np.concatenate(
        [
            reduce_area_mean(
                plane_of(name, pixels, preparation), preparation.height, preparation.width
            )
            for name in preparation.planes
        ]
    )


def plane_of(name: str, pixels: RgbU8, preparation: Preparation) -> NDArray[Any]:
    """One of `app.detection.card.PLANES` at full resolution.

    Args:
        name: ``rgb``, the pixels; ``ela``, their error levels; ``noise``, what a 3x3 median takes
            away from them.
        pixels: (height, width, 3) uint8 RGB.
        preparation: quality and subsampling of the ELA round trip.

    Returns:
        (height, width, 3) in grey levels: uint8, or for ``noise`` int16, -255..255.
    """
    if name == "ela":
        return residual(pixels, preparation.quality, preparation.subsampling)
    if name == "noise":
        smooth = cv2.medianBlur(pixels, 3)
        return np.subtract(pixels, smooth, dtype=np.int16)
    return pixels


def reduce_area_mean(picture: NDArray[Any], height: int, width: int) -> TensorF32:
    """Reduce to ``height`` x ``width`` by the mean over the covered area, in float32.

    Most residuals are below one grey level after reduction, so rounding to 8 bits would
    erase them. The aspect ratio is not kept. A side that is shorter than wanted has its values
    repeated.

    Returns:
        (3, height, width) float32, same unit as ``picture``.
    """
    floats = picture.astype(np.float32)
    smaller = cv2.resize(floats, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.asarray(smaller, dtype=np.float32).transpose(2, 0, 1))


def reduce_to(pixels: RgbU8, largest: int) -> RgbU8:
    """A picture of more than ``largest`` pixels reduced to that many, in 8 bits."""
    height, width = pixels.shape[:2]
    scale = (largest / (height * width)) ** 0.5
    if scale >= 1:
        return pixels
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
