import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.analysis.ela import AS_IN_FILE, ELA, ElaParams, amplify, residual
from app.analysis.recompress import SUBSAMPLINGS, encoder_identity, round_trip
from app.analysis.region import Region
from app.errors import InvalidParameterError, TooLargeError
from app.evidence.jpeg import read_jpeg
from tests.pictures import (
    PILLOW_SUBSAMPLING,
    encoded,
    noise,
    pillow_residual,
    scene,
)

ALL_LEVELS = np.dstack([np.arange(256, dtype=np.uint8).reshape(16, 16)] * 3)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_residual_is_the_absolute_difference_to_pillows_round_trip(
    quality: int, subsampling: str
) -> None:
    for picture in (scene(61, 83), noise(48, 64)):
        expected = pillow_residual(picture, quality, subsampling)
        found = residual(picture, quality, subsampling)
        assert found.dtype == np.uint8
        assert np.array_equal(found, expected)


@settings(max_examples=50)
@given(
    picture=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(SUBSAMPLINGS),
)
def test_residual_counts_both_signs_without_saturation(
    picture: np.ndarray, quality: int, subsampling: str
) -> None:
    again = round_trip(picture, quality, subsampling)
    difference = np.abs(picture.astype(np.int16) - again.astype(np.int16))
    assert np.array_equal(residual(picture, quality, subsampling), difference)


@settings(max_examples=400)
@given(
    size=st.one_of(
        st.tuples(st.integers(1, 80), st.integers(1, 80)),
        st.tuples(st.integers(1, 3), st.integers(1, 300)),
        st.tuples(st.integers(1, 300), st.integers(1, 3)),
    ),
    ends=st.tuples(*[st.floats(0, 1)] * 4),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    seed=st.integers(0, 99),
)
def test_any_viewport_is_that_part_of_pillows_residual_of_the_whole_picture(
    size: tuple[int, int],
    ends: tuple[float, float, float, float],
    quality: int,
    subsampling: str,
    seed: int,
) -> None:
    picture = (noise if seed % 2 else scene)(*size, seed)
    rows = sorted(round(end * size[0]) for end in ends[:2])
    columns = sorted(round(end * size[1]) for end in ends[2:])
    top, left = min(rows[0], size[0] - 1), min(columns[0], size[1] - 1)
    region = Region(left, top, max(columns[1], left + 1), max(rows[1], top + 1))
    params = ElaParams(quality=quality, subsampling=subsampling)
    found = ELA.run(picture, params, region).measurement
    assert np.array_equal(found, region.of(pillow_residual(picture, quality, subsampling)))


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_viewports_of_a_larger_picture_equal_pillows_residual(subsampling: str) -> None:
    """Some 100 for each subsampling, odd and even, at and off the edges."""
    picture, random = scene(517, 643), np.random.default_rng(3)
    whole = pillow_residual(picture, 87, subsampling)
    for _ in range(100):
        left, top = int(random.integers(0, 643)), int(random.integers(0, 517))
        width, height = random.integers(1, 200, 2).tolist()
        region = Region(left, top, left + width, top + height).inside(Region.whole(picture))
        params = ElaParams(quality=87, subsampling=subsampling)
        assert np.array_equal(ELA.run(picture, params, region).measurement, region.of(whole))


def test_a_value_that_the_save_raises_is_not_lost() -> None:
    """A saturating subtraction would give 0 wherever the saved value is the larger one."""
    picture = noise(32, 32)
    raised = round_trip(picture, 50, "4:2:0") > picture
    assert raised.any()
    assert residual(picture, 50, "4:2:0")[raised].min() >= 1


def test_a_flat_picture_has_no_error_level() -> None:
    assert not residual(np.full((16, 16, 3), 128, np.uint8), 90).any()


def test_residual_defaults_to_4_2_0() -> None:
    picture = noise(32, 32)
    assert np.array_equal(residual(picture, 90), residual(picture, 90, "4:2:0"))
    assert not np.array_equal(residual(picture, 90), residual(picture, 90, "4:4:4"))


def test_a_second_save_at_the_same_quality_leaves_next_to_nothing() -> None:
    """A JPEG saved again at its own quality is the dark map that the help text warns of."""
    saved = round_trip(scene(64, 64), 85, "4:4:4")
    same, other = residual(saved, 85, "4:4:4"), residual(saved, 70, "4:4:4")
    assert same.mean() < 0.1 * other.mean()


def test_a_side_that_jpeg_cannot_store_has_no_error_level() -> None:
    with pytest.raises(TooLargeError, match="no error level"):
        residual(np.zeros((65501, 1, 3), np.uint8), 90)


