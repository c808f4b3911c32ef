"""From a wish for a map to a picture for the screen. No Qt here: it runs on worker threads."""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Analysis, Params, needs_measurement
from app.analysis.overlay import premultiplied
from app.analysis.region import Region
from app.analysis.rendering import Rendering
from app.analysis.survey import Reduction, measure_reduced, sample
from app.arrays import MapArray, RgbU8
from app.gui.table.geometry import Geometry

_AT_ONCE = 4_000_000
"""Pixels that are measured without a coarse picture first: about two full screens."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A finished map of the visible part.

    Attributes:
        analysis: that made it.
        params: resolved.
        region: image pixels covered.
        factor: side of the square of image pixels that was reduced to one value.
        reduction: how.
        size: columns and rows of the frame.
        coarse: sampled only; a better one follows.
        measurement: in its own unit, reduced to the frame's size.
        rendering: of the measurement.
        image: (rows, columns, 4) uint8 B, G, R, A; premultiplied when for an overlay.
        overlay: which of the two it is.
    """

    analysis: Analysis
    params: Params
    region: Region
    factor: int
    reduction: Reduction
    size: tuple[int, int]
    coarse: bool
    measurement: MapArray
    rendering: Rendering
    image: NDArray[np.uint8]
    overlay: bool


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What a pane wants to show.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, full resolution.
        analysis: of the registry.
        params: resolved.
        geometry: of the picture in the pane; something of it is visible.
        reduction: for views that are smaller than the picture.
        overlay: for laying over the picture, not for itself.
        kept: the frame on the screen; its measurement is used again when it still fits.
    """

    pixels: RgbU8
    analysis: Analysis
    params: Params
    geometry: Geometry
    reduction: Reduction
    overlay: bool
    kept: Frame | None


def make_frames(wish: Wish, stop: threading.Event, threads: int) -> Iterator[Frame]:
    """Make what was wished for; of a large region a coarse frame first.

    Raises:
        CancelledError: ``stop`` was set.
        ElascopeError: the analysis cannot measure this picture.
    """
    region, factor, size = grid(wish.geometry, wish.reduction)
    kept = wish.kept
    if (
        kept is not None
        and not kept.coarse
        and kept.analysis is wish.analysis
        and (kept.region, kept.factor, kept.size) == (region, factor, size)
        and kept.reduction is wish.reduction
        and not needs_measurement(kept.params, wish.params)
    ):
        yield _frame(wish, region, factor, size, kept.measurement, coarse=False)
        return
    measure = wish.analysis.measuring(wish.params)
    if region.area > _AT_ONCE and min(region.width, region.height) >= 64:
        sampled, covered = sample(measure, wish.pixels, region)
        yield _frame(wish, covered, factor, sampled.shape[1::-1], sampled, coarse=True)
    measured = measure_reduced(measure, wish.pixels, region, factor, wish.reduction, stop, threads)
    yield _frame(wish, region, factor, size, _resized(measured, size), coarse=False)


def grid(geometry: Geometry, reduction: Reduction) -> tuple[Region, int, tuple[int, int]]:
    """What to measure for a pane: the region, its reduction, and the frame's columns and rows.

    At actual size and above each image pixel is one value. Below, the mean goes to the screen's
    own pixels in more than eight bits; the maximum is taken over whole squares, which are then
    shown as they are.
    """
    if geometry.zoom >= 1:
        region = geometry.visible()
        return region, 1, (region.width, region.height)
    maximum = reduction is Reduction.MAXIMUM
    factor = max((math.ceil if maximum else math.floor)(1 / geometry.zoom), 1)
    whole = Region(0, 0, geometry.image_width, geometry.image_height)
    region = geometry.visible().snapped(factor, factor).inside(whole)
    if maximum:
        return region, factor, (-(-region.width // factor), -(-region.height // factor))
    columns, rows = region.width * geometry.zoom, region.height * geometry.zoom
    return region, factor, (max(round(columns), 1), max(round(rows), 1))


def _resized(measured: MapArray, size: tuple[int, int]) -> MapArray:
    if measured.shape[1::-1] == size:
        return measured
    values = measured.astype(np.float32, copy=False)
    # OpenCV resizes four channels at once.
    channels = values.shape[2]
    parts = [
        cv2.resize(
            np.ascontiguousarray(values[:, :, at : at + 4]), size, interpolation=cv2.INTER_AREA
        )
        for at in range(0, channels, 4)
    ]
    return np.concatenate([part.reshape(size[1], size[0], -1) for part in parts], axis=2)


def _frame(
    wish: Wish,
    region: Region,
    factor: int,
    size: tuple[int, int],
    measured: MapArray,
    *,
    coarse: bool,
) -> Frame:
    rendering = wish.analysis.render(measured, wish.params)
    if wish.overlay:
        image = premultiplied(rendering)
    else:
        image = np.asarray(cv2.cvtColor(rendering.picture, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    return Frame(
        analysis=wish.analysis,
        params=wish.params,
        region=region,
        factor=factor,
        reduction=wish.reduction,
        size=size,
        coarse=coarse,
        measurement=measured,
        rendering=rendering,
        image=image,
        overlay=wish.overlay,
    )
