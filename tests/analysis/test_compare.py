"""Two regions compared: the numbers against numpy and by hand, the refusals, the error rate."""

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.analysis import region_statistics
from app.analysis.compare import Comparison, compare, compare_regions
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.region_statistics import RegionStatistics, statistics
from app.analysis.region_table import as_text
from app.analysis.survey import Measure
from app.errors import CancelledError, InvalidParameterError
from tests.pictures import noise, pillow_residual, scene

DATA = Path(__file__).parents[3] / "shared" / "data"
LUMA = np.array([0.299, 0.587, 0.114])


def given(residual: NDArray[np.uint8]) -> Measure:
    """A measurement that was made already."""
    return lambda _, region: region.of(residual)


def grey(luma: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A picture without colour, so that its luma is known."""
    return np.repeat(np.clip(np.rint(luma), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def rough(height: int, width: int, amplitude: float, seed: int, level: float = 128) -> NDArray:
    return np.random.default_rng(seed).normal(level, amplitude, (height, width))


# Numbers --------------------------------------------------------------------------------------


def test_percentiles_are_those_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Several bands, an odd corner, and a number of pixels between which percentiles fall.
    monkeypatch.setattr(region_statistics, "_BAND_PIXELS", 3000)
    residual = (noise(140, 90, 1) // np.array([1, 3, 9])).astype(np.uint8)
    region = Region(5, 3, 82, 122)
    measured = statistics(noise(140, 90, 2), given(residual), region)
    inside = residual[3:122, 5:82].astype(np.float64).reshape(-1, 3)
    for spread, values in (
        *zip(measured.channels, inside.T, strict=True),
        (measured.luma, inside @ LUMA),
    ):
        expected = np.percentile(values, [5, 25, 50, 75, 95])
        got = [spread.p5, spread.p25, spread.median, spread.p75, spread.p95]
        assert np.allclose(got, expected, atol=1e-9)
        assert spread.mean == pytest.approx(values.mean())
    assert measured.measured == region.area == len(inside)


def test_sobel_edges_are_counted_as_by_hand() -> None:
    luma = np.zeros((16, 16))
    luma[:, 8:] = 60
    luma[12:, :] += 9
    pixels = grey(luma)
    padded = np.pad(luma, 1, mode="reflect")
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    expected = 0
    # Its left column is on an edge because of the neighbours outside.
    region = Region(8, 3, 15, 14)
    for y in range(region.top, region.bottom):
        for x in range(region.left, region.right):
            around = padded[y : y + 3, x : x + 3]
            slope = np.hypot((around * across).sum(), (around * across.T).sum()) / 8
            expected += slope > 8
    assert 0 < expected < region.area
    measured = statistics(pixels, given(np.zeros_like(pixels)), region)
    assert measured.edges == pytest.approx(expected / region.area)


def test_texture_brightness_and_clipped_are_those_of_numpy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(region_statistics, "_BAND_PIXELS", 3000)
    pixels = grey(rough(100, 120, 50, 3))
    pixels[40, 20:30, 0] = 0
    pixels[41, 20:40, 2] = 255
    region = Region(7, 9, 115, 93)
    measured = statistics(pixels, given(np.zeros_like(pixels)), region)
    luma = np.rint(pixels @ LUMA)
    # Complete blocks of the grid from the picture's corner: columns 8 to 112, rows 16 to 88.
    blocks = [luma[y : y + 8, x : x + 8].std() for y in range(16, 88, 8) for x in range(8, 112, 8)]
    assert measured.texture == pytest.approx(np.mean(blocks))
    assert measured.blocks.sum() == len(blocks)
    assert measured.brightness == pytest.approx(luma[9:93, 7:115].mean())
    inside = pixels[9:93, 7:115]
    clipped = ((inside == 0) | (inside == 255)).any(axis=2)
    assert clipped.sum() >= 30 and measured.clipped == pytest.approx(clipped.mean())


def test_a_large_region_is_measured_in_even_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, residual = scene(1024, 512, 4), (noise(1024, 512, 5) // 8).astype(np.uint8)
    asked: list[Region] = []

    def measure(_: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        asked.append(region)
        return region.of(residual)

    whole = statistics(pixels, measure, Region.whole(pixels))
    monkeypatch.setattr(region_statistics, "_MOST_PIXELS", 512 * 1024 // 4)
    monkeypatch.setattr(region_statistics, "_BAND_ROWS", 32)
    asked.clear()
    some = statistics(pixels, measure, Region.whole(pixels))
    assert [band.top for band in asked] == list(range(32, 1024, 128))
    assert some.sampled and not whole.sampled
    assert some.measured == pytest.approx(whole.measured / 4)
    assert some.luma.median == pytest.approx(whole.luma.median, rel=0.02)
    assert (some.blocks.sum(axis=1) > 0).all()


def test_stop_ends_it_between_bands() -> None:
    stop = threading.Event()
    calls: list[Region] = []

    def measure(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        calls.append(region)
        stop.set()
        return region.of(pixels)

    with pytest.raises(CancelledError):
        statistics(noise(512, 64), measure, Region(0, 0, 64, 512), stop)
    assert len(calls) == 1


def test_other_measurements_are_refused() -> None:
    pixels = noise(64, 64)
    other = dataclasses.replace(ELA, id="other", title="Another one")
    region = Region(0, 0, 64, 64)
    with pytest.raises(InvalidParameterError, match="Another one has none"):
        compare_regions(pixels, other, ElaParams(), region, None)
    with pytest.raises(InvalidParameterError, match="inside the picture"):
        compare_regions(pixels, ELA, ElaParams(), region, Region(1, 0, 65, 64))
    with pytest.raises(InvalidParameterError):
        statistics(pixels, lambda p, r: r.of(p).astype(np.uint16), region)


# Comparing ------------------------------------------------------------------------------------

LEFT, RIGHT = Region(0, 0, 128, 128), Region(128, 0, 256, 128)


def compared(
    pixels: NDArray[np.uint8],
    residual: NDArray[np.uint8],
    a: Region = LEFT,
    b: Region = RIGHT,
) -> Comparison:
    return compare(statistics(pixels, given(residual), a), statistics(pixels, given(residual), b))


def even() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The same texture and residual left and right, 256 x 128."""
    return grey(rough(128, 256, 10, 6)), (noise(128, 256, 7) // 32).astype(np.uint8)


def test_a_known_ratio_is_found_and_put_into_words() -> None:
    pixels, residual = even()
    residual[:, 128:] *= 3
    result = compared(pixels, residual)
    assert result.comparable and result.stands_out
    assert result.ratio == pytest.approx(3, rel=0.03)
    assert result.interval is not None
    assert result.interval[0] < result.ratio < result.interval[1]
    text = " ".join(result.sentences)
    assert "Consistent with another save history, and also with" in text
    luma = residual @ LUMA
    a, b = np.median(luma[:, :128]), np.median(luma[:, 128:])
    assert f"{a:.2f} in A, {b:.2f} in B" in text
    assert compared(pixels, residual) == result
    swapped = compared(pixels, residual, RIGHT, LEFT)
    assert swapped.stands_out and swapped.ratio == pytest.approx(1 / result.ratio)


def test_alike_parts_allow_no_conclusion() -> None:
    result = compared(*even())
    assert result.comparable and not result.stands_out
    assert result.ratio == pytest.approx(1, rel=0.03)
    assert "does not show that both have the same history" in result.sentences[-1]


def test_texture_is_held_against_like_texture() -> None:
    # Residual follows texture alone: 1 in flat blocks, 4 in rough ones. A is one third rough, B
    # two thirds: the medians differ four times, blocks of like texture not at all.
    is_rough = np.zeros((128, 256), dtype=bool)
    is_rough[:40, :128] = is_rough[:80, 128:] = True
    luma = np.where(is_rough, rough(128, 256, 10, 8), rough(128, 256, 6.9, 9))
    residual = np.repeat(np.where(is_rough, 4, 1).astype(np.uint8)[..., None], 3, axis=2)
    first, second = (statistics(grey(luma), given(residual), r) for r in (LEFT, RIGHT))
    assert second.luma.median == 4 * first.luma.median
    result = compare(first, second)
    assert result.comparable and not result.stands_out
    assert result.ratio == pytest.approx(1, rel=0.1)


def test_a_difference_within_a_part_is_inconclusive() -> None:
    # All of B's surplus lies in one of its sixteen parts.
    pixels, residual = even()
    residual[:32, 128:160] = 120
    result = compared(pixels, residual)
    assert result.comparable and not result.stands_out
    assert result.ratio is not None and result.ratio > 1.75
    assert result.sentences[-1].startswith("Inconclusive")


def _small() -> tuple[NDArray, NDArray, Region, Region]:
    return *even(), LEFT, Region(128, 0, 191, 128)


def _overlapping() -> tuple[NDArray, NDArray, Region, Region]:
    return *even(), LEFT, Region(112, 0, 240, 128)


def _textured() -> tuple[NDArray, NDArray, Region, Region]:
    pixels, residual = even()
    pixels[:, 128:] = grey(rough(128, 128, 25, 1))
    return pixels, residual, LEFT, RIGHT


def _unlike() -> tuple[NDArray, NDArray, Region, Region]:
    # Equal on average, but no block of one has its like in the other.
    luma = rough(128, 256, 10, 2)
    luma[:64, 128:] = rough(64, 128, 17, 3)
    luma[64:, 128:] = rough(64, 128, 3, 4)
    return grey(luma), even()[1], LEFT, RIGHT


def _edged() -> tuple[NDArray, NDArray, Region, Region]:
    # One step of 40 in every block, against a ramp with as much deviation and no edge.
    across = np.arange(128) % 8
    luma = np.full((128, 256), 128.0)
    luma[:, :128] += np.where(across < 4, -10, 10)
    luma[:, 128:] += np.abs(across - 3.5) * 7.7
    return grey(luma), even()[1], LEFT, RIGHT


def _clipped() -> tuple[NDArray, NDArray, Region, Region]:
    pixels, residual = even()
    pixels[:, 128:][np.random.default_rng(5).random((128, 128)) < 0.2, 0] = 255
    return pixels, residual, LEFT, RIGHT


def _bright() -> tuple[NDArray, NDArray, Region, Region]:
    luma = rough(128, 256, 10, 6, 60)
    luma[:, 128:] += 110
    return grey(luma), even()[1], LEFT, RIGHT


def _without_residual() -> tuple[NDArray, NDArray, Region, Region]:
    pixels, residual = even()
    residual[:, 128:] = 0
    return pixels, residual, LEFT, RIGHT


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (_small, "B is 63 x 128 pixels; below 64 x 64"),
        (_overlapping, "A and B share 12% of the smaller one"),
        (_textured, "the texture is too different"),
        (_unlike, "of the blocks have their like"),
        (_edged, "Compare edges with edges"),
        (_clipped, "are clipped (0 or 255)"),
        (_bright, "the brightness is too different"),
        (_without_residual, "hardly any residual at this quality"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_differs_otherwise_is_not_compared(case, words: str) -> None:  # type: ignore[no-untyped-def]
    pixels, residual, a, b = case()
    result = compared(pixels, residual, a, b)
    assert not result.comparable and result.ratio is None and not result.stands_out
    assert result.sentences[0].startswith("Not comparable: ")
    assert any(words in sentence for sentence in result.sentences), result.sentences


# From pixels to text ----------------------------------------------------------------------------


def test_regions_of_a_picture_are_measured_as_pillow_saves_it() -> None:
    pixels = scene(160, 200, 9)
    a = Region(3, 5, 90, 100)
    result = compare_regions(pixels, ELA, ElaParams(quality=80), a, None)
    assert result.a is not None and result.b is None and result.comparison is None
    expected = pillow_residual(pixels, 80, "4:2:0")[5:100, 3:90] @ LUMA
    assert result.a.luma.median == pytest.approx(np.median(expected))
    lines = as_text(result).splitlines()
    assert lines[0] == "Error Level Analysis: quality 80, subsampling 4:2:0"
    assert lines[1] == "\tA\tB\tB / A"
    assert "Left, top\t3, 5\t\t" in lines
    assert "Width, height\t87, 95\t\t" in lines
    assert f"Median residual\t{np.median(expected):.2f}\t\t" in lines


def test_the_text_of_two_ends_with_the_sentences() -> None:
    pixels = scene(160, 200, 9)
    a, b = Region(0, 0, 80, 80), Region(100, 70, 190, 150)
    result = compare_regions(pixels, ELA, ElaParams(), a, b)
    assert result.a and result.b and result.comparison
    lines = as_text(result).splitlines()
    assert tuple(lines[-len(result.comparison.sentences) :]) == result.comparison.sentences
    ratio = f"{result.b.luma.mean / result.a.luma.mean:.2f}"
    assert f"Mean residual\t{result.a.luma.mean:.2f}\t{result.b.luma.mean:.2f}\t{ratio}" in lines


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
def test_untouched_pictures_seldom_stand_out() -> None:
    """The claim of the module: at most 5 % of the comparable pairs of untouched pictures."""
    random = np.random.default_rng(5)
    results: list[Comparison] = []
    files = [*sorted((DATA / "pristine").rglob("*.webp"))[::4], *_camera_files()[::4]]
    for path in files:
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))[:1500, :1500]
        for side in (64, 96, 128, 192) * 3:
            results += _pair(np.ascontiguousarray(pixels), side, random)
    comparable = [result for result in results if result.comparable]
    assert len(comparable) > 100
    assert sum(result.stands_out for result in comparable) <= 0.05 * len(comparable)


def _camera_files() -> list[Path]:
    return sorted(p for p in (DATA / "camera").rglob("*") if p.suffix.lower() == ".jpg")


def _pair(pixels: NDArray[np.uint8], side: int, random: np.random.Generator) -> list[Comparison]:
    """Two squares beside each other somewhere, compared at quality 90."""
    height, width = pixels.shape[:2]
    if min(height, width) < 2 * side:
        return []
    x = int(random.integers(0, width - 2 * side + 1))
    y, other = (int(v) for v in random.integers(0, height - side + 1, 2))
    regions = (
        Region(x, y, x + side, y + side),
        Region(x + side, other, x + 2 * side, other + side),
    )
    measure = ELA.measuring(ElaParams())
    measured: list[RegionStatistics] = [statistics(pixels, measure, r) for r in regions]
    return [compare(*measured)]
