"""The session in the window: marks and notes of the shown image, and the session's file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.gui.folder.panel import FolderPanel
from app.gui.jobs import Channel
from app.gui.notice import Notice
from app.gui.saving import Saving
from app.gui.session.edits import SessionEdits
from app.gui.session.notes_panel import NotesPanel
from app.gui.settings import Settings
from app.names import one_line
from app.session import SUFFIX, Mark, Session, load, save

_KIND = "Elascope session"


class SessionDesk(QObject):
    """Brings `SessionEdits` together with notes panel, folder list and files.

    Signals:
        opened: a `Session` was read from a file; the window takes up its settings and folders.

    Args:
        notes: panel of the shown image.
        folder: list of the open images.
        notice: says what did not work.
        saving: asks for targets and writes.
        settings: where dialogs begin.
        state: tells what a session keeps of the window.
        pool: of the worker threads.
        window: that dialogs belong to.
    """

    opened = Signal(object)

    def __init__(
        self,
        notes: NotesPanel,
        folder: FolderPanel,
        notice: Notice,
        saving: Saving,
        settings: Settings,
        state: Callable[[], dict[str, Any]],
        pool: QThreadPool,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._notes = notes
        self._folder = folder
        self._notice = notice
        self._saving = saving
        self._settings = settings
        self._state = state
        self._path: Path | None = None
        self._digest: tuple[str, int | None] = ("", None)
        self._unhashed: set[Path] = set()
        self._reading = Channel(pool, self)
        self.edits = SessionEdits(self)
        self.edits.changed.connect(self._changed)
        self.edits.replaced.connect(self._replaced)
        self.edits.dirty_changed.connect(lambda _: self._show_state())
        notes.mark_chosen.connect(self._mark)
        notes.note_edited.connect(self._note)

    def show(self, path: Path, sha256: str = "", size: int | None = None) -> None:
        """Marks and notes from now on belong to ``path``, and to this content once it is known."""
        self._notes.flush()
        self._path, self._digest = path, (sha256, size)
        if sha256 and path in self._unhashed:
            self._unhashed.discard(path)
            self.edits.complete(path, sha256, size)
        entry = self.edits.session.entry(path)
        self._notes.show_entry(path, entry)
        if sha256 and entry.sha256 not in ("", sha256):
            self._notice.say(
                f"The mark and note of {one_line(path.name)} were made on other content, with the "
                f"SHA-256 {entry.sha256}. The file now has {sha256}."
            )

    def show_nothing(self) -> None:
        """No image is selected."""
        self._notes.flush()
        self._path, self._digest = None, ("", None)
        self._notes.show_entry(None, None)

    def leave(self, then: Callable[[], None]) -> None:
        """Do ``then``, which ends this session, once its edits are saved or not wanted."""
        self._notes.flush()
        answer = "discard" if self.edits.clean else self.edits.ask_to_save(self._window)
        if answer == "discard":
            then()
        elif answer == "save":
            self.save(then)

    def begin(self) -> None:
        """Begin a session without marks on what is open."""
        self.leave(lambda: self.edits.new(self.edits.session.roots))

    def choose(self) -> None:
        """Ask for a session file and go on with it."""
        folder = self._settings.directory("save") or Path.home()

        def ask() -> None:
            chosen, _ = QFileDialog.getOpenFileName(
                self._window, "Open session", str(folder), f"{_KIND} (*{SUFFIX});;All files (*)"
            )
            if chosen:
                self.open(Path(chosen))

        self.leave(ask)

    def open(self, source: Path) -> None:
        """Go on with the session in ``source``: its marks, folders and parameters."""

        def done(session: Session) -> None:
            self.edits.load(session, source)
            self.opened.emit(session)

        failed = partial(self._notice.say_error, "The session was not opened.")
        self._reading.request(source, lambda _: load(source), done, failed)

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Write the session to its file, or ask for one; ``then`` follows when it is written."""
        if self.edits.target is None:
            self.save_as(then)
        else:
            self._write(self.edits.target, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a file and write the session to it."""
        if target := self._saving.ask("Save session", "examination", [(_KIND, SUFFIX)]):
            self._write(target, then)

    def _write(self, target: Path, then: Callable[[], None] | None) -> None:
        self._notes.flush()
        written = self.edits.session.with_settings(self._state())
        listed = list(self._folder.model.paths)

        def done() -> None:
            self.edits.mark_saved(target, written)
            self._show_state()
            if then is not None:
                then()

        self._saving.write(lambda _: save(written, target, listed), target, done)

    # Edits ------------------------------------------------------------------------------------

    def _mark(self, mark: Mark) -> None:
        if self._notes.path is not None:
            self.edits.set_mark(self._notes.path, mark, *self._known(self._notes.path))

    def _note(self, path: Path, text: str) -> None:
        self.edits.set_note(path, text, *self._known(path))

    def _known(self, path: Path) -> tuple[str, int | None]:
        """Digest and size of the content; what is still being opened gets them when it is there."""
        if path == self._path and self._digest[0]:
            return self._digest
        self._unhashed.add(path)
        return "", None

    def _changed(self, path: Path) -> None:
        notes = self._notes
        if notes.path is not None and notes.path.absolute() == path.absolute():
            notes.show_entry(notes.path, self.edits.session.entry(path))
        self._folder.set_marks(self.edits.marks())

    def _replaced(self) -> None:
        notes = self._notes
        notes.show_entry(notes.path, self.edits.session.entry(notes.path) if notes.path else None)
        self._folder.set_marks(self.edits.marks())
        self._show_state()

    def _show_state(self) -> None:
        self._notes.show_session(self.edits.clean, self.edits.target)
