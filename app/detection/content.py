"""What the pixels say against asking a model: drawings, screenshots, pages of text, blanks.

The models learned from photographs and from generated ones; a score for a chart or a page would
mean nothing. A few shares, measured on a sample of the picture at its native resolution, tell
these apart:

- A sensor leaves grain: neighbours that look alike still differ by a grey level or so, and
  lossy compression keeps some of it. Drawn surfaces are exactly even.
- Windows and charts are ruled: frames and axes run exactly along the pixel rows and columns.
- Pages are paper, nearly white without colour, with sharp dark strokes all over.
- Drawings have few colours, and edges with hardly anything between their two sides.

The reasons are grounds for giving no score, never evidence of anything. It errs towards giving
one: drawings with soft shading, and screenshots that are mostly photograph, may pass. Against
it, a photograph may be refused when it was pushed to a few colours, or when it stands in a wide
ruled frame or is cut out on an even ground.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8

_TILE = 32
_TILES_PER_SIDE = 20
_CELL = 8

_QUIET_STEP = 4
_BLACK = 4
_WHITE = 251


@dataclass(frozen=True, slots=True)
class Content:
    """Shares, 0..1, over the sampled tiles of 32x32 pixels; grey levels are those of the luma.

    Attributes:
        equal: pixels exactly equal to their right and lower neighbours.
        smooth: pixels that differ from both by at most two grey levels.
        busy: cells of 8x8 pixels that span more than twelve grey levels.
        grain: among quiet pixels (they differ from both neighbours by at most four grey levels,
            are neither clipped to black nor to white, and their tile spans eight levels or
            more), those that differ at all; 1 when fewer than 1 % of the pixels are quiet.
        sharp: pixels at the darkest or brightest 15 % of the span of their cell, in cells that
            span at least 48 grey levels; 0 without such cells.
        ruled: tiles crossed by a ruler-straight step: two neighbouring rows or columns, each of
            one single grey level, at least eight levels apart.
        strokes: tiles that span at least 60 grey levels.
        paper: pixels nearly white and without colour.
        dark: pixels with no channel above 60.
        few_colours: pixels in the four most frequent colours, at five bits per channel.
    """

    equal: float
    smooth: float
    busy: float
    grain: float
    sharp: float
    ruled: float
    strokes: float
    paper: float
    dark: float
    few_colours: float


def describe_content(pixels: RgbU8) -> Content:
    """Measure the shares on at most 400 tiles, spread evenly; the same pixels, the same shares.

    Args:
        pixels: (height, width, 3) uint8 RGB, of any size from 1x1.
    """
    sample = _sample(pixels)
    luma = np.asarray(cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY), np.uint8)
    steps = _steps(luma)
    low, high = _extremes(luma, _CELL)
    tile_low, tile_high = _extremes(low, _TILE // _CELL)[0], _extremes(high, _TILE // _CELL)[1]
    span, tile_span = high - low, tile_high - tile_low
    red, green, blue = cv2.split(sample)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    return Content(
        equal=_share(steps == 0),
        smooth=_share(steps <= 2),
        busy=_share(span > 12),
        grain=_grain(luma, steps, tile_span),
        sharp=_sharp(luma, low, span),
        ruled=_ruled(luma),
        strokes=_share(tile_span >= 60),
        paper=_share((darkest >= 190) & (brightest - darkest <= 24)),
        dark=_share(brightest <= 60),
        few_colours=_few_colours(sample),
    )


def reasons_against_content(content: Content) -> tuple[str, ...]:
    """Why a picture with this content gets no score, in words; empty when it may have one."""
    if content.busy < 0.02 and content.equal >= 0.96:
        return (f"it is blank: {content.equal:.0%} of its pixels equal their neighbours",)
    # A photograph of the night is as smooth; it is left to the model.
    if content.busy < 0.02 and content.smooth >= 0.985 and content.dark < 0.9:
        return (
            f"it shows nothing: {content.smooth:.0%} of its pixels differ from their neighbours "
            "by two grey levels at most",
        )
    reasons = []
    if content.grain < 0.3 and content.sharp > 0.55 and content.few_colours > 0.5:
        reasons.append(
            f"only {content.grain:.0%} of its quiet pixels show any grain and four colours cover "
            f"{content.few_colours:.0%} of it, as in drawings and screenshots, not in photographs"
        )
    if content.ruled >= 0.05 and content.sharp > 0.36:
        reasons.append(
            f"{content.ruled:.0%} of its tiles are crossed by lines exactly along the pixel rows "
            "or columns, as in screenshots and charts, not in photographs"
        )
    if content.paper > 0.7 and content.strokes > 0.5 and content.sharp > 0.55:
        reasons.append(
            f"{content.paper:.0%} of it is as white as paper, with sharp strokes in "
            f"{content.strokes:.0%} of its tiles, as on a page of text"
        )
    if content.few_colours > 0.6 and content.sharp > 0.7 and content.dark < 0.5:
        reasons.append(
            f"four colours cover {content.few_colours:.0%} of it and {content.sharp:.0%} of the "
            "pixels at its edges belong to one side or the other, as in drawings and print"
        )
    return tuple(reasons)


def _sample(pixels: RgbU8) -> RgbU8:
    """The tiles side by side; a side shorter than one tile is mirrored until it has one."""
    height, width = pixels.shape[:2]
    if min(height, width) < _TILE:
        missing = ((0, max(_TILE - height, 0)), (0, max(_TILE - width, 0)), (0, 0))
        pixels = np.pad(pixels, missing, mode="reflect")
    rows, columns = _places(pixels.shape[0]), _places(pixels.shape[1])
    sample = np.empty((len(rows) * _TILE, len(columns) * _TILE, 3), np.uint8)
    for i, row in enumerate(rows):
        band = sample[i * _TILE : (i + 1) * _TILE]
        for j, column in enumerate(columns):
            tile = pixels[row : row + _TILE, column : column + _TILE]
            band[:, j * _TILE : (j + 1) * _TILE] = tile
    return sample


def _places(length: int) -> list[int]:
    """Where tiles begin along a side; they touch or overlap where the side is short."""
    count = min(-(-length // _TILE), _TILES_PER_SIDE)
    return [int(place) for place in np.linspace(0, length - _TILE, count)]


def _tiles(plane: NDArray[np.uint8], side: int = _TILE) -> NDArray[np.uint8]:
    """The plane as (tile row, row, tile column, column), without a copy."""
    height, width = plane.shape
    return plane.reshape(height // side, side, width // side, side)


def _inner(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pixels whose right and lower neighbours are of the same tile."""
    return _tiles(plane)[:, :-1, :, :-1]


