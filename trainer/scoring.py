"""Scores of held-out sets, and what is reported of them beside the overall measures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from app.detection.card import Question
from app.detection.verdict import calibrated
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.resave import history_of
from trainer.measures.groups import by_group, quality_bands
from trainer.measures.metrics import Scores
from trainer.measures.pixels import measure_counts, pixel_counts
from trainer.training.loop import predict_masks
from trainer.training.prepared import PreparedSet

MASK_THRESHOLD = 0.5
"""Pixels of a mask are marked from here on. Fixed, so that nothing is fitted to a test part."""

PREDICTIONS = (
    "set",
    "path",
    "sha256",
    "label",
    "kind",
    "corpus",
    "generator",
    "draw",
    "quality",
    "logit",
    "score",
)
"""Columns of a run's ``predictions.csv``."""


def as_scores(logits: Sequence[float], examples: Sequence[Example], draws: int) -> Scores:
    """Logits of all draws, example by example, as scores."""
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Scores(np.asarray(logits, dtype=np.float64).reshape(len(examples), draws), labels)


def last_qualities(recipe: Recipe, examples: Sequence[Example], draws: int) -> NDArray[np.int64]:
    """Quality of the last save of every draw, (examples, draws); 0 where files are as published."""
    if recipe.resave is None:
        return np.zeros((len(examples), draws), dtype=np.int64)
    return np.array(
        [
            # The size of the picture has no part in what is drawn for its saves.
            [
                (
                    history_of(1, 1, recipe.resave, recipe.seed, example.sha256, draw).saves
                    or [(0, "")]
                )[-1][0]
                for draw in range(draws)
            ]
            for example in examples
        ],
        dtype=np.int64,
    ).reshape(len(examples), draws)


def grouped(
    recipe: Recipe, examples: Sequence[Example], scores: Scores, question: Question
) -> dict[str, dict[str, Any]]:
    """Measures of one set by kind, corpus, generator and quality band, as far as these differ."""
    draws = scores.logits.shape[1]
    groupings: dict[str, NDArray[Any]] = {
        "kind": np.array([example.kind for example in examples]),
        "corpus": np.array([example.corpus or "-" for example in examples]),
        "generator": np.array([example.generator or "-" for example in examples]),
        "last quality": quality_bands(last_qualities(recipe, examples, draws)),
    }
    return {
        name: {
            group: measures.rounded()
            for group, measures in by_group(scores, question, names).items()
            if group != "-"
        }
        for name, names in groupings.items()
        if len(np.unique(names)) > 1
    }


def prediction_rows(
    recipe: Recipe,
    sets: Mapping[str, Sequence[Example]],
    scores: Mapping[str, Scores],
    question: Question,
    name_of: Callable[[Example], str],
) -> Iterator[tuple[Any, ...]]:
    """A row of `PREDICTIONS` for every draw of every picture."""
    for name, examples in sets.items():
        logits = scores[name].logits
        qualities = last_qualities(recipe, examples, logits.shape[1])
        for example, row, saved in zip(examples, logits, qualities, strict=True):
            for draw, (logit, quality) in enumerate(zip(row, saved, strict=True)):
                yield (
                    name,
                    name_of(example),
                    example.sha256,
                    example.label,
                    example.kind,
                    example.corpus,
                    example.generator,
                    draw,
                    int(quality) or "",
                    f"{logit:.6g}",
                    f"{calibrated(question.calibration, float(logit)):.6f}",
                )


def mask_measures(model: nn.Module, images: PreparedSet) -> dict[str, Any]:
    """How well the mask head says where, on a set that was prepared with its masks."""
    counts = [
        pixel_counts(probabilities.numpy(), masks.numpy(), MASK_THRESHOLD)
        for probabilities, masks in predict_masks(model, images)
    ]
    measured = measure_counts(np.concatenate(counts), images.draws).rounded()
    return {"threshold": MASK_THRESHOLD, **measured}
