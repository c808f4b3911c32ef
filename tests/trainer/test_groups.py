"""Measures by group against scikit-learn and hand-made cases."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.models import question
from trainer.errors import CorpusError, ExportError
from trainer.measures.groups import by_group, quality_bands
from trainer.measures.metrics import Scores, measure

HIGH, MIDDLE, LOW = 3.0, 0.0, -3.0
"""Logits whose scores are positive, inconclusive and negative for the tests' question."""


def simulated(count: int = 60, draws: int = 2) -> Scores:
    random = np.random.default_rng(13)
    labels = np.repeat([0, 1], count)
    return Scores(random.normal(labels[:, None], 1.0, (2 * count, draws)), labels)


def test_groups_by_hand() -> None:
    logits = [[LOW, LOW], [LOW, HIGH], [HIGH, HIGH], [HIGH, LOW], [MIDDLE, LOW], [LOW, MIDDLE]]
    scores = Scores(np.array(logits), np.array([0, 0, 1, 1, 1, 0]))
    names = np.array(["camera", "camera", "splice", "splice", "copy", "web"])
    found = by_group(scores, question(), names)
    assert list(found) == ["camera", "copy", "splice", "web"]
    camera, splice, copy = found["camera"], found["splice"], found["copy"]
    assert (camera.authentic, camera.tampered, camera.draws) == (2, 0, 4)
    assert camera.false_alarms is not None
    assert camera.false_alarms[0] == 0.25
    assert (camera.auc, camera.detections, camera.against_all) == (None, None, False)
    assert (splice.authentic, splice.tampered, splice.draws) == (0, 2, 4)
    assert splice.detections is not None
    assert splice.detections[0] == 0.75
    assert (splice.false_alarms, splice.against_all) == (None, True)
    assert copy.detections is not None
    assert copy.detections[0] == 0.0


def test_group_of_one_kind_is_compared_with_all_authentic_images() -> None:
    scores = simulated()
    kinds = np.where(scores.labels == 0, "authentic", np.tile(["splice", "copy"], 60))
    found = by_group(scores, question(), kinds)
    for kind in ("splice", "copy"):
        chosen = (kinds == kind) | (scores.labels == 0)
        expected = roc_auc_score(np.repeat(scores.labels[chosen], 2), scores.logits[chosen].ravel())
        interval = found[kind].auc
        assert interval is not None
        assert interval[0] == pytest.approx(expected)
        assert interval[1] < expected < interval[2]
        assert found[kind].against_all


def test_group_with_both_classes_is_measured_as_a_set_of_its_own() -> None:
    scores = simulated()
    corpora = np.tile(["one", "two", "two"], 40)
    found = by_group(scores, question(), corpora)
    for corpus, group in found.items():
        chosen = corpora == corpus
        alone = measure(Scores(scores.logits[chosen], scores.labels[chosen]), question())
        assert not group.against_all
        for name in ("auc", "tpr_at_1", "tpr_at_5", "detections", "false_alarms"):
            assert getattr(group, name) == pytest.approx(getattr(alone, name))


def test_groups_of_draws() -> None:
    """Two draws of an image may be in two groups, and only those in a group count there."""
    scores = simulated(draws=3)
    names = np.random.default_rng(2).choice(["60-69", "70-79"], scores.logits.shape)
    found = by_group(scores, question(), names)
    assert sum(group.draws for group in found.values()) == scores.logits.size
    labels = np.repeat(scores.labels[:, None], 3, axis=1)
    positive = 1 / (1 + np.exp(-scores.logits)) >= 0.8
    for name, group in found.items():
        inside = names == name
        assert group.auc is not None
        assert group.auc[0] == pytest.approx(roc_auc_score(labels[inside], scores.logits[inside]))
        for label, rate in ((0, group.false_alarms), (1, group.detections)):
            assert rate is not None
            assert rate[0] == pytest.approx(positive[inside & (labels == label)].mean())
            assert rate[1] <= rate[0] <= rate[2]
        assert group.authentic == (inside.any(axis=1) & (scores.labels == 0)).sum()


def test_images_of_a_group_are_drawn_with_all_their_draws() -> None:
    """Four copies of each image know no more than one."""
    scores = simulated(draws=1)
    copied = Scores(np.repeat(scores.logits, 4, axis=1), scores.labels)
    names = np.tile(["one", "two"], 60)
    single, fourfold = (by_group(held, question(), names)["one"] for held in (scores, copied))
    assert single.auc == pytest.approx(fourfold.auc)
    assert single.detections == pytest.approx(fourfold.detections)
    assert fourfold.draws == 4 * single.draws


def test_images_without_a_group_are_left_out() -> None:
    scores = simulated(4)
    assert list(by_group(scores, question(), np.array(["", "a"] * 4))) == ["a"]
    assert by_group(scores, question(), np.array([""] * 8)) == {}


def test_without_authentic_images_there_are_detections_only() -> None:
    scores = Scores(np.array([[HIGH], [LOW]]), np.array([1, 1]))
    group = by_group(scores, question(), np.array(["a", "a"]))["a"]
    assert group.detections is not None
    assert group.detections[0] == 0.5
    assert (group.auc, group.tpr_at_1, group.against_all) == (None, None, False)
    json.dumps(group.rounded(), allow_nan=False)


def test_group_of_one_image() -> None:
    scores = Scores(np.array([[HIGH], [LOW], [MIDDLE]]), np.array([1, 0, 0]))
    group = by_group(scores, question(), np.array(["a", "b", "b"]))["a"]
    assert group.auc == (1.0, 1.0, 1.0)
    assert group.detections == (1.0, 1.0, 1.0)


def test_empty_set_and_no_numbers_are_refused_in_a_sentence() -> None:
    with pytest.raises(CorpusError, match="no image"):
        by_group(
            Scores(np.empty((0, 2)), np.empty(0, dtype=np.int64)),
            question(),
            np.empty(0, dtype="U1"),
        )
    with pytest.raises(ExportError, match="no number for 1 of 1"):
        by_group(Scores(np.array([[math.inf]]), np.array([1])), question(), np.array(["a"]))


def test_bands_of_quality() -> None:
    quality = np.array([[1, 9, 10], [69, 70, 79], [89, 90, 99], [100, 0, 75]])
    assert quality_bands(quality).tolist() == [
        ["0-9", "0-9", "10-19"],
        ["60-69", "70-79", "70-79"],
        ["80-89", "90-100", "90-100"],
        ["90-100", "published", "70-79"],
    ]
    assert quality_bands(np.empty((0, 4), dtype=np.int64)).shape == (0, 4)


@pytest.mark.slow
def test_intervals_of_a_small_group_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(31)
    names = np.repeat(["authentic", "splice", "copy"], (60, 25, 60))
    labels = (names != "authentic").astype(np.int64)
    truth = 0.5 * (1 + math.erf(1.2 / 2))  # of two normals 1.2 apart, each with spread 1
    held = 0
    for _ in range(150):
        scores = Scores(random.normal(1.2 * labels, 1.0)[:, None], labels)
        auc = by_group(scores, question(), names)["splice"].auc
        assert auc is not None
        held += auc[1] <= truth <= auc[2]
    assert 0.88 * 150 <= held <= 0.99 * 150
