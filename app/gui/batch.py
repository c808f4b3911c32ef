"""The batch scan of the window: starts, cancels, collects rows and writes reports."""

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from app.atomic import refuse_evidence
from app.detection.detector import Detector
from app.detection.library import ModelChoice
from app.errors import ElascopeError
from app.gui.jobs import Channel, Stream
from app.gui.models import Models
from app.gui.scan_panel import ScanPanel
from app.report import REPORTS
from app.scan.pool import Scan
from app.scan.results import Account, Collected, ModelFacts
from app.scan.rows import Row
from app.scan.work import Setup


def _rows(choice: ModelChoice, paths: Sequence[Path], stop: threading.Event) -> Iterator[Row]:
    """Judge ``paths`` in processes of their own; rows come as they are done."""
    known: dict[str, Row] = {}
    with Scan(Setup(choice)) as engine:
        engine.start(stop)
        for done in engine.run(enumerate(paths), stop, known.get):
            row = done.outcome.row
            if row.sha256:
                known.setdefault(row.sha256, row)
            yield row


_SHOW_MS = 200
"""Rows are shown this often; for each show the table and the list of files are painted."""


class Batch(QObject):
    """One scan at a time, shown in a `ScanPanel`; it goes on whatever folder is opened.

    Signals:
        changed: a scan has started or ended, or there are rows to export.
        rows_arrived: a list of new rows.
        failed: what did not work, in words, and the error.
    """

    changed = Signal()
    rows_arrived = Signal(list)
    failed = Signal(str, object)

    def __init__(
        self, panel: ScanPanel, models: Models, pool: QThreadPool, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._models = models
        self._starting = Channel(pool, self)
        self._account = Account()
        self._paths: list[Path] = []
        self._stream: Stream | None = None
        self._cancelled = False
        self._arrived: list[Row] = []
        self._show_soon = QTimer(self, singleShot=True, interval=_SHOW_MS)
        self._show_soon.timeout.connect(self._show_arrived)

    @property
    def running(self) -> bool:
        """Whether a scan is starting or under way."""
        return self._stream is not None or self._starting.busy

    @property
    def rows(self) -> list[Row]:
        """The rows that are shown so far."""
        return self._panel.model.rows

    def start(self, title: str, paths: list[Path]) -> None:
        """Judge ``paths``, the files of ``title``, on worker threads."""
        if not paths or self.running:
            return
        self._cancelled = False

        def begin(detectors: tuple[Detector, ...]) -> None:
            if self._cancelled:
                self.changed.emit()
                return
            self._account = Account(
                roots=(title,),
                models=tuple(ModelFacts(d.card, d.sha256, d.provider) for d in detectors),
                started=_now(),
                found=len(paths),
            )
            self._paths = paths
            self._panel.begin(title, len(paths), self._account.questions)

            def generate(stop: threading.Event) -> Iterator[Row]:
                return _rows(self._models.choice, paths, stop)

            self._stream = Stream(generate, self)
            self._stream.items.connect(self._take)
            self._stream.ended.connect(self._end)
            self._stream.start()
            self.changed.emit()

        def fail(error: ElascopeError) -> None:
            self.failed.emit("The scan did not start.", error)
            self.changed.emit()

        self._starting.request("scan", lambda _: self._models.load(), begin, fail)
        self.changed.emit()

    def cancel(self) -> None:
        """End the scan; the rows so far stay and can be exported."""
        self._cancelled = True
        if self._stream is not None:
            self._stream.stop()
            self._panel.stop()

    def close(self) -> None:
        """End the scan and wait for its thread."""
        self._starting.drop()
        if self._stream is not None:
            self._stream.stop()
            self._stream.wait()

    def report_writer(
        self, target: Path, kind: str, examined: Sequence[Path] = ()
    ) -> Callable[[threading.Event], None]:
        """The work of writing the rows so far to ``target`` in the format ``kind``.

        Neither the files of the scan nor ``examined`` are written over.
        """
        rows, paths = list(self.rows), [*self._paths, *examined]
        account = dataclasses.replace(self._account, complete=len(rows) == self._account.found)
        results = Collected(rows, account.questions, account)
        report = next(report for report in REPORTS if report.id == kind)

        def work(_: threading.Event) -> None:
            refuse_evidence([target], paths)
            report.write(target, results)

        return work

    def _take(self, rows: list[Row]) -> None:
        self._arrived += rows
        if not self._show_soon.isActive():
            self._show_soon.start()

    def _show_arrived(self) -> None:
        rows, self._arrived = self._arrived, []
        if rows:
            self._panel.add(rows)
            self.rows_arrived.emit(rows)

    def _end(self, error: ElascopeError | None) -> None:
        self._show_soon.stop()
        self._show_arrived()
        stream, self._stream = self._stream, None
        word = "Cancelled" if stream and stream.stopped else "Finished"
        self._panel.finish(word)
        self._account = dataclasses.replace(self._account, ended=_now())
        if error:
            self.failed.emit("The scan ended early.", error)
        if stream:
            stream.deleteLater()
        self.changed.emit()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
