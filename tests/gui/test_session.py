"""Marks and notes in the window: undo leads back exactly, and no note is ever lost."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QMainWindow, QMessageBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.gui.session.edits import SessionEdits
from app.gui.session.notes_panel import NotesPanel
from app.session import Entry, Mark, Session, from_json, to_json

A, B = Path("/case/a.jpg"), Path("/case/b.jpg")
SHA, OTHER = "a" * 64, "b" * 64


class Desk(QMainWindow):
    """The panel and the edits put together as a window does."""

    def __init__(self) -> None:
        super().__init__()
        self.edits = SessionEdits(self)
        self.panel = NotesPanel()
        self.elsewhere = QLineEdit()
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.addWidget(self.panel)
        layout.addWidget(self.elsewhere)
        self.setCentralWidget(centre)
        self.menu = self.menuBar().addMenu("&Edit")
        self.menu.addActions([self.edits.undo_action, self.edits.redo_action])
        self.panel.mark_chosen.connect(self._mark)
        self.panel.note_edited.connect(self.edits.set_note)
        self.edits.changed.connect(self._changed)
        self.edits.replaced.connect(lambda: self.look_at(self.panel.path))
        self.edits.dirty_changed.connect(
            lambda dirty: self.panel.show_session(not dirty, self.edits.target)
        )

    def look_at(self, path: Path | None) -> None:
        self.panel.show_entry(path, self.edits.session.entry(path) if path else None)

    def _mark(self, mark: Mark) -> None:
        assert self.panel.path is not None
        self.edits.set_mark(self.panel.path, mark, SHA, 6)

    def _changed(self, path: Path) -> None:
        if path == self.panel.path:
            self.look_at(path)

    def note(self, path: Path) -> str:
        return self.edits.session.entry(path).note

    def mark(self, path: Path) -> Mark:
        return self.edits.session.entry(path).mark


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk()
    qtbot.addWidget(desk)
    desk.show()
    desk.activateWindow()
    desk.look_at(A)
    qtbot.waitUntil(desk.isActiveWindow)
    yield desk


@pytest.fixture
def edits(qapp: object) -> SessionEdits:
    return SessionEdits()


def type_note(qtbot: QtBot, desk: Desk, text: str) -> None:
    """Type into the note, without a pause long enough to hand it over."""
    desk.panel.note.setFocus()
    qtbot.keyClicks(desk.panel.note, text)


# Edits ----------------------------------------------------------------------------------------


STEPS = st.lists(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(Mark) | st.text(max_size=3)), max_size=8
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_and_redo_lead_through_identical_sessions(qapp: object, steps: Any) -> None:
    edits = SessionEdits()
    start = Session().with_mark(A, Mark.UNSURE).with_note(B, "before").with_digest(B, OTHER, 3)
    edits.load(start)
    seen = [edits.session]
    for path, step in steps:
        if isinstance(step, Mark):
            edits.set_mark(path, step, SHA, 6)
        else:
            edits.set_note(path, step, SHA, 6)
        seen.append(edits.session)
    end = edits.session
    while edits.undo_action.isEnabled():
        edits.undo_action.trigger()
        assert edits.session in seen
    assert edits.session == start
    assert edits.clean
    while edits.redo_action.isEnabled():
        edits.redo_action.trigger()
        assert edits.session in seen
    assert edits.session == end


def test_each_mark_is_a_step_with_a_readable_name(edits: SessionEdits) -> None:
    edits.set_mark(A, Mark.FLAGGED)
    assert edits.undo_action.text() == "&Undo Mark a.jpg as flagged"
    edits.set_mark(A, Mark.FLAGGED)
    edits.set_mark(A, Mark.NONE)
    assert edits.undo_action.text() == "&Undo Remove the mark of a.jpg"
    edits.undo_action.trigger()
    assert edits.session.entry(A).mark == Mark.FLAGGED
    assert edits.redo_action.text() == "&Redo Remove the mark of a.jpg"
    edits.undo_action.trigger()
    assert edits.session == Session()
    assert not edits.undo_action.isEnabled()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"R&D.jpg", "Note on R&&D.jpg"),
        (b"a\nb\tc.jpg", r"Note on a\nb\tc.jpg"),
        (b"caf\xe9.jpg", r"Note on caf\xe9.jpg"),
        ("\u202egpj.exe".encode(), r"Note on \u202egpj.exe"),
        (b"0123456789" * 20, "Note on 01234567890123456789…01234567890123456789"),
    ],
)
def test_odd_names_are_one_line_of_a_menu(edits: SessionEdits, name: bytes, shown: str) -> None:
    edits.set_note(Path("/case") / os.fsdecode(name), "n")
    assert edits.undo_action.text() == f"&Undo {shown}"


def test_steps_of_one_note_merge_and_others_do_not(edits: SessionEdits) -> None:
    for text in ("o", "one", "one more"):
        edits.set_note(A, text)
    edits.set_note(B, "two")
    edits.set_note(A, "one again")
    edits.undo_action.trigger()
    assert edits.session.entry(A).note == "one more"
    edits.undo_action.trigger()
    assert B not in edits.session.entries
    edits.undo_action.trigger()
    assert edits.session == Session()
    assert not edits.undo_action.isEnabled()


def test_a_note_that_came_to_nothing_leaves_no_step(edits: SessionEdits) -> None:
    edits.set_mark(B, Mark.UNSURE)
    edits.set_note(A, "x", SHA, 6)
    edits.set_note(A, "")
    assert edits.undo_action.text() == "&Undo Mark b.jpg as unsure"


def test_a_mark_renews_the_digest_and_a_note_does_not(edits: SessionEdits) -> None:
    edits.set_note(A, "seen", SHA, 6)
    edits.set_note(A, "seen again", OTHER, 7)
    assert edits.session.entry(A) == Entry(Mark.NONE, "seen again", SHA, 6)
    edits.set_mark(A, Mark.FLAGGED, OTHER, 7)
    assert edits.session.entry(A) == Entry(Mark.FLAGGED, "seen again", OTHER, 7)
    edits.set_mark(A, Mark.CLEARED)
    assert edits.session.entry(A).sha256 == OTHER
    edits.undo_action.trigger()
    edits.undo_action.trigger()
    assert edits.session.entry(A) == Entry(Mark.NONE, "seen again", SHA, 6)


def test_signals_tell_what_changed_and_when_it_is_unsaved(edits: SessionEdits) -> None:
    told: list[Any] = []
    edits.changed.connect(told.append)
    edits.dirty_changed.connect(told.append)
    edits.replaced.connect(lambda: told.append("replaced"))
    edits.set_mark(A, Mark.FLAGGED)
    edits.set_mark(B, Mark.FLAGGED)
    assert told == [A, True, B]
    told.clear()
    edits.mark_saved(Path("/s.json"))
    edits.undo_action.trigger()
    edits.redo_action.trigger()
    assert told == [False, B, True, B, False]
    assert edits.target == Path("/s.json")
    told.clear()
    edits.new([Path("/other")])
    assert told == ["replaced"]
    assert (edits.session, edits.target) == (Session((Path("/other"),)), None)
    assert not edits.undo_action.isEnabled()


def test_what_was_edited_while_saving_stays_unsaved(edits: SessionEdits) -> None:
    edits.set_note(A, "first")
    written = edits.session
    edits.set_note(A, "first and second")
    edits.mark_saved(Path("/s.json"), written)
    assert not edits.clean
    edits.undo_action.trigger()
    assert not edits.clean, "not even the first is in the session now"
    edits.redo_action.trigger()
    edits.mark_saved(Path("/s.json"))
    assert edits.clean


def test_a_note_continued_after_saving_is_a_step_of_its_own(edits: SessionEdits) -> None:
    edits.set_note(A, "saved")
    edits.mark_saved(Path("/s.json"))
    edits.set_note(A, "saved and more")
    edits.undo_action.trigger()
    assert edits.session.entry(A).note == "saved"
    assert edits.clean


def test_loading_forgets_steps_and_keeps_the_file(edits: SessionEdits) -> None:
    edits.set_mark(A, Mark.FLAGGED)
    loaded = Session().with_note(B, "n").with_mark(A, Mark.CLEARED)
    edits.load(loaded, Path("/s.json"))
    assert edits.session == loaded
    assert edits.clean
    assert edits.target == Path("/s.json")
    assert not edits.undo_action.isEnabled()
    assert edits.marks() == {B: ("", True), A: ("cleared", False)}


@pytest.mark.parametrize(
    ("button", "word"), [("Save", "save"), ("Discard", "discard"), ("Cancel", "cancel")]
)
def test_unsaved_edits_are_asked_about(
    edits: SessionEdits, monkeypatch: pytest.MonkeyPatch, button: str, word: str
) -> None:
    answer = QMessageBox.StandardButton[button]
    monkeypatch.setattr(QMessageBox, "question", lambda *arguments: answer)
    assert edits.ask_to_save(None) == word  # type: ignore[arg-type]


# Panel ----------------------------------------------------------------------------------------


def test_typing_reaches_the_session_after_a_pause(qtbot: QtBot, desk: Desk) -> None:
    type_note(qtbot, desk, "Sleeve")
    assert desk.note(A) == ""
    qtbot.waitUntil(lambda: desk.note(A) == "Sleeve")
    assert desk.panel.note.hasFocus()


def test_switching_images_while_typing_keeps_the_note_with_its_image(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.edits.set_note(B, "of b")
    type_note(qtbot, desk, "of a")
    desk.look_at(B)
    assert (desk.note(A), desk.note(B)) == ("of a", "of b")
    assert desk.panel.note.text() == "of b"
    qtbot.keyClicks(desk.panel.note, " too")
    desk.look_at(None)
    assert (desk.note(A), desk.note(B)) == ("of a", "of b too")
    assert not desk.panel.note.isEnabled()
    assert desk.panel.note.text() == ""


def test_leaving_the_note_hands_it_over(qtbot: QtBot, desk: Desk) -> None:
    type_note(qtbot, desk, "x")
    desk.elsewhere.setFocus()
    assert desk.note(A) == "x"


def test_marking_while_typing_loses_nothing(qtbot: QtBot, desk: Desk) -> None:
    type_note(qtbot, desk, "x")
    desk.panel.choose(Mark.FLAGGED)
    assert desk.edits.session.entry(A) == Entry(Mark.FLAGGED, "x", SHA, 6)
    assert desk.panel.note.text() == "x"
    desk.edits.undo_action.trigger()
    assert desk.edits.session.entry(A).mark == Mark.NONE, "the mark came last"
    assert desk.note(A) == "x"


def test_a_change_from_elsewhere_does_not_overwrite_what_is_being_typed(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.edits.set_note(A, "old")
    type_note(qtbot, desk, "er")
    desk.edits.set_note(A, "other")
    assert desk.panel.note.text() == "older"
    assert desk.note(A) == "older"
    desk.edits.set_mark(A, Mark.UNSURE)
    assert desk.panel.buttons[Mark.UNSURE].isChecked()


def test_marks_exclude_each_other_and_can_be_taken_away(qtbot: QtBot, desk: Desk) -> None:
    buttons = desk.panel.buttons
    for mark in (Mark.FLAGGED, Mark.CLEARED, Mark.UNSURE):
        qtbot.mouseClick(buttons[mark], Qt.MouseButton.LeftButton)
        assert desk.mark(A) == mark
        assert [m for m, button in buttons.items() if button.isChecked()] == [mark]
        assert buttons[mark].text() == f"✓ {mark.value.capitalize()}"
    qtbot.mouseClick(buttons[Mark.UNSURE], Qt.MouseButton.LeftButton)
    assert desk.edits.session == Session()
    assert not any(button.isChecked() for button in buttons.values())
    desk.edits.undo_action.trigger()
    assert buttons[Mark.UNSURE].isChecked()


def test_buttons_show_the_mark_of_the_session_and_not_the_wish(qtbot: QtBot) -> None:
    panel = NotesPanel()
    qtbot.addWidget(panel)
    panel.show_entry(A, Entry(Mark.CLEARED))
    panel.buttons[Mark.FLAGGED].click()
    assert panel.buttons[Mark.CLEARED].isChecked()
    assert not panel.buttons[Mark.FLAGGED].isChecked()


def test_the_keyboard_is_enough(qtbot: QtBot, desk: Desk) -> None:
    flagged, unsure, cleared = (
        desk.panel.buttons[mark] for mark in (Mark.FLAGGED, Mark.UNSURE, Mark.CLEARED)
    )
    flagged.setFocus()
    qtbot.keyClick(flagged, Qt.Key.Key_Space)
    assert desk.mark(A) == Mark.FLAGGED
    for now, following in (
        (flagged, unsure),
        (unsure, cleared),
        (cleared, desk.panel.note),
        (desk.panel.note, desk.elsewhere),
    ):
        qtbot.keyClick(now, Qt.Key.Key_Tab)
        assert following.hasFocus()
    qtbot.keyClick(desk.elsewhere, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.mark(A) == Mark.FLAGGED, "Ctrl+Z belongs to the text field that has the keyboard"
    flagged.setFocus()
    qtbot.keyClick(flagged, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.mark(A) == Mark.NONE
    for widget in (flagged, unsure, cleared, desk.panel.note):
        assert widget.accessibleName()


def test_control_z_in_the_note_undoes_typing_and_outside_it_the_step(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.panel.choose(Mark.FLAGGED)
    type_note(qtbot, desk, "abc")
    qtbot.waitUntil(lambda: desk.note(A) == "abc")
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(desk.panel.note, Qt.Key.Key_Z, control)
    assert desk.panel.note.text() == ""
    assert desk.mark(A) == Mark.FLAGGED
    qtbot.waitUntil(lambda: desk.note(A) == "")
    qtbot.keyClick(desk.panel.note, Qt.Key.Key_Z, control)
    assert desk.mark(A) == Mark.FLAGGED, "nothing is left to undo in the field"
    qtbot.keyClicks(desk.panel.note, "def")
    desk.panel.buttons[Mark.FLAGGED].setFocus()
    qtbot.keyClick(desk.panel.buttons[Mark.FLAGGED], Qt.Key.Key_Z, control)
    assert (desk.note(A), desk.panel.note.text()) == ("", "")
    assert desk.mark(A) == Mark.FLAGGED
    assert not desk.panel.note.document().isUndoAvailable()
    qtbot.keyClick(desk.panel.buttons[Mark.FLAGGED], Qt.Key.Key_Z, control)
    assert desk.edits.session == Session()


def test_looking_at_a_note_never_changes_it(qtbot: QtBot, desk: Desk) -> None:
    odd = "no\u00a0break\r\nline\u2028separator\0nul \U0001f600 <b>"
    desk.edits.load(Session().with_note(A, odd))
    desk.panel.note.setFocus()
    desk.look_at(B)
    desk.look_at(A)
    desk.panel.flush()
    assert desk.note(A) == odd
    assert desk.edits.clean


def test_what_is_typed_keeps_its_characters(qtbot: QtBot, desk: Desk) -> None:
    typed = "no\u00a0break\nline \U0001f600\0<b>&amp;"
    desk.panel.note.insertPlainText(typed)
    desk.panel.flush()
    assert from_json(to_json(desk.edits.session)).entry(A).note == typed


def test_another_session_shows_its_own_note(qtbot: QtBot, desk: Desk) -> None:
    desk.edits.set_note(A, "one")
    desk.edits.load(Session().with_note(A, "two"))
    assert desk.panel.note.text() == "two"
    desk.edits.new([])
    assert desk.panel.note.text() == ""


def test_the_lines_say_which_image_and_what_is_unsaved(qtbot: QtBot, desk: Desk) -> None:
    desk.resize(800, 400)
    qtbot.waitUntil(lambda: desk.panel.width() > 700)

    def lines() -> list[str]:
        return [label.text() for label in desk.panel.findChildren(QLabel)]

    assert lines() == ["For a.jpg", "No session file yet"]
    desk.panel.choose(Mark.FLAGGED)
    assert lines()[1] == "Not saved: no session file yet"
    desk.edits.mark_saved(Path("/s/case.elascope-session.json"))
    assert lines()[1] == "Saved in case.elascope-session.json"
    desk.panel.choose(Mark.FLAGGED)
    assert lines()[1] == "Unsaved changes to case.elascope-session.json"
    desk.look_at(Path("/case") / os.fsdecode(b"<b>caf\xe9\n.jpg"))
    label = desk.panel.findChildren(QLabel)[0]
    assert label.text() == r"For <b>caf\xe9\n.jpg"
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "&lt;b&gt;" in label.toolTip()


def test_a_long_name_does_not_widen_the_panel(qtbot: QtBot) -> None:
    panel = NotesPanel()
    qtbot.addWidget(panel)
    panel.resize(330, 250)
    panel.show()
    narrow = panel.minimumSizeHint().width()
    panel.show_entry(Path("/case") / ("n" * 250), Entry())
    panel.show_session(False, Path("/s") / ("n" * 250))
    assert panel.minimumSizeHint().width() == narrow < 330
    label = panel.findChildren(QLabel)[0]
    assert "…" in label.text()
    assert label.accessibleName() == "For " + "n" * 250
