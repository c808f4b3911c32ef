"""Two contents against each other: side by side, wiped, in turns, and with a reference image."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSplitter
from pytestqt.qtbot import QtBot

from app.analysis.region import Region
from app.arrays import RgbU8
from app.gui.table.canvas import Canvas, Show
from app.gui.table.geometry import Geometry
from app.gui.table.light_table import Arrangement
from tests.gui.conftest import Examiner, grabbed, pixels_of
from tests.pictures import encoded, pillow_residual, scene


def shown(pane: Canvas) -> str:
    """What a pane says that it shows."""
    return pane.accessibleDescription()


def geometry(pane: Canvas) -> Geometry:
    """Where the pane's picture lies in it."""
    assert pane._front is not None
    found = pane.geometry_of(pane._front)
    assert found is not None
    return found


def painted(pane: Canvas, region: Region) -> RgbU8:
    """What is painted of a region at actual size."""
    left, top, width, height = (round(at) for at in geometry(pane).rectangle(region))
    return grabbed(pane)[top : top + height, left : left + width]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two pictures of one size, and one half as large."""
    folder = tmp_path / "pair"
    folder.mkdir()
    for name, seed in (("one.png", 1), ("two.png", 2)):
        (folder / name).write_bytes(encoded(scene(90, 120, seed), "PNG"))
    (folder / "half.png").write_bytes(encoded(scene(45, 60, 3), "PNG"))
    return folder


# The picture against its map ------------------------------------------------------------------


def test_side_by_side_shows_the_picture_and_its_map(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    assert not table.left.isVisible()
    examiner.window.table.set_show(Show.MAP)
    examiner.window.table.set_arrangement(Arrangement.SIDE)
    examiner.settle()
    assert table.left.isVisible()
    assert (shown(table.left), shown(table.right)) == ("Picture", "Map")
    pixels = pixels_of(pair / "one.png")
    inner = Region(30, 30, 90, 60)
    assert np.array_equal(painted(table.left, inner), inner.of(pixels))
    expected = np.clip(pillow_residual(pixels, 90, "4:2:0") * 15, 0, 255)
    assert np.array_equal(painted(table.right, inner), inner.of(expected))


def test_panes_move_together(qtbot: QtBot, examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.window.table.set_arrangement(Arrangement.SIDE)
    examiner.settle()
    table.left.zoom_by(6.0)
    examiner.settle()
    assert geometry(table.right).zoom == pytest.approx(6.0)
    assert (geometry(table.left).x, geometry(table.left).y) == (
        geometry(table.right).x,
        geometry(table.right).y,
    )
    before = geometry(table.left).x
    QTest.keyClick(table.right, Qt.Key.Key_Left)
    assert geometry(table.left).x == geometry(table.right).x < before
    examiner.settle()
    assert examiner.frame.region == geometry(table.right).visible()


def test_wipe_shows_both_in_one_pane(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.window.table.set_show(Show.MAP)
    examiner.window.table.set_arrangement(Arrangement.WIPE)
    examiner.settle()
    assert not table.left.isVisible()
    assert shown(table.right) == "Picture | Map"
    pixels = pixels_of(pair / "one.png")
    expected = np.clip(pillow_residual(pixels, 90, "4:2:0") * 15, 0, 255)
    whole = painted(table.right, Region(0, 0, 120, 90))
    middle = round(table.right.width() / 2 - geometry(table.right).corner[0])
    assert np.array_equal(whole[:, : middle - 1], pixels[:, : middle - 1])
    assert np.array_equal(whole[:, middle + 1 :], expected[:, middle + 1 :])


@pytest.mark.parametrize("arrangement", Arrangement)
def test_what_is_compared_is_never_the_same_twice(
    examiner: Examiner, pair: Path, arrangement: Arrangement
) -> None:
    examiner.open(pair, "one.png")
    for show in Show:
        examiner.window.table.set_show(show)
        examiner.window.table.set_arrangement(arrangement)
        left, right = examiner.window.table._contents()
        assert left.show is not right.show


def test_blink_swaps_and_swaps_back(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.window.table.set_show(Show.MAP)
    examiner.settle()
    inner = Region(30, 30, 90, 60)
    as_map = painted(table.right, inner)
    view = table.viewport.geometry
    examiner.trigger("Blink: swap what is compared")
    assert shown(table.right) == "Picture"
    assert np.array_equal(painted(table.right, inner), inner.of(pixels_of(pair / "one.png")))
    examiner.trigger("Blink: swap what is compared")
    assert shown(table.right) == "Map"
    assert np.array_equal(painted(table.right, inner), as_map)
    assert table.viewport.geometry == view


def test_blink_swaps_the_panes(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.window.table.set_arrangement(Arrangement.SIDE)
    before = shown(table.left), shown(table.right)
    table.flip()
    assert (shown(table.right), shown(table.left)) == before


# A reference image ----------------------------------------------------------------------------


def test_the_next_image_is_shown_against_the_kept_one(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    window, table = examiner.window, examiner.window.table
    examiner.trigger("Keep as reference image")
    assert table.arrangement is Arrangement.SIDE
    assert window.map_panel.arrangement.currentText() == Arrangement.SIDE.value
    assert window.menus.reference.isChecked()
    examiner.show(pair / "two.png")
    assert shown(table.left) == "Reference · Overlay · one.png"
    assert shown(table.right) == "Overlay · two.png"
    window.table.set_show(Show.MAP)
    examiner.settle()
    inner = Region(30, 30, 90, 60)
    for pane, name in ((table.left, "one.png"), (table.right, "two.png")):
        levels = pillow_residual(pixels_of(pair / name), 90, "4:2:0")
        expected = np.clip(levels * 15, 0, 255)
        assert np.array_equal(painted(pane, inner), inner.of(expected))
    examiner.show(pair / "half.png")
    assert shown(table.left) == "Reference · Map · one.png"


def test_a_change_of_parameters_reaches_both_images(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.window.toggle_reference()
    examiner.show(pair / "two.png")
    examiner.window.map_panel.form.set_value("quality", 70)
    examiner.settle()
    for subject, name in ((table.reference, "one.png"), (table.subject, "two.png")):
        assert subject is not None
        assert subject.frame is not None
        expected = pillow_residual(pixels_of(pair / name), 70, "4:2:0")
        assert np.array_equal(subject.frame.measurement, expected)


def test_a_forgotten_reference_is_gone(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    table = examiner.window.table
    examiner.trigger("Keep as reference image")
    examiner.show(pair / "two.png")
    examiner.trigger("Keep as reference image")
    assert table.reference is None
    assert not examiner.window.menus.reference.isChecked()
    assert (shown(table.left), shown(table.right)) == ("Picture", "Overlay")
    examiner.show(pair / "one.png")
    examiner.window.table.set_arrangement(Arrangement.SINGLE)
    examiner.settle()
    assert shown(table.right) == "Overlay"
    grabbed(table)


def test_the_reference_itself_can_be_looked_at_again(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    examiner.window.toggle_reference()
    for name in ("two.png", "one.png", "half.png", "two.png"):
        examiner.show(pair / name)
        grabbed(examiner.window.table)
    assert examiner.window.table.reference is not None
    assert examiner.window.table.reference.name == "one.png"


def test_a_reference_of_another_size_is_framed_alike(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "half.png")
    examiner.window.toggle_reference()
    examiner.show(pair / "one.png")
    table = examiner.window.table
    table.right.zoom_by(3.0, QPointF(30, 40))
    examiner.settle()
    left, right = geometry(table.left), geometry(table.right)
    assert (left.image_width, right.image_width) == (60, 120)
    assert left.zoom == pytest.approx(2 * right.zoom)
    assert (left.x * 2, left.y * 2) == pytest.approx((right.x, right.y))


def test_blink_shows_the_reference_in_the_same_place(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    examiner.window.table.set_show(Show.PICTURE)
    examiner.window.toggle_reference()
    examiner.show(pair / "two.png")
    examiner.window.table.set_arrangement(Arrangement.SINGLE)
    examiner.settle()
    pane, inner = examiner.window.table.right, Region(30, 30, 90, 60)
    for name in ("two.png", "one.png", "two.png"):
        assert np.array_equal(painted(pane, inner), inner.of(pixels_of(pair / name)))
        examiner.window.table.flip()


def test_the_cursor_reads_the_image_that_lies_under_it(examiner: Examiner, pair: Path) -> None:
    """In the reference's pane the reference, with its own coordinates."""
    examiner.open(pair, "one.png")
    examiner.window.toggle_reference()
    examiner.show(pair / "half.png")
    table, said = examiner.window.table, examiner.window._cursor
    for pane, name, x, y in ((table.left, "one.png", 100, 80), (table.right, "half.png", 12, 7)):
        examiner.point_at(pane, x, y)
        red, green, blue = pixels_of(pair / name)[y, x]
        assert f"x {x}  y {y}   RGB {red} {green} {blue}" in said.text()


