import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.analysis.ela import AS_IN_FILE
from app.analysis.ghosts import GHOSTS, ONE, GhostParams, qualities, read_ghosts
from app.analysis.recompress import encoder_identity
from app.analysis.region import Region
from app.analysis.survey import Reduction, measure_reduced
from app.errors import InvalidParameterError, TooLargeError
from app.evidence.decode import decode
from app.evidence.jpeg import read_jpeg, standard_tables
from tests.pictures import (
    PILLOW_SUBSAMPLING,
    encoded,
    in_memory,
    noise,
    pillow_residual,
    pillow_round_trip,
    scene,
)

PART = Region(96, 64, 224, 160)


def _photo(height: int, width: int, seed: int = 5) -> NDArray[np.uint8]:
    """Grain on soft colours far from black and white."""
    rows, columns = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(seed)
    soft = [90 + 60 * rows / height, 150 - 50 * columns / width, 100 + 40 * np.sin(columns / 40)]
    grain = random.normal(0, 8, (height, width, 1)) + random.normal(0, 6, (height, width, 3))
    return np.clip(np.rint(np.stack(soft, 2) + grain), 0, 255).astype(np.uint8)


def _spliced(earlier: int, last: int, moved: int = 0) -> NDArray[np.uint8]:
    """A part saved once at ``earlier`` and put back ``moved`` pixels off; then all at ``last``."""
    picture = _photo(224, 320)
    saved = pillow_round_trip(picture, earlier, "4:2:0")
    taken = Region(PART.left - moved, PART.top - moved, PART.right - moved, PART.bottom - moved)
    PART.of(picture)[:] = taken.of(saved)
    return pillow_round_trip(picture, last, "4:2:0")


def _map(picture: NDArray[np.uint8], params: GhostParams) -> NDArray[np.uint8]:
    return np.asarray(GHOSTS.run(picture, params).measurement)


