"""The window as its user meets it: open, look, judge, scan, close."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.gui.main_window import MainWindow
from tests.gui.conftest import Examiner
from tests.pictures import encoded, noise


def texts(widget: QWidget) -> str:
    """All that a panel's labels say."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


# Opening --------------------------------------------------------------------------------------


def test_opening_a_folder_lists_every_file_and_shows_the_first(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open_folder(folder)
    names = [path.name for path in examiner.window.folder.model.paths]
    assert names == ["a.jpg", "b.png", "c.jpg", "d.jpg"]
    assert examiner.window.windowTitle() == "a.jpg – Elascope"
    assert examiner.inspection.path == folder / "a.jpg"


def test_dropping_a_folder_opens_it(examiner: Examiner, folder: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    examiner.window.dropEvent(event)
    examiner.settle()
    assert len(examiner.window.folder.model.paths) == 4


def test_dropping_files_lists_only_them(examiner: Examiner, folder: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder / name)) for name in ("d.jpg", "b.png")])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    examiner.window.dropEvent(event)
    examiner.settle()
    assert {path.name for path in examiner.window.folder.model.paths} == {"b.png", "d.jpg"}


def test_a_folder_that_is_not_there_is_named(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "b.png")
    examiner.open_folder(folder / "nowhere")
    assert "nowhere" in examiner.notice + texts(examiner.window.folder)
    assert examiner.inspection.path.name == "b.png"