@given(scale=st.floats(1, 100))
def test_fixed_gain_multiplies_rounds_and_clips(scale: float) -> None:
    expected = [min(max(round(level * scale), 0), 255) for level in range(256)]
    found = amplify(ALL_LEVELS, scale)
    assert found[:, :, 0].ravel().tolist() == expected
    assert found.dtype == np.uint8
    assert np.all(np.diff(found[:, :, 2].ravel().astype(int)) >= 0)


@given(low=st.floats(1, 100), high=st.floats(1, 100))
def test_a_larger_gain_never_darkens(low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert np.all(amplify(ALL_LEVELS, low) <= amplify(ALL_LEVELS, high))


def test_fixed_gain_does_not_depend_on_the_rest_of_the_picture() -> None:
    alone = np.full((8, 8, 3), 3, np.uint8)
    beside_an_outlier = alone.copy()
    beside_an_outlier[0, 0] = 200
    assert np.array_equal(amplify(alone, 15.0)[1:], amplify(beside_an_outlier, 15.0)[1:])


@given(st.integers(1, 255))
def test_auto_gain_takes_the_largest_residual_to_255(largest: int) -> None:
    measured = np.zeros((8, 8, 3), np.uint8)
    measured[2, 3, 1], measured[5, 5, 0] = largest, largest // 2
    picture = amplify(measured, 15.0, auto_gain=True)
    assert picture[2, 3, 1] == 255
    assert picture.max() == 255
    assert abs(int(picture[5, 5, 0]) - 255 * (largest // 2) / largest) <= 0.5
    assert picture[0, 0, 0] == 0


def test_auto_gain_of_an_empty_map_is_black() -> None:
    assert not amplify(np.zeros((8, 8, 3), np.uint8), auto_gain=True).any()


@given(scale=st.floats(1, 100))
def test_legend_names_the_level_from_which_on_the_map_is_white(scale: float) -> None:
    legend = ELA.render(ALL_LEVELS, ElaParams(scale=scale)).legend
    assert legend.low == "0"
    assert legend.note == ""
    assert legend.colours == "grey"
    sign, number, *unit = legend.high.split(" ")
    assert (sign, unit) == ("≥", ["grey", "levels"])
    assert abs(float(number) - 255 / scale) <= 0.005001 * 255 / scale
    white = np.full((1, 1, 3), math.ceil(255 / scale), np.uint8)
    assert amplify(white, scale).min() == 255


def test_legend_of_auto_gain_warns_and_names_the_largest_residual() -> None:
    measured = np.zeros((8, 8, 3), np.uint8)
    measured[1, 1] = 51
    rendering = ELA.render(measured, ElaParams(auto_gain=True))
    assert rendering.legend.high == "≥ 51 grey levels"
    assert rendering.legend.note == "auto gain: not comparable with other images or views"
    assert rendering.picture.max() == 255


def test_a_run_has_map_picture_and_a_record_to_repeat_it() -> None:
    picture = scene(40, 56)
    params = ElaParams(quality=80, subsampling="4:2:2", scale=20.0)
    finding = ELA.run(picture, params)
    expected = pillow_residual(picture, 80, "4:2:2")
    assert np.array_equal(finding.measurement, expected)
    assert np.array_equal(finding.rendering.picture, np.clip(expected * 20, 0, 255))
    assert finding.record == {
        "method": "ela",
        "encoder": encoder_identity().library,
        "encoder_fingerprint": encoder_identity().fingerprint,
        "parameters": {
            "quality": 80,
            "subsampling": "4:2:2",
            "scale": 20.0,
            "channel": "RGB",
            "colours": "grey",
            "auto_gain": False,
        },
    }


def test_only_quality_and_subsampling_need_the_codec_again() -> None:
    needs = [spec.name for spec in ElaParams.specs() if spec.needs_measurement]
    assert needs == ["quality", "subsampling"]


def test_the_default_gain_is_fixed() -> None:
    assert ElaParams().auto_gain is False
    assert ElaParams().values() == {
        "quality": 90,
        "subsampling": "4:2:0",
        "scale": 15.0,
        "channel": "RGB",
        "colours": "grey",
        "auto_gain": False,
    }


def _levels() -> np.ndarray:
    """Every pair of a small and a large difference, one per pixel."""
    return np.random.default_rng(8).integers(0, 30, (40, 50, 3), dtype=np.uint8)


def test_the_largest_channel_is_shown_as_grey() -> None:
    measured = _levels()
    rendering = ELA.render(measured, ElaParams(channel="maximum", scale=7.3))
    expected = np.clip(np.rint(measured.max(axis=2) * 7.3), 0, 255)
    for channel in range(3):
        assert np.array_equal(rendering.picture[:, :, channel], expected)
    assert np.array_equal(rendering.weight, expected)
    assert rendering.legend.high == "≥ 34.9 grey levels"


def test_luma_weighs_the_channels_as_jfif_does() -> None:
    measured = _levels()
    rendering = ELA.render(measured, ElaParams(channel="luma", scale=9.0))
    expected = np.clip(measured @ np.array([0.299, 0.587, 0.114]) * 9.0, 0, 255)
    assert np.abs(rendering.picture[:, :, 1] - expected).max() <= 0.5 + 1e-4
    assert np.array_equal(rendering.weight, rendering.picture[:, :, 0])
    pure = np.zeros((1, 3, 3), np.uint8)
    pure[0, 0, 0] = pure[0, 1, 1] = pure[0, 2, 2] = 10
    shown = ELA.render(pure, ElaParams(channel="luma", scale=10.0)).picture[0, :, 0]
    assert shown.tolist() == [30, 59, 11]


@pytest.mark.parametrize(
    ("colours", "darkest", "brightest"),
    [
        ("grey", (0, 0, 0), (255, 255, 255)),
        ("inferno", (0, 0, 4), (252, 255, 164)),
        ("viridis", (68, 1, 84), (253, 231, 37)),
        ("cividis", (0, 34, 78), (254, 232, 56)),
    ],
)
def test_colours_run_from_the_published_first_to_the_published_last_one(
    colours: str, darkest: tuple[int, ...], brightest: tuple[int, ...]
) -> None:
    measured = np.zeros((4, 4, 3), np.uint8)
    measured[1, 1] = (3, 200, 7)
    rendering = ELA.render(measured, ElaParams(channel="maximum", colours=colours))
    assert np.abs(rendering.picture[0, 0].astype(int) - darkest).max() <= 2
    assert np.abs(rendering.picture[1, 1].astype(int) - brightest).max() <= 2
    assert (rendering.weight[0, 0], rendering.weight[1, 1]) == (0, 255)
    assert rendering.legend.colours == colours


def test_colours_need_one_value_so_with_rgb_they_show_the_largest() -> None:
    measured = _levels()
    coloured = ELA.render(measured, ElaParams(colours="viridis"))
    largest = ELA.render(measured, ElaParams(colours="viridis", channel="maximum"))
    assert np.array_equal(coloured.picture, largest.picture)


def test_the_weight_of_rgb_is_its_largest_channel() -> None:
    measured = _levels()
    rendering = ELA.render(measured, ElaParams(scale=4.0))
    assert np.array_equal(rendering.weight, rendering.picture.max(axis=2))


def test_a_reduced_map_keeps_differences_below_one_level() -> None:
    reduced = np.full((5, 6, 3), 0.4, np.float32)
    for channel in ("RGB", "maximum", "luma"):
        rendering = ELA.render(reduced, ElaParams(channel=channel, scale=25.0))
        assert set(rendering.picture.ravel().tolist()) == {10}


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_as_in_file_takes_the_files_own_subsampling(subsampling: str) -> None:
    data = encoded(scene(40, 40), "JPEG", subsampling=PILLOW_SUBSAMPLING[subsampling])
    params = ElaParams(subsampling=AS_IN_FILE, quality=77)
    assert ELA.resolve(params, read_jpeg(data)) == ElaParams(subsampling=subsampling, quality=77)


def test_as_in_file_is_4_2_0_for_what_no_save_can_use() -> None:
    params = ElaParams(subsampling=AS_IN_FILE)
    grey = read_jpeg(encoded(scene(40, 40)[:, :, 0], "JPEG"))
    assert grey.subsampling not in SUBSAMPLINGS
    for jpeg in (None, grey):
        assert ELA.resolve(params, jpeg).subsampling == "4:2:0"


def test_a_chosen_subsampling_stays_whatever_the_file_has() -> None:
    jpeg = read_jpeg(encoded(scene(40, 40), "JPEG", subsampling=0))
    params = ElaParams(subsampling="4:2:2")
    assert ELA.resolve(params, jpeg) == params


def test_an_unresolved_choice_is_refused_and_not_guessed() -> None:
    with pytest.raises(InvalidParameterError, match="as in file"):
        ELA.run(scene(20, 20), ElaParams(subsampling=AS_IN_FILE))
