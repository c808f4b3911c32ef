"""What leaves the window as a file: views, whole maps, what was found, scan reports."""

import os
import threading
from functools import partial

from PySide6.QtCore import QObject

from app.atomic import refuse_evidence
from app.gui.batch import Batch
from app.gui.folder.panel import FolderPanel
from app.gui.saving import Saving
from app.gui.table.light_table import LightTable
from app.gui.where.desk import WhereDesk
from app.gui.where.files import write_map, write_regions
from app.names import one_line
from app.report import REPORTS
from app.report.picture import parameter_record, write_png
from app.report.view import export_view

_PNG, _JSON = [("PNG", ".png")], [("JSON", ".json")]


class Exports(QObject):
    """Asks for a target and writes on a thread; what was shown when asked is what is written."""

    def __init__(
        self,
        table: LightTable,
        folder: FolderPanel,
        batch: Batch,
        where: WhereDesk,
        saving: Saving,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._folder = folder
        self._batch = batch
        self._where = where
        self._saving = saving

    def view(self) -> None:
        """What the right pane shows, at a whole factor, with its parameter record beside it."""
        shown = self._table.shown()
        if shown is None:
            return
        inspection, spec = shown
        analysis = self._table.analysis
        params = analysis.resolve(self._table.params, inspection.jpeg)
        stem = f"{inspection.path.stem}-{analysis.id}-view"
        target = self._saving.ask("Export view", stem, _PNG)
        if target is None:
            return
        work = partial(
            export_view,
            target,
            inspection.evidence,
            inspection.image,
            analysis,
            params,
            spec,
            list(self._folder.model.paths),
            threads=os.cpu_count() or 1,
        )
        remark = (
            f"It shows {one_line(inspection.path.name)}, not the image that it is compared with."
        )
        compared = self._table.reference is not None and spec.left is None
        remarks = [remark] if compared else []
        if self._table.layer is not None:
            remarks.append("It is without what was found, which has a file of its own.")
        self._saving.write(lambda stop: work(stop=stop), target, remark=" ".join(remarks))

    def map(self) -> None:
        """The map of the whole picture at full resolution, its record inside."""
        subject = self._table.subject
        if subject is None:
            return
        inspection, analysis = subject.inspection, self._table.analysis
        params = analysis.resolve(self._table.params, inspection.jpeg)
        target = self._saving.ask("Save map", f"{inspection.path.stem}-{analysis.id}", _PNG)
        if target is None:
            return
        others = list(self._folder.model.paths)

        def work(stop: threading.Event) -> None:
            refuse_evidence([target], [inspection.path, *others])
            threads = os.cpu_count() or 1
            finding = analysis.run(inspection.image.pixels, params, stop=stop, threads=threads)
            record = parameter_record(inspection.evidence, inspection.image.record, finding.record)
            write_png(target, finding.rendering.picture, record)

        self._saving.write(work, target)

    def where_map(self) -> None:
        """What was found, over the whole picture."""
        found = self._where.shown
        if found is None:
            return
        stem = f"{found.inspection.path.stem}-{found.method}"
        if target := self._saving.ask("Save where, over the picture", stem, _PNG):
            opacity, others = self._where.opacity, list(self._folder.model.paths)
            self._saving.write(lambda _: write_map(target, found, opacity, others), target)

    def where_regions(self) -> None:
        """The regions and pairs that were found."""
        found = self._where.shown
        if found is None:
            return
        stem = f"{found.inspection.path.stem}-{found.method}-regions"
        if target := self._saving.ask("Save the regions found", stem, _JSON):
            others = list(self._folder.model.paths)
            self._saving.write(lambda _: write_regions(target, found, others), target)

    def report(self, shown_only: bool = False) -> None:
        """The rows of the scan so far; all of them, or those that the table shows."""
        batch = self._batch
        if not batch.count or batch.running:
            return
        kinds = [(report.title, f".{report.id}") for report in REPORTS]
        title = "Export the rows shown" if shown_only else "Export report"
        stem = "elascope-report-shown" if shown_only else "elascope-report"
        if target := self._saving.ask(title, stem, kinds):
            kind = target.suffix.lower().removeprefix(".")
            examined = list(self._folder.model.paths)
            work = batch.report_writer(target, kind, examined, shown_only)
            remark = "It holds the rows shown, in their order." if shown_only else ""
            self._saving.write(work, target, remark=remark)
