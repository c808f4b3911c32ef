import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis import recompress
from app.analysis.ela import ELA, ElaParams
from app.analysis.recompress import (
    SUBSAMPLINGS,
    encoder_identity,
    round_trip,
    round_trip_region,
)
from app.analysis.region import Region
from app.analysis.survey import measure_banded
from app.errors import InvalidParameterError, TooLargeError
from tests.pictures import noise, pillow_round_trip, scene


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("quality", [1, 30, 50, 75, 90, 95, 98, 100])
@pytest.mark.parametrize("size", [(64, 96), (61, 83)], ids=["whole MCUs", "odd size"])
def test_round_trip_is_bit_identical_to_pillows(
    size: tuple[int, int], quality: int, subsampling: str
) -> None:
    for picture in (scene(*size), noise(*size)):
        expected = pillow_round_trip(picture, quality, subsampling)
        assert np.array_equal(round_trip(picture, quality, subsampling), expected)


@settings(max_examples=80)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    seed=st.integers(0, 9),
)
def test_round_trip_of_any_small_size_is_bit_identical_to_pillows(
    height: int, width: int, quality: int, subsampling: str, seed: int
) -> None:
    picture = noise(height, width, seed)
    expected = pillow_round_trip(picture, quality, subsampling)
    assert np.array_equal(round_trip(picture, quality, subsampling), expected)


@settings(max_examples=100)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(SUBSAMPLINGS),
)
def test_round_trip_of_a_region_is_that_part_of_pillows_whole_one(
    height: int,
    width: int,
    corner: tuple[float, float],
    size: tuple[int, int],
    quality: int,
    subsampling: str,
) -> None:
    picture = noise(height, width)
    top, left = round(corner[0] * (height - 1)), round(corner[1] * (width - 1))
    region = Region(left, top, min(left + size[0], width), min(top + size[1], height))
    found = round_trip_region(picture, quality, subsampling, region)
    assert np.array_equal(found, region.of(pillow_round_trip(picture, quality, subsampling)))


@pytest.mark.parametrize("subsampling", ["as in file", "4:1:1", ""])
def test_a_subsampling_that_no_save_can_use_is_one_sentence(subsampling: str) -> None:
    picture = noise(16, 16)
    with pytest.raises(InvalidParameterError) as caught:
        round_trip(picture, 90, subsampling)
    assert caught.value.sentence == f"A save cannot use the subsampling {subsampling}."
    with pytest.raises(InvalidParameterError):
        round_trip_region(picture, 90, subsampling, Region(0, 0, 4, 4))


def test_a_part_of_a_picture_that_jpeg_cannot_store_is_refused_like_the_whole() -> None:
    picture = np.zeros((65_520, 16, 3), np.uint8)
    for region in (Region(0, 0, 16, 65_520), Region(0, 0, 16, 40_000), Region(4, 4, 8, 8)):
        with pytest.raises(TooLargeError, match="A side of 65520 pixels cannot be saved as JPEG"):
            round_trip_region(picture, 90, "4:2:0", region)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_does_not_decide_whether_a_picture_is_refused(threads: int) -> None:
    picture = np.zeros((65_520, 16, 3), np.uint8)
    measure = ELA.measuring(ElaParams())
    with pytest.raises(TooLargeError, match="A side of 65520 pixels"):
        measure_banded(measure, picture, Region.whole(picture), threads=threads)


def test_round_trip_leaves_its_input_alone_and_keeps_shape_and_type() -> None:
    picture = noise(33, 17)
    kept = picture.copy()
    again = round_trip(picture, 80, "4:2:0")
    assert np.array_equal(picture, kept)
    assert (again.shape, again.dtype) == (picture.shape, np.uint8)


def test_round_trip_keeps_the_order_of_the_channels() -> None:
    red = np.full((16, 16, 3), (250, 10, 10), np.uint8)
    assert np.abs(round_trip(red, 95, "4:4:4").astype(int) - (250, 10, 10)).max() <= 3


def test_round_trip_of_a_view_is_that_of_its_copy() -> None:
    view = noise(40, 40)[3:35:2, ::-1]
    assert np.array_equal(round_trip(view, 90, "4:2:0"), round_trip(view.copy(), 90, "4:2:0"))


def test_a_reader_that_gives_nothing_back_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenCV's does when it gets no memory, without saying so."""
    monkeypatch.setattr(recompress.cv2, "imdecode", lambda *_: None)
    with pytest.raises(TooLargeError, match="may not fit into memory"):
        round_trip(noise(16, 16), 90, "4:2:0")


@pytest.mark.parametrize("shape", [(1, 65501, 3), (65501, 1, 3)])
def test_a_side_that_jpeg_cannot_store_is_too_large(shape: tuple[int, int, int]) -> None:
    with pytest.raises(TooLargeError, match="A side of 65501 pixels cannot be saved as JPEG"):
        round_trip(np.zeros(shape, np.uint8), 90, "4:2:0")


def test_the_longest_side_of_jpeg_is_allowed() -> None:
    picture = np.full((1, 65500, 3), 128, np.uint8)
    assert np.array_equal(round_trip(picture, 90, "4:4:4"), picture)


def test_fingerprint_is_the_same_in_another_process() -> None:
    code = "from app.analysis.recompress import encoder_identity as e; print(e().fingerprint)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == encoder_identity().fingerprint


def test_fingerprint_changes_when_one_value_of_the_round_trip_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def another_encoder(*arguments: object) -> np.ndarray:
        pixels = round_trip(*arguments).copy()  # type: ignore[arg-type]
        pixels[5, 5, 1] ^= 1
        return pixels

    before = encoder_identity()
    monkeypatch.setattr(recompress, "round_trip", another_encoder)
    # The function below its cache: the cached identity of this process must stay.
    changed = encoder_identity.__wrapped__()
    assert changed.fingerprint != before.fingerprint
    assert changed.library == before.library


def test_fingerprint_is_about_pixels_and_not_about_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pillow's encoder gives the same pixels, hence it has the same fingerprint."""
    monkeypatch.setattr(recompress, "round_trip", pillow_round_trip)
    assert encoder_identity.__wrapped__().fingerprint == encoder_identity().fingerprint


def test_identity_names_opencv_and_its_codec() -> None:
    identity = encoder_identity()
    assert identity.library.startswith("OpenCV ")
    assert "jpeg" in identity.library
    assert len(identity.fingerprint) == 16
    assert set(identity.fingerprint) <= set("0123456789abcdef")
