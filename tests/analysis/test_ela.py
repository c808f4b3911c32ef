import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.analysis.ela import ELA, ElaParams, amplify, residual
from app.analysis.recompress import SUBSAMPLINGS, encoder_identity, round_trip
from app.errors import TooLargeError
from tests.pictures import noise, pillow_residual, scene

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
    sign, number, *unit = legend.high.split(" ")
    assert (sign, unit) == ("≥", ["grey", "levels"])
    assert abs(float(number) - 255 / scale) <= 0.0501
    white = np.full((1, 1, 3), math.ceil(255 / scale), np.uint8)
    assert amplify(white, scale).min() == 255


def test_legend_of_auto_gain_warns_and_names_the_largest_residual() -> None:
    measured = np.zeros((8, 8, 3), np.uint8)
    measured[1, 1] = 51
    rendering = ELA.render(measured, ElaParams(auto_gain=True))
    assert rendering.legend.high == "≥ 51.0 grey levels"
    assert rendering.legend.note == "auto gain: not comparable with other images"
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
            "auto_gain": False,
        },
    }


def test_only_quality_and_subsampling_need_the_codec_again() -> None:
    needs = {spec.name: spec.needs_measurement for spec in ElaParams.specs()}
    assert needs == {"quality": True, "subsampling": True, "scale": False, "auto_gain": False}


def test_the_default_gain_is_fixed() -> None:
    assert ElaParams().auto_gain is False
    assert ElaParams().values() == {
        "quality": 90,
        "subsampling": "4:2:0",
        "scale": 15.0,
        "auto_gain": False,
    }
