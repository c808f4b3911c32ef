"""The model that says whether a picture was altered, and where."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from app.analysis.copy_move import VERSION, CopyMoveParams, copy_move
from app.atomic import write_bytes
from app.detection.backbone import Backbones
from app.detection.card import CopyMoveEvidence, Where
from app.detection.detector import Detector
from trainer.corpus.examine import on_all_cores
from trainer.heads.features import Draws, drawn
from trainer.heads.linear import Linear, fit_linear
from trainer.heads.measuring import by_group, errors, measured
from trainer.heads.pictures import FOLDS, UNTOUCHED, altered_pictures, manifest
from trainer.heads.publish import TamperedGraph, publish_head, tiles_onnx
from trainer.heads.recipe import HeadRecipe
from trainer.heads.semantic import Semantic, semantic_of, train_semantic
from trainer.heads.tiles import PLANES, TILE, Tiles, map_of, train_tiles
from trainer.heads.workshop import PREPARATION, Workshop, card_of, question_of
from trainer.measures.pixels import measure_counts, pixel_counts
from trainer.questions import ALTERED_AT_ALL

SETS = (*UNTOUCHED, "casia1")

MEGAPIXELS = 1.0
"""That larger pictures are reduced to for the search for copies."""

_CANDIDATES = tuple(round(0.05 * step, 2) for step in range(4, 18))
"""Thresholds of the map that are tried."""

_SPLIT = (
    "One fifth of CASIA 1.0, in groups that share a source, trained nothing: `test`. All else lies "
    "in two folds; what stands under cross-validated is of models that trained on the other fold. "
    "The weights in this file were fitted to both folds. Forgeries were made within each fold from "
    "its own photographs."
)

_LIMITS = (
    "It was trained on splices, copy-moves, removals and overlays; retouching and changes of "
    "colour are hardly visible to it.",
    "Copies count in the score. A picture that repeats itself, as in a reflection in water or a "
    "printed pattern, can score high for that alone; the reason says so, and copy-move shows "
    "where.",
    "Its map hardly sees copies; those are shown by copy-move.",
    "Pictures that a generator made or changed are another question.",
    "It looks at what is plausible as much as at traces: an unusual but real scene can look "
    "altered, and a plausible forgery untouched.",
    "Its untouched pictures are few, of cameras above all: rates of 1 % are known roughly only.",
)


class _Fitted:
    """Models of one training: linear and transformer."""

    def __init__(self, draws: Draws, rows: NDArray[np.int64], recipe: HeadRecipe, say: Any) -> None:
        labels = draws.labels[rows]
        sets = np.where(draws.groups[rows] == "forged", "forged", "photographs")
        self.linear: Linear = fit_linear(draws.summary[rows], labels, sets, recipe)
        self.semantic: Semantic = train_semantic(draws, rows, recipe, say)

    def pairs(
        self, draws: Draws, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Logits of both (rows, 2), and coarse maps (rows, 56, 56)."""
        label, coarse = semantic_of(self.semantic, draws, rows)
        return np.stack([self.linear.logits(draws.summary[rows]), label], axis=1), coarse


