"""The table of a scan: what stays while rows arrive, what keys and clicks do, the clipboard."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, QThreadPool
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.detection.verdict import State
from app.gui.scan.columns import Answer, Columns
from app.gui.scan.files import prepared
from app.gui.scan.order import Filter, Kind, Wanted
from app.gui.scan.panel import ScanPanel
from app.gui.words import state_colour
from app.scan.rows import Row
from tests.gui.scans import judged, many, verdict

PATHS = [Path(f"/case/{number:03}.jpg") for number in range(300)]
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@pytest.fixture
def make_panel(qtbot: QtBot, pool: QThreadPool) -> Callable[..., ScanPanel]:
    """Makes a shown panel in which a scan of ``paths`` has begun."""

    def make(paths: list[Path], questions: tuple[str, ...] = ("tampered",)) -> ScanPanel:
        panel = ScanPanel(pool)
        qtbot.addWidget(panel)
        panel.resize(900, 300)
        panel.show()
        panel.begin("case", Columns(prepared(paths), questions))
        QApplication.processEvents()
        return panel

    return make


def arrive(panel: ScanPanel, rows: list[Row]) -> None:
    panel.take(rows)
    panel.refresh(panel.model.columns.count)
    QApplication.processEvents()


def names(panel: ScanPanel) -> list[str]:
    model = panel.model
    return [str(model.data(model.index(row, 0))) for row in range(model.rowCount())]


def section(panel: ScanPanel, kind: Kind) -> int:
    return next(n for n, column in enumerate(panel.model.shown) if column.kind is kind)


def top(panel: ScanPanel) -> tuple[str, int]:
    """The first row that is seen, and where it begins."""
    row = panel.table.rowAt(0)
    return names(panel)[row], panel.table.rowViewportPosition(row)


def select(panel: ScanPanel, row: int) -> None:
    """One row; QTableView.selectRow heeds the keys that an earlier event came with."""
    flags = QItemSelectionModel.SelectionFlag
    chosen = flags.ClearAndSelect | flags.Rows
    panel.table.selectionModel().setCurrentIndex(panel.model.index(row, 0), chosen)


def click(panel: ScanPanel, row: int, modifier: Qt.KeyboardModifier) -> None:
    place = panel.table.visualRect(panel.model.index(row, 0)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


# What stays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, Kind.SCORE])
def test_rows_that_arrive_move_neither_the_selection_nor_what_is_seen(
    make_panel: Callable[..., ScanPanel], by: Kind | None
) -> None:
    panel = make_panel(PATHS)
    rows = many(PATHS, seed=4)
    arrive(panel, rows[1::2])
    if by is not None:
        panel.table.sortByColumn(section(panel, by), DESCENDING)
    select(panel, 60)
    click(panel, 62, Qt.KeyboardModifier.ControlModifier)
    panel.table.verticalScrollBar().setValue(1111)
    QApplication.processEvents()
    selected, seen, current = panel.selected, top(panel), panel.table.currentIndex().row()
    current_name = names(panel)[current]
    assert len(selected) == 2
    arrive(panel, rows[0::2])
    assert panel.model.rowCount() == 300
    assert panel.selected == selected
    assert top(panel) == seen
    assert names(panel)[panel.table.currentIndex().row()] == current_name


def test_who_looks_at_the_first_rows_keeps_seeing_the_first(
    make_panel: Callable[..., ScanPanel],
) -> None:
    panel = make_panel(PATHS)
    panel.table.sortByColumn(section(panel, Kind.SCORE), DESCENDING)
    arrive(panel, [judged(path, tampered=0.1) for path in PATHS[:100]])
    arrive(panel, [judged(PATHS[200], tampered=0.9)])
    assert top(panel) == ("200.jpg", 0)


def test_a_selection_survives_sorting_and_filtering(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS)
    arrive(panel, [judged(path, tampered=0.9 - n / 1000) for n, path in enumerate(PATHS)])
    select(panel, 10)
    click(panel, 12, Qt.KeyboardModifier.ShiftModifier)
    assert panel.selected == PATHS[10:13]
    panel.table.sortByColumn(section(panel, Kind.SCORE), ASCENDING)
    assert set(panel.selected) == set(PATHS[10:13])
    panel.set_filter(Filter(text="011"))
    assert panel.selected == [PATHS[11]]
    panel.set_filter(Filter())
    panel.table.sortByColumn(-1, ASCENDING)
    assert names(panel) == [path.name for path in PATHS]
    panel.table.selectAll()
    panel.table.sortByColumn(section(panel, Kind.SCORE), ASCENDING)
    assert len(panel.selected) == 300


def test_a_row_that_is_judged_again_is_replaced_in_its_place(
    make_panel: Callable[..., ScanPanel],
) -> None:
    panel = make_panel(PATHS[:5])
    arrive(panel, [judged(path, tampered=0.1) for path in PATHS[:5]])
    select(panel, 2)
    panel.begin_again("case", 1, ["tampered"])
    arrive(panel, [judged(PATHS[2], tampered=0.95)])
    assert names(panel) == [path.name for path in PATHS[:5]]
    state = panel.model.index(2, section(panel, Kind.STATE))
    assert panel.model.data(state) == "positive"
    assert panel.selected == [PATHS[2]]


def test_a_question_that_is_asked_later_gets_a_column(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS[:5])
    arrive(panel, [judged(path, tampered=0.1) for path in PATHS[:5]])
    panel.begin_again("case", 1, ["tampered", "generated"])
    arrive(panel, [judged(PATHS[2], tampered=0.1, generated=0.95)])
    headings = [
        panel.model.headerData(n, Qt.Orientation.Horizontal) for n in range(len(panel.model.shown))
    ]
    assert headings == [
        *("File", "Folder", "Status", "Tampered", "Score", "Range"),
        *("Generated", "Score", "Range", "Note"),
    ]
    texts = [str(panel.model.data(panel.model.index(2, n))) for n in range(10)]
    assert texts[6:9] == ["positive", "0.950", "0.95–0.95"]
    assert list(panel.filters.questions) == ["tampered", "generated"]


# Cells ----------------------------------------------------------------------------------------


def test_cells_say_state_score_range_and_why(make_panel: Callable[..., ScanPanel]) -> None:
    paths = [Path("/case/a/x.jpg"), Path("/case/b/x.jpg"), Path("/case/b/y.jpg")]
    panel = make_panel(paths)
    same = Row(paths[1], "ok", verdicts=(verdict("tampered", None),), duplicate_of=paths[0])
    given = verdict("tampered", 0.5, 0.25)
    broken = Row(paths[2], "broken", "It ends early.")
    arrive(panel, [Row(paths[0], "ok", verdicts=(given,)), same, broken])
    model = panel.model
    texts = [[str(model.data(model.index(row, n))) for n in range(7)] for row in range(3)]
    assert texts == [
        ["x.jpg", "a", "ok", "inconclusive", "0.500", "0.25–0.75", "It is inconclusive."],
        ["x.jpg", "b", "ok", "outside validity", "", "", texts[1][6]],
        ["y.jpg", "b", "broken", "", "", "", "It ends early."],
    ]
    assert texts[1][6] == "Same content as x.jpg. It is outside_validity."
    assert not panel.table.isColumnHidden(section(panel, Kind.FOLDER))


def test_the_folder_is_left_out_where_there_is_one(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS)
    assert panel.table.isColumnHidden(section(panel, Kind.FOLDER))


def test_states_have_their_colour_and_their_word(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS[:2])
    arrive(panel, [judged(PATHS[0], tampered=0.9), judged(PATHS[1], tampered=0.1)])
    model, column = panel.model, section(panel, Kind.STATE)
    for row, state in enumerate((State.POSITIVE, State.NEGATIVE)):
        index = model.index(row, column)
        assert model.data(index) == state.value
        colour = model.data(index, Qt.ItemDataRole.ForegroundRole)
        assert isinstance(colour, QColor)
        assert colour == state_colour(state, panel.palette())
        assert model.data(index, Qt.ItemDataRole.DecorationRole) is not None


def test_names_and_reasons_are_never_read_as_html(make_panel: Callable[..., ScanPanel]) -> None:
    path = Path("/case/<b>bold.jpg")
    panel = make_panel([path])
    arrive(panel, [Row(path, "broken", "<i>odd</i>\nline")])
    tooltip = str(panel.model.data(panel.model.index(0, 0), Qt.ItemDataRole.ToolTipRole))
    assert "&lt;b&gt;bold" in tooltip and "&lt;i&gt;odd" in tooltip
    assert "\n" not in str(panel.model.data(panel.model.index(0, section(panel, Kind.NOTE))))


# Keys and clicks ------------------------------------------------------------------------------


@pytest.fixture
def full(make_panel: Callable[..., ScanPanel]) -> tuple[ScanPanel, list[Path]]:
    """A panel with ten rows, and what it has opened."""
    panel, opened = make_panel(PATHS[:10]), list[Path]()
    arrive(panel, [judged(path, tampered=0.1) for path in PATHS[:10]])
    panel.opened.connect(opened.append)
    return panel, opened


def test_a_click_opens_and_a_click_with_a_key_only_selects(
    full: tuple[ScanPanel, list[Path]],
) -> None:
    panel, opened = full
    click(panel, 1, Qt.KeyboardModifier.NoModifier)
    assert opened == [PATHS[1]]
    click(panel, 3, Qt.KeyboardModifier.ControlModifier)
    click(panel, 5, Qt.KeyboardModifier.ShiftModifier)
    assert opened == [PATHS[1]]
    assert panel.selected == [PATHS[1], *PATHS[3:6]]


def test_arrow_keys_and_enter_open(full: tuple[ScanPanel, list[Path]]) -> None:
    panel, opened = full
    select(panel, 2)
    assert opened == []
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    QTest.keyClick(panel.table, Qt.Key.Key_Down)
    QTest.keyClick(panel.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(panel.table, Qt.Key.Key_Up)
    assert opened == [PATHS[2], PATHS[3], PATHS[3]]
    QTest.keyClick(panel.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert panel.selected == PATHS[:10]


def test_an_order_that_changes_opens_nothing(full: tuple[ScanPanel, list[Path]]) -> None:
    panel, opened = full
    select(panel, 2)
    panel.table.sortByColumn(0, DESCENDING)
    panel.set_filter(Filter(text="7"))
    panel.set_filter(Filter())
    QApplication.processEvents()
    assert opened == []


def test_the_keyboard_goes_from_the_filter_to_the_rows(
    full: tuple[ScanPanel, list[Path]],
) -> None:
    panel, _ = full
    panel.activateWindow()
    panel.filters.text.setFocus()
    QTest.keyClicks(panel.filters.text, "00")
    assert panel.model.rowCount() == 10
    QTest.keyClick(panel.filters.text, Qt.Key.Key_Down)
    assert panel.table.hasFocus()
    panel.filters.text.setFocus()
    QTest.keyClick(panel.filters.text, Qt.Key.Key_Escape)
    assert panel.filters.text.text() == ""


def test_the_context_menu_is_enabled_when_it_can_do_something(
    full: tuple[ScanPanel, list[Path]],
) -> None:
    panel, opened = full
    table = panel.table
    assert table.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu
    texts = [action.text().replace("&", "") for action in table.actions()]
    assert texts == ["Open", "Re-scan selected", "Copy path", "Copy row as text"]
    assert not any(action.isEnabled() for action in table.actions())
    select(panel, 4)
    for action in (table.open_action, table.copy_path_action, table.copy_row_action):
        assert action.isEnabled()
    table.open_action.trigger()
    assert opened == [PATHS[4]]
    wanted: list[bool] = []
    panel.rescan_wanted.connect(lambda: wanted.append(True))
    table.rescan_action.setEnabled(True)
    table.rescan_action.trigger()
    assert wanted == [True]


def test_paths_and_rows_go_to_the_clipboard_as_shown(
    qtbot: QtBot, full: tuple[ScanPanel, list[Path]]
) -> None:
    panel, _ = full
    clipboard = QGuiApplication.clipboard()
    panel.table.sortByColumn(0, DESCENDING)
    select(panel, 0)
    click(panel, 1, Qt.KeyboardModifier.ShiftModifier)
    panel.table.copy_path_action.trigger()
    qtbot.waitUntil(lambda: clipboard.text() == f"{PATHS[9]}\n{PATHS[8]}", timeout=10_000)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "\t" in clipboard.text(), timeout=10_000)
    lines = [line.split("\t") for line in clipboard.text().split("\n")]
    assert lines[0] == [
        *("Path", "Status", "tampered state", "tampered score", "tampered range", "Note")
    ]
    assert lines[1] == [*(str(PATHS[9]), "ok", "negative", "0.100", "0.10–0.10", "It is negative.")]
    assert len(lines) == 3


# Headings -------------------------------------------------------------------------------------


def test_clicks_on_a_heading_sort_with_the_highest_score_first_and_then_give_up(
    full: tuple[ScanPanel, list[Path]],
) -> None:
    panel, _ = full
    arrive(panel, [judged(PATHS[n], tampered=s) for n, s in ((3, 0.5), (7, 0.9))])
    headings, column = panel.table.horizontalHeader(), section(panel, Kind.SCORE)
    place = QPoint(headings.sectionViewportPosition(column) + 20, headings.height() // 2)
    seen = []
    for _ in range(3):
        QTest.mouseClick(
            headings.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            place,
        )
        seen.append((names(panel)[0], names(panel)[-1], headings.sortIndicatorSection()))
    assert seen[0] == ("007.jpg", "009.jpg", column)
    assert seen[1] == ("000.jpg", "007.jpg", column)
    assert seen[2] == ("000.jpg", "009.jpg", -1)


# Filter ---------------------------------------------------------------------------------------


def test_every_condition_of_the_bar_reaches_the_rows(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS, ("tampered", "generated"))
    rows = many(PATHS, seed=6)
    arrive(panel, rows)
    bar = panel.filters
    assert bar.shown.text() == "300 of 300 rows shown"
    assert not bar.all_button.isEnabled()
    tampered = bar.questions["tampered"]

    def shown() -> int:
        assert bar.shown.text() == f"{panel.model.rowCount()} of 300 rows shown"
        return panel.model.rowCount()

    bar.status.setCurrentText("broken")
    assert shown() == sum(row.status == "broken" for row in rows)
    bar.status.setCurrentIndex(0)
    tampered.answer.setCurrentIndex(1 + Answer.POSITIVE)
    positive = [
        v.score for row in rows for v in row.verdicts if v.question == "tampered" and v.score
    ]
    assert shown() == sum(score >= 0.8 for score in positive)
    tampered.least.setValue(0.9)
    assert shown() == sum(score >= 0.9 for score in positive)
    assert bar.all_button.isEnabled()
    assert "tampered: positive, score from 0.90" in bar.shown.toolTip()
    bar.all_button.click()
    assert shown() == 300
    bar.conspicuous.setChecked(True)
    assert 0 < shown() < 300
    bar.text.setText("no such name")
    assert shown() == 0
    assert "No row" in panel.table.accessibleDescription()


def test_a_range_of_scores_is_said_and_goes_with_another_smallest_score(
    make_panel: Callable[..., ScanPanel],
) -> None:
    panel = make_panel(PATHS)
    arrive(panel, [judged(path, tampered=n / 300) for n, path in enumerate(PATHS)])
    panel.set_filter(Filter(answers={"tampered": Wanted(None, 0.5, 0.55)}))
    assert panel.model.rowCount() == 15
    least = panel.filters.questions["tampered"].least
    assert least.text() == "from 0.50 to 0.55"
    least.setValue(0.6)
    assert least.text() == "from 0.60"
    assert panel.model.rowCount() == 120
    panel.set_filter(Filter(answers={"tampered": Wanted(None, 0.0, 0.05)}))
    assert least.text() == "from 0.00 to 0.05"
    assert panel.model.rowCount() == 15


def test_rows_that_arrive_pass_the_filter_first(make_panel: Callable[..., ScanPanel]) -> None:
    panel = make_panel(PATHS)
    panel.set_filter(Filter(answers={"tampered": Wanted(Answer.POSITIVE)}))
    arrive(panel, [judged(path, tampered=n / 300) for n, path in enumerate(PATHS)])
    assert panel.model.rowCount() == 60
    assert panel.filters.shown.text() == "60 of 300 rows shown"
