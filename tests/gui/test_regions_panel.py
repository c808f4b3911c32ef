"""The panel of regions A and B: numbers in, signals out, what is shown and copied."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.analysis.compare import compare_regions
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.region_table import as_text, lines
from app.gui.regions.panel import RegionsPanel
from tests.pictures import scene

A, B = Region(0, 0, 80, 80), Region(100, 70, 190, 150)


@pytest.fixture
def panel(qtbot: QtBot) -> RegionsPanel:
    panel = RegionsPanel()
    qtbot.addWidget(panel)
    panel.set_limits(200, 160)
    panel.show()
    return panel


def emitted(panel: RegionsPanel) -> list[tuple[Region | None, Region | None]]:
    got: list[tuple[Region | None, Region | None]] = []
    panel.regions_changed.connect(lambda a, b: got.append((a, b)))
    return got


def type_into(qtbot: QtBot, panel: RegionsPanel, region: str, what: str, text: str) -> None:
    box = panel.editors[region].boxes[what]
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def test_a_region_can_be_typed(qtbot: QtBot, panel: RegionsPanel) -> None:
    got = emitted(panel)
    for what, text in (("x", "16"), ("y", "8"), ("width", "64"), ("height", "72")):
        type_into(qtbot, panel, "B", what, text)
    # Nothing is a region before the last number is there.
    assert got == [(None, Region(16, 8, 80, 80))]
    assert panel.regions == got[-1]
    qtbot.keyClick(panel.editors["B"].boxes["x"], Qt.Key.Key_Up)
    assert got[-1] == (None, Region(24, 8, 88, 80))


def test_a_region_stays_inside_the_picture(qtbot: QtBot, panel: RegionsPanel) -> None:
    panel.set_region("A", Region(150, 100, 900, 900))
    assert panel.regions == (Region(150, 100, 200, 160), None)
    got = emitted(panel)
    qtbot.keyClick(panel.editors["A"].boxes["width"], Qt.Key.Key_Up)
    qtbot.keyClick(panel.editors["A"].boxes["x"], Qt.Key.Key_Up)
    assert got == []
    qtbot.keyClick(panel.editors["A"].boxes["width"], Qt.Key.Key_Down)
    qtbot.keyClick(panel.editors["A"].boxes["x"], Qt.Key.Key_Up)
    assert [a for a, _ in got] == [Region(150, 100, 192, 160), Region(158, 100, 200, 160)]


def test_every_change_is_told_once(panel: RegionsPanel) -> None:
    got = emitted(panel)
    panel.set_region("A", A)
    panel.set_region("B", B)
    panel.set_region("B", B)
    assert got == [(A, None), (A, B)]
    panel.editors["A"].clear.click()
    assert got[2:] == [(None, B)]
    assert not panel.editors["A"].clear.isEnabled() and panel.editors["B"].clear.isEnabled()
    panel.set_region("B", None)
    assert got[3:] == [(None, None)] and panel.regions == (None, None)


def test_regions_inside_another_picture_stay(panel: RegionsPanel) -> None:
    panel.set_region("A", A)
    panel.set_region("B", B)
    got = emitted(panel)
    panel.set_limits(300, 150)
    assert panel.regions == (A, B) and got == []
    assert panel.text.text() == "Measuring …"
    panel.set_limits(300, 149)
    assert panel.regions == (A, None) and got == [(A, None)]
    panel.set_limits(0, 0)
    assert panel.regions == (None, None) and got[1:] == [(None, None)]
    assert not panel.isEnabled() and panel.text.text() == "No image is shown."


def test_visible_part_is_asked_for_by_name(panel: RegionsPanel) -> None:
    asked: list[str] = []
    panel.visible_wanted.connect(asked.append)
    panel.editors["B"].visible.click()
    panel.editors["A"].visible.click()
    assert asked == ["B", "A"]


def test_a_comparison_is_shown_and_copied(panel: RegionsPanel) -> None:
    compared = compare_regions(scene(160, 200, 9), ELA, ElaParams(), A, B)
    assert compared.comparison is not None
    panel.show_comparison(compared)
    shown = [
        tuple(panel.table.item(row, column).text() for column in range(4))
        for row in range(panel.table.rowCount())
    ]
    assert not compared.comparison.comparable
    assert [line[:3] for line in shown] == [line[:3] for line in lines(compared)]
    assert {line[3] for line in shown} == {""}, "no ratio of what is not comparable"
    assert panel.text.text().splitlines() == list(compared.comparison.sentences)
    panel.copy.click()
    assert QGuiApplication.clipboard().text() == as_text(compared)


def test_one_region_alone_shows_numbers_and_asks_for_the_other(panel: RegionsPanel) -> None:
    compared = compare_regions(scene(160, 200, 9), ELA, ElaParams(), None, B)
    panel.show_comparison(compared)
    assert panel.table.item(0, 1).text() == "" and panel.table.item(0, 2).text() != ""
    assert panel.text.text() == "Set A too, to compare."


def test_old_numbers_are_not_taken_for_new_ones(panel: RegionsPanel) -> None:
    panel.set_region("A", A)
    panel.set_region("B", B)
    panel.show_comparison(compare_regions(scene(160, 200, 9), ELA, ElaParams(), A, B))
    assert panel.table.isEnabled() and panel.copy.isEnabled()
    panel.editors["A"].boxes["x"].setValue(8)
    assert not panel.table.isEnabled() and not panel.copy.isEnabled()
    assert panel.text.text() == "Measuring …"
    panel.show_text("Memory ran out.")
    assert panel.table.rowCount() == 0 and panel.text.text() == "Memory ran out."


def test_tab_leads_through_everything_by_name(qtbot: QtBot, panel: RegionsPanel) -> None:
    panel.set_region("A", A)
    panel.set_region("B", B)
    panel.show_comparison(compare_regions(scene(160, 200, 9), ELA, ElaParams(), A, B))
    panel.activateWindow()
    panel.editors["A"].visible.setFocus()
    qtbot.waitUntil(panel.editors["A"].visible.hasFocus)
    names: list[str] = []
    for _ in range(15):
        focused = QApplication.focusWidget()
        assert focused is not None
        names.append(focused.accessibleName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    numbers = ("x", "y", "width", "height")
    expected = [
        [f"Visible part as {name}", f"Clear {name}", *(f"{name} {what}" for what in numbers)]
        for name in "AB"
    ]
    assert names[:13] == [*expected[0], *expected[1], panel.text.text()]
    assert names[13:15] == ["Statistics of A and B", "Copy numbers and sentences"]
