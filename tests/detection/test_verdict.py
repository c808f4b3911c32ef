import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.card import Calibration, OperatingPoint
from app.detection.verdict import State, calibrated, explain, reasons_against, state_of
from app.evidence.decode import DecodeRecord
from tests.models import card, question

GOOD = DecodeRecord(
    decoder="Pillow",
    format="PNG",
    width=64,
    height=48,
    mode="RGB",
    bit_depth=8,
    frames=1,
    exif_orientation=None,
    alpha="none",
    icc_profile=False,
    conversions=(),
)


@pytest.mark.parametrize(
    ("slope", "offset", "logit", "score"),
    [
        (1.0, 0.0, 0.0, 0.5),
        (1.0, 0.0, math.log(4), 0.8),
        (1.0, 0.0, -math.log(4), 0.2),
        (2.0, 0.0, math.log(3), 0.9),
        (0.5, -1.0, 2.0, 0.5),
        (1.0, math.log(9), 0.0, 0.9),
    ],
)
def test_calibration_by_hand(slope: float, offset: float, logit: float, score: float) -> None:
    asked = question(calibration=Calibration(slope, offset))
    assert calibrated(asked.calibration, logit) == pytest.approx(score, abs=1e-12)


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_a_score_lies_between_0_and_1_and_rises_with_the_logit(
    first: float, second: float, slope: float, offset: float
) -> None:
    asked = question(calibration=Calibration(slope, offset))
    low, high = (calibrated(asked.calibration, logit) for logit in sorted((first, second)))
    assert 0.0 <= low <= high <= 1.0


POINTS = ((-2.0, 0.125), (0.0, 0.25), (2.0, 0.25), (4.0, 0.75))


@pytest.mark.parametrize(
    ("logit", "score"),
    [
        (-1e30, 0.125),
        (-2.0, 0.125),
        (-1.0, 0.1875),
        (0.0, 0.25),
        (1.9, 0.25),
        (2.0, 0.25),
        (3.0, 0.5),
        (3.5, 0.625),
        (4.0, 0.75),
        (1e30, 0.75),
    ],
)
def test_points_by_hand_whatever_the_sigmoid_beside_them(logit: float, score: float) -> None:
    for sigmoid in ((1.0, 0.0), (5.0, -3.0)):
        assert calibrated(Calibration(*sigmoid, POINTS), logit) == score


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=8))
def test_lines_between_points_are_those_of_numpy(logits: list[float]) -> None:
    scores = [calibrated(Calibration(1.0, 0.0, POINTS), logit) for logit in logits]
    assert scores == pytest.approx(np.interp(logits, *zip(*POINTS, strict=True)), abs=1e-15)


_SHARES = st.floats(0, 1, allow_subnormal=True)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6, unique=True),
    st.lists(_SHARES, min_size=6, max_size=6),
    st.floats(-1e30, 1e30) | st.floats(-1e6, 1e6),
    _SHARES,
)
def test_a_score_by_points_never_falls_and_stays_between_the_points(
    logits: list[float], scores: list[float], logit: float, share: float
) -> None:
    points = tuple(zip(sorted(logits), sorted(scores)[: len(logits)], strict=True))
    fitted = Calibration(1.0, 0.0, points)
    # A second logit close by, and one between two points, where rounding is hardest.
    between = points[0][0] + share * (points[1][0] - points[0][0])
    asked = sorted([logit, between, math.nextafter(between, math.inf), *logits])
    given_scores = [calibrated(fitted, one) for one in asked]
    assert given_scores == sorted(given_scores)
    assert points[0][1] <= given_scores[0]
    assert given_scores[-1] <= points[-1][1]


@pytest.mark.parametrize(
    ("score", "state"),
    [
        (0.0, State.NEGATIVE),
        (math.nextafter(0.2, 0), State.NEGATIVE),
        (0.2, State.INCONCLUSIVE),
        (0.5, State.INCONCLUSIVE),
        (math.nextafter(0.8, 0), State.INCONCLUSIVE),
        (0.8, State.POSITIVE),
        (1.0, State.POSITIVE),
    ],
)
def test_states_include_their_lower_threshold(score: float, state: State) -> None:
    assert state_of(question(), score) is state


