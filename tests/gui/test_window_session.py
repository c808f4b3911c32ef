"""Marks, notes and sessions in the window: kept, found again, and never lost without a question."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.gui.main_window import MainWindow
from app.gui.table.canvas import Show
from app.session import Mark
from tests.gui.conftest import Examiner, menu_actions

BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answers file dialogs and the question about unsaved edits; returns what was asked."""

    def give(target: Path | None = None, question: BUTTONS | None = None) -> list[str]:
        asked: list[str] = []

        def dialog(parent: object, title: str, *_: object) -> tuple[str, str]:
            asked.append(title)
            return ("", "") if target is None else (str(target), "")

        def ask(parent: object, title: str, *_: object) -> BUTTONS:
            asked.append(title)
            assert question is not None, "a question that was not expected"
            return question

        monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", dialog)
        monkeypatch.setattr(QMessageBox, "question", ask)
        return asked

    return give


def mark_of(window: MainWindow, path: Path) -> Mark:
    """What the session keeps."""
    return window.sessions.edits.session.entry(path).mark


def chosen_marks(window: MainWindow) -> list[Mark]:
    """The buttons that are down."""
    return [mark for mark, button in window.notes.buttons.items() if button.isChecked()]


def write_note(examiner: Examiner, text: str) -> None:
    """Type a note, as the keyboard does."""
    examiner.window.notes.note.setFocus()
    QTest.keyClicks(examiner.window.notes.note, text)


# Marks and notes ------------------------------------------------------------------------------


