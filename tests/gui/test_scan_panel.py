"""The scan's panel: rows shown a few times a second, their folder named, a report of all."""

import csv
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QThreadPool
from PySide6.QtGui import QAction
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.detection.verdict import State, Verdict
from app.errors import ElascopeError
from app.gui import batch
from app.gui.folder.listing import files_to_show
from app.gui.main_window import MainWindow
from app.gui.models import Models
from app.gui.scan.columns import Columns
from app.gui.scan.files import prepared
from app.gui.scan.panel import ScanPanel
from app.gui.scan.progress import Pace
from app.scan.rows import Row
from tests.gui.conftest import Examiner
from tests.models import card, question, write_model

PATHS = [Path(f"/case/{number:04}.jpg") for number in range(2000)]


def judged(path: Path) -> Row:
    return Row(
        path, "ok", verdicts=(Verdict("tampered", State.POSITIVE, 0.75, "", "m", "", "cpu"),)
    )


class Gate:
    """Stands for the scan: a row for each file, but only as far as it has been opened."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(0)

    def open(self, rows: int) -> None:
        """Let ``rows`` more files through."""
        self._free.release(rows)

    def scan(
        self, paths: list[Path], _: object, names: object, stop: threading.Event, keep: object
    ) -> Iterator[Row]:
        for path in paths:
            while not self._free.acquire(timeout=0.01):
                if stop.is_set():
                    return
            yield judged(path)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(batch, "rows_of", made.scan)
    return made


@pytest.fixture
def panel(qtbot: QtBot, pool: QThreadPool) -> ScanPanel:
    panel = ScanPanel(pool)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def started(qtbot: QtBot, window: MainWindow, title: str, paths: list[Path]) -> None:
    """Start a scan and wait until its files are being judged."""
    window.batch.start(title, paths)
    qtbot.waitUntil(window.scan_panel.cancel_button.isEnabled, timeout=10_000)


def ended(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.batch.running, timeout=20_000)


def texts(panel: ScanPanel, row: int) -> list[str]:
    model = panel.model
    return [str(model.data(model.index(row, column))) for column in range(model.columnCount())]


def test_rows_are_shown_a_few_times_a_second_and_none_is_lost(
    qtbot: QtBot, window: MainWindow, gate: Gate
) -> None:
    inserted = QSignalSpy(window.scan_panel.model.rowsInserted)
    arrived: list[list[Row]] = []
    window.batch.rows_arrived.connect(arrived.append)
    started(qtbot, window, "case", PATHS)
    taken: list[int] = []

    def enough(rows: int) -> bool:
        return sum(taken) >= rows

    taking = window.batch._stream
    assert taking is not None
    taking.items.connect(lambda rows: taken.append(len(rows)))
    for batches in range(1, 21):
        gate.open(10)
        qtbot.waitUntil(partial(enough, 10 * batches), timeout=10_000)
    shown = inserted.count()
    assert len(taken) >= 20
    assert shown <= len(taken) // 2
    gate.open(len(PATHS))
    ended(qtbot, window)
    assert [row.path for row in window.batch.rows] == PATHS
    assert [row.path for rows in arrived for row in rows] == PATHS
    assert window.scan_panel.bar.value() == len(PATHS)
    assert texts(window.scan_panel, 1999)[:3] == ["1999.jpg", "", "ok"]


def test_a_scan_goes_on_when_another_folder_is_opened(
    qtbot: QtBot, window: MainWindow, gate: Gate, folder: Path
) -> None:
    """What `MainWindow.open_paths` does with the panels, without its other work."""
    started(qtbot, window, "earlier", PATHS[:30])
    gate.open(10)
    panel = window.scan_panel
    qtbot.waitUntil(lambda: len(panel.model.visible) == 10, timeout=10_000)
    assert panel.status.text().startswith("Rows of earlier: 10 of 30, ")
    assert "files/" in panel.status.text()
    assert " left" in panel.status.text()
    _, title, listing = files_to_show([folder], threading.Event())
    window.folder.show_paths(title, listing)
    gate.open(20)
    ended(qtbot, window)
    assert panel.status.text().startswith("Finished: 30 rows of earlier in ")
    assert window.folder.model.questions == []
    details = [window.folder.model.detail(row) for row in range(4)]
    assert all(" B" in detail or " kB" in detail for detail in details)
    gate.open(4)
    window.start_scan()
    ended(qtbot, window)
    assert panel.status.text().startswith(f"Finished: 4 rows of {title} in ")
    assert [row.path for row in window.batch.rows] == sorted(folder.iterdir())
    assert window.folder.model.detail(0) == "positive 0.75"


def test_cancel_ends_the_scan_of_another_folder_and_its_rows_can_be_written(
    qtbot: QtBot, window: MainWindow, gate: Gate, folder: Path, tmp_path: Path
) -> None:
    last = tmp_path / "last.csv"
    last.write_text("evidence")
    started(qtbot, window, "earlier", [*PATHS[:29], last])
    gate.open(7)
    qtbot.waitUntil(lambda: len(window.batch.rows) == 7, timeout=10_000)
    window.folder.show_paths(*files_to_show([folder], threading.Event())[1:])
    panel = window.scan_panel
    panel.cancel_button.click()
    assert panel.status.text() == "Rows of earlier: stopping…"
    ended(qtbot, window)
    assert panel.status.text() == "Cancelled: 7 rows of earlier, 23 files not reached"
    assert panel.export_button.isEnabled()
    target = tmp_path / "rows.csv"
    window.batch.report_writer(target, "csv")(threading.Event())
    with target.open(newline="", encoding="utf-8-sig") as stream:
        written = list(csv.DictReader(stream))
    assert [line["path"] for line in written] == [str(path) for path in PATHS[:7]]
    # A file that was not judged before the end is evidence as well.
    with pytest.raises(ElascopeError, match="examined files"):
        window.batch.report_writer(last, "csv")(threading.Event())
    assert last.read_text() == "evidence"
    assert {line["tampered_score"] for line in written} == {"0.75"}


def test_rows_that_arrive_after_cancel_do_not_hide_that_it_stops(panel: ScanPanel) -> None:
    panel.begin("case", Columns(prepared(PATHS[:30]), ["tampered"]))
    panel.stop()
    panel.take([judged(path) for path in PATHS[:3]])
    panel.refresh(3)
    assert panel.status.text() == "Rows of case: stopping…"
    assert panel.bar.value() == 3
    panel.finish("Cancelled")
    assert panel.status.text() == "Cancelled: 3 rows of case, 27 files not reached"


def test_a_long_or_odd_title_neither_widens_the_panel_nor_is_lost(panel: ScanPanel) -> None:
    narrow = panel.minimumSizeHint().width()
    panel.begin("<b>x\n" + "y" * 250, Columns(prepared(PATHS[:30]), ["tampered"]))
    assert "\n" not in panel.status.text()
    assert "…" in panel.status.text()
    assert panel.minimumSizeHint().width() < narrow + 600
    assert "y" * 250 in panel.status.toolTip()
    assert "&lt;b&gt;x\\ny" in panel.status.toolTip()


def test_before_the_first_scan_nothing_can_be_done(panel: ScanPanel) -> None:
    assert panel.status.text() == "No scan yet"
    buttons = [b for b in panel.findChildren(QPushButton) if b is not panel.models_button]
    assert len(buttons) > 4
    assert not any(button.isEnabled() for button in buttons)


# Order and bounds -----------------------------------------------------------------------------


def test_rows_that_arrive_in_another_order_stand_in_that_of_the_files(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(paths: list[Path], *_: object) -> Iterator[Row]:
        return (judged(path) for path in reversed(paths))

    monkeypatch.setattr(batch, "rows_of", backwards)
    window.batch.start("case", PATHS)
    ended(qtbot, window)
    assert [row.path for row in window.batch.rows] == PATHS
    assert texts(window.scan_panel, 0)[0] == "0000.jpg"


def test_thousands_of_rows_at_once_are_taken_a_few_at_a_time(
    qtbot: QtBot, window: MainWindow, gate: Gate
) -> None:
    arrived: list[int] = []
    window.batch.rows_arrived.connect(lambda rows: arrived.append(len(rows)))
    started(qtbot, window, "case", PATHS)
    gate.open(len(PATHS))
    ended(qtbot, window)
    assert sum(arrived) == len(PATHS)
    assert max(arrived) <= 250


def test_another_list_of_files_gets_all_answers_in_slices(
    qtbot: QtBot, window: MainWindow, gate: Gate
) -> None:
    gate.open(len(PATHS))
    window.batch.start("case", PATHS)
    ended(qtbot, window)
    told: list[Row] = []
    largest: list[int] = []
    window.batch.rows_arrived.connect(told.extend)
    window.batch.rows_arrived.connect(lambda rows: largest.append(len(rows)))
    window.batch.announce_rows()
    qtbot.waitUntil(lambda: len(told) == len(PATHS), timeout=10_000)
    assert max(largest) <= 1000


def test_cancel_does_not_wait_for_a_file_that_takes_long(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such a file yields in the end is not wanted any more; another scan can begin at once."""
    stuck, free = threading.Event(), threading.Event()

    def slow(paths: list[Path], *_: object) -> Iterator[Row]:
        yield judged(paths[0])
        stuck.set()
        free.wait(60)
        yield judged(paths[1])

    monkeypatch.setattr(batch, "rows_of", slow)
    panel = window.scan_panel
    started(qtbot, window, "slow", PATHS[:5])
    qtbot.waitUntil(lambda: stuck.is_set() and window.batch.count == 1, timeout=10_000)
    panel.cancel_button.click()
    ended(qtbot, window)
    assert not free.is_set()
    assert panel.status.text() == "Cancelled: 1 row of slow, 4 files not reached"
    monkeypatch.setattr(batch, "rows_of", lambda paths, *_: map(judged, paths))
    window.batch.start("next", PATHS[:3])
    ended(qtbot, window)
    free.set()
    qtbot.waitUntil(lambda: not window.batch._left, timeout=10_000)
    assert panel.status.text().startswith("Finished: 3 rows of next")
    assert [row.path for row in window.batch.rows] == PATHS[:3]


