"""What was found over the picture: painted pixels against the arrays."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from app.analysis.colormap import table
from app.analysis.localisation import FoundRegion, Localisation, overlay
from app.analysis.region import Region
from app.arrays import RgbU8
from app.gui.table.canvas import Show
from app.gui.table.geometry import Geometry
from app.gui.where.found import _levels
from app.gui.where.layer import Layer, layer_of
from app.gui.where.outlines import Outlines
from tests.gui.bench import Bench
from tests.gui.conftest import grabbed
from tests.gui.findings import as_found, copies, model_map
from tests.pictures import noise, scene

BOX, OTHER = Region(16, 24, 48, 56), Region(72, 32, 104, 64)


def lay(bench: Bench, own: Localisation, opacity: float, **changes: object) -> Layer:
    """Put a localisation over the bench's picture."""
    found = as_found(bench.subject.inspection, own)
    found = dataclasses.replace(found, levels=_levels(own.heat))
    layer = dataclasses.replace(layer_of(found, opacity), **changes)
    content = dataclasses.replace(bench.content(Show.PICTURE), layer=layer)
    bench.canvas.set_contents(content)
    return layer


def without_regions(own: Localisation) -> Localisation:
    return dataclasses.replace(own, regions=(), pairs=())


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_the_map_has_the_share_of_its_value(bench: Bench, opacity: float) -> None:
    own = without_regions(model_map(120, 90, (BOX, 230), (OTHER, 80)))
    lay(bench, own, opacity)
    painted = bench.of_picture(grabbed(bench.canvas)).astype(float)
    share = own.heat[:, :, None] / 255 * opacity
    colours = table("inferno")[:, 0][own.heat].astype(float)
    expected = bench.pixels * (1 - share) + colours * share
    assert np.abs(painted - expected).max() <= 2.5


def test_the_screen_shows_what_an_export_writes(bench: Bench) -> None:
    """Inside and outside of the regions; the lines are drawn by different hands."""
    own = model_map(120, 90, (BOX, 230), (OTHER, 80))
    lay(bench, own, 0.6)
    painted = bench.of_picture(grabbed(bench.canvas)).astype(float)
    exported = overlay(bench.pixels, own, 0.6).astype(float)
    for part in (Region(24, 44, 40, 50), Region(74, 34, 102, 62), Region(60, 70, 110, 88)):
        assert np.abs(part.of(painted) - part.of(exported)).max() <= 3
    # Both have a line where the region ends.
    for picture in (painted, exported):
        assert np.abs(picture[40, 44:52] - bench.pixels[40, 44:52]).max() > 60


@pytest.mark.parametrize("zoom", [0.3, 1.0, 5.0])
def test_the_outline_follows_the_view(make_bench: Callable[..., Bench], zoom: float) -> None:
    black = np.zeros((400, 600, 3), np.uint8)
    bench = make_bench(black)
    bench.canvas.set_grid(False)
    box = Region(280, 180, 340, 230)
    lay(bench, model_map(600, 400, (box, 255)), 0.0)
    bench.look(zoom, 310.0, 205.0)
    painted = grabbed(bench.canvas)
    left, top, width, height = bench.geometry.rectangle(box)
    middle = round(top + height / 2), round(left + width / 2)
    for row, column in (
        (middle[0], round(left)),
        (middle[0], round(left + width)),
        (round(top + height), middle[1]),
    ):
        around = painted[row - 1 : row + 2, column - 1 : column + 2]
        assert around[..., 1].max() > 180 and around[..., 0].max() < 90, (row, column)
    assert painted[middle].max() == 0


