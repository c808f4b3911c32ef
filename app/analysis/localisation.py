"""Where in a picture something was found: the result of every method that says so.

Coordinates are those of pixel edges: (0, 0) is the upper left corner of the picture and
(width, height) its lower right one, x to the right and y down. A pixel in column c and row r
covers c to c + 1 and r to r + 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.overlay import blend
from app.analysis.region import Region
from app.analysis.rendering import Legend, Rendering
from app.arrays import RgbU8

JSON_SCHEMA = 1
"""Raised when a field of `as_json` changes its meaning."""

MOST_REGIONS = 100
"""Of more regions than these the smallest are left out."""

HeatU8: TypeAlias = NDArray[np.uint8]
"""Evidence on a grid that covers the picture evenly: (rows, columns) uint8, 255 for 1."""

Polygon: TypeAlias = tuple[tuple[int, int], ...]
"""Corners (x, y) of a closed line; the last is joined to the first."""


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A part of the picture.

    Attributes:
        polygons: its outlines, and those of holes in it. The even-odd rule fills them: what lies
            within an odd number of them belongs to the region. They are simplified by less than
            one cell of the map.
        area: in pixels of the picture, before the outlines were simplified.
        share: of the picture, 0..1.
        score: mean of the map within, 0..1.
        box: the smallest rectangle around it.
    """

    polygons: tuple[Polygon, ...]
    area: int
    share: float
    score: float
    box: Region


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Two regions that show the same.

    Which of them is the copy cannot be told from it.

    Attributes:
        source: index into `Localisation.regions`.
        target: index into `Localisation.regions`.
        transform: two rows of three numbers; they take (x, y, 1) of the source to (x, y) of the
            target.
        degrees: rotation from source to target, clockwise as seen, above -180 and up to 180.
        scale: of lengths, from source to target.
        mirrored: left and right are exchanged, before the rotation.
        shift: from the middle of the source to that of the target, (x, y) in pixels.
        matches: key points that agree on the transform.
        correlation: mean local correlation of the two, 0..1.
    """

    source: int
    target: int
    transform: tuple[tuple[float, float, float], tuple[float, float, float]]
    degrees: float
    scale: float
    mirrored: bool
    shift: tuple[float, float]
    matches: int
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class Localisation:
    """What a method says about the places of a picture.

    Attributes:
        heat: the evidence, on any grid that covers the picture evenly.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        threshold: of the evidence, 0..1; regions are made of what reaches it.
        regions: what was found, the largest first.
        pairs: of regions that show the same; copy-move alone has them.
        strength: of the evidence for the picture as a whole, 0..1, also below what makes a
            finding; it ranks pictures and is no probability. None where a method has none.
        record: method, version and parameters; enough to repeat the step.
    """

    heat: HeatU8
    width: int
    height: int
    threshold: float
    regions: tuple[FoundRegion, ...] = ()
    pairs: tuple[Correspondence, ...] = ()
    strength: float | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def area(self) -> int:
        """Of all regions, in pixels of the picture; where they overlap it counts twice."""
        return sum(region.area for region in self.regions)


def find_regions(
    heat: HeatU8, width: int, height: int, threshold: float, minimum_area: int = 1
) -> tuple[FoundRegion, ...]:
    """The connected parts of a map that reach a threshold, the largest first.

    Cells that touch at a corner are connected.

    Args:
        heat: (rows, columns) uint8.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        threshold: 0..1.
        minimum_area: of a region, in pixels of the picture.

    Returns:
        At most `MOST_REGIONS`.
    """
    reached = (heat >= max(threshold * 255, 1)).astype(np.uint8)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(reached, connectivity=8)
    # Cells are equal up to a pixel, so that their number decides which regions are looked at.
    order = np.argsort(-facts[1:count, cv2.CC_STAT_AREA], kind="stable")[:MOST_REGIONS] + 1
    found = []
    for label in order:
        left, top, columns, rows, _ = (int(fact) for fact in facts[label])
        part = Region(left, top, left + columns, top + rows)
        inside = (part.of(labels) == label).astype(np.uint8)
        region = _region(inside, part, heat, width, height)
        if region.area >= minimum_area:
            found.append(region)
    return tuple(sorted(found, key=lambda region: -region.area))


def region_of(mask: NDArray[np.uint8], heat: HeatU8, width: int, height: int) -> FoundRegion | None:
    """One region of everything that is not 0 in ``mask``, connected or not.

    Args:
        mask: (rows, columns) uint8.
        heat: of the same shape.
        width: of the picture, in pixels.
        height: of the picture, in pixels.

    Returns:
        None for an empty mask.
    """
    left, top, columns, rows = cv2.boundingRect(mask)
    if columns == 0:
        return None
    part = Region(left, top, left + columns, top + rows)
    inside = (part.of(mask) > 0).astype(np.uint8)
    return _region(inside, part, heat, width, height)


def _region(
    inside: NDArray[np.uint8], part: Region, heat: HeatU8, width: int, height: int
) -> FoundRegion:
    """The region of the cells where ``inside``, a part of the map, is 1."""
    across, down = cell_edges(width, heat.shape[1]), cell_edges(height, heat.shape[0])
    x, y = across[part.left : part.right + 1], down[part.top : part.bottom + 1]
    area = int(np.diff(y) @ inside.astype(np.int64) @ np.diff(x))
    cells = int(np.count_nonzero(inside))
    total = int(part.of(heat).astype(np.int64)[inside > 0].sum())
    return FoundRegion(
        polygons=_outlines(inside, x, y),
        area=area,
        share=area / (width * height),
        score=total / (255 * cells),
        box=Region(int(x[0]), int(y[0]), int(x[-1]), int(y[-1])),
    )


def cell_edges(pixels: int, cells: int) -> NDArray[np.int64]:
    """Where the cells of a map begin and end: ``cells`` + 1 positions from 0 to ``pixels``.

    A pixel belongs to the cell that its upper left corner lies in.
    """
    return -(-np.arange(cells + 1, dtype=np.int64) * pixels // cells)


def _outlines(
    inside: NDArray[np.uint8], x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[Polygon, ...]:
    """Outlines along the edges of cells, in pixels, simplified.

    OpenCV draws outlines through the middle of cells. On a grid twice as fine, where each cell
    has a middle on either side of its own, they come to lie on the edges.
    """
    finer = inside.repeat(2, axis=0).repeat(2, axis=1)
    contours, _ = cv2.findContours(finer, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    cell = max((x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1))
    polygons = []
    for contour in contours:
        corners = (contour.reshape(-1, 2) + 1) // 2
        placed = np.stack([x[corners[:, 0]], y[corners[:, 1]]], axis=1).astype(np.int32)
        simpler = cv2.approxPolyDP(placed[:, None], 0.8 * cell, closed=True).reshape(-1, 2)
        # What is as narrow as a cell is kept as it is: simplified it would be a line.
        kept = simpler if len(simpler) > 2 else placed
        polygons.append(tuple((int(across), int(down)) for across, down in kept))
    return tuple(polygons)


def as_json(localisation: Localisation) -> dict[str, Any]:
    """Everything but the map, ready for JSON: lists, words, and finite numbers.

    The same localisation gives the same text, key for key.
    """
    return {
        "localisation": JSON_SCHEMA,
        "width": localisation.width,
        "height": localisation.height,
        "threshold": _number(localisation.threshold),
        "strength": None if localisation.strength is None else _number(localisation.strength),
        "regions": [_region_as_json(region) for region in localisation.regions],
        "pairs": [_pair_as_json(pair) for pair in localisation.pairs],
        "record": dict(localisation.record),
    }


def _region_as_json(region: FoundRegion) -> dict[str, Any]:
    box = region.box
    return {
        "area": region.area,
        "share": _number(region.share),
        "score": _number(region.score),
        "box": [box.left, box.top, box.right, box.bottom],
        "polygons": [[list(corner) for corner in polygon] for polygon in region.polygons],
    }


def _pair_as_json(pair: Correspondence) -> dict[str, Any]:
    return {
        "source": pair.source,
        "target": pair.target,
        "transform": [[_number(value) for value in row] for row in pair.transform],
        "degrees": _number(pair.degrees),
        "scale": _number(pair.scale),
        "mirrored": pair.mirrored,
        "shift": [_number(value) for value in pair.shift],
        "matches": pair.matches,
        "correlation": _number(pair.correlation),
    }


def _number(value: float) -> float:
    """Rounded to what a measurement can mean, without a negative zero."""
    return round(float(value), 6) + 0.0


def heat_rendering(localisation: Localisation, colours: str = "inferno") -> Rendering:
    """The map as a picture of the photograph's size, with its legend.

    As an overlay it leaves the photograph as it is where there is no evidence.
    """
    size = localisation.width, localisation.height
    heat = localisation.heat
    if heat.shape[::-1] != size:
        heat = np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    legend = Legend("no evidence", "strongest", "evidence, no probability", colours)
    return Rendering(heat, legend)


def overlay(
    pixels: RgbU8, localisation: Localisation, opacity: float = 0.4, colours: str = "inferno"
) -> RgbU8:
    """The map over its photograph, with the outlines of the regions and a line for each pair.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        localisation: of the same picture.
        opacity: of the map, 0..1.
        colours: a name of `app.analysis.colormap.COLOUR_MAPS`.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    picture = blend(pixels, heat_rendering(localisation, colours), opacity)
    stroke = max(round(min(localisation.width, localisation.height) / 400), 1)
    lines = [_corners(polygon) for region in localisation.regions for polygon in region.polygons]
    for pair in localisation.pairs:
        ends = (middle(localisation.regions[index]) for index in (pair.source, pair.target))
        lines.append(_corners([(round(x), round(y)) for x, y in ends]))
    for colour, thickness in ((_DARK, stroke + 2), (_LIGHT, stroke)):
        cv2.polylines(picture, lines, True, colour, thickness, cv2.LINE_AA)
    return picture


_DARK, _LIGHT = (0, 0, 0), (0, 255, 255)


def _corners(polygon: Sequence[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(polygon, dtype=np.int32)[:, None]


def middle(region: FoundRegion) -> tuple[float, float]:
    """(x, y) of the middle of the rectangle around a region."""
    box = region.box
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
