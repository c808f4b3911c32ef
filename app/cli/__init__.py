"""The command ``elascope``. It computes nothing: it asks, shows progress and writes.

This room knows what can be asked; the others, one for each command, do it. They are imported
when they are needed, so that ``--version`` and ``--help`` are immediate and a scan never loads
Qt.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app import __version__
from app.cli.terminal import EXIT_FAILED, EXIT_INTERRUPTED, complain, discard_output
from app.errors import CancelledError, ElascopeError
from app.names import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


_LONGEST = 86_400
"""Seconds that a file may be given at most: a day."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in given if not word.startswith("-")), "")
    try:
        # Within, because the flags of analyses take a moment to import.
        parser = _parser(command)
        options = parser.parse_args(given)
        if options.version or options.verbose:
            return _version(options, parser)
        # Decoders warn on broken files; a row or a notice says so in the analyst's words.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        status = int(options.run(options))
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except (KeyboardInterrupt, CancelledError):
        return EXIT_INTERRUPTED
    except ElascopeError as error:
        complain(error.sentence)
        return EXIT_FAILED
    except MemoryError:
        complain("Memory ran out.")
        return EXIT_FAILED
    except OSError as error:
        # Standard output: its reader has seen enough, or its disk is full.
        discard_output()
        if not isinstance(error, BrokenPipeError):
            what = error.filename or "The output could not be written"
            complain(f"{what}: {error.strerror}.")
        return EXIT_FAILED


class _Parser(argparse.ArgumentParser):
    """A parser that quotes what was typed, which may be a file's name, on one line."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


def _parser(command: str) -> argparse.ArgumentParser:
    """Everything that can be asked; of analyses only if ``command`` is about one."""
    parser = _Parser(
        prog="elascope",
        description="Error Level Analysis and calibrated verdicts for folders of images.",
        epilog="Without a command the window opens.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="with --version: of everything that takes part, too, for the report of a fault",
    )
    parser.set_defaults(run=_open, path=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    window = commands.add_parser("open", help="open the window, with a folder or an image")
    window.add_argument("path", nargs="?", type=Path, help="folder or image")
    window.set_defaults(run=_open)

    _add_scan(commands.add_parser("scan", help="judge every file of folders and write a report"))

    analyse = commands.add_parser("analyse", help="write the map of one image by any analysis")
    ela = commands.add_parser("ela", help="write the error level map of one image")
    if command in ("analyse", "ela"):
        # Their flags are made from the analyses, which import numpy.
        from app.cli.analyse import add_analyse, add_ela

        add_analyse(analyse)
        add_ela(ela)

    copies = commands.add_parser(
        "copy-move", help="look for parts of one image that are twice in it"
    )
    if command == "copy-move":
        from app.cli.copy_move import add_copy_move

        add_copy_move(copies)

    where = commands.add_parser("where", help="mark the places in which a model finds something")
    if command == "where":
        from app.cli.where import add_where

        add_where(where)

    replay = commands.add_parser("replay", help="make a recorded picture again and compare")
    replay.add_argument("record", type=Path, metavar="RECORD", help="PNG or JSON with a record")
    replay.add_argument(
        "--image", type=Path, metavar="FILE", help="the examined file; by default beside RECORD"
    )
    replay.set_defaults(run=_replay)
    return parser


def _add_scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER", help="folder or file")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the report as CSV")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--jsonl", type=Path, metavar="FILE", help="write it as JSON Lines")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page for people")
    parser.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="NAME|FILE",
        action="extend",
        help="models to ask, after the folders; by default all that are installed",
    )
    parser.add_argument(
        "--maps",
        type=Path,
        metavar="DIR",
        help="write maps of conspicuous images (PNG and JSON) into this folder",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the scan that this report is of"
    )
    parser.add_argument(
        "--verify-hashes",
        action="store_true",
        help="with --resume, hash files again instead of trusting their size and time",
    )
    parser.add_argument(
        "--restart", action="store_true", help="begin anew, whatever an earlier scan has done"
    )
    parser.add_argument(
        "--time-limit",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="for one file (default: 300)",
    )
    parser.add_argument(
        "--memory-limit",
        type=_positive,
        metavar="MIB",
        help="for one file (default: a share of the machine's memory)",
    )
    parser.add_argument("--jobs", type=_positive, metavar="N", help="processes (default: cores)")
    parser.add_argument(
        "--no-variations",
        action="store_true",
        help="do not try answers with mild changes of the picture: faster, and less certain",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="where files are judged: on this machine, or on a Dask cluster, the only one that "
        "opens sockets (default: local)",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the Dask cluster, such as tcp://10.0.0.1:8786"
    )
    parser.add_argument("--no-recursive", action="store_true", help="leave out subfolders")
    parser.add_argument("--table", action="store_true", help="print a table of the answers")
    parser.set_defaults(run=lambda options: _scan(options, parser))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"must be seconds from 0 to {_LONGEST}, not {text!r}")
    return seconds


def _version(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if not options.version:
        parser.error("--verbose is for --version")
    if options.verbose:
        from app.cli.version import print_details

        print_details()
    else:
        print(f"elascope {__version__}")
    if sys.stdout is not None:
        sys.stdout.flush()
    return 0


def _open(options: argparse.Namespace) -> int:
    from app.cli.window import open_window

    return open_window(options)


def _scan(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.engine == "dask":
        if options.scheduler is None:
            parser.error("--engine dask needs --scheduler ADDRESS")
        if options.jobs is not None:
            parser.error("--jobs is for --engine local; a cluster has the threads of its workers")
    elif options.scheduler is not None:
        parser.error("--scheduler is for --engine dask")

    from app.cli.scan import scan_folders

    return scan_folders(options)


def _replay(options: argparse.Namespace) -> int:
    from app.cli.replay import replay

    return replay(options)
