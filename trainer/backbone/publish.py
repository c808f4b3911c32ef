"""The tower as ONNX with 8-bit weights, and the description that the program looks for."""

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from app.atomic import write_bytes
from app.detection.backbone import FILE, METADATA_KEY, SCHEMA, Backbone
from trainer.backbone.tower import SIDE, Tower
from trainer.errors import ExportError
from trainer.publishing.traced import traced

NAME = "clip-vit-b16"
"""Of the backbone's folder."""

_LEAST_SIMILAR = 0.95
"""Cosine between the features in 8 bits and in float32, at least, for every block."""


def publish(tower: Tower, origin: str, folder: Path) -> Path:
    """Write ``backbone.onnx`` into ``folder``, which is made if it is missing.

    Dense layers get 8-bit weights with a scale for each output, of which 7 bits are used:
    processors without VNNI add pairs of products in 16 bits, which would overflow.

    Raises:
        ExportError: torch cannot write it, or its features differ too much.
    """
    described = {"schema": SCHEMA, "name": folder.name, "side": SIDE, "origin": origin}
    with tempfile.TemporaryDirectory(prefix="elascope-") as place:
        whole, small = Path(place) / "whole.onnx", Path(place) / "small.onnx"
        image = torch.zeros(1, 3, SIDE, SIDE)
        onnx.save(traced(tower, [image], ["image"], ["summary", "patches"]), whole)
        logging.getLogger().setLevel(logging.ERROR)  # it recommends what has been done
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        proto = onnx.load(small)
        onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(described)})
        trial = Path(place) / folder.name / FILE
        trial.parent.mkdir()
        trial.write_bytes(proto.SerializeToString())
        if not (worst := _similarity(tower, Backbone(trial))) >= _LEAST_SIMILAR:
            raise ExportError(f"In 8 bits the features agree by {worst:.3f} only.")
        content = trial.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / FILE, content)
    return folder / FILE


def _similarity(tower: Tower, backbone: Backbone) -> float:
    """Smallest cosine over blocks, for a picture with edges, ramps and grain."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    grain = (rows * 7919 + columns * 104729 + rows * columns * 31) % 61
    planes = (rows // 28 * 30 + grain, columns + grain // 2, (rows + columns) // 2 + grain)
    pixels = np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)
    with torch.no_grad():
        image = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None])
        exact: NDArray[np.float32] = tower(image)[0][0].numpy()
    found = backbone.features(pixels).summary
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(found, axis=1)
    return float(((exact * found).sum(axis=1) / norms).min())
