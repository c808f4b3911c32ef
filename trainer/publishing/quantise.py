"""An exported model in 8-bit integers: a quarter of the size, and faster on most processors.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018. What it costs in accuracy is measured, not assumed.
"""

import dataclasses
import functools
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from app.atomic import write_bytes
from app.detection.card import INPUT_NAME, METADATA_KEY, ModelCard
from app.detection.detector import Detector
from app.detection.prepare import prepare
from trainer.errors import ExportError
from trainer.publishing.card_page import card_page
from trainer.publishing.reference import answer_of, picture_pixels, run_detector, verify
from trainer.publishing.reference_document import (
    REFERENCE_KEY,
    ReferencePicture,
    read_reference,
    to_json,
)

SUFFIX = "-int8"
"""Ends the name of a quantised model."""

_QUANTISED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Relu", "Clip", "MaxPool")
"""Kinds of nodes that are computed in integers. Arithmetic before the first of them is the
normalisation, whose logarithm would lose all residuals below one grey level."""

Measure = Callable[[Detector], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Quantised:
    """What became of a model.

    Attributes:
        path: the new ONNX file.
        bytes_before: size of the float32 model.
        bytes_after: size of the new one.
        largest_difference: of a logit, over the calibration inputs, between both models.
    """

    path: Path
    bytes_before: int
    bytes_after: int
    largest_difference: float


def quantise(
    model: Path,
    folder: Path,
    batches: Iterable[NDArray[np.float32]],
    measure: Measure | None = None,
) -> Quantised:
    """Write an 8-bit ``model.onnx`` and its ``CARD.md`` into ``folder``.

    Args:
        model: as `trainer.publishing.export.export` made it, with card and reference vectors.
        folder: of the files; made if it is missing.
        batches: prepared inputs (n, channels, height, width) of pictures as they are trained on;
            the range of every value is taken from them. Held in memory.
        measure: gets the quantised model and returns what it reaches, which the card keeps under
            as its own results; those of the float32 model stay under ``float32``.

    Raises:
        ModelRefusedError: ``model`` is unusable or has no reference vectors.
        ExportError: it is quantised already, or cannot be; nothing is written then.
    """
    detector = Detector(model)
    content = model.read_bytes()
    if detector.card.name.endswith(SUFFIX):
        raise ExportError(f"The model {detector.card.name} is quantised already.")
    reference = read_reference(content, detector.card.name)
    inputs = list(_checked(batches, detector.card))
    proto = _quantised(content, inputs)
    with tempfile.TemporaryDirectory(prefix="elascope-") as place:
        trial = Path(place) / "trial.onnx"

        def saved(card: ModelCard, pictures: tuple[ReferencePicture, ...]) -> bytes:
            metadata = {METADATA_KEY: card.to_json(), REFERENCE_KEY: to_json(pictures)}
            onnx.helper.set_model_props(proto, metadata)
            trial.write_bytes(proto.SerializeToString())
            return trial.read_bytes()

        card = _renamed(detector.card)
        saved(card, reference)
        new = Detector(trial)
        difference = max(_difference(detector, new, batch) for batch in inputs)
        measured = {} if measure is None else dict(measure(new))
        measured |= {"largest_logit_difference": round(difference, 4)}
        card = dataclasses.replace(card, results=measured | {"float32": card.results})
        data = saved(card, tuple(_answered(new, picture) for picture in reference))
        if failed := [check for check in verify(trial) if not check.agrees]:
            raise ExportError(f"The quantised model cannot be verified. {failed[0].sentence()}.")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "CARD.md", card_page(card).encode())
    write_bytes(folder / "model.onnx", data)
    return Quantised(folder / "model.onnx", len(content), len(data), difference)


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    """Batches in the form that onnxruntime asks for."""

    def __init__(self, batches: Iterable[NDArray[np.float32]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT_NAME: batch}


def _checked(
    batches: Iterable[NDArray[np.float32]], card: ModelCard
) -> Iterator[NDArray[np.float32]]:
    """The batches that hold something, if there is one and all fit the model."""
    preparation = card.preparation
    wanted = (preparation.channels, preparation.height, preparation.width)
    count = 0
    for batch in batches:
        if batch.dtype != np.float32 or batch.ndim != 4 or batch.shape[1:] != wanted:
            raise ExportError(
                f"A batch of {batch.dtype} with the shape {list(batch.shape)} cannot set the "
                f"ranges of a model for float32 [batch, {', '.join(map(str, wanted))}]."
            )
        if not np.isfinite(batch).all():
            raise ExportError("A batch that sets the ranges holds something that is no number.")
        if len(batch):
            count += 1
            yield batch
    if not count:
        raise ExportError("There is no picture to set the ranges of the 8-bit numbers with.")


def _quantised(content: bytes, inputs: Iterable[NDArray[np.float32]]) -> onnx.ModelProto:
    """Static quantisation to unsigned activations and signed weights, one scale per channel.

    Weights use seven of their eight bits: x86 processors without VNNI add two products in 16 bits,
    which full weights overflow, so another computer would give another score.
    """
    proto = onnx.load_from_string(content)
    del proto.metadata_props[:]
    if not any(node.op_type in ("Conv", "Gemm", "MatMul") for node in proto.graph.node):
        raise ExportError("The model has no layer that can be computed in 8-bit integers.")
    # onnxruntime advises preparations through the log, which this function carries out.
    logger, level = logging.getLogger(), logging.getLogger().level
    logger.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory(prefix="elascope-") as place:
            ready, done = Path(place) / "ready.onnx", Path(place) / "done.onnx"
            # Its optimiser would write down kernels of this machine.
            quant_pre_process(proto, ready, skip_optimization=True, skip_symbolic_shape=True)
            quantize_static(
                ready,
                done,
                _Inputs(inputs),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_QUANTISED),
                nodes_to_exclude=_last_layers(onnx.load(ready)),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            return onnx.load(done)
    except Exception as error:
        # Its classes of errors are those of whatever part failed, some of them private.
        raise ExportError("onnxruntime cannot quantise this model.", repr(error)) from error
    finally:
        logger.setLevel(level)


def _last_layers(proto: onnx.ModelProto) -> list[str]:
    """The layers that give the outputs; a logit in 256 steps would be cut off at both ends."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    last, names = [], [output.name for output in proto.graph.output]
    seen: set[str] = set()
    while names:
        node = makers.get(names.pop())
        if node is None or node.output[0] in seen:
            continue
        seen.add(node.output[0])
        if node.op_type in _QUANTISED:
            last.append(node.name)
        else:
            names += node.input
    return last


def _renamed(card: ModelCard) -> ModelCard:
    return dataclasses.replace(
        card,
        name=card.name + SUFFIX,
        summary=f"{card.summary} Computed in 8-bit integers.",
        limits=(
            *card.limits,
            f"Score and thresholds are those of {card.name}, which computes in float32; what the "
            "8-bit numbers change stands beside the results under float32.",
        ),
        training=dataclasses.replace(
            card.training,
            versions=card.training.versions | {"onnxruntime": onnxruntime.__version__},
        ),
    )


def _difference(before: Detector, after: Detector, batch: NDArray[np.float32]) -> float:
    old, new = before.logits(batch), after.logits(batch)
    return max(float(np.abs(old[name] - new[name]).max()) for name in old)


def _answered(detector: Detector, picture: ReferencePicture) -> ReferencePicture:
    """The picture with what the quantised model gives for it."""
    pixels = picture_pixels(picture, detector.card.name)
    tensor = prepare(pixels, detector.card.preparation)
    answer = answer_of(functools.partial(run_detector, detector), tensor)
    return dataclasses.replace(picture, int8=answer)
