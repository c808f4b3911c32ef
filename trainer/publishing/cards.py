"""The model card of a run: what the model is, what it may be asked, what was measured."""

import dataclasses
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.detection.card import (
    SCHEMA,
    ModelCard,
    Preparation,
    Question,
    Training,
    Validity,
)
from app.names import one_line
from trainer.config import Recipe
from trainer.corpus.examine import ALTERED, AUTHENTIC, GENERATED, TAMPERED
from trainer.data import Data
from trainer.errors import CorpusError
from trainer.models.registry import family
from trainer.models.weights import KINDS_OF_WEIGHTS, brings_normalisation
from trainer.runs.folder import versions

_PLANES = {
    ("ela",): "the error level map",
    ("rgb",): "the pixels",
    ("rgb", "ela"): "pixels and error level map",
    ("ela", "rgb"): "error level map and pixels",
}


_FEW = 100
"""Fewer pictures than this do not show a rate of 1 %."""


def make_card(
    recipe: Recipe,
    data: Data,
    preparation: Preparation,
    question: Question,
    results: Mapping[str, Any],
    started: str,
    name: str,
    version: str,
) -> ModelCard:
    """The card of the model called ``name``.

    Args:
        recipe: as it ran.
        data: its pictures.
        preparation: of the model.
        question: with calibration and thresholds.
        results: stored as they are.
        started: where the first weights came from.
        name: of the model.
        version: of the model.
    """
    architecture = family(recipe.model)
    config = dataclasses.asdict(recipe)
    if recipe.weights not in KINDS_OF_WEIGHTS:
        # A path is a matter of this machine.
        config["weights"] = Path(recipe.weights).name
    return ModelCard(
        schema=SCHEMA,
        name=name,
        version=version,
        summary=f"{architecture.summary} It sees {_PLANES[recipe.planes]} of the whole picture, "
        f"reduced to {recipe.size} x {recipe.size}.",
        licence=f"Weights: MIT. {licences(data)}",
        preparation=preparation,
        questions=(question,),
        validity=validity_of(recipe),
        limits=limits_of(recipe, data),
        training=Training(
            recipe=recipe.name,
            seed=recipe.seed,
            date=time.strftime("%Y-%m-%d"),
            data=f"Trained on {sources(data)}. Operating point also set with half of the "
            f"folders: {', '.join(data.references) or 'none'}. First weights: {started}",
            data_manifest_sha256=data.sha256,
            split=data.split.describe(),
            versions=versions(),
            config=config,
        ),
        results=dict(results),
    )


def check_name(name: str) -> None:
    """Refuse a name that could not be a folder's on every system.

    Raises:
        CorpusError: with what a name may be.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise CorpusError(
            f"{one_line(name)!r} is no name for a model: letters, digits, dots, hyphens and "
            "underscores, and a letter or digit first."
        )


def validity_of(recipe: Recipe) -> Validity:
    """What a model may be asked about: formats and sizes that its training pictures had."""
    formats: tuple[str, ...] = ("JPEG", "MPO")
    longer = (recipe.size, 4096)
    if recipe.resave is not None:
        longer = recipe.resave.longer_side
        if recipe.resave.webp:
            formats += ("WebP",)
    return Validity(
        formats=formats,
        minimum_side=longer[0] // 2,
        maximum_side=longer[1],
        maximum_aspect=2.0,
    )


def limits_of(recipe: Recipe, data: Data) -> tuple[str, ...]:
    """What the model does not do, as far as recipe and data tell."""
    kinds = {example.kind for example in data.split.parts["train"]}
    limits = []
    if recipe.split == "random":
        limits.append(
            "Training and test pictures share sources: its numbers say little about new pictures."
        )
    if recipe.resave is None:
        limits.append(
            "It saw the files as published, where save settings give the label away: its numbers "
            "say little about new pictures."
        )
    if not family(recipe.model).has_mask and recipe.positive != GENERATED:
        limits.append("It does not say where a picture was altered.")
    if GENERATED not in kinds:
        limits.append("It does not recognise pictures made by a generator.")
    else:
        limits.append("Generators that it was not trained on may look like a camera to it.")
    missing = [kind for kind in ALTERED if kind != TAMPERED and kind not in kinds]
    if TAMPERED in kinds:
        limits.append("Its training pictures do not all say how they were altered.")
    elif recipe.positive != GENERATED and missing:
        limits.append(f"It was not trained on: {', '.join(missing)}.")
    untouched = sum(not example.label for example in data.split.parts["calibration"])
    if untouched < _FEW:
        limits.append(
            f"Its operating point was set with {untouched} untouched pictures of its corpora: too "
            "few to know a rate of 1 %."
        )
    if brings_normalisation(recipe.weights):
        limits.append(
            "Its first weights are those of another run, which may have seen pictures that it "
            "was tested on."
        )
    if "copy-move" in kinds:
        limits.append("Copy-move inside one picture is hardly visible to error levels.")
    limits.append(
        "Larger pictures than those it is valid for must not be reduced to fit, because that "
        "changes what it looks at."
    )
    return tuple(limits)


def sources(data: Data) -> str:
    """The data sets in the training part with their counts, as a clause."""
    examples = data.split.parts["train"]
    texts = []
    for corpus in sorted({example.corpus for example in examples}):
        own = [example for example in examples if example.corpus == corpus]
        authentic = sum(example.kind == AUTHENTIC for example in own)
        licence = ", ".join(sorted({example.licence for example in own if example.licence}))
        stated = f"; {licence}" if licence else ""
        texts.append(f"{corpus} ({authentic} authentic, {len(own) - authentic} others{stated})")
    return ", ".join(texts)


def licences(data: Data) -> str:
    """Under what the training pictures stand."""
    found = sorted({(example.corpus, example.licence) for example in data.split.parts["train"]})
    texts = [f"{corpus}: {licence or 'no licence stated'}" for corpus, licence in found]
    return f"Pictures that trained it: {'; '.join(texts)}."
