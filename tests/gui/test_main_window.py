"""The window as its user meets it: open, look, drag, judge, scan, export."""

import csv
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialog, QLabel, QSlider, QTextBrowser
from pytestqt.qtbot import QtBot

from app.gui.canvas import View
from app.gui.jobs import Channel
from app.gui.main_window import MainWindow
from tests.pictures import encoded, noise, pillow_residual


def texts(widget: object) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def open_image(qtbot: QtBot, window: MainWindow, folder: Path, name: str) -> None:
    """Open the folder, select a file and wait for its map and verdict."""
    window.open_paths([folder])
    qtbot.waitUntil(lambda: bool(window.folder.model.paths), timeout=10_000)
    window.folder.select(folder / name)
    qtbot.waitUntil(
        lambda: (
            window._inspection is not None
            and window._inspection.path.name == name
            and window._map is not None
            and not window._judging.busy
        ),
        timeout=10_000,
    )


def scan_all(qtbot: QtBot, window: MainWindow) -> None:
    """Scan the open folder and wait for the end."""
    window.start_scan()
    qtbot.waitUntil(lambda: "Finished" in window.scan_panel.status.text(), timeout=20_000)


def test_opening_a_folder_lists_every_file_and_shows_the_first(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    assert [path.name for path in window.folder.model.paths] == ["a.jpg", "b.png", "c.jpg", "d.jpg"]
    assert window.windowTitle().startswith("a.jpg")


def test_dropping_a_folder_opens_it(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: len(window.folder.model.paths) == 4, timeout=10_000)


def test_map_equals_an_independent_round_trip(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    pixels = np.array(Image.open(folder / "a.jpg"))
    assert np.array_equal(window._map.measurement, pillow_residual(pixels, 90, "4:2:0"))


def test_dragging_the_quality_slider_ends_with_the_last_value(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    slider = window.map_panel.form.findChild(QSlider, "quality_QSlider")
    for quality in (95, 80, 70, 61, 55):
        slider.setValue(quality - 1)
    qtbot.waitUntil(lambda: window._map.params.quality == 55, timeout=10_000)
    qtbot.waitUntil(lambda: not window._mapping.busy, timeout=10_000)
    pixels = np.array(Image.open(folder / "a.jpg"))
    assert np.array_equal(window._map.measurement, pillow_residual(pixels, 55, "4:2:0"))


def test_scale_is_a_lookup_on_the_same_measurement(
    qtbot: QtBot, window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    before = window._map.measurement

    def refuse(*arguments: object) -> None:
        raise AssertionError("the codec ran for a change of scale")

    monkeypatch.setattr("app.analysis.ela.round_trip", refuse)
    window.map_panel.form.findChild(QSlider, "scale_QSlider").setValue(39)
    qtbot.waitUntil(lambda: window._map.params.scale == 40.0, timeout=10_000)
    assert window._map.measurement is before
    assert window.notice.isHidden()


def test_dragging_on_a_large_image_keeps_the_window_alive(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    big = noise(300, 400)
    path = tmp_path / "big.jpg"
    path.write_bytes(encoded(Image.fromarray(big).resize((4000, 3000)), "JPEG", quality=80))
    open_image(qtbot, window, tmp_path, "big.jpg")
    gaps: list[float] = []
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    timer = QTimer(interval=10)
    timer.timeout.connect(tick)
    timer.start()
    slider = window.map_panel.form.findChild(QSlider, "quality_QSlider")
    for quality in range(60, 90, 3):
        slider.setValue(quality - 1)
        ticks = 0
        qtbot.wait(40)
        gaps.append(ticks)
    qtbot.waitUntil(lambda: window._map.params.quality == 87, timeout=20_000)
    # While maps of 12 MP are made, the event loop keeps turning.
    assert min(gaps) >= 1


def test_file_that_cannot_be_read_leaves_the_previous_picture(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    window.folder.select(folder / "c.jpg")
    qtbot.waitUntil(window.notice.isVisible, timeout=10_000)
    assert "c.jpg" in window.notice.label.text()
    assert "previous picture stays: a.jpg" in window.notice.label.text()
    assert window._inspection.path.name == "a.jpg"
    window.folder.select(folder / "d.jpg")
    qtbot.waitUntil(lambda: window._inspection.path.name == "d.jpg", timeout=10_000)
    assert window.notice.isHidden()


def test_odd_names_are_shown_and_scanned(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()
    names = [b"\xff\xfe.jpg", b"line\nend.jpg", b"<b>=cmd.jpg", "ünï \u202e.jpg".encode()]
    for name in names:
        (odd / os.fsdecode(name)).write_bytes((folder / "a.jpg").read_bytes())
    (odd / os.fsdecode(b"\xff broken.jpg")).write_bytes(b"\xff\xd8\xff\x00")
    window.open_paths([odd])
    qtbot.waitUntil(lambda: len(window.folder.model.paths) == 5, timeout=10_000)
    for number, path in enumerate(window.folder.model.paths):
        window.folder.list.setCurrentIndex(window.folder.model.index(number))
        if "broken" in path.name:
            qtbot.waitUntil(window.notice.isVisible, timeout=10_000)
        else:
            qtbot.waitUntil(
                lambda path=path: getattr(window._inspection, "path", None) == path, timeout=10_000
            )
    scan_all(qtbot, window)
    assert len(window.batch.rows) == 5


def test_verdict_shows_state_model_and_reason(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "b.png")
    shown = texts(window.verdict)
    assert "Was a part changed?" in shown
    assert "grey-mean" in shown
    assert "grey squares" in shown


def test_verdict_outside_validity_has_no_score(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    shown = texts(window.verdict)
    assert "Outside validity" in shown
    assert "the model knows PNG only" in shown
    assert all(
        label.textFormat() == Qt.TextFormat.RichText
        for label in window.verdict.findChildren(QLabel)
    )


def test_line_under_the_map_follows_the_file_and_the_quality(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "b.png")
    assert "edge strength only" in window.reading.text()
    open_image(qtbot, window, folder, "a.jpg")
    assert "Compare edges with edges" in window.reading.text()
    window.map_panel.form.findChild(QSlider, "quality_QSlider").setValue(74)
    qtbot.waitUntil(lambda: "Try another" in window.reading.text(), timeout=10_000)


def test_cursor_reads_coordinates_pixel_and_residual(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    window._show_cursor(10, 20)
    red, green, blue = np.array(Image.open(folder / "a.jpg"))[20, 10]
    text = window._cursor.text()
    assert f"x 10  y 20   RGB {red} {green} {blue}" in text
    assert "block 1, 2" in text


def test_scan_gives_a_row_for_every_file_and_exports_them(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    scan_all(qtbot, window)
    target = tmp_path / "report.csv"
    window.export_report(target, "csv")
    qtbot.waitUntil(lambda: "Saved" in window.notice.label.text(), timeout=10_000)
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert [Path(row["path"]).name for row in rows] == ["a.jpg", "b.png", "c.jpg", "d.jpg"]
    assert [row["status"] for row in rows] == ["ok", "ok", "broken", "ok"]
    window.export_report(tmp_path / "report.json", "json")
    qtbot.waitUntil(lambda: (tmp_path / "report.json").exists(), timeout=10_000)
    assert len(json.loads((tmp_path / "report.json").read_text())["rows"]) == 4


def test_cancelled_scan_keeps_its_rows_and_can_start_again(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    content = encoded(noise(400, 500), "PNG")
    for number in range(300):
        (many / f"{number:03}.png").write_bytes(content)
    window.open_paths([many])
    qtbot.waitUntil(lambda: len(window.folder.model.paths) == 300, timeout=10_000)
    window.start_scan()
    qtbot.waitUntil(lambda: len(window.scan_panel.model.rows) > 3, timeout=20_000)
    window.batch.cancel()
    qtbot.waitUntil(lambda: "Cancelled" in window.scan_panel.status.text(), timeout=10_000)
    assert 3 < len(window.scan_panel.model.rows) < 300
    assert window.scan_panel.export_button.isEnabled()
    assert window.scan_panel.start_button.isEnabled()


def test_report_never_replaces_an_examined_file(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    before = (folder / "a.jpg").read_bytes()
    open_image(qtbot, window, folder, "a.jpg")
    scan_all(qtbot, window)
    window.export_report(folder / "a.jpg", "csv")
    qtbot.waitUntil(lambda: "never overwritten" in window.notice.label.text(), timeout=10_000)
    window.save_map(folder / "a.jpg")
    qtbot.waitUntil(lambda: not window._mapping.busy, timeout=10_000)
    qtbot.wait(200)
    assert (folder / "a.jpg").read_bytes() == before


def test_saved_map_is_the_amplified_residual(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    target = tmp_path / "map.png"
    window.save_map(target)
    qtbot.waitUntil(target.exists, timeout=10_000)
    pixels = np.array(Image.open(folder / "a.jpg"))
    expected = np.clip(pillow_residual(pixels, 90, "4:2:0") * 15, 0, 255)
    assert np.array_equal(np.array(Image.open(target)), expected)


@pytest.mark.parametrize("key", ["1", "2", "3"])
def test_number_keys_choose_the_view(
    qtbot: QtBot, window: MainWindow, folder: Path, key: str
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    action = next(a for a in window.findChildren(type(window._export)) if a.shortcut() == key)
    action.trigger()
    assert window.canvas._view is list(View)[int(key) - 1]


def test_next_and_previous_step_through_the_folder(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    window.folder.step(1)
    qtbot.waitUntil(lambda: window._inspection.path.name == "b.png", timeout=10_000)
    window.folder.step(-1)
    qtbot.waitUntil(lambda: window._inspection.path.name == "a.jpg", timeout=10_000)


def test_every_menu_entry_does_something(
    qtbot: QtBot,
    window: MainWindow,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trigger all of them with something open; nothing raises and no modal dialog appears."""
    asked: list[str] = []

    def choose(name: str, answer: object) -> None:
        def dialog(*arguments: object, **options: object) -> object:
            asked.append(name)
            return answer

        monkeypatch.setattr(f"app.gui.main_window.QFileDialog.{name}", dialog)

    choose("getExistingDirectory", str(folder))
    choose("getOpenFileNames", ([str(folder / "a.jpg")], ""))
    choose("getSaveFileName", ("", ""))
    open_image(qtbot, window, folder, "a.jpg")
    scan_all(qtbot, window)
    entries = [
        action
        for menu in window.menuBar().actions()
        for action in menu.menu().actions()
        if not action.isSeparator() and "Quit" not in action.text()
    ]
    assert len(entries) > 18
    for action in entries:
        action.trigger()
        qtbot.wait(30)
    assert set(asked) == {"getExistingDirectory", "getOpenFileNames", "getSaveFileName"}
    # Help, models and about are windows of their own with text in them.
    qtbot.waitUntil(
        lambda: sum(dialog.isVisible() for dialog in window.findChildren(QDialog)) == 3,
        timeout=10_000,
    )
    for browser in window.findChildren(QTextBrowser):
        assert len(browser.toPlainText()) > 100


def test_zoom_keeps_the_point_under_the_cursor(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    canvas = window.canvas
    position = QPointF(QPoint(canvas.width() // 2 + 20, canvas.height() // 2 - 15))
    before = canvas._to_image(position)
    canvas.zoom_to(7.0, position)
    after = canvas._to_image(position)
    assert abs(before.x() - after.x()) < 1e-6
    assert abs(before.y() - after.y()) < 1e-6
    canvas.fit()
    assert canvas.zoom <= 1.0


def test_painted_pixels_at_actual_size_are_those_of_the_file(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "b.png")
    window.set_view(View.PICTURE)
    canvas = window.canvas
    canvas.actual_size()
    grabbed = canvas.grab().toImage()
    target = canvas._target()
    pixels = np.array(Image.open(folder / "b.png"))
    for x, y in ((0, 0), (13, 7), (79, 63)):
        colour = grabbed.pixelColor(round(target.x()) + x, round(target.y()) + y)
        assert (colour.red(), colour.green(), colour.blue()) == tuple(pixels[y, x])


@pytest.mark.data
@pytest.mark.slow
def test_every_odd_file_in_turn_costs_nothing(
    qtbot: QtBot, window: MainWindow, shared_data: Path
) -> None:
    window.open_paths([shared_data / "odd"])
    qtbot.waitUntil(lambda: len(window.folder.model.paths) > 600, timeout=20_000)
    for number in range(len(window.folder.model.paths)):
        window.folder.list.setCurrentIndex(window.folder.model.index(number))
        qtbot.waitUntil(lambda: not window._loading.busy, timeout=20_000)
    assert window._inspection is not None


@pytest.mark.parametrize("size", [(33_000, 1), (1, 33_000), (70_000, 2), (1, 1)])
def test_extreme_shapes_are_shown(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Qt draws no image longer than 32767 pixels; a level that fits must remain."""
    folder = tmp_path / "extreme"
    folder.mkdir()
    Image.new("RGB", size, (200, 30, 40)).save(folder / "long.png")
    window.open_paths([folder])
    qtbot.waitUntil(lambda: window._inspection is not None, timeout=10_000)
    window.canvas.grab()
    window.canvas.actual_size()
    window.canvas.grab()
    qtbot.waitUntil(lambda: not window._mapping.busy, timeout=20_000)


def test_cancel_right_after_start_starts_nothing(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    window.start_scan()
    window.batch.cancel()
    qtbot.waitUntil(lambda: not window.batch.running, timeout=10_000)
    assert window.batch.rows == []
    scan_all(qtbot, window)
    assert window.scan_panel.status.text() == "Finished: 4 rows of evidence"


def test_completed_name_never_replaces_a_file_that_was_not_asked_about(
    qtbot: QtBot,
    window: MainWindow,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    scan_all(qtbot, window)
    earlier = tmp_path / "case.2024.csv"
    earlier.write_text("an earlier report")

    def answer(name: str, used: str) -> None:
        chosen = (str(tmp_path / name), used)
        dialog = "app.gui.main_window.QFileDialog.getSaveFileName"
        monkeypatch.setattr(dialog, lambda *_, **__: chosen)
        window._choose_report()

    answer("case.2024", "CSV table (*.csv)")
    assert "exists" in window.notice.label.text()
    assert earlier.read_text() == "an earlier report"
    answer("other", "JSON document (*.json)")
    qtbot.waitUntil((tmp_path / "other.json").exists, timeout=10_000)
    # The suffix that was typed decides, whatever filter is set.
    answer("third.json", "CSV table (*.csv)")
    qtbot.waitUntil((tmp_path / "third.json").exists, timeout=10_000)
    assert json.loads((tmp_path / "third.json").read_text())["rows"]


def test_saving_leaves_nothing_behind(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    before = len(window.findChildren(Channel))
    for number in range(5):
        window.save_map(tmp_path / f"{number}.png")
        qtbot.waitUntil((tmp_path / f"{number}.png").exists, timeout=10_000)
    qtbot.waitUntil(lambda: len(window.findChildren(Channel)) == before, timeout=10_000)


def test_names_that_look_like_html_are_shown_as_they_are(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"<b>bold\xff")
    odd.mkdir()
    (odd / "<img src=x>.jpg").write_bytes(encoded(noise(20, 20), "JPEG"))
    window.open_paths([odd])
    qtbot.waitUntil(lambda: bool(window.folder.model.paths), timeout=10_000)
    heading = window.folder.findChild(QLabel)
    assert heading.textFormat() == Qt.TextFormat.PlainText
    assert heading.text() == "<b>bold\\xff\n1 files"
    model = window.folder.model
    tip = str(model.data(model.index(0), Qt.ItemDataRole.ToolTipRole))
    assert "&lt;img src=x&gt;.jpg" in tip


def test_row_of_another_folder_can_still_be_looked_at(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    open_image(qtbot, window, folder, "a.jpg")
    empty = tmp_path / "empty"
    empty.mkdir()
    window.open_paths([empty])
    qtbot.waitUntil(lambda: not window.folder.model.paths, timeout=10_000)
    window.scan_panel.opened.emit(folder / "d.jpg")
    qtbot.waitUntil(lambda: window._inspection.path.name == "d.jpg", timeout=10_000)


def test_unusable_model_is_named_and_costs_no_other(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "models" / "a-junk" / "model.onnx"
    junk.parent.mkdir()
    junk.write_bytes(b"not a model")
    open_image(qtbot, window, folder, "b.png")
    shown = texts(window.verdict)
    assert "Was a part changed?" in shown
    assert "a-junk is not a usable ONNX file" in shown


def test_closing_while_a_large_folder_is_listed_does_not_wait_for_it(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def endless(top: object, **_: object) -> object:
        while True:
            began.set()
            time.sleep(0.005)
            yield "/nowhere", [], ["a"]

    monkeypatch.setattr("app.scan.pipeline.os.walk", endless)
    window.open_paths([Path(os.sep)])
    qtbot.waitUntil(began.is_set, timeout=5_000)
    started = time.monotonic()
    window.close()
    assert time.monotonic() - started < 1.5
