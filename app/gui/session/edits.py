"""Edits of the session: each can be undone, and none is lost without a question."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QMessageBox, QWidget

from app.names import one_line
from app.session import Entry, Mark, Session

_NAME_LENGTH = 40
"""Characters of a file's name in a menu."""


class _Change(QUndoCommand):
    """One image's entry before and after an edit."""

    def __init__(
        self, text: str, put: Callable[[Path, Entry], None], path: Path, before: Entry, after: Entry
    ) -> None:
        super().__init__(text)
        self._put = put
        self.path = path
        self.before = before
        self.after = after

    def redo(self) -> None:
        self._put(self.path, self.after)

    def undo(self) -> None:
        self._put(self.path, self.before)


class _NoteChange(_Change):
    """A step in writing a note; steps that follow each other on one image become one."""

    def id(self) -> int:
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _NoteChange) or other.path != self.path:
            return False
        self.after = other.after
        self.setObsolete(self.after == self.before)
        return True


class SessionEdits(QObject):
    """The current session, its undo steps, and where it was saved last. It opens no file.

    Signals:
        changed: the path of the image whose mark or note has changed.
        dirty_changed: whether there is now something to save.
        replaced: there is another session.
    """

    changed = Signal(object)
    dirty_changed = Signal(bool)
    replaced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = Session()
        self.target: Path | None = None
        self._saved = self.session
        self._was_clean = True
        self._stack = QUndoStack(self)
        self.undo_action = self._stack.createUndoAction(self, "&Undo")
        self.undo_action.setShortcuts(QKeySequence.StandardKey.Undo)
        self.redo_action = self._stack.createRedoAction(self, "&Redo")
        self.redo_action.setShortcuts(QKeySequence.StandardKey.Redo)

    @property
    def clean(self) -> bool:
        """Whether all marks and notes are as they were last saved or loaded."""
        return self.session.entries == self._saved.entries

    def marks(self) -> dict[Path, tuple[str, bool]]:
        """For each image of the session, by absolute path, its mark and whether it has a note."""
        return {
            path: (entry.mark.value, bool(entry.note))
            for path, entry in self.session.entries.items()
        }

    def set_mark(self, path: Path, mark: Mark, sha256: str = "", size: int | None = None) -> None:
        """Mark ``path``, whose content has the given digest and size if they are known."""
        before = self.session.entry(path)
        if mark == before.mark:
            return
        after = replace(before, mark=mark)
        if sha256 and mark:
            after = replace(after, sha256=sha256, size=size)
        name = _in_menu(path)
        text = f"Mark {name} as {mark}" if mark else f"Remove the mark of {name}"
        self._stack.push(_Change(text, self._put, path, before, after))

    def set_note(self, path: Path, text: str, sha256: str = "", size: int | None = None) -> None:
        """Note ``text`` on ``path``; an already known digest stays the one of the mark."""
        before = self.session.entry(path)
        after = self.session.with_note(path, text).entry(path)
        if after.note == before.note:
            return
        if sha256 and not before.sha256 and after.note:
            after = replace(after, sha256=sha256, size=size)
        self._stack.push(_NoteChange(f"Note on {_in_menu(path)}", self._put, path, before, after))

    def complete(self, path: Path, sha256: str, size: int | None) -> None:
        """Add which content a mark or note belongs to that was made while it was being read."""
        if not self.session.entry(path).sha256:
            self.session = self.session.with_digest(path, sha256, size)

    def new(self, roots: Sequence[Path]) -> None:
        """Begin a session without marks on ``roots``."""
        self._replace(Session(tuple(roots)), None)

    def look_at(self, roots: Sequence[Path]) -> None:
        """Add opened folders and files; marks and notes of others stay."""
        known = self.session.roots
        added = [root.absolute() for root in roots if root.absolute() not in known]
        self.session = replace(self.session, roots=(*known, *added))

    def load(self, session: Session, source: Path | None = None) -> None:
        """Go on with ``session``, read from the file ``source``."""
        self._replace(session, source)

    def mark_saved(self, target: Path, saved: Session | None = None) -> None:
        """Take note that ``saved`` was written to ``target``.

        Without ``saved``, the current session; give it when edits were possible meanwhile.
        """
        self.target = target
        self._saved = saved or self.session
        # A note that is continued after saving becomes a step of its own.
        self._stack.setClean()
        self._tell_clean()

    def ask_to_save(self, parent: QWidget) -> Literal["save", "discard", "cancel"]:
        """Ask what becomes of unsaved edits."""
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            parent,
            "Unsaved session",
            "Marks and notes of this session are not saved. Save them?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return "save"
        return "discard" if answer == buttons.Discard else "cancel"

    def _replace(self, session: Session, target: Path | None) -> None:
        self._stack.clear()
        self.session = self._saved = session
        self.target = target
        self.replaced.emit()
        self._tell_clean()

    def _put(self, path: Path, entry: Entry) -> None:
        self.session = self.session.with_entry(path, entry)
        self.changed.emit(path)
        self._tell_clean()

    def _tell_clean(self) -> None:
        if self.clean != self._was_clean:
            self._was_clean = self.clean
            self.dirty_changed.emit(not self._was_clean)


def _in_menu(path: Path) -> str:
    """The file's name for a menu entry, where & marks a key and lines and tabs divide."""
    name = one_line(path.name)
    if len(name) > _NAME_LENGTH:
        name = f"{name[: _NAME_LENGTH // 2]}…{name[-_NAME_LENGTH // 2 :]}"
    return name.replace("&", "&&")
