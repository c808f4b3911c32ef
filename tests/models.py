"""Model cards and tiny ONNX models for the tests, built with the onnx package alone."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.analysis.recompress import encoder_identity
from app.detection.card import (
    METADATA_KEY,
    Calibration,
    ModelCard,
    OperatingPoint,
    Preparation,
    Question,
    Training,
    Validity,
)


def question(identifier: str = "tampered", output: str = "logit", **changes: Any) -> Question:
    """Positive from a score of 0.8, negative below 0.2; the logit is its own exponent."""
    base = Question(
        id=identifier,
        text="Was a part changed?",
        output=output,
        positive="Consistent with a change.",
        negative="No sign of a change.",
        calibration=Calibration(slope=1.0, offset=0.0),
        operating_point=OperatingPoint(false_alarm_rate=0.01, threshold=0.8),
        inconclusive_below=0.2,
        miss_rate=0.25,
        reference_population="grey squares",
    )
    return dataclasses.replace(base, **changes)


def card(
    questions: Sequence[Question] | None = None,
    preparation: dict[str, Any] | None = None,
    validity: dict[str, Any] | None = None,
    **changes: Any,
) -> ModelCard:
    """A card that fits `write_model`: an 8x8 input of plain RGB."""
    base = ModelCard(
        schema=1,
        name="grey-mean",
        version="1.0",
        summary="Says how bright a picture is.",
        licence="CC0-1.0",
        preparation=Preparation(
            planes=("rgb",),
            height=8,
            width=8,
            quality=90,
            subsampling="4:2:0",
            reduction="area_mean",
            encoder_fingerprint=encoder_identity().fingerprint,
        ),
        questions=tuple(questions or (question(),)),
        validity=Validity(formats=("PNG",), minimum_side=16, maximum_side=512, maximum_aspect=4.0),
        limits=("Colour.", "Everything else."),
        training=Training(
            recipe="none",
            seed=7,
            date="2024-05-06",
            data="none",
            data_manifest_sha256="0" * 64,
            split="none",
            versions={"onnx": onnx.__version__},
            config={"nested": {"list": [1, 2.5, "three", None]}},
        ),
        results={"grey squares": {"auc": 0.5}},
    )
    base = dataclasses.replace(
        base,
        preparation=dataclasses.replace(base.preparation, **(preparation or {})),
        validity=dataclasses.replace(base.validity, **(validity or {})),
    )
    return dataclasses.replace(base, **changes)


def mean_logit(batch: np.ndarray, centre: float = 128.0) -> np.ndarray:
    """What `write_model`'s output is, by numpy: (mean - centre) / 16, (n,)."""
    return (batch.astype(np.float64).mean(axis=(1, 2, 3)) - centre) / 16


def write_model(
    target: Path,
    document: str | None,
    *,
    centres: dict[str, float] | None = None,
    input_name: str = "image",
    input_shape: Sequence[str | int] = ("batch", 3, 8, 8),
    input_type: int = TensorProto.FLOAT,
    columns: int = 1,
    output_batch: str | int | None = None,
    root_of_minus_one: bool = False,
) -> Path:
    """Save a model whose outputs are (mean of the input - centre) / 16.

    Args:
        target: the ONNX file; its folder is made.
        document: put into the metadata as the card; None leaves it out.
        centres: output name to its centre; by default ``logit`` with 128.
        input_name: of the only input.
        input_shape: of the only input; text is a dynamic dimension.
        input_type: of the only input; anything but float32 is cast first.
        columns: of each output; more than one repeats the value.
        output_batch: the first dimension claimed for each output; by default that of the input.
        root_of_minus_one: the output is NaN.
    """
    centres = centres or {"logit": 128.0}
    constants = {"sixteen": 16.0, "minus_one": -1.0, **{f"c_{n}": c for n, c in centres.items()}}
    initialisers = [
        numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()
    ]
    initialisers.append(numpy_helper.from_array(np.array([1, columns], np.int64), "tiles"))
    nodes = [
        helper.make_node("Cast", [input_name], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["planes"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["planes"], ["mean"], axes=[1], keepdims=1),
    ]
    for name in centres:
        last = f"{name}_one"
        nodes += [
            helper.make_node("Sub", ["mean", f"c_{name}"], [f"{name}_centred"]),
            helper.make_node("Div", [f"{name}_centred", "sixteen"], [last]),
        ]
        if root_of_minus_one:
            nodes += [
                helper.make_node("Sqrt", ["minus_one"], [f"{name}_nan"]),
                helper.make_node("Add", [last, f"{name}_nan"], [f"{name}_sum"]),
            ]
            last = f"{name}_sum"
        nodes.append(helper.make_node("Tile", [last, "tiles"], [name]))
    batch = input_shape[0] if output_batch is None else output_batch
    graph = helper.make_graph(
        nodes,
        "grey mean",
        [helper.make_tensor_value_info(input_name, input_type, list(input_shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, columns])
            for name in centres
        ],
        initialisers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if document is not None:
        helper.set_model_props(model, {METADATA_KEY: document})
    onnx.checker.check_model(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(model.SerializeToString())
    return target
