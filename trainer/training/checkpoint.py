"""The state of a training run on disk, from which it goes on exactly where it was."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from app.atomic import write_stream
from app.names import one_line
from trainer.config import Recipe
from trainer.errors import CorpusError

_FORMAT = "elascope checkpoint 1"


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        epoch: the one that is under way, counted from 1.
        step: optimiser steps that it has behind it.
        loss_sum: of its training images so far.
        right: of these images, answered correctly.
        history: one `trainer.training.loop.Epoch` as a tuple for each epoch that is over.
        best: weights of the epoch with the lowest validation loss.
    """

    epoch: int = 1
    step: int = 0
    loss_sum: float = 0.0
    right: float = 0.0
    history: list[tuple[float, ...]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)


def fingerprint(*labels: Tensor, weights: Sequence[float] | None) -> str:
    """Of the data sets of a run, so that a checkpoint is not taken up with others."""
    digest = hashlib.sha256()
    for values in labels:
        digest.update(f"{len(values)}/".encode() + values.numpy().tobytes())
    digest.update(repr(None if weights is None else tuple(weights)).encode())
    return digest.hexdigest()


def save(
    path: Path, recipe: Recipe, data: str, progress: Progress, parts: dict[str, dict[str, Any]]
) -> None:
    """Write a checkpoint; the one before stays until this one is whole.

    Args:
        path: of the file.
        recipe: of the run.
        data: `fingerprint` of its data.
        progress: of the run.
        parts: state by name, such as that of the model and of the optimiser.

    Raises:
        NotWrittenError: the folder is missing, read-only or full.
    """
    state = {
        "format": _FORMAT,
        "recipe": _text(recipe),
        "data": data,
        "progress": {name: getattr(progress, name) for name in Progress.__slots__},
        "parts": parts,
    }
    write_stream(path, partial(torch.save, state))


def load(path: Path, recipe: Recipe, data: str) -> tuple[Progress, dict[str, Any]] | None:
    """What `save` wrote, on the CPU, or None where there is no file.

    Raises:
        CorpusError: it is of another recipe or other data, or no checkpoint.
    """
    if not path.exists():
        return None
    name = one_line(str(path))
    try:
        # Tensors and plain values only; nothing in the file is executed.
        state = torch.load(path, map_location="cpu", weights_only=True)
        known = state["format"] == _FORMAT
    except Exception as error:
        raise CorpusError(f"{name} is not a checkpoint, or a damaged one.", repr(error)) from error
    if not known:
        raise CorpusError(f"{name} is a checkpoint of another version of the trainer.")
    if state["recipe"] != _text(recipe):
        before, now = json.loads(state["recipe"]), json.loads(_text(recipe))
        other = sorted(key for key in before.keys() | now if before.get(key) != now.get(key))
        raise CorpusError(
            f"{name} belongs to a run with another recipe ({', '.join(other)}); "
            "a run goes on with its own recipe only."
        )
    if state["data"] != data:
        raise CorpusError(f"{name} belongs to a run on other pictures, or on another split.")
    return Progress(**state["progress"]), state["parts"]


def _text(recipe: Recipe) -> str:
    return json.dumps(asdict(recipe), sort_keys=True)