def test_pairs_are_joined_and_what_is_chosen_stands_out(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(np.zeros((90, 120, 3), np.uint8))
    own = copies(120, 90, BOX, OTHER)
    # Halfway between the middles (32, 40) and (88, 48) of the two.
    lay(bench, own, 0.0)
    line = bench.of_picture(grabbed(bench.canvas))[40:49, 60]
    assert line[..., 1].max() > 180 and line[..., 0].max() < 90
    lay(bench, own, 0.0, chosen=frozenset({0, 1}))
    assert bench.of_picture(grabbed(bench.canvas))[40:49, 60].min(axis=1).max() > 180


def test_a_coarse_map_covers_the_picture_evenly(bench: Bench) -> None:
    heat = np.zeros((9, 12), np.uint8)
    heat[:, 6:] = 255
    lay(bench, Localisation(heat, 120, 90, 0.5), 1.0)
    painted = bench.of_picture(grabbed(bench.canvas))
    assert np.array_equal(painted[:, :50], bench.pixels[:, :50])
    strongest = table("inferno")[255, 0]
    assert (np.abs(painted[:, 70:].astype(int) - strongest) <= 2).all()


def test_only_what_is_visible_is_turned_into_a_picture(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A map of a large picture is never handed to Qt as a whole at its full size."""
    bench = make_bench(noise(1500, 2000))
    heat = np.full((1500, 2000), 90, np.uint8)
    lay(bench, Localisation(heat, 2000, 1500, 0.5), 0.7)
    sizes: list[int] = []
    draw = QPainter.drawImage

    def counting(painter: QPainter, target: object, image: object, *more: object) -> None:
        if image.format() == image.Format.Format_Indexed8:  # type: ignore[attr-defined]
            sizes.append(image.width() * image.height())  # type: ignore[attr-defined]
        draw(painter, target, image, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(QPainter, "drawImage", counting)
    for zoom, x, y in ((0.1, 1000.0, 750.0), (1.0, 1900.0, 1400.0), (20.0, 3.0, 3.0)):
        bench.look(zoom, x, y)
        grabbed(bench.canvas)
    assert len(sizes) >= 3
    assert max(sizes) <= 4 * 400 * 300 + 4000


def test_an_outline_has_no_more_corners_than_the_screen_shows() -> None:
    """A circle with thousands of corners, at several sizes; measured against the circle."""
    angles = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    corners = np.rint(2500 + 2000 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    polygon = tuple((int(x), int(y)) for x, y in corners)
    box = Region(500, 500, 4500, 4500)
    outlines = Outlines([FoundRegion((polygon,), 1, 0.5, 1.0, box)])
    counts = []
    for zoom in (2.0, 1.0, 0.5, 0.1, 0.02):
        (path,) = outlines.at(zoom)
        points = [path.elementAt(index) for index in range(path.elementCount())]
        places = np.array([(point.x, point.y) for point in points])
        edges = np.linspace(places[:-1], places[1:], 9).reshape(-1, 2)
        off = np.abs(np.hypot(*(edges - 2500).T) - 2000).max()
        assert off * zoom <= 1.0 + zoom
        counts.append(len(places))
    assert counts[0] == counts[1] == 4001
    assert counts == sorted(counts, reverse=True) and counts[-1] < 60


def test_a_map_that_is_out_of_sight_is_not_painted(bench: Bench) -> None:
    layer = lay(bench, model_map(120, 90, (BOX, 255)), 1.0)
    away = Geometry(400, 300, 120, 90, 64.0, 120.0, 90.0)
    canvas = np.zeros((300, 400, 4), np.uint8)
    image = QImage(canvas.data, 400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    layer.paint(painter, dataclasses.replace(away, x=1e6, y=1e6))
    painter.end()
    assert not canvas[..., :3].any()


def test_the_value_under_the_pointer_is_that_of_its_cell(bench: Bench) -> None:
    heat = np.zeros((9, 12), np.uint8)
    heat[4, 7] = 204
    layer = lay(bench, Localisation(heat, 120, 90, 0.5), 1.0)
    assert layer.value_at(70, 40) == layer.value_at(79, 49) == pytest.approx(0.8)
    assert layer.value_at(69, 40) == layer.value_at(80, 49) == 0


def test_levels_keep_the_mean() -> None:
    heat: RgbU8 = scene(1024, 2048)[:, :, 0]
    levels = _levels(heat)
    assert levels[0] is heat
    assert [level.shape[1] for level in levels] == [2048, 1024, 512, 256]
    blocks = heat.reshape(128, 8, 256, 8).mean(axis=(1, 3))
    assert np.abs(levels[-1] - blocks).max() <= 2
