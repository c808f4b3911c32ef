"""The panels: the keyboard goes only where the eye can follow, and small screens have room."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QPushButton,
    QScrollArea,
    QWidget,
)

from app.analysis.region import Region
from app.gui.main_window import MainWindow
from tests.gui.conftest import Examiner

ON_THE_RIGHT = ("verdict", "where", "file", "notes", "regions", "help")
BELOW = ("scan", "overview", "sweep")


def spoken(widget: QWidget) -> str:
    """What a screen reader calls it."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface else ""


def stops(window: MainWindow, key: Qt.Key) -> Iterator[QWidget]:
    """Where presses of Tab (or Backtab) lead from the folder's list, until they are back there."""
    start = window.folder.list
    start.setFocus()
    for _ in range(200):
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, key)
        QApplication.processEvents()
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused is start:
            return
        yield focused
    pytest.fail("Tab does not come round")


def is_in_sight(widget: QWidget) -> bool:
    """Whether any of it, or of the viewport that covers it, is painted."""
    viewport = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    return not (widget.visibleRegion().isEmpty() and viewport.visibleRegion().isEmpty())


def is_seen(dock: QDockWidget) -> bool:
    """Whether any of it lies on the screen; Qt keeps docks behind a tab far to the left of it."""
    return dock.isVisible() and (dock.isFloating() or dock.geometry().right() >= 0)


