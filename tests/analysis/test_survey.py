import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.analysis import survey
from app.analysis.ela import ELA, ElaParams
from app.analysis.recompress import SUBSAMPLINGS
from app.analysis.region import Region
from app.analysis.survey import Reduction, measure_banded, measure_reduced, reduce, sample
from app.errors import CancelledError
from tests.pictures import noise, pillow_residual, scene

FACTORS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 300]


def _itself(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The simplest measurement: the pixels."""
    return region.of(pixels).copy()


def _blocks(values: NDArray[Any], factor: int, fold: Any) -> NDArray[np.float64]:
    """Squares of ``factor`` pixels, one after the other, in float64; cut off at the edges."""
    height, width = values.shape[:2]
    return np.array(
        [
            [
                fold(values[top : top + factor, left : left + factor].astype(np.float64), (0, 1))
                for left in range(0, width, factor)
            ]
            for top in range(0, height, factor)
        ]
    )


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("size", [(61, 83), (301, 47), (7, 640), (1, 1)])
def test_a_mean_is_that_of_its_square(size: tuple[int, int], factor: int) -> None:
    picture = noise(*size)
    found = measure_reduced(_itself, picture, Region.whole(picture), factor, Reduction.MEAN)
    expected = _blocks(picture, factor, np.mean).astype(np.float32)
    assert found.dtype == (np.uint8 if factor == 1 else np.float32)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("size", [(61, 83), (301, 47), (7, 640), (1, 1)])
def test_a_maximum_is_that_of_its_square(size: tuple[int, int], factor: int) -> None:
    picture = noise(*size)
    found = measure_reduced(_itself, picture, Region.whole(picture), factor, Reduction.MAXIMUM)
    assert found.dtype == np.uint8
    assert np.array_equal(found, _blocks(picture, factor, np.max))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("factor", [2, 255, 256, 257, 300])
def test_sums_of_the_largest_values_do_not_run_over(kind: Any, factor: int) -> None:
    largest = np.full((601, 603, 2), 25_500 if kind is np.uint16 else 255, kind)
    for reduction in Reduction:
        assert np.all(reduce(largest, factor, reduction) == largest[0, 0, 0])


@pytest.mark.parametrize("channels", [1, 2, 10])
def test_any_number_of_channels_is_reduced_channel_by_channel(channels: int) -> None:
    values = np.random.default_rng(1).integers(0, 25_501, (37, 41, channels), dtype=np.uint16)
    mean = reduce(values, 4, Reduction.MEAN)
    assert np.array_equal(mean, _blocks(values, 4, np.mean).astype(np.float32))
    maximum = reduce(values, 4, Reduction.MAXIMUM)
    assert maximum.dtype == np.uint16
    assert np.array_equal(maximum, _blocks(values, 4, np.max))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("factor", [1, 2, 5, 7, 16])
def test_bands_and_threads_change_nothing(
    factor: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = noise(523, 61)
    region = Region(2 * factor, factor, 60, 500)
    expected = measure_reduced(_itself, picture, region, factor, Reduction.MEAN)
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    found = measure_reduced(_itself, picture, region, factor, Reduction.MEAN, None, threads)
    assert np.array_equal(found, expected)
    assert np.array_equal(
        measure_banded(_itself, picture, region, None, threads), region.of(picture)
    )


def test_bands_are_really_measured_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    picture, seen = noise(500, 20), []

    def noted(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        seen.append((region.top, region.bottom))
        return _itself(pixels, region)

    measure_banded(noted, picture, Region(0, 50, 20, 500))
    assert seen[0] == (50, 51), "one pixel tells channels and type"
    assert seen[1:] == [(50, 176), (176, 304), (304, 432), (432, 500)]
    seen.clear()
    measure_reduced(noted, picture, Region(0, 50, 20, 500), 5, Reduction.MEAN)
    assert seen == [(50, 175), (175, 300), (300, 425), (425, 500)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_stop_ends_it_between_bands(
    factor: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    stop, seen = threading.Event(), []

    def stopping(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        seen.append(region)
        stop.set()
        return _itself(pixels, region)

    picture = noise(5000, 8)
    with pytest.raises(CancelledError):
        measure_reduced(
            stopping, picture, Region.whole(picture), factor, Reduction.MEAN, stop, threads
        )
    assert 1 <= len(seen) <= threads


def test_an_error_in_a_band_on_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    picture = noise(400, 8)

    def failing(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        if region.top:
            raise ValueError("in a band")
        return _itself(pixels, region)

    with pytest.raises(ValueError, match="in a band"):
        measure_banded(failing, picture, Region.whole(picture), None, 2)


@settings(max_examples=60)
@given(
    height=st.integers(16, 300),
    width=st.integers(16, 300),
    corner=st.tuples(st.integers(0, 284), st.integers(0, 284)),
    tiles=st.integers(1, 40),
)
def test_a_sample_stands_for_the_tiles_in_the_middle_of_its_cells(
    height: int, width: int, corner: tuple[int, int], tiles: int
) -> None:
    picture = noise(height, width)
    region = Region(min(corner[0], width - 16), min(corner[1], height - 16), width, height)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "_SAMPLED_TILES", tiles)
        values, covered = sample(_itself, picture, region)
    rows, columns = values.shape[:2]
    assert values.dtype == np.float32
    assert (covered.left % 16, covered.top % 16) == (0, 0)
    assert covered.inside(Region.whole(picture)) == covered
    assert covered.left <= region.left < covered.left + 16
    assert covered.top <= region.top < covered.top + 16
    assert covered.width % columns == covered.height % rows == 0
    cell = covered.width // columns
    assert (cell % 16, cell) == (0, covered.height // rows)
    assert region.right - covered.right < cell
    assert region.bottom - covered.bottom < cell
    for row in range(rows):
        for column in range(columns):
            # The tile on the grid of 16 next to the middle of the cell, without a rim of 2.
            top = covered.top + row * cell + (cell - 16) // 32 * 16
            left = covered.left + column * cell + (cell - 16) // 32 * 16
            tile = picture[top + 2 : top + 14, left + 2 : left + 14].astype(np.float64)
            assert np.array_equal(values[row, column], tile.mean((0, 1)).astype(np.float32))


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_sampled_error_levels_are_those_of_the_whole_picture(
    subsampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_SAMPLED_TILES", 30)
    picture = scene(400, 560)
    region = Region(40, 21, 560, 400)
    params = ElaParams(quality=80, subsampling=subsampling)
    values, covered = sample(ELA.measuring(params), picture, region)
    whole = pillow_residual(picture, 80, subsampling)
    cell = covered.width // values.shape[1]
    at = (cell - 16) // 32 * 16
    assert values.shape[0] * values.shape[1] >= 12
    for row, column in np.ndindex(*values.shape[:2]):
        top, left = covered.top + row * cell + at + 2, covered.left + column * cell + at + 2
        expected = whole[top : top + 12, left : left + 12].mean((0, 1))
        assert np.allclose(values[row, column], expected, atol=1e-5)
