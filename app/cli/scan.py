"""``elascope scan``: every file of folders is judged and reported."""

import argparse
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from app.cli.places import check_folder, check_sources, check_targets
from app.cli.terminal import EXIT_INTERRUPTED, complain, decoders_silenced, interrupt_sets
from app.detection.backbone import Backbones
from app.detection.detector import Detector
from app.detection.library import load_detectors, load_installed
from app.errors import NotWrittenError
from app.names import one_line
from app.paths import backbone_folders, model_folders
from app.report import REPORTS
from app.report.base import Report
from app.report.maps import MapFolder
from app.scan.pipeline import find_files, scan
from app.scan.results import Account, Collected, ModelFacts, Results
from app.scan.rows import Row


def scan_folders(options: argparse.Namespace) -> int:
    """Judge the files, write the reports that were asked for and print a summary.

    Raises:
        ElascopeError: a place or a model is refused before the scan, or a report could not be
            written after it; the other reports then are.
    """
    check_sources(options.paths)
    paths = find_files(options.paths, recursive=not options.no_recursive)
    wanted = [(report, getattr(options, report.id)) for report in REPORTS]
    reports = [(report, target) for report, target in wanted if target]
    check_targets([target for _, target in reports], paths)
    detectors = _detectors(options.model)
    questions = [question.id for detector in detectors for question in detector.card.questions]

    maps = None
    if options.maps is not None:
        check_folder(options.maps)
        maps = MapFolder(options.maps, detectors, paths)
    stop = threading.Event()
    started = _now()
    rows: list[Row] = []
    with decoders_silenced() as terminal, interrupt_sets(stop):
        found = scan(paths, detectors, options.jobs, stop, maps.visit if maps else None)
        for row in _progress(found, len(paths), terminal):
            rows.append(row)
    account = Account(
        roots=tuple(map(str, options.paths)),
        models=tuple(ModelFacts(d.card, d.sha256, d.provider) for d in detectors),
        parameters={
            "Subfolders": "left out" if options.no_recursive else "searched",
            "Threads": str(options.jobs or os.cpu_count() or 1),
        },
        started=started,
        ended=_now(),
        found=len(paths),
        complete=len(rows) == len(paths),
    )
    written, failures = _write(reports, Collected(rows, questions, account))
    if options.table:
        _print_table(rows, questions)
    _print_summary(rows, len(paths), written)
    if maps is not None:
        print(f"Maps of {maps.written} conspicuous images: {one_line(str(maps.folder.resolve()))}")
        for sentence in sorted(set(maps.failures)):
            complain(sentence)
    if failures:
        raise failures[0]
    return EXIT_INTERRUPTED if stop.is_set() else 0


def _detectors(named: Sequence[str]) -> Sequence[Detector]:
    """The models that were named, or all that are installed and can be asked."""
    backbones = Backbones(backbone_folders())
    if named:
        return load_detectors(named, model_folders(), backbones)
    detectors, refusals = load_installed(model_folders(), backbones)
    for refusal in refusals:
        complain(refusal.sentence)
    if not detectors:
        complain("No model is installed; rows have no verdicts.")
    return detectors


def _progress(rows: Iterator[Row], total: int, terminal: TextIO) -> Iterator[Row]:
    quiet = not terminal.isatty()
    return iter(tqdm(rows, total=total, unit="file", disable=quiet, file=terminal, leave=False))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(
    reports: Sequence[tuple[Report, Path]], results: Results
) -> tuple[list[Path], list[NotWrittenError]]:
    """Write each report; one that fails costs no other."""
    written, failures = [], []
    for report, target in reports:
        try:
            report.write(target, results)
            written.append(target)
        except NotWrittenError as error:
            failures.append(error)
    return written, failures


def _print_table(rows: Sequence[Row], questions: Sequence[str]) -> None:
    for row in rows:
        name = one_line(row.path.name)
        answers = {verdict.question: verdict for verdict in row.verdicts}
        texts = []
        for question in questions:
            verdict = answers.get(question)
            score = "" if verdict is None or verdict.score is None else f" {verdict.score:.3f}"
            texts.append(f"{question}: {verdict.state.value}{score}" if verdict else "")
        answer = "  ".join(filter(None, texts)) or one_line(row.message)
        print(f"{name:<36.36}  {row.status:<11}  {answer}")


def _print_summary(rows: Sequence[Row], total: int, targets: Sequence[Path]) -> None:
    statuses = Counter(row.status for row in rows)
    states = Counter(f"{v.question} {v.state.value}" for row in rows for v in row.verdicts)
    counts = ", ".join(f"{count} {name}" for name, count in (statuses + states).most_common())
    ended = "" if len(rows) == total else f" (stopped; {total - len(rows)} not reached)"
    print(f"{len(rows)} of {total} files{ended}: {counts}")
    for target in targets:
        print(f"Report: {one_line(str(target.resolve()))}")
