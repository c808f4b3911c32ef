import dataclasses
import io
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from app.analysis.copy_move import CopyMoveParams, copy_move
from app.analysis.copy_move_reading import parameters_line, sentences
from app.analysis.localisation import Localisation, as_json
from app.errors import CancelledError, InvalidParameterError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from tests.pictures import noise, scene

SIZE = 420, 300
BOX = 60, 70, 140, 150
"""Left, top, right, bottom of what is copied: 80x80 pixels."""


def _texture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Grains of several sizes in three colours, as on a forest floor; nothing repeats."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for radius, weight in ((1, 18), (3, 25), (9, 30)):
        grain = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        layer = np.array(grain.filter(ImageFilter.GaussianBlur(radius)), dtype=float) - 127.5
        total += weight * layer / layer.std()
    return Image.fromarray(np.clip(128 + total, 0, 255).astype(np.uint8))


def _matrix(degrees: float, scale: float, mirrored: bool, target: tuple[float, float]) -> NDArray:
    """(2, 3): the middle of `BOX` goes to ``target``; in pixel edges, clockwise as seen."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    middle = np.array([(BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2])
    return np.column_stack([turn, np.array(target) - turn @ middle])


def _forged(matrix: NDArray, seed: int = 0) -> tuple[NDArray, NDArray, NDArray]:
    """Picture and the masks of source and copy, made with Pillow alone."""
    picture = _texture(*SIZE, seed)
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2].reshape(-1)
    source = Image.new("L", SIZE)
    # Pillow draws both ends of a rectangle.
    ImageDraw.Draw(source).rectangle((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=255)
    affine, cubic = Image.Transform.AFFINE, Image.Resampling.BICUBIC
    moved = picture.transform(SIZE, affine, tuple(inverse), cubic)
    target = source.transform(SIZE, affine, tuple(inverse), Image.Resampling.NEAREST)
    picture.paste(moved, (0, 0), target)
    return np.array(picture), np.array(source) > 0, np.array(target) > 0


def _saved(pixels: NDArray, quality: int) -> NDArray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


def _drawn(found: Localisation, index: int) -> NDArray:
    """A region's polygons filled by Pillow; they have no holes here."""
    image = Image.new("1", (found.width * 4, found.height * 4))
    for polygon in as_json(found)["regions"][index]["polygons"]:
        ImageDraw.Draw(image).polygon([(4 * x - 0.5, 4 * y - 0.5) for x, y in polygon], fill=1)
    return np.array(image)[2::4, 2::4]


def _iou(one: NDArray, other: NDArray) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


