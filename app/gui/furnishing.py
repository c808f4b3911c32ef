"""What a window is furnished with: its panels, and the desks that work with them.

All that takes long to import comes with this module. `MainWindow` imports it when it is
furnished, so that its frame can be on the screen before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.analysis import ANALYSES
from app.gui.batch import Batch
from app.gui.docks import Docks
from app.gui.exports import Exports
from app.gui.folder.desk import FolderDesk
from app.gui.folder.panel import FolderPanel
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
from app.gui.scan.overview import Overview
from app.gui.scan.panel import ScanPanel
from app.gui.scrolling import scrolling
from app.gui.session.desk import SessionDesk
from app.gui.session.notes_panel import NotesPanel
from app.gui.session.reopening import Reopening
from app.gui.table.light_table import LightTable
from app.gui.verdict_panel import VerdictPanel
from app.gui.where.desk import WhereDesk
from app.gui.where.panel import WherePanel
from app.gui.window_state import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.evidence.guard import Guard
    from app.gui.folder.thumbnails import ThumbnailSource
    from app.gui.main_window import MainWindow


def furnish(
    window: MainWindow,
    model_folders: Sequence[Path],
    backbone_folders: Sequence[Path],
    thumbnails: ThumbnailSource | None,
    guard: Guard | None,
) -> None:
    """Put panels, desks and menus into ``window``, which then connects them.

    Args:
        window: without anything in it.
        model_folders: where models are looked for.
        backbone_folders: where the networks are looked for that models share.
        thumbnails: makes small pictures; None decodes here and keeps none on disk.
        guard: decodes pictures in a process of its own; None decodes here.
    """
    window.analyses = ANALYSES
    window.models = Models(model_folders, backbone_folders)
    _panels(window, thumbnails)
    _desks(window, guard)
    window.menus = Menus(window)
    window.help.set_shortcuts(window.menus.shortcuts())


def _panels(window: MainWindow, thumbnails: ThumbnailSource | None) -> None:
    window.notice = Notice()
    window.map_panel = MapPanel(window.analyses)
    window.table = LightTable(
        window.map_panel.analysis, window.map_panel.form.params, window.pool, window
    )
    centre = QWidget()
    layout = QVBoxLayout(centre)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(window.notice)
    layout.addWidget(window.table, 1)
    window.setCentralWidget(centre)
    window.folder = FolderPanel(thumbnails)
    window.verdict = VerdictPanel()
    window.where_panel = WherePanel()
    window.info = InfoPanel()
    window.notes = NotesPanel()
    window.regions_panel = RegionsPanel()
    window.help = HelpPanel(window.analyses)
    window.scan_panel = ScanPanel(window.pool)
    window.overview = Overview(thumbnails)
    window.sweep = SweepStrip(window.pool)
    window.docks = Docks(
        window,
        folder=("Folder", window.folder),
        map=(window.map_panel.analysis.title, scrolling(window.map_panel)),
        verdict=("Verdict", scrolling(window.verdict)),
        where=("Where", scrolling(window.where_panel)),
        file=("File", window.info),
        notes=("Notes", window.notes),
        regions=("Regions", window.regions_panel),
        help=("Help", window.help),
        scan=("Scan", window.scan_panel),
        overview=("Overview", window.overview),
        sweep=("Quality sweep", window.sweep),
    )


def _desks(window: MainWindow, guard: Guard | None) -> None:
    pool, notice, settings = window.pool, window.notice, window.settings
    table, folder, models = window.table, window.folder, window.models
    window.batch = Batch(window.scan_panel, window.overview, models, pool, window)
    window.saving = Saving(pool, notice, settings, window)
    window.where = WhereDesk(table, window.where_panel, models, pool, window)
    window.exports = Exports(table, folder, window.batch, window.where, window.saving, window)
    window.sessions = SessionDesk(
        window.notes,
        folder,
        notice,
        window.saving,
        settings,
        lambda: state_of(table, window.map_panel, window.regions),
        pool,
        window,
    )
    window.regions = RegionDesk(table, window.regions_panel, window.sweep, pool, window)
    window.images = ImageDesk(
        table,
        (window.map_panel, window.info, window.verdict),
        (window.regions, window.sessions, window.where),
        models,
        notice,
        pool,
        window,
        guard,
    )
    window.folders = FolderDesk(
        folder, (window.images, window.sessions, window.batch), notice, settings, pool, window
    )
    window.reopening = Reopening(
        table,
        window.map_panel,
        window.regions,
        notice,
        window.folders.open,
        guard,
        pool,
        window,
    )
    window.pages = ModelPages(models, notice, pool, window)
    window.presets = Presets(window.map_panel, settings, window)
