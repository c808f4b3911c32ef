"""The window with decoders in processes of their own: files that would have ended it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.evidence import guard as guard_module
from app.evidence.guard import Guard
from app.gui.folder.thumbnails import thumbnail
from app.gui.main_window import MainWindow
from tests.evidence import faults
from tests.gui.conftest import Examiner, pixels_of
from tests.pictures import encoded, scene


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    monkeypatch.setattr(guard_module, "serve", faults.serve)
    guard = Guard(seconds=5.0)
    yield guard
    guard.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    for number, name in enumerate(("a good.png", "b crash.png", "c hang.png", "d good.png")):
        (folder / name).write_bytes(encoded(scene(64, 80, number), "PNG"))
    return folder


def test_files_that_crash_or_hang_a_decoder_are_a_notice_and_the_picture_stays(
    qtbot: QtBot, make_window: Callable[..., MainWindow], guard: Guard, hostile: Path
) -> None:
    examiner = Examiner(qtbot, make_window(guard=guard))
    examiner.open_folder(hostile)
    first = examiner.inspection
    assert first.path.name == "a good.png"
    assert np.array_equal(first.image.pixels, pixels_of(first.path))
    for name, words in (
        (
            "b crash.png",
            "b crash.png: Not shown: the process that decodes it was ended by SIGSEGV.",
        ),
        ("c hang.png", "c hang.png: Not shown: the process that decodes it takes longer than 5 s"),
    ):
        examiner.window.folder.select(hostile / name)
        examiner.settle()
        assert examiner.notice.startswith(words)
        assert "The previous picture stays: a good.png." in examiner.notice
        assert examiner.inspection is first
    examiner.show(hostile / "d good.png")
    assert np.array_equal(examiner.inspection.image.pixels, pixels_of(examiner.inspection.path))


def test_an_embedded_thumbnail_that_crashes_its_decoder_costs_two_pages(
    qtbot: QtBot, make_window: Callable[..., MainWindow], guard: Guard, tmp_path: Path
) -> None:
    (tmp_path / "thumb.jpg").write_bytes(encoded(scene(64, 80, 1), "JPEG"))
    examiner = Examiner(qtbot, make_window(guard=guard))
    examiner.open_folder(tmp_path)
    assert np.array_equal(examiner.inspection.image.pixels, pixels_of(tmp_path / "thumb.jpg"))
    said = "Not read: the process that reads the metadata was ended by SIGSEGV."
    info = examiner.window.info
    assert [item.text(0) for item in info.metadata.tree.rows()] == [said]
    assert said in [label.text() for label in info.thumbnail.findChildren(QLabel)]


def test_a_thumbnail_that_crashes_its_decoder_is_none(guard: Guard, hostile: Path) -> None:
    assert thumbnail(hostile / "b crash.png", 48, guard=guard) is None
    small = thumbnail(hostile / "a good.png", 48, guard=guard)
    assert small is not None
    assert np.array_equal(small, thumbnail(hostile / "a good.png", 48))
