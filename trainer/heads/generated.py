"""The model that tells generated pictures from camera pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.detection.backbone import Backbones
from app.detection.card import Question
from trainer.heads.features import Draws
from trainer.heads.linear import Linear, fit_linear
from trainer.heads.measuring import by_group, errors, measured
from trainer.heads.pictures import FOLDS, UNTOUCHED, generated_pictures
from trainer.heads.publish import LinearGraph, publish_head
from trainer.heads.recipe import HeadRecipe
from trainer.heads.workshop import Workshop, card_of, question_of
from trainer.questions import MADE

SETS = (*UNTOUCHED, "casia1")

_SPLIT = (
    "Cross-validated: in two folds of pictures, and of generators leaving out one in turn, so that "
    "every number here is of a model that knew neither the picture nor, for generated ones, their "
    "generator. The weights in this file were then fitted to all pictures."
)

_LIMITS = (
    "Generators that draw otherwise than those it learned from may look like a camera to it.",
    "Camera pictures that a generator changed in part are no generated pictures to it.",
    "Drawings, paintings and renderings are outside of what it was measured on.",
    "It sees the whole picture reduced to 224 x 224: content and style, not the traces of single "
    "pixels.",
    "Its untouched pictures are few, of cameras above all: rates of 1 % are known roughly only.",
)


def build_generated(recipe: HeadRecipe, workshop: Workshop) -> Path:
    """Take features, cross-validate, fit, measure, and write the model; returns its file."""
    pictures = generated_pictures(workshop.root, recipe.seed)
    draws = workshop.features(pictures, recipe)
    linear, question, results = fit_and_measure(recipe, draws)
    card = card_of(
        recipe,
        workshop,
        question,
        pictures,
        "A linear model on three blocks of CLIP's image tower: whether a picture looks as "
        "generated ones do.",
        _SPLIT,
        _LIMITS,
        results,
    )
    target = workshop.models / recipe.name
    backbones = Backbones((workshop.backbone_folder(),))
    return publish_head(LinearGraph(linear), card, target, backbones)


def fit_and_measure(recipe: HeadRecipe, draws: Draws) -> tuple[Linear, Question, Mapping[str, Any]]:
    """The model for all pictures, and what models of its kind reach on what they do not know."""
    rows = np.arange(len(draws.index))
    logits = cross_validated(recipe, draws)
    question = question_of(
        MADE,
        draws,
        rows,
        logits,
        SETS,
        f"camera pictures ({', '.join(SETS)}) and pictures of three generators, each scored by a "
        "model that knew neither the picture nor its generator; resized and mostly saved again as "
        "JPEG or WebP.",
    )
    linear = fit_linear(draws.summary, draws.labels, draws.groups, recipe)
    photographs = np.isin(draws.groups, ("camera", "pristine")) | (draws.labels == 1)
    results = {
        "cross_validated": measured(draws, rows, logits, question),
        "against_photographs": measured(draws, rows[photographs], logits[photographs], question),
        "groups": by_group(draws, rows, logits, question, ("camera", "pristine")),
        "errors": dict(errors(draws, rows, logits)),
    }
    return linear, question, results


def cross_validated(recipe: HeadRecipe, draws: Draws) -> NDArray[np.float64]:
    """(rows,) logits; of untouched pictures the mean over the models without one generator."""
    labels, groups, folds = draws.labels, draws.groups, draws.folds
    generators = np.unique(groups[labels == 1])
    logits = np.zeros(len(labels))
    for fold in range(FOLDS):
        for generator in generators:
            known = (folds != fold) & (groups != generator)
            linear = fit_linear(draws.summary[known], labels[known], groups[known], recipe)
            asked = (folds == fold) & ((labels == 0) | (groups == generator))
            share = np.where(labels[asked] == 1, 1.0, 1 / len(generators))
            logits[asked] += share * linear.logits(draws.summary[asked])
    return logits
