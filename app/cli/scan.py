"""``elascope scan``: every file of folders is judged and reported."""

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from app.cli.places import check_folder, check_outside, check_sources, check_targets
from app.cli.terminal import EXIT_INTERRUPTED, complain, interrupt_sets
from app.detection.library import ModelChoice
from app.errors import CancelledError, ElascopeError, NotWrittenError
from app.names import one_line
from app.paths import backbone_folders, frozen, model_folders
from app.report import REPORTS
from app.report.base import Report
from app.report.maps import MapFolder
from app.scan.examination import Engine, Examination, Journaled, Walk
from app.scan.files import count_files
from app.scan.journal import Journal, journal_of
from app.scan.pool import Limits, Scan
from app.scan.results import Account, Results, Totals
from app.scan.rows import Row
from app.scan.work import Outcome, Setup

_Wanted = Sequence[tuple[Report, Path]]


def scan_folders(options: argparse.Namespace) -> int:
    """Judge the files, write the reports that were asked for and print a summary.

    Raises:
        ElascopeError: a place, a model or a journal is refused before the scan, or the scan or a
            report came to an end for want of room; then all else that can be written is.
    """
    started = datetime.now(UTC)
    walk = Walk(options.paths, not options.no_recursive)
    wanted = [(report, getattr(options, report.id)) for report in REPORTS]
    wanted = [(report, target) for report, target in wanted if target]
    _check_places(options, walk, [target for _, target in wanted])
    stop = threading.Event()
    failure: ElascopeError | None = None
    with (
        interrupt_sets(stop),
        _engine(options, [report.id for report, _ in wanted]) as engine,
    ):
        try:
            engine.start(stop)
        except CancelledError:
            return EXIT_INTERRUPTED
        for refusal in engine.refusals:
            complain(refusal.sentence)
        if not engine.models:
            complain("No model is installed; rows have no verdicts.")
        with _journal(options, wanted) as journal:
            rehash = options.verify_hashes if options.resume else None
            examination = Examination(engine, journal, walk, rehash, not options.no_variations)
            pictures, counted = _Pictures(), _Count(walk, stop)
            try:
                for outcome in _shown(examination, counted, stop):
                    pictures.count(outcome)
            except ElascopeError as error:
                failure = error
            complete = examination.walked and not stop.is_set() and failure is None
            account = Account(
                roots=tuple(map(str, walk.roots)),
                models=engine.models,
                parameters=_parameters(options, engine),
                started=started.isoformat(timespec="seconds"),
                ended=datetime.now(UTC).isoformat(timespec="seconds"),
                found=examination.reached if examination.walked else counted.total,
                complete=complete,
            )
            results = Journaled(journal, account)
            written, failures = _write(wanted, results)
            if options.table:
                _print_table(results)
            _print_summary(results, journal, examination, written)
    if options.maps is not None:
        place = one_line(str(options.maps.resolve()))
        print(f"Maps of {pictures.maps} conspicuous images: {place}")
        for sentence in sorted(pictures.complaints):
            complain(sentence)
    if problems := [problem for problem in (failure, *failures) if problem is not None]:
        raise problems[0]
    return EXIT_INTERRUPTED if stop.is_set() else 0


def _check_places(options: argparse.Namespace, walk: Walk, targets: Sequence[Path]) -> None:
    """Find what would keep the scan's outputs from being written, or put them among evidence."""
    check_sources(walk.roots)
    check_targets(targets, walk.files())
    check_outside([*targets, *([options.maps] if options.maps else [])], walk.roots)
    if options.maps is not None:
        check_folder(options.maps)


def _engine(options: argparse.Namespace, reports: Sequence[str]) -> Engine:
    models = ModelChoice(
        model_folders(), backbone_folders(), tuple(options.model) if options.model else None
    )
    setup = Setup(
        models,
        previews="html" in reports,
        variations=not options.no_variations,
        write_map=MapFolder(options.maps).write if options.maps is not None else None,
    )
    memory = options.memory_limit << 20 if options.memory_limit else None
    limits = Limits(options.time_limit, memory)
    if options.engine == "local":
        return Scan(setup, options.jobs, limits)
    try:
        from app.scan.cluster import ClusterScan
    except ModuleNotFoundError as error:
        if frozen():
            raise ElascopeError(
                f"This build of Elascope has no engine dask: it lacks {error.name}. For a cluster, "
                "install Elascope as a Python package: pip install 'elascope[cluster]'"
            ) from error
        raise ElascopeError(
            f"The engine dask needs {error.name}: pip install 'elascope[cluster]'"
        ) from error
    return ClusterScan(options.scheduler, setup, limits, options.paths, options.maps)


def _journal(options: argparse.Namespace, wanted: _Wanted) -> Journal:
    """The journal beside the first report, new or resumed."""
    path = journal_of(Path(os.path.realpath(wanted[0][1]))) if wanted else None
    if options.resume:
        if path is None:
            raise ElascopeError("To resume, name the report of the scan that was interrupted.")
        return Journal.resume(path)
    if path is not None and not options.restart and Journal.unfinished(path):
        raise ElascopeError(
            f"There is a journal of a scan that did not end: {path}. Go on with --resume, or "
            "begin anew with --restart."
        )
    return Journal.begin(path)


