"""The command ``elascope``. It computes nothing: it asks, shows progress and writes.

Heavy libraries are imported inside the commands, so that ``--version`` and ``--help`` are
immediate and a scan never loads Qt.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.errors import ElascopeError, InvalidParameterError, NotWrittenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from app.analysis.base import ParamSpec
    from app.scan.rows import Row

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given[:1]).parse_args(given)
    # Decoders warn on broken files; a row or a notice says so in the analyst's words.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        status = int(options.run(options))
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except ElascopeError as error:
        _complain(error.sentence)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        # Standard output: its reader has seen enough, or its disk is full. What it did not take
        # must not be tried again when the interpreter ends.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            what = error.filename or "The output could not be written"
            _complain(f"{what}: {error.strerror}.")
        return EXIT_FAILED


def _complain(sentence: str) -> None:
    if sys.stderr is not None:
        print(f"elascope: {one_line(sentence)}", file=sys.stderr)


def one_line(text: str) -> str:
    """``text`` fit for a terminal: names may hold line ends, escape codes or invalid bytes."""
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in valid
    )


def _parser(command: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="elascope",
        description="Error Level Analysis and calibrated verdicts for folders of images.",
        epilog="Without a command the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"elascope {__version__}")
    parser.set_defaults(run=_open, path=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    window = commands.add_parser("open", help="open the window, with a folder or an image")
    window.add_argument("path", nargs="?", type=Path)
    window.set_defaults(run=_open)

    scan = commands.add_parser("scan", help="judge every file of folders and write a report")
    scan.add_argument("paths", nargs="+", type=Path, metavar="FOLDER", help="folder or file")
    scan.add_argument("--csv", type=Path, metavar="FILE", help="write the report as CSV")
    scan.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    scan.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="NAME|FILE",
        action="extend",
        help="models to ask, after the folders; by default all that are installed",
    )
    scan.add_argument("--jobs", type=_positive, metavar="N", help="threads (default: cores)")
    scan.add_argument("--no-recursive", action="store_true", help="leave out subfolders")
    scan.add_argument("--table", action="store_true", help="print a table of the answers")
    scan.set_defaults(run=_scan)

    _add_ela(commands, with_options="ela" in command)
    return parser


def _add_ela(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], with_options: bool
) -> None:
    """Add ``ela``; its parameters come from `ElaParams`, which imports numpy, so on demand."""
    ela = commands.add_parser("ela", help="write the error level map of one image")
    ela.set_defaults(run=_ela)
    if not with_options:
        return
    from app.analysis.ela import ElaParams

    ela.add_argument("image", type=Path)
    ela.add_argument("--output", type=Path, metavar="FILE.png", help="the amplified map")
    ela.add_argument("--raw", type=Path, metavar="FILE.npy", help="the residual, not amplified")
    for spec in ElaParams.specs():
        _add_parameter(ela, spec)


def _add_parameter(parser: argparse.ArgumentParser, spec: ParamSpec) -> None:
    flag = "--" + spec.name.replace("_", "-")
    if isinstance(spec.default, bool):
        action = argparse.BooleanOptionalAction
        parser.add_argument(flag, action=action, default=spec.default, help=spec.help)
        return
    limits = ", ".join(spec.choices) or f"{spec.minimum} to {spec.maximum}"
    parser.add_argument(
        flag,
        type=type(spec.default),
        default=spec.default,
        metavar="VALUE",
        help=f"{spec.help} {limits}; default {spec.default}.",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, not {text!r}")
    return int(text)


def _open(options: argparse.Namespace) -> int:
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in shown):
        raise ElascopeError(
            "There is no display for the window. Without one, use elascope scan and elascope ela."
        )
    try:
        from app.gui.application import run
    except ImportError as error:
        raise ElascopeError(
            f"The window cannot be opened: {error}. "
            "On Debian, python3 packaging/bootstrap.py --libraries display installs what it needs."
        ) from error
    return run(options.path)


def _ela(options: argparse.Namespace) -> int:
    from app.analysis.ela import ELA, ElaParams
    from app.evidence.decode import decode
    from app.evidence.file import open_evidence
    from app.report.picture import parameter_record, write_npy, write_png

    if not (options.output or options.raw):
        raise InvalidParameterError("Nothing to write: give --output or --raw.")
    _check_targets([t for t in (options.output, options.raw) if t], [options.image])
    params = ElaParams(**{spec.name: getattr(options, spec.name) for spec in ElaParams.specs()})
    with _decoders_silenced():
        evidence = open_evidence(options.image)
        image = decode(evidence)
    finding = ELA.run(image.pixels, params)
    if options.output:
        record = parameter_record(evidence, image.record, finding.record)
        write_png(options.output, finding.rendering.picture, record)
    if options.raw:
        write_npy(options.raw, finding.measurement)
    return 0


def _scan(options: argparse.Namespace) -> int:
    from app.detection.library import load_detectors, load_installed
    from app.paths import model_folders
    from app.report import REPORTS
    from app.scan.pipeline import find_files, scan

    missing = [path for path in options.paths if not os.path.exists(path)]
    if missing:
        raise ElascopeError(f"There is no file or folder {missing[0]}.")
    paths = find_files(options.paths, recursive=not options.no_recursive)
    wanted = [(report, getattr(options, report.id)) for report in REPORTS]
    targets = [(report, target) for report, target in wanted if target]
    _check_targets([target for _, target in targets], paths)
    if options.model:
        detectors = load_detectors(options.model, model_folders())
    else:
        detectors, refusals = load_installed(model_folders())
        for refusal in refusals:
            _complain(refusal.sentence)
    if not detectors:
        _complain("No model is installed; rows have no verdicts.")
    questions = [question.id for detector in detectors for question in detector.card.questions]

    stop = threading.Event()
    rows: list[Row] = []
    with _decoders_silenced() as terminal, _interrupt_sets(stop):
        for row in _progress(scan(paths, detectors, options.jobs, stop), len(paths), terminal):
            rows.append(row)
    failures, written = [], []
    for report, target in targets:
        try:
            report.write(target, rows, questions)
            written.append(target)
        except NotWrittenError as error:
            failures.append(error)
    if options.table:
        _print_table(rows, questions)
    _print_summary(rows, len(paths), written)
    if failures:
        raise failures[0]
    return EXIT_INTERRUPTED if stop.is_set() else 0


def _check_targets(targets: Sequence[Path], evidence: Sequence[Path]) -> None:
    """Find what would keep a report from being written before the scan, not after it."""
    from app.atomic import refuse_evidence

    # The functions of os.path answer for names that are too long; those of Path raise.
    places = [os.path.realpath(target) for target in targets]
    if len(set(places)) < len(places):
        raise InvalidParameterError("Two outputs cannot share one file.")
    for place in places:
        folder = os.path.dirname(place)
        if not os.path.isdir(folder):
            raise NotWrittenError(f"There is no folder {folder}.")
        if not os.access(folder, os.W_OK):
            raise NotWrittenError(f"The folder {folder} cannot be written to.")
        if os.path.lexists(place) and not os.path.isfile(place):
            raise NotWrittenError(f"{place} is not a file, so nothing is written to it.")
    refuse_evidence(targets, evidence)


def _progress(rows: Iterator[Row], total: int, terminal: TextIO) -> Iterator[Row]:
    from tqdm import tqdm

    quiet = not terminal.isatty()
    return iter(tqdm(rows, total=total, unit="file", disable=quiet, file=terminal, leave=False))


@contextlib.contextmanager
def _interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C end the scan in an orderly way, with a partial report."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _decoders_silenced() -> Iterator[TextIO]:
    """Send what C libraries print on standard error (libtiff does, on damaged files) nowhere.

    Yields a stream to the real standard error for the progress bar.
    """
    if sys.stderr is None:
        # Closed; descriptor 2 may be any file by now, and nobody looks at progress.
        with Path(os.devnull).open("w") as terminal:
            yield terminal
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with os.fdopen(kept, "w", closefd=False) as terminal:
            yield terminal
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


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
