"""Toy backbones and models on them, whose numbers can be computed by hand."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.detection.backbone import FILE, METADATA_KEY
from app.detection.card import SCHEMA, BackboneReference, ModelCard, Where
from tests.models import card, question

SIDE = 32
"""Of the toy's input."""


def write_backbone(folder: Path, name: str = "toy", **changes: Any) -> Path:
    """A backbone whose summary is the mean of each channel, and whose patches are 4 x 4 means.

    Summary (1, 2, 3): the mean and twice the mean. Patches (1, 1, 16, 3).
    """
    constants = {
        "two": np.float32(2.0),
        "row": np.array([1, 1, 3], np.int64),
        "flat": np.array([1, 1, 3, 16], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "row"], ["one"]),
        helper.make_node("Mul", ["one", "two"], ["double"]),
        helper.make_node("Concat", ["one", "double"], ["summary"], axis=1),
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["cells", "flat"], ["across"]),
        helper.make_node("Transpose", ["across"], ["patches"], perm=[0, 1, 3, 2]),
    ]
    described = {"schema": 1, "name": name, "side": SIDE, "origin": "Made by hand."} | changes
    proto = _model(
        nodes,
        constants,
        [("image", [1, 3, SIDE, SIDE])],
        [("summary", [1, 2, 3]), ("patches", [1, 1, 16, 3])],
    )
    helper.set_model_props(proto, {METADATA_KEY: json.dumps(described)})
    path = folder / name / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, path)
    return path


def head_card(backbone: Path, where: Where | None = None, **changes: Any) -> ModelCard:
    """The card of a model on a toy backbone."""
    digest = hashlib.sha256(backbone.read_bytes()).hexdigest()
    reference = BackboneReference(backbone.parent.name, digest)
    return card([question()], schema=SCHEMA, backbone=reference, where=where, **changes)


def write_head(target: Path, made: ModelCard, centre: float = 128.0) -> Path:
    """A model whose logit is (mean of the summary's first block - centre) / 16.

    Its coarse map (1, 1, 4, 4) is (mean of the patch - centre) / 16.
    """
    constants = {
        "sixteen": np.float32(16.0),
        "centre": np.float32(centre),
        "first": np.array([0], np.int64),
        "grid": np.array([-1, 1, 4, 4], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["summary", "first"], ["block"], axis=1),
        helper.make_node("ReduceMean", ["block"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("Sub", ["mean", "centre"], ["moved"]),
        helper.make_node("Div", ["moved", "sixteen"], ["logit"]),
        helper.make_node("ReduceMean", ["patches"], ["levels"], axes=[3], keepdims=0),
        helper.make_node("Sub", ["levels", "centre"], ["moved_levels"]),
        helper.make_node("Div", ["moved_levels", "sixteen"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "grid"], ["where"]),
    ]
    proto = _model(
        nodes,
        constants,
        [("summary", ["batch", 2, 3]), ("patches", ["batch", 1, 16, 3])],
        [("logit", ["batch", 1]), ("where", ["batch", 1, 4, 4])],
    )
    helper.set_model_props(proto, {"elascope.card": made.to_json()})
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, target)
    return target


def tile_network(channels: int = 4) -> bytes:
    """A network for tiles that gives the last channel, the coarse map, as it is."""
    constants = {
        "start": np.array([channels - 1], np.int64),
        "end": np.array([channels], np.int64),
        "axis": np.array([1], np.int64),
    }
    nodes = [helper.make_node("Slice", ["tile", "start", "end", "axis"], ["mask"])]
    shape = ["batch", channels, "rows", "columns"]
    proto = _model(nodes, constants, [("tile", shape)], [("mask", ["batch", 1, "rows", "columns"])])
    content: bytes = proto.SerializeToString()
    return content


def _model(nodes: Any, constants: Any, inputs: Any, outputs: Any) -> onnx.ModelProto:
    def declared(tensors: Any) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in tensors
        ]

    initialisers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "toy", declared(inputs), declared(outputs), initialisers)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    return proto
