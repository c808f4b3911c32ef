"""The command ``elascope-trainer``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app import __version__
from app.errors import ElascopeError
from trainer.audit_command import add_audit
from trainer.forge_command import add_forge, add_show_augment
from trainer.recipes import RECIPES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except ElascopeError as error:
        print(f"elascope-trainer: {error.sentence}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of a pipe has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"elascope-trainer: {where}{error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("elascope-trainer: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="elascope-trainer",
        description="Train, measure and export the models of Elascope.",
    )
    parser.add_argument("--version", action="version", version=f"elascope-trainer {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train = commands.add_parser("train", help="train, calibrate, measure and export a model")
    train.add_argument("recipe", choices=[make.__name__ for make in RECIPES])
    train.add_argument("--data", type=Path, required=True, help="copy of CASIA 1.0 (Au/, Sp/)")
    train.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept")
    train.add_argument("--name", help="of the model (default: the recipe's)")
    train.add_argument("--model-version", default="1.0.0", metavar="X.Y.Z")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the recipe, such as epochs=10",
    )
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure a model again and compare its card")
    evaluate.add_argument("model", help="name of an installed model, or an ONNX file")
    evaluate.add_argument("--data", type=Path, required=True, help="copy of CASIA 1.0 (Au/, Sp/)")
    evaluate.add_argument(
        "--authentic",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="further folders of untouched pictures, for false alarms elsewhere",
    )
    evaluate.set_defaults(run=_evaluate)

    export = commands.add_parser("export", help="install the model of a run")
    export.add_argument("model_run", type=Path, metavar="RUN")
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="models' folder")
    export.set_defaults(run=_export)

    add_audit(commands)
    add_forge(commands)
    add_show_augment(commands)
    return parser


def _train(options: argparse.Namespace) -> int:
    from trainer.build import build
    from trainer.config import override

    recipe = next(make for make in RECIPES if make.__name__ == options.recipe)()
    recipe = override(recipe, options.set)
    name = options.name or recipe.name.replace("_", "-")
    build(recipe, options.data, options.runs, name, options.model_version, _say)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from app.detection.library import resolve_model
    from app.paths import model_folders
    from trainer.evaluate import evaluate

    model = resolve_model(options.model, model_folders())
    evaluation, notes = evaluate(model, options.data, options.authentic)
    print(evaluation.table())
    for note in notes:
        print(note)
    return 1 if any("DIFFERENT" in note for note in notes) else 0


def _export(options: argparse.Namespace) -> int:
    from app.atomic import write_bytes
    from app.detection.detector import Detector

    card = Detector(options.model_run / "model.onnx").card
    folder = options.to / card.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("CARD.md", "model.onnx"):
        write_bytes(folder / name, (options.model_run / name).read_bytes())
    print(f"Installed: {folder}")
    return 0


def _say(sentence: str) -> None:
    print(sentence, flush=True)
