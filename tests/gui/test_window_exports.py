"""What leaves the window: views that can be repeated, whole maps, reports; never over evidence."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QFileDialog

from app.detection.verdict import State
from app.gui.jobs import Channel
from app.gui.scan.order import Filter
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement
from app.report import REPORTS
from app.report.replay import replay_file
from tests.gui.conftest import Examiner, pixels_of
from tests.pictures import encoded, pillow_residual, scene

EXPORT_VIEW, SAVE_MAP = "Export view…", "Save whole map as PNG…"
EXPORT_REPORT, EXPORT_SHOWN = "Export scan report…", "Export the rows shown…"

Answer = Callable[..., list[str]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Answers the next file dialogs with a path; returns the list of names they propose."""

    def give(target: Path | None, used: str = "") -> list[str]:
        proposed: list[str] = []

        def dialog(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
            proposed.append(Path(name).name)
            return ("", "") if target is None else (str(target), used)

        monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
        return proposed

    return give


def read(path: Path) -> np.ndarray:
    """A PNG as Pillow reads it."""
    with Image.open(path) as image:
        return np.array(image)


# Views ----------------------------------------------------------------------------------------


def test_an_exported_view_is_what_was_seen_and_can_be_repeated(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.window.table.set_show(Show.MAP)
    examiner.window.map_panel.form.set_value("quality", 80)
    examiner.window.table.right.zoom_by(12.0, QPointF(300, 200))
    examiner.settle()
    seen = examiner.window.table.visible_region
    assert seen is not None
    proposed = answer(tmp_path / "view.png")
    examiner.trigger(EXPORT_VIEW)
    assert proposed == ["a-ela-view.png"]
    assert examiner.notice == f"Saved: {tmp_path / 'view.png'}"
    levels = pillow_residual(pixels_of(folder / "a.jpg"), 80, "4:2:0")
    expected = np.clip(seen.of(levels) * 15, 0, 255)
    assert np.array_equal(read(tmp_path / "view.png"), expected)
    record = json.loads((tmp_path / "view.json").read_text())
    assert record["name"] == "a.jpg"
    assert record["parameters"]["quality"] == 80
    outcome = replay_file(tmp_path / "view.json", folder / "a.jpg")
    assert outcome.same, outcome.sentences


@pytest.mark.parametrize("show", Show)
@pytest.mark.parametrize("arrangement", Arrangement)
def test_every_kind_of_view_can_be_repeated(
    examiner: Examiner,
    folder: Path,
    tmp_path: Path,
    answer: Answer,
    show: Show,
    arrangement: Arrangement,
) -> None:
    examiner.open(folder, "d.jpg")
    examiner.window.table.set_show(show)
    examiner.window.table.set_arrangement(arrangement)
    examiner.window.map_panel.opacity.setValue(35)
    examiner.window.table.right.set_divider(0.3)
    examiner.settle()
    answer(tmp_path / "view")
    examiner.trigger(EXPORT_VIEW)
    for record in ("view.json", "view.png"):
        outcome = replay_file(tmp_path / record, folder / "d.jpg")
        assert outcome.same, outcome.sentences


def test_a_reduced_view_can_be_repeated(examiner: Examiner, tmp_path: Path, answer: Answer) -> None:
    large = tmp_path / "large"
    large.mkdir()
    pixels = np.tile(scene(300, 400, 2), (4, 4, 1))
    (large / "x.png").write_bytes(encoded(pixels, "PNG", compress_level=1))
    examiner.open(large, "x.png")
    examiner.window.table.set_show(Show.MAP)
    examiner.settle()
    factor = examiner.frame.factor
    assert factor > 1
    answer(tmp_path / "view.png")
    examiner.trigger(EXPORT_VIEW)
    assert read(tmp_path / "view.png").shape == (-(-1200 // factor), -(-1600 // factor), 3)
    assert replay_file(tmp_path / "view.png", large / "x.png").same


def test_side_by_side_the_right_pane_is_exported(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    """The picture is chosen, so its map stands on the right."""
    examiner.open(folder, "d.jpg")
    examiner.window.table.set_show(Show.PICTURE)
    examiner.window.table.set_arrangement(Arrangement.SIDE)
    examiner.settle()
    answer(tmp_path / "view.png")
    examiner.trigger(EXPORT_VIEW)
    levels = pillow_residual(pixels_of(folder / "d.jpg"), 90, "4:2:0")
    assert np.array_equal(read(tmp_path / "view.png"), np.clip(levels * 15, 0, 255))


def test_what_blinking_has_brought_up_is_exported(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "d.jpg")
    examiner.window.table.set_show(Show.MAP)
    examiner.trigger("Blink: swap what is compared")
    answer(tmp_path / "view.png")
    examiner.trigger(EXPORT_VIEW)
    assert np.array_equal(read(tmp_path / "view.png"), pixels_of(folder / "d.jpg"))


# Whole maps -----------------------------------------------------------------------------------


def test_a_saved_map_is_the_amplified_residual_and_can_be_repeated(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.window.table.right.zoom_by(9.0)
    proposed = answer(tmp_path / "map.png")
    examiner.trigger(SAVE_MAP)
    assert proposed == ["a-ela.png"]
    expected = np.clip(pillow_residual(pixels_of(folder / "a.jpg"), 90, "4:2:0") * 15, 0, 255)
    assert np.array_equal(read(tmp_path / "map.png"), expected)
    assert replay_file(tmp_path / "map.png", folder / "a.jpg").same


def test_saving_leaves_nothing_behind(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    before = len(examiner.window.findChildren(Channel))
    for number in range(5):
        answer(tmp_path / f"{number}.png")
        examiner.trigger(SAVE_MAP)
        assert (tmp_path / f"{number}.png").exists()
    examiner.qtbot.waitUntil(lambda: len(examiner.window.findChildren(Channel)) == before)
    assert sorted(path.name for path in tmp_path.glob("*.p*")) == [f"{n}.png" for n in range(5)]


# Reports --------------------------------------------------------------------------------------


def test_scan_gives_a_row_for_every_file_and_exports_them(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    answer(tmp_path / "report.csv")
    examiner.trigger(EXPORT_REPORT)
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert [Path(row["path"]).name for row in rows] == ["a.jpg", "b.png", "c.jpg", "d.jpg"]
    assert [row["status"] for row in rows] == ["ok", "ok", "broken", "ok"]
    answer(tmp_path / "report.json")
    examiner.trigger(EXPORT_REPORT)
    assert len(json.loads((tmp_path / "report.json").read_text())["rows"]) == 4


def test_the_page_shows_the_conspicuous_files(
    examiner: Examiner, tmp_path: Path, answer: Answer
) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    bright = np.full((60, 90, 3), (250, 240, 230), np.uint8)
    (folder / "bright.png").write_bytes(encoded(bright, "PNG"))
    (folder / "dark.png").write_bytes(encoded(bright // 20, "PNG"))
    examiner.open_folder(folder)
    examiner.scan()
    states = {row.path.name: row.verdicts[0].state for row in examiner.window.batch.rows}
    assert states == {"bright.png": State.POSITIVE, "dark.png": State.NEGATIVE}
    answer(tmp_path / "report.html")
    examiner.trigger(EXPORT_REPORT)
    page = (tmp_path / "report.html").read_text("utf-8")
    (picture,) = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', page)
    with Image.open(io.BytesIO(base64.b64decode(picture))) as shown:
        assert shown.size == (90, 60)
        assert np.abs(np.asarray(shown.convert("RGB")).astype(int) - bright).max() <= 3


def test_the_rows_shown_are_exported_in_their_order_and_the_report_says_so(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    assert not examiner.action(EXPORT_SHOWN).isEnabled()
    examiner.scan()
    panel = examiner.window.scan_panel
    panel.set_filter(Filter(text=".JPG", status="ok"))
    panel.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    for report in REPORTS:
        target = tmp_path / f"shown.{report.id}"
        proposed = answer(target)
        examiner.trigger(EXPORT_SHOWN)
        assert proposed == [f"elascope-report-shown.{REPORTS[0].id}"]
        assert target.exists(), report.id
    rows = list(csv.DictReader((tmp_path / "shown.csv").read_text().splitlines()))
    assert [Path(row["path"]).name for row in rows] == ["d.jpg", "a.jpg"]
    assert "rows shown" in examiner.notice
    panel.set_filter(Filter(text="no such name"))
    assert not examiner.action(EXPORT_SHOWN).isEnabled()
    assert not panel.export_shown.isEnabled()
    assert examiner.action(EXPORT_REPORT).isEnabled()
    answer(tmp_path / "all.csv")
    panel.export_all.trigger()
    examiner.settle()
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert len(rows) == 4


def test_a_report_of_shown_rows_names_the_choice(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    examiner.window.scan_panel.set_filter(Filter(status="broken"))
    account = examiner.window.batch._shown_results().account
    assert account.parameters["rows"] == "1 of 4 rows shown"
    assert account.parameters["filter"] == "status broken"
    assert account.parameters["order"] == "order of the files"
    assert not account.complete
    whole = examiner.window.batch._results().account
    assert whole.complete and whole.found == 4
    assert "filter" not in whole.parameters
    assert whole.roots == (str(folder),)
    assert [facts.card.name for facts in whole.models] == ["grey-mean"]


def test_completed_name_never_replaces_a_file_that_was_not_asked_about(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    earlier = tmp_path / "case.2024.csv"
    earlier.write_text("an earlier report")
    answer(tmp_path / "case.2024", "CSV table (*.csv)")
    examiner.trigger(EXPORT_REPORT)
    assert "exists" in examiner.notice
    assert earlier.read_text() == "an earlier report"
    answer(tmp_path / "other", "JSON document (*.json)")
    examiner.trigger(EXPORT_REPORT)
    assert (tmp_path / "other.json").exists()
    # The suffix that was typed decides, whatever filter is set.
    answer(tmp_path / "third.json", "CSV table (*.csv)")
    examiner.trigger(EXPORT_REPORT)
    assert json.loads((tmp_path / "third.json").read_text())["rows"]


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [EXPORT_VIEW, SAVE_MAP])
@pytest.mark.parametrize("name", ["a.jpg", "b.png", "d.jpg"])
def test_nothing_ever_replaces_an_examined_file(
    examiner: Examiner, folder: Path, answer: Answer, command: str, name: str
) -> None:
    """Neither the shown image nor another of the list, also under a name that gets a suffix."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    linked = folder.parent / "innocent.png"
    linked.symlink_to(folder / name)
    examiner.open(folder, "a.jpg")
    for target in (folder / name, linked):
        answer(target)
        examiner.trigger(command)
        if target.suffix == ".png":
            assert "never overwritten" in examiner.notice
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: after[name] for name in before} == before


def test_a_report_never_replaces_an_examined_file(
    examiner: Examiner, folder: Path, answer: Answer
) -> None:
    (folder / "table.csv").write_bytes((folder / "b.png").read_bytes())
    examiner.open(folder, "a.jpg")
    examiner.scan()
    answer(folder / "table.csv")
    examiner.trigger(EXPORT_REPORT)
    assert "never overwritten" in examiner.notice
    assert (folder / "table.csv").read_bytes() == (folder / "b.png").read_bytes()


@pytest.mark.parametrize("command", [EXPORT_VIEW, SAVE_MAP])
def test_a_place_that_cannot_be_written_is_named(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer, command: str
) -> None:
    examiner.open(folder, "a.jpg")
    answer(tmp_path / "nowhere" / "map.png")
    examiner.trigger(command)
    assert examiner.notice.startswith("Not saved. ")
    assert "nowhere" in examiner.notice


@pytest.mark.parametrize("command", [EXPORT_VIEW, SAVE_MAP, EXPORT_REPORT])
def test_a_dialog_that_is_left_writes_nothing(
    examiner: Examiner, folder: Path, tmp_path: Path, answer: Answer, command: str
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    before = sorted(tmp_path.rglob("*"))
    proposed = answer(None)
    examiner.trigger(command)
    assert len(proposed) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert examiner.notice == ""