# Keyboard -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
@pytest.mark.parametrize("front", [*ON_THE_RIGHT, "overview", "sweep"])
def test_tab_visits_only_what_is_seen_and_has_a_name(
    examiner: Examiner, folder: Path, front: str, key: Qt.Key
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    window.regions_panel.set_region("A", Region(0, 0, 16, 16))
    # So low that panels scroll.
    window.resize(1024, 700)
    window.docks.arrange()
    window.docks.bring_up(front)
    examiner.settle()
    visited = []
    for widget in stops(window, key):
        visited.append(widget)
        words = f"{type(widget).__name__} {spoken(widget)}"
        assert is_in_sight(widget), words
        assert spoken(widget), words
    assert window.table.right in visited
    inside = window.docks.dock(front).widget()
    assert any(inside is widget or inside.isAncestorOf(widget) for widget in visited)


def test_what_is_not_in_front_is_out_of_reach_whatever_is_done(
    qapp: QApplication, window: MainWindow
) -> None:
    """Two hundred random commands on the panels; after each only what is seen can be reached."""
    chance = random.Random(22)
    commands: list[Callable[[QDockWidget], object]] = [
        lambda dock: dock.close(),
        lambda dock: dock.show(),
        lambda dock: window.docks.bring_up(dock.objectName()),
        lambda dock: window.docks.bring_up(dock.objectName()),
        lambda dock: dock.toggleViewAction().trigger(),
        # A dock is torn off by its title bar, which is seen then.
        lambda dock: dock.setFloating(is_seen(dock) and not dock.isFloating()),
        lambda _: window.docks.arrange(),
    ]
    behind = 0
    for step in range(200):
        command, dock = chance.choice(commands), chance.choice(window.docks.all)
        command(dock)
        qapp.processEvents()
        for dock in window.docks.all:
            if dock.isVisible():
                assert dock.widget().isVisible() == is_seen(dock), (step, dock.objectName())
                behind += not is_seen(dock)
    assert behind > 100


def test_a_restored_layout_keeps_hidden_pages_out_of_reach(
    qapp: QApplication, window: MainWindow, make_window: Callable[[], MainWindow]
) -> None:
    window.docks.bring_up("regions")
    qapp.processEvents()
    window.close()
    other = make_window()
    qapp.processEvents()
    seen = {dock.objectName() for dock in other.docks.all if dock.widget().isVisible()}
    assert seen == {"folder", "map", "regions", "scan"}


def test_a_note_can_be_written_at_once_and_survives_behind_another_tab(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    window.docks.bring_up("verdict")
    window.write_note()
    assert window.notes.note.hasFocus()
    QTest.keyClicks(window.notes.note, "two bananas")
    window.docks.bring_up("file")
    examiner.settle()
    focused = QApplication.focusWidget()
    assert focused is not window.notes.note
    assert focused is None or is_in_sight(focused)
    window.docks.bring_up("notes")
    assert window.notes.note.toPlainText() == "two bananas"
    assert window.notes.note.textCursor().position() == len("two bananas")


def test_minimising_the_window_does_not_take_the_keyboard_from_a_field(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    window.write_note()
    window.showMinimized()
    window.docks.dock("notes").visibilityChanged.emit(False)
    window.showNormal()
    examiner.settle()
    assert window.notes.note.isVisible()
    assert window.focusWidget() is window.notes.note


def test_the_sweep_rests_behind_a_tab_and_keeps_what_it_has(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    window, strip = examiner.window, examiner.window.sweep
    assert not strip.busy
    window.docks.bring_up("sweep")
    examiner.qtbot.waitUntil(lambda: 0 < len(strip._wanted) == len(strip._steps), timeout=20_000)
    measured = dict(strip._steps)
    window.docks.bring_up("scan")
    examiner.settle()
    window.docks.bring_up("sweep")
    QApplication.processEvents()
    assert not strip.busy
    assert strip._steps == measured


# Room -----------------------------------------------------------------------------------------

SIZES = [(1440, 900), (1024, 700), (880, 580)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def sized(
    request: pytest.FixtureRequest, examiner: Examiner, folder: Path, qapp: QApplication
) -> MainWindow:
    """A window as it is when it starts on a screen of this size, with an image."""
    window = examiner.window
    examiner.open(folder, "a.jpg")
    window.resize(*request.param)
    qapp.processEvents()
    window.docks.arrange()
    examiner.settle()
    return window


def test_nothing_of_the_map_panel_is_cut_off_at_the_side(
    sized: MainWindow, qapp: QApplication
) -> None:
    area = sized.docks.dock("map").widget()
    assert isinstance(area, QScrollArea)
    # Also when the analyst makes the panel as narrow as it goes.
    sized.resizeDocks([sized.docks.dock("map")], [50], Qt.Orientation.Horizontal)
    for analysis in sized.analyses:
        sized.map_panel.choose(analysis)
        qapp.processEvents()
        controls = [
            widget
            for kind in (QComboBox, QPushButton, QLabel, QWidget)
            for widget in sized.map_panel.findChildren(kind)
            if widget.isVisible()
        ]
        assert len(controls) > 20
        for widget in controls:
            corner = widget.mapTo(sized.map_panel, QPoint(0, 0))
            place = QRect(sized.map_panel.mapTo(area, corner), widget.size())
            seen = area.viewport().geometry()
            assert seen.left() <= place.left() and place.right() <= seen.right(), widget
        for button in sized.map_panel.findChildren(QPushButton):
            text = button.fontMetrics().horizontalAdvance(button.text())
            assert button.width() > text + 8


def test_a_long_name_of_a_preset_does_not_widen_the_panel(
    window: MainWindow, qapp: QApplication
) -> None:
    before = window.docks.dock("map").minimumSizeHint().width()
    panel = window.map_panel
    panel.set_presets({"Newspaper " * 12: panel.form.params})
    qapp.processEvents()
    assert window.docks.dock("map").minimumSizeHint().width() == before


def test_showing_another_page_moves_nothing(sized: MainWindow, qapp: QApplication) -> None:
    def sizes() -> dict[str, tuple[int, int]]:
        constant = (sized.table, sized.docks.dock("folder"), sized.docks.dock("map"))
        return {widget.objectName(): (widget.width(), widget.height()) for widget in constant}

    before = sizes()
    for name in (*ON_THE_RIGHT, *BELOW, *ON_THE_RIGHT):
        sized.docks.bring_up(name)
        qapp.processEvents()
        assert sizes() == before, name


def test_the_picture_has_more_room_than_the_empty_scan(sized: MainWindow) -> None:
    scan = sized.docks.dock("scan")
    assert sized.table.right.height() > 1.5 * scan.height()
    assert sized.docks.dock("folder").width() >= 180
    if sized.height() < 800:
        assert scan.height() <= 0.25 * sized.height()
