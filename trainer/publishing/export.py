"""A trained network and its card as one ONNX file, checked against torch."""

import copy
import functools
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.atomic import write_bytes
from app.detection.card import INPUT_NAME, METADATA_KEY, ModelCard, Preparation
from app.detection.detector import MASK_SUFFIX, Detector
from trainer.errors import ExportError
from trainer.publishing.card_page import card_page
from trainer.publishing.reference import make_reference, verify
from trainer.publishing.reference_document import REFERENCE_KEY, to_json
from trainer.publishing.traced import traced

TOLERANCE = 1e-5
"""Largest allowed difference between torch and onnxruntime, absolute or, for numbers above 1, as
a share of the largest: float32 has 24 bits, so numbers of that size that went through some dozen
layers of sums cannot agree better. What torch itself loses by float32 is not counted."""

_LEVELS = {"ela": 2.0, "rgb": 40.0}
"""Scale of the random inputs for the comparison; residuals are small, pixels are not."""


def export(model: nn.Module, card: ModelCard, folder: Path, *, dynamic_size: bool = False) -> Path:
    """Write ``model.onnx`` and ``CARD.md`` into ``folder``, which is made if it is missing.

    Args:
        model: as trained; it is left on the CPU in evaluation mode. Networks that return a pair
            get a second output, named as the first with `MASK_SUFFIX`.
        card: its first question names the output with the logit.
        folder: of the files.
        dynamic_size: inputs may have any height and width, for fully convolutional networks.

    Raises:
        ExportError: torch cannot write it, onnxruntime's numbers differ from torch's, or the
            reference vectors do not come out again. Nothing is written then.
    """
    content = to_onnx(model, card, dynamic_size=dynamic_size)
    with tempfile.TemporaryDirectory(prefix="elascope-") as place:
        trial = Path(place) / "trial.onnx"
        trial.write_bytes(content)
        difference = parity(model, Detector(trial), dynamic_size)
        # Not `>`, which a NaN would pass.
        if not difference <= TOLERANCE:
            raise ExportError(
                f"The exported model differs from the trained one by {difference:.2g}; "
                f"{TOLERANCE:g} is allowed."
            )
        for check in verify(trial):
            if not check.agrees:
                raise ExportError(f"The exported model cannot be verified. {check.sentence()}.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "model.onnx"
    write_bytes(folder / "CARD.md", card_page(card).encode())
    write_bytes(target, content)
    return target


def to_onnx(model: nn.Module, card: ModelCard, *, dynamic_size: bool = False) -> bytes:
    """The ONNX file's content: dynamic batch, card and reference vectors in its metadata.

    Raises:
        ExportError: it gives no numbers, or torch cannot write it.
    """
    model.cpu().eval()
    preparation = card.preparation
    run = functools.partial(_run_torch, model, card.questions[0].id)
    reference = make_reference(preparation, run)
    if not all(math.isfinite(n) for picture in reference for n in picture.torch.numbers()):
        raise ExportError("The network gives no number for a reference picture.")
    proto = _proto(model, preparation, card.questions[0].output, dynamic_size)
    metadata = {METADATA_KEY: card.to_json(), REFERENCE_KEY: to_json(reference)}
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content


def _proto(
    model: nn.Module, preparation: Preparation, output: str, dynamic_size: bool
) -> onnx.ModelProto:
    example = torch.zeros(2, preparation.channels, preparation.height, preparation.width)
    for_export = getattr(model, "for_export", None)
    network = model if for_export is None else for_export().cpu().eval()
    with torch.no_grad():
        pair = isinstance(network(example), tuple)
    shapes = {0: "batch"} | ({2: "height", 3: "width"} if dynamic_size else {})
    outputs = [output, output + MASK_SUFFIX] if pair else [output]
    size = "any size" if dynamic_size else "its size"
    return traced(network, [example], [INPUT_NAME], outputs, [shapes], size)


def parity(model: nn.Module, detector: Detector, dynamic_size: bool = False) -> float:
    """Largest difference between torch and onnxruntime, for logits and mask; see `TOLERANCE`.

    At batch sizes 1, 2 and 5 and, with ``dynamic_size``, at another height and width.
    """
    model.cpu().eval()
    identifier = detector.card.questions[0].id
    worst = []
    for images in _random_inputs(detector.card.preparation, dynamic_size):
        try:
            expected = _outputs(model, images)
            mask = detector.masks(images)
            actual = [detector.logits(images)[identifier]] + ([] if mask is None else [mask])
        except Exception as error:
            # torch and onnxruntime have no class in common for what a layer cannot compute.
            height, width = images.shape[2:]
            raise ExportError(
                f"The network cannot compute an input of {height} x {width}.", repr(error)
            ) from error
        if [a.shape for a in actual] != [e.shape for e in expected]:
            raise ExportError("The exported model has other outputs than the trained one.")
        pairs = list(zip(actual, expected, strict=True))
        # The maximum of numpy does not pass over a NaN.
        difference = np.max([_difference(a, e) for a, e in pairs])
        if difference > TOLERANCE:
            exact = _outputs(copy.deepcopy(model).double(), images.astype(np.float64))
            difference = np.max(
                [
                    _difference(a, e, 4 * float(np.abs(e - true).max()))
                    for (a, e), true in zip(pairs, exact, strict=True)
                ]
            )
        worst.append(difference)
    return float(np.max(worst))


def _difference(
    actual: NDArray[np.float32], expected: NDArray[Any], rounding: float = 0.0
) -> float:
    """The largest one beyond ``rounding``, as a share of the largest number if above 1."""
    distance = float(np.abs(actual - expected).max()) - rounding
    return float(np.maximum(distance, 0.0)) / max(1.0, float(np.abs(expected).max()))


def _random_inputs(preparation: Preparation, dynamic_size: bool) -> Iterator[NDArray[np.float32]]:
    random = np.random.default_rng(0)
    height, width = preparation.height, preparation.width
    shapes = [(batch, height, width) for batch in (1, 2, 5)]
    if dynamic_size:
        # Not square and larger, by what networks with five halvings can divide.
        shapes.append((2, height + 32, width + 64))
    for batch, rows, columns in shapes:
        planes = [
            random.gamma(1.0, _LEVELS[plane], (batch, 3, rows, columns))
            for plane in preparation.planes
        ]
        yield np.minimum(np.concatenate(planes, axis=1), 255).astype(np.float32)


def _outputs(model: nn.Module, images: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Torch's logits (n,) and, of networks with a mask, its logits (n, height, width)."""
    with torch.no_grad():
        found: Tensor | tuple[Tensor, Tensor] = model(torch.from_numpy(images))
    tensors = found if isinstance(found, tuple) else (found,)
    return [tensor.numpy()[:, 0] for tensor in tensors]


def _run_torch(
    model: nn.Module, identifier: str, images: NDArray[np.float32]
) -> tuple[Mapping[str, float], NDArray[Any] | None]:
    logits, *masks = _outputs(model, images)
    return {identifier: float(logits[0])}, masks[0][0] if masks else None
