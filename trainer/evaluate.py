"""Measuring a finished model again, from the files and through onnxruntime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.detection.detector import Detector
from trainer.config import Recipe, recipe_from
from trainer.corpus import Example
from trainer.corpus.container import container_of, lookup_predictions
from trainer.corpus.folder import read_authentic
from trainer.data import gather
from trainer.measures.metrics import Measures, Scores, balanced_accuracy, measure
from trainer.scoring import as_scores
from trainer.training.preparation import chain_of
from trainer.training.prepared import prepare_set

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Measures by name of the data, and the container-only lookup beside them.

    Attributes:
        measures: name of the data to what the model reached on it.
        container_only: what `lookup_accuracy` gives, the baseline that needs no pixels.
        positive: word for label 1.
    """

    measures: Mapping[str, Measures]
    container_only: Mapping[str, float]
    positive: str = "tampered"

    def table(self) -> str:
        """For the terminal and the README; brackets are 95 % intervals."""
        rows = [("data", "images", "AUC", "accuracy", "BCE", "false alarms", "detected")]
        for name, m in self.measures.items():
            rows.append(
                (
                    name,
                    f"{m.images} x {m.draws}",
                    _triple(m.auc),
                    _triple(m.accuracy),
                    f"{m.cross_entropy:.3f}",
                    _triple(m.false_alarms),
                    _triple(m.detections),
                )
            )
        lines = [" | ".join(row) for row in rows]
        for name, m in self.measures.items():
            (tn, fp), (fn, tp) = m.confusion
            lines.append(
                f"{name}: confusion at score 0.5: authentic {tn} right, {fp} wrong; "
                f"{self.positive} {tp} right, {fn} wrong"
            )
            states = ", ".join(f"{count} {state}" for state, count in m.states.items() if count)
            states = states.replace("tampered", self.positive)
            lines.append(f"{name}: answers: {states}")
            if m.tpr_at_1 is not None:
                lines.append(
                    f"{name}: detected at 1 % false alarms of this set {_triple(m.tpr_at_1)}, at "
                    f"5 % {_triple(m.tpr_at_5)}; average precision "
                    f"{_triple(m.average_precision)}; calibration error {_triple(m.ece)}"
                )
        lookup = self.container_only
        lines.append(
            "container-only lookup (no pixels), files as published: "
            f"accuracy {lookup['accuracy']:.3f}, balanced {lookup['balanced_accuracy']:.3f}"
        )
        return "\n".join(lines)


def evaluate(
    model: Path, corpora: Sequence[Path], others: Sequence[Path], cache: Path | None = None
) -> tuple[Evaluation, list[str]]:
    """Measure ``model`` on its held-out parts of ``corpora`` and on pictures from elsewhere.

    Split and save pipeline are repeated from the model's card, so the numbers are those in it.

    Args:
        model: ONNX file that `build` made.
        corpora: the data sets that it was trained on; the recipe's reference folders lie beside
            the first.
        others: further folders of untouched pictures.
        cache: folder of prepared images.

    Returns:
        The measures, and a sentence for everything worth knowing about their comparison with
        the card.

    Raises:
        ModelRefusedError, CorpusError: the model or a corpus is unusable.
    """
    detector = Detector(model)
    recipe = recipe_from(detector.card.training.config)
    question = detector.card.questions[0]
    data = gather(recipe, corpora)
    notes = [f"Left out: {sentence}" for sentence in data.left_out]
    if data.sha256 != detector.card.training.data_manifest_sha256:
        notes.append("The corpus or its split is not the one in the card; numbers will differ.")
    held_out: dict[str, Sequence[Example]] = dict(data.held_out(recipe.seed))
    used = {example.sha256 for part in data.split.parts.values() for example in part}
    for folder in others:
        pictures = read_authentic(folder)
        unseen = [example for example in pictures if example.sha256 not in used]
        if len(unseen) < len(pictures):
            notes.append(
                f"{folder}: {len(pictures) - len(unseen)} pictures are in the corpus, and are "
                "not measured again."
            )
        if unseen:
            held_out[f"authentic: {folder}"] = unseen
    measures = {
        name: measure(scores_of(detector, recipe, examples, name, cache), question)
        for name, examples in held_out.items()
    }
    lookup = lookup_accuracy(data.split.parts)
    stored: dict[str, Any] = detector.card.results
    for name, fresh in measures.items():
        if name in stored:
            same = close(fresh.rounded(), stored[name])
            notes.append(f"{name}: {'equal to' if same else 'DIFFERENT from'} the card")
    if not close(lookup, stored.get("container_only", lookup)):
        notes.append("container-only lookup: DIFFERENT from the card")
    return Evaluation(measures, lookup, question.id), notes


def scores_of(
    detector: Detector,
    recipe: Recipe,
    examples: Sequence[Example],
    label: str,
    cache: Path | None = None,
) -> Scores:
    """Logits of ``examples`` through the save pipeline, the preparation and onnxruntime."""
    chain = chain_of(recipe, detector.card.preparation)
    prepared = prepare_set(examples, chain, recipe.evaluation_draws, cache, label)
    identifier = detector.card.questions[0].id
    logits: list[float] = []
    for start in range(0, len(prepared), _BATCH):
        inside = range(start, min(start + _BATCH, len(prepared)))
        batch = np.stack([prepared[index][0].float().numpy() for index in inside])
        logits += detector.logits(batch)[identifier].tolist()
    return as_scores(logits, examples, recipe.evaluation_draws)


def lookup_accuracy(parts: Mapping[str, Sequence[Example]]) -> dict[str, float]:
    """The container-only lookup on the files as published, learned on train, tried on test."""
    known = [(container_of(example), example.label) for example in parts["train"]]
    labels = [example.label for example in parts["test"]]
    answers = lookup_predictions(known, [container_of(example) for example in parts["test"]])
    right = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    return {
        "accuracy": round(right / len(labels), 4),
        "balanced_accuracy": round(balanced_accuracy(labels, answers), 4),
    }


def _triple(value: tuple[float, float, float] | None) -> str:
    return "-" if value is None else f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def close(fresh: Any, stored: Any) -> bool:
    """Whether results are equal up to what another processor's floating point changes."""
    if isinstance(fresh, dict):
        # A newer trainer measures more than an older card holds.
        return stored.keys() <= fresh.keys() and all(close(fresh[k], stored[k]) for k in stored)
    if isinstance(fresh, list):
        return len(fresh) == len(stored) and all(map(close, fresh, stored))
    if isinstance(fresh, float):
        return bool(abs(fresh - stored) <= 0.002)
    if isinstance(fresh, int):
        return bool(abs(fresh - stored) <= 2)
    return bool(fresh == stored)
