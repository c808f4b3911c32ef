"""Small pictures of conspicuous files, for reports that show them."""

import threading
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from app.analysis.localisation import Localisation, overlay
from app.arrays import RgbU8
from app.scan.results import Preview, rank_of
from app.scan.rows import Row

SIDE = 320
"""Longer side of a preview in pixels."""

SHOWN = 500
"""Of the conspicuous files as many are shown with their pictures."""

_QUALITY = 80


class Previews:
    """The previews of the `SHOWN` most conspicuous files; thread-safe.

    A million files may all be conspicuous; a report shows pictures of the first ones only.
    """

    def __init__(self, limit: int = SHOWN) -> None:
        """Begin without any.

        Args:
            limit: how many are kept.
        """
        self._limit = limit
        self._kept: dict[Path, tuple[tuple[bool, float], Preview]] = {}
        self._lock = threading.Lock()

    def add(self, row: Row, preview: Preview | None) -> None:
        """Keep the preview of a row, in place of an earlier one of the same file."""
        rank = rank_of(row)
        with self._lock:
            self._kept.pop(row.path, None)
            if preview is None or rank is None:
                return
            self._kept[row.path] = (rank, preview)
            if len(self._kept) > self._limit:
                del self._kept[min(self._kept, key=lambda path: self._kept[path][0])]

    def all(self) -> dict[Path, Preview]:
        """Those that are kept, by file."""
        with self._lock:
            return {path: preview for path, (_, preview) in self._kept.items()}


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
