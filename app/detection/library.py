"""Which models there are: those shipped with the program and those in the user's folder."""

import os
from collections.abc import Sequence
from pathlib import Path

from app.detection.detector import Detector
from app.errors import ModelRefusedError


def find_models(folders: Sequence[Path]) -> dict[str, Path]:
    """Models by name: ``<folder>/<name>/model.onnx``. An earlier folder hides a later one."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/model.onnx")):
            found.setdefault(path.parent.name, path)
    return found


def resolve_model(name_or_file: str, folders: Sequence[Path]) -> Path:
    """The ONNX file for a model's name, or for a path to one.

    Raises:
        ModelRefusedError: neither; the sentence lists the known names.
    """
    known = find_models(folders)
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    if os.path.isfile(path):  # Path.is_file raises for names that are too long
        return path
    names = ", ".join(known) or "none"
    raise ModelRefusedError(f"There is no model {name_or_file!r}. Known models: {names}.")


def load_detectors(names_or_files: Sequence[str], folders: Sequence[Path]) -> tuple[Detector, ...]:
    """Load the named models, or by default every model there is.

    By default a question that an earlier model answers is not asked again; named models must
    not share one, since a row has one answer for each question.

    Raises:
        ModelRefusedError: a model is unknown or unusable, or two answer the same question.
    """
    chosen = [resolve_model(name, folders) for name in names_or_files]
    detectors: list[Detector] = []
    answered: dict[str, str] = {}
    for path in chosen or find_models(folders).values():
        detector = Detector(path)
        shared = [question.id for question in detector.card.questions if question.id in answered]
        if shared and chosen:
            raise ModelRefusedError(
                f"The models {answered[shared[0]]} and {detector.card.name} both answer "
                f"{shared[0]!r}; choose one of them."
            )
        if not shared:
            detectors.append(detector)
            answered |= dict.fromkeys((q.id for q in detector.card.questions), detector.card.name)
    return tuple(detectors)