def test_progress_says_what_was_found_so_far(panel: ScanPanel) -> None:
    panel.begin("case", Columns(prepared(PATHS[:30]), ["tampered"]))
    panel.take([judged(path) for path in PATHS[:12]])
    panel.take([Row(path, "broken", "It ends early.") for path in PATHS[12:17]])
    panel.refresh(17)
    assert panel.counts.whole == "· 12 positive · 5 broken"
    panel.take([judged(PATHS[0]), Row(PATHS[1], "timed_out", "It took too long.")])
    panel.refresh(18)
    assert panel.counts.whole == "· 11 positive · 5 broken · 1 timed out"


def test_the_pace_is_that_of_the_last_while() -> None:
    pace = Pace(0.0)
    assert pace.per_second == 0
    for second in range(1, 101):
        pace.reach(float(second), 2 * second if second <= 50 else 100 + 10 * (second - 50))
    assert pace.per_second == pytest.approx(10)


# Again ----------------------------------------------------------------------------------------


def test_selected_files_are_judged_again_in_their_places(examiner: Examiner, folder: Path) -> None:
    """One of them was repaired meanwhile; the others are not read again."""
    examiner.open(folder, "a.jpg")
    examiner.scan()
    window = examiner.window
    before = window.batch.rows
    assert [row.status for row in before] == ["ok", "ok", "broken", "ok"]
    assert not examiner.action("Re-scan selected").isEnabled()
    assert not window.scan_panel.rescan_button.isEnabled()
    (folder / "c.jpg").write_bytes((folder / "d.jpg").read_bytes())
    window.scan_panel.table.selectionModel().select(
        window.scan_panel.model.index(2, 0),
        QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows,
    )
    assert window.scan_panel.rescan_button.isEnabled()
    examiner.trigger("Re-scan selected")
    after = window.batch.rows
    assert [row.path for row in after] == [row.path for row in before]
    assert after[2].status == "ok"
    assert [after[n] is before[n] for n in range(4)] == [True, True, False, True]
    assert window.scan_panel.status.text().startswith("Finished: 1 row of evidence in ")
    assert window.scan_panel.selected == [folder / "c.jpg"]


