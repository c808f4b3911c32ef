"""Measures of a two-class model, with bootstrap intervals over images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.detection.card import Calibration, Question
from app.detection.verdict import State, calibrated, state_of
from trainer.errors import CorpusError, ExportError
from trainer.measures.bootstrap import Floats, Interval, resampled, share
from trainer.measures.ranking import Ranking, cumulated, rank, rank_statistics
from trainer.measures.reliability import bin_errors, reliability


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
        average_precision: area under the precision-recall curve, in steps; it depends on the
            share of tampered images in the set; None with one class only.
        tpr_at_1: share of tampered draws above the lowest threshold that at most 1 % of the
            authentic draws of this very set reach; None with one class only. The threshold is
            taken from the set that it is measured on, and of the card's it knows nothing.
        tpr_at_5: the same at 5 %.
        ece: expected calibration error of the calibrated score, in 15 bins of equal mass, both
            classes weighing the same; None with one class only. It errs upwards on few images,
            and its interval takes that back.
        cross_entropy_interval: lower and upper end.
    """

    images: int
    draws: int
    auc: Interval | None
    accuracy: Interval
    cross_entropy: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    false_alarms: Interval | None
    detections: Interval | None
    states: dict[str, int]
    average_precision: Interval | None
    tpr_at_1: Interval | None
    tpr_at_5: Interval | None
    ece: Interval | None
    cross_entropy_interval: tuple[float, float]

    def rounded(self) -> dict[str, Any]:
        """As plain values with four decimals, for the card."""
        return {name: rounded(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Curves:
    """What plots show of one data set; all draws count. Empty with one class only.

    Attributes:
        roc: (steps, 3) float64: share of authentic draws at or above a threshold, share of
            tampered ones, and the threshold as a calibrated score; begins at (0, 0, inf).
        precision_recall: (steps, 3): share of tampered draws at or above the threshold, share of
            tampered ones among all there, threshold.
        reliability: (bins, 3): mean score, share of tampered draws, number of draws, for the
            bins of `Measures.ece` that hold any; in the first two both classes weigh the same.
    """

    roc: Floats
    precision_recall: Floats
    reliability: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """What one model reaches above another on the same images.

    Attributes:
        statistic: a name of `trainer.measures.ranking.STATISTICS`.
        first: the first model's value, the mean over seeds.
        second: the second model's value.
        difference: first less second with its 95 % interval, over resampled images. It knows
            nothing of how training varies; ``seeds`` does.
        seeds: the difference of each seed by itself.
    """

    statistic: str
    first: float
    second: float
    difference: Interval
    seeds: tuple[float, ...]


def check_scores(scores: Scores) -> None:
    """Refuse what cannot be measured.

    Raises:
        CorpusError: there is no image.
        ExportError: a logit is not finite.
    """
    if not scores.logits.size:
        raise CorpusError("There is no image to measure the model on.")
    if not np.isfinite(scores.logits).all():
        broken = int((~np.isfinite(scores.logits)).any(axis=1).sum())
        raise ExportError(
            f"The model gives no number for {broken} of {len(scores.labels)} images; the "
            "training has diverged."
        )


def probabilities_of(logits: Floats, calibration: Calibration) -> Floats:
    """Calibrated scores of logits of any shape, exactly as the program computes them."""
    scores = [calibrated(calibration, logit) for logit in logits.ravel().tolist()]
    return np.array(scores, dtype=np.float64).reshape(logits.shape)


def measure(scores: Scores, question: Question) -> Measures:
    """Measure calibrated scores against labels; ``question`` has calibration and thresholds.

    Raises:
        CorpusError: the set is empty.
        ExportError: a logit is not finite.
    """
    check_scores(scores)
    labels = scores.labels[:, None]
    probabilities = probabilities_of(scores.logits, question.calibration)
    hits = probabilities >= 0.5
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    loss = -np.log(np.where(labels == 1, clipped, 1 - clipped))
    positive = probabilities >= question.operating_point.threshold
    # What an image adds to each mean over its draws; a resample then only weighs images.
    right, losses, positives = ((hits == (labels == 1)).mean(1), loss.mean(1), positive.mean(1))
    errors = bin_errors(probabilities, scores.labels)
    ranking = _ranking(scores)

    def statistics(counts: Floats) -> dict[str, Floats]:
        return rank_statistics(ranking, counts) | {
            "accuracy": counts @ right / len(right),
            "cross_entropy": counts @ losses / len(losses),
            "false_alarms": share(counts * (scores.labels == 0), positives),
            "detections": share(counts * (scores.labels == 1), positives),
            "ece": np.abs(counts @ errors).sum(axis=1),
            "ece_by_chance": np.abs(counts @ errors - errors.sum(axis=0)).sum(axis=1),
        }

    found = resampled(statistics, scores.labels, scores.logits.size)
    entropy = found["cross_entropy"].interval()
    ece, by_chance = found["ece"], found["ece_by_chance"]
    tn, fp, fn, tp = (
        int((answer & (labels == label)).sum()) for label in (0, 1) for answer in (~hits, hits)
    )
    return Measures(
        images=len(scores.labels),
        draws=scores.logits.shape[1],
        auc=found["auc"].interval_if_any(),
        accuracy=found["accuracy"].interval(),
        cross_entropy=entropy[0],
        confusion=((tn, fp), (fn, tp)),
        false_alarms=found["false_alarms"].interval_if_any(),
        detections=found["detections"].interval_if_any(),
        states=_states(probabilities, labels, question),
        average_precision=found["average_precision"].interval_if_any(),
        tpr_at_1=found["tpr_at_1"].interval_if_any(),
        tpr_at_5=found["tpr_at_5"].interval_if_any(),
        ece=ece.reflected_interval(by_chance.drawn) if np.isfinite(ece.value) else None,
        cross_entropy_interval=entropy[1:],
    )


def curves(scores: Scores, question: Question) -> Curves:
    """What plots show of the scores; see `Curves`.

    Raises:
        CorpusError, ExportError: as `measure`.
    """
    check_scores(scores)
    if len(np.unique(scores.labels)) < 2:
        return Curves(np.empty((0, 3)), np.empty((0, 3)), np.empty((0, 3)))
    ranking = _ranking(scores)
    (found,), (alarms,) = cumulated(ranking, np.ones((1, len(scores.labels))))
    thresholds = probabilities_of(ranking.scores, question.calibration)
    detected, false_alarms = found / found[-1], alarms / alarms[-1]
    roc = np.stack([false_alarms, detected, thresholds], axis=1)
    return Curves(
        roc=np.concatenate([[[0.0, 0.0, np.inf]], roc]),
        precision_recall=np.stack([detected, found / (found + alarms), thresholds], axis=1),
        reliability=reliability(
            probabilities_of(scores.logits, question.calibration), scores.labels
        ),
    )


def paired_difference(
    first: Scores | Sequence[Scores],
    second: Scores | Sequence[Scores],
    statistic: str = "auc",
    identities: Sequence[Sequence[str]] | None = None,
) -> Difference:
    """How much more ``first`` reaches than ``second``, both asked about the same images.

    Args:
        first: of one model, or of one for each seed.
        second: the same seeds in the same order.
        statistic: a name of `trainer.measures.ranking.STATISTICS`.
        identities: for each seed what the images are, such as their hashes, when the seeds were
            measured on different images; an image in several of them is drawn once for all.

    Raises:
        CorpusError: the two were not measured on the same images, or these are of one class.
        ExportError: a logit is not finite.
    """
    ones = [first] if isinstance(first, Scores) else list(first)
    others = [second] if isinstance(second, Scores) else list(second)
    for scores in (*ones, *others):
        check_scores(scores)
    if identities is None:
        identities = [[str(image) for image in range(len(one.labels))] for one in ones]
    names, image = np.unique(np.concatenate(identities), return_inverse=True)
    parts = np.split(image, np.cumsum([len(held) for held in identities])[:-1])
    strata = np.full(len(names), -1)
    for one, other, part in zip(ones, others, parts, strict=True):
        known = strata[part] if len(part) == len(one.labels) else None
        same = known is not None and ((known == one.labels) | (known == -1)).all()
        if not same or not np.array_equal(one.labels, other.labels):
            raise CorpusError("Only models that were measured on the same images compare.")
        if len(np.unique(one.labels)) < 2:
            raise CorpusError("A comparison of models needs images of both classes.")
        strata[part] = one.labels
    rankings = [
        [_ranking(scores, part) for scores, part in zip(models, parts, strict=True)]
        for models in (ones, others)
    ]

    def statistics(counts: Floats) -> dict[str, Floats]:
        reached = np.array(
            [[rank_statistics(one, counts)[statistic] for one in seeds] for seeds in rankings]
        )
        means = reached.mean(axis=1)
        by_seed = {str(seed): gap for seed, gap in enumerate(reached[0] - reached[1])}
        return by_seed | {"first": means[0], "second": means[1], "gap": means[0] - means[1]}

    found = resampled(statistics, strata, sum(one.logits.size for one in (*ones, *others)))
    return Difference(
        statistic,
        found["first"].value,
        found["second"].value,
        found["gap"].interval(),
        tuple(found[str(seed)].value for seed in range(len(ones))),
    )


def balanced_accuracy(labels: Sequence[int], predictions: Sequence[int]) -> float:
    """Mean of the two classes' shares of right answers."""
    truth, answers = np.asarray(labels), np.asarray(predictions)
    return float(np.mean([(answers[truth == label] == label).mean() for label in (0, 1)]))


def rounded(value: Any) -> Any:
    """Plain values with four decimals; mappings and sequences too."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: rounded(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [rounded(entry) for entry in value]
    return value


def _ranking(scores: Scores, images: NDArray[np.int64] | None = None) -> Ranking:
    """All draws by their logits; ``images`` are the columns of counts, by default in order."""
    count, draws = scores.logits.shape
    columns = np.arange(count) if images is None else images
    return rank(scores.logits.ravel(), np.repeat(scores.labels, draws), np.repeat(columns, draws))


def _states(probabilities: Floats, labels: NDArray[np.int64], question: Question) -> dict[str, int]:
    names = ("authentic", "tampered")
    counts = {f"{name} {state.value}": 0 for name in names for state in _SCORED}
    truth = np.broadcast_to(labels, probabilities.shape).ravel().tolist()
    for probability, label in zip(probabilities.ravel().tolist(), truth, strict=True):
        counts[f"{names[label]} {state_of(question, probability).value}"] += 1
    return counts


_SCORED = (State.POSITIVE, State.INCONCLUSIVE, State.NEGATIVE)
