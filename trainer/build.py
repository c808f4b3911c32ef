"""From a recipe and a corpus to a finished run: split, prepare, train, calibrate, measure, export.

A run is a folder that holds everything needed to question it: the configuration, the split with
the hash of every file, the history of the training, the weights, the model and its card.
"""

import csv
import dataclasses
import hashlib
import io
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from app import __version__
from app.analysis.recompress import encoder_identity
from app.atomic import write_bytes
from app.detection.card import (
    SCHEMA,
    ModelCard,
    Preparation,
    Question,
    Training,
    Validity,
)
from app.detection.verdict import calibrated
from trainer.calibrate import MISS_RATE, fit_calibration, fit_thresholds
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.casia import read_casia1
from trainer.corpus.folder import read_references
from trainer.corpus.splits import PARTS, halves, manifest_sha256, split_by_source
from trainer.evaluate import Evaluation, lookup_accuracy
from trainer.export import export
from trainer.images import prepare_examples
from trainer.loop import Epoch, LabelledImages, predict, train
from trainer.metrics import Scores, measure
from trainer.models.classic_cnn import ClassicCnn

Say = Callable[[str], None]


def preparation_of(recipe: Recipe) -> Preparation:
    """The preparation that a recipe asks for, with this machine's encoder."""
    return Preparation(
        planes=recipe.planes,
        height=recipe.size,
        width=recipe.size,
        quality=recipe.ela_quality,
        subsampling=recipe.ela_subsampling,
        reduction="area_mean",
        encoder_fingerprint=encoder_identity().fingerprint,
    )


def build(recipe: Recipe, corpus: Path, runs: Path, name: str, version: str, say: Say) -> Path:
    """Carry out ``recipe`` on a copy of CASIA 1.0 and return the run's folder.

    Raises:
        CorpusError: the corpus cannot train a model.
        ExportError: the model learned nothing that carries over, or its export differs.
    """
    torch.manual_seed(recipe.seed)
    examples, left_out = read_casia1(corpus)
    for sentence in left_out:
        say(f"Left out: {sentence}")
    parts = split_by_source(examples, dataclasses.asdict(recipe.shares), recipe.seed)
    references = read_references(corpus, recipe.references)
    say(describe_split(parts))
    run = _run_folder(runs, recipe)
    _write_split(run, parts, corpus)
    write_bytes(run / "config.json", json.dumps(dataclasses.asdict(recipe), indent=1).encode())

    preparation = preparation_of(recipe)

    def prepared(held: list[Example], name: str) -> LabelledImages:
        draws = recipe.draws if name == "train" else recipe.evaluation_draws
        tensor = prepare_examples(held, preparation, recipe.resave, recipe.seed, draws, name)
        return LabelledImages(tensor, torch.tensor([float(example.label) for example in held]))

    images = {part: prepared(parts[part], part) for part in PARTS}
    model = ClassicCnn(
        preparation.channels,
        recipe.size,
        filters=recipe.filters,
        pool=recipe.pool,
        dense=recipe.dense,
        dropout=recipe.dropout,
        dense_dropout=recipe.dense_dropout,
    )
    model.fit_normalisation(images["train"].flat()[0])

    def report(epoch: Epoch) -> None:
        say(
            f"epoch {epoch.number:3}  train loss {epoch.train_loss:.4f} accuracy "
            f"{epoch.train_accuracy:.3f}  validation loss {epoch.validation_loss:.4f} accuracy "
            f"{epoch.validation_accuracy:.3f}"
        )

    epochs = train(model, images["train"], images["validation"], recipe, report)
    _write_history(run, epochs)
    weights = io.BytesIO()
    torch.save(model.state_dict(), weights)
    write_bytes(run / "weights.pt", weights.getvalue())

    scores = {part: _scores(model, images[part]) for part in PARTS}
    elsewhere = {
        name: {
            half: _scores(model, prepared(held, name))
            for half, held in halves(pictures, recipe.seed).items()
        }
        for name, pictures in references.items()
    }
    question = _calibrated_question(
        scores["calibration"], {name: half["calibration"] for name, half in elsewhere.items()}
    )
    held_out = {"validation": scores["validation"], "test": scores["test"]}
    held_out |= {name: half["test"] for name, half in elsewhere.items()}
    results = {name: measure(found, question) for name, found in held_out.items()}
    lookup = lookup_accuracy(parts)
    say(Evaluation(results, lookup).table())
    card = _card(recipe, preparation, question, parts | references, name, version)
    card = dataclasses.replace(
        card,
        results={part: measures.rounded() for part, measures in results.items()}
        | {"container_only": lookup},
    )
    path = export(model, card, run)
    say(f"Model: {path}")
    return run


