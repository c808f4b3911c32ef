"""The command ``elascope-trainer verify``."""

import argparse


def add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parsers of ``elascope-trainer``."""
    verify = commands.add_parser(
        "verify",
        help="recompute the reference vectors of a model on this machine",
        description="Decode and prepare the pictures inside a model, run it on them with "
        "onnxruntime, and compare with what the trained network gave. The exit status is 1 when "
        "something differs.",
    )
    verify.add_argument("model", help="name of an installed model, or an ONNX file")
    verify.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    from app.detection.backbone import Backbones
    from app.detection.detector import Detector
    from app.detection.library import resolve_model
    from app.errors import ModelRefusedError
    from app.paths import backbone_folders, model_folders
    from trainer.publishing.reference import verify

    model = resolve_model(options.model, model_folders())
    detector = Detector(model, Backbones(backbone_folders()))
    if detector.backbone is not None:
        raise ModelRefusedError(
            f"The model {detector.card.name} takes features of a backbone and holds no reference "
            "vectors; elascope-trainer evaluate measures it again."
        )
    checks = verify(model)
    for check in checks:
        print(check.sentence())
    different = sum(not check.agrees for check in checks)
    print(f"{different} of {len(checks)} DIFFERENT" if different else f"All {len(checks)} agree.")
    return 1 if different else 0