def _inside_and_outside(
    measured: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Values of the part and of the rest, each well away from the border between them."""
    outside = np.ones(measured.shape[:2], bool)
    PART.grown(24, 24).of(outside)[:] = False
    inside = PART.grown(-16, -16).of(measured).reshape(-1, measured.shape[2])
    return inside, measured[outside]


def _reference(
    picture: NDArray[np.uint8], wanted: tuple[int, ...], window: int, subsampling: str
) -> NDArray[np.float64]:
    """Farid's equations 3 and 4 in float64, with Pillow's saves, 0..1; NaN for 0 / 0."""
    height, width = picture.shape[:2]
    half = window // 2
    means = np.empty((height, width, len(wanted)))
    for number, quality in enumerate(wanted):
        difference = pillow_residual(picture, quality, subsampling).astype(np.float64)
        squares = (difference**2).mean(axis=2)
        for row, column in np.ndindex(height, width):
            box = squares[
                max(row - half, 0) : row - half + window,
                max(column - half, 0) : column - half + window,
            ]
            means[row, column, number] = box.mean()
    low, high = means.min(axis=2, keepdims=True), means.max(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((means - low) / (high - low))


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        (GhostParams(lowest=50, step=10, saves=5, window=8), (50, 60, 70, 80, 90)),
        (GhostParams(lowest=90, step=9, saves=9, window=4, subsampling="4:4:4"), (90, 99)),
        (GhostParams(lowest=1, step=7, saves=3, window=16, subsampling="4:2:2"), (1, 8, 15)),
        (GhostParams(lowest=60, step=10, saves=2, window=64), (60, 70)),
    ],
)
@pytest.mark.parametrize("make", [scene, noise, _photo])
def test_the_map_is_farids_equation_4_in_8_bits(
    make: object, params: GhostParams, wanted: tuple[int, ...]
) -> None:
    picture = make(45, 51, 3)  # type: ignore[operator]
    expected = _reference(picture, wanted, params.window, params.subsampling)
    found = _map(picture, params)
    assert found.dtype == np.uint8
    assert found.shape == (45, 51, len(wanted))
    assert np.abs(found - expected * 255).max() <= 0.5 + 1e-3


def test_the_largest_squares_in_the_largest_window_do_not_run_over() -> None:
    """Black beside white at quality 1, in a window of 64 pixels: the sums need 30 bits."""
    picture = np.zeros((70, 70, 3), np.uint8)
    picture[::2, 1::2] = picture[1::2, ::2] = 255
    params = GhostParams(lowest=1, step=3, saves=2, window=64)
    expected = _reference(picture, (1, 4), 64, "4:2:0")
    known = np.isfinite(expected)
    assert known.any()
    assert np.abs(_map(picture, params) - expected * 255)[known].max() <= 0.5 + 1e-3


def test_where_no_save_changes_anything_there_is_no_ghost() -> None:
    flat = np.full((40, 40, 3), 128, np.uint8)
    measured = _map(flat, GhostParams())
    assert measured.min() == 255
    for show in ("darkest", "one quality"):
        params = GhostParams(show=show)
        rendering = GHOSTS.render(measured, params)
        assert rendering.picture.min() == 255
        assert not rendering.weight.any()
    assert GHOSTS.read_out(measured[0, 0], GhostParams()) == "the same at every quality"


@pytest.mark.parametrize(
    ("lowest", "step", "saves", "expected"),
    [
        (40, 5, 10, (40, 45, 50, 55, 60, 65, 70, 75, 80, 85)),
        (90, 10, 16, (90, 100)),
        (90, 1, 2, (90, 91)),
        (1, 10, 16, (1, 11, 21, 31, 41, 51, 61, 71, 81, 91)),
        (85, 1, 16, tuple(range(85, 101))),
    ],
)
def test_qualities_rise_from_the_lowest_and_end_at_100(
    lowest: int, step: int, saves: int, expected: tuple[int, ...]
) -> None:
    assert qualities(GhostParams(lowest=lowest, step=step, saves=saves)) == expected


def test_no_combination_of_allowed_values_leaves_less_than_two_qualities() -> None:
    for lowest in range(1, 91):
        for step in range(1, 11):
            for saves in (2, 16):
                known = qualities(GhostParams(lowest=lowest, step=step, saves=saves))
                assert 2 <= len(known) <= 16
                assert known[-1] <= 100


@pytest.mark.parametrize("last", [85, 90, 95])
def test_a_part_saved_at_60_before_is_dark_at_60_and_its_surroundings_are_not(last: int) -> None:
    params = GhostParams(show="one quality", quality=60)
    inside, outside = _inside_and_outside(_map(_spliced(60, last), params))
    at_60 = qualities(params).index(60)
    assert inside[:, at_60].mean() < 0.15 * 255
    assert outside[:, at_60].mean() > 0.6 * 255
    assert np.percentile(inside[:, at_60], 99) < np.percentile(outside[:, at_60], 1)
    measured = _map(_spliced(60, last), params)
    shown = GHOSTS.render(measured, params)
    assert np.array_equal(shown.picture[:, :, 0], measured[:, :, at_60])
    assert np.array_equal(shown.weight, 255 - measured[:, :, at_60])


@pytest.mark.parametrize("earlier", [55, 60, 65])
def test_the_darkest_quality_of_a_part_is_that_of_its_earlier_save(earlier: int) -> None:
    params = GhostParams(lowest=45, step=5, saves=7)
    inside, outside = _inside_and_outside(_map(_spliced(earlier, 90), params))
    known = qualities(params)
    assert (inside.argmin(axis=1) == known.index(earlier)).mean() > 0.99
    assert (outside.argmin(axis=1) == len(known) - 1).mean() > 0.99


def test_the_map_of_the_darkest_quality_shows_the_part() -> None:
    params = GhostParams(lowest=45, step=5, saves=7)
    rendering = GHOSTS.render(_map(_spliced(60, 90), params), params)
    inside, outside = _inside_and_outside(rendering.picture)
    # 60 is the fourth of seven qualities.
    assert (inside == round(255 * 3 / 6)).mean() > 0.99
    assert (outside == 255).mean() > 0.99
    assert (rendering.legend.low, rendering.legend.high) == ("quality 45", "quality 75")


@pytest.mark.parametrize("last", [85, 90, 95])
def test_an_untouched_picture_has_no_ghost(last: int) -> None:
    measured = _map(pillow_round_trip(_photo(224, 320), last, "4:2:0"), GhostParams())
    darkest = measured.argmin(axis=2)
    assert (darkest < qualities(GhostParams()).index(75)).mean() < 0.01
    inside, outside = _inside_and_outside(measured)
    for number in range(qualities(GhostParams()).index(75)):
        assert abs(inside[:, number].mean() - outside[:, number].mean()) < 0.05 * 255


def test_a_part_moved_off_its_own_grid_has_no_ghost() -> None:
    """As `misleads` says; moved by 16 pixels it stays on the grid and keeps its ghost."""
    at_60 = qualities(GhostParams()).index(60)
    means = {}
    for moved in (0, 3, 16):
        inside, _ = _inside_and_outside(_map(_spliced(60, 90, moved), GhostParams()))
        means[moved] = inside[:, at_60].mean()
    assert means[0] < 0.15 * 255
    assert means[16] < 0.15 * 255
    assert means[3] > 0.5 * 255


def test_a_coarse_last_save_hides_the_ghost() -> None:
    at_60 = qualities(GhostParams()).index(60)
    inside, outside = _inside_and_outside(_map(_spliced(60, 45), GhostParams()))
    assert inside[:, at_60].mean() > outside[:, at_60].mean() > 0.8 * 255


@pytest.mark.parametrize(
    ("quality", "shown", "note"),
    [
        (60, 60, "saved at quality 60"),
        (62, 60, "saved at quality 60, the nearest to 62 that was measured"),
        (63, 65, "saved at quality 65, the nearest to 63 that was measured"),
        (1, 40, "saved at quality 40, the nearest to 1 that was measured"),
        (100, 85, "saved at quality 85, the nearest to 100 that was measured"),
    ],
)
def test_one_quality_shows_the_nearest_measured_one_and_says_which(
    quality: int, shown: int, note: str
) -> None:
    params = GhostParams(show="one quality", quality=quality)
    measured = _map(scene(30, 40), params)
    rendering = GHOSTS.render(measured, params)
    expected = measured[:, :, qualities(params).index(shown)]
    assert np.array_equal(rendering.picture, np.dstack([expected] * 3))
    assert rendering.legend.note == note


def test_equal_differences_count_as_the_higher_quality() -> None:
    measured = np.array([[[0, 0, 0], [0, 9, 0], [9, 0, 0], [0, 1, 2]]], np.uint8)
    params = GhostParams(lowest=50, step=10, saves=3)
    for values in (measured, measured.astype(np.float32) / 4):
        picture = GHOSTS.render(values, params).picture
        assert picture[0, :, 0].tolist() == [255, 255, 255, 0]


def test_a_reduced_map_still_shows_the_ghost() -> None:
    params = GhostParams(lowest=45, step=5, saves=7)
    picture = _spliced(60, 90)
    whole = Region.whole(picture)
    reduced = measure_reduced(GHOSTS.measuring(params), picture, whole, 4, Reduction.MEAN)
    shown = GHOSTS.render(reduced, params).picture[:, :, 0]
    assert shown.shape == (56, 80)
    assert (shown[20:36, 28:52] == round(255 * 3 / 6)).mean() > 0.99
    assert (shown[:10] == 255).mean() > 0.99


def test_the_status_line_names_the_least_and_the_chosen_quality() -> None:
    params = GhostParams(lowest=50, step=10, saves=3, quality=68)
    text = GHOSTS.read_out(np.array([255, 0, 51], np.uint8), params)
    assert text == "least difference at quality 60; at 70: 0.20 of the largest"
    reduced = GHOSTS.read_out(np.array([200.5, 25.5, 102.0], np.float32), params)
    assert reduced == "least difference at quality 60; at 70: 0.40 of the largest"


def test_the_record_names_the_encoder() -> None:
    record = GHOSTS.describe(GhostParams())
    assert record["encoder_fingerprint"] == encoder_identity().fingerprint
    assert record["method"] == "ghosts"


def test_the_subsampling_of_the_file_is_taken_on_request() -> None:
    jpeg = read_jpeg(encoded(scene(32, 32), "JPEG", subsampling=1))
    params = GhostParams(subsampling=AS_IN_FILE)
    assert GHOSTS.resolve(params, jpeg) == GhostParams(subsampling="4:2:2")
    assert GHOSTS.resolve(params, None) == GhostParams(subsampling="4:2:0")
    with pytest.raises(InvalidParameterError):
        GHOSTS.run(scene(20, 20), params)


def test_a_side_that_jpeg_cannot_store_is_one_sentence() -> None:
    with pytest.raises(TooLargeError):
        GHOSTS.run(np.zeros((1, 65501, 3), np.uint8), GhostParams(saves=2))


def _sentences(data: bytes, params: GhostParams) -> tuple[str, ...]:
    jpeg = read_jpeg(data) if data.startswith(b"\xff\xd8") else None
    return read_ghosts(decode(in_memory(data)).record, jpeg, params)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (30, "as coarse as the lowest quality measured"),
        (43, "as coarse as the lowest quality measured"),
        (44, "and above, the whole picture can be dark, whatever its history"),
        (87, "and above, the whole picture can be dark, whatever its history"),
        (88, "consistent with an earlier save of that part"),
        (95, "consistent with an earlier save of that part"),
    ],
)
def test_the_last_save_decides_what_the_map_can_say(last: int, words: str) -> None:
    data = encoded(scene(80, 80), "JPEG", quality=last)
    (sentence,) = _sentences(data, GhostParams(show=ONE))
    assert words in sentence


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (44, "and above, the whole picture can change least, whatever its history"),
        (87, "and above, the whole picture can change least, whatever its history"),
        (88, "A part with a lower one than its like is consistent with an earlier save"),
    ],
)
def test_a_map_of_qualities_is_not_read_as_one_of_darkness(last: int, words: str) -> None:
    (sentence,) = _sentences(encoded(scene(80, 80), "JPEG", quality=last), GhostParams())
    assert words in sentence
    assert "dark" not in sentence.replace("flat, dark or saturated", "")


@pytest.mark.parametrize(
    ("last", "factors", "chroma", "where", "words"),
    [
        (80, (1.0, 1.0), "4:2:0", 80, "Near the file's last save (quality 80) and above"),
        (76, (1.0, 1.0), "4:4:4", 95, "Near the file's last save (quality 76) and above"),
        (65, (0.5, 1.6), "4:2:0", 95, "Near the file's last save (near quality 45) and above"),
    ],
    ids=["next to it", "other chroma", "own tables"],
)
def test_measured_maps_bear_out_that_no_part_is_read_near_the_last_save_or_above(
    last: int, factors: tuple[float, float], chroma: str, where: int, words: str
) -> None:
    """A picture of one history: the same encoder is found next to its quality, others above."""
    tables = [
        [max(round(value * factors[place % 2]), 1) for place, value in enumerate(table)]
        for table in standard_tables(last)
    ]
    subsampling = PILLOW_SUBSAMPLING[chroma]
    data = encoded(_photo(96, 96), "JPEG", qtables=tables, subsampling=subsampling)
    params = GhostParams(saves=12)
    jpeg = read_jpeg(data)
    assert jpeg.quality is not None
    measured = _map(decode(in_memory(data)).pixels, params)
    known = qualities(params)
    least = np.array(known)[len(known) - 1 - measured[:, :, ::-1].argmin(axis=2)]
    assert (least == where).mean() > 0.9
    assert (least >= jpeg.quality.quality - params.step).mean() > 0.99
    assert _sentences(data, params)[0].startswith(words)


def test_a_last_save_as_coarse_as_the_range_is_named_with_its_tables() -> None:
    tables = [list(table) for table in standard_tables(30)]
    tables[0][40] += 1
    data = encoded(scene(80, 80), "JPEG", qtables=tables, subsampling=2)
    assert _sentences(data, GhostParams())[0].startswith(
        "The file's last save (near quality 30) is as coarse"
    )


def test_compression_inside_a_file_that_is_no_jpeg_is_told() -> None:
    tiff = _sentences(encoded(scene(80, 80), "TIFF", compression="jpeg"), GhostParams())
    assert tiff == (
        "This TIFF file is compressed as JPEG inside; its quality is not read. Near it and above, "
        "the whole picture can change little, whatever its history.",
    )
    webp = _sentences(encoded(scene(80, 80), "WEBP"), GhostParams())[0]
    assert webp.startswith("This WebP file is compressed with VP8, which can leave traces")


def test_a_subsampling_that_no_save_can_have_is_told_with_that_used() -> None:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440]
    options += [cv2.IMWRITE_JPEG_QUALITY, 95]
    data = cv2.imencode(".jpg", scene(80, 80), options)[1].tobytes()
    params = GHOSTS.resolve(GhostParams(subsampling=AS_IN_FILE), read_jpeg(data))
    assert _sentences(data, params)[1:] == (
        "The file's chroma subsampling (4:4:0) cannot be used for a save; 4:2:0 is.",
    )


def test_other_facts_of_the_file_add_their_sentences() -> None:
    assert _sentences(encoded(scene(80, 80), "PNG"), GhostParams())[0].startswith("This PNG file")
    assert "dithering" in " ".join(_sentences(encoded(noise(80, 80), "GIF"), GhostParams()))
    small = _sentences(encoded(scene(40, 40), "JPEG", quality=95), GhostParams())
    assert small[1:] == ("Too small to compare areas: there are few 8x8 blocks.",)
    narrow = GhostParams(lowest=60, step=1, saves=4)
    found = _sentences(encoded(scene(80, 80), "JPEG", quality=95), narrow)
    assert found[1].startswith("Only qualities 60 to 63 are compared")