@pytest.mark.parametrize(
    ("degrees", "scale", "mirrored", "quality"),
    [
        (0, 1, False, 100),
        (0, 1, False, 60),
        (0, 1, True, 90),
        (30, 1, False, 90),
        (180, 1, False, 90),
        (-115, 1.2, True, 95),
        (0, 0.6, False, 90),
        (12, 1.6, False, 90),
    ],
)
def test_a_copy_is_found_with_its_move_and_its_outline(
    degrees: float, scale: float, mirrored: bool, quality: int
) -> None:
    matrix = _matrix(degrees, scale, mirrored, (310.0, 170.0))
    pixels, source, target = _forged(matrix)
    found = copy_move(_saved(pixels, quality))
    assert found.strength is not None and found.strength >= found.threshold
    assert len(found.regions) == 2
    (pair,) = found.pairs
    drawn = _drawn(found, pair.source), _drawn(found, pair.target)
    move = np.array(pair.transform)
    if _iou(drawn[0], source) < _iou(drawn[0], target):
        # Which of the two is the copy cannot be known; the way back is as good.
        source, target = target, source
        whole = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
        matrix, scale = whole[:2], 1 / scale
        degrees = degrees if mirrored else -degrees
    assert _iou(drawn[0], source) > 0.8 and _iou(drawn[1], target) > 0.8
    corners = np.argwhere(source)[:: source.sum() // 50][:, ::-1] + 0.5
    away = corners @ (move - matrix)[:, :2].T + (move - matrix)[:, 2]
    assert np.abs(away).max() < 1
    assert pair.scale == pytest.approx(scale, rel=0.02)
    assert pair.mirrored == mirrored
    assert (pair.degrees - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert pair.matches > 10 and pair.correlation > 0.8


def test_a_plain_shift_is_exact_to_the_pixel() -> None:
    matrix = _matrix(0, 1, False, (310.0, 170.0))
    pixels, *_ = _forged(matrix)
    (pair,) = copy_move(_saved(pixels, 85)).pairs
    forth = np.round(np.array(pair.transform), 9).tolist()
    assert forth in ([[1, 0, 210], [0, 1, 60]], [[1, 0, -210], [0, 1, -60]])


def test_two_copies_of_one_region_are_three_regions() -> None:
    picture = Image.fromarray(np.array(_texture(*SIZE)))
    part = picture.crop(BOX)
    picture.paste(part, (210, 20))
    picture.paste(part, (300, 200))
    found = copy_move(np.array(picture))
    assert len(found.regions) == 3
    assert 2 <= len(found.pairs) <= 3
    shifts = {tuple(abs(round(value)) for value in pair.shift) for pair in found.pairs}
    assert shifts <= {(150, 50), (240, 130), (90, 180)}


def test_a_large_picture_is_searched_reduced_and_described_in_its_own_pixels() -> None:
    matrix = _matrix(0, 1, False, (310.0, 170.0))
    pixels, source, target = _forged(matrix)
    large = np.array(Image.fromarray(pixels).resize((SIZE[0] * 4, SIZE[1] * 4)))
    found = copy_move(large, CopyMoveParams(megapixels=0.5))
    assert (found.width, found.height) == (SIZE[0] * 4, SIZE[1] * 4)
    assert found.heat.size == pytest.approx(5e5, rel=0.01)
    (pair,) = found.pairs
    assert sorted(abs(value) for value in pair.shift) == pytest.approx([240, 840], abs=2)
    for region in found.regions:
        assert region.area == pytest.approx(16 * source.sum(), rel=0.2)
        assert region.share == pytest.approx(source.sum() / source.size, rel=0.2)
    union = np.kron(source | target, np.ones((4, 4), dtype=bool))
    assert _iou(_drawn(found, 0) | _drawn(found, 1), union) > 0.8


def test_what_is_reported_reaches_the_threshold_and_the_rest_does_not() -> None:
    pixels, *_ = _forged(_matrix(0, 1, False, (310.0, 170.0)))
    found = copy_move(pixels)
    assert found.strength is not None
    reached = found.heat >= found.threshold * 255
    inside = _drawn(found, 0) | _drawn(found, 1)
    assert _iou(reached, inside) > 0.95
    stricter = copy_move(pixels, CopyMoveParams(threshold=1.0))
    assert stricter.regions == () and stricter.pairs == ()
    assert stricter.strength == found.strength


def _tiles() -> NDArray:
    """The same tile again and again, with noise of its own on each."""
    tile = np.array(_texture(30, 30))
    wall = np.tile(tile, (10, 14, 1)) + np.random.default_rng(1).normal(0, 6, (300, 420, 3))
    return np.clip(wall, 0, 255).astype(np.uint8)


def _checkers(square: int) -> NDArray:
    rows, columns = np.mgrid[0:300, 0:400] // square
    return np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[:, :, None], 3, axis=2)


UNTOUCHED = {
    "texture": lambda: np.array(_texture(*SIZE, 7)),
    "saved texture": lambda: _saved(np.array(_texture(*SIZE, 7)), 60),
    "noise": lambda: noise(500, 700),
    "scene": lambda: scene(300, 400),
    "flat": lambda: np.full((300, 400, 3), 77, dtype=np.uint8),
    "ramp": lambda: np.broadcast_to(
        np.linspace(0, 255, 400).astype(np.uint8)[:, None], (300, 400, 3)
    ).copy(),
    "tiles": _tiles,
    "checkers": lambda: _checkers(16),
    "single pixels": lambda: _checkers(1),
    "stripes": lambda: _checkers(8)[:1].repeat(300, axis=0),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_an_untouched_picture_gives_no_finding(name: str) -> None:
    found = copy_move(UNTOUCHED[name]())
    assert found.regions == () and found.pairs == ()
    assert found.strength is not None and found.strength < found.threshold


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 900), (900, 1), (31, 400), (32, 32), (33, 5000), (4000, 40)]
)
def test_odd_shapes_end_with_an_honest_answer(shape: tuple[int, int]) -> None:
    found = copy_move(noise(*shape))
    assert (found.height, found.width) == shape
    assert found.regions == ()
    assert (found.strength is None) == (min(shape) < 32)
    json.dumps(as_json(found), allow_nan=False)
    said = " ".join([*sentences(found), parameters_line(found)])
    assert ("not searched" in said) == (min(shape) < 32)


