"""A trained network and its card as one ONNX file, checked against torch."""

import io
import json
import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from app.atomic import write_bytes
from app.detection.card import INPUT_NAME, METADATA_KEY, ModelCard
from app.detection.detector import Detector
from trainer.errors import ExportError

TOLERANCE = 1e-5
"""Largest allowed difference between the logits of torch and onnxruntime."""


def export(model: nn.Module, card: ModelCard, folder: Path) -> Path:
    """Write ``model.onnx`` and ``CARD.md`` into ``folder``.

    Raises:
        ExportError: onnxruntime's logits differ from torch's; nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "model.onnx"
    trial = folder / "model.onnx.trial"
    write_bytes(trial, to_onnx(model, card))
    try:
        difference = parity(model, Detector(trial))
        if difference > TOLERANCE:
            raise ExportError(
                f"The exported model differs from the trained one by {difference:.2g}; "
                f"{TOLERANCE:g} is allowed."
            )
        trial.replace(target)
    finally:
        trial.unlink(missing_ok=True)
    write_bytes(folder / "CARD.md", card_page(card).encode())
    return target


def to_onnx(model: nn.Module, card: ModelCard) -> bytes:
    """The ONNX file's content, with the card in its metadata and a dynamic batch."""
    preparation = card.preparation
    example = torch.zeros(2, preparation.channels, preparation.height, preparation.width)
    # It warns of torchvision's absence, which no model here needs.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        model.eval(),
        (example,),
        input_names=[INPUT_NAME],
        output_names=[card.questions[0].output],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise ExportError("torch gave no ONNX program.")
    stream = io.BytesIO()
    onnx.save(program.model_proto, stream)
    proto = onnx.load_from_string(stream.getvalue())
    # Stack traces of this machine's source tree do not belong into a published file.
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.helper.set_model_props(proto, {METADATA_KEY: card.to_json()})
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content


def parity(model: nn.Module, detector: Detector) -> float:
    """Largest difference of logits between torch and onnxruntime at batch sizes 1, 2 and 5."""
    preparation = detector.card.preparation
    random = np.random.default_rng(0)
    worst = 0.0
    for batch in (1, 2, 5):
        shape = (batch, preparation.channels, preparation.height, preparation.width)
        images = random.gamma(1.0, 2.0, shape).astype(np.float32)
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(images)).numpy()[:, 0]
        actual = detector.logits(images)[detector.card.questions[0].id]
        worst = max(worst, float(np.abs(expected - actual).max()))
    return worst


def card_page(card: ModelCard) -> str:
    """The card as a page for people."""
    question = card.questions[0]
    validity = card.validity
    lines = [
        f"# {card.name} {card.version}",
        "",
        card.summary,
        "",
        f"- Question: {question.text}",
        f"- Score: calibrated by Platt scaling on images that trained nothing; both classes "
        f"taken as equally frequent. Reference: {question.reference_population}",
        f"- Positive from {question.operating_point.threshold:.4f} "
        f"({question.operating_point.false_alarm_rate:.0%} false alarms on calibration images); "
        f"inconclusive from {question.inconclusive_below:.4f} "
        f"({question.miss_rate:.0%} misses below).",
        f"- Valid for: {', '.join(validity.formats)}, shorter side from {validity.minimum_side} "
        f"px, longer side to {validity.maximum_side} px, sides to {validity.maximum_aspect:g}:1.",
        f"- Licence: {card.licence}",
        "",
        "## What it does not do",
        "",
        *(f"- {limit}" for limit in card.limits),
        "",
        "## Data and split",
        "",
        card.training.data,
        "",
        card.training.split,
        "",
        "## Measured",
        "",
        "Triples are value and 95 % interval.",
        "",
        "```json",
        json.dumps(card.results, indent=1),
        "```",
        "",
        "## Configuration",
        "",
        "```json",
        json.dumps(card.training.config, indent=1),
        "```",
        "",
    ]
    return "\n".join(lines)