def test_without_a_band_a_score_is_positive_or_negative() -> None:
    asked = question(inconclusive_below=0.8)
    assert state_of(asked, math.nextafter(0.8, 0)) is State.NEGATIVE
    assert state_of(asked, 0.8) is State.POSITIVE


def test_words_of_a_state_give_the_rate_behind_it() -> None:
    asked = question()
    assert explain(asked, State.POSITIVE) == (
        "Consistent with a change. In calibration at most 1% of the opposite images scored so high."
    )
    assert explain(asked, State.NEGATIVE) == (
        "No sign of a change. In calibration about 25% of the opposite images scored so low."
    )
    assert explain(asked, State.INCONCLUSIVE).startswith("Inconclusive:")


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.004, "0.4%"), (0.00037, "0.037%"), (0.0949, "9.5%"), (0.25, "25%"), (0.0, "0%")],
)
def test_a_small_rate_is_not_called_zero(rate: float, words: str) -> None:
    point = OperatingPoint(false_alarm_rate=rate, threshold=0.8)
    asked = question(operating_point=point, miss_rate=rate)
    assert explain(asked, State.POSITIVE).endswith(
        f" In calibration at most {words} of the opposite images scored so high."
    )
    assert explain(asked, State.NEGATIVE).endswith(
        f" In calibration about {words} of the opposite images scored so low."
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "JPEG"}, "its format is JPEG, the model knows PNG only"),
        ({"width": 15}, "its shorter side has 15 pixels, below 16"),
        ({"height": 15, "width": 60}, "its shorter side has 15 pixels, below 16"),
        ({"height": 513, "width": 400}, "its longer side has 513 pixels, above 512"),
        ({"width": 193, "height": 48}, "its sides are more than 4 to 1"),
        ({"width": 48, "height": 193}, "its sides are more than 4 to 1"),
    ],
)
def test_each_limit_of_validity_gives_its_reason(changes: dict[str, object], reason: str) -> None:
    assert reasons_against(card(), dataclasses.replace(GOOD, **changes)) == (reason,)  # type: ignore[arg-type]


def test_the_limits_themselves_are_inside() -> None:
    for width, height in ((16, 16), (512, 512), (192, 48), (48, 192)):
        record = dataclasses.replace(GOOD, width=width, height=height)
        assert reasons_against(card(), record) == ()


def test_several_formats_are_listed() -> None:
    several = card(validity={"formats": ("PNG", "JPEG")})
    assert reasons_against(several, dataclasses.replace(GOOD, format="JPEG")) == ()
    (reason,) = reasons_against(several, dataclasses.replace(GOOD, format="MPO"))
    assert reason == "its format is MPO, the model knows PNG or JPEG only"


def test_another_encoder_than_the_trainings_is_a_reason() -> None:
    foreign = card(preparation={"encoder_fingerprint": "0123456789abcdef", "planes": ("ela",)})
    (reason,) = reasons_against(foreign, GOOD)
    assert reason == "this computer's JPEG encoder differs from the one of the training"


def test_the_encoder_does_not_matter_to_a_model_without_error_levels() -> None:
    pixels_only = card(preparation={"encoder_fingerprint": "0123456789abcdef"})
    assert reasons_against(pixels_only, GOOD) == ()


def test_all_reasons_are_given_at_once() -> None:
    record = dataclasses.replace(GOOD, format="GIF", width=600, height=8)
    assert len(reasons_against(card(), record)) == 4


def test_the_program_never_calls_an_image_a_fake(repository: Path) -> None:
    """The words are *consistent with*, *inconclusive* and *outside the model's validity*."""
    sources = [repository / "README.md"]
    for folder in ("app", "trainer"):
        sources += sorted((repository / folder).rglob("*.py"))
    sources += sorted((repository / "resources").rglob("*.md"))
    assert len(sources) > 30
    found = [
        f"{path.relative_to(repository)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"\bfake", line, re.IGNORECASE)
    ]
    assert found == []
