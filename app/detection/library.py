"""Which models there are: those shipped with the program and those in the user's folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.detection.backbone import Backbones
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
    """The ONNX file for a model's name, or for a path to one or to its folder.

    Raises:
        ModelRefusedError: neither; the sentence lists the known names.
    """
    known = find_models(folders)
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    for file in (path, path / "model.onnx"):  # a model, or the folder of one or of a run
        if os.path.isfile(file):  # Path.is_file raises for names that are too long
            return file
    names = ", ".join(known) or "none"
    raise ModelRefusedError(f"There is no model {name_or_file!r}. Known models: {names}.")


def load_detectors(
    names_or_files: Sequence[str], folders: Sequence[Path], backbones: Backbones | None = None
) -> tuple[Detector, ...]:
    """Load the named models.

    Raises:
        ModelRefusedError: a model is unknown or unusable, or two answer the same question, since
            a row has one answer for each question.
    """
    detectors: list[Detector] = []
    for name in names_or_files:
        detector = Detector(resolve_model(name, folders), backbones)
        for other in detectors:
            if shared := _shared_question(detector, other):
                raise ModelRefusedError(
                    f"The models {other.card.name} and {detector.card.name} both answer "
                    f"{shared!r}; choose one of them."
                )
        detectors.append(detector)
    return tuple(detectors)


def load_installed(
    folders: Sequence[Path], backbones: Backbones | None = None
) -> tuple[tuple[Detector, ...], tuple[ModelRefusedError, ...]]:
    """Load every installed model that is usable, and say why the others are not.

    A model that answers a question of an earlier one is left out with such a sentence, so the
    user's own model stands in for a shipped one and this is said.
    """
    detectors: list[Detector] = []
    refusals: list[ModelRefusedError] = []
    for path in find_models(folders).values():
        try:
            detector = Detector(path, backbones)
        except ModelRefusedError as error:
            refusals.append(error)
            continue
        answered = [(other, _shared_question(detector, other)) for other in detectors]
        first = next(((other, shared) for other, shared in answered if shared), None)
        if first is None:
            detectors.append(detector)
        else:
            refusals.append(
                ModelRefusedError(
                    f"The model {detector.card.name} is not asked: {first[0].card.name} already "
                    f"answers {first[1]!r}."
                )
            )
    return tuple(detectors), tuple(refusals)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Models to ask; it travels to other processes, which load them there.

    Attributes:
        folders: in which models are looked for.
        backbones: folders in which their backbones are looked for.
        names: of models, or files; None for all that are installed.
    """

    folders: tuple[Path, ...] = ()
    backbones: tuple[Path, ...] = ()
    names: tuple[str, ...] | None = None

    def load(self) -> tuple[tuple[Detector, ...], tuple[ModelRefusedError, ...]]:
        """The models, and sentences on those installed ones that cannot be asked.

        Raises:
            ModelRefusedError: as `load_detectors`, for models that were named.
        """
        backbones = Backbones(self.backbones)
        if self.names is None:
            return load_installed(self.folders, backbones)
        return load_detectors(self.names, self.folders, backbones), ()


def _shared_question(one: Detector, other: Detector) -> str | None:
    identifiers = {question.id for question in other.card.questions}
    return next((q.id for q in one.card.questions if q.id in identifiers), None)
