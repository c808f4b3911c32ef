"""A rectangle in numbers: its residual, and what its picture is like."""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.analysis.spread import Spread, Tally
from app.analysis.survey import Measure, heed
from app.arrays import RgbU8

BLOCK = 8
PARTS = 4
"""A region is cut into this many parts on each side, to see how much it varies in itself."""

STRATA = np.array([0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48], dtype=np.float32)
"""Limits between blocks of like texture: standard deviation of luma in a block, grey levels."""

EDGE = 8.0
"""A pixel is on an edge when luma changes by more than this many grey levels per pixel."""

_SOBEL_SUM = 8.0
"""The Sobel kernel returns this many times the slope of an even ramp."""

_MOST_PIXELS = 8_000_000
_BAND_PIXELS = 1_000_000
_BAND_ROWS = 128


@dataclass(frozen=True, slots=True, eq=False)
class RegionStatistics:
    """What is compared of a region.

    Attributes:
        region: the rectangle.
        measured: pixels looked at: all, or in a large region evenly spaced bands of rows.
        channels: residual of R, G and B.
        luma: residual of the three weighted as luma.
        texture: mean of the standard deviation of luma within the 8x8 blocks, grey levels. Of
            the measures tried (variance, gradient, Laplacian) it foretells the residual best.
        edges: share of the pixels on an edge (`EDGE`), 0..1.
        brightness: mean luma, 0..255.
        clipped: share of the pixels with a channel at 0 or 255, 0..1.
        blocks: (parts, strata) number of complete 8x8 blocks of the JPEG grid.
        residuals: (parts, strata) sum of these blocks' mean luma residuals, grey levels.
    """

    region: Region
    measured: int
    channels: tuple[Spread, ...]
    luma: Spread
    texture: float
    edges: float
    brightness: float
    clipped: float
    blocks: NDArray[np.float64]
    residuals: NDArray[np.float64]

    @property
    def sampled(self) -> bool:
        """Whether not every pixel was looked at."""
        return self.measured < self.region.area


@memory_translated()
def statistics(
    pixels: RgbU8, measure: Measure, region: Region, stop: threading.Event | None = None
) -> RegionStatistics:
    """Measure a region band by band.

    Above 8 million pixels only evenly spaced bands of rows are measured, so a whole picture of
    any size takes about a second and some 50 MB.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution.
        measure: ELA with its parameters: (rows, columns, 3) uint8.
        region: inside the picture, not empty.
        stop: looked at before each band.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
        InvalidParameterError: ``measure`` is not in grey levels of R, G, B.
    """
    tally = Tally()
    blocks = np.zeros((PARTS * PARTS, STRATA.size + 1))
    residuals, deviations = np.zeros_like(blocks), 0.0
    measured, edges, brightness, clipped = 0, 0, 0.0, 0
    rows = min(max(_BAND_PIXELS // region.width // 16, 1) * 16, _BAND_ROWS)
    for band in even_bands(region, rows, _MOST_PIXELS):
        heed(stop)
        cut = band.of(pixels)
        luma = np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        residual = tally.add(measure(pixels, band))
        measured += band.area
        edges += _edge_pixels(pixels, band)
        brightness += float(luma.sum(dtype=np.int64))
        clipped += band.area - cv2.countNonZero(cv2.inRange(cut, (1, 1, 1), (254, 254, 254)))
        inner = _whole_blocks(region).inside(band)
        if inner.area:
            here = inner.relative_to(band)
            deviation = _block_deviations(here.of(luma))
            places = _parts(inner, region) * blocks.shape[1] + np.digitize(deviation, STRATA)
            values = _block_means(here.of(residual)).ravel() / 1000
            for table, weights in ((blocks, None), (residuals, values)):
                more = np.bincount(places.ravel(), weights, table.size)
                table += more.reshape(table.shape)
            deviations += float(deviation.sum(dtype=np.float64))
    return RegionStatistics(
        region,
        measured,
        tally.channels(),
        tally.luma(),
        texture=deviations / max(float(blocks.sum()), 1.0),
        edges=edges / measured,
        brightness=brightness / measured,
        clipped=clipped / measured,
        blocks=blocks,
        residuals=residuals,
    )


def even_bands(region: Region, rows: int, most: int) -> list[Region]:
    """Cut into bands on the JPEG grid; of a region above ``most`` pixels every second, third, …

    Args:
        region: not empty.
        rows: of a band, a multiple of 16.
        most: pixels, about; there is always one band.
    """
    bands = list(region.bands(rows, rows))
    every = -(-region.area // most)
    return bands[(every - 1) // 2 :: every] or bands[:1]


def _edge_pixels(pixels: RgbU8, band: Region) -> int:
    """How many pixels are on an edge; neighbours outside the band have their say."""
    wide = band.grown(1, 1).inside(Region.whole(pixels))
    luma = cv2.cvtColor(wide.of(pixels), cv2.COLOR_RGB2GRAY)
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    slope = np.asarray(cv2.magnitude(across, down), dtype=np.float32)
    inner = band.relative_to(wide).of(slope)
    return int(np.count_nonzero(inner > EDGE * _SOBEL_SUM))


def _whole_blocks(region: Region) -> Region:
    """The largest rectangle of complete blocks inside; its area is 0 if there are none."""
    left, top = -(-region.left // BLOCK) * BLOCK, -(-region.top // BLOCK) * BLOCK
    right, bottom = region.right // BLOCK * BLOCK, region.bottom // BLOCK * BLOCK
    return Region(left, top, max(left, right), max(top, bottom))


def _block_means(values: NDArray[np.int32]) -> NDArray[np.float64]:
    rows, columns = values.shape
    blocks = values.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    sums = blocks.sum(axis=1).sum(axis=2)
    return np.asarray(sums / (BLOCK * BLOCK), dtype=np.float64)


def _block_deviations(luma: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Standard deviation of each block, from whole sums: exact however flat the block is."""
    wide = luma.astype(np.int32)
    means, squares = _block_means(wide), _block_means(wide * wide)
    return np.asarray(np.sqrt(np.maximum(squares - means * means, 0)), dtype=np.float64)


def _parts(inner: Region, region: Region) -> NDArray[np.int64]:
    """(block rows, block columns): in which part of ``region`` each block of ``inner`` begins."""
    down = (np.arange(inner.top, inner.bottom, BLOCK) - region.top) * PARTS // region.height
    across = (np.arange(inner.left, inner.right, BLOCK) - region.left) * PARTS // region.width
    return np.asarray(down[:, None] * PARTS + across, dtype=np.int64)