def build_tampered(recipe: HeadRecipe, workshop: Workshop) -> Path:
    """Take features, cross-validate, train, measure, and write the model; returns its file."""
    say = workshop.say
    pictures = altered_pictures(workshop.root, recipe.seed, recipe.test_share, recipe.forged_pairs)
    draws = workshop.features(pictures, recipe)
    inside = np.flatnonzero(draws.folds >= 0)
    both, coarse = cross_validate(draws, recipe, workshop)
    weights = _weights(both[inside], draws.labels[inside])
    # The search for copies takes longer than all else, so it is done for one draw of each picture.
    asked = inside[copies_are_asked(draws, inside)]
    strengths = strengths_of(draws, asked, recipe, workshop)
    logits = both[asked] @ weights
    weight = _weight_of_copies(logits, strengths, draws.labels[asked])
    say(f"Copies count {weight:.2f} logits")
    logits = logits + weight * strengths
    copies = CopyMoveEvidence(ALTERED_AT_ALL.id, weight, MEGAPIXELS, VERSION)
    question = question_of(
        ALTERED_AT_ALL,
        draws,
        asked,
        logits,
        SETS,
        f"untouched pictures ({', '.join(SETS)}) and altered ones (CASIA 1.0, and forgeries made "
        "for it), each scored by a model that did not train on it; resized and mostly saved again "
        "as JPEG or WebP.",
    )
    say("All of both folds")
    final = _Fitted(draws, inside, recipe, say)
    where = Where(question.id, f"{question.id}_where", "", PLANES, TILE, 0.5, 0.002)
    known = inside[~np.isnan(draws.masks[inside, 0, 0])]
    tiles = train_tiles(draws, known, coarse, PREPARATION, where, recipe, say)
    content = tiles_onnx(tiles, TILE)
    where = replace(
        where,
        network=hashlib.sha256(content).hexdigest(),
        threshold=_threshold(tiles, draws, known, coarse, where, recipe),
    )
    say(f"Threshold of the map: {where.threshold}")
    results: dict[str, Any] = {
        "cross_validated": measured(draws, asked, logits, question),
        "groups": by_group(draws, asked, logits, question, SETS),
        "errors": dict(errors(draws, asked, logits)),
    }
    graph = TamperedGraph(final.linear, final.semantic, weights.tolist())
    backbones = Backbones((workshop.backbone_folder(),))
    target = workshop.models / recipe.name

    def published(found: dict[str, Any]) -> Path:
        card = card_of(
            recipe,
            workshop,
            question,
            pictures,
            "A linear model and a small transformer on CLIP's image tower say whether a picture "
            "was altered; the transformer's map, refined by a network on pixels, error levels and "
            "noise, says where.",
            _SPLIT,
            _LIMITS,
            found,
            where,
            copies,
        )
        return publish_head(graph, card, target, backbones, content)

    # The test part is measured with the published files, as `evaluate` does.
    path = published(results)
    detector = Detector(path, backbones)
    return published(measure_test(detector, draws, recipe, workshop) | results)


