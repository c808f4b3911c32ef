"""The command ``elascope-trainer report``."""

import argparse
from pathlib import Path

from app.names import one_line


def add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``report`` to the trainer's commands."""
    report = commands.add_parser(
        "report",
        help="write a run as one HTML page",
        description="Make one self-contained page from what is in a run's folder: what was asked "
        "of which data, the measures with their intervals, plots, errors and limits.",
    )
    report.add_argument("model_run", type=Path, metavar="RUN", help="folder of the run")
    report.add_argument(
        "--output", type=Path, metavar="FILE", help="the page (default: RUN/report.html)"
    )
    report.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from trainer.runs.page import write_report

    target = write_report(options.model_run, options.output)
    print(f"Report: {one_line(str(target))}")
    return 0