# Models ---------------------------------------------------------------------------------------


def entries(window: MainWindow) -> list[QAction]:
    return window.scan_panel.models_button.choices.actions()


def test_models_are_chosen_by_their_questions_and_refused_ones_are_named(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "models" / "a-junk" / "model.onnx"
    junk.parent.mkdir()
    junk.write_bytes(b"not a model")
    window, button = examiner.window, examiner.window.scan_panel.models_button
    button.choices.aboutToShow.emit()
    examiner.settle()
    usable, refused = entries(window)
    assert usable.text() == "Was a part changed? (grey-mean)"
    assert usable.isCheckable() and usable.isChecked() and usable.isEnabled()
    assert not refused.isEnabled()
    assert "a-junk is not a usable ONNX file" in refused.toolTip()
    assert button.choices.toolTipsVisible()
    assert button.text() == "Models"


def test_without_a_model_rows_have_no_verdicts_and_that_is_said(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "b.png")
    window, button = examiner.window, examiner.window.scan_panel.models_button
    button.choices.aboutToShow.emit()
    examiner.settle()
    entries(window)[0].trigger()
    assert button.text() == "Models: none"
    examiner.scan()
    assert [row.verdicts for row in window.batch.rows] == [(), (), (), ()]
    assert "No model was asked, so rows have no verdicts" in window.scan_panel.counts.whole
    # The choice stays, also when the menu is opened again.
    button.choices.aboutToShow.emit()
    examiner.settle()
    assert not entries(window)[0].isChecked()
    entries(window)[0].trigger()
    assert button.text() == "Models"
    window.scan_panel.table.selectAll()
    examiner.trigger("Re-scan selected")
    assert [len(row.verdicts) for row in window.batch.rows] == [1, 1, 0, 1]
    assert [shown.question.id for shown in window.overview.questions] == ["tampered"]


def test_the_engine_gets_the_names_of_the_chosen_models(
    qtbot: QtBot,
    make_window: Callable[[], MainWindow],
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = card([question("generated")], name="other")
    write_model(tmp_path / "models" / "other" / "model.onnx", other.to_json())
    asked: list[tuple[str, ...]] = []
    real = batch.rows_of

    def spied(
        paths: Sequence[Path], models: Models, names: tuple[str, ...], *others: object
    ) -> Iterator[Row]:
        asked.append(names)
        return real(paths, models, names, *others)

    monkeypatch.setattr(batch, "rows_of", spied)
    window = make_window()
    examiner = Examiner(qtbot, window)
    examiner.open(folder, "b.png")
    examiner.scan()
    entries(window)[0].trigger()
    assert window.scan_panel.models_button.text() == "Models: 1 of 2"
    examiner.scan()
    assert asked == [("grey-mean", "other"), ("other",)]
    assert {v.question for row in window.batch.rows for v in row.verdicts} == {"generated"}
    assert list(window.scan_panel.filters.questions) == ["generated"]
