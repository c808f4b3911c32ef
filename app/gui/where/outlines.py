"""Outlines of regions as Qt draws them, with no more corners than the screen can show."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF

from app.analysis.localisation import FoundRegion, Polygon

_MOST_STEPS = 12
"""Halvings of the view below which corners are no longer left out."""


class Outlines:
    """Paths in image coordinates, one for each region; made when first needed at a zoom.

    The outline of a region at full resolution may have thousands of corners, which take long to
    draw and lie within a pixel of the screen when the picture is small on it.
    """

    def __init__(self, regions: Sequence[FoundRegion]) -> None:
        self._polygons = tuple(region.polygons for region in regions)
        self._made: dict[int, tuple[QPainterPath, ...]] = {}

    def __len__(self) -> int:
        return len(self._polygons)

    def at(self, zoom: float) -> tuple[QPainterPath, ...]:
        """For device pixels per image pixel; less than half a device pixel off."""
        halvings = min(max(math.floor(-math.log2(zoom)), 0), _MOST_STEPS)
        if halvings not in self._made:
            # Full detail from actual size on, where a corner may be seen.
            away = 0.5 * 2**halvings if halvings else 0.0
            self._made[halvings] = tuple(_path(polygons, away) for polygons in self._polygons)
        return self._made[halvings]


def _path(polygons: Sequence[Polygon], away: float) -> QPainterPath:
    path = QPainterPath()
    for polygon in polygons:
        corners = np.array(polygon, np.int32)
        simpler = cv2.approxPolyDP(corners[:, None], away, True)[:, 0] if away else corners
        # What is too small to be seen at this zoom keeps its place.
        kept = simpler if len(simpler) > 2 else corners
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in kept.tolist()]))
        path.closeSubpath()
    return path
