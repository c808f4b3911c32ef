"""What building any model on a backbone needs: where things are, calibration, and the card."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.analysis.recompress import encoder_identity
from app.detection.backbone import Backbone
from app.detection.card import (
    SCHEMA,
    BackboneReference,
    CopyMoveEvidence,
    ModelCard,
    Preparation,
    Question,
    Training,
    Validity,
    Where,
)
from trainer.backbone.tower import SIDE
from trainer.heads.features import Draws, features_of
from trainer.heads.pictures import Picture, counts, manifest
from trainer.heads.recipe import HeadRecipe
from trainer.measures.calibrate import fit_calibration, fit_thresholds
from trainer.measures.metrics import Scores, probabilities_of
from trainer.questions import Wording
from trainer.runs.folder import versions

PREPARATION = Preparation(
    planes=("rgb",),
    height=SIDE,
    width=SIDE,
    quality=90,
    subsampling="4:2:0",
    reduction="area_mean",
    encoder_fingerprint=encoder_identity().fingerprint,
)
"""Of the backbone's input; the error levels for the map are those at 90."""

VALIDITY = Validity(
    formats=("JPEG", "MPO", "PNG", "WebP", "TIFF", "BMP", "AVIF"),
    minimum_side=176,
    maximum_side=20_000,
    maximum_aspect=3.0,
    photographs_only=True,
)
"""The backbone sees the whole picture reduced, so large ones look to it like small ones."""

LICENCES = (
    "CASIA ITDE 1.0: research only; camera: free to use; pristine: CC BY-SA 4.0 (CID22) and "
    "Kodak; web: Asirra, research only; Stable Diffusion: MIT; GPT-4o and Midjourney: no terms "
    "stated."
)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a model is built.

    Attributes:
        root: folder with the folders of pictures.
        backbone: of the model.
        models: folder that the model's folder is made in.
        cache: of features.
        version: of the model.
        say: gets the progress.
    """

    root: Path
    backbone: Backbone
    models: Path
    cache: Path
    version: str
    say: Callable[[str], None]

    def backbone_folder(self) -> Path:
        """The folder of backbones that this one lies in."""
        return self.backbone.path.parent.parent

    def features(self, pictures: Sequence[Picture], recipe: HeadRecipe) -> Draws:
        """Of all draws that the recipe asks for."""
        wanted = dict(recipe.draws)
        draws = [wanted[picture.group] for picture in pictures]
        return features_of(
            pictures,
            draws,
            recipe.resave,
            recipe.seed,
            self.backbone,
            self.cache,
            recipe.formats,
        )


def question_of(
    words: Wording,
    draws: Draws,
    rows: NDArray[np.int64],
    logits: NDArray[Any],
    untouched: Sequence[str],
    population: str,
) -> Question:
    """Calibration and thresholds from rows that the model which scored them did not train on.

    Every set in ``untouched`` must keep the false-alarm rate by itself; for the calibration both
    classes weigh the same.
    """
    labels, groups = draws.labels[rows], draws.groups[rows]
    calibration = fit_calibration(Scores(np.asarray(logits, np.float64)[:, None], labels))
    scores = probabilities_of(logits, calibration)
    sets = [scores[(groups == name) & (labels == 0)] for name in untouched]
    point, below = fit_thresholds(sets, scores[labels == 1])
    return words.question(calibration, point, below, population)


def card_of(
    recipe: HeadRecipe,
    workshop: Workshop,
    question: Question,
    pictures: Sequence[Picture],
    summary: str,
    split: str,
    limits: tuple[str, ...],
    results: Mapping[str, Any],
    where: Where | None = None,
    copies: CopyMoveEvidence | None = None,
) -> ModelCard:
    """The card of a model on the workshop's backbone."""
    found = ", ".join(f"{count} {name}" for name, count in counts(pictures).items())
    digest = hashlib.sha256("".join(manifest(pictures)).encode()).hexdigest()
    return ModelCard(
        schema=SCHEMA,
        name=recipe.name,
        version=workshop.version,
        summary=summary,
        licence=f"Weights: MIT. Backbone: {workshop.backbone.origin} Pictures: {LICENCES}",
        preparation=PREPARATION,
        questions=(question,),
        validity=VALIDITY,
        limits=limits,
        training=Training(
            recipe=recipe.name,
            seed=recipe.seed,
            date=time.strftime("%Y-%m-%d", time.gmtime()),
            data=f"{found}.",
            data_manifest_sha256=digest,
            split=split,
            versions=versions(),
            config={"kind": "head", **dataclasses.asdict(recipe)},
        ),
        results=dict(results),
        backbone=BackboneReference(workshop.backbone.name, workshop.backbone.sha256),
        where=where,
        copy_move=copies,
    )
