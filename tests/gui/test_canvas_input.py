"""Mouse and keys in a pane, compared with arithmetic."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.analysis.region import Region
from app.gui.table.canvas import Show
from tests.gui.bench import HEIGHT, WIDTH, Bench
from tests.pictures import scene

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
LEFT_BUTTON = Qt.MouseButton.LeftButton

# Mouse ----------------------------------------------------------------------------------------


def test_the_wheel_zooms_about_the_cursor(bench: Bench) -> None:
    x, y = 231.0, 122.0
    before = bench.geometry.to_image(x, y)
    bench.wheel(x, y, 120)
    assert bench.geometry.zoom == pytest.approx(1.25)
    assert bench.geometry.to_image(x, y) == pytest.approx(before)
    bench.wheel(x, y, 240)
    bench.wheel(x, y, -360)
    assert bench.geometry.zoom == pytest.approx(1.0)
    assert bench.geometry.to_image(x, y) == pytest.approx(before)
    bench.wheel(x, y, 0)
    assert bench.geometry.zoom == pytest.approx(1.0)


def test_dragging_pans(qtbot: QtBot, bench: Bench) -> None:
    bench.look(4.0, 60.0, 45.0)
    canvas = bench.canvas
    held = bench.geometry.to_image(100, 100)
    QTest.mousePress(canvas, LEFT_BUTTON, pos=QPoint(100, 100))
    QTest.mouseMove(canvas, QPoint(120, 90))
    QTest.mouseMove(canvas, QPoint(160, 84))
    assert bench.geometry.to_image(160, 84) == pytest.approx(held)
    QTest.mouseRelease(canvas, LEFT_BUTTON, pos=QPoint(160, 84))
    QTest.mouseMove(canvas, QPoint(10, 10))
    assert bench.geometry.to_image(160, 84) == pytest.approx(held)
    assert bench.drawn == []


@pytest.mark.parametrize(("key", "name"), [(SHIFT, "A"), (CONTROL, "B")])
def test_dragging_with_a_key_draws_a_region(
    qtbot: QtBot, bench: Bench, key: Qt.KeyboardModifier, name: str
) -> None:
    bench.look(4.0, 60.0, 45.0)
    canvas = bench.canvas

    def at(column: int, row: int) -> QPoint:
        left, top, _, _ = bench.geometry.rectangle(Region(column, row, column + 1, row + 1))
        return QPoint(round(left) + 2, round(top) + 1)

    QTest.mousePress(canvas, LEFT_BUTTON, key, pos=at(70, 60))
    QTest.mouseMove(canvas, at(65, 58))
    QTest.mouseMove(canvas, at(50, 41))
    QTest.mouseRelease(canvas, LEFT_BUTTON, key, pos=at(50, 41))
    # Whole pixels, both ends included, whichever corner came first.
    assert bench.drawn[-1] == (name, Region(50, 41, 71, 61))
    assert bench.geometry.x == 60.0


def test_a_region_ends_at_the_edge_of_the_picture(qtbot: QtBot, bench: Bench) -> None:
    canvas = bench.canvas
    QTest.mousePress(canvas, LEFT_BUTTON, SHIFT, pos=QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(399, 299))
    QTest.mouseRelease(canvas, LEFT_BUTTON, SHIFT, pos=QPoint(399, 299))
    assert bench.drawn[-1] == ("A", Region(60, 45, 120, 90))
    count = len(bench.drawn)
    QTest.mousePress(canvas, LEFT_BUTTON, SHIFT, pos=QPoint(2, 2))
    QTest.mouseMove(canvas, QPoint(9, 9))
    QTest.mouseRelease(canvas, LEFT_BUTTON, SHIFT, pos=QPoint(9, 9))
    assert len(bench.drawn) == count


def test_the_divider_is_dragged(qtbot: QtBot, bench: Bench) -> None:
    canvas = bench.canvas
    QTest.mousePress(canvas, LEFT_BUTTON, pos=QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(240, 150))
    QTest.mouseRelease(canvas, LEFT_BUTTON, pos=QPoint(240, 150))
    assert canvas.divider == 0.5
    canvas.set_contents(bench.content(Show.MAP), bench.content(Show.PICTURE))
    before = bench.geometry
    QTest.mousePress(canvas, LEFT_BUTTON, pos=QPoint(203, 20))
    QTest.mouseMove(canvas, QPoint(100, 20))
    assert canvas.divider == 0.25
    QTest.mouseMove(canvas, QPoint(900, 20))
    assert canvas.divider == 1.0
    QTest.mouseRelease(canvas, LEFT_BUTTON, pos=QPoint(900, 20))
    assert bench.geometry == before


def test_the_cursor_is_over_the_pixel_that_is_painted_there(qtbot: QtBot, bench: Bench) -> None:
    QTest.mouseMove(bench.canvas, QPoint(141, 106))
    assert bench.hovered[-1] == (1, 1)
    QTest.mouseMove(bench.canvas, QPoint(139, 106))
    assert bench.hovered[-1] == (-1, -1)
    QTest.mouseMove(bench.canvas, QPoint(259, 194))
    assert bench.hovered[-1] == (119, 89)
    QApplication.sendEvent(bench.canvas, QEvent(QEvent.Type.Leave))
    assert bench.hovered[-1] == (-1, -1)


def test_double_click_goes_to_actual_size_at_the_cursor_and_back(
    qtbot: QtBot, make_bench: Callable[..., Bench]
) -> None:
    bench = make_bench(scene(900, 1200, 8))
    canvas = bench.canvas
    canvas.fit()
    fitted = bench.geometry
    under = fitted.to_image(100, 90)
    QTest.mouseDClick(canvas, LEFT_BUTTON, pos=QPoint(100, 90))
    assert bench.geometry.zoom == pytest.approx(1.0)
    assert bench.geometry.to_image(100, 90) == pytest.approx(under)
    assert not bench.viewport.fitted
    QTest.mouseDClick(canvas, LEFT_BUTTON, pos=QPoint(300, 200))
    assert bench.geometry == fitted
    assert bench.viewport.fitted


# Keys and size --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "x", "y"),
    [
        (Qt.Key.Key_Left, -16, 0),
        (Qt.Key.Key_Right, 16, 0),
        (Qt.Key.Key_Up, 0, -16),
        (Qt.Key.Key_Down, 0, 16),
    ],
)
def test_arrow_keys_pan_by_the_same_way_on_the_screen(
    qtbot: QtBot, bench: Bench, key: Qt.Key, x: int, y: int
) -> None:
    bench.look(4.0, 60.0, 45.0)
    QTest.keyClick(bench.canvas, key)
    assert (bench.geometry.x, bench.geometry.y) == (60 + x, 45 + y)


def test_alt_and_arrow_keys_move_the_divider(qtbot: QtBot, bench: Bench) -> None:
    bench.canvas.set_contents(bench.content(Show.MAP), bench.content(Show.PICTURE))
    before = bench.geometry
    QTest.keyClick(bench.canvas, Qt.Key.Key_Right, ALT)
    QTest.keyClick(bench.canvas, Qt.Key.Key_Right, ALT)
    QTest.keyClick(bench.canvas, Qt.Key.Key_Left, ALT)
    assert bench.canvas.divider == pytest.approx(0.52)
    assert bench.geometry == before


def test_a_fitted_picture_stays_fitted_when_the_pane_changes(bench: Bench, qtbot: QtBot) -> None:
    bench.canvas.fit()
    with qtbot.waitSignal(bench.canvas.resized):
        bench.canvas.resize(200, 160)
    assert bench.geometry.zoom == 1.0
    with qtbot.waitSignal(bench.canvas.resized):
        bench.canvas.setMinimumSize(10, 10)
        bench.canvas.resize(60, 160)
    assert bench.geometry.zoom == 0.5
    bench.canvas.zoom_by(2.0)
    with qtbot.waitSignal(bench.canvas.resized):
        bench.canvas.resize(WIDTH, HEIGHT)
    assert bench.geometry.zoom == 1.0
