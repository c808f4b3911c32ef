"""The window: folder, picture with its map, verdict, and batch scan."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.analysis.base import Analysis, Legend, Params
from app.analysis.ela import ELA
from app.analysis.reading import last_save
from app.arrays import RgbU8
from app.atomic import refuse_evidence
from app.detection.detector import Detector
from app.errors import ElascopeError
from app.gui.batch import Batch
from app.gui.canvas import Canvas, View
from app.gui.dialogs import about, analysis_help, model_cards
from app.gui.facts_panel import FactsPanel
from app.gui.folder_panel import FolderPanel, files_to_show
from app.gui.inspection import Inspection, Pyramid, build_pyramid, inspect
from app.gui.jobs import Channel
from app.gui.legend_bar import LegendBar
from app.gui.map_panel import MapPanel
from app.gui.models import Models
from app.gui.notice import Notice
from app.gui.saving import Saving
from app.gui.scan_panel import ScanPanel
from app.gui.verdict_panel import VerdictPanel
from app.report import REPORTS
from app.report.base import printable
from app.report.picture import parameter_record, write_png


@dataclass(frozen=True, slots=True, eq=False)
class _Map:
    """A finished map of one inspection."""

    params: Params
    measurement: RgbU8
    legend: Legend
    picture: Pyramid


class MainWindow(QMainWindow):
    """Puts the panels together and sends their wishes to worker threads."""

    def __init__(self, model_folders: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Elascope")
        self.setAcceptDrops(True)
        self.resize(1320, 860)
        self._analysis: Analysis = ELA
        self._models = Models(model_folders)
        self._inspection: Inspection | None = None
        self._map: _Map | None = None
        self._last_folder = Path.home()

        self._pool = pool = QThreadPool(self)
        pool.setMaxThreadCount(3)
        self._listing = Channel(pool, self)
        self._loading = Channel(pool, self)
        self._mapping = Channel(pool, self)
        self._judging = Channel(pool, self)
        self._describing = Channel(pool, self)

        self._build_panels()
        self.batch = Batch(self.scan_panel, self._models, pool, self)
        self._saving = Saving(pool, self.notice, self)
        self._build_menus()
        self._connect()

    # Construction -----------------------------------------------------------------------------

    def _build_panels(self) -> None:
        self.notice = Notice()
        self.canvas = Canvas()
        self.legend = LegendBar()
        self.reading = QLabel()
        self.reading.setWordWrap(True)
        self.reading.setContentsMargins(8, 2, 8, 6)
        self.reading.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reading.setAccessibleName("What the map allows to conclude")
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.notice, self.canvas, self.legend, self.reading):
            layout.addWidget(widget, 1 if widget is self.canvas else 0)
        self.setCentralWidget(centre)

        self.folder = FolderPanel()
        self.map_panel = MapPanel(self._analysis)
        self.verdict = VerdictPanel()
        self.facts = FactsPanel()
        self.scan_panel = ScanPanel()
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        self._docks = [
            self._dock("Folder", self.folder, left),
            self._dock(self._analysis.title, self.map_panel, right),
            self._dock("Verdict", _scrolling(self.verdict), right),
            self._dock("File", _scrolling(self.facts), right),
            self._dock("Scan", self.scan_panel, bottom),
        ]
        self.setCorner(Qt.Corner.BottomLeftCorner, left)
        self.setCorner(Qt.Corner.BottomRightCorner, right)
        self.resizeDocks([self._docks[0], self._docks[1]], [230, 330], Qt.Orientation.Horizontal)
        self.resizeDocks(self._docks[1:4], [250, 300, 300], Qt.Orientation.Vertical)
        self.resizeDocks([self._docks[4]], [190], Qt.Orientation.Vertical)

        self._cursor = QLabel()
        self._zoom = QLabel()
        self.statusBar().addWidget(self._cursor, 1)
        self.statusBar().addPermanentWidget(self._zoom)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _build_menus(self) -> None:
        add = self._add_action
        file = self.menuBar().addMenu("&File")
        add(file, "&Open folder…", self._choose_folder, "Ctrl+O")
        add(file, "Open &images…", self._choose_images, "Ctrl+Shift+O")
        file.addSeparator()
        self._save_map = add(file, "&Save map as PNG…", self._choose_map_target, "Ctrl+S")
        self._export = add(file, "&Export report…", self._choose_report, "Ctrl+E")
        file.addSeparator()
        add(file, "&Quit", self.close, QKeySequence.StandardKey.Quit)

        view = self.menuBar().addMenu("&View")
        for number, choice in enumerate(View, start=1):
            add(view, choice.value, partial(self.set_view, choice), str(number))
        view.addSeparator()
        add(view, "Zoom &in", self.canvas.zoom_in, QKeySequence.StandardKey.ZoomIn)
        add(view, "Zoom &out", self.canvas.zoom_out, QKeySequence.StandardKey.ZoomOut)
        add(view, "&Fit", self.canvas.fit, "F")
        add(view, "&Actual size", self.canvas.actual_size, "A")
        view.addSeparator()
        for dock in self._docks:
            view.addAction(dock.toggleViewAction())

        image = self.menuBar().addMenu("&Image")
        add(image, "&Next", partial(self.folder.step, 1), "PgDown")
        add(image, "&Previous", partial(self.folder.step, -1), "PgUp")
        add(image, "&Reset parameters", self.map_panel.reset, "R")

        batch = self.menuBar().addMenu("&Scan")
        self._start_scan = add(batch, "&Scan folder", self.start_scan, "Ctrl+R")
        self._cancel_scan = add(batch, "&Cancel", self.batch.cancel, "Ctrl+.")

        help_ = self.menuBar().addMenu("&Help")
        add(help_, "What does the map &show?", self._explain, "F1")
        add(help_, "&Models", self._show_models)
        add(help_, "&About Elascope", lambda: about(self))
        self._update_actions()

    def _add_action(
        self,
        menu: Any,
        text: str,
        slot: Callable[[], Any],
        shortcut: str | QKeySequence.StandardKey | None = None,
    ) -> Any:
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False: slot())
        if shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        return action

    def _connect(self) -> None:
        self.folder.selected.connect(self.show_image)
        self.map_panel.form.changed.connect(lambda _: self._request_map())
        self.map_panel.view_changed.connect(self.set_view)
        self.map_panel.opacity_changed.connect(self.canvas.set_opacity)
        self.map_panel.help_wanted.connect(self._explain)
        self.canvas.hovered.connect(self._show_cursor)
        self.canvas.zoomed.connect(lambda zoom: self._zoom.setText(f"{zoom:.0%}"))
        self.scan_panel.scan_wanted.connect(self.start_scan)
        self.scan_panel.cancel_wanted.connect(self.batch.cancel)
        self.scan_panel.export_wanted.connect(self._choose_report)
        self.scan_panel.opened.connect(self.folder.select)
        self.batch.changed.connect(self._update_actions)
        self.batch.rows_arrived.connect(self.folder.model.set_rows)
        self.batch.failed.connect(self.notice.say_error)

    def _update_actions(self) -> None:
        scanning = self.batch.running
        self._start_scan.setEnabled(bool(self.folder.model.paths) and not scanning)
        self.scan_panel.start_button.setEnabled(self._start_scan.isEnabled())
        self._cancel_scan.setEnabled(scanning)
        self._export.setEnabled(bool(self.batch.rows) and not scanning)
        self._save_map.setEnabled(self._map is not None)

    # Folder and image -------------------------------------------------------------------------

    def open_paths(self, roots: list[Path]) -> None:
        """Show the files of folders, or the given files."""

        def done(listing: tuple[Path, str, list[Path]]) -> None:
            self.batch.cancel()
            self._last_folder, title, paths = listing
            self.folder.show_paths(title, paths)
            self._update_actions()

        failed = partial(self.notice.say_error, "The folder could not be listed.")
        self._listing.request(object(), lambda stop: files_to_show(roots, stop), done, failed)

    def start_scan(self) -> None:
        """Judge every file of the list."""
        self.batch.start(self.folder.title, list(self.folder.model.paths))

    def show_image(self, path: Path) -> None:
        """Load ``path`` and show it; if that fails, the previous picture stays."""
        failed = partial(self._image_failed, path)
        self._loading.request(path, lambda _: inspect(path), self._image_loaded, failed)

    def _image_loaded(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._map = None
        self.notice.hide()
        self.setWindowTitle(f"{printable(inspection.path.name)} – Elascope")
        self.canvas.set_picture(inspection.picture)
        self.facts.show_inspection(inspection)
        self.map_panel.last_save.setText(f"This file: {last_save(inspection.jpeg)}")
        self.verdict.show_text("Being judged…")
        self._request_map()
        self._judging.request(
            inspection,
            lambda _: self._models.judge(inspection),
            lambda answers: self.verdict.show_verdicts(answers, self._models.refusals),
            self._verdict_failed,
        )
        self._update_actions()

    def _image_failed(self, path: Path, error: ElascopeError) -> None:
        shown = self._inspection
        stays = f" The previous picture stays: {printable(shown.path.name)}." if shown else ""
        self.notice.say(f"{printable(path.name)}: {error.sentence}{stays}", error.detail)

    def _verdict_failed(self, error: ElascopeError) -> None:
        self.verdict.show_text(f"No verdict: {error.sentence}")

    # Map --------------------------------------------------------------------------------------

    def _request_map(self) -> None:
        """Ask for the map with the current parameters, measuring only when that is needed."""
        inspection, params = self._inspection, self.map_panel.form.params
        if inspection is None:
            return
        analysis, known = self._analysis, self._map

        def work(_: threading.Event) -> _Map:
            if known and not _needs_measurement(known.params, params):
                measurement = known.measurement
            else:
                measurement = analysis.measure(inspection.image.pixels, params)
            rendering = analysis.render(measurement, params)
            return _Map(params, measurement, rendering.legend, build_pyramid(rendering.picture))

        failed = partial(self.notice.say_error, "No map:")
        self._mapping.request(inspection, work, self._show_map, failed)

    def _show_map(self, map_: _Map) -> None:
        inspection = self._inspection
        if inspection is None:
            return
        self._map = map_
        self.canvas.set_map(map_.picture)
        self.legend.show_legend(map_.legend, self._analysis.caption(map_.params))
        sentences = self._analysis.read(inspection.image.record, inspection.jpeg, map_.params)
        self.reading.setText(" ".join(sentences))
        self._update_actions()

    def set_view(self, view: View) -> None:
        """Show the picture, the map over it, or the map alone."""
        self.canvas.set_view(view)
        self.map_panel.show_view(view)

    def _show_cursor(self, x: int, y: int) -> None:
        if self._inspection is None or x < 0:
            self._cursor.setText("")
            return
        red, green, blue = self._inspection.image.pixels[y, x].tolist()
        text = f"x {x}  y {y}   RGB {red} {green} {blue}"
        if self._map is not None:
            residual = " ".join(map(str, self._map.measurement[y, x].tolist()))
            text += f"   residual {residual}   block {x // 8}, {y // 8}"
        self._cursor.setText(text)

    # Files ------------------------------------------------------------------------------------

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open folder", str(self._last_folder))
        if chosen:
            self.open_paths([Path(chosen)])

    def _choose_images(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Open images", str(self._last_folder))
        if chosen:
            self.open_paths([Path(name) for name in chosen])

    def _choose_map_target(self) -> None:
        if self._map is None or self._inspection is None:
            return
        stem = f"{self._inspection.path.stem}-{self._analysis.id}"
        if target := self._saving.ask("Save map", stem, [("PNG", ".png")]):
            self.save_map(target)

    def save_map(self, target: Path) -> None:
        """Write the map at full resolution, as `elascope ela` does."""
        map_, inspection = self._map, self._inspection
        if map_ is None or inspection is None:
            return
        analysis, evidence = self._analysis, [inspection.path, *self.folder.model.paths]

        def work(_: threading.Event) -> None:
            refuse_evidence([target], evidence)
            described = analysis.describe(map_.params)
            record = parameter_record(inspection.evidence, inspection.image.record, described)
            write_png(target, analysis.render(map_.measurement, map_.params).picture, record)

        self._saving.write(work, target)

    def _choose_report(self) -> None:
        kinds = [(report.title, f".{report.id}") for report in REPORTS]
        if target := self._saving.ask("Export report", "elascope-report", kinds):
            self.export_report(target, target.suffix.lower().removeprefix("."))

    def export_report(self, target: Path, kind: str) -> None:
        """Write the rows of the last scan to ``target`` in the format ``kind``."""
        self._saving.write(self.batch.report_writer(target, kind), target)

    # Help -------------------------------------------------------------------------------------

    def _explain(self) -> None:
        analysis_help(self, self._analysis)

    def _show_models(self) -> None:
        def show(detectors: tuple[Detector, ...]) -> None:
            model_cards(self, detectors, self._models.refusals)

        failed = partial(self.notice.say_error, "The models could not be read.")
        self._describing.request("models", lambda _: self._models.load(), show, failed)

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
        """End all work before the window goes."""
        self.hide()
        for channel in self.findChildren(Channel):
            channel.drop()
        self.folder.model.close()
        self.batch.close()
        self._pool.waitForDone(2000)
        super().closeEvent(event)


def _needs_measurement(known: Params, wanted: Params) -> bool:
    """Whether a changed parameter asks for the codec, and not only for another lookup."""
    return any(
        spec.needs_measurement and getattr(known, spec.name) != getattr(wanted, spec.name)
        for spec in wanted.specs()
    )


def _scrolling(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
