"""From a run to a folder of models, as float32 and, on request, as 8-bit integers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.atomic import write_bytes
from app.detection.detector import Detector
from trainer.config import recipe_from
from trainer.data import gather
from trainer.evaluate import scores_of
from trainer.measures.metrics import measure, paired_difference, rounded
from trainer.publishing.cards import check_name
from trainer.publishing.quantise import SUFFIX, quantise
from trainer.runs.folder import check_data
from trainer.training.preparation import chain_of
from trainer.training.prepared import prepare_set

_CALIBRATING = 256
"""Training pictures that set the ranges of the 8-bit numbers."""
_BATCH = 16


def install(run: Path, folder: Path) -> Path:
    """Copy a run's model to ``folder/<name>``, and return that.

    Raises:
        ModelRefusedError: the run has no usable model.
    """
    name = Detector(run / "model.onnx").card.name
    check_name(name)
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    for file in ("CARD.md", "model.onnx"):
        write_bytes(target / file, (run / file).read_bytes())
    return target


def install_int8(
    run: Path, folder: Path, corpora: Sequence[Path], cache: Path | None
) -> tuple[Path, str]:
    """Quantise a run's model, measure what that costs on its test part, and install it.

    Returns:
        The new model's folder, and what it costs in a sentence.

    Raises:
        ModelRefusedError, CorpusError, ExportError: the run has no usable model, began with
            other pictures, or cannot be quantised.
    """
    detector = Detector(run / "model.onnx")
    recipe = recipe_from(detector.card.training.config)
    data = gather(recipe, corpora)
    check_data(run, data)
    training, test = data.split.parts["train"], data.split.parts["test"]
    step = max(1, len(training) // _CALIBRATING)
    chain = chain_of(recipe, detector.card.preparation)
    prepared = prepare_set(training[::step], chain, 1, cache, "calibration of int8")

    def batches() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(prepared), _BATCH):
            inside = range(start, min(start + _BATCH, len(prepared)))
            yield np.stack([prepared[index][0].float().numpy() for index in inside])

    before = scores_of(detector, recipe, test, "test", cache)
    question = detector.card.questions[0]
    lost: list[Any] = []

    def reached(quantised: Detector) -> Mapping[str, Any]:
        after = scores_of(quantised, recipe, test, "test, int8", cache)
        lost.extend(paired_difference(after, before).difference)
        return {
            "test": measure(after, question).rounded(),
            "auc_int8_minus_float32": rounded(lost),
        }

    target = folder / (detector.card.name + SUFFIX)
    made = quantise(run / "model.onnx", target, batches(), reached)
    value, low, high = lost
    return target, (
        f"8 bits: {made.bytes_after / 1e6:.2f} MB instead of {made.bytes_before / 1e6:.2f} MB; "
        f"AUC on the test part changes by {value:+.4f} [{low:+.4f}, {high:+.4f}]; the largest "
        f"change of a logit on calibration pictures is {made.largest_difference:.3f}."
    )
