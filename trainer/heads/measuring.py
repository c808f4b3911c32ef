"""What is reported of a model on a backbone: by set, by generator or kind, and by pixel."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.detection.card import Question
from trainer.heads.features import Draws
from trainer.measures.metrics import Scores, measure

_BRIEF = ("images", "draws", "auc", "tpr_at_1", "false_alarms", "detections", "ece", "states")


def scores_of_rows(draws: Draws, rows: NDArray[np.int64], logits: NDArray[Any]) -> Scores:
    """Logits of rows as scores; a picture counts with as many draws as all others here have.

    Args:
        draws: that the rows belong to.
        rows: of any order.
        logits: (rows,).
    """
    by_picture: dict[int, list[float]] = {}
    for row, logit in zip(rows.tolist(), logits.tolist(), strict=True):
        by_picture.setdefault(int(draws.index[row]), []).append(float(logit))
    fewest = min(map(len, by_picture.values()))
    labels = np.array([draws.pictures[index].label for index in by_picture], dtype=np.int64)
    held = np.array([found[:fewest] for found in by_picture.values()], dtype=np.float64)
    return Scores(held, labels)


def measured(
    draws: Draws, rows: NDArray[np.int64], logits: NDArray[Any], question: Question
) -> dict[str, Any]:
    """All measures of some rows, for the card."""
    return measure(scores_of_rows(draws, rows, logits), question).rounded()


def by_group(
    draws: Draws,
    rows: NDArray[np.int64],
    logits: NDArray[Any],
    question: Question,
    against: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """The most telling measures for every set, and for positives against untouched ones.

    Args:
        draws: that the rows belong to.
        rows: to measure.
        logits: (rows,).
        question: with calibration and thresholds.
        against: sets whose untouched pictures every group of positives is compared with.
    """
    groups, labels, kinds = draws.groups[rows], draws.labels[rows], draws.kinds[rows]
    compared = (labels == 0) & np.isin(groups, against)
    found = {}
    for group in np.unique(groups):
        for kind in np.unique(kinds[groups == group]):
            own = (groups == group) & (kinds == kind)
            chosen = own | compared if labels[own].any() else own
            full = measured(draws, rows[chosen], logits[chosen], question)
            if labels[own].any():
                full["images"] = len(np.unique(draws.index[rows[own]]))
            name = group if kind in ("authentic", "generated") else f"{group}, {kind}"
            if group == "forged" and kind == "authentic":
                name = "forged, the untouched of the pairs"
            found[str(name)] = {key: full[key] for key in _BRIEF}
    return found


def errors(
    draws: Draws, rows: NDArray[np.int64], logits: NDArray[Any], count: int = 5
) -> Mapping[str, list[str]]:
    """Names of the files that a model was most wrong about: highest untouched, lowest positive."""
    order = np.argsort(logits)
    labels = draws.labels[rows]

    def names(chosen: NDArray[np.int64]) -> list[str]:
        found: dict[str, None] = {}
        for place in chosen:
            picture = draws.pictures[draws.index[rows[place]]]
            path = getattr(picture.source, "path", None)
            if path is not None:
                found.setdefault(f"{picture.group}/{path.name}")
        return list(found)[:count]

    return {
        "untouched, scored highest": names(order[::-1][labels[order[::-1]] == 0]),
        "positive, scored lowest": names(order[labels[order] == 1]),
    }
