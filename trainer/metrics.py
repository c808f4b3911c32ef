"""Measures of a two-class model, with bootstrap intervals over images."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from app.detection.card import Question
from app.detection.verdict import State, calibrated, state_of

Floats = NDArray[np.float64]
_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of one data set, several draws of the save pipeline for each image.

    Attributes:
        logits: (images, draws) float64.
        labels: (images,) int, 0 or 1.
    """

    logits: Floats
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measures:
    """What is reported for one data set; intervals are 95 %, over resampled images.

    Attributes:
        images: number of images.
        draws: of the save pipeline for each image; all count.
        auc: area under the ROC curve with its interval; None with one class only.
        accuracy: share right at a calibrated score of 0.5, with interval.
        cross_entropy: mean binary cross-entropy of the calibrated score, in nats.
        confusion: counts at 0.5: ((true negative, false positive), (false negative, true
            positive)).
        false_alarms: share of authentic draws that are positive at the operating point, with
            interval; None without authentic images.
        detections: share of tampered draws that are positive there, with interval; None without.
        states: count of draws by (label, state) as ``authentic positive`` and so on.
    """

    images: int
    draws: int
    auc: tuple[float, float, float] | None
    accuracy: tuple[float, float, float]
    cross_entropy: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    false_alarms: tuple[float, float, float] | None
    detections: tuple[float, float, float] | None
    states: dict[str, int]

    def rounded(self) -> dict[str, Any]:
        """As plain values with four decimals, for the card."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def measure(scores: Scores, question: Question) -> Measures:
    """Measure calibrated scores against labels; ``question`` has calibration and thresholds."""
    labels = np.repeat(scores.labels[:, None], scores.logits.shape[1], axis=1)
    calibrate = np.vectorize(
        lambda logit: calibrated(question.calibration, float(logit)), otypes=[float]
    )
    probabilities = calibrate(scores.logits)
    positive = probabilities >= question.operating_point.threshold
    right = (probabilities >= 0.5) == (labels == 1)

    def auc(chosen: NDArray[np.int64]) -> float:
        return float(roc_auc_score(labels[chosen].ravel(), scores.logits[chosen].ravel()))

    def rate(values: NDArray[np.bool_], label: int) -> Callable[[NDArray[np.int64]], float]:
        return lambda chosen: float(values[chosen][labels[chosen] == label].mean())

    has = [bool((scores.labels == label).any()) for label in (0, 1)]
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    likelihood = np.where(labels == 1, clipped, 1 - clipped)
    hits = probabilities >= 0.5
    counts = [
        (int((~hits & (labels == label)).sum()), int((hits & (labels == label)).sum()))
        for label in (0, 1)
    ]
    return Measures(
        images=len(scores.labels),
        draws=scores.logits.shape[1],
        auc=_interval(auc, scores.labels) if all(has) else None,
        accuracy=_interval(lambda chosen: float(right[chosen].mean()), scores.labels),
        cross_entropy=float(-np.log(likelihood).mean()),
        confusion=(counts[0], counts[1]),
        false_alarms=_interval(rate(positive, 0), scores.labels) if has[0] else None,
        detections=_interval(rate(positive, 1), scores.labels) if has[1] else None,
        states=_states(probabilities, labels, question),
    )


def _states(probabilities: Floats, labels: NDArray[np.int64], question: Question) -> dict[str, int]:
    names = ("authentic", "tampered")
    counts = {f"{name} {state.value}": 0 for name in names for state in _SCORED}
    for probability, label in zip(probabilities.ravel(), labels.ravel(), strict=True):
        counts[f"{names[label]} {state_of(question, float(probability)).value}"] += 1
    return counts


_SCORED = (State.POSITIVE, State.INCONCLUSIVE, State.NEGATIVE)


def _interval(
    statistic: Callable[[NDArray[np.int64]], float], labels: NDArray[np.int64]
) -> tuple[float, float, float]:
    """A statistic of the images at given indices, with its 95 % bootstrap interval.

    Images are drawn with replacement within each class, all draws of an image together, since
    these are not independent.
    """
    random = np.random.default_rng(0)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    values = [
        statistic(np.concatenate([random.choice(rows, len(rows)) for rows in classes]))
        for _ in range(_ROUNDS)
    ]
    low, high = np.percentile(values, (2.5, 97.5))
    return statistic(np.arange(len(labels))), float(low), float(high)


def balanced_accuracy(labels: Sequence[int], predictions: Sequence[int]) -> float:
    """Mean of the two classes' shares of right answers."""
    truth, answers = np.asarray(labels), np.asarray(predictions)
    return float(np.mean([(answers[truth == label] == label).mean() for label in (0, 1)]))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple | list):
        return [_rounded(entry) for entry in value]
    return value
