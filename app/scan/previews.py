"""Small pictures of conspicuous files, for reports that show them."""

from collections.abc import Mapping

import cv2
import numpy as np

from app.analysis.localisation import Localisation, overlay
from app.arrays import RgbU8
from app.scan.results import Preview

SIDE = 320
"""Longer side of a preview in pixels."""

_QUALITY = 80


def preview_of(pixels: RgbU8, found: Mapping[str, Localisation]) -> Preview:
    """A thumbnail, and the maps over it.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        found: question id to where in the picture.
    """
    maps = {question: _small(overlay(pixels, one)) for question, one in found.items()}
    return Preview(_small(pixels), maps)


def _small(pixels: RgbU8) -> bytes:
    height, width = pixels.shape[:2]
    scale = min(SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    return data.tobytes()
