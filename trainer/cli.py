"""The command ``elascope-trainer``."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app import __version__
from app.errors import ElascopeError
from trainer.commands.audit import add_audit
from trainer.commands.compare import add_comparisons
from trainer.commands.export import add_export
from trainer.commands.forge import add_forge, add_show_augment
from trainer.commands.head import add_heads
from trainer.commands.report import add_report
from trainer.commands.train import add_train
from trainer.commands.verify import add_verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end hours of work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Torch's threads wait for each other at every layer. Awake, as is their custom, they take the
    # processor from whatever else runs, which made small networks up to 17 times slower. Read
    # once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except ElascopeError as error:
        print(f"elascope-trainer: {error.sentence}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f"elascope-trainer: the library {error.name} is missing; install the trainer's "
            "libraries with: pip install 'elascope[trainer]'",
            file=sys.stderr,
        )
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
    with contextlib.suppress(ModuleNotFoundError):
        import shtab

        shtab.add_argument_to(parser, "--print-completion", help="for a shell, and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    add_train(commands)

    evaluate = commands.add_parser("evaluate", help="measure a model again and compare its card")
    evaluate.add_argument("model", help="name of an installed model, or an ONNX file")
    evaluate.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="CORPUS",
        help="the corpora that it was trained on, in their order; for a model on a backbone the "
        "folder that holds all of them",
    )
    evaluate.add_argument(
        "--authentic",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="further folders of untouched pictures, for false alarms elsewhere",
    )
    evaluate.add_argument(
        "--cache",
        type=Path,
        default=Path("runs/features"),
        help="of features, for models on a backbone",
    )
    evaluate.set_defaults(run=_evaluate)

    add_export(commands)
    add_heads(commands)
    add_comparisons(commands)
    add_report(commands)
    add_verify(commands)
    add_audit(commands)
    add_forge(commands)
    add_show_augment(commands)
    return parser


def _evaluate(options: argparse.Namespace) -> int:
    from app.detection.backbone import Backbones
    from app.detection.detector import Detector
    from app.detection.library import resolve_model
    from app.paths import backbone_folders, model_folders
    from trainer.evaluate import evaluate

    model = resolve_model(options.model, model_folders())
    backbones = Backbones(backbone_folders())
    if Detector(model, backbones).backbone is not None:
        from trainer.heads.evaluate import evaluate_head, lines_of

        results, notes = evaluate_head(model, options.data[0], backbones, options.cache)
        print("\n".join([*lines_of(results), *notes]))
        return 1 if any("DIFFERENT" in note for note in notes) else 0
    evaluation, notes = evaluate(model, options.data, options.authentic)
    print(evaluation.table())
    for note in notes:
        print(note)
    return 1 if any("DIFFERENT" in note for note in notes) else 0