@pytest.mark.parametrize("make", [lambda: noise(2000, 3000), lambda: _checkers(3).repeat(8, 0)])
def test_a_hostile_picture_takes_no_longer_than_another(make: object) -> None:
    began = time.perf_counter()
    copy_move(make())  # type: ignore[operator]
    assert time.perf_counter() - began < 20


def test_the_same_picture_gives_the_same_answer() -> None:
    pixels, *_ = _forged(_matrix(20, 1.1, False, (310.0, 170.0)))
    one, other = copy_move(pixels), copy_move(pixels.copy())
    assert np.array_equal(one.heat, other.heat)
    assert json.dumps(as_json(one)) == json.dumps(as_json(other))


def test_a_mirrored_copy_is_left_out_on_request() -> None:
    pixels, *_ = _forged(_matrix(0, 1, True, (310.0, 170.0)))
    assert copy_move(pixels).pairs[0].mirrored
    assert copy_move(pixels, CopyMoveParams(mirrored=False)).pairs == ()


def test_the_search_stops_when_asked_and_tells_how_far_it_is() -> None:
    pixels, *_ = _forged(_matrix(0, 1, False, (310.0, 170.0)))
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        copy_move(pixels, stop=stop)
    told: list[float] = []
    copy_move(pixels, progress=told.append)
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1
    for limit in sorted(set(told)):
        stop = threading.Event()

        def at(share: float, stop: threading.Event = stop, limit: float = limit) -> None:
            if share >= limit:
                stop.set()

        if limit < 1:
            with pytest.raises(CancelledError):
                copy_move(pixels, stop=stop, progress=at)


def test_parameters_out_of_range_are_refused() -> None:
    for change in ({"threshold": 0.0}, {"threshold": float("nan")}, {"megapixels": 100.0}):
        with pytest.raises(InvalidParameterError):
            dataclasses.replace(CopyMoveParams(), **change)


def test_sentences_name_what_was_found_and_claim_no_certainty() -> None:
    pixels, *_ = _forged(_matrix(30, 1.3, True, (310.0, 170.0)))
    found = copy_move(pixels)
    said = " ".join(sentences(found))
    assert "2 regions in 1 pair" in said
    assert "mirrored" in said and "scaled by" in said and "turned by" in said
    assert "consistent with" in said and "repeat themselves" in said
    nothing = " ".join(sentences(copy_move(_tiles())))
    assert "No regions" in nothing and "does not show that nothing was copied" in nothing
    flat = " ".join(sentences(copy_move(np.full((300, 400, 3), 77, dtype=np.uint8))))
    assert "little structure" in flat
    for text in (said, nothing, flat):
        assert "fake" not in text and "proves" not in text


@pytest.mark.data
@pytest.mark.slow
def test_most_copy_moves_of_casia_are_found_and_few_of_its_photographs(shared_data: Path) -> None:
    """Every twelfth file: at least two fifths of the forgeries, at most three photographs."""

    def findings(paths: list[Path]) -> list[bool]:
        return [bool(copy_move(decode(open_evidence(path)).pixels).pairs) for path in paths]

    forged = findings(sorted((shared_data / "casia1" / "Sp").glob("Sp_S_*.jpg"))[::12])
    untouched = findings(sorted((shared_data / "casia1" / "Au").glob("*.jpg"))[::12])
    assert sum(forged) > 0.4 * len(forged)
    assert sum(untouched) <= 3
