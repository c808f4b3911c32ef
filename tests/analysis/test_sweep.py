"""A sweep over qualities: its numbers against Pillow's saves, its dip at an earlier save."""

import dataclasses
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from app.analysis import sweep as sweep_module
from app.analysis.base import Params, parameter
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.sweep import picture, qualities, quality_spec, sweep
from app.errors import CancelledError
from tests.pictures import block_means, pillow_residual, pillow_round_trip, scene

LUMA = np.array([0.299, 0.587, 0.114])


def test_numbers_and_maps_are_those_of_pillows_saves() -> None:
    pixels = scene(128, 192, 1)
    region = Region(32, 16, 160, 112)
    steps = list(sweep(pixels, ELA, ElaParams(subsampling="4:4:4"), region, [70, 90], 64))
    assert [step.quality for step in steps] == [70, 90]
    for step in steps:
        expected = pillow_residual(pixels, step.quality, "4:4:4")[16:112, 32:160]
        assert step.spread.mean == pytest.approx((expected @ LUMA).mean())
        assert step.spread.median == pytest.approx(np.median(expected @ LUMA))
        assert step.measurement.shape == (48, 64, 3) and not step.sampled
        means = block_means(expected, 48, 64).transpose(1, 2, 0)
        assert np.allclose(step.measurement, means, atol=1e-5)


@pytest.mark.parametrize("region", [Region(5, 9, 153, 111), Region(1, 0, 192, 127)])
def test_the_numbers_are_of_the_region_alone_where_its_map_reaches_beyond(region: Region) -> None:
    pixels = scene(128, 192, 1)
    (step,) = sweep(pixels, ELA, ElaParams(subsampling="4:4:4"), region, [70], 16)
    luma = region.of(pillow_residual(pixels, 70, "4:4:4")) @ LUMA
    assert not step.sampled
    assert step.spread.mean == pytest.approx(luma.mean())
    assert step.spread.p95 == pytest.approx(np.percentile(luma, 95))


def test_the_residual_dips_at_the_quality_of_the_last_save() -> None:
    pixels = pillow_round_trip(scene(160, 160, 2), 75, "4:2:0")
    steps = sweep(pixels, ELA, ElaParams(), Region.whole(pixels), range(60, 96, 5), 40)
    means = {step.quality: step.spread.mean for step in steps}
    assert means[75] < means[70] and means[75] < means[80]


def test_a_large_region_is_sampled_and_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene(640, 960, 3)
    region = Region(5, 7, 955, 633)
    exact = next(sweep(pixels, ELA, ElaParams(), region, [85], 100))
    monkeypatch.setattr(sweep_module, "_MOST_PIXELS", 100_000)
    sampled = next(sweep(pixels, ELA, ElaParams(), region, [85], 100))
    assert sampled.sampled and not exact.sampled
    assert sampled.spread.mean == pytest.approx(exact.spread.mean, rel=0.03)


def test_stop_ends_it_between_two_qualities() -> None:
    stop = threading.Event()
    steps = sweep(scene(64, 64), ELA, ElaParams(), Region(0, 0, 64, 64), [60, 70], 64, stop)
    next(steps)
    stop.set()
    with pytest.raises(CancelledError):
        next(steps)


def test_the_gain_is_that_of_the_parameters_for_every_quality() -> None:
    pixels = scene(64, 64, 4)
    params = ElaParams(scale=7.0, auto_gain=True)
    (step,) = sweep(pixels, ELA, params, Region.whole(pixels), [80], 64)
    expected = np.clip(np.rint(pillow_residual(pixels, 80, "4:2:0") * 7.0), 0, 255)
    assert np.array_equal(picture(ELA, params, step).picture, expected)


def test_the_files_own_quality_is_among_them_if_it_lies_between() -> None:
    spec = quality_spec(ELA)
    assert spec is not None
    assert qualities(spec, 60, 80, 10, 72) == [60, 70, 72, 80]
    assert qualities(spec, 60, 80, 10, 90) == [60, 70, 80]
    assert qualities(spec, 60, 80, 10, None) == [60, 70, 80]
    assert qualities(spec, -5, 300, 50, 100) == [1, 51, 100]
    assert qualities(spec, 90, 90, 5, 90) == [90]


@dataclass(frozen=True, slots=True)
class _Lookup(Params):
    quality: int = parameter(50, help="A choice among maps.", needs_measurement=False)


@dataclass(frozen=True, slots=True)
class _Word(Params):
    quality: str = parameter("fine", help="Not a number.", choices=("fine", "coarse"))


@dataclass(frozen=True, slots=True)
class _None(Params):
    size: int = parameter(8, help="Another number.")


@pytest.mark.parametrize("params", [_Lookup, _Word, _None])
def test_only_a_measured_whole_number_can_be_swept(params: type[Params]) -> None:
    assert quality_spec(dataclasses.replace(ELA, params=params)) is None
