"""Measuring large pictures: in bands on threads, reduced to the screen, or sampled at first.

Every measurement of this program is local (`Analysis.measure`): measured band by band it is the
same, byte for byte, as measured at once. That bounds memory, lets threads share the work, and
lets a request be cancelled between bands.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.arrays import MapArray, RgbU8
from app.errors import CancelledError

Measure = Callable[[RgbU8, Region], MapArray]
"""Pixels and a region -> the map of that region, exact (`Analysis.measure` with its parameters)."""

_BAND_PIXELS = 4_000_000
"""Of one band. Its buffers (four of them, 3 bytes a pixel) stay below malloc's largest mmap
threshold of 32 MB, so they are used again instead of being mapped anew page by page."""

_WORTH_SHARING = 500_000
"""Pixels; below, starting threads costs more than they gain."""

_TILE = 16
_TILE_RIM = 2
_SAMPLED_TILES = 5000


class Reduction(StrEnum):
    """How several pixels of a map become one on the screen."""

    MEAN = "mean"
    MAXIMUM = "maximum"


def heed(stop: threading.Event | None) -> None:
    """End the work here if it was asked to stop.

    Raises:
        CancelledError: ``stop`` is set.
    """
    if stop is not None and stop.is_set():
        raise CancelledError("Cancelled.")


@memory_translated()
def measure_banded(
    measure: Measure,
    pixels: RgbU8,
    region: Region,
    stop: threading.Event | None = None,
    threads: int = 1,
) -> MapArray:
    """Measure ``region`` of ``pixels`` in bands.

    Args:
        measure: the measurement with its parameters.
        pixels: (height, width, 3) uint8 RGB at full resolution.
        region: inside the picture.
        stop: looked at before each band.
        threads: that measure bands at the same time.

    Returns:
        What ``measure`` returns for the whole region.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
    """
    rows = _band_rows(region.width, 16)
    if threads > 1 and region.area >= _WORTH_SHARING:
        rows = min(rows, -(-region.height // (16 * threads)) * 16)
    bands = list(region.bands(rows, 16))
    if len(bands) == 1:
        heed(stop)
        return measure(pixels, region)
    # A map's channels and type are the method's own; one pixel tells them.
    corner = Region(region.left, region.top, region.left + 1, region.top + 1)
    one = measure(pixels, corner)
    out = np.empty((region.height, region.width, *one.shape[2:]), one.dtype)

    def fill(band: Region) -> None:
        heed(stop)
        band.relative_to(region).of(out)[:] = measure(pixels, band)

    _for_each(fill, bands, threads)
    return out


@memory_translated()
def measure_reduced(
    measure: Measure,
    pixels: RgbU8,
    region: Region,
    factor: int,
    reduction: Reduction,
    stop: threading.Event | None = None,
    threads: int = 1,
) -> MapArray:
    """Measure ``region`` in bands and reduce each at once by a whole factor.

    Args:
        measure: the measurement with its parameters.
        pixels: (height, width, 3) uint8 RGB at full resolution.
        region: inside the picture, its left and top on multiples of ``factor``.
        factor: side of the square of pixels that becomes one; at the right and lower edge
            the squares are cut off.
        reduction: mean or maximum of the square.
        stop: looked at before each band.
        threads: that measure bands at the same time.

    Returns:
        (rows, columns, …): float32 for the mean, so that differences far below one grey level
        survive; the measurement's own type for the maximum.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
    """
    if factor == 1:
        return measure_banded(measure, pixels, region, stop, threads)
    rows = _band_rows(region.width, factor)
    bands = list(region.bands(rows))
    parts: list[MapArray | None] = [None] * len(bands)

    def fill(number: int) -> None:
        heed(stop)
        parts[number] = reduce(measure(pixels, bands[number]), factor, reduction)

    _for_each(fill, range(len(bands)), threads)
    return np.concatenate([part for part in parts if part is not None])


def reduce(measured: MapArray, factor: int, reduction: Reduction) -> MapArray:
    """Reduce a map by a whole factor; sums are whole numbers, so the result is the same anywhere.

    Args:
        measured: (rows, columns, channels) of an unsigned integer type.
        factor: side of the square that becomes one value; squares at the edge may be cut off.
        reduction: mean (float32) or maximum (the type of ``measured``).
    """
    if reduction is Reduction.MAXIMUM:
        return _folded(_folded(measured, factor, 0, np.maximum), factor, 1, np.maximum)
    # 256 times 256 values of 16 bits still fit 32.
    wide = measured if factor <= 256 else measured.astype(np.uint64)
    sums = _folded(_folded(wide, factor, 0, np.add), factor, 1, np.add)
    height, width = (_counts(length, factor) for length in measured.shape[:2])
    counts = (height[:, None] * width).reshape(*sums.shape[:2], *([1] * (measured.ndim - 2)))
    return np.asarray(sums / counts, dtype=np.float32)


@memory_translated()
def sample(measure: Measure, pixels: RgbU8, region: Region) -> tuple[MapArray, Region]:
    """A coarse first look at a large region: the mean of one small tile in each of its cells.

    The tiles are put together and measured as one small picture, so this takes about as long
    for any region. At a tile's rim its neighbours there have a say; the rim is left out.

    Args:
        measure: the measurement with its parameters.
        pixels: (height, width, 3) uint8 RGB at full resolution.
        region: inside the picture, at least 16 pixels on each side.

    Returns:
        float32 (rows, columns, …), some 5,000 values, each standing for an equal cell; and the
        rectangle that they cover, on the codec's grid.

    Raises:
        TooLargeError: memory ran out.
    """
    # Tiles lie on the codec's grid, so that their blocks are the blocks of the picture.
    cell = -(-round((region.area / _SAMPLED_TILES) ** 0.5) // _TILE) * _TILE
    cell = min(max(cell, _TILE), min(region.width, region.height) // _TILE * _TILE)
    snapped = region.snapped(_TILE, _TILE).inside(Region.whole(pixels))
    rows, columns = snapped.height // cell, snapped.width // cell
    covered = Region(
        snapped.left, snapped.top, snapped.left + columns * cell, snapped.top + rows * cell
    )
    at = (cell - _TILE) // 2 // _TILE * _TILE
    mosaic = np.empty((rows, _TILE, columns, _TILE, 3), np.uint8)
    for row in range(rows):
        top = snapped.top + row * cell + at
        strip = pixels[top : top + _TILE, covered.left : covered.right]
        mosaic[row] = strip.reshape(_TILE, columns, cell, 3)[:, :, at : at + _TILE]
    flat = mosaic.reshape(rows * _TILE, columns * _TILE, 3)
    measured = measure(flat, Region.whole(flat))
    tiles = measured.reshape(rows, _TILE, columns, _TILE, *measured.shape[2:])
    inner = tiles[:, _TILE_RIM:-_TILE_RIM, :, _TILE_RIM:-_TILE_RIM]
    return np.asarray(inner.mean(axis=(1, 3)), dtype=np.float32), covered


def _band_rows(width: int, grid: int) -> int:
    """Rows of a band on a multiple of ``grid``: large enough that its margins cost little."""
    rows = max(_BAND_PIXELS // max(width, 1), 128)
    return max(rows // grid, 1) * grid


def _for_each(work: Callable[[Any], None], items: Any, threads: int) -> None:
    if threads == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="survey") as pool:
        for _ in pool.map(work, items):
            pass


def _folded(values: NDArray[Any], factor: int, axis: int, fold: np.ufunc) -> NDArray[Any]:
    """Fold every ``factor`` neighbours along ``axis``, whole rows or columns at a time."""
    parts = [values[i::factor] if axis == 0 else values[:, i::factor] for i in range(factor)]
    wider = {1: np.uint16, 2: np.uint32}.get(values.dtype.itemsize, values.dtype)
    out = parts[0].astype(values.dtype if fold is np.maximum else wider)
    for part in parts[1:]:
        there = out[: part.shape[0], : part.shape[1]]
        fold(there, part, out=there)
    return out


def _counts(length: int, factor: int) -> NDArray[np.int64]:
    """How many pixels each square holds along one side; the last may be cut off."""
    starts = np.arange(0, length, factor)
    return np.minimum(starts + factor, length) - starts
