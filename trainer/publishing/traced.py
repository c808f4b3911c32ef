"""A torch network as an ONNX graph, without traces of the machine that wrote it."""

import io
import logging
from collections.abc import Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from trainer.errors import ExportError


def traced(
    network: nn.Module,
    examples: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: Sequence[dict[int, str]] | None = None,
    size: str = "its size",
) -> onnx.ModelProto:
    """The graph of ``network``.

    Args:
        network: on the CPU, in evaluation mode.
        examples: one tensor for each input.
        inputs: names.
        outputs: names.
        dynamic_shapes: of each input the axes of any length, with a name for each; None for none.
        size: what sizes are asked for, for the sentence.

    Raises:
        ExportError: torch cannot write it.
    """
    # It warns of what no model here needs, such as operators of torchvision.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    options: dict[str, Any] = {}
    if dynamic_shapes is not None:
        options["dynamic_shapes"] = tuple(dynamic_shapes)
    try:
        program = torch.onnx.export(
            network,
            tuple(examples),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamo=True,
            verbose=False,
            **options,
        )
    except torch.onnx.OnnxExporterError as error:
        raise ExportError(
            f"torch cannot write this network as ONNX for pictures of {size}.", repr(error)
        ) from error
    if program is None:
        raise ExportError("torch gave no ONNX program.")
    stream = io.BytesIO()
    onnx.save(program.model_proto, stream)
    proto = onnx.load_from_string(stream.getvalue())
    # Stack traces of this machine's source tree do not belong into a published file.
    for place in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.functions):
        del place.metadata_props[:]
        place.doc_string = ""
    return proto
