"""Embedded thumbnails against pictures: true, cut, framed, turned, and of another picture."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.evidence.metadata import read_metadata
from app.evidence.thumbnail import Agreement, ThumbnailComparison, compare_thumbnail
from tests.exif_files import jpeg_with_thumbnail, reduced, texture
from tests.pictures import in_memory

PICTURE = texture(600, 900, 1)
TRUE = reduced(PICTURE, 160, 107)


def compared(thumbnail: NDArray[np.uint8], picture: NDArray[np.uint8]) -> ThumbnailComparison:
    """As the program does it: the thumbnail out of a JPEG file with all its losses."""
    evidence = in_memory(jpeg_with_thumbnail(picture, thumbnail))
    found = read_metadata(evidence).thumbnail
    assert found is not None
    return compare_thumbnail(found.pixels, decode(evidence).pixels)


def framed(content: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    return np.pad(content, ((rows, rows), (columns, columns), (0, 0)))


def test_true_thumbnail_is_consistent() -> None:
    result = compared(TRUE, PICTURE)
    assert result.agreement is Agreement.CONSISTENT
    assert result.bars == (0, 0, 0, 0)
    assert result.correlation is not None
    assert result.correlation > 0.99
    assert result.aspect_difference == pytest.approx(160 / 107 / 1.5 - 1)
    assert result.reduced is not None
    assert result.reduced.shape == TRUE.shape
    assert np.abs(result.reduced.astype(int) - TRUE).mean() < 3


def test_difference_is_the_mean_of_absolute_luma_differences() -> None:
    brighter = (TRUE // 2 + 60).astype(np.uint8)
    ours, theirs = (plane @ [0.299, 0.587, 0.114] for plane in (brighter, TRUE))
    result = compare_thumbnail(brighter, PICTURE)
    assert result.difference == pytest.approx(np.abs(ours - theirs).mean(), abs=0.5)
    assert result.agreement is Agreement.CONSISTENT


@pytest.mark.parametrize(("rows", "columns"), [(8, 0), (0, 20)])
def test_black_bars_are_recognised_and_left_out(rows: int, columns: int) -> None:
    result = compared(framed(TRUE, rows, columns), PICTURE)
    assert result.agreement is Agreement.CONSISTENT
    assert result.bars == (rows, rows, columns, columns)
    assert "black bars" in result.sentence


def test_dark_edges_of_the_picture_itself_are_no_bars() -> None:
    dark = PICTURE.copy()
    dark[:60] = dark[-60:] = 3
    result = compared(reduced(dark, 160, 107), dark)
    assert result.agreement is Agreement.CONSISTENT
    assert result.bars == (0, 0, 0, 0)


def test_thumbnail_of_the_middle_is_consistent_with_the_middle() -> None:
    result = compared(reduced(PICTURE[:, 50:850], 160, 120), PICTURE)
    assert result.agreement is Agreement.CONSISTENT
    assert "only the middle" in result.sentence
    assert result.aspect_difference == pytest.approx(160 / 120 / 1.5 - 1)


def test_picture_cropped_after_its_thumbnail_was_made_differs() -> None:
    result = compared(TRUE, PICTURE[150:500, 300:825])
    assert result.agreement is Agreement.DIFFERENT
    assert "changed after the thumbnail was made" in result.sentence


def test_thumbnail_of_another_picture_differs() -> None:
    result = compared(reduced(texture(600, 900, 2), 160, 107), PICTURE)
    assert result.agreement is Agreement.DIFFERENT
    assert result.correlation is not None
    assert result.correlation < 0.5


def test_slight_crop_is_inconclusive() -> None:
    result = compared(TRUE, PICTURE[24:576, 36:864])
    assert result.agreement is Agreement.INCONCLUSIVE


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_picture_differs_and_the_turn_is_named(quarters: int) -> None:
    turned = np.ascontiguousarray(np.rot90(PICTURE, quarters))
    result = compared(framed(TRUE, 6, 0), turned)
    assert result.agreement is Agreement.DIFFERENT
    assert f"turned by {90 * quarters}° anticlockwise" in result.sentence


@pytest.mark.parametrize(
    ("thumbnail", "picture", "reason"),
    [
        (np.full((107, 160, 3), 90, np.uint8), PICTURE, "hardly varies in brightness"),
        (TRUE, np.zeros((600, 900, 3), np.uint8), "hardly varies in brightness"),
        (np.zeros((120, 160, 3), np.uint8), PICTURE, "hardly varies in brightness"),
        (TRUE[:15], PICTURE, "below 16 pixels"),
        (TRUE, PICTURE[:, :1], "below 16 pixels"),
    ],
    ids=["flat thumbnail", "flat picture", "black thumbnail", "small", "narrow"],
)
def test_what_cannot_be_compared_says_why(
    thumbnail: NDArray[np.uint8], picture: NDArray[np.uint8], reason: str
) -> None:
    result = compare_thumbnail(thumbnail, picture)
    assert result.agreement is Agreement.NOT_COMPARED
    assert reason in result.sentence
    assert (result.correlation, result.reduced) == (None, None)


@pytest.mark.parametrize("shape", [(16, 30_000), (70_000, 16), (20, 20)])
def test_extreme_shapes_are_compared(shape: tuple[int, int]) -> None:
    picture = texture(*shape, 2)
    assert compare_thumbnail(TRUE, picture).agreement is Agreement.DIFFERENT


@pytest.mark.parametrize(
    ("thumbnail", "shape"),
    [((16, 1000), (1000, 16)), ((1000, 16), (16, 1000)), ((250_000, 16), (16, 600))],
)
def test_extreme_shapes_across_each_other_are_compared(
    thumbnail: tuple[int, int], shape: tuple[int, int]
) -> None:
    result = compare_thumbnail(texture(*thumbnail, 1), texture(*shape, 2))
    assert result.agreement is Agreement.DIFFERENT


def test_a_fine_pattern_is_not_said_to_be_of_a_single_brightness() -> None:
    rows, columns = np.mgrid[0:600, 0:900]
    pattern = np.repeat(((rows // 2 + columns // 2) % 2 * 255)[:, :, None], 3, 2).astype(np.uint8)
    result = compare_thumbnail(TRUE, pattern)
    assert result.agreement is Agreement.NOT_COMPARED
    assert "at this size one of the two hardly varies" in result.sentence


def test_a_mirrored_gradient_is_not_called_turned() -> None:
    ramp = np.linspace(0, 255, 900).astype(np.uint8)
    picture = np.repeat(np.repeat(ramp[None, :, None], 600, 0), 3, 2)
    result = compare_thumbnail(reduced(np.ascontiguousarray(picture[:, ::-1]), 160, 107), picture)
    assert result.agreement is Agreement.DIFFERENT
    assert "turned by" not in result.sentence


def test_a_turn_into_another_shape_is_none() -> None:
    """The turned thumbnail squeezed into the upright shape has the content but not the sides."""
    turned = np.ascontiguousarray(np.rot90(PICTURE))
    result = compare_thumbnail(reduced(turned, 160, 107), PICTURE)
    assert result.agreement is Agreement.DIFFERENT
    assert "turned by" not in result.sentence


@pytest.mark.data
def test_camera_files_do_not_differ_unless_they_were_turned(shared_data: Path) -> None:
    results = {}
    for path in sorted((shared_data / "camera").glob("*.[jJ][pP][gG]")):
        evidence = open_evidence(path)
        if (thumbnail := read_metadata(evidence).thumbnail) is not None:
            results[path.name] = compare_thumbnail(thumbnail.pixels, decode(evidence).pixels)
    assert len(results) > 40
    different = {
        name: found.sentence
        for name, found in results.items()
        if found.agreement is Agreement.DIFFERENT
    }
    assert all("agrees with it once turned" in sentence for sentence in different.values())
    consistent = sum(found.agreement is Agreement.CONSISTENT for found in results.values())
    assert consistent >= len(results) - 4
