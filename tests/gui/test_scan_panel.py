"""The scan's panel: rows shown a few times a second, their folder named, a report of all."""

import csv
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QThreadPool
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.detection.verdict import State, Verdict
from app.errors import ElascopeError
from app.gui import batch
from app.gui.folder.listing import files_to_show
from app.gui.main_window import MainWindow
from app.gui.scan.columns import Columns
from app.gui.scan.files import prepared
from app.gui.scan.panel import ScanPanel
from app.scan.rows import Row

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

    def scan(self, paths: list[Path], _: object, stop: threading.Event) -> Iterator[Row]:
        for path in paths:
            while not self._free.acquire(timeout=0.01):
                if stop.is_set():
                    return
            yield judged(path)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(batch, "scan", made.scan)
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
