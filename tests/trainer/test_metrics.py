"""Measures against hand-made cases, scikit-learn's definitions, and simulated truth."""

import json
import math
import time
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from app.detection.card import Calibration
from tests.models import question
from trainer.errors import CorpusError, ExportError
from trainer.measures.metrics import (
    Scores,
    balanced_accuracy,
    curves,
    measure,
    paired_difference,
    probabilities_of,
)
from trainer.measures.ranking import STATISTICS, rank, rank_statistics


def separated(count: int = 200, distance: float = 2.0, draws: int = 1) -> Scores:
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], count)
    logits = random.normal(0, 1, (2 * count, draws)) + distance * labels[:, None]
    return Scores(logits, labels)


def drawn_curves(scores: Scores) -> tuple[NDArray[np.float64], ...]:
    found = curves(scores, question())
    return found.roc, found.precision_recall, found.reliability


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))


def outcomes(count: int, seed: int, spread: float = 1.5) -> Scores:
    """Labels that come true as often as the sigmoid of the logit says."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, spread, (count, 1))
    return Scores(logits, (random.random(count) < sigmoid(logits[:, 0])).astype(np.int64))


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
    assert (found.average_precision, found.tpr_at_1, found.tpr_at_5, found.ece) == (None,) * 4
    assert all(len(curve) == 0 for curve in drawn_curves(authentic))
    json.dumps(found.rounded(), allow_nan=False)


def test_balanced_accuracy_by_hand() -> None:
    assert balanced_accuracy([0, 0, 0, 1], [0, 0, 1, 1]) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("step", [0.0, 0.5, 3.0])
def test_statistics_of_resamples_are_those_of_scikit_learn_with_weights(step: float) -> None:
    """``step`` rounds the scores, so that many are equal."""
    random = np.random.default_rng(11)
    labels = random.integers(0, 2, 150)
    logits = random.normal(labels[:, None], 1.2, (150, 3))
    if step:
        logits = np.round(logits / step) * step
    counts = random.integers(0, 4, (25, 150)).astype(np.float64)
    flat, image = np.repeat(labels, 3), np.repeat(np.arange(150), 3)
    found = rank_statistics(rank(logits.ravel(), flat, image), counts)
    assert set(found) == set(STATISTICS)
    for number, row in enumerate(counts):
        given = {"y_true": flat, "sample_weight": row[image]}
        auc = roc_auc_score(y_score=logits.ravel(), **given)
        average = average_precision_score(y_score=logits.ravel(), **given)
        alarms, hits, _ = roc_curve(y_score=logits.ravel(), drop_intermediate=False, **given)
        assert found["auc"][number] == pytest.approx(auc, abs=1e-12)
        assert found["average_precision"][number] == pytest.approx(average, abs=1e-12)
        for name, rate in (("tpr_at_1", 0.01), ("tpr_at_5", 0.05)):
            assert found[name][number] == pytest.approx(hits[alarms <= rate + 1e-9].max())


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    """The loop that the quick way stands for, with scikit-learn a thousand times."""
    scores = separated(40, 1.0, draws=2)
    random = np.random.default_rng(0)
    right = (scores.logits >= 0) == (scores.labels == 1)[:, None]
    aucs, accuracies = [], []
    for _ in range(1000):
        chosen = np.concatenate(
            [random.choice(np.flatnonzero(scores.labels == label), 40) for label in (0, 1)]
        )
        labels = np.repeat(scores.labels[chosen], 2)
        aucs.append(roc_auc_score(labels, scores.logits[chosen].ravel()))
        accuracies.append(right[chosen].mean())
    found = measure(scores, question())
    assert found.auc is not None
    assert found.auc[1:] == pytest.approx(np.percentile(aucs, (2.5, 97.5)), abs=1e-12)
    assert found.accuracy[1:] == pytest.approx(np.percentile(accuracies, (2.5, 97.5)), abs=1e-12)


def test_detections_at_a_rate_of_false_alarms_by_hand() -> None:
    """Of 100 authentic scores, 1 % is one image and 5 % are five."""
    authentic = np.arange(1.0, 101.0)
    tampered = np.array([99.5, 98.5, 96.0, 94.5])
    scores = Scores(np.append(authentic, tampered)[:, None], np.repeat([0, 1], (100, 4)))
    found = measure(scores, question())
    assert found.tpr_at_1 is not None
    assert found.tpr_at_5 is not None
    # Above 99 lie 100 and 99.5. From 96 on lie 96 to 100, five authentic ones, and three
    # tampered ones; 94.5 would need 95 as well.
    assert (found.tpr_at_1[0], found.tpr_at_5[0]) == (0.25, 0.75)


def test_fewer_than_a_hundred_authentic_images_allow_no_false_alarm() -> None:
    scores = Scores(np.array([[1.0], [2.0], [2.0], [3.0]]), np.array([0, 0, 1, 1]))
    found = measure(scores, question())
    assert found.tpr_at_1 is not None
    assert found.tpr_at_1[0] == 0.5  # the tampered image at 2 comes with an authentic one


@pytest.mark.parametrize("decimals", [9, 0])
def test_curves_are_those_of_scikit_learn(decimals: int) -> None:
    scores = separated(60, 1.0, draws=2)
    scores = Scores(np.round(scores.logits, decimals), scores.labels)
    labels, flat = np.repeat(scores.labels, 2), scores.logits.ravel()
    roc, precision_recall, _ = drawn_curves(scores)
    alarms, hits, thresholds = roc_curve(labels, flat, drop_intermediate=False)
    assert roc[:, :2] == pytest.approx(np.stack([alarms, hits], axis=1))
    assert roc[1:, 2] == pytest.approx(sigmoid(thresholds[1:]))
    assert roc[0, 2] == math.inf
    precision, recall, _ = precision_recall_curve(labels, flat, drop_intermediate=False)
    # scikit-learn goes the other way and adds a last point without any image.
    assert precision_recall[::-1, 0] == pytest.approx(recall[:-1])
    assert precision_recall[::-1, 1] == pytest.approx(precision[:-1])


def test_calibration_error_by_hand() -> None:
    """Everything at one score: it promises 0.9, and both classes weigh the same."""
    logit = math.log(9)
    for authentic, tampered in ((5, 5), (30, 10), (2, 70)):
        count = authentic + tampered
        labels = np.repeat([0, 1], (authentic, tampered))
        scores = Scores(np.full((count, 2), logit), labels)
        found = measure(scores, question())
        assert found.ece is not None
        assert found.ece == pytest.approx((0.4, 0.4, 0.4))
        assert curves(scores, question()).reliability == pytest.approx(
            np.array([[0.9, 0.5, 2 * count]])
        )


def test_calibration_error_of_two_scores_by_hand() -> None:
    # At 0.2 lie 3 of 4 authentic and 1 of 2 tampered: share 0.5 / (0.75 + 0.5) = 0.4 of a mass
    # of 0.625. At 0.8: 0.5 / (0.25 + 0.5) = 2/3 of 0.375.
    low, high = math.log(0.25), math.log(4)
    logits = np.array([low, low, low, high, low, high])[:, None]
    scores = Scores(logits, np.array([0, 0, 0, 0, 1, 1]))
    found = measure(scores, question())
    assert found.ece is not None
    assert found.ece[0] == pytest.approx(0.625 * 0.2 + 0.375 * (0.8 - 2 / 3))
    expected = np.array([[0.2, 0.4, 4], [0.8, 2 / 3, 2]])
    assert curves(scores, question()).reliability == pytest.approx(expected)


def test_bins_of_the_reliability_diagram_hold_equal_mass() -> None:
    bins = curves(outcomes(30_000, 4), question()).reliability
    assert len(bins) == 15
    assert bins[:, 2].sum() == 30_000
    assert bins[:, 2] == pytest.approx(np.full(15, 2000), rel=0.03)
    assert (np.diff(bins[:, 0]) > 0).all()
    assert bins[:, 1] == pytest.approx(bins[:, 0], abs=0.05)


def test_true_promises_have_hardly_any_calibration_error() -> None:
    found = measure(outcomes(10_000, 1), question())
    assert found.ece is not None
    assert found.ece[0] < 0.015
    assert found.ece[1] == 0.0


@pytest.mark.parametrize("shift", [0.8, -0.8])
def test_shifted_promises_have_the_error_of_the_shift(shift: float) -> None:
    scores = outcomes(10_000, 2)
    asked = question(calibration=Calibration(1.0, shift))
    found = measure(scores, asked)
    # All scores err to the same side, so bins do not matter: the mean error, by integration.
    grid = np.linspace(-12, 12, 100_001)
    density = np.exp(-(grid**2) / (2 * 1.5**2))
    expected = ((sigmoid(grid + shift) - sigmoid(grid)) * density).sum() / density.sum()
    assert found.ece is not None
    assert found.ece[0] == pytest.approx(abs(expected), abs=0.015)
    assert found.ece[1] < abs(expected) < found.ece[2]


def test_steeper_promises_have_an_error_that_does_not_cancel() -> None:
    """Too low below one half and too high above: the mean error is near 0, the sum is not."""
    found = measure(outcomes(10_000, 3), question(calibration=Calibration(2.5, 0.0)))
    grid = np.linspace(-12, 12, 100_001)
    density = np.exp(-(grid**2) / (2 * 1.5**2))
    expected = (np.abs(sigmoid(2.5 * grid) - sigmoid(grid)) * density).sum() / density.sum()
    assert found.ece is not None
    assert found.ece[0] == pytest.approx(expected, abs=0.015)


def test_scores_by_points_are_measured_as_the_program_computes_them() -> None:
    points = ((-1.0, 0.1), (0.0, 0.5), (1.0, 0.7))
    logits = np.array([[-3.0, -0.5], [0.5, 9.0]])
    scores = probabilities_of(logits, Calibration(1.0, 0.0, points))
    assert scores == pytest.approx(np.array([[0.1, 0.3], [0.6, 0.7]]))


def test_fields_for_the_card_are_plain_json() -> None:
    rounded = measure(separated(30), question()).rounded()
    assert json.loads(json.dumps(rounded, allow_nan=False)) == rounded
    for name in ("auc", "average_precision", "tpr_at_1", "tpr_at_5", "ece"):
        value, low, high = rounded[name]
        assert 0 <= low <= value <= high <= 1
    low, high = rounded["cross_entropy_interval"]
    assert low < rounded["cross_entropy"] < high


def test_an_image_of_each_class_can_be_measured() -> None:
    found = measure(Scores(np.array([[-1.0], [1.0]]), np.array([0, 1])), question())
    assert found.auc == (1.0, 1.0, 1.0)
    assert found.ece is not None


def test_nothing_to_measure_and_no_numbers_are_refused_in_a_sentence() -> None:
    empty = Scores(np.empty((0, 4)), np.empty(0, dtype=np.int64))
    broken = Scores(np.array([[1.0, np.nan], [0.0, 1.0]]), np.array([0, 1]))
    for action in (measure, curves):
        with pytest.raises(CorpusError, match="no image to measure"):
            action(empty, question())
        with pytest.raises(ExportError, match="no number for 1 of 2 images"):
            action(broken, question())


def test_thousand_rounds_over_two_thousand_images_are_quick() -> None:
    scores = separated(1000, 1.0, draws=4)
    begin = time.perf_counter()
    measure(scores, question())
    assert time.perf_counter() - begin < 10  # half a second on an idle core


def noisy(scores: Scores, seed: int, spread: float = 1.0) -> Scores:
    noise = np.random.default_rng(seed).normal(0, spread, scores.logits.shape)
    return Scores(scores.logits + noise, scores.labels)


def test_difference_of_a_model_from_itself_is_nothing() -> None:
    scores = separated(50, 1.0)
    found = paired_difference(scores, scores)
    assert found.difference == (0.0, 0.0, 0.0)
    assert found.first == found.second == pytest.approx(roc_auc_score(scores.labels, scores.logits))


def test_difference_over_seeds_is_that_of_a_plain_paired_bootstrap() -> None:
    base = separated(30, 1.5)
    first, second = [base, noisy(base, 1, 0.3)], [noisy(base, 2, 2.0), noisy(base, 3, 2.0)]
    found = paired_difference(first, second)

    def gaps(authentic: NDArray[np.int64], tampered: NDArray[np.int64]) -> list[float]:
        """By the definition: the share of pairs in the right order. No scores are equal."""
        a, b = (
            [(s.logits[tampered] > s.logits[authentic].T).mean() for s in models]
            for models in (first, second)
        )
        return [float(one - other) for one, other in zip(a, b, strict=True)]

    measured = gaps(np.arange(30), np.arange(30, 60))
    assert found.seeds == pytest.approx(measured)
    assert found.difference[0] == pytest.approx(np.mean(measured))
    assert found.first - found.second == pytest.approx(np.mean(measured))
    random = np.random.default_rng(9)
    drawn = [np.mean(gaps(random.choice(30, 30), 30 + random.choice(30, 30))) for _ in range(4000)]
    # Other random numbers, hence not the same to the last digit.
    assert found.difference[1:] == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.012)


def test_pairing_takes_out_what_both_models_find_hard() -> None:
    first, second = separated(150, 1.0), noisy(separated(150, 1.0), 4, 0.5)
    _, low, high = paired_difference(first, second).difference
    apart = [measure(scores, question()).auc for scores in (first, second)]
    unpaired = math.hypot(*(ends[2] - ends[1] for ends in apart if ends is not None))
    assert high - low < 0.6 * unpaired


@pytest.mark.parametrize("statistic", STATISTICS)
def test_difference_of_each_statistic_is_that_of_the_measures(statistic: str) -> None:
    first, second = separated(120, 1.5), noisy(separated(120, 1.5), 5)
    values = [getattr(measure(scores, question()), statistic)[0] for scores in (first, second)]
    found = paired_difference(first, second, statistic)
    assert (found.statistic, found.first, found.second) == (statistic, *values)


def test_seeds_on_the_same_images_in_another_order_are_drawn_together() -> None:
    base, other = separated(50, 1.0), noisy(separated(50, 1.0), 6)
    turned = np.arange(100)[::-1]
    a, b = (Scores(s.logits[turned], s.labels[turned]) for s in (base, other))
    names = [f"image {place:03}" for place in range(100)]
    together = paired_difference([base, base], [other, other], identities=[names, names])
    found = paired_difference([base, a], [other, b], identities=[names, names[::-1]])
    assert found.difference == pytest.approx(together.difference)


def test_seeds_on_different_images_narrow_the_interval() -> None:
    """Two seeds with a test part of their own know as much as one with both."""
    base, other = separated(100, 1.0), noisy(separated(100, 1.0), 7)
    halves = [np.arange(200) % 2 == part for part in (0, 1)]
    first, second = (
        [Scores(s.logits[half], s.labels[half]) for half in halves] for s in (base, other)
    )
    names = [[f"{part} {place}" for place in range(100)] for part in (0, 1)]
    apart = paired_difference(first, second, identities=names)
    as_if_same = paired_difference(first, second)

    def width(ends: tuple[float, float, float]) -> float:
        return ends[2] - ends[1]

    one = width(paired_difference(base, other).difference)
    assert width(apart.difference) == pytest.approx(one, rel=0.25)
    assert apart.difference[0] == as_if_same.difference[0]


def test_models_on_other_images_are_not_compared() -> None:
    scores = separated(20)
    fewer = Scores(scores.logits[1:], scores.labels[1:])
    turned = Scores(scores.logits[::-1], scores.labels[::-1])
    with pytest.raises(CorpusError, match="same images"):
        paired_difference(scores, fewer)
    with pytest.raises(CorpusError, match="same images"):
        paired_difference(scores, turned)
    with pytest.raises(CorpusError, match="same images"):
        paired_difference([scores, turned], [scores, turned])  # the order is not the same
    with pytest.raises(CorpusError, match="same images"):
        paired_difference(scores, scores, identities=[["a", "b"]])
    with pytest.raises(CorpusError, match="both classes"):
        paired_difference(*[Scores(scores.logits[:20], scores.labels[:20])] * 2)


@pytest.mark.slow
def test_intervals_of_simulated_data_hold_the_truth_about_as_often_as_they_say() -> None:
    """Draws of an image share most of their logit, as they do in truth."""
    random = np.random.default_rng(21)
    labels = np.repeat([0, 1], 80)
    auc = NormalDist().cdf(1.0 / math.sqrt(2 * (1 + 0.25)))
    alarms = 1 - NormalDist(0, math.sqrt(1.25)).cdf(math.log(4))
    held = {"auc": 0, "false_alarms": 0}
    trials = 150
    for _ in range(trials):
        image = random.normal(labels, 1.0)
        logits = image[:, None] + random.normal(0, 0.5, (160, 4))
        found = measure(Scores(logits, labels), question())
        assert found.auc is not None
        assert found.false_alarms is not None
        held["auc"] += found.auc[1] <= auc <= found.auc[2]
        held["false_alarms"] += found.false_alarms[1] <= alarms <= found.false_alarms[2]
    assert 0.90 * trials <= held["auc"] <= 0.99 * trials
    assert 0.87 * trials <= held["false_alarms"] <= 0.99 * trials


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "error"), [(0.0, 0.0), (0.5, 0.0873)])
def test_intervals_of_the_calibration_error_hold_it(shift: float, error: float) -> None:
    """The plain error is far off on 200 images; its interval must say so."""
    asked = question(calibration=Calibration(1.0, shift))
    found = [measure(outcomes(200, seed), asked).ece for seed in range(80)]
    held = [ece is not None and ece[1] <= error <= ece[2] for ece in found]
    assert np.mean(held) >= 0.88
    assert np.mean([ece[0] for ece in found if ece is not None]) > error + 0.02