def _steps(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The larger step to the right and lower neighbour, in the shape of `_inner`."""
    steps = np.zeros_like(luma)
    here = luma[:-1, :-1]
    cv2.max(cv2.absdiff(here, luma[:-1, 1:]), cv2.absdiff(here, luma[1:, :-1]), dst=steps[:-1, :-1])
    return _inner(steps)


def _extremes(plane: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The lowest and highest value of each square of ``side`` x ``side``."""
    squares = _tiles(plane, side)
    return squares.min(axis=1).min(axis=2), squares.max(axis=1).max(axis=2)


def _grain(
    luma: NDArray[np.uint8], steps: NDArray[np.uint8], tile_span: NDArray[np.uint8]
) -> float:
    levels = _inner(luma)
    quiet = (steps <= _QUIET_STEP) & (levels > _BLACK) & (levels < _WHITE)
    quiet &= (tile_span >= 8)[:, np.newaxis, :, np.newaxis]
    count = np.count_nonzero(quiet)
    if count < 0.01 * quiet.size:
        return 1.0
    return np.count_nonzero(quiet & (steps > 0)) / count


def _sharp(luma: NDArray[np.uint8], low: NDArray[np.uint8], span: NDArray[np.uint8]) -> float:
    strong = span >= 48
    if not strong.any():
        return 0.0
    cells = _tiles(luma, _CELL).transpose(0, 2, 1, 3)[strong]
    above = cells - low[strong][:, np.newaxis, np.newaxis]
    margin = (span[strong] * 0.15)[:, np.newaxis, np.newaxis]
    span_of = span[strong][:, np.newaxis, np.newaxis]
    return _share((above < margin) | (above > span_of - margin))


def _ruled(luma: NDArray[np.uint8]) -> float:
    tiles = _tiles(luma)
    rows = _has_ruled_step(tiles.min(axis=3), tiles.max(axis=3))
    low, high = tiles.min(axis=1).transpose(0, 2, 1), tiles.max(axis=1).transpose(0, 2, 1)
    return _share(rows | _has_ruled_step(low, high))


def _has_ruled_step(low: NDArray[np.uint8], high: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which tiles have a step, from the extremes of their lines: (tile row, line, tile column)."""
    even = low == high
    apart = np.abs(np.diff(low.astype(np.int16), axis=1)) >= 8
    found: NDArray[np.bool_] = (even[:, 1:] & even[:, :-1] & apart).any(axis=1)
    return found


def _few_colours(sample: RgbU8) -> float:
    red, green, blue = (plane.astype(np.uint16) for plane in cv2.split(sample >> 3))
    counts = np.bincount((red << 10 | green << 5 | blue).ravel(), minlength=1 << 15)
    return float(np.partition(counts, -4)[-4:].sum() / red.size)


def _share(mask: NDArray[np.bool_]) -> float:
    return np.count_nonzero(mask) / mask.size
