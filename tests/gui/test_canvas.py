"""What a pane paints, compared pixel by pixel with the arrays."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.arrays import RgbU8
from app.gui.table.canvas import Canvas, Show, Viewport
from app.gui.table.frames import Wish, make_frames
from tests.gui.bench import HEIGHT, WIDTH, Bench, DenseCanvas
from tests.gui.conftest import as_array, grabbed
from tests.pictures import pillow_residual, scene

# Painting -------------------------------------------------------------------------------------


def test_at_actual_size_every_pixel_of_the_picture_is_painted_as_it_is(bench: Bench) -> None:
    assert np.array_equal(bench.of_picture(grabbed(bench.canvas)), bench.pixels)


def test_at_actual_size_every_pixel_of_the_map_is_the_amplified_residual(bench: Bench) -> None:
    bench.canvas.set_contents(bench.content(Show.MAP))
    bench.make_map(overlay=False, params=ElaParams(scale=9.0))
    expected = np.clip(pillow_residual(bench.pixels, 90, "4:2:0") * 9, 0, 255)
    assert np.array_equal(bench.of_picture(grabbed(bench.canvas)), expected)


@pytest.mark.parametrize("opacity", [0.0, 0.4, 1.0])
def test_the_overlay_adds_the_map_to_what_it_leaves_of_the_picture(
    bench: Bench, opacity: float
) -> None:
    bench.canvas.set_contents(bench.content(Show.OVERLAY))
    bench.canvas.set_opacity(opacity)
    bench.make_map(overlay=True, params=ElaParams(scale=12.0))
    light = np.clip(pillow_residual(bench.pixels, 90, "4:2:0") * 12, 0, 255).astype(float)
    share = light.max(axis=2, keepdims=True) / 255 * opacity
    expected = bench.pixels * (1 - share) + light * opacity
    painted = bench.of_picture(grabbed(bench.canvas)).astype(float)
    assert np.abs(painted - expected).max() <= 2.5


def test_close_up_a_pixel_is_a_square_of_one_colour(bench: Bench) -> None:
    bench.canvas.set_grid(False)
    bench.look(8.0, 60.0, 45.0)
    painted = grabbed(bench.canvas)
    for column, row in ((50, 40), (61, 47), (70, 52)):
        left, top, width, height = bench.geometry.rectangle(
            Region(column, row, column + 1, row + 1)
        )
        square = painted[round(top) : round(top + height), round(left) : round(left + width)]
        assert square.shape == (8, 8, 3)
        assert (square == bench.pixels[row, column]).all()


def test_on_a_dense_screen_actual_size_is_one_device_pixel(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(kind=DenseCanvas)
    canvas = bench.canvas
    assert canvas.device_size() == (2 * WIDTH, 2 * HEIGHT)
    image = QImage(2 * WIDTH, 2 * HEIGHT, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2.0)
    canvas.render(image)
    assert np.array_equal(bench.of_picture(as_array(image)), bench.pixels)
    # The mouse speaks in Qt's pixels: the middle of the pane is the middle of the picture.
    assert bench.geometry.pixel_at(*canvas._device(QPointF(WIDTH / 2, HEIGHT / 2))) == (60, 45)
    canvas.fit()
    assert bench.geometry.zoom == 2.0


def test_a_large_picture_painted_small_has_its_mean(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(scene(900, 1200, 8))
    bench.canvas.fit()
    assert bench.geometry.zoom == pytest.approx(1 / 3)
    blocks = bench.pixels.reshape(300, 3, 400, 3, 3).mean(axis=(1, 3))
    # Without the label and the line that shows the keyboard's place.
    painted = grabbed(bench.canvas)[40:-2, 2:-2].astype(float)
    assert np.abs(painted - blocks[40:-2, 2:-2]).mean() < 4


def test_an_empty_pane_says_what_to_do(qtbot: QtBot) -> None:
    canvas = Canvas(Viewport())
    qtbot.addWidget(canvas)
    canvas.resize(WIDTH, HEIGHT)
    painted = grabbed(canvas)
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) > 1
    canvas.fit()
    canvas.zoom_by(2.0)


# Grid, wipe, labels, regions ------------------------------------------------------------------


def different_columns(painted: RgbU8, colour: tuple[int, int, int]) -> set[int]:
    """Columns in the lower half of a pane that are of another colour from top to bottom."""
    lower = painted[HEIGHT // 2 + 1 : HEIGHT // 2 + 6]
    return set(np.flatnonzero((lower != colour).any(axis=2).all(axis=0)).tolist())


@pytest.mark.parametrize(("zoom", "step"), [(2.0, None), (6.0, 8), (16.0, 1)])
def test_grid_lines_lie_between_blocks_and_then_between_pixels(
    make_bench: Callable[..., Bench], zoom: float, step: int | None
) -> None:
    colour = (40, 90, 60)
    bench = make_bench(np.full((200, 240, 3), colour, np.uint8))
    # The middle lies inside a block, so that a row without a horizontal line can be read.
    bench.look(zoom, 120.0, 100.25 if zoom == 16 else 98.0)
    left = bench.geometry.corner[0]
    visible = bench.geometry.visible()
    expected = {
        round(left + column * zoom)
        for column in range(visible.left, visible.right + 1)
        if step and column % step == 0
    }
    drawn = different_columns(grabbed(bench.canvas), colour)
    assert drawn == {column for column in expected if 0 <= column < WIDTH}
    bench.canvas.set_grid(False)
    assert different_columns(grabbed(bench.canvas), colour) == set()


@pytest.mark.parametrize("divider", [0.25, 0.5, 0.8])
def test_a_wipe_shows_one_content_on_each_side(bench: Bench, divider: float) -> None:
    bench.make_map(overlay=False, params=ElaParams())
    bench.look(2.0, 60.0, 45.0)
    bench.make_map(overlay=False, params=ElaParams())
    bench.canvas.set_divider(divider)
    pictures = []
    for content in (Show.PICTURE, Show.MAP):
        bench.canvas.set_contents(bench.content(content))
        pictures.append(grabbed(bench.canvas))
    bench.canvas.set_contents(bench.content(Show.MAP), bench.content(Show.PICTURE))
    both = grabbed(bench.canvas)
    at = round(WIDTH * divider)
    below = slice(60, HEIGHT - 1)
    assert np.array_equal(both[below, : at - 1], pictures[0][below, : at - 1])
    assert np.array_equal(both[below, at + 1 :], pictures[1][below, at + 1 :])
    assert (both[below, at - 1 : at + 1] > 200).all()
    assert not np.array_equal(pictures[0], pictures[1])


def test_labels_say_what_is_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[tuple[str, int]] = []
    monkeypatch.setattr(
        "app.gui.table.canvas.paint_label",
        lambda painter, text, x, y, colour: labels.append((text, x)),
    )
    canvas = bench.canvas
    canvas.set_contents(bench.content(Show.MAP), bench.content(Show.PICTURE))
    canvas.grab()
    assert labels == [
        ("Picture", 6),
        ("Map · the map is being measured, this is the picture", WIDTH // 2 + 6),
    ]
    assert canvas.accessibleDescription() == "Picture | Map"


def test_a_coarse_map_is_called_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, make_bench: Callable[..., Bench]
) -> None:
    labels: list[str] = []
    monkeypatch.setattr(
        "app.gui.table.canvas.paint_label", lambda *arguments: labels.append(arguments[1])
    )
    large = make_bench(np.tile(scene(200, 250, 9), (10, 9, 1)))
    large.canvas.set_contents(large.content(Show.MAP))
    large.canvas.fit()
    wish = Wish(large.pixels, ELA, ElaParams(), large.geometry, Reduction.MEAN, False, None)
    for frame in make_frames(wish, threading.Event(), threads=1):
        large.subject.frame = frame
        large.canvas.grab()
    assert labels == ["Map · coarse preview, being refined", "Map"]


def test_regions_are_outlined_where_they_lie(bench: Bench) -> None:
    bench.look(2.0, 60.0, 45.0)
    plain = grabbed(bench.canvas)
    bench.canvas.set_regions({"A": Region(50, 40, 70, 60)})
    changed = (grabbed(bench.canvas) != plain).any(axis=2)
    left, top, width, height = bench.geometry.rectangle(Region(50, 40, 70, 60))
    edges = (round(left), round(left + width))
    middle = round(top + height / 2) + 8
    assert set(np.flatnonzero(changed[middle]).tolist()) <= {
        edge + by for edge in edges for by in range(-3, 4)
    }
    assert changed[middle, edges[0]]
    assert changed[middle, edges[1]]
