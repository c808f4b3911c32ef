"""The commands ``export`` and ``models``."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.commands.audit import refuse_folders
from trainer.commands.train import add_cache_options, cache_of
from trainer.errors import CorpusError


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``export`` and ``models`` to the trainer's commands."""
    export = commands.add_parser(
        "export",
        help="install the model of a run",
        description="Copy a run's model and card to a folder of models, where the program finds "
        "it by name. With --int8 a quantised copy is made as well; what that costs is measured "
        "on the test part and written into its card.",
    )
    export.add_argument("model_run", type=Path, metavar="RUN")
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="models' folder")
    export.add_argument("--int8", action="store_true", help="quantise to 8 bits; needs --data")
    export.add_argument(
        "--data", type=Path, nargs="+", metavar="CORPUS", help="that the run was trained on"
    )
    add_cache_options(export)
    export.set_defaults(run=_export)

    models = commands.add_parser("models", help="list the architectures")
    models.set_defaults(run=_models)


def _export(options: argparse.Namespace) -> int:
    from trainer.publishing.install import install, install_int8

    options.runs = options.model_run.parent
    if options.int8 and not options.data:
        raise CorpusError("--int8 is calibrated and measured on pictures: give --data.")
    refuse_folders([options.to, cache_of(options)], options.data or ())
    print(f"Installed: {install(options.model_run, options.to)}")
    if options.int8:
        folder, sentence = install_int8(
            options.model_run, options.to, options.data, cache_of(options)
        )
        print(sentence)
        print(f"Installed: {folder}")
    return 0


def _models(_: argparse.Namespace) -> int:
    from trainer.models.registry import MODELS

    for family in MODELS:
        print(f"{family.name:20} {family.summary}")
    return 0
