"""The same part of a picture at a row of qualities, small.

Saved once more at the quality of an earlier save, a picture changes least: over the qualities,
the residual has a dip there ("ghost"). Source: H. Farid, "Exposing Digital Forgeries from JPEG
Ghosts", IEEE Transactions on Information Forensics and Security 4(1), 2009.
"""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.base import Analysis, Params, ParamSpec
from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.analysis.region_statistics import even_bands
from app.analysis.rendering import Rendering
from app.analysis.spread import Spread, Tally
from app.analysis.survey import Measure, Reduction, heed, measure_reduced, sample
from app.arrays import MapArray, RgbU8

_MOST_PIXELS = 4_000_000
"""A larger region is sampled: a step then takes less than a tenth of a second for any picture."""

_COUNTED_PIXELS = 2_000_000
_BAND_ROWS = 16
"""Of a sampled region, the map is made of tiles that are put together; the numbers come from
even bands of the picture itself, because the rims of such tiles depart from it by some percent."""

_SMALLEST_SIDE = 16
"""Of a region that `sample` takes."""


@dataclass(frozen=True, slots=True, eq=False)
class SweepStep:
    """The region at one quality.

    Attributes:
        quality: of the extra save.
        measurement: (rows, columns, channels) float32 or uint8, reduced by the mean.
        spread: of the measured pixels' luma, before the reduction.
        sampled: only an even selection of the region was measured.
    """

    quality: int
    measurement: MapArray
    spread: Spread
    sampled: bool


def quality_spec(analysis: Analysis) -> ParamSpec | None:
    """The parameter that a sweep goes through, or None if the analysis has none."""
    for spec in analysis.params.specs():
        whole = isinstance(spec.default, int) and not isinstance(spec.default, bool)
        if spec.name == "quality" and whole and spec.needs_measurement:
            return spec
    return None


def at_quality(params: Params, quality: int) -> Params:
    """``params`` with another quality, and with a gain that is the same for every quality."""
    changes: dict[str, Any] = {"quality": quality}
    if "auto_gain" in params.values():
        changes["auto_gain"] = False
    return dataclasses.replace(params, **changes)


def qualities(spec: ParamSpec, first: int, last: int, step: int, own: int | None) -> list[int]:
    """Those from ``first`` to ``last``, and the file's ``own`` if it lies between, in order."""
    low, high = int(spec.minimum or 0), int(spec.maximum or 100)
    wanted = set(range(max(first, low), min(last, high) + 1, max(step, 1)))
    if own is not None and max(first, low) <= own <= min(last, high):
        wanted.add(own)
    return sorted(wanted)


def sweep(
    pixels: RgbU8,
    analysis: Analysis,
    params: Params,
    region: Region,
    wanted: Sequence[int],
    side: int,
    stop: threading.Event | None = None,
) -> Iterator[SweepStep]:
    """Measure ``region`` at one quality after the other.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution.
        analysis: one with a `quality_spec`.
        params: resolved; their quality is replaced.
        region: inside the picture, not empty.
        wanted: qualities.
        side: longest side of the maps, which are smaller when the region is.
        stop: looked at between bands.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
    """
    # The map's pixels are whole squares, which reach beyond the region; the numbers do not.
    factor = max(-(-max(region.width, region.height) // side), 1)
    few = min(region.width, region.height) < _SMALLEST_SIDE
    sampled = region.area > _MOST_PIXELS and not few
    snapped = region.snapped(factor, factor).inside(Region.whole(pixels))
    for quality in wanted:
        heed(stop)
        measure = analysis.measuring(at_quality(params, quality))
        tally = Tally()
        with memory_translated():
            if sampled:
                reduced = sample(measure, pixels, region)[0]
                for band in even_bands(region, _BAND_ROWS, _COUNTED_PIXELS):
                    heed(stop)
                    tally.add(measure(pixels, band))
            else:
                counted = _counted(measure, tally, region)
                reduced = measure_reduced(counted, pixels, snapped, factor, Reduction.MEAN, stop)
        yield SweepStep(quality, reduced, tally.luma(), sampled)


def picture(analysis: Analysis, params: Params, step: SweepStep) -> Rendering:
    """A step made visible with the fixed gain of ``params``."""
    return analysis.render(step.measurement, at_quality(params, step.quality))


def _counted(measure: Measure, tally: Tally, counted: Region) -> Measure:
    """``measure``, with the pixels inside ``counted`` counted in passing."""

    def measure_and_count(pixels: RgbU8, region: Region) -> MapArray:
        measured = measure(pixels, region)
        inner = counted.inside(region)
        if inner.area:
            tally.add(inner.relative_to(region).of(measured))
        return measured

    return measure_and_count
