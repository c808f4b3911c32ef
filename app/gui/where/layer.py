"""What was found, painted over the picture: the map, the outlines, and lines between pairs."""

import functools
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, qRgba

from app.analysis.colormap import table
from app.analysis.localisation import middle
from app.analysis.region import Region
from app.analysis.rendering import Legend
from app.gui.table.geometry import Geometry
from app.gui.table.painting import paint_label
from app.gui.where.found import Found
from app.gui.where.outlines import Outlines

LEGEND = Legend("no evidence", "strongest", "evidence, no probability", "inferno")

_RIM = QColor(0, 0, 0, 200)
_LINE = QColor(0, 255, 255)
_CHOSEN = QColor(255, 255, 255)
_ROOM_FOR_NUMBER = 26
"""Device pixels; a region that is narrower on the screen has its number only when chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A localisation ready to be painted.

    Attributes:
        found: with the regions to be outlined.
        opacity: of the map, 0..1.
        outlines: of the regions.
        chosen: indices of the regions that stand out.
    """

    found: Found
    opacity: float
    outlines: Outlines
    chosen: frozenset[int] = frozenset()

    def value_at(self, x: int, y: int) -> float:
        """The map's value at an image pixel, 0..1."""
        heat, of = self.found.own.heat, self.found.own
        row, column = y * heat.shape[0] // of.height, x * heat.shape[1] // of.width
        return int(heat[row, column]) / 255

    def paint(self, painter: QPainter, geometry: Geometry) -> None:
        """Draw the visible part; coordinates are device pixels."""
        visible = geometry.visible()
        if not visible.area:
            return
        _paint_heat(painter, self, geometry, visible)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_pairs(painter, geometry)
        self._paint_outlines(painter, geometry, visible)
        painter.restore()

    def _paint_outlines(self, painter: QPainter, geometry: Geometry, visible: Region) -> None:
        left, top = geometry.corner
        seen = [
            (index, region)
            for index, region in enumerate(self.found.shown.regions)
            if region.box.grown(1, 1).inside(visible).area
        ]
        painter.save()
        painter.translate(left, top)
        painter.scale(geometry.zoom, geometry.zoom)
        paths = self.outlines.at(geometry.zoom)
        for index, _ in seen:
            for pen in self._pens(index in self.chosen):
                painter.setPen(pen)
                painter.drawPath(paths[index])
        painter.restore()
        for index, region in seen:
            box = QRectF(*geometry.rectangle(region.box))
            if index in self.chosen or box.width() >= _ROOM_FOR_NUMBER:
                colour = _CHOSEN if index in self.chosen else _LINE
                # Above the region, so that a small one is seen.
                above = box.top() - painter.fontMetrics().height() - 8
                at = round(max(box.left(), 0)), round(max(above, 0))
                paint_label(painter, str(index + 1), *at, colour)

    def _paint_pairs(self, painter: QPainter, geometry: Geometry) -> None:
        left, top = geometry.corner
        regions = self.found.shown.regions
        for pair in self.found.shown.pairs:
            ends = [
                QPointF(left + x * geometry.zoom, top + y * geometry.zoom)
                for x, y in (middle(regions[pair.source]), middle(regions[pair.target]))
            ]
            for pen in self._pens({pair.source, pair.target} <= self.chosen):
                painter.setPen(pen)
                painter.drawLine(*ends)

    @staticmethod
    def _pens(chosen: bool) -> tuple[QPen, QPen]:
        """A dark rim, and the line that is seen on any picture."""
        pens = (
            QPen(_RIM, 5 if chosen else 4),
            QPen(_CHOSEN if chosen else _LINE, 3 if chosen else 2),
        )
        for pen in pens:
            pen.setCosmetic(True)
        return pens


def layer_of(found: Found, opacity: float) -> Layer:
    """The layer of what was found, with no region chosen."""
    return Layer(found, opacity, Outlines(found.shown.regions))


def _paint_heat(painter: QPainter, layer: Layer, geometry: Geometry, visible: Region) -> None:
    """Draw what is visible of the map, from the smallest level that is fine enough."""
    own, levels = layer.found.own, layer.found.levels
    wanted = own.width * min(geometry.zoom, 1.0)
    level = next((one for one in reversed(levels) if one.shape[1] >= wanted), levels[0])
    across, down = level.shape[1] / own.width, level.shape[0] / own.height
    part = Region(
        int(visible.left * across),
        int(visible.top * down),
        -int(-visible.right * across // 1),
        -int(-visible.bottom * down // 1),
    )
    # A cell more on each side, so that what is smoothed at the rim has its neighbours.
    part = part.grown(1, 1).inside(Region.whole(level))
    cut = np.ascontiguousarray(part.of(level))
    image = QImage(cut.data, part.width, part.height, part.width, QImage.Format.Format_Indexed8)
    image.setColorTable(_colours())
    left, top = geometry.corner
    cell_x, cell_y = geometry.zoom / across, geometry.zoom / down
    target = QRectF(
        left + part.left * cell_x,
        top + part.top * cell_y,
        part.width * cell_x,
        part.height * cell_y,
    )
    coarse = geometry.zoom < 1 or across < 1
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, coarse)
    painter.setOpacity(layer.opacity)
    painter.drawImage(target, image)
    painter.setOpacity(1.0)


@functools.cache
def _colours() -> list[int]:
    """A colour for each value, the more opaque the more it weighs, as in an exported overlay."""
    colours = table(LEGEND.colours)[:, 0]
    return [
        qRgba(int(red), int(green), int(blue), value)
        for value, (red, green, blue) in enumerate(colours)
    ]
