"""The selected image: opening it, and bringing what is known of it to the panels."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from app.analysis.reading import last_save
from app.errors import ElascopeError
from app.evidence.file import EvidenceFile
from app.evidence.guard import Guard
from app.gui.folder.listing import FolderEntry, Listing
from app.gui.info.facts import read_details
from app.gui.info.panel import InfoPanel
from app.gui.jobs import Channel
from app.gui.map_panel import MapPanel
from app.gui.models import Answers, Models
from app.gui.notice import Notice
from app.gui.regions.desk import RegionDesk
from app.gui.session.desk import SessionDesk
from app.gui.table.inspection import Inspection, inspect
from app.gui.table.light_table import LightTable
from app.gui.verdict_panel import VerdictPanel
from app.gui.where.desk import WhereDesk
from app.names import one_line

_PATIENCE = 150
"""Milliseconds after which the previous image is greyed out while the next is being opened."""


class ImageDesk(QObject):
    """One image at a time; if it cannot be opened, the previous one stays.

    Signals:
        loaded: the `Inspection` that is now on the table, or None.
        titled: what the window's title should say.
    """

    loaded = Signal(object)
    titled = Signal(str)

    def __init__(
        self,
        table: LightTable,
        panels: tuple[MapPanel, InfoPanel, VerdictPanel],
        desks: tuple[RegionDesk, SessionDesk, WhereDesk],
        models: Models,
        notice: Notice,
        pool: QThreadPool,
        parent: QObject,
        guard: Guard | None = None,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._map_panel, self._info, self._verdict = panels
        self._regions, self._sessions, self._where = desks
        self._models = models
        self._notice = notice
        self._guard = guard
        self.inspection: Inspection | None = None
        self.selected: Path | None = None
        self.opening = Channel(pool, self)
        self.judging = Channel(pool, self)
        self._detailing = Channel(pool, self)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self._say_opening)

    def show(self, path: Path) -> None:
        """Open ``path`` and show it; if that fails, the previous picture stays."""
        self.selected = path
        # Marks and notes belong to the selected file from now on, whatever is still on the table.
        self._sessions.show(path)
        self._patience.start()
        failed = partial(self._failed, path)
        self.opening.request(
            path, lambda stop: inspect(path, self._guard, stop), self._loaded, failed
        )

    def show_again(self) -> None:
        """Read the selected file once more, such as when it has changed on disk."""
        if self.selected is not None:
            self.show(self.selected)

    def show_nothing(self) -> None:
        """The folder is empty."""
        self.opening.drop()
        self._greyed("")
        self.inspection = self.selected = None
        self._table.clear()
        self._where.show_image(None)
        self._info.setEnabled(False)
        self._map_panel.last_save.clear()
        self._verdict.show_text("Select an image.")
        self._sessions.show_nothing()
        self._notice.hide()
        self.titled.emit("")
        self.loaded.emit(None)

    def compare_with_disk(self, listing: Listing) -> None:
        """Say when the shown file is no longer what was read."""
        if self.inspection is None:
            return
        shown = self.inspection.evidence
        name = one_line(shown.path.name)
        entry = next((entry for entry in listing.entries if entry.path == shown.path), None)
        read = f"What is shown was read before; its SHA-256 is {shown.sha256}."
        if entry is None or entry.size is None:
            self._notice.say(f"{name} is no longer there. {read}")
        elif not _same_file(entry, shown):
            self._notice.say(f"{name} has changed on disk. {read} F5 reads what is there now.")

    def _say_opening(self) -> None:
        """Say that what is seen is still the previous image, until the selected one is there."""
        name = one_line(self.selected.name) if self.selected else ""
        self.titled.emit(f"{name} – being opened")
        still = f"; this is still {self._table.subject.name}" if self._table.subject else ""
        self._greyed(f"{name} is being opened{still}")

    def _greyed(self, banner: str) -> None:
        """Grey out what belongs to another image than the selected one."""
        self._patience.stop()
        self._table.set_banner(banner)
        for panel in (self._verdict, self._info, self._map_panel.last_save):
            panel.setEnabled(not banner)
        self._where.panel.setEnabled(not banner and self.inspection is not None)

    def _loaded(self, inspection: Inspection) -> None:
        self._greyed("")
        self.inspection = inspection
        self._notice.hide()
        self.titled.emit(one_line(inspection.path.name))
        self._table.show_inspection(inspection)
        self._regions.show_image(inspection.picture.width, inspection.picture.height)
        self._where.show_image(inspection)
        self._info.show_inspection(inspection)
        evidence = inspection.evidence
        self._sessions.show(inspection.path, evidence.sha256, evidence.size)
        self._map_panel.last_save.setText(f"This file: {last_save(inspection.jpeg)}")
        self._verdict.show_text("Being judged…")
        self.judging.request(
            inspection,
            lambda stop: self._models.judge(inspection, stop),
            self._judged,
            lambda error: self._verdict.show_text(f"No verdict: {error.sentence}"),
        )
        self._detailing.request(
            inspection,
            lambda stop: read_details(inspection, self._guard, stop),
            self._info.show_details,
            lambda error: self._info.show_failure(error.sentence),
        )
        self.loaded.emit(inspection)

    def _judged(self, answers: Answers) -> None:
        self._verdict.show_verdicts(answers.each, self._models.refusals, answers.preliminary)

    def _failed(self, path: Path, error: ElascopeError) -> None:
        self._greyed("")
        stays = ""
        if self.inspection is not None:
            shown = one_line(self.inspection.path.name)
            self.titled.emit(shown)
            stays = f" The previous picture stays: {shown}."
        self._notice.say(f"{one_line(path.name)}: {error.sentence}{stays}", error.detail)


def _same_file(entry: FolderEntry, evidence: EvidenceFile) -> bool:
    """Whether the file system still tells the size and time that it told when it was read."""
    if entry.size != evidence.size or evidence.modified is None or entry.modified is None:
        return entry.size == evidence.size
    return abs(entry.modified / 1e9 - evidence.modified.timestamp()) < 1e-3
