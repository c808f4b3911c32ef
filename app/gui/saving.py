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


class Saving(QObject):
    """Asks where, and writes there."""

    def __init__(self, pool: QThreadPool, notice: Notice, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._pool = pool
        self._notice = notice

    def ask(self, title: str, stem: str, kinds: Sequence[tuple[str, str]]) -> Path | None:
        """Ask for a target whose suffix says what it holds; None when there is none.

        Args:
            title: of the dialog.
            stem: the proposed name without suffix.
            kinds: (description, suffix with its dot), the default first.
        """
        filters = {f"{description} (*{suffix})": suffix for description, suffix in kinds}
        default = kinds[0][1]
        chosen, used = QFileDialog.getSaveFileName(
            self._window, title, str(Path.home() / f"{stem}{default}"), ";;".join(filters)
        )
        if not chosen:
            return None
        target = Path(chosen)
        if target.suffix.lower() in filters.values():
            return target
        completed = target.with_name(target.name + filters.get(used, default))
        # The dialog has asked before replacing the name that was typed, not the completed one.
        if os.path.lexists(completed):
            self._notice.say(f"Not saved: {completed} exists. Give its whole name to replace it.")
            return None
        return completed

    def write(self, work: Callable[[threading.Event], None], target: Path) -> None:
        """Do ``work`` on a thread; on a channel of its own, so that no save replaces another."""
        channel = Channel(self._pool, self)

        def done(_: object) -> None:
            self._notice.say(f"Saved: {target}")
            channel.deleteLater()

        def fail(error: ElascopeError) -> None:
            self._notice.say_error("Not saved.", error)
            channel.deleteLater()

        channel.request(target, work, done, fail)
