"""A model on a backbone as ONNX with its card, checked against torch."""

import hashlib
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.atomic import write_bytes
from app.detection.backbone import Backbones, Features
from app.detection.card import FEATURE_NAMES, METADATA_KEY, ModelCard
from app.detection.detector import Detector
from app.detection.where import FILE as WHERE_FILE
from app.detection.where import INPUT, OUTPUT
from trainer.backbone.tower import BLOCKS, TAPS, WIDTH
from trainer.errors import ExportError
from trainer.heads.linear import Linear
from trainer.heads.semantic import ROWS, Semantic
from trainer.heads.tiles import PLANES, Tiles
from trainer.publishing.card_page import card_page
from trainer.publishing.traced import traced

TOLERANCE = 1e-4
"""Largest allowed difference of a logit between torch and onnxruntime, as a share of the largest
number or of 1; a sum over 150,000 features in float32 cannot agree better."""


class LinearGraph(nn.Module):
    """`Linear` as a graph: summary (n, blocks, width) to logits (n, 1)."""

    weight: Tensor

    def __init__(self, linear: Linear) -> None:
        super().__init__()
        self.first, self.last, self.offset = linear.first, linear.last, linear.offset
        weight = torch.from_numpy(linear.weight).float()
        self.register_buffer("weight", weight.reshape(1, -1, WIDTH))

    def forward(self, summary: Tensor) -> Tensor:
        """Logits."""
        tokens = summary[:, self.first - 1 : self.last]
        unit = tokens / tokens.norm(dim=2, keepdim=True)
        logits: Tensor = (unit * self.weight).sum(dim=(1, 2))[:, None] + self.offset
        return logits


class TamperedGraph(nn.Module):
    """Class tokens and patches weighed together; and the coarse map."""

    def __init__(self, linear: Linear, semantic: Semantic, weights: Sequence[float]) -> None:
        """``weights`` are those of the linear model's and of the transformer's logit."""
        super().__init__()
        self.linear, self.semantic = LinearGraph(linear), semantic
        self.weights = tuple(weights)

    def forward(self, summary: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, 1) and map (n, 1, 56, 56)."""
        label, coarse = self.semantic(patches)
        return self.weights[0] * self.linear(summary) + self.weights[1] * label, coarse


def tiles_onnx(network: Tiles, tile: int) -> bytes:
    """The network for tiles as the content of ``where.onnx``; dynamic batch."""
    network = network.to(memory_format=torch.contiguous_format).eval()
    example = torch.rand(2, 3 * len(PLANES) + 1, tile, tile)
    return _onnx(network, (example,), [INPUT], [OUTPUT])


def publish_head(
    graph: nn.Module,
    card: ModelCard,
    folder: Path,
    backbones: Backbones,
    where: bytes = b"",
) -> Path:
    """Write ``model.onnx``, ``CARD.md`` and, if there is one, ``where.onnx`` into ``folder``.

    Args:
        graph: takes what it names of a backbone's features.
        card: with the backbone; its hash of the network for tiles is that of ``where``.
        folder: made if it is missing.
        backbones: where the card's backbone is.
        where: content of the network for tiles.

    Raises:
        ExportError: torch cannot write it, or onnxruntime's numbers differ from torch's.
    """
    names = FEATURE_NAMES[:1] if isinstance(graph, LinearGraph) else FEATURE_NAMES
    outputs = [question.output for question in card.questions]
    if card.where is not None:
        outputs.append(card.where.output)
        assert hashlib.sha256(where).hexdigest() == card.where.network or not card.where.network
    examples = tuple(_features(2, 1)[name] for name in names)
    content = _onnx(graph.eval(), examples, list(names), outputs, card)
    with tempfile.TemporaryDirectory(prefix="elascope-") as place:
        trial = Path(place) / card.name / "model.onnx"
        trial.parent.mkdir()
        trial.write_bytes(content)
        if where:
            (trial.parent / WHERE_FILE).write_bytes(where)
        difference = _difference(graph, Detector(trial, backbones), names)
        if not difference <= TOLERANCE:
            raise ExportError(
                f"The exported model differs from the trained one by {difference:.2g}; "
                f"{TOLERANCE:g} is allowed."
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "CARD.md", card_page(card).encode())
    if where:
        write_bytes(folder / WHERE_FILE, where)
    write_bytes(folder / "model.onnx", content)
    return folder / "model.onnx"


def _onnx(
    network: nn.Module,
    examples: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    card: ModelCard | None = None,
) -> bytes:
    proto = traced(network, examples, inputs, outputs, [{0: "batch"} for _ in examples])
    if card is not None:
        onnx.helper.set_model_props(proto, {METADATA_KEY: card.to_json()})
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content


def _features(count: int, seed: int) -> dict[str, Tensor]:
    random = np.random.default_rng(seed)
    summary = random.normal(size=(count, BLOCKS, WIDTH)).astype(np.float32)
    patches = random.normal(size=(count, len(TAPS), ROWS**2, WIDTH)).astype(np.float32)
    return {"summary": torch.from_numpy(summary), "patches": torch.from_numpy(patches)}


def _difference(graph: nn.Module, detector: Detector, names: Sequence[str]) -> float:
    """Largest over some random features, of logits."""
    worst = []
    for seed in range(3):
        found: Mapping[str, Tensor] = _features(1, seed)
        with torch.no_grad():
            result = graph(*(found[name] for name in names))
        expected = result[0] if isinstance(result, tuple) else result
        features = Features(found["summary"][0].numpy(), found["patches"][0].numpy())
        pixels: NDArray[np.uint8] = np.zeros((8, 8, 3), np.uint8)
        actual = detector.logits_of(pixels, features)[detector.card.questions[0].id]
        wanted = float(expected.reshape(-1)[0])
        worst.append(abs(actual - wanted) / max(1.0, abs(wanted)))
    return math.nan if any(map(math.isnan, worst)) else max(worst)
