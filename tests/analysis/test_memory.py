"""The end of memory is a sentence, with true errors of the libraries and through every door."""

import dataclasses
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from app.analysis import sweep as sweep_module
from app.analysis.ela import ELA, ElaParams
from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.analysis.region_statistics import statistics
from app.analysis.survey import Reduction, measure_banded, measure_reduced, sample
from app.analysis.sweep import sweep
from app.arrays import RgbU8
from app.errors import TooLargeError
from tests.pictures import scene

PIXELS = scene(48, 64)
WHOLE = Region.whole(PIXELS)


def of_numpy(*_: Any) -> Any:
    return np.empty(1 << 60, np.uint8)


def of_opencv(*_: Any) -> Any:
    return cv2.resize(np.zeros((1, 1), np.uint8), (1 << 30, 1 << 24))


@pytest.mark.parametrize("starved", [of_numpy, of_opencv])
@pytest.mark.parametrize(
    "door",
    [
        lambda measure: measure_banded(measure, PIXELS, WHOLE),
        lambda measure: measure_reduced(measure, PIXELS, WHOLE, 4, Reduction.MEAN, None, 2),
        lambda measure: sample(measure, PIXELS, WHOLE),
        lambda measure: statistics(PIXELS, measure, WHOLE),
        lambda measure: dataclasses.replace(ELA, measure=measure).run(PIXELS, ElaParams()),
        lambda measure: dataclasses.replace(ELA, render=measure).run(PIXELS, ElaParams()),
        lambda measure: next(
            sweep(PIXELS, dataclasses.replace(ELA, measure=measure), ElaParams(), WHOLE, [80], 16)
        ),
    ],
    ids=["banded", "reduced", "sample", "statistics", "run", "render", "sweep"],
)
def test_the_end_of_memory_is_a_sentence(
    door: Callable[[Callable[..., Any]], Any], starved: Callable[..., Any]
) -> None:
    with pytest.raises(TooLargeError, match="Memory ran out") as caught:
        door(starved)
    assert caught.value.detail


def test_so_it_is_while_the_bands_of_a_sampled_region_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def starved_of_bands(pixels: RgbU8, params: ElaParams, region: Region) -> Any:
        return ELA.measure(pixels, params, region) if pixels is not PIXELS else of_opencv()

    monkeypatch.setattr(sweep_module, "_MOST_PIXELS", 100)
    analysis = dataclasses.replace(ELA, measure=starved_of_bands)
    with pytest.raises(TooLargeError, match="Memory ran out"):
        next(sweep(PIXELS, analysis, ElaParams(), WHOLE, [80], 16))


def test_another_error_of_opencv_is_none_of_memory() -> None:
    with pytest.raises(cv2.error), memory_translated():
        cv2.resize(np.zeros((1, 1), np.uint8), (0, 0))
