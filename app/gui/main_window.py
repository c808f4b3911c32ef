"""The window: it puts the panels together and brings images to them."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QThreadPool, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QLabel,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params
from app.evidence.guard import Guard
from app.gui.appearance import Appearance, Look
from app.gui.batch import Batch
from app.gui.dialogs import about, model_cards
from app.gui.docks import Docks
from app.gui.exports import Exports
from app.gui.folder.listing import Listing, files_to_show
from app.gui.folder.panel import FolderPanel
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.help_panel import HelpPanel
from app.gui.image_desk import ImageDesk
from app.gui.info.panel import InfoPanel
from app.gui.jobs import Channel
from app.gui.map_panel import MapPanel
from app.gui.menus import Menus
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
from app.gui.scrolling import scrolling
from app.gui.session.desk import SessionDesk
from app.gui.session.notes_panel import NotesPanel
from app.gui.settings import Settings
from app.gui.table.inspection import Inspection, inspect
from app.gui.table.light_table import LightTable
from app.gui.verdict_panel import VerdictPanel
from app.gui.where.desk import WhereDesk
from app.gui.where.panel import WherePanel
from app.gui.window_state import state_of, take_up_regions, take_up_settings
from app.session import Session


def _path(text: object) -> Path | None:
    return Path(text) if isinstance(text, str) and text else None


class MainWindow(QMainWindow):
    """Folder, light table, panels and batch scan.

    Args:
        model_folders: where models are looked for.
        settings: what is remembered from one day to the next.
        look: the appearance; None keeps the application's.
        thumbnails: makes small pictures; None decodes here and keeps none on disk.
        guard: decodes pictures in a process of its own; None decodes here.
        backbone_folders: where the networks are looked for that models share.
    """

    def __init__(
        self,
        model_folders: Sequence[Path],
        settings: Settings,
        look: Look | None = None,
        thumbnails: ThumbnailSource | None = None,
        backbone_folders: Sequence[Path] = (),
        guard: Guard | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Elascope")
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self.settings, self._look = settings, look
        self.analyses = ANALYSES
        self.models = Models(model_folders, backbone_folders)
        self._guard = guard
        self._leaving = False
        self._to_restore: dict[str, Any] = {}

        self.pool = QThreadPool(self)
        self.pool.setMaxThreadCount(4)
        self._listing = Channel(self.pool, self)
        self._listing_again = Channel(self.pool, self)
        self._loading_reference = Channel(self.pool, self)
        self._describing = Channel(self.pool, self)

        self._build_panels(thumbnails)
        self.batch = Batch(self.scan_panel, self.overview, self.models, self.pool, self)
        self.saving = Saving(self.pool, self.notice, settings, self)
        self.where = WhereDesk(self.table, self.where_panel, self.models, self.pool, self)
        self.exports = Exports(self.table, self.folder, self.batch, self.where, self.saving, self)
        self.sessions = SessionDesk(
            self.notes,
            self.folder,
            self.notice,
            self.saving,
            settings,
            lambda: state_of(self.table, self.map_panel, self.regions),
            self.pool,
            self,
        )
        self.regions = RegionDesk(self.table, self.regions_panel, self.sweep, self.pool, self)
        self.images = ImageDesk(
            self.table,
            (self.map_panel, self.info, self.verdict),
            (self.regions, self.sessions, self.where),
            self.models,
            self.notice,
            self.pool,
            self,
            guard,
        )
        self.presets = Presets(self.map_panel, settings, self)
        self.menus = Menus(self)
        self.help.set_shortcuts(self.menus.shortcuts())
        self._connect()
        self._update_actions()

    # Construction -----------------------------------------------------------------------------

    def _build_panels(self, thumbnails: ThumbnailSource | None) -> None:
        self.notice = Notice()
        self.map_panel = MapPanel(self.analyses)
        self.table = LightTable(
            self.map_panel.analysis, self.map_panel.form.params, self.pool, self
        )
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice)
        layout.addWidget(self.table, 1)
        self.setCentralWidget(centre)
        self.folder = FolderPanel(thumbnails)
        self.verdict = VerdictPanel()
        self.where_panel = WherePanel()
        self.info = InfoPanel()
        self.notes = NotesPanel()
        self.regions_panel = RegionsPanel()
        self.help = HelpPanel(self.analyses)
        self.scan_panel = ScanPanel(self.pool)
        self.overview = Overview(thumbnails)
        self.sweep = SweepStrip(self.pool)
        self.docks = Docks(
            self,
            folder=("Folder", self.folder),
            map=(self.map_panel.analysis.title, scrolling(self.map_panel)),
            verdict=("Verdict", scrolling(self.verdict)),
            where=("Where", scrolling(self.where_panel)),
            file=("File", self.info),
            notes=("Notes", self.notes),
            regions=("Regions", self.regions_panel),
            help=("Help", self.help),
            scan=("Scan", self.scan_panel),
            overview=("Overview", self.overview),
            sweep=("Quality sweep", self.sweep),
        )
        self._cursor = QLabel()
        self._zoom = QLabel()
        self.statusBar().addWidget(self._cursor, 1)
        self.statusBar().addPermanentWidget(self._zoom)

    def showEvent(self, event: QShowEvent) -> None:
        """Arrange the docks, as they were left or as at the first start."""
        super().showEvent(event)
        if self.docks.arrange_once():
            self.settings.restore_layout(self)

    def _connect(self) -> None:
        self.folder.selected.connect(self.images.show)
        self.images.titled.connect(self._set_title)
        self.images.loaded.connect(self._image_loaded)
        self.folder.changed_on_disk.connect(self._list_again)
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
        self.verdict.card_wanted.connect(self.show_card)
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
        self.sessions.opened.connect(self._session_opened)
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
        """Show the files of folders, or the given files; begin with ``image`` if it is there."""
        absolute = [root.absolute() for root in roots]

        def done(listing: tuple[Path, str, Listing]) -> None:
            folder, title, entries = listing
            self.settings.keep_directory("open", folder)
            self.settings.add_recent_folder(folder)
            self.sessions.edits.look_at(absolute)
            self.folder.show_paths(title, entries)
            self.folder.set_marks(self.sessions.edits.marks())
            self.batch.announce_rows()
            if not self.folder.model.paths:
                self.images.show_nothing()
            if image is not None and image in self.folder.model.paths:
                self.folder.select(image)
            self._update_actions()

        failed = partial(self.notice.say_error, "The folder could not be listed.")
        self._listing.request(object(), lambda stop: files_to_show(absolute, stop), done, failed)

    def _list_again(self, roots: list[Path]) -> None:
        def done(listing: tuple[Path, str, Listing]) -> None:
            self.folder.update_entries(listing[2])
            self._update_actions()
            self.images.compare_with_disk(listing[2])

        failed = partial(self.notice.say_error, "The folder could not be listed again.")
        self._listing_again.request("again", lambda stop: files_to_show(roots, stop), done, failed)

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
            self._restore_view(inspection)
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

    # Session ----------------------------------------------------------------------------------

    def _session_opened(self, session: Session) -> None:
        """Take up how the window stood when the session was saved."""
        state = session.settings
        take_up_settings(state, self.analyses, self.table, self.map_panel)
        self._to_restore = dict(state)
        if session.roots:
            self.open_paths(list(session.roots), _path(state.get("image")))

    def _restore_view(self, inspection: Inspection) -> None:
        """Once the image of the session is there: its regions, and what it was compared with."""
        state, self._to_restore = self._to_restore, {}
        if _path(state.get("image")) != inspection.path:
            return
        take_up_regions(state, self.regions)
        reference = _path(state.get("reference"))
        if reference is not None:
            failed = partial(self.notice.say_error, "The reference image was not opened.")
            self._loading_reference.request(
                reference,
                lambda stop: inspect(reference, self._guard, stop),
                self.table.compare_with,
                failed,
            )

    # Files and help ---------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """Ask for a folder and show it."""
        folder = self.settings.directory("open") or Path.home()
        chosen = QFileDialog.getExistingDirectory(self, "Open folder", str(folder))
        if chosen:
            self.open_paths([Path(chosen)])

    def choose_images(self) -> None:
        """Ask for images and show them."""
        folder = self.settings.directory("open") or Path.home()
        chosen, _ = QFileDialog.getOpenFileNames(self, "Open images", str(folder))
        if chosen:
            self.open_paths([Path(name) for name in chosen])

    def explain(self, topic: str = "") -> None:
        """Show a page of the help; by default that of the current analysis."""
        self.help.show_topic(topic or self.map_panel.analysis.id)
        self.docks.bring_up("help")

    def show_models(self) -> None:
        """Show the cards of the models."""
        self._with_models(lambda found: model_cards(self, found, self.models.refusals))

    def show_card(self, name: str) -> None:
        """Show the card of one model."""
        self._with_models(
            lambda found: model_cards(self, [d for d in found if d.card.name == name], ())
        )

    def show_about(self) -> None:
        """Show versions and licences."""
        self._with_models(lambda found: about(self, found))

    def _with_models(self, show: Any) -> None:
        def load(_: threading.Event) -> Any:
            return self.models.load()

        failed = partial(self.notice.say_error, "The models could not be read.")
        self._describing.request("models", load, show, failed)

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
        self.notes.flush()
        if not self._leaving and not self.sessions.edits.clean:
            event.ignore()
            self.sessions.leave(self._leave)
            return
        self.settings.keep_layout(self)
        self.settings.sync()
        self.hide()
        for channel in self.findChildren(Channel):
            channel.drop()
        self.folder.model.close()
        self.overview.close_pictures()
        self.batch.close()
        self.pool.waitForDone(5000)
        super().closeEvent(event)

    def _leave(self) -> None:
        self._leaving = True
        # Qt ignores a second close while the first is being answered.
        QTimer.singleShot(0, self.close)
