"""Measures against hand-made cases and scikit-learn's definitions."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tests.models import question
from trainer.calibrate import FALSE_ALARM_RATE, MISS_RATE, fit_calibration, fit_thresholds
from trainer.errors import ExportError
from trainer.metrics import Scores, balanced_accuracy, measure


def separated(count: int = 200, distance: float = 2.0, draws: int = 1) -> Scores:
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], count)
    logits = random.normal(0, 1, (2 * count, draws)) + distance * labels[:, None]
    return Scores(logits, labels)


def test_counts_rates_and_states_of_a_hand_made_case() -> None:
    # Scores at the question's thresholds 0.2 and 0.8, two images of each class.
    logit = {score: math.log(score / (1 - score)) for score in (0.1, 0.3, 0.6, 0.9)}
    scores = Scores(np.array([[logit[s]] for s in (0.1, 0.9, 0.3, 0.9)]), np.array([0, 0, 1, 1]))
    found = measure(scores, question())
    assert found.confusion == ((1, 1), (1, 1))
    assert found.accuracy[0] == 0.5
    assert found.false_alarms is not None
    assert found.false_alarms[0] == 0.5
    assert found.detections is not None
    assert found.detections[0] == 0.5
    assert found.states == {
        "authentic positive": 1,
        "authentic inconclusive": 0,
        "authentic negative": 1,
        "tampered positive": 1,
        "tampered inconclusive": 1,
        "tampered negative": 0,
    }


def test_auc_and_cross_entropy_are_those_of_scikit_learn() -> None:
    scores = separated(draws=3)
    found = measure(scores, question())
    labels = np.repeat(scores.labels, 3)
    probabilities = 1 / (1 + np.exp(-scores.logits.ravel()))
    assert found.auc is not None
    assert found.auc[0] == pytest.approx(roc_auc_score(labels, probabilities))
    assert found.cross_entropy == pytest.approx(log_loss(labels, probabilities))
    assert found.auc[1] < found.auc[0] < found.auc[2]


def test_interval_widens_when_draws_of_an_image_are_copies() -> None:
    """Ten copies of each image are not ten images."""
    single = separated(60, 1.0)
    copied = Scores(np.repeat(single.logits, 10, axis=1), single.labels)
    narrow = measure(single, question()).auc
    wide = measure(copied, question()).auc
    assert narrow is not None
    assert wide is not None
    assert wide[2] - wide[1] == pytest.approx(narrow[2] - narrow[1], rel=0.05)


def test_one_class_has_no_auc_but_false_alarms() -> None:
    scores = separated()
    authentic = Scores(scores.logits[:200], scores.labels[:200])
    found = measure(authentic, question())
    assert found.auc is None
    assert found.detections is None
    assert found.false_alarms is not None


def test_platt_scaling_recovers_a_known_calibration() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (20_000, 1))
    truth = 1 / (1 + np.exp(-(0.7 * logits[:, 0])))
    labels = (random.random(20_000) < truth).astype(np.int64)
    fitted = fit_calibration(Scores(logits, labels))
    assert fitted.slope == pytest.approx(0.7, abs=0.05)
    assert fitted.offset == pytest.approx(0.0, abs=0.06)


def test_model_that_learned_the_reverse_is_refused() -> None:
    scores = separated()
    with pytest.raises(ExportError, match="learned nothing"):
        fit_calibration(Scores(-scores.logits, scores.labels))


def test_thresholds_keep_their_rates_on_the_calibration_data() -> None:
    random = np.random.default_rng(2)
    authentic, tampered = random.beta(2, 4, 500), random.beta(4, 2, 400)
    point, below = fit_thresholds([authentic], tampered)
    assert (authentic >= point.threshold).mean() <= FALSE_ALARM_RATE
    assert (authentic >= point.threshold).sum() == 5
    assert (tampered < below).mean() == pytest.approx(MISS_RATE, abs=0.005)
    assert below <= point.threshold


def test_operating_point_holds_in_the_worst_reference_set_by_itself() -> None:
    """Pooled, the small set's false alarms would drown in the large one's quiet."""
    random = np.random.default_rng(3)
    quiet, loud = random.uniform(0, 0.5, 5_000), random.uniform(0, 0.9, 200)
    point, _ = fit_thresholds([quiet, loud], random.uniform(0.3, 1, 300))
    assert (loud >= point.threshold).mean() <= FALSE_ALARM_RATE
    assert point.threshold > 0.85


def test_thresholds_of_a_perfect_model_stay_in_order() -> None:
    point, below = fit_thresholds([np.full(50, 0.01)], np.full(50, 0.99))
    assert 0.01 < point.threshold <= 1
    assert below <= point.threshold


def test_balanced_accuracy_by_hand() -> None:
    assert balanced_accuracy([0, 0, 0, 1], [0, 0, 1, 1]) == pytest.approx((2 / 3 + 1) / 2)