def test_marks_and_notes_belong_to_the_shown_image(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    examiner.trigger("Mark as flagged")
    write_note(examiner, "left edge")
    examiner.show(folder / "b.png")
    assert chosen_marks(window) == []
    assert window.notes.note.text() == ""
    examiner.trigger("Mark as cleared")
    examiner.show(folder / "a.jpg")
    assert chosen_marks(window) == [Mark.FLAGGED]
    assert window.notes.note.text() == "left edge"
    session = window.sessions.edits.session
    assert session.entry(folder / "a.jpg").note == "left edge"
    assert session.entry(folder / "a.jpg").sha256 == examiner.inspection.evidence.sha256
    assert mark_of(window, folder / "b.png") is Mark.CLEARED


def test_undo_and_redo_from_the_menu(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    edits = window.sessions.edits
    assert not edits.undo_action.isEnabled()
    examiner.trigger("Mark as flagged")
    examiner.trigger("Mark as unsure")
    assert mark_of(window, folder / "a.jpg") is Mark.UNSURE
    undo = next(action for action in menu_actions(window) if action is edits.undo_action)
    undo.trigger()
    assert (mark_of(window, folder / "a.jpg"), chosen_marks(window)) == (
        Mark.FLAGGED,
        [Mark.FLAGGED],
    )
    undo.trigger()
    assert (mark_of(window, folder / "a.jpg"), chosen_marks(window)) == (Mark.NONE, [])
    assert edits.clean
    edits.redo_action.trigger()
    assert chosen_marks(window) == [Mark.FLAGGED]


def test_letters_typed_into_a_note_are_no_commands(examiner: Examiner, folder: Path) -> None:
    """G, U, C, B, K and the digits are keys of the window elsewhere."""
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    examiner.trigger("Write a note")
    assert window.notes.note.hasFocus()
    write_note(examiner, "gucbkfarn123456")
    window.notes.flush()
    entry = window.sessions.edits.session.entry(folder / "a.jpg")
    assert (entry.note, entry.mark) == ("gucbkfarn123456", Mark.NONE)
    assert window.table.show_as is Show.OVERLAY


def test_the_folder_list_shows_the_marks(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger("Mark as unsure")
    marks = examiner.window.sessions.edits.marks()
    assert marks == {folder / "a.jpg": ("unsure", False)}
    assert "unsure" in str(examiner.window.folder.model._marks.values())


# Files ----------------------------------------------------------------------------------------


def test_a_saved_session_brings_everything_back(
    examiner: Examiner,
    make_window: Callable[[], MainWindow],
    folder: Path,
    tmp_path: Path,
    answers: Callable[..., list[str]],
) -> None:
    target = tmp_path / "case.elascope-session.json"
    examiner.open(folder, "b.png")
    window = examiner.window
    examiner.trigger("Mark as flagged")
    write_note(examiner, "brighter at the left")
    window.map_panel.form.set_value("quality", 83)
    window.table.set_show(Show.MAP)
    examiner.settle()
    asked = answers(target)
    examiner.trigger("Save session")
    assert asked == ["Save session"]
    assert examiner.notice == f"Saved: {target}"
    assert window.sessions.edits.clean
    examiner.trigger("Save session")
    assert asked == ["Save session"]

    other = Examiner(examiner.qtbot, make_window())
    answers(target)
    other.trigger("Open session…")
    assert [path.name for path in other.window.folder.model.paths] == [
        path.name for path in window.folder.model.paths
    ]
    other.settle()
    assert other.window.windowTitle().startswith("b.png"), "the image that was shown"
    assert chosen_marks(other.window) == [Mark.FLAGGED]
    assert other.window.notes.note.text() == "brighter at the left"
    assert other.frame.params.values()["quality"] == 83
    assert other.window.table.show_as is Show.MAP
    assert other.window.sessions.edits.clean


def test_a_session_is_refused_inside_the_evidence_folder(
    examiner: Examiner, folder: Path, answers: Callable[..., list[str]]
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    examiner.open(folder, "a.jpg")
    examiner.trigger("Mark as flagged")
    answers(folder / "case.elascope-session.json")
    examiner.trigger("Save session")
    assert examiner.notice.startswith("Not saved. ")
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not examiner.window.sessions.edits.clean
    assert chosen_marks(examiner.window) == [Mark.FLAGGED]


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 99}', "{" * 5000])
def test_a_file_that_is_no_session_changes_nothing(
    examiner: Examiner,
    folder: Path,
    tmp_path: Path,
    answers: Callable[..., list[str]],
    content: str,
) -> None:
    source = tmp_path / "odd.json"
    source.write_text(content)
    examiner.open(folder, "a.jpg")
    answers(source)
    examiner.trigger("Open session…")
    assert examiner.notice.startswith("The session was not opened. ")
    assert examiner.inspection.path == folder / "a.jpg"


def test_settings_of_another_version_are_left_out(
    examiner: Examiner, folder: Path, tmp_path: Path, answers: Callable[..., list[str]]
) -> None:
    target = tmp_path / "case.elascope-session.json"
    examiner.open(folder, "a.jpg")
    answers(target)
    examiner.trigger("Save session")
    raw = json.loads(target.read_text())
    raw["settings"] |= {"analysis": "ela", "parameters": {"quality": 4000}, "show": "Hologram"}
    target.write_text(json.dumps(raw))
    examiner.trigger("Open session…")
    assert examiner.frame.params.values()["quality"] == 90
    assert examiner.window.table.show_as is Show.OVERLAY


# Closing and beginning anew -------------------------------------------------------------------


def test_closing_without_edits_asks_nothing(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.window.close()
    assert not examiner.window.isVisible()


@pytest.mark.parametrize("edit", ["mark", "note that is still being typed"])
def test_closing_with_edits_can_be_taken_back(
    examiner: Examiner, folder: Path, answers: Callable[..., list[str]], edit: str
) -> None:
    examiner.open(folder, "a.jpg")
    if edit == "mark":
        examiner.trigger("Mark as flagged")
    else:
        write_note(examiner, "half a sen")
    asked = answers(question=BUTTONS.Cancel)
    examiner.window.close()
    examiner.settle()
    assert asked == ["Unsaved session"]
    assert examiner.window.isVisible()
    assert not examiner.window.sessions.edits.clean
    examiner.show(folder / "b.png")


def test_closing_with_edits_can_discard_them(
    qtbot: QtBot, examiner: Examiner, folder: Path, answers: Callable[..., list[str]]
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger("Mark as flagged")
    asked = answers(question=BUTTONS.Discard)
    examiner.window.close()
    qtbot.waitUntil(lambda: not examiner.window.isVisible())
    assert asked == ["Unsaved session"]


def test_closing_with_edits_can_save_them(
    qtbot: QtBot,
    examiner: Examiner,
    folder: Path,
    tmp_path: Path,
    answers: Callable[..., list[str]],
) -> None:
    target = tmp_path / "case.elascope-session.json"
    examiner.open(folder, "a.jpg")
    examiner.trigger("Mark as flagged")
    asked = answers(target, BUTTONS.Save)
    examiner.window.close()
    qtbot.waitUntil(lambda: not examiner.window.isVisible())
    assert asked == ["Unsaved session", "Save session"]
    assert "flagged" in target.read_text()


def test_closing_stays_when_saving_fails(
    examiner: Examiner, folder: Path, answers: Callable[..., list[str]]
) -> None:
    """The window must not go with the only copy of the marks."""
    examiner.open(folder, "a.jpg")
    examiner.trigger("Mark as flagged")
    answers(folder / "case.elascope-session.json", BUTTONS.Save)
    examiner.window.close()
    examiner.settle()
    assert examiner.window.isVisible()
    assert examiner.notice.startswith("Not saved. ")
    assert chosen_marks(examiner.window) == [Mark.FLAGGED]


def test_a_new_session_asks_first_and_keeps_what_is_open(
    examiner: Examiner, folder: Path, answers: Callable[..., list[str]]
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    examiner.trigger("Mark as flagged")
    answers(question=BUTTONS.Cancel)
    examiner.trigger("New session")
    assert chosen_marks(window) == [Mark.FLAGGED]
    answers(question=BUTTONS.Discard)
    examiner.trigger("New session")
    assert chosen_marks(window) == []
    assert window.sessions.edits.clean
    assert examiner.inspection.path == folder / "a.jpg"
    assert len(window.folder.model.paths) == 4
