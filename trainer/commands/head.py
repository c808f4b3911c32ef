"""The commands ``backbone`` and ``train-head``."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.heads.recipe import HEAD_RECIPES

_BACKBONES, _MODELS = Path("resources/backbones"), Path("resources/models")


def add_heads(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``backbone`` and ``train-head`` to the trainer's commands."""
    backbone = commands.add_parser(
        "backbone",
        help="make the network that the shipped models share",
        description="Write the first blocks of CLIP's image tower as ONNX with 8-bit weights.",
    )
    backbone.add_argument(
        "--weights",
        default="package",
        metavar="WHAT",
        help="package (default), pretrained (timm fetches them), or the package's ONNX file",
    )
    backbone.add_argument("--to", type=Path, default=_BACKBONES, metavar="FOLDER")
    backbone.set_defaults(run=_backbone)

    names = [make.__name__ for make in HEAD_RECIPES]
    head = commands.add_parser(
        "train-head",
        help="train a model on the backbone's features",
        description="Take features of all pictures, cross-validate, train, measure and write the "
        "model with its card: " + ", ".join(names) + ".",
    )
    head.add_argument("recipe", choices=names, metavar="RECIPE", help=", ".join(names))
    add_head_options(head)
    head.add_argument("--models", type=Path, default=_MODELS, help="where the model is written")
    head.add_argument("--model-version", default="1.0.0", metavar="X.Y.Z")
    head.set_defaults(run=_train_head)


def add_head_options(parser: argparse.ArgumentParser) -> None:
    """Add where pictures, the backbone and features are."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="ROOT",
        help="folder with casia1, camera, pristine, web and, for generated, ai",
    )
    parser.add_argument("--backbones", type=Path, default=_BACKBONES, metavar="FOLDER")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/features"), help="of features, used again"
    )


def _backbone(options: argparse.Namespace) -> int:
    from trainer.backbone.publish import NAME, publish
    from trainer.backbone.weights import tower_with

    tower, origin = tower_with(options.weights)
    path = publish(tower, origin, options.to / NAME)
    print(f"Backbone: {path}, {path.stat().st_size / 1e6:.1f} MB. {origin}")
    return 0


def _train_head(options: argparse.Namespace) -> int:
    import time

    from app.detection.backbone import FILE, Backbone
    from trainer.backbone.publish import NAME
    from trainer.heads.generated import build_generated
    from trainer.heads.tampered import build_tampered
    from trainer.heads.workshop import Workshop

    recipe = next(make for make in HEAD_RECIPES if make.__name__ == options.recipe)()
    backbone = Backbone(options.backbones / NAME / FILE)
    workshop = Workshop(
        options.data, backbone, options.models, options.cache, options.model_version, _say
    )
    began = time.monotonic()
    build = build_generated if recipe.question == "generated" else build_tampered
    path = build(recipe, workshop)
    print(f"Model: {path}, built in {time.monotonic() - began:.0f} s.")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)
