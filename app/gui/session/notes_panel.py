"""Mark and note of the shown image, and whether the session is saved.

Ctrl+Z has two meanings that never meet. While the note has the keyboard, it undoes typing, as in
every text field; the text that results goes into the session like typed text. Everywhere else it
undoes a step of the session. A step that changes the shown note replaces the field's text and
forgets its typing, so that nothing is undone twice.
"""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.words import plain_tooltip
from app.names import one_line
from app.session import Entry, Mark

_PAUSE = 800
"""Milliseconds without a key after which typed text goes into the session."""

_MEANINGS = {
    Mark.FLAGGED: "Conspicuous: look again",
    Mark.UNSURE: "Seen, and not decided",
    Mark.CLEARED: "Nothing conspicuous was found",
}


class NotesPanel(QWidget):
    """Three marks of which one or none is chosen, and a note.

    Typed text goes into the session after a short pause, when the keyboard goes elsewhere, and
    before another image is shown; `flush` does it at once.

    Signals:
        mark_chosen: the `Mark` that the image of `path` should have now.
        note_edited: path and text of the note.
    """

    mark_chosen = Signal(object)
    note_edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self._note = ""
        self._mark = Mark.NONE
        self._title = _Line()
        self._state = _Line()
        self.buttons: dict[Mark, QPushButton] = {}
        row = QHBoxLayout()
        for mark, meaning in _MEANINGS.items():
            button = _MarkButton(mark.value.capitalize())
            button.setToolTip(f"{meaning}. Again: no mark.")
            button.setAccessibleName(f"Mark as {mark.value}")
            button.setAccessibleDescription(meaning)
            button.clicked.connect(lambda _=False, mark=mark: self.choose(mark))
            row.addWidget(button)
            self.buttons[mark] = button
        self.note = _NoteField()
        self.note.setAccessibleName("Note on this image")
        self.note.setPlaceholderText("Note on this image")
        self.note.left.connect(self.flush)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self.flush)
        self.note.textChanged.connect(self._pause.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addWidget(self._title)
        layout.addLayout(row)
        layout.addWidget(self.note, 1)
        layout.addWidget(self._state)
        self.show_entry(None, None)
        self.show_session(True, None)

    def show_entry(self, path: Path | None, entry: Entry | None) -> None:
        """Show what is kept of ``path``; None when no image is shown.

        What was typed for another image is handed over first. What was typed for ``path`` itself
        stays, and is handed over as the newer note.
        """
        if path != self.path:
            self.flush()
        entry = entry or Entry()
        typing = path == self.path and self.note.document().isModified()
        if not typing and (path != self.path or entry.note != self._note):
            self._show_note(entry.note)
        self.path = path
        self._mark = entry.mark
        for mark, button in self.buttons.items():
            button.setChecked(mark == entry.mark)
        for widget in (self.note, *self.buttons.values()):
            widget.setEnabled(path is not None)
        if path is None:
            self._title.show_line("No image is shown", "")
        else:
            self._title.show_line(f"For {one_line(path.name)}", one_line(str(path)))
        if typing:
            self.flush()

    def show_session(self, clean: bool, target: Path | None) -> None:
        """Say whether the session has unsaved edits, and which file it is saved in."""
        if target is None:
            text = "No session file yet" if clean else "Not saved: no session file yet"
            self._state.show_line(text, "")
        else:
            text = "Saved in" if clean else "Unsaved changes to"
            self._state.show_line(f"{text} {one_line(target.name)}", one_line(str(target)))

    def choose(self, mark: Mark) -> None:
        """Ask for ``mark``, or for none if the image already has it."""
        if self.path is None:
            return
        self.flush()
        wanted = Mark.NONE if mark == self._mark else mark
        # The buttons show the session's mark; `show_entry` moves them when it has changed.
        for other, button in self.buttons.items():
            button.setChecked(other == self._mark)
        self.mark_chosen.emit(wanted)

    def flush(self) -> None:
        """Hand over what was typed and not handed over yet. Call it before saving and closing."""
        self._pause.stop()
        document = self.note.document()
        if self.path is None or not document.isModified():
            return
        document.setModified(False)
        self._note = self.note.text()
        self.note_edited.emit(self.path, self._note)

    def _show_note(self, text: str) -> None:
        self.note.setPlainText(text)
        self.note.moveCursor(QTextCursor.MoveOperation.End)
        self._pause.stop()
        self._note = text


class _MarkButton(QPushButton):
    """Stays down while its mark is chosen, and says so with a tick."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.setCheckable(True)
        self.toggled.connect(lambda on: self.setText(f"✓ {word}" if on else word))


class _NoteField(QPlainTextEdit):
    """Text with lines; Tab leads to the next control.

    Signals:
        left: the keyboard goes elsewhere.
    """

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)

    def text(self) -> str:
        """The text as typed; `toPlainText` would turn no-break spaces into common ones."""
        return self.document().toRawText().replace("\u2029", "\n")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell."""
        super().focusOutEvent(event)
        self.left.emit()


class _Line(QLabel):
    """One line of plain text, shortened in the middle to what there is room for."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""

    def show_line(self, text: str, tooltip: str) -> None:
        """Show ``text``, and ``tooltip`` when pointed at."""
        self._whole = " ".join(text.splitlines())
        self.setAccessibleName(self._whole)
        self.setToolTip(plain_tooltip(tooltip) if tooltip else "")
        self._shorten()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        middle = Qt.TextElideMode.ElideMiddle
        self.setText(self.fontMetrics().elidedText(self._whole, middle, self.width()))