def test_next_and_previous_step_through_the_folder(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger("Next")
    assert examiner.inspection.path.name == "b.png"
    examiner.trigger("Previous")
    assert examiner.inspection.path.name == "a.jpg"
    examiner.trigger("Previous")
    assert examiner.inspection.path.name == "a.jpg"


def test_the_last_of_many_quick_selections_is_shown(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    for name in ("b.png", "d.jpg", "a.jpg", "b.png", "d.jpg"):
        examiner.window.folder.select(folder / name)
    examiner.settle()
    assert examiner.inspection.path.name == "d.jpg"
    assert examiner.window.windowTitle() == "d.jpg – Elascope"
    assert examiner.frame.region.width == 88


# Files that fail, odd names -------------------------------------------------------------------


def test_file_that_cannot_be_read_leaves_the_previous_picture(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    before = examiner.frame.measurement
    examiner.window.folder.select(folder / "c.jpg")
    examiner.settle()
    assert examiner.notice.startswith("c.jpg: ")
    assert "previous picture stays: a.jpg" in examiner.notice
    assert examiner.inspection.path.name == "a.jpg"
    assert np.array_equal(examiner.frame.measurement, before)
    assert examiner.window.windowTitle() == "a.jpg – Elascope"
    examiner.show(folder / "d.jpg")
    assert examiner.notice == ""


def test_odd_names_are_shown_and_scanned(examiner: Examiner, folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()
    names = [b"\xff\xfe.jpg", b"line\nend.jpg", b"<b>=cmd.jpg", "ünï \u202e.jpg".encode()]
    for name in names:
        (odd / os.fsdecode(name)).write_bytes((folder / "a.jpg").read_bytes())
    (odd / os.fsdecode(b"\xff broken.jpg")).write_bytes(b"\xff\xd8\xff\x00")
    examiner.open_folder(odd)
    assert len(examiner.window.folder.model.paths) == 5
    for path in list(examiner.window.folder.model.paths):
        examiner.window.folder.select(path)
        examiner.settle()
        if "broken" in path.name:
            assert "\\xff broken.jpg" in examiner.notice
        else:
            assert examiner.inspection.path == path
    examiner.scan()
    assert len(examiner.window.batch.rows) == 5


def test_names_that_look_like_html_are_shown_as_they_are(
    examiner: Examiner, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"<b>bold\xff")
    odd.mkdir()
    (odd / "<img src=x>.jpg").write_bytes(encoded(noise(20, 20), "JPEG"))
    (odd / "<i>bad.jpg").write_bytes(b"\xff\xd8\xff\x00")
    examiner.open(odd, "<img src=x>.jpg")
    window = examiner.window
    assert window.windowTitle() == "<img src=x>.jpg – Elascope"
    heading = window.folder.findChild(QLabel)
    assert heading is not None
    assert heading.textFormat() == Qt.TextFormat.PlainText
    assert heading.text().startswith("<b>bold\\xff\n2 ")
    model = window.folder.model
    tips = [str(model.data(model.index(row), Qt.ItemDataRole.ToolTipRole)) for row in range(2)]
    assert any("&lt;img src=x&gt;.jpg" in tip for tip in tips)
    window.folder.select(odd / "<i>bad.jpg")
    examiner.settle()
    assert examiner.notice.startswith("<i>bad.jpg: ")
    assert window.notice.label.textFormat() == Qt.TextFormat.PlainText


@pytest.mark.data
@pytest.mark.slow
def test_every_odd_file_in_turn_costs_nothing(
    qtbot: QtBot, examiner: Examiner, shared_data: Path
) -> None:
    """Whatever a file is, it is shown, or a sentence is said and the previous picture stays."""
    window = examiner.window
    examiner.open_folder(shared_data / "odd")
    paths = list(window.folder.model.paths)
    assert len(paths) > 600
    shown = 0
    for path in paths:
        before = window.table.subject
        window.folder.select(path)
        qtbot.waitUntil(lambda: not window.images.opening.busy, timeout=20_000)
        if examiner.inspection.path == path:
            shown += 1
            assert path.name in window.windowTitle()
        else:
            assert window.table.subject is before
            assert path.name in examiner.notice
        window.table.right.grab()
    assert shown > 300
    examiner.settle()
    assert window.notice.label.textFormat() == Qt.TextFormat.PlainText


# Verdict --------------------------------------------------------------------------------------


def test_verdict_shows_state_model_and_reason(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "b.png")
    shown = texts(examiner.window.verdict)
    assert "Was a part changed?" in shown
    assert "grey-mean" in shown
    assert "grey squares" in shown


def test_verdict_outside_validity_has_no_score(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    shown = texts(examiner.window.verdict)
    assert "Outside validity" in shown
    assert "the model knows PNG only" in shown


def test_unusable_model_is_named_and_costs_no_other(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "models" / "a-junk" / "model.onnx"
    junk.parent.mkdir()
    junk.write_bytes(b"not a model")
    examiner.open(folder, "b.png")
    shown = texts(examiner.window.verdict)
    assert "Was a part changed?" in shown
    assert "a-junk is not a usable ONNX file" in shown


# Scan -----------------------------------------------------------------------------------------


def test_cancelled_scan_keeps_its_rows_and_can_start_again(
    qtbot: QtBot, examiner: Examiner, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    content = encoded(noise(400, 500), "PNG", compress_level=0)
    for number in range(300):
        (many / f"{number:03}.png").write_bytes(content)
    examiner.open_folder(many)
    window = examiner.window
    window.start_scan()
    qtbot.waitUntil(lambda: len(window.batch.rows) > 3, timeout=20_000)
    window.batch.cancel()
    qtbot.waitUntil(lambda: "Cancelled" in window.scan_panel.status.text(), timeout=10_000)
    assert 3 < len(window.batch.rows) < 300
    assert window.scan_panel.export_button.isEnabled()
    assert window.scan_panel.start_button.isEnabled()


def test_cancel_right_after_start_starts_nothing(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.window.start_scan()
    examiner.window.batch.cancel()
    examiner.settle()
    assert examiner.window.batch.rows == []
    examiner.scan()
    assert examiner.window.scan_panel.status.text().startswith("Finished: 4 rows of evidence in ")


def test_row_of_another_folder_can_still_be_looked_at(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    empty = tmp_path / "empty"
    empty.mkdir()
    examiner.open_folder(empty)
    assert not examiner.window.folder.model.paths
    table = examiner.window.scan_panel.table
    table.activated.emit(table.model().index(3, 0))
    examiner.settle()
    assert examiner.inspection.path == folder / "d.jpg"


# Closing --------------------------------------------------------------------------------------


def test_closing_while_a_large_folder_is_listed_does_not_wait_for_it(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def endless(top: object, **_: object) -> object:
        while True:
            began.set()
            time.sleep(0.005)
            yield "/nowhere", [], ["a"]

    monkeypatch.setattr("app.scan.files.os.walk", endless)
    window.open_paths([Path(os.sep)])
    qtbot.waitUntil(began.is_set, timeout=5_000)
    started = time.monotonic()
    window.close()
    assert time.monotonic() - started < 1.5


def test_closing_during_work_ends_it(
    qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path: Path
) -> None:
    """A large map, a scan and a saved map are all under way."""
    many = tmp_path / "many"
    many.mkdir()
    content = encoded(np.tile(noise(100, 100), (20, 20, 1)), "JPEG", quality=80)
    for number in range(6):
        (many / f"{number}.jpg").write_bytes(content)
    window = make_window()
    examiner = Examiner(qtbot, window)
    examiner.open(many, "0.jpg")
    window.start_scan()
    qtbot.waitUntil(lambda: window.batch._stream is not None, timeout=10_000)
    window.map_panel.form.set_value("quality", 71)
    started = time.monotonic()
    assert window.close()
    assert time.monotonic() - started < 5
    assert not window.isVisible()
    assert window.pool.activeThreadCount() == 0
