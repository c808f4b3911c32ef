"""Tiny networks for the tests of export, verification and quantisation, and a card for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.detection.card import ModelCard
from tests import models

SIDE = 32


class MaskNet(nn.Module):
    """Fully convolutional, with a mask: two convolutions, a mean, and an upsampled map."""

    def __init__(self, channels: int = 3, filters: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, filters, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(filters)
        self.second = nn.Conv2d(filters, filters, 3, stride=2, padding=1)
        self.where = nn.Conv2d(filters, 1, 1)
        self.head = nn.Linear(filters, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        levels = torch.log1p(images) - 0.5
        features = functional.relu(self.norm(self.first(levels)))
        features = functional.relu(self.second(features))
        size = [images.shape[2], images.shape[3]]
        mask = functional.interpolate(self.where(features), size, mode="bilinear")
        return self.head(features.mean(dim=(2, 3))), mask


class LabelNet(nn.Module):
    """A dense layer on the whole input: its size is fixed."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(torch.log1p(images))
        return logits


def seeded(make: Any, *arguments: Any, **named: Any) -> Any:
    """A network with the same weights each time, large enough for logits around one."""
    torch.manual_seed(7)
    network = make(*arguments, **named)
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(2.0)
    return network.eval()


def card(planes: Sequence[str] = ("ela",), **changes: Any) -> ModelCard:
    """For the networks above: one question whose output is ``tampered_logit``."""
    preparation = {"planes": tuple(planes), "height": SIDE, "width": SIDE}
    question = models.question(output="tampered_logit")
    return models.card([question], preparation, **{"name": "tiny", **changes})


def inputs(batch: int, channels: int = 3, height: int = SIDE, width: int = SIDE) -> Any:
    """Levels as residuals have them, float32."""
    random = np.random.default_rng(batch + height)
    return random.gamma(1.0, 2.0, (batch, channels, height, width)).astype(np.float32)


def rewrite(source: Path, target: Path, change: Any) -> Path:
    """A copy of an ONNX file after ``change`` had its way with the protobuf."""
    proto = onnx.load(source)
    change(proto)
    target.write_bytes(proto.SerializeToString())
    return target


def metadata(source: Path) -> dict[str, str]:
    """The metadata of an ONNX file, by the onnx package."""
    return {entry.key: entry.value for entry in onnx.load(source).metadata_props}


def with_metadata(source: Path, target: Path, key: str, value: str) -> Path:
    """A copy of an ONNX file with another value for ``key``."""

    def change(proto: onnx.ModelProto) -> None:
        for entry in proto.metadata_props:
            if entry.key == key:
                entry.value = value

    return rewrite(source, target, change)


def scale_weight(proto: onnx.ModelProto, name: str, factor: float) -> None:
    """Multiply the first number of the initialiser called ``name``."""
    (found,) = (weight for weight in proto.graph.initializer if weight.name == name)
    values = onnx.numpy_helper.to_array(found).copy()
    values.flat[0] *= factor
    found.CopyFrom(onnx.numpy_helper.from_array(values, name))
