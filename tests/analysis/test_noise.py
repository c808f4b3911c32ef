import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.analysis.noise import NOISE, NoiseParams, read_noise
from app.analysis.region import Region
from app.analysis.survey import Reduction, measure_reduced
from app.evidence.decode import decode
from app.evidence.jpeg import read_jpeg, standard_tables
from tests.pictures import encoded, hand_made_png, in_memory, noise, pillow_round_trip, scene

PART = Region(60, 50, 190, 150)
RESIDUAL, LEVEL = NoiseParams(), NoiseParams(measure="level")


def _grey(plane: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture whose three channels, and so whose luma, are ``plane``."""
    return np.dstack([np.clip(np.rint(plane), 0, 255).astype(np.uint8)] * 3)


def _grain(
    deviation: float, inside: float, height: int = 200, width: int = 260
) -> NDArray[np.uint8]:
    """Even grey with normal noise; in ``PART`` of another standard deviation."""
    normal = np.random.default_rng(4).normal(0, 1, (height, width))
    normal *= deviation
    PART.of(normal)[:] *= inside / deviation
    return _grey(128 + normal)


def _map(picture: NDArray[np.uint8], params: NoiseParams) -> NDArray[np.float64]:
    """In grey levels, (height, width)."""
    measured = NOISE.run(picture, params).measurement
    assert measured.dtype == np.uint16
    assert measured.shape == (*picture.shape[:2], 1)
    return measured[:, :, 0] / 100


def _windows(plane: NDArray[Any], size: int, beyond: Any) -> NDArray[Any]:
    """The square around each pixel, (height, width, size²); ``beyond`` the edge as `np.pad`."""
    wide = np.pad(plane, size // 2, mode=beyond)
    squares = np.lib.stride_tricks.sliding_window_view(wide, (size, size))
    return squares.reshape(*plane.shape, size * size)


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("make", [noise, scene])
def test_the_residual_is_the_distance_to_the_median_of_its_square(make: object, size: int) -> None:
    picture = np.dstack([make(41, 37)[:, :, 0]] * 3)  # type: ignore[operator]
    plane = picture[:, :, 0]
    expected = np.abs(plane - np.median(_windows(plane, size, "edge"), axis=2))
    params = NoiseParams(median=f"{size}x{size}")
    assert np.array_equal(_map(picture, params), expected)


@pytest.mark.parametrize("size", [9, 17, 33, 65])
def test_the_level_is_the_median_of_immerkaers_response_by_its_deviation(size: int) -> None:
    for picture in (_grain(4, 9)[30:90, 30:100], scene(30, 70)):
        picture = np.dstack([picture[:, :, 1]] * 3)
        plane = picture[:, :, 1].astype(np.int64)
        wide = np.pad(plane, 1, mode="reflect")
        operator = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
        squares = np.lib.stride_tricks.sliding_window_view(wide, (3, 3))
        response = np.abs((squares * operator).sum(axis=(2, 3)))
        expected = np.median(_windows(response, size, "reflect"), axis=2) / (6 * 0.6745)
        found = _map(picture, NoiseParams(measure="level", window=f"{size}x{size}"))
        assert np.abs(found - np.minimum(expected, 63)).max() < 0.011


@pytest.mark.parametrize("deviation", [2.0, 4.0, 8.0, 16.0])
def test_the_level_is_the_standard_deviation_of_the_noise(deviation: float) -> None:
    found = _map(_grain(deviation, deviation), NoiseParams(measure="level", window="65x65"))
    assert abs(np.median(found) / deviation - 1) < 0.06
    assert found.max() / found.min() < 1.4


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_a_part_with_more_noise_stands_out_by_that_factor(factor: float) -> None:
    picture = _grain(4, 4 * factor)
    inside = PART.grown(-20, -20)
    outside = np.ones(picture.shape[:2], bool)
    PART.grown(20, 20).of(outside)[:] = False
    level = _map(picture, LEVEL)
    assert abs(np.median(inside.of(level)) / np.median(level[outside]) / factor - 1) < 0.1
    assert inside.of(level).min() > level[outside].max()
    residual = _map(picture, RESIDUAL)
    assert abs(inside.of(residual).mean() / residual[outside].mean() / factor - 1) < 0.1


def test_a_part_that_was_smoothed_stands_out_by_its_lack_of_noise() -> None:
    picture = _grain(6, 6)
    part = PART.of(picture)
    part[:] = cv2.GaussianBlur(part.copy(), (0, 0), 1.5)
    level = _map(picture, LEVEL)
    assert PART.grown(-20, -20).of(level).max() < 2
    assert level[:20].min() > 4


def test_the_level_does_not_see_edges_ramps_or_flat_areas() -> None:
    rows, columns = np.mgrid[0:80, 0:90]
    for plane in (
        np.full((80, 90), 77.0),
        rows * 2.0 + columns * 1.0,
        np.where(columns > 40, 200.0, 30.0),
        np.where(rows > 40, 200.0, 30.0) + columns,
    ):
        assert _map(_grey(plane), LEVEL).max() == 0
    blocks = np.random.default_rng(1).integers(0, 256, (10, 12)).repeat(20, 0).repeat(20, 1)
    assert _map(_grey(blocks), LEVEL).max() == 0


def test_the_level_ends_at_63_and_does_not_turn_round() -> None:
    checks = np.indices((60, 60)).sum(axis=0) % 2 * 255.0
    assert set(_map(_grey(checks), LEVEL).ravel().tolist()) == {63.01}


def test_luma_is_that_of_jfif() -> None:
    colours = noise(60, 70)
    pillows = np.asarray(Image.fromarray(colours).convert("L")).astype(int)
    # Every third pixel lies alone on black, so that the median takes all of it away.
    alone = np.zeros_like(colours)
    alone[1::3, 1::3] = colours[1::3, 1::3]
    found = _map(alone, RESIDUAL)[1::3, 1::3]
    assert np.abs(found - pillows[1::3, 1::3]).max() <= 1


def test_jpeg_saves_take_noise_away_as_misleads_says() -> None:
    picture = _grain(5, 5)
    levels = [
        np.median(_map(pillow_round_trip(picture, quality, "4:2:0"), LEVEL))
        for quality in (98, 75, 40)
    ]
    assert levels[0] > levels[1] > levels[2]
    assert levels[2] < 0.5 * levels[0]


@pytest.mark.parametrize("scale", [1.0, 7.5, 20.0, 100.0])
def test_hundredths_of_a_level_are_shown_times_the_scale(scale: float) -> None:
    measured = np.arange(25_501, dtype=np.uint16)[None, :, None]
    rendering = NOISE.render(measured, NoiseParams(scale=scale))
    expected = np.clip(np.arange(25_501) / 100 * scale, 0, 255)
    shown = rendering.picture[0, :, 0]
    assert np.abs(shown - expected).max() <= 0.5 + 1e-3
    assert np.all(np.diff(shown.astype(int)) >= 0)
    assert np.array_equal(rendering.weight[0], shown)
    assert rendering.legend.low == "0"
    assert rendering.legend.high == f"≥ {255 / scale:.3g} grey levels"


def test_a_reduced_map_is_shown_like_the_mean_of_the_map() -> None:
    picture, params = _grain(6, 12), NoiseParams(scale=10.0)
    whole = Region.whole(picture)
    reduced = measure_reduced(NOISE.measuring(params), picture, whole, 10, Reduction.MEAN)
    expected = _map(picture, params).reshape(20, 10, 26, 10).mean(axis=(1, 3)) * 10
    shown = NOISE.render(reduced, params).picture[:, :, 0]
    assert np.abs(shown - np.minimum(expected, 255)).max() <= 0.5 + 1e-3


def test_the_status_line_is_in_grey_levels() -> None:
    assert NOISE.read_out(np.array([300], np.uint16), RESIDUAL) == "noise residual 3.00 grey levels"
    assert NOISE.read_out(np.array([123.4], np.float32), LEVEL) == "noise level 1.23 grey levels"


def test_the_record_names_opencv_and_no_encoder() -> None:
    record = NOISE.describe(LEVEL)
    assert record == {
        "method": "noise",
        "filters": f"OpenCV {cv2.__version__}",
        "parameters": {
            "measure": "level",
            "median": "3x3",
            "window": "33x33",
            "scale": 8.0,
            "colours": "grey",
        },
    }


def _sentences(data: bytes, params: NoiseParams = RESIDUAL) -> tuple[str, ...]:
    jpeg = read_jpeg(data) if data.startswith(b"\xff\xd8") else None
    return read_noise(decode(in_memory(data)).record, jpeg, params)


def test_a_fine_jpeg_is_read_by_comparing_like_with_like() -> None:
    data = encoded(noise(80, 80), "JPEG", quality=75)
    (sentence,) = _sentences(data)
    assert sentence.startswith("Compare flat areas with flat areas")
    assert _sentences(data, LEVEL)[0].startswith("Compare like with like")


def test_a_coarse_jpeg_says_so_first() -> None:
    first, _ = _sentences(encoded(noise(80, 80), "JPEG", quality=74))
    assert first.startswith("The last save (quality 74) took away most of the fine noise")
    tables = [list(table) for table in standard_tables(60)]
    tables[0][40] += 1
    own, _ = _sentences(encoded(noise(80, 80), "JPEG", qtables=tables, subsampling=2))
    assert own.startswith("The last save (near quality 60) took away")


def test_other_facts_of_the_file_add_their_sentences() -> None:
    assert _sentences(encoded(noise(80, 80), "PNG"))[1] == (
        "This PNG file says nothing of an earlier JPEG save. A save with loss evens out noise."
    )
    jpeg_in_tiff = encoded(noise(80, 80), "TIFF", compression="jpeg")
    assert _sentences(jpeg_in_tiff)[1] == (
        "This TIFF file is compressed as JPEG inside; its quality is not read. "
        "A save with loss evens out noise."
    )
    assert "dithering" in " ".join(_sentences(encoded(noise(80, 80), "GIF")))
    assert "Too small" in " ".join(_sentences(encoded(noise(40, 80), "JPEG", quality=90)))
    deep = hand_made_png(80, 80, 16, 0, [bytes(160)] * 80)
    assert _sentences(deep)[-1] == "Reduced from 16 to 8 bits before the analysis."
    unknown = dataclasses.replace(read_jpeg(encoded(noise(80, 80), "JPEG")), quality=None)
    record = decode(in_memory(encoded(noise(80, 80), "JPEG"))).record
    assert len(read_noise(record, unknown, RESIDUAL)) == 1
