import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.ela import residual
from app.detection.card import Preparation
from app.detection.prepare import prepare, reduce_area_mean, reduce_to
from app.errors import TooLargeError
from tests.models import card
from tests.pictures import block_means, noise, pillow_residual, scene


def _preparation(*planes: str, height: int = 8, width: int = 8, **changes: object) -> Preparation:
    changed = {"planes": planes, "height": height, "width": width, **changes}
    return card(preparation=changed).preparation


@pytest.mark.parametrize(
    ("planes", "channels"), [(("rgb",), 3), (("ela",), 3), (("ela", "rgb"), 6)]
)
def test_input_has_the_shape_that_the_card_describes(
    planes: tuple[str, ...], channels: int
) -> None:
    made = prepare(scene(61, 83), _preparation(*planes, height=16, width=24))
    assert (made.shape, made.dtype) == ((channels, 16, 24), np.float32)
    assert made.flags.c_contiguous


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 9))
def test_reduction_by_whole_factors_is_the_mean_of_blocks(
    rows: int, columns: int, seed: int
) -> None:
    picture = noise(8 * rows, 12 * columns, seed)
    made = reduce_area_mean(picture, 8, 12)
    assert np.allclose(made, block_means(picture, 8, 12), atol=1e-3)


@given(height=st.integers(8, 90), width=st.integers(8, 90), seed=st.integers(0, 9))
def test_reduction_of_any_size_keeps_the_mean_of_the_picture(
    height: int, width: int, seed: int
) -> None:
    picture = noise(height, width, seed)
    made = reduce_area_mean(picture, 8, 8)
    assert np.allclose(made.mean(axis=(1, 2)), picture.mean(axis=(0, 1)), atol=0.02)


def test_a_short_side_is_enlarged_while_the_long_one_is_still_averaged() -> None:
    """Every eighth column is 80: sampling instead of averaging would give 80 or 0, not 10."""
    picture = np.zeros((4, 64, 3), np.uint8)
    picture[:, ::8] = 80
    assert np.allclose(reduce_area_mean(picture, 8, 8), 10)


def test_rgb_plane_is_red_green_blue_in_grey_levels() -> None:
    made = prepare(np.full((32, 32, 3), (250, 120, 7), np.uint8), _preparation("rgb"))
    assert np.allclose(made, np.array([250, 120, 7], np.float32).reshape(3, 1, 1))


@pytest.mark.parametrize(("quality", "subsampling"), [(90, "4:2:0"), (75, "4:4:4")])
def test_ela_plane_is_the_block_mean_of_the_full_resolution_residual(
    quality: int, subsampling: str
) -> None:
    picture = scene(96, 128)
    made = prepare(picture, _preparation("ela", quality=quality, subsampling=subsampling))
    expected = block_means(pillow_residual(picture, quality, subsampling), 8, 8)
    assert np.allclose(made, expected, atol=1e-3)


def test_ela_does_not_run_on_the_reduced_picture() -> None:
    picture = scene(96, 128)
    reduced = np.rint(block_means(picture, 8, 8)).astype(np.uint8).transpose(1, 2, 0)
    after = residual(np.ascontiguousarray(reduced), 90).transpose(2, 0, 1)
    made = prepare(picture, _preparation("ela"))
    assert np.abs(made - after).mean() > 0.5


def test_a_residual_below_one_grey_level_is_kept() -> None:
    """One differing value in a block of 256: 8-bit rounding would make it 0."""
    picture = np.full((128, 128, 3), 128, np.uint8)
    picture[70, 70] = (131, 131, 131)
    made = prepare(picture, _preparation("ela", quality=95))
    expected = block_means(pillow_residual(picture, 95, "4:2:0"), 8, 8)
    assert 0 < expected.max() < 0.5
    assert np.allclose(made, expected, atol=1e-5)
    assert 0 < made.max() < 0.5


def test_planes_stand_in_the_order_of_the_card() -> None:
    picture = scene(64, 64)
    ela, rgb = prepare(picture, _preparation("ela")), prepare(picture, _preparation("rgb"))
    assert not np.allclose(ela, rgb)
    both = prepare(picture, _preparation("ela", "rgb"))
    assert np.array_equal(both[:3], ela)
    assert np.array_equal(both[3:], rgb)
    turned = prepare(picture, _preparation("rgb", "ela"))
    assert np.array_equal(turned[:3], rgb)
    assert np.array_equal(turned[3:], ela)


def test_preparation_leaves_the_pixels_alone() -> None:
    picture = scene(40, 40)
    kept = picture.copy()
    prepare(picture, _preparation("ela", "rgb"))
    assert np.array_equal(picture, kept)


def test_a_picture_without_a_round_trip_cannot_be_prepared() -> None:
    with pytest.raises(TooLargeError):
        prepare(np.zeros((65501, 1, 3), np.uint8), _preparation("ela"))


def test_large_pictures_are_reduced_to_a_bound_and_others_are_the_same_object() -> None:
    pixels = noise(300, 500)
    assert reduce_to(pixels, 150_000) is pixels
    smaller = reduce_to(pixels, 10_000)
    assert abs(smaller.shape[0] * smaller.shape[1] - 10_000) < 200
    assert np.allclose(smaller.mean(axis=(0, 1)), pixels.mean(axis=(0, 1)), atol=1)
    assert reduce_to(noise(1, 5000), 100).shape[0] == 1
