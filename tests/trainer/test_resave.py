"""The shared save pipeline: depends on seed, content and draw, never on the class."""

import io

import numpy as np
import pytest
from PIL import Image

from app.analysis.recompress import SUBSAMPLINGS
from tests.pictures import pillow_round_trip, scene
from trainer.corpus.resave import ResaveRange, history_of, resave
from trainer.errors import CorpusError

RANGES = ResaveRange(longer_side=(60, 120), quality=(70, 90), second_save=0.5)


def test_same_key_gives_the_same_pixels_and_another_draw_gives_others() -> None:
    pixels = scene(80, 100)
    first, history = resave(pixels, RANGES, 1, "abc", 0)
    again, same = resave(pixels, RANGES, 1, "abc", 0)
    assert np.array_equal(first, again)
    assert history == same
    others = [
        resave(pixels, RANGES, *key)[1] for key in ((1, "abc", 1), (2, "abc", 0), (1, "x", 0))
    ]
    assert all(other != history for other in others)


def test_draws_stay_in_range_and_use_all_of_it() -> None:
    pixels = scene(80, 100)
    histories = [resave(pixels, RANGES, 1, "abc", draw)[1] for draw in range(200)]
    sides = [max(h.width, h.height) for h in histories]
    qualities = {quality for h in histories for quality, _ in h.saves}
    assert min(sides) >= 60
    assert max(sides) <= 120
    assert max(sides) - min(sides) > 50
    assert qualities == set(range(70, 91))
    assert {subsampling for h in histories for _, subsampling in h.saves} == set(SUBSAMPLINGS)
    twice = sum(len(h.saves) == 2 for h in histories)
    assert 70 < twice < 130


def test_last_save_is_a_real_jpeg_save() -> None:
    """Saving the result once more with the same settings changes next to nothing."""
    result, history = resave(scene(80, 100), RANGES, 1, "abc", 3)
    quality, subsampling = history.saves[-1]
    again = pillow_round_trip(result, quality, subsampling)
    fresh = pillow_round_trip(scene(*result.shape[:2]), quality, subsampling)
    settled = np.abs(result.astype(int) - again).mean()
    unsettled = np.abs(scene(*result.shape[:2]).astype(int) - fresh).mean()
    assert settled < unsettled / 3


def test_history_is_known_without_doing_it() -> None:
    ranges = ResaveRange(longer_side=(60, 120), quality=(70, 90), second_save=0.5, webp=0.4)
    pixels = scene(80, 100)
    for draw in range(40):
        done = resave(pixels, ranges, 1, "abc", draw)[1]
        assert history_of(80, 100, ranges, 1, "abc", draw) == done


def test_webp_saves_are_what_pillow_makes_of_the_same_pixels() -> None:
    """At least as near to Pillow's own WebP save as that is to the unsaved picture, by far."""
    ranges = ResaveRange(longer_side=(100, 100), quality=(60, 60), second_save=0.0, webp=1.0)
    pixels = scene(80, 100)
    result, history = resave(pixels, ranges, 1, "abc", 0)
    assert history.saves == ((60, "WebP"),)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=60)
    expected = np.asarray(Image.open(stream).convert("RGB")).astype(int)
    change = np.abs(expected - pixels).mean()
    assert change > 0.5
    assert np.abs(result - expected).mean() < change / 4


def test_share_of_webp_saves_is_as_asked() -> None:
    ranges = ResaveRange(second_save=0.0, webp=0.25)
    saves = [history_of(80, 100, ranges, 1, "abc", draw).saves[0][1] for draw in range(800)]
    assert 0.2 < saves.count("WebP") / 800 < 0.3


def test_range_that_is_empty_is_refused() -> None:
    with pytest.raises(CorpusError, match="low to its high"):
        ResaveRange(quality=(90, 70))
    with pytest.raises(CorpusError, match="between 1 and 100"):
        ResaveRange(quality=(0, 70))
