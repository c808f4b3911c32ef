import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from app.analysis.localisation import (
    MOST_REGIONS,
    Correspondence,
    FoundRegion,
    Localisation,
    as_json,
    find_regions,
    heat_rendering,
    overlay,
    region_of,
)
from app.analysis.region import Region
from tests.pictures import scene

FINER = 8
"""Pillow draws the edges of polygons as well; on a fine grid that hardly matters."""


def _blobs(rows: int, columns: int, seed: int) -> NDArray[np.uint8]:
    """Smooth random shapes, some with holes: 0 or 255."""
    random = np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)
    blurred = np.array(Image.fromarray(random).filter(ImageFilter.GaussianBlur(4)))
    return np.where(blurred > np.median(blurred) + 1, 255, 0).astype(np.uint8)


def _drawn(regions: tuple[FoundRegion, ...], width: int, height: int) -> NDArray[np.bool_]:
    """Which pixels' middles lie within an odd number of polygons, by Pillow."""
    size = width * FINER, height * FINER
    filled = Image.new("1", size)
    for region in regions:
        for polygon in region.polygons:
            one = Image.new("1", size)
            corners = [(x * FINER - 0.5, y * FINER - 0.5) for x, y in polygon]
            ImageDraw.Draw(one).polygon(corners, fill=1)
            filled = ImageChops.logical_xor(filled, one)
    return np.array(filled)[FINER // 2 :: FINER, FINER // 2 :: FINER]


def _in_picture(mask: NDArray[Any], width: int, height: int) -> NDArray[np.bool_]:
    """The cell of each pixel, looked up one by one."""
    rows, columns = mask.shape
    return np.array(
        [[mask[y * rows // height, x * columns // width] > 0 for x in range(width)]
         for y in range(height)]
    )  # fmt: skip


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(90, 70), (180, 140), (233, 151)])
def test_polygons_and_areas_are_those_of_the_map(seed: int, size: tuple[int, int]) -> None:
    heat = _blobs(70, 90, seed)
    regions = find_regions(heat, *size, threshold=0.5)
    expected = _in_picture(heat, *size)
    assert sum(region.area for region in regions) == np.count_nonzero(expected)
    assert _iou(_drawn(regions, *size), expected) > 0.9
    for region in regions:
        assert region.share == region.area / (size[0] * size[1])
        xs, ys = zip(*(corner for polygon in region.polygons for corner in polygon), strict=True)
        assert min(xs) >= region.box.left and max(xs) <= region.box.right
        assert min(ys) >= region.box.top and max(ys) <= region.box.bottom


def test_rectangles_with_a_hole_keep_their_corners_and_areas() -> None:
    heat = np.zeros((60, 80), dtype=np.uint8)
    heat[10:50, 20:70] = 204
    heat[20:30, 30:60] = 0
    heat[0:5, 0:5] = 255
    large, small = find_regions(heat, 80, 60, 0.5)
    assert (large.area, small.area) == (40 * 50 - 10 * 30, 25)
    assert (large.box, small.box) == (Region(20, 10, 70, 50), Region(0, 0, 5, 5))
    assert large.score == pytest.approx(0.8) and small.score == 1.0
    assert {frozenset(polygon) for polygon in large.polygons} == {
        frozenset({(20, 10), (70, 10), (70, 50), (20, 50)}),
        frozenset({(30, 20), (60, 20), (60, 30), (30, 30)}),
    }
    assert np.array_equal(_drawn((large, small), 80, 60), heat > 0)


def test_regions_are_sorted_by_area_bounded_and_at_least_of_a_size() -> None:
    heat = np.zeros((64, 64), dtype=np.uint8)
    heat[::4, ::4] = 200
    heat[0, 1] = heat[4, 1] = heat[4, 2] = 200
    regions = find_regions(heat, 64, 64, 0.5)
    assert len(regions) == MOST_REGIONS < 256
    areas = [region.area for region in regions]
    assert areas == sorted(areas, reverse=True)
    assert areas[:3] == [3, 2, 1]
    assert [r.area for r in find_regions(heat, 64, 64, 0.5, minimum_area=2)] == [3, 2]


def test_a_line_of_pixels_and_corners_that_touch_are_regions() -> None:
    heat = np.zeros((6, 9), dtype=np.uint8)
    heat[2, 1:8] = 255
    heat[3, 8] = 255
    (region,) = find_regions(heat, 9, 6, 1.0)
    assert region.area == 8
    assert all(len(polygon) > 2 for polygon in region.polygons)
    assert np.array_equal(_drawn((region,), 9, 6), heat > 0)


def test_a_threshold_of_zero_takes_no_cell_without_evidence() -> None:
    heat = np.zeros((5, 5), dtype=np.uint8)
    assert find_regions(heat, 5, 5, 0.0) == ()
    heat[2, 2] = 1
    assert [region.area for region in find_regions(heat, 5, 5, 0.0)] == [1]


def test_one_region_may_have_several_parts() -> None:
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[2:5, 2:5] = 1
    mask[10:14, 20:25] = 1
    region = region_of(mask, np.full((20, 30), 51, dtype=np.uint8), 30, 20)
    assert region is not None
    assert (region.area, len(region.polygons)) == (9 + 20, 2)
    assert region.box == Region(2, 2, 25, 14)
    assert region.score == pytest.approx(0.2)
    assert region_of(np.zeros_like(mask), mask, 30, 20) is None


def _localisation() -> Localisation:
    heat = np.zeros((60, 80), dtype=np.uint8)
    heat[10:20, 10:25] = heat[40:50, 50:65] = 230
    pair = Correspondence(
        source=0,
        target=1,
        transform=((1.0, -0.0, 40.0), (0.0, 1.0, 30.123456789)),
        degrees=-0.0,
        scale=1.0,
        mirrored=False,
        shift=(40.0, 30.0),
        matches=12,
        correlation=0.9,
    )
    regions = find_regions(heat, 80, 60, 0.75)
    return Localisation(heat, 80, 60, 0.75, regions, (pair,), 0.9, {"method": "by hand"})


def test_json_has_everything_but_the_map_and_only_finite_numbers() -> None:
    localisation = _localisation()
    text = json.dumps(as_json(localisation), allow_nan=False)
    assert text == json.dumps(as_json(_localisation()), allow_nan=False)
    assert "-0.0" not in text
    read = json.loads(text)
    assert (read["width"], read["height"], read["threshold"]) == (80, 60, 0.75)
    assert read["localisation"] == 1 and read["record"] == {"method": "by hand"}
    assert [region["area"] for region in read["regions"]] == [150, 150]
    assert read["regions"][0]["box"] == [10, 10, 25, 20]
    assert read["pairs"][0]["transform"] == [[1.0, 0.0, 40.0], [0.0, 1.0, 30.123457]]
    assert set(read["pairs"][0]) == {field.name for field in dataclasses.fields(Correspondence)}


def test_an_overlay_leaves_the_photograph_where_there_is_no_evidence() -> None:
    localisation, pixels = _localisation(), scene(60, 80)
    before = pixels.copy()
    picture = overlay(pixels, localisation)
    assert np.array_equal(pixels, before)
    assert picture.shape == pixels.shape and picture.dtype == np.uint8
    # Beyond the regions, their outlines and the line between them.
    assert np.array_equal(picture[:, 70:], pixels[:, 70:])
    assert np.array_equal(picture[30:, :30], pixels[30:, :30])
    assert not np.array_equal(picture[12:18, 12:15], pixels[12:18, 12:15])


def test_a_coarse_map_is_shown_at_the_size_of_the_picture() -> None:
    heat = np.zeros((6, 8), dtype=np.uint8)
    heat[2, 3] = 255
    rendering = heat_rendering(Localisation(heat, 80, 60, 0.5))
    assert rendering.picture.shape == (60, 80, 3)
    weight = rendering.weight
    assert weight[25, 35] == weight.max() and weight[5, 5] == 0
