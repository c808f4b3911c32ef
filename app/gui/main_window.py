"""The window: an empty frame at once, and what it is furnished with soon after.

This module imports nothing that takes long, so that the frame is on the screen as soon as Qt can
put it there. `app.gui.furnishing` brings the rest.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QThreadPool, QTimer
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
    from PySide6.QtWidgets import QWidget

    from app.analysis.base import Analysis, Params
    from app.evidence.guard import Guard
    from app.gui.appearance import Appearance, Look
    from app.gui.batch import Batch
    from app.gui.docks import Docks
    from app.gui.exports import Exports
    from app.gui.folder.desk import FolderDesk
    from app.gui.folder.panel import FolderPanel
    from app.gui.folder.thumbnails import ThumbnailSource
    from app.gui.help_panel import HelpPanel
    from app.gui.image_desk import ImageDesk
    from app.gui.info.panel import InfoPanel
    from app.gui.map_panel import MapPanel
    from app.gui.menus import Menus
    from app.gui.model_pages import ModelPages
    from app.gui.models import Models
    from app.gui.notice import Notice
    from app.gui.presets import Presets
    from app.gui.regions.desk import RegionDesk
    from app.gui.regions.panel import RegionsPanel
    from app.gui.regions.sweep_strip import SweepStrip
    from app.gui.saving import Saving
    from app.gui.scan.order import Filter
    from app.gui.scan.overview import Overview
    from app.gui.scan.panel import ScanPanel
    from app.gui.session.desk import SessionDesk
    from app.gui.session.notes_panel import NotesPanel
    from app.gui.session.reopening import Reopening
    from app.gui.settings import Settings
    from app.gui.table.inspection import Inspection
    from app.gui.table.light_table import LightTable
    from app.gui.verdict_panel import VerdictPanel
    from app.gui.where.desk import WhereDesk
    from app.gui.where.panel import WherePanel

STARTING = "Elascope – starting"
"""Title of a window that is not furnished yet."""


class MainWindow(QMainWindow):
    """Folder, light table, panels and batch scan.

    Until it is furnished it is a frame with a word in it: it can be moved and closed, and remembers
    what it is to open.

    Args:
        model_folders: where models are looked for.
        settings: what is remembered from one day to the next.
        look: the appearance; None keeps the application's.
        thumbnails: as for `furnish`.
        backbone_folders: where the networks are looked for that models share.
        guard: as for `furnish`.
        furnished: at once; otherwise `furnish` is to be called.
    """

    analyses: tuple[Analysis, ...]
    models: Models
    menus: Menus
    notice: Notice
    table: LightTable
    docks: Docks

    folder: FolderPanel
    map_panel: MapPanel
    verdict: VerdictPanel
    where_panel: WherePanel
    info: InfoPanel
    notes: NotesPanel
    regions_panel: RegionsPanel
    help: HelpPanel
    scan_panel: ScanPanel
    overview: Overview
    sweep: SweepStrip

    batch: Batch
    exports: Exports
    folders: FolderDesk
    images: ImageDesk
    pages: ModelPages
    presets: Presets
    regions: RegionDesk
    reopening: Reopening
    saving: Saving
    sessions: SessionDesk
    where: WhereDesk

    def __init__(
        self,
        model_folders: Sequence[Path],
        settings: Settings,
        look: Look | None = None,
        thumbnails: ThumbnailSource | None = None,
        backbone_folders: Sequence[Path] = (),
        guard: Guard | None = None,
        parent: QWidget | None = None,
        *,
        furnished: bool = True,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(STARTING)
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self.settings, self._look = settings, look
        settings.restore_geometry(self)
        self._model_folders, self._backbone_folders = model_folders, backbone_folders
        self._furnished = self._leaving = False
        self._to_open: tuple[list[Path], Path | None] | None = None
        self.pool = QThreadPool(self)
        self.pool.setMaxThreadCount(4)
        self._cursor, self._zoom = QLabel(), QLabel()
        self.setCentralWidget(_word("Elascope is starting…"))
        if furnished:
            self.furnish(thumbnails, guard)

    # Construction -----------------------------------------------------------------------------

    def furnish(
        self, thumbnails: ThumbnailSource | None = None, guard: Guard | None = None
    ) -> None:
        """Put everything into the frame, and open what it was asked to open meanwhile.

        Args:
            thumbnails: makes small pictures; None decodes here and keeps none on disk.
            guard: decodes pictures in a process of its own; None decodes here.
        """
        from app.gui.furnishing import furnish

        furnish(self, self._model_folders, self._backbone_folders, thumbnails, guard)
        self.statusBar().addWidget(self._cursor, 1)
        self.statusBar().addPermanentWidget(self._zoom)
        self._furnished = True
        self._connect()
        self._update_actions()
        if self.isVisible():
            self._arrange()
        self._set_title("")
        if self._to_open is not None:
            self.folders.open(*self._to_open)

    def show_failure(self, sentence: str) -> None:
        """Say why the window will stay empty."""
        self._furnished = False
        self.setWindowTitle("Elascope – not started")
        self.menuBar().clear()
        for dock in self.findChildren(QDockWidget):
            dock.hide()
        self.setCentralWidget(_word(sentence))

    def showEvent(self, event: QShowEvent) -> None:
        """Arrange the docks, as they were left or as at the first start."""
        super().showEvent(event)
        if self._furnished:
            self._arrange()

    def _arrange(self) -> None:
        """Arrange the docks, if that was not done yet."""

        def restored() -> bool:
            self._lay_out_at_once()
            return self.settings.restore_layout(self)

        self.docks.arrange_once(restored)

    def _lay_out_at_once(self) -> None:
        """Show and lay out what is in the window.

        Qt does that in the next round of events. Docks that are arranged before would share the
        room of the picture, too.
        """
        layout, centre = self.layout(), self.centralWidget()
        assert layout is not None and centre is not None
        for part in (centre, self.menuBar(), self.statusBar()):
            part.show()
        layout.activate()

    def _connect(self) -> None:
        self.folder.selected.connect(self.images.show)
        self.images.titled.connect(self._set_title)
        self.images.loaded.connect(self._image_loaded)
        self.folder.changed_on_disk.connect(self.folders.list_again)
        self.folders.listed.connect(self._update_actions)
        panel = self.map_panel
        panel.changed.connect(self._set_params)
        panel.show_changed.connect(self.table.set_show)
        panel.arrangement_changed.connect(self.table.set_arrangement)
        self.table.arranged.connect(lambda: panel.mark(self.table.show_as, self.table.arrangement))
        panel.reduction_changed.connect(self.table.set_reduction)
        panel.opacity_changed.connect(self.table.set_opacity)
        panel.help_wanted.connect(self.explain)
        self.table.set_opacity(panel.opacity.value() / 100)
        self.table.read_out.connect(self._cursor.setText)
        self.table.failed.connect(partial(self.notice.say_error, "No map:"))
        self.table.looked.connect(self._show_zoom)
        self.verdict.where_wanted.connect(self.show_where)
        self.verdict.card_wanted.connect(self.pages.show_card)
        self.where.changed.connect(self._where_changed)
        self.where_panel.map_export_wanted.connect(self.exports.where_map)
        self.where_panel.regions_export_wanted.connect(self.exports.where_regions)
        self.scan_panel.scan_wanted.connect(self.start_scan)
        self.scan_panel.cancel_wanted.connect(self.batch.cancel)
        self.scan_panel.rescan_wanted.connect(self.rescan_selected)
        self.scan_panel.export_wanted.connect(self.exports.report)
        self.scan_panel.opened.connect(self.folder.select)
        self.scan_panel.changed.connect(self._update_scan_actions)
        self.overview.filter_wanted.connect(self.show_rows)
        self.overview.opened.connect(self.folder.select)
        self.sessions.opened.connect(self.reopening.begin)
        self.regions.quality_chosen.connect(
            lambda quality: panel.form.set_value("quality", quality)
        )
        self.batch.changed.connect(self._update_actions)
        self.batch.rows_arrived.connect(self.folder.model.set_rows)
        self.batch.failed.connect(self.notice.say_error)

    def _update_actions(self) -> None:
        menus = self.menus
        self._update_scan_actions()
        menus.save_map.setEnabled(self.images.inspection is not None)
        menus.export_view.setEnabled(self.images.inspection is not None)
        for action in (menus.ask_model, menus.look_for_copies):
            action.setEnabled(self.images.inspection is not None)
        menus.stop_search.setEnabled(self.where.running)
        menus.over.setEnabled(self.where.shown is not None)
        menus.over.setChecked(self.where.over)
        for action in (menus.save_where, menus.save_where_regions):
            action.setEnabled(self.where.shown is not None)
        menus.reference.setEnabled(self.images.inspection is not None)
        menus.reference.setChecked(self.table.reference is not None)

    def _update_scan_actions(self) -> None:
        panel, menus, scanning = self.scan_panel, self.menus, self.batch.running
        some = bool(self.batch.count) and not scanning
        shown = some and bool(len(panel.model.visible))
        selected = some and panel.table.anything_selected
        menus.start_scan.setEnabled(bool(self.folder.model.paths) and not scanning)
        panel.start_button.setEnabled(menus.start_scan.isEnabled())
        menus.cancel_scan.setEnabled(scanning)
        menus.export.setEnabled(some)
        panel.export_button.setEnabled(some)
        for action in (menus.export_shown, panel.export_shown):
            action.setEnabled(shown)
        menus.rescan.setEnabled(selected)
        panel.rescan_button.setEnabled(selected)
        panel.table.rescan_action.setEnabled(selected)

    # Folder and image -------------------------------------------------------------------------

    def open_paths(self, roots: list[Path], image: Path | None = None) -> None:
        """Show the files of folders, or the given files; begin with ``image`` if it is there.

        Before the window is furnished this is kept for then; the last one counts.
        """
        if self._furnished:
            self.folders.open(roots, image)
        else:
            self._to_open = roots, image

    def start_scan(self) -> None:
        """Judge every file of the list."""
        self.batch.start(self.folder.title, list(self.folder.model.paths), self.folder.roots)

    def rescan_selected(self) -> None:
        """Judge the files of the selected rows again."""
        self.batch.rescan(self.scan_panel.selected)

    def show_rows(self, wanted: Filter) -> None:
        """Show those rows of the scan that pass ``wanted``."""
        self.docks.bring_up("scan")
        self.scan_panel.set_filter(wanted)

    def _set_title(self, title: str) -> None:
        self.setWindowTitle(f"{title} – Elascope" if title else "Elascope")

    def _image_loaded(self, inspection: Inspection | None) -> None:
        if inspection is not None:
            self.reopening.go_on(inspection)
        self._update_actions()

    # View -------------------------------------------------------------------------------------

    def _set_params(self, analysis: Analysis, params: Params) -> None:
        self.docks.dock("map").setWindowTitle(analysis.title)
        self.table.set_params(analysis, params)
        self.regions.compare()

    def toggle_reference(self) -> None:
        """Keep the current image to compare others with, or forget the one that was kept."""
        self.table.set_reference(self.table.reference is None)
        self._update_actions()

    def show_where(self, question: str = "") -> None:
        """Ask the model of a question where in the picture; empty for the first that says where."""
        self.docks.bring_up("where")
        self.where.ask_model(question)

    def show_copies(self) -> None:
        """Look for parts of the picture that show the same."""
        self.docks.bring_up("where")
        self.where.look_for_copies()

    def toggle_where(self) -> None:
        """Show what was found over the picture, or hide it."""
        self.where.set_over(not self.where.over)

    def _where_changed(self) -> None:
        self.verdict.show_evidence(self.where.known)
        self._update_actions()

    def set_appearance(self, appearance: Appearance) -> None:
        """Change the colours of the window, and remember that."""
        self.settings.appearance = appearance
        if self._look is not None:
            self._look.choose(appearance)

    def find_in_folder(self) -> None:
        """Go to the folder's filter."""
        self.folder.filter_edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.folder.filter_edit.selectAll()

    def write_note(self) -> None:
        """Go to the note of the current image."""
        self.docks.bring_up("notes")
        self.notes.note.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_zoom(self) -> None:
        geometry = self.table.viewport.geometry
        self._zoom.setText(f"{geometry.zoom:.0%}" if geometry else "")

    # Help ------------------------------------------------------------------------------------

    def explain(self, topic: str = "") -> None:
        """Show a page of the help; by default that of the current analysis."""
        self.help.show_topic(topic or self.map_panel.analysis.id)
        self.docks.bring_up("help")

    # Events -----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            self.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End all work before the window goes; unsaved marks and notes are asked about first."""
        if not self._furnished:
            self.settings.keep_geometry(self)
            self.settings.sync()
            super().closeEvent(event)
            return
        self.notes.flush()
        if not self._leaving and not self.sessions.edits.clean:
            event.ignore()
            self.sessions.leave(self._leave)
            return
        self.settings.keep_layout(self)
        self.settings.sync()
        self.hide()
        self._end_work()
        super().closeEvent(event)

    def _end_work(self) -> None:
        from app.gui.jobs import Channel

        for channel in self.findChildren(Channel):
            channel.drop()
        self.folder.model.close()
        self.overview.close_pictures()
        self.batch.close()
        self.pool.waitForDone(5000)

    def _leave(self) -> None:
        self._leaving = True
        # Qt ignores a second close while the first is being answered.
        QTimer.singleShot(0, self.close)


def _word(text: str) -> QLabel:
    """What stands in a window with nothing else in it."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setMargin(24)
    return label