def describe_split(parts: Mapping[str, list[Example]]) -> str:
    """Sizes of the parts in words."""
    texts = []
    for part, held in parts.items():
        kinds = Counter(example.kind for example in held)
        texts.append(f"{part} " + " + ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    return "Source-disjoint split: " + "; ".join(texts) + "."


def _run_folder(runs: Path, recipe: Recipe) -> Path:
    config = json.dumps(dataclasses.asdict(recipe), sort_keys=True)
    digest = hashlib.sha256(config.encode()).hexdigest()[:8]
    run = runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.name}-{digest}"
    run.mkdir(parents=True)
    return run


def _write_split(run: Path, parts: Mapping[str, list[Example]], corpus: Path) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(("part", "path", "sha256", "label", "kind", "sources"))
    for part, held in parts.items():
        for example in held:
            name = example.path.relative_to(corpus).as_posix()
            sources = " ".join(sorted(example.sources))
            writer.writerow((part, name, example.sha256, example.label, example.kind, sources))
    write_bytes(run / "split.csv", stream.getvalue().encode())


def _write_history(run: Path, epochs: list[Epoch]) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([field.name for field in dataclasses.fields(Epoch)])
    writer.writerows(dataclasses.astuple(epoch) for epoch in epochs)
    write_bytes(run / "history.csv", stream.getvalue().encode())


def _scores(model: torch.nn.Module, data: LabelledImages) -> Scores:
    count, draws = data.images.shape[:2]
    logits = predict(model, data.flat()[0]).double().numpy().reshape(count, draws)
    return Scores(logits, data.labels.numpy().astype(np.int64))


def _calibrated_question(scores: Scores, references: Mapping[str, Scores]) -> Question:
    """Calibrate on ``scores``; set the operating point on these and on all ``references``."""
    calibration = fit_calibration(scores)
    apply = np.vectorize(lambda logit: calibrated(calibration, float(logit)))
    probabilities = apply(scores.logits)
    untouched = [probabilities[scores.labels == 0]]
    untouched += [apply(reference.logits) for reference in references.values()]
    point, below = fit_thresholds(untouched, probabilities[scores.labels == 1])
    sets = ", ".join(("CASIA 1.0", *references))
    return Question(
        id="tampered",
        text="Was this picture altered?",
        output="tampered_logit",
        positive="Consistent with an alteration.",
        negative="Consistent with a picture that was not altered.",
        calibration=calibration,
        operating_point=point,
        inconclusive_below=below,
        miss_rate=MISS_RATE,
        reference_population=f"untouched pictures ({sets}) and CASIA 1.0 forgeries that trained "
        "nothing, resized and saved again as JPEG once or twice.",
    )


def _card(
    recipe: Recipe,
    preparation: Preparation,
    question: Question,
    parts: Mapping[str, list[Example]],
    name: str,
    version: str,
) -> ModelCard:
    longer = recipe.resave.longer_side
    return ModelCard(
        schema=SCHEMA,
        name=name,
        version=version,
        summary="Two convolutions on the error level map of the whole picture, reduced to "
        f"{recipe.size} x {recipe.size}. A first, weak model: it shows how a verdict is made, "
        "and most of its answers are inconclusive.",
        licence="Weights: MIT. Trained on CASIA ITDE 1.0, which is free for research only.",
        preparation=preparation,
        questions=(question,),
        validity=Validity(
            formats=("JPEG", "MPO"),
            minimum_side=longer[0] // 2,
            maximum_side=longer[1],
            maximum_aspect=2.0,
        ),
        limits=(
            "It does not say where a picture was altered.",
            "It does not recognise pictures made by a generator.",
            "It was not trained on retouching, removal by inpainting, or changes of colour.",
            "Copy-move inside one picture is hardly visible to it.",
            "It knows small pictures only; larger ones must not be reduced to fit, because that "
            "changes what it looks at.",
        ),
        training=Training(
            recipe=recipe.name,
            seed=recipe.seed,
            date=time.strftime("%Y-%m-%d"),
            data="Trained on CASIA ITDE 1.0 (800 authentic, 921 tampered; research only). "
            "Operating point also set with half of the folders: "
            + (", ".join(recipe.references) or "none")
            + ".",
            data_manifest_sha256=manifest_sha256(parts),
            split=describe_split({part: parts[part] for part in PARTS}),
            versions={
                "elascope": __version__,
                "torch": torch.__version__,
                "opencv": cv2.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            config=dataclasses.asdict(recipe),
        ),
    )