def _parameters(options: argparse.Namespace, engine: Engine) -> dict[str, str]:
    """What was asked for, for the report."""
    return {
        "subfolders": "left out" if options.no_recursive else "included",
        "answers tried with mild changes": "no" if options.no_variations else "yes",
        **({} if options.engine == "local" else {"engine": options.engine}),
        "workers": str(engine.jobs),
        "time limit for a file": f"{options.time_limit:g} s",
        "memory limit for a worker": f"{engine.memory >> 20} MiB",
        "resumed": "yes" if options.resume else "no",
    }


class _Pictures:
    """Counts what was made beside the rows."""

    def __init__(self) -> None:
        self.maps = 0
        self.complaints: set[str] = set()

    def count(self, outcome: Outcome) -> None:
        """Take one file in."""
        self.maps += outcome.maps
        self.complaints.update(outcome.complaints)


class _Count:
    """Counts the files on a thread; the scan does not wait for it.

    Attributes:
        total: files that there are; None until that is known.
    """

    def __init__(self, walk: Walk, stop: threading.Event) -> None:
        self.total: int | None = None

        def count() -> None:
            found = count_files(walk.roots, walk.recursive, stop)
            if not stop.is_set():
                self.total = found

        threading.Thread(target=count, daemon=True).start()


def _shown(examination: Examination, counted: _Count, stop: threading.Event) -> Iterator[Outcome]:
    """The outcomes, with a bar on the terminal: files per second, time left, what was found."""
    quiet = sys.stderr is None or not sys.stderr.isatty()
    totals = Totals()
    with tqdm(unit="file", disable=quiet, leave=False, smoothing=0.1) as bar:
        for outcome in examination.run(stop, bar.update):
            totals.count(outcome.row)
            bar.total = counted.total
            bar.set_postfix_str(counts_of(totals, sparse=True), refresh=False)
            bar.update()
            yield outcome


def _write(wanted: _Wanted, results: Results) -> tuple[list[Path], list[ElascopeError]]:
    """Write each report; one that fails costs no other, and goes to the temporary folder."""
    written: list[Path] = []
    failures: list[ElascopeError] = []
    for report, target in wanted:
        try:
            report.write(target, results)
            written.append(target)
        except NotWrittenError as error:
            failures.append(_rescued(report, results, error))
    return written, failures


def _rescued(report: Report, results: Results, error: NotWrittenError) -> ElascopeError:
    """Write a report elsewhere: its place may be full or gone, and its rows took hours."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="elascope-report-"))
        target = folder / f"report.{report.id}"
        report.write(target, results)
    except (OSError, NotWrittenError):
        return error
    return NotWrittenError(f"{error.sentence} It was written to {target} instead.", error.detail)


def _print_table(results: Results) -> None:
    for row in results.rows():
        name = one_line(row.path.name)
        answer = _answer(row, results.questions) or one_line(row.message)
        print(f"{name:<36.36}  {row.status:<11}  {answer}")


def _answer(row: Row, questions: Sequence[str]) -> str:
    answers = {verdict.question: verdict for verdict in row.verdicts}
    texts = []
    for question in questions:
        verdict = answers.get(question)
        score = "" if verdict is None or verdict.score is None else f" {verdict.score:.3f}"
        texts.append(f"{question}: {verdict.state.value}{score}" if verdict else "")
    return "  ".join(filter(None, texts))


def _print_summary(
    results: Journaled, journal: Journal, examination: Examination, written: Sequence[Path]
) -> None:
    totals = Totals()
    for row in results.rows():
        totals.count(row)
    account = results.account
    ended = ""
    total = str(totals.files)
    if not account.complete:
        missing = "others" if account.found is None else str(account.found - totals.files)
        total = "more" if account.found is None else str(account.found)
        ended = f" (stopped; {missing} not reached)"
    print(f"{totals.files} of {total} files{ended}: {counts_of(totals)}")
    if examination.kept:
        print(f"Of these, {examination.kept} rows are from before and still stand.")
    for target in written:
        print(f"Report: {one_line(str(target.resolve()))}")
    if not account.complete and journal.path is not None:
        print(f"Journal: {one_line(str(journal.path))}; go on with --resume")


def counts_of(totals: Totals, sparse: bool = False) -> str:
    """Counts in words: by status, then by question and state.

    Args:
        totals: to tell.
        sparse: leave out what is ordinary: ``ok``, negative answers, those outside validity.
    """
    counts = [
        (count, status.replace("_", " "))
        for status, count in totals.statuses.most_common()
        if not (sparse and status == "ok")
    ]
    counts += [
        (count, f"{question} {state.value.replace('_', ' ')}")
        for question, states in totals.states.items()
        for state, count in states.most_common()
        if not (sparse and state.value not in ("positive", "inconclusive"))
    ]
    counts += [(totals.archives, "archives"), (totals.duplicates, "duplicates")]
    return ", ".join(f"{count} {name}" for count, name in counts if count)
