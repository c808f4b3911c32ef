"""Pixel F1 and IoU by hand."""

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score, jaccard_score

from trainer.measures.pixels import measure_counts, pixel_counts, pixel_measures

NOTHING = np.zeros((2, 2))
LEFT = np.array([[1.0, 0.0], [1.0, 0.0]])
TOP = np.array([[1.0, 1.0], [0.0, 0.0]])
ALL = np.ones((2, 2))
UNKNOWN = np.full((2, 2), np.nan)


def test_one_image_by_hand() -> None:
    """Of two marked pixels one is right, and one is missed: F1 1/2, IoU 1/3."""
    found = pixel_measures([TOP], [LEFT], 0.5)
    assert found.f1 == (0.5, 0.5, 0.5)
    assert found.iou == pytest.approx((1 / 3,) * 3)
    assert (found.altered_f1, found.empty) == (found.f1, None)


def test_means_over_images_by_hand() -> None:
    maps = [TOP, LEFT, ALL, NOTHING, NOTHING, TOP]
    masks = [LEFT, LEFT, LEFT, LEFT, NOTHING, NOTHING]
    found = pixel_measures(maps, masks, 0.5)
    # F1: 1/2, 1, 2/3, 0, then rightly empty 1, wrongly marked 0. IoU: 1/3, 1, 1/2, 0, 1, 0.
    assert found.f1 is not None
    assert found.f1[0] == pytest.approx((1 / 2 + 1 + 2 / 3 + 0 + 1 + 0) / 6)
    assert found.iou is not None
    assert found.iou[0] == pytest.approx((1 / 3 + 1 + 1 / 2 + 0 + 1 + 0) / 6)
    assert found.altered_f1 is not None
    assert found.altered_f1[0] == pytest.approx((1 / 2 + 1 + 2 / 3) / 4)
    assert found.altered_iou is not None
    assert found.altered_iou[0] == pytest.approx((1 / 3 + 1 + 1 / 2) / 4)
    assert found.empty is not None
    assert found.empty[0] == 0.5
    assert (found.images, found.altered, found.unknown, found.draws) == (6, 4, 0, 1)


def test_random_masks_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    maps, masks = random.random((20, 6, 9)), (random.random((20, 6, 9)) < 0.3).astype(np.float32)
    found = pixel_measures(maps, masks, 0.7)
    for score, interval in ((f1_score, found.f1), (jaccard_score, found.iou)):
        pairs = zip(masks, maps >= 0.7, strict=True)
        expected = np.mean([score(mask.ravel() == 1, marked.ravel()) for mask, marked in pairs])
        assert interval is not None
        assert interval[0] == pytest.approx(expected)
        assert interval[1] < expected < interval[2]


def test_threshold_belongs_to_the_marked_pixels_and_half_a_mask_to_the_altered() -> None:
    counts = pixel_counts(
        [np.array([[0.3, math.nextafter(0.3, 0)]])], [np.array([[0.5, 0.49]])], 0.3
    )
    assert counts.tolist() == [[1, 0, 0]]


def test_images_without_a_known_mask_are_left_out() -> None:
    found = pixel_measures([ALL, LEFT, ALL], [UNKNOWN, LEFT, UNKNOWN], 0.5)
    assert (found.images, found.unknown) == (1, 2)
    assert found.f1 == (1.0, 1.0, 1.0)


def test_pixels_that_are_not_known_count_in_nothing() -> None:
    mask = np.array([[1.0, math.nan], [0.0, math.nan]])
    assert pixel_counts([ALL], [mask], 0.5).tolist() == [[1, 1, 0]]
    assert pixel_counts([NOTHING], [mask], 0.5).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("maps", "masks", "unknown"), [([], [], 0), ([ALL], [UNKNOWN], 1)], ids=["none", "none known"]
)
def test_nothing_known_is_nothing_measured(
    maps: list[NDArray[np.float64]], masks: list[NDArray[np.float64]], unknown: int
) -> None:
    found = pixel_measures(maps, masks, 0.5)
    assert (found.images, found.unknown, found.altered) == (0, unknown, 0)
    assert (found.f1, found.iou, found.altered_f1, found.altered_iou, found.empty) == (None,) * 5


def test_only_unaltered_images_have_no_altered_means() -> None:
    found = pixel_measures([NOTHING, NOTHING, TOP], [NOTHING] * 3, 0.5)
    assert (found.altered, found.altered_f1, found.altered_iou) == (0, None, None)
    assert found.f1 is not None
    assert found.f1[0] == pytest.approx(2 / 3)
    assert found.empty == found.f1
    assert json.loads(json.dumps(found.rounded(), allow_nan=False))["f1"][0] == 0.6667


def test_marking_everything_or_nothing_does_not_look_good() -> None:
    masks = [NOTHING] * 9 + [LEFT]
    everything = pixel_measures([ALL] * 10, masks, 0.5)
    nothing = pixel_measures([NOTHING] * 10, masks, 0.5)
    assert everything.f1 is not None
    assert everything.f1[0] < 0.07
    assert nothing.altered_f1 == (0.0, 0.0, 0.0)


def test_draws_of_an_image_are_drawn_together() -> None:
    random = np.random.default_rng(6)
    maps, masks = random.random((30, 4, 4)), (random.random((30, 4, 4)) < 0.4).astype(np.float16)
    single = pixel_measures(maps, masks, 0.5)
    copied = pixel_measures(np.repeat(maps, 5, axis=0), np.repeat(masks, 5, axis=0), 0.5, draws=5)
    assert (copied.images, copied.draws) == (30, 5)
    assert copied.f1 == pytest.approx(single.f1)
    apart = pixel_measures(np.repeat(maps, 5, axis=0), np.repeat(masks, 5, axis=0), 0.5)
    assert apart.f1 is not None
    assert single.f1 is not None
    assert apart.f1[2] - apart.f1[1] < 0.6 * (single.f1[2] - single.f1[1])


def test_forgery_too_small_for_one_of_its_draws() -> None:
    """A crop or a coarse mask may lose it; that draw counts among the unaltered ones."""
    found = measure_counts(pixel_counts([LEFT, NOTHING], [LEFT, NOTHING], 0.5), draws=2)
    assert (found.images, found.altered) == (1, 1)
    assert found.altered_f1 == (1.0, 1.0, 1.0)
    assert found.empty == (1.0, 1.0, 1.0)


def test_maps_may_come_one_by_one() -> None:
    maps, masks = [TOP, LEFT, ALL], [LEFT, LEFT, NOTHING]
    assert pixel_measures(iter(maps), iter(masks), 0.5) == pixel_measures(
        np.stack(maps), np.stack(masks), 0.5
    )


def test_maps_that_do_not_fit_the_masks_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"a mask of \(2, 2\) for a map of \(4,\)"):
        pixel_counts([ALL.ravel()], [ALL], 0.5)
    with pytest.raises(ValueError, match="shorter"):
        pixel_counts([ALL, ALL], [ALL], 0.5)
