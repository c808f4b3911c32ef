"""From a logit to an answer that an examiner can defend.

An answer is ``positive``, ``negative``, ``inconclusive`` or ``outside_validity``. Only the
first three have a score, and the score is calibrated: among reference images with score 0.8,
four of five are positives when both classes are equally frequent.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from app.analysis.copy_move import VERSION as COPY_MOVE_VERSION
from app.analysis.recompress import encoder_identity
from app.detection.card import Calibration, ModelCard, Question
from app.evidence.decode import DecodeRecord


class State(StrEnum):
    """The four answers to a question."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INCONCLUSIVE = "inconclusive"
    OUTSIDE_VALIDITY = "outside_validity"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One model's answer to one question about one image.

    Attributes:
        question: the question's id.
        state: the answer.
        score: calibrated, 0..1; None outside validity.
        reason: the answer in words, with its ground.
        model: the model's name.
        model_sha256: of the ONNX file.
        provider: onnxruntime execution provider that computed it; empty outside validity.
        low: lowest score of the picture and its variations; None where none were tried.
        high: highest one.
    """

    question: str
    state: State
    score: float | None
    reason: str
    model: str
    model_sha256: str
    provider: str
    low: float | None = None
    high: float | None = None


def reasons_against(card: ModelCard, record: DecodeRecord) -> tuple[str, ...]:
    """Why the model must not be asked about this image; empty when it may."""
    validity = card.validity
    shorter, longer = sorted((record.width, record.height))
    reasons = []
    if record.format not in validity.formats:
        known = " or ".join(validity.formats)
        reasons.append(f"its format is {record.format}, the model knows {known} only")
    if shorter < validity.minimum_side:
        reasons.append(f"its shorter side has {shorter} pixels, below {validity.minimum_side}")
    if longer > validity.maximum_side:
        reasons.append(f"its longer side has {longer} pixels, above {validity.maximum_side}")
    if longer > validity.maximum_aspect * shorter:
        reasons.append(f"its sides are more than {validity.maximum_aspect:g} to 1")
    needs_encoder = "ela" in (*card.preparation.planes, *(card.where.planes if card.where else ()))
    if needs_encoder and card.preparation.encoder_fingerprint != encoder_identity().fingerprint:
        reasons.append("this computer's JPEG encoder differs from the one of the training")
    if card.copy_move is not None and card.copy_move.version != COPY_MOVE_VERSION:
        reasons.append("this program looks for copies in another way than the model's")
    return tuple(reasons)


def calibrated(calibration: Calibration, logit: float) -> float:
    """The calibrated score, 0..1, of a logit."""
    if calibration.points:
        return _between(calibration.points, logit)
    exponent = calibration.slope * logit + calibration.offset
    return 1.0 / (1.0 + math.exp(-max(min(exponent, 700.0), -700.0)))


def _between(points: tuple[tuple[float, float], ...], logit: float) -> float:
    """The score on the line between the two points around ``logit``."""
    after = bisect_right(points, logit, key=itemgetter(0))
    if after in (0, len(points)):
        return points[max(after - 1, 0)][1]
    (left, low), (right, high) = points[after - 1 : after + 1]
    # Rounding may end one step above the upper point; a score never does.
    return min(low + (high - low) * ((logit - left) / (right - left)), high)


def state_of(question: Question, score: float) -> State:
    """Where a calibrated score lies with respect to the card's thresholds."""
    if score >= question.operating_point.threshold:
        return State.POSITIVE
    if score >= question.inconclusive_below:
        return State.INCONCLUSIVE
    return State.NEGATIVE


def settled(question: Question, scores: Sequence[float]) -> tuple[State, int | None]:
    """The state of a picture whose variations were scored, too.

    An answer that a mild change turns into its opposite says something about the change and not
    about the picture, so it is inconclusive.

    Args:
        question: of the scores.
        scores: calibrated, of the picture as it is and then of each variation.

    Returns:
        The state, and the index of the first variation that turns the answer around, if one does.
    """
    state, *others = (state_of(question, score) for score in scores)
    opposite = _OPPOSITE.get(state)
    if opposite in others:
        return State.INCONCLUSIVE, others.index(opposite)
    return state, None


_OPPOSITE = {State.POSITIVE: State.NEGATIVE, State.NEGATIVE: State.POSITIVE}


def percent(rate: float) -> str:
    """A rate 0..1 in words that call a small one neither 0 % nor more than it is."""
    if 0 < rate < 0.0001:
        return "less than 0.01%"
    return f"{100 * rate:.0f}%" if rate >= 0.1 else f"{100 * rate:.2g}%"


def explain(question: Question, state: State, turned_by: str = "") -> str:
    """The answer in words, with the rate that stands behind it.

    Args:
        question: that is answered.
        state: the answer.
        turned_by: name of the variation that turned it around, and so made it inconclusive.
    """
    if turned_by:
        return f"Inconclusive: {turned_by}, the picture gets the opposite answer."
    if state is State.POSITIVE:
        rate = question.operating_point.false_alarm_rate
        opposite = f"In calibration at most {percent(rate)} of the opposite images scored so high."
        return f"{question.positive} {opposite}"
    if state is State.NEGATIVE:
        rate = question.miss_rate
        opposite = f"In calibration about {percent(rate)} of the opposite images scored so low."
        return f"{question.negative} {opposite}"
    return "Inconclusive: reference images of both kinds have such scores."
