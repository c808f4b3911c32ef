"""Calibration and operating point against known truth and hand-made cases."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from app.detection.card import Calibration
from app.detection.card_document import parse_card
from app.detection.verdict import calibrated
from tests.models import card, question
from trainer.config import CALIBRATIONS
from trainer.errors import CorpusError, ExportError
from trainer.measures.calibrate import FALSE_ALARM_RATE, MISS_RATE, fit_calibration, fit_thresholds
from trainer.measures.metrics import Scores, probabilities_of


def separated(count: int = 200, distance: float = 2.0, draws: int = 1) -> Scores:
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], count)
    logits = random.normal(0, 1, (2 * count, draws)) + distance * labels[:, None]
    return Scores(logits, labels)


def test_platt_scaling_recovers_a_known_calibration() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (20_000, 1))
    truth = 1 / (1 + np.exp(-(0.7 * logits[:, 0])))
    labels = (random.random(20_000) < truth).astype(np.int64)
    fitted = fit_calibration(Scores(logits, labels))
    assert fitted.slope == pytest.approx(0.7, abs=0.05)
    assert fitted.offset == pytest.approx(0.0, abs=0.06)


def test_temperature_scaling_recovers_a_known_temperature() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (20_000, 1))
    truth = 1 / (1 + np.exp(-logits[:, 0] / 1.6))
    labels = (random.random(20_000) < truth).astype(np.int64)
    fitted = fit_calibration(Scores(logits, labels), "temperature")
    assert 1 / fitted.slope == pytest.approx(1.6, abs=0.08)
    assert (fitted.offset, fitted.points) == (0.0, ())


def test_both_classes_weigh_the_same_whatever_their_numbers() -> None:
    """The classes mirror each other; ten times as many authentic images change nothing."""
    random = np.random.default_rng(8)
    tampered = random.normal(1, 1, 400)
    logits = np.concatenate([np.tile(-tampered, 10), tampered])[:, None]
    scores = Scores(logits, np.repeat([0, 1], (4000, 400)))
    for method in CALIBRATIONS:
        fitted = fit_calibration(scores, method)
        assert calibrated(fitted, 0.0) == pytest.approx(0.5, abs=0.05)
    assert fit_calibration(scores).offset == pytest.approx(0.0, abs=1e-3)


def test_isotonic_regression_by_hand() -> None:
    """Six images, and one of the other class added at each end; violators are pooled by hand.

    (-2: 1/2, -1: 0) become 1/3, (0: 1, 1: 0) become 1/2, (2: 1, 3: 1/2) become 2/3.
    """
    logits = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    fitted = fit_calibration(Scores(logits[:, None], np.array([0, 0, 1, 0, 1, 1])), "isotonic")
    assert [logit for logit, _ in fitted.points] == logits.tolist()
    heights = np.array([1 / 3, 1 / 3, 1 / 2, 1 / 2, 2 / 3, 2 / 3])
    sigmoid = 1 / (1 + np.exp(-(fitted.slope * logits + fitted.offset)))
    expected = 0.99 * heights + 0.01 * sigmoid
    assert [score for _, score in fitted.points] == pytest.approx(expected.tolist())
    platt = fit_calibration(Scores(logits[:, None], np.array([0, 0, 1, 0, 1, 1])))
    assert (fitted.slope, fitted.offset) == (platt.slope, platt.offset)


def test_isotonic_regression_follows_scikit_learn_where_there_are_many_images() -> None:
    random = np.random.default_rng(3)
    logits = random.uniform(-3, 3, 8000)
    labels = (random.random(8000) < np.where(logits > 1, 0.9, 0.2)).astype(np.int64)
    fitted = fit_calibration(Scores(logits[:, None], labels), "isotonic")
    weights = 0.5 / np.bincount(labels)[labels]
    plain = IsotonicRegression().fit(logits, labels, sample_weight=weights)
    asked = np.linspace(-2.5, 2.5, 101)
    assert probabilities_of(asked, fitted) == pytest.approx(plain.predict(asked), abs=0.02)


def test_isotonic_regression_bends_where_a_sigmoid_cannot() -> None:
    """Certain at the ends and even in between, where a sigmoid rises."""

    def truth(logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.abs(logits) < 1.5, 0.5, np.where(logits > 0, 0.95, 0.05))

    random = np.random.default_rng(4)
    logits = random.uniform(-3, 3, 8000)
    labels = (random.random(8000) < truth(logits)).astype(np.int64)
    asked = np.linspace(-3, 3, 301)
    errors = {}
    for method in CALIBRATIONS:
        fitted = fit_calibration(Scores(logits[:, None], labels), method)
        errors[method] = np.abs(probabilities_of(asked, fitted) - truth(asked)).mean()
    assert errors["isotonic"] < 0.02
    assert errors["platt"] > 0.06


@pytest.mark.parametrize("distance", [0.8, 30.0])
def test_isotonic_scores_promise_no_certainty_and_keep_the_order(distance: float) -> None:
    scores = separated(100, distance)
    fitted = fit_calibration(scores, "isotonic")
    found = [calibrated(fitted, logit) for logit in np.sort(scores.logits.ravel()).tolist()]
    assert found[0] > 1 / 250
    assert found[-1] < 249 / 250
    gaps = np.diff(found)
    assert (gaps >= 0).all()
    if distance < 1:
        assert (gaps > 0).all()


def test_isotonic_operating_point_still_finds_something() -> None:
    """Plain isotonic regression ties the highest images, authentic ones among them."""
    scores = separated(150, 1.0)
    apply = fit_calibration(scores, "isotonic")
    probabilities = probabilities_of(scores.logits, apply)
    authentic, tampered = probabilities[scores.labels == 0], probabilities[scores.labels == 1]
    point, _ = fit_thresholds([authentic], tampered)
    assert (authentic >= point.threshold).sum() == 1
    highest = np.sort(scores.logits[scores.labels == 0].ravel())[-2]
    found = (scores.logits[scores.labels == 1] > highest).mean()
    assert found > 0
    assert (tampered >= point.threshold).mean() == pytest.approx(found)


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_draws_of_an_image_are_not_images(method: str) -> None:
    single = separated(60, 1.0)
    copied = Scores(np.repeat(single.logits, 4, axis=1), single.labels)
    one, four = fit_calibration(single, method), fit_calibration(copied, method)
    asked = np.linspace(-3, 4, 50)
    assert probabilities_of(asked, four) == pytest.approx(probabilities_of(asked, one), abs=1e-4)


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_the_program_reads_every_calibration_from_a_card(method: str) -> None:
    fitted = fit_calibration(separated(100, 1.0, draws=2), method)
    made = card([question(calibration=fitted)], schema=2)
    (read,) = parse_card(made.to_json(), "m").questions
    assert read.calibration == fitted
    assert bool(fitted.points) == (method == "isotonic")


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_model_that_learned_the_reverse_is_refused(method: str) -> None:
    scores = separated()
    with pytest.raises(ExportError, match="learned nothing"):
        fit_calibration(Scores(-scores.logits, scores.labels), method)


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_model_that_says_the_same_of_all_is_refused(method: str) -> None:
    with pytest.raises(ExportError, match="learned nothing"):
        fit_calibration(Scores(np.zeros((20, 2)), np.repeat([0, 1], 10)), method)


def test_what_cannot_be_calibrated_is_refused_in_a_sentence() -> None:
    scores = separated(10)
    one_class = Scores(scores.logits[:10], scores.labels[:10])
    with pytest.raises(CorpusError, match="images of both classes"):
        fit_calibration(one_class)
    with pytest.raises(CorpusError, match="no image"):
        fit_calibration(Scores(np.empty((0, 2)), np.empty(0, dtype=np.int64)))
    with pytest.raises(ExportError, match="no number for 20 of 20"):
        fit_calibration(dataclasses.replace(scores, logits=scores.logits * math.nan))
    with pytest.raises(CorpusError, match="must be one of platt, temperature, isotonic"):
        fit_calibration(scores, "magic")


def test_plain_sigmoid_has_no_points() -> None:
    fitted = fit_calibration(separated(50))
    assert fitted == Calibration(fitted.slope, fitted.offset)


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