def cross_validate(
    draws: Draws, recipe: HeadRecipe, workshop: Workshop
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Both logits (rows, 2) and coarse maps (rows, 56, 56), each of models of the other fold.

    Kept beside the features, so that an interrupted build goes on behind it.
    """
    held = "".join(manifest(draws.pictures)) + repr((recipe, workshop.backbone.sha256))
    stage = workshop.cache / f"{hashlib.sha256(held.encode()).hexdigest()}.folds.npz"
    if stage.exists():
        with np.load(stage) as found:
            return found["both"], found["coarse"]
    folds = draws.folds
    inside = np.flatnonzero(folds >= 0)
    both = np.zeros((len(folds), 2))
    coarse = np.zeros((len(folds), *draws.masks.shape[1:]), dtype=np.float32)
    for fold in range(FOLDS):
        workshop.say(f"Fold {fold + 1} of {FOLDS}, by models of the other")
        asked = np.flatnonzero(folds == fold)
        fitted = _Fitted(draws, inside[folds[inside] != fold], recipe, workshop.say)
        both[asked], coarse[asked] = fitted.pairs(draws, asked)
    stream = io.BytesIO()
    np.savez(stream, both=both, coarse=coarse)
    write_bytes(stage, stream.getvalue())
    return both, coarse


def copies_are_asked(draws: Draws, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows,) the first draw of every picture, but of one forged pair in four."""
    forged = draws.groups[rows] == "forged"
    some = np.array([int(draws.pictures[index].identity[:4], 16) % 4 == 0 for index in draws.index])
    return np.asarray((draws.draw[rows] == 0) & (~forged | some[rows]))


def strengths_of(
    draws: Draws, rows: NDArray[np.int64], recipe: HeadRecipe, workshop: Workshop
) -> NDArray[np.float64]:
    """(rows,) strength of the strongest copy-move in each draw, 0..1; kept beside the features."""

    def strength(row: int) -> float:
        picture, draw = draws.pictures[draws.index[row]], int(draws.draw[row])
        key = repr((picture.identity, draw, recipe.resave, recipe.seed, MEGAPIXELS, VERSION))
        file = workshop.cache / f"{hashlib.sha256(key.encode()).hexdigest()}.copies"
        if not file.exists():
            pixels, _ = drawn(picture, recipe.resave, recipe.seed, draw)
            found = copy_move(pixels, CopyMoveParams(megapixels=MEGAPIXELS)).strength
            write_bytes(file, repr(found or 0.0).encode())
        return float(file.read_text())

    return np.array(on_all_cores(strength, rows.tolist(), "looking for copies"))


def _weight_of_copies(
    logits: NDArray[np.float64], strengths: NDArray[np.float64], labels: NDArray[np.int64]
) -> float:
    """How many logits of the model's a copy-move of strength 1 is worth."""
    both = np.stack([logits, strengths], axis=1)
    fitted = LogisticRegression(C=1e3, class_weight="balanced").fit(both, labels)
    model, copies = fitted.coef_[0]
    return float(np.clip(copies / model, 0.0, 100.0)) if model > 0 else 0.0


def measure_test(
    detector: Detector, draws: Draws, recipe: HeadRecipe, workshop: Workshop
) -> dict[str, Any]:
    """What the published model reaches on the part that trained nothing."""
    rows = np.flatnonzero((draws.folds < 0) & (draws.draw == 0))
    pixels = np.zeros((8, 8, 3), np.uint8)  # the model takes features only
    question = detector.card.questions[0]
    found = [detector.logits_of(pixels, draws.features(int(row)))[question.id] for row in rows]
    logits = np.array(found)
    if copies := detector.card.copy_move:
        logits = logits + copies.weight * strengths_of(draws, rows, recipe, workshop)
    return {
        "test": measured(draws, rows, logits, question),
        "test_groups": by_group(draws, rows, logits, question, ("casia1",)),
        "pixel": _pixel(detector, draws, rows, recipe),
    }


def _pixel(
    detector: Detector, draws: Draws, rows: NDArray[np.int64], recipe: HeadRecipe
) -> dict[str, Any]:
    """F1 and IoU of the map at the card's threshold, by kind, for altered pictures' first draws."""
    assert detector.card.where is not None
    threshold = detector.card.where.threshold
    first = (draws.draw[rows] == 0) & (draws.labels[rows] == 1)
    known = rows[first & ~np.isnan(draws.masks[rows, 0, 0])]
    counts: dict[str, list[Any]] = {}
    for row in known:
        picture = draws.pictures[draws.index[row]]
        pixels, mask = drawn(picture, recipe.resave, recipe.seed, 0)
        heat = detector.locate(pixels).heat.astype(np.float32) / 255
        assert mask is not None
        (counted,) = pixel_counts([heat], [mask], threshold)
        counts.setdefault(picture.kind, []).append(counted)
    return {
        kind: {
            name: value
            for name, value in measure_counts(np.array(found)).rounded().items()
            if name in ("images", "altered_f1", "altered_iou")
        }
        for kind, found in sorted(counts.items())
    }


def _weights(both: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How the two logits are weighed, never below 0."""
    fitted = LogisticRegression(C=1e3, class_weight="balanced").fit(both, labels)
    return np.asarray(np.maximum(fitted.coef_[0], 0.0))


def _threshold(
    tiles: Tiles,
    draws: Draws,
    rows: NDArray[np.int64],
    coarse: NDArray[np.float32],
    where: Where,
    recipe: HeadRecipe,
) -> float:
    """The threshold with the best mean F1 over altered pictures of CASIA 1.0's folds.

    Fitted to pictures that the network for tiles trained on, with coarse maps of models that did
    not: of the two the coarse map decides.
    """
    altered = rows[(draws.labels[rows] == 1) & (draws.draw[rows] == 0)]
    altered = altered[draws.groups[altered] == "casia1"][::3]
    reached: dict[float, list[float]] = {candidate: [] for candidate in _CANDIDATES}
    for row in altered:
        picture = draws.pictures[draws.index[row]]
        pixels, mask = drawn(picture, recipe.resave, recipe.seed, 0)
        assert mask is not None
        chance = map_of(tiles, coarse[row], pixels, where, PREPARATION)
        for candidate, found in reached.items():
            ((right, wrong, missed),) = pixel_counts([chance], [mask], candidate)
            found.append(2 * right / max(2 * right + wrong + missed, 1))
    return max(reached, key=lambda candidate: float(np.mean(reached[candidate])))
