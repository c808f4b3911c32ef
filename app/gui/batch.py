"""The batch scan of the window: starts, cancels, collects rows and writes reports."""

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from app.atomic import refuse_evidence
from app.detection.detector import Detector
from app.errors import ElascopeError
from app.gui.jobs import Channel, Stream
from app.gui.models import Models
from app.gui.scan.columns import Columns
from app.gui.scan.files import Files, prepared
from app.gui.scan.order import in_words, order_in_words
from app.gui.scan.overview import Overview
from app.gui.scan.panel import ScanPanel
from app.gui.scan.words import shown_of
from app.report import REPORTS
from app.scan.pool import Scan
from app.scan.previews import Previews
from app.scan.results import Account, Collected, ModelFacts, Preview
from app.scan.rows import Row
from app.scan.work import Setup

_SHOW_MS = 200
"""Rows are shown this often; for each show the table and the list of files are painted."""

_SHARE = 8
"""Showing rows takes one part in so many of the GUI thread's time."""

_AT_ONCE = 250
"""Rows that are taken in before the window looks at other events."""

_GIVE_UP_MS = 700
"""A cancelled scan whose files take longer than this goes on without the window."""


def rows_of(
    paths: Sequence[Path],
    models: Models,
    names: Sequence[str],
    stop: threading.Event,
    keep: Callable[[Row, Preview | None], None],
) -> Iterator[Row]:
    """A row for each of ``paths``, in whatever order they are done.

    The one place where the window starts the engine; called on the thread of the scan.

    Args:
        paths: to judge.
        models: the installed ones.
        names: of the models to ask; none is asked where this is empty.
        stop: ends it; files without a row are not reached.
        keep: called with every row and, if its file is conspicuous, small pictures of it.
    """
    asked = tuple(str(d.path) for d in models.load() if d.card.name in names)
    choice = dataclasses.replace(models.choice, names=asked)
    known: dict[str, Row] = {}
    with Scan(Setup(choice, previews=True)) as engine:
        engine.start(stop)
        for done in engine.run(enumerate(paths), stop, known.get):
            row = done.outcome.row
            if row.sha256:
                known.setdefault(row.sha256, row)
            keep(row, done.outcome.preview)
            yield row


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
        self,
        panel: ScanPanel,
        overview: Overview,
        models: Models,
        pool: QThreadPool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._overview = overview
        self._models = models
        self._starting = Channel(pool, self)
        self._offering = Channel(pool, self)
        self._account = Account()
        self._previews = Previews()
        self._title = ""
        self._roots: tuple[Path, ...] = ()
        self._stream: Stream | None = None
        self._left: list[Stream] = []
        self._cancelled = False
        self._ended = False
        self._error: ElascopeError | None = None
        self._done = 0
        self._arrived: deque[Row] = deque()
        self._known: deque[Row] = deque()
        self._take_soon = QTimer(self, singleShot=True, interval=1)
        self._take_soon.timeout.connect(self._take_some)
        self._show_soon = QTimer(self, singleShot=True, interval=_SHOW_MS)
        self._show_soon.timeout.connect(self._show_arrived)
        self._announce_soon = QTimer(self, singleShot=True, interval=1)
        self._announce_soon.timeout.connect(self._announce_some)
        self._give_up = QTimer(self, singleShot=True, interval=_GIVE_UP_MS)
        self._give_up.timeout.connect(self._leave)
        panel.models_button.opening.connect(self._offer_models)

    @property
    def running(self) -> bool:
        """Whether a scan is starting or under way."""
        return self._stream is not None or self._starting.busy

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._columns.count

    @property
    def rows(self) -> list[Row]:
        """The rows so far, in the order of their files."""
        return list(self._columns.present_rows())

    @property
    def _columns(self) -> Columns:
        return self._panel.model.columns

    # Start and end ----------------------------------------------------------------------------

    def start(self, title: str, paths: Sequence[Path], roots: Sequence[Path] = ()) -> None:
        """Judge ``paths``, the files of ``title``, which were found below ``roots``."""
        if not paths or self.running:
            return

        def begin(found: tuple[tuple[Detector, ...], Files | None]) -> None:
            detectors, files = found
            assert files is not None
            self._title, self._roots = title, tuple(roots)
            self._previews = Previews()
            self._account = Account(
                roots=tuple(map(str, roots)) or (title,),
                models=_facts(detectors),
                started=_now(),
                found=len(paths),
            )
            self._panel.begin(title, Columns(files, self._account.questions))

        self._start(paths, begin, lambda: prepared(paths))

    def rescan(self, paths: Sequence[Path]) -> None:
        """Judge those of the scan's files again; their rows are replaced."""
        if not paths or self.running:
            return

        def begin(found: tuple[tuple[Detector, ...], Files | None]) -> None:
            asked = _facts(found[0])
            again = {facts.card.name for facts in asked}
            kept = tuple(m for m in self._account.models if m.card.name not in again)
            judged = int(self._account.parameters.get(_AGAIN, "0")) + len(paths)
            self._account = dataclasses.replace(
                self._account,
                models=kept + asked,
                parameters={**self._account.parameters, _AGAIN: str(judged)},
            )
            self._panel.begin_again(self._title, len(paths), self._account.questions)

        self._start(paths, begin, lambda: None)

    def _start(
        self,
        paths: Sequence[Path],
        begin: Callable[[tuple[tuple[Detector, ...], Files | None]], None],
        prepare: Callable[[], Files | None],
    ) -> None:
        self._cancelled = self._ended = False
        self._error = None

        def load(_: threading.Event) -> tuple[tuple[Detector, ...], Files | None]:
            return self._models.load(), prepare()

        def go(found: tuple[tuple[Detector, ...], Files | None]) -> None:
            if not self._cancelled:
                self._show_models(found[0])
                names = self._panel.models_button.asked([d.card.name for d in found[0]])
                asked = tuple(d for d in found[0] if d.card.name in names)
                begin((asked, found[1]))
                self._show_questions()
                self._run(paths, names)
            self.changed.emit()

        def fail(error: ElascopeError) -> None:
            self.failed.emit("The scan did not start.", error)
            self.changed.emit()

        self._starting.request("scan", load, go, fail)
        self.changed.emit()

    def _run(self, paths: Sequence[Path], names: tuple[str, ...]) -> None:
        self._done = 0
        models, keep = self._models, self._previews.add

        def generate(stop: threading.Event) -> Iterator[Row]:
            return rows_of(paths, models, names, stop, keep)

        self._stream = Stream(generate, self)
        self._stream.items.connect(self._take)
        self._stream.ended.connect(self._end)
        self._stream.start()

    def cancel(self) -> None:
        """End the scan; the rows so far stay and can be exported."""
        self._cancelled = True
        if self._stream is not None and not self._stream.stopped:
            self._stream.stop()
            self._panel.stop()
            self._give_up.start()

    def close(self) -> None:
        """End the scan and wait for its thread."""
        self._starting.drop()
        for timer in (self._take_soon, self._show_soon, self._announce_soon, self._give_up):
            timer.stop()
        for stream in [*self._left, *([self._stream] if self._stream else [])]:
            stream.stop()
            stream.wait()

    def _end(self, error: ElascopeError | None) -> None:
        """Nothing more comes; what has come may still wait to be taken in."""
        self._give_up.stop()
        self._ended, self._error = True, error
        if not self._arrived:
            self._finish()

    def _leave(self) -> None:
        """Do not wait for files that take long; their rows are not wanted any more."""
        stream = self._stream
        if stream is None or self._ended:
            return
        stream.items.disconnect(self._take)
        stream.ended.disconnect(self._end)
        self._left.append(stream)

        def gone(_: object) -> None:
            self._left.remove(stream)
            stream.deleteLater()

        stream.ended.connect(gone)
        self._end(None)

    def _finish(self) -> None:
        self._show_soon.stop()
        self._show_arrived()
        stream, self._stream = self._stream, None
        assert stream is not None
        self._account = dataclasses.replace(self._account, ended=_now())
        self._panel.finish("Cancelled" if stream.stopped else "Finished")
        self._overview.finish()
        if self._error:
            self.failed.emit("The scan ended early.", self._error)
        if stream not in self._left:
            stream.deleteLater()
        self.changed.emit()

    # Rows -------------------------------------------------------------------------------------

    def _take(self, rows: list[Row]) -> None:
        self._arrived.extend(rows)
        if not self._take_soon.isActive():
            self._take_soon.start()

    def _take_some(self) -> None:
        """A few rows at a time: an engine may hand over thousands at once."""
        rows = [self._arrived.popleft() for _ in range(min(_AT_ONCE, len(self._arrived)))]
        self._panel.take(rows)
        self._done += len(rows)
        self.rows_arrived.emit(rows)
        if self._arrived:
            self._take_soon.start()
        elif self._ended:
            self._finish()
            return
        if not self._show_soon.isActive():
            self._show_soon.start()

    def _show_arrived(self) -> None:
        started = time.perf_counter()
        self._panel.refresh(self._done)
        self._overview.refresh()
        took = 1000 * (time.perf_counter() - started)
        self._show_soon.setInterval(max(_SHOW_MS, round(_SHARE * took)))

    def announce_rows(self) -> None:
        """Let `rows_arrived` tell all rows again, a few at a time: other files are listed."""
        self._known = deque(self.rows)
        if self._known:
            self._announce_some()

    def _announce_some(self) -> None:
        rows = list(islice(self._known, 4 * _AT_ONCE))
        for _ in rows:
            self._known.popleft()
        self.rows_arrived.emit(rows)
        if self._known:
            self._announce_soon.start()

    # Models -----------------------------------------------------------------------------------

    def _offer_models(self) -> None:
        button = self._panel.models_button

        def fail(error: ElascopeError) -> None:
            button.fail(error.sentence)

        self._offering.request("models", lambda _: self._models.load(), self._show_models, fail)

    def _show_models(self, detectors: Sequence[Detector]) -> None:
        cards = [detector.card for detector in detectors]
        self._panel.models_button.set_models(cards, self._models.refusals)

    def _show_questions(self) -> None:
        questions = [q for model in self._account.models for q in model.card.questions]
        self._overview.begin(self._columns, questions, self._roots)

    # Reports ----------------------------------------------------------------------------------

    def report_writer(
        self, target: Path, kind: str, examined: Sequence[Path] = (), shown_only: bool = False
    ) -> Callable[[threading.Event], None]:
        """The work of writing the rows so far to ``target`` in the format ``kind``.

        Neither the files of the scan nor ``examined`` are written over.

        Args:
            target: the report.
            kind: id of one of `REPORTS`.
            examined: more files that are not written over.
            shown_only: the rows that pass the filter, in the order of the table.
        """
        paths = [*self._columns.files.paths, *examined]
        results = self._shown_results() if shown_only else self._results()
        report = next(report for report in REPORTS if report.id == kind)

        def work(_: threading.Event) -> None:
            refuse_evidence([target], paths)
            report.write(target, results)

        return work

    def _results(self) -> Collected:
        rows = self.rows
        account = dataclasses.replace(self._account, complete=len(rows) == self._account.found)
        return Collected(rows, self._questions, account, self._previews.all())

    def _shown_results(self) -> Collected:
        """What is shown; a reader must learn that it is a choice, and which."""
        model, rows = self._panel.model, self._panel.shown_rows()
        chosen = {
            "rows": shown_of(len(rows), self.count),
            "filter": in_words(model.filter) or "none",
            "order": order_in_words(model.order),
        }
        account = dataclasses.replace(
            self._account,
            complete=len(rows) == self._account.found,
            parameters={**self._account.parameters, **chosen},
        )
        return Collected(rows, self._questions, account, self._previews.all())

    @property
    def _questions(self) -> tuple[str, ...]:
        """As the columns of the table; an earlier model of a repeated question stays in rows."""
        return tuple(self._columns.answers)


_AGAIN = "files judged again"


def _facts(detectors: Sequence[Detector]) -> tuple[ModelFacts, ...]:
    return tuple(ModelFacts(d.card, d.sha256, d.provider) for d in detectors)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
