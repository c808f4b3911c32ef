"""What stands beside a picture belongs to that picture; each of these was once not so."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from app.analysis.noise import NOISE
from app.analysis.region import Region
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement
from app.session import Mark
from tests.gui.conftest import Examiner
from tests.pictures import encoded, scene


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A JPEG and a PNG of the same size, and a file that cannot be decoded."""
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded(scene(96, 128, 1), "JPEG", quality=75))
    (folder / "b.png").write_bytes(encoded(scene(96, 128, 2), "PNG"))
    (folder / "c.jpg").write_bytes((folder / "a.jpg").read_bytes()[:900])
    return folder


def test_without_a_map_there_is_no_legend_and_no_reading(examiner: Examiner, pair: Path) -> None:
    words = examiner.window.table.words
    examiner.open(pair, "a.jpg")
    assert words.reading.text() != ""
    examiner.window.table.set_show(Show.PICTURE)
    assert (words.legend.method.text(), words.reading.text()) == ("No map is shown.", "")
    examiner.show(pair / "b.png")
    assert words.reading.text() == ""


def test_the_reading_is_that_of_the_image_in_front(examiner: Examiner, pair: Path) -> None:
    """A reference that is blinked to is read by its own facts."""
    examiner.open(pair, "a.jpg")
    examiner.window.toggle_reference()
    examiner.show(pair / "b.png")
    table = examiner.window.table
    table.set_arrangement(Arrangement.SINGLE)
    examiner.settle()
    assert "PNG file" in table.words.reading.text()
    table.flip()
    examiner.settle()
    assert "PNG file" not in table.words.reading.text()
    table.set_arrangement(Arrangement.SIDE)
    examiner.settle()
    lines = table.words.reading.text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["b.png", "a.jpg"]


def test_two_gains_are_two_scales_in_the_legend(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "a.jpg")
    examiner.window.toggle_reference()
    examiner.show(pair / "b.png")
    assert "two scales" not in examiner.window.table.words.legend.method.text()
    examiner.window.map_panel.form.set_value("auto_gain", True)
    examiner.settle()
    caption = examiner.window.table.words.legend.method.text()
    frames = [examiner.window.table.subject.frame, examiner.window.table.reference.frame]
    for name, frame in zip(("b.png", "a.jpg"), frames, strict=True):
        assert f"{name}: to {frame.rendering.legend.high}" in caption


def test_marks_belong_to_the_selected_file_though_it_cannot_be_shown(
    examiner: Examiner, pair: Path
) -> None:
    examiner.open(pair, "a.jpg")
    examiner.window.folder.select(pair / "c.jpg")
    examiner.trigger("Mark as flagged")
    examiner.settle()
    session = examiner.window.sessions.edits.session
    assert session.entry(pair / "c.jpg").mark is Mark.FLAGGED
    assert session.entry(pair / "a.jpg").mark is Mark.NONE


def test_a_mark_made_while_an_image_opens_gets_its_digest(examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "a.jpg")
    examiner.window.folder.select(pair / "b.png")
    examiner.trigger("Mark as unsure")
    examiner.show(pair / "b.png")
    entry = examiner.window.sessions.edits.session.entry(pair / "b.png")
    assert entry.mark is Mark.UNSURE
    assert entry.sha256 == examiner.inspection.evidence.sha256


def test_the_read_out_follows_image_and_method(examiner: Examiner, pair: Path) -> None:
    """The mouse rests while the keyboard changes what lies under it."""
    examiner.open(pair, "a.jpg")
    pane, said = examiner.window.table.right, examiner.window._cursor
    column, row = examiner.point_at(pane, 40, 30)
    before = said.text()
    examiner.show(pair / "b.png")
    red, green, blue = np.array(Image.open(pair / "b.png"))[row, column]
    assert f"RGB {red} {green} {blue}" in said.text() != before
    assert "residual" in said.text()
    examiner.window.map_panel.choose(NOISE)
    examiner.settle()
    assert "noise residual" in said.text()


