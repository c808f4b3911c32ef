"""Measures by group: corpus, generator, kind of forgery, band of JPEG quality.

A mean over everything hides the group that a model fails on. Small groups get wide intervals,
which is what is known about them.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.detection.card import Question
from trainer.measures.bootstrap import Floats, Interval, resampled, share
from trainer.measures.metrics import Scores, check_scores, probabilities_of, rounded
from trainer.measures.ranking import rank, rank_statistics

PUBLISHED = "published"
"""Band of files that were measured as they are, without the save pipeline."""

_Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class GroupMeasures:
    """What is reported for one group; intervals are 95 %, over resampled images.

    Attributes:
        authentic: authentic images with a draw in the group.
        tampered: tampered images with a draw in the group.
        draws: of both, in the group.
        against_all: the group has tampered images only, so ``auc``, ``tpr_at_1`` and
            ``tpr_at_5`` compare them with all authentic images of the set.
        auc: as in `trainer.measures.metrics.Measures`; None with nothing to compare with.
        tpr_at_1: the same; the 1 % are of the authentic draws that are compared with.
        tpr_at_5: the same at 5 %.
        detections: share of the group's tampered draws that are positive at the operating
            point; None without.
        false_alarms: share of its authentic draws that are positive there; None without.
    """

    authentic: int
    tampered: int
    draws: int
    against_all: bool
    auc: Interval | None
    tpr_at_1: Interval | None
    tpr_at_5: Interval | None
    detections: Interval | None
    false_alarms: Interval | None

    def rounded(self) -> dict[str, Any]:
        """As plain values with four decimals."""
        return {name: rounded(value) for name, value in asdict(self).items()}


def by_group(scores: Scores, question: Question, names: _Texts) -> dict[str, GroupMeasures]:
    """Measure each group by itself, in the order of their names.

    Args:
        scores: of the whole set.
        question: has calibration and operating point.
        names: the group of each image, (images,), or of each draw, (images, draws). The empty
            name is no group.

    Raises:
        CorpusError: the set is empty.
        ExportError: a logit is not finite.
    """
    check_scores(scores)
    by_draw = names if names.ndim == 2 else names[:, None]
    by_draw = np.broadcast_to(by_draw, scores.logits.shape)
    probabilities = probabilities_of(scores.logits, question.calibration)
    positive = probabilities >= question.operating_point.threshold
    return {
        str(name): _measure(scores, positive, by_draw == name)
        for name in np.unique(by_draw)
        if name
    }


def _measure(
    scores: Scores, positive: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> GroupMeasures:
    """Measure the draws that are ``inside``, (images, draws)."""
    held = inside.any(axis=1)
    authentic, tampered = (int((held & (scores.labels == label)).sum()) for label in (0, 1))
    against_all = authentic == 0
    compared = inside | (scores.labels == 0)[:, None] if against_all else inside
    images = np.flatnonzero(compared.any(axis=1))
    labels, compared, inside = scores.labels[images], compared[images], inside[images]
    found = (positive[images] & inside).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    row, _ = np.nonzero(compared)
    ranking = rank(scores.logits[images][compared], labels[row], row)
    # A draw counts once, also where images have different numbers of draws in the group.
    weight = inside.sum(axis=1).astype(np.float64)

    def statistics(counts: Floats) -> dict[str, Floats]:
        return rank_statistics(ranking, counts) | {
            "detections": share(counts * weight * (labels == 1), found),
            "false_alarms": share(counts * weight * (labels == 0), found),
        }

    values = resampled(statistics, labels, len(row))
    return GroupMeasures(
        authentic=authentic,
        tampered=tampered,
        draws=int(inside.sum()),
        against_all=against_all and bool((labels == 0).any()),
        auc=values["auc"].interval_if_any(),
        tpr_at_1=values["tpr_at_1"].interval_if_any(),
        tpr_at_5=values["tpr_at_5"].interval_if_any(),
        detections=values["detections"].interval_if_any(),
        false_alarms=values["false_alarms"].interval_if_any(),
    )


def quality_bands(last_quality: NDArray[np.int64]) -> _Texts:
    """Names of bands of ten for `by_group`, such as ``80-89``; 100 belongs to ``90-100``.

    Args:
        last_quality: of the last save, 1..100, of any shape; 0 for files as published.
    """
    tens = np.minimum(last_quality // 10, 9)
    bands = [f"{10 * ten}-{10 * ten + 9}" for ten in range(9)] + ["90-100"]
    names: _Texts = np.where(last_quality > 0, np.array(bands)[tens], PUBLISHED)
    return names
