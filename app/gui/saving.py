"""Saving from the window: a name with the right suffix, written on a thread, said in a notice."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool
from PySide6.QtWidgets import QFileDialog, QWidget

from app.errors import ElascopeError
from app.gui.jobs import Channel
from app.gui.notice import Notice
from app.gui.settings import Settings
from app.names import one_line


class Saving(QObject):
    """Asks where, and writes there."""

    def __init__(
        self, pool: QThreadPool, notice: Notice, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._window = parent
        self._pool = pool
        self._notice = notice
        self.running = 0

    def ask(self, title: str, stem: str, kinds: Sequence[tuple[str, str]]) -> Path | None:
        """Ask for a target whose suffix says what it holds; None when there is none.

        Args:
            title: of the dialog.
            stem: the proposed name without suffix.
            kinds: (description, suffix with its dot), the default first.
        """
        filters = {f"{description} (*{suffix})": suffix for description, suffix in kinds}
        default = kinds[0][1]
        folder = self._settings.directory("save") or Path.home()
        chosen, used = QFileDialog.getSaveFileName(
            self._window, title, str(folder / f"{stem}{default}"), ";;".join(filters)
        )
        if not chosen:
            return None
        target = Path(chosen)
        self._settings.keep_directory("save", target.parent)
        if target.name.lower().endswith(tuple(filters.values())):
            return target
        completed = target.with_name(target.name + filters.get(used, default))
        # The dialog has asked before replacing the name that was typed, not the completed one.
        if os.path.lexists(completed):
            self._notice.say(
                f"Not saved: {one_line(str(completed))} exists. Give its whole name to replace it."
            )
            return None
        return completed

    def write(
        self,
        work: Callable[[threading.Event], object],
        target: Path,
        then: Callable[[], None] | None = None,
        remark: str = "",
    ) -> None:
        """Do ``work`` on a thread; on a channel of its own, so that no save replaces another.

        Args:
            work: writes.
            target: named in the notice.
            then: called when it was written.
            remark: a sentence on what was written and what was not.
        """
        channel = Channel(self._pool, self)
        self.running += 1

        def done(_: object) -> None:
            self.running -= 1
            self._notice.say(f"Saved: {one_line(str(target))}. {remark}".rstrip(". "))
            channel.deleteLater()
            if then is not None:
                then()

        def fail(error: ElascopeError) -> None:
            self.running -= 1
            self._notice.say_error("Not saved.", error)
            channel.deleteLater()

        channel.request(target, work, done, fail)