def test_left_of_the_divider_the_cursor_reads_the_reference(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    examiner.window.toggle_reference()
    examiner.show(pair / "two.png")
    examiner.window.table.set_arrangement(Arrangement.WIPE)
    examiner.settle()
    pane, said = examiner.window.table.right, examiner.window._cursor
    for name, x in (("one.png", 20), ("two.png", 100)):
        examiner.point_at(pane, x, 33)
        red, green, blue = pixels_of(pair / name)[33, x]
        assert f"x {x}  y 33   RGB {red} {green} {blue}" in said.text()


def test_a_region_drawn_on_the_reference_is_one_of_the_current_image(
    examiner: Examiner, pair: Path
) -> None:
    """Where the reference is twice as large, half as many pixels of the current image."""
    examiner.open(pair, "one.png")
    examiner.window.toggle_reference()
    examiner.show(pair / "half.png")
    pane, drawn = examiner.window.table.left, []
    examiner.window.table.region_drawn.connect(lambda name, region: drawn.append((name, region)))
    left, top, width, height = geometry(pane).rectangle(Region(40, 20, 80, 60))
    ends = (
        QPoint(round(left), round(top)),
        QPoint(round(left + width) - 1, round(top + height) - 1),
    )
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, shift, ends[0])
    QTest.mouseMove(pane, ends[1])
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, shift, ends[1])
    assert drawn[-1] == ("A", Region(20, 10, 40, 30))
    assert examiner.window.regions_panel.regions == (Region(20, 10, 40, 30), None)


def test_both_panes_are_covered_by_the_map_when_the_current_image_is_the_reference(
    examiner: Examiner, pair: Path
) -> None:
    examiner.open(pair, "one.png")
    examiner.window.table.set_show(Show.MAP)
    examiner.window.toggle_reference()
    table = examiner.window.table
    table.right.zoom_by(16.0)
    panes = table.right.parentWidget()
    assert isinstance(panes, QSplitter)
    panes.setSizes([250, 900])
    examiner.settle()
    for pane in (table.left, table.right):
        seen = geometry(pane).visible()
        assert seen.inside(examiner.frame.region) == seen


# The view -------------------------------------------------------------------------------------


def test_another_image_of_the_same_size_keeps_the_view(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "one.png")
    viewport = examiner.window.table.viewport
    examiner.window.table.right.zoom_by(5.0, QPointF(100, 60))
    examiner.settle()
    before = viewport.geometry
    examiner.show(pair / "two.png")
    assert (viewport.geometry, viewport.fitted) == (before, False)
    examiner.show(pair / "half.png")
    assert viewport.fitted
    assert viewport.geometry is not None
    assert (viewport.geometry.zoom, viewport.geometry.image_width) == (1.0, 60)
