"""The names that other libraries give the tensors of networks that timm has too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Names:
    """How another library names the tensors of a network of timm's.

    Attributes:
        outside: its names to timm's for what stands outside the blocks.
        block: a pattern with the block's number, which counts through all stages, as first
            group and the name inside the block as second.
        first: its names to timm's inside blocks without expansion.
        other: the same for all other blocks.
        offset: the number of the first block.
    """

    outside: Mapping[str, str]
    block: str
    first: Mapping[str, str]
    other: Mapping[str, str]
    offset: int


NAMES = {
    "tf_efficientnet_lite0": Names(
        outside={
            "_conv_stem": "conv_stem",
            "_bn0": "bn1",
            "_conv_head": "conv_head",
            "_bn1": "bn2",
            "_fc": "classifier",
        },
        block=r"_blocks\.(\d+)\.(.+)",
        first={
            "_depthwise_conv": "conv_dw",
            "_bn1": "bn1",
            "_project_conv": "conv_pw",
            "_bn2": "bn2",
        },
        other={
            "_expand_conv": "conv_pw",
            "_bn0": "bn1",
            "_depthwise_conv": "conv_dw",
            "_bn1": "bn2",
            "_project_conv": "conv_pwl",
            "_bn2": "bn3",
        },
        offset=0,
    ),
    "mobilenetv2_100": Names(
        outside={
            "features.0.0": "conv_stem",
            "features.0.1": "bn1",
            "features.18.0": "conv_head",
            "features.18.1": "bn2",
            "classifier.1": "classifier",
        },
        block=r"features\.(\d+)\.conv\.(.+)",
        first={"0.0": "conv_dw", "0.1": "bn1", "1": "conv_pw", "2": "bn2"},
        other={
            "0.0": "conv_pw",
            "0.1": "bn1",
            "1.0": "conv_dw",
            "1.1": "bn2",
            "2": "conv_pwl",
            "3": "bn3",
        },
        offset=1,
    ),
}
"""Names in lukemelas' EfficientNet and in torchvision; torchvision's ResNet has timm's."""


def renamed(weights: Mapping[str, Tensor], timm_name: str) -> dict[str, Tensor]:
    """The weights under timm's names, if they have the names of another library."""
    names = NAMES.get(timm_name)
    if names is None or "conv_stem.weight" in weights:
        return dict(weights)
    with torch.device("meta"):
        stages: Any = timm.create_model(timm_name).blocks
    places = [f"blocks.{s}.{b}" for s, stage in enumerate(stages) for b in range(len(stage))]
    state = {}
    for name, value in weights.items():
        layer, _, tensor = name.rpartition(".")
        found = re.fullmatch(names.block, layer)
        if found and 0 <= int(found[1]) - names.offset < len(places):
            number = int(found[1]) - names.offset
            inside = (names.other if number else names.first).get(found[2])
            target = f"{places[number]}.{inside}" if inside else layer
        else:
            target = names.outside.get(layer, layer)
        state[f"{target}.{tensor}"] = value
    return state