def test_a_changed_file_is_said_and_read_again_on_request(
    qtbot: QtBot, examiner: Examiner, pair: Path
) -> None:
    examiner.open(pair, "a.jpg")
    examiner.trigger("Mark as flagged")
    before = examiner.inspection.evidence.sha256
    other = pair.parent / "other.jpg"
    other.write_bytes(encoded(scene(96, 128, 7), "JPEG", quality=90))
    os.utime(other, ns=(10**18, 10**18))
    shutil.copy2(other, pair / "a.jpg")
    examiner.window.folders.list_again([pair])
    qtbot.waitUntil(lambda: "has changed on disk" in examiner.notice, timeout=10_000)
    assert before in examiner.notice
    assert examiner.inspection.evidence.sha256 == before
    examiner.trigger("Open again")
    qtbot.waitUntil(lambda: examiner.inspection.evidence.sha256 != before, timeout=10_000)
    assert "made on other content" in examiner.notice and before in examiner.notice


def test_a_deleted_file_is_said(qtbot: QtBot, examiner: Examiner, pair: Path) -> None:
    examiner.open(pair, "a.jpg")
    (pair / "a.jpg").unlink()
    examiner.window.folders.list_again([pair])
    qtbot.waitUntil(lambda: "a.jpg is no longer there" in examiner.notice, timeout=10_000)


def test_an_empty_folder_empties_the_table(
    qtbot: QtBot, examiner: Examiner, pair: Path, tmp_path: Path
) -> None:
    examiner.open(pair, "a.jpg")
    empty = tmp_path / "empty"
    empty.mkdir()
    examiner.window.open_paths([empty])
    qtbot.waitUntil(lambda: examiner.window.table.subject is None, timeout=10_000)
    assert examiner.window.windowTitle() == "Elascope"
    assert examiner.window.notes.path is None
    assert not examiner.action("Export view…").isEnabled()
    examiner.open(pair, "b.png")
    assert examiner.window.info.isEnabled()


def test_an_exported_wipe_is_divided_where_the_screen_was(examiner: Examiner, pair: Path) -> None:
    """The divider stands in the pane; the picture may lie anywhere in it."""
    examiner.open(pair, "a.jpg")
    table = examiner.window.table
    table.set_arrangement(Arrangement.WIPE)
    table.right.zoom_by(2.0, QPointF(0, 0))
    for divider in (0.1, 0.4, 0.6, 0.9):
        table.right.set_divider(divider)
        shown = table.shown()
        geometry = table.right.current_geometry()
        assert shown is not None and geometry is not None
        _, spec = shown
        seen = divider * geometry.width
        left, _ = geometry.corner
        column = min(max((seen - left) / geometry.zoom, spec.region.left), spec.region.right)
        found = spec.region.left + spec.divider * spec.region.width
        assert found == pytest.approx(column, abs=1.0)


def test_a_session_brings_back_regions_reference_and_arrangement(
    examiner: Examiner, make_window: object, pair: Path, tmp_path: Path
) -> None:
    examiner.open(pair, "a.jpg")
    window = examiner.window
    window.toggle_reference()
    examiner.show(pair / "b.png")
    window.table.set_arrangement(Arrangement.WIPE)
    window.regions.set("A", Region(3, 4, 70, 72))
    window.regions.set("B", Region(60, 10, 128, 90))
    examiner.settle()
    target = tmp_path / "case.elascope-session.json"
    window.sessions._write(target, None)
    examiner.qtbot.waitUntil(target.exists, timeout=10_000)
    kept = json.loads(target.read_text("utf-8"))["settings"]
    assert kept["regions"] == {"A": [3, 4, 70, 72], "B": [60, 10, 128, 90]}

    other = Examiner(examiner.qtbot, make_window())
    other.window.sessions.open(target)
    other.qtbot.waitUntil(lambda: other.window.table.reference is not None, timeout=10_000)
    other.settle()
    assert other.window.table.reference.name == "a.jpg"
    assert other.window.table.subject.name == "b.png"
    assert other.window.table.arrangement is Arrangement.WIPE
    assert other.window.regions.regions == window.regions.regions
