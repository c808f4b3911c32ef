from pathlib import Path

import cv2
import numpy as np
import pytest

from app.analysis.copy_move import VERSION, CopyMoveParams, copy_move
from app.detection import judging
from app.detection.backbone import Backbone, Backbones
from app.detection.card import Calibration, CopyMoveEvidence
from app.detection.detector import Detector
from app.detection.judging import VARIATIONS, Variation, judge, judge_in_steps
from app.detection.verdict import State, settled
from app.errors import ModelRefusedError
from app.evidence.decode import DecodedImage, decode
from tests.backbones import head_card, write_backbone, write_head
from tests.models import card, question, write_model
from tests.pictures import encoded, in_memory, noise


def _grey(level: int, side: int = 64) -> DecodedImage:
    return decode(in_memory(encoded(np.full((side, side, 3), level, np.uint8), "PNG")))


def _brighter(by: int) -> Variation:
    return Variation(
        f"brighter by {by}", lambda pixels: (pixels.astype(int) + by).clip(0, 255).astype(np.uint8)
    )


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    """Positive above a level of about 166, negative below one of about 90."""
    return Detector(write_model(tmp_path / "grey" / "model.onnx", card().to_json()))


def test_the_range_is_that_of_the_picture_and_its_variations(detector: Detector) -> None:
    (verdict,) = judge([detector], _grey(128), [_brighter(16), _brighter(-32)])
    sigmoid = [1 / (1 + np.exp(-logit)) for logit in (0, 1, -2)]
    assert verdict.score == pytest.approx(sigmoid[0], abs=1e-6)
    assert verdict.low == pytest.approx(sigmoid[2], abs=1e-6)
    assert verdict.high == pytest.approx(sigmoid[1], abs=1e-6)


def test_without_variations_there_is_no_range(detector: Detector) -> None:
    (verdict,) = judge([detector], _grey(200), ())
    assert (verdict.state, verdict.low, verdict.high) == (State.POSITIVE, None, None)


@pytest.mark.parametrize(
    ("level", "by", "state"),
    [
        (200, -150, State.INCONCLUSIVE),  # positive, and negative when darker
        (200, -72, State.POSITIVE),  # darker it is inconclusive, which contradicts nothing
        (50, 150, State.INCONCLUSIVE),
        (50, 80, State.NEGATIVE),
        (128, 100, State.INCONCLUSIVE),
    ],
)
def test_an_answer_that_turns_around_is_inconclusive(
    detector: Detector, level: int, by: int, state: State
) -> None:
    (verdict,) = judge([detector], _grey(level), [_brighter(by)])
    assert verdict.state is state
    turned = state is State.INCONCLUSIVE and level != 128
    said = f"Inconclusive: brighter by {by}, the picture gets the opposite answer."
    assert (verdict.reason == said) is turned


def test_settled_never_makes_an_answer_stronger() -> None:
    asked = question()
    assert settled(asked, [0.5, 0.99, 0.01]) == (State.INCONCLUSIVE, None)
    assert settled(asked, [0.99, 0.5]) == (State.POSITIVE, None)
    assert settled(asked, [0.99]) == (State.POSITIVE, None)
    assert settled(asked, [0.99, 0.5, 0.01, 0.02]) == (State.INCONCLUSIVE, 1)
    assert settled(asked, [0.01, 0.99]) == (State.INCONCLUSIVE, 0)


def test_the_variations_are_what_they_are_called() -> None:
    pixels = noise(80, 100)
    changed = [variation.apply(pixels) for variation in VARIATIONS]
    assert [one.shape for one in changed] == [(80, 100, 3), (80, 100, 3), (72, 90, 3), (72, 92, 3)]
    assert np.array_equal(changed[3], pixels[8:, 8:])
    # The coarser save changes more.
    far = [np.abs(one.astype(int) - pixels).mean() for one in changed[:2]]
    assert far[0] > far[1] > 0


def test_the_same_picture_saved_again_never_turns_around(detector: Detector) -> None:
    """What a variation is tried with is what another may do to the file."""
    for seed in range(30):
        random = np.random.default_rng(seed)
        level, grain = int(random.integers(40, 220)), int(random.integers(1, 30))
        values = level + random.integers(-grain, grain + 1, (64, 64, 3))
        image = decode(in_memory(encoded(values.clip(0, 255).astype(np.uint8), "PNG")))
        (verdict,) = judge([detector], image)
        for variation in VARIATIONS:
            again = decode(in_memory(encoded(variation.apply(image.pixels), "PNG")))
            (other,) = judge([detector], again)
            assert {verdict.state, other.state} != {State.POSITIVE, State.NEGATIVE}


def test_the_first_step_is_the_answer_without_variations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing that it took is done a second time for the second step."""
    path = write_model(tmp_path / "m.onnx", card(**_with_copies(4.0)).to_json())
    detector, image = Detector(path), _grey(200)
    searched: list[float] = []

    def search(pixels: np.ndarray, params: CopyMoveParams) -> object:
        searched.append(params.megapixels)
        return copy_move(pixels, params)

    monkeypatch.setattr(judging, "copy_move", search)
    first, second = judge_in_steps([detector], image)
    assert searched == [1.0]
    assert first == judge([detector], image, ())
    assert second == judge([detector], image)
    outside = _grey(200, side=8)
    assert len(list(judge_in_steps([detector], outside))) == 1


def test_models_share_the_features_of_their_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = write_backbone(tmp_path)
    backbones = Backbones((tmp_path,))
    names = ("one", "other")
    paths = [write_head(tmp_path / n / "model.onnx", head_card(backbone, name=n)) for n in names]
    detectors = [Detector(path, backbones) for path in paths]
    asked: list[int] = []
    features = Backbone.features

    def counted(self: Backbone, pixels: np.ndarray) -> object:
        asked.append(1)
        return features(self, pixels)

    monkeypatch.setattr(Backbone, "features", counted)
    verdicts = judge(detectors, _grey(200))
    assert len(asked) == 1 + len(VARIATIONS)
    assert [verdict.model for verdict in verdicts] == ["one", "other"]
    assert verdicts[0].score == pytest.approx(1 / (1 + np.exp(-4.5)), abs=1e-4)


def test_content_is_looked_at_only_where_the_model_asks_for_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "reasons_against_content", lambda _: ("it is a drawing",))
    any_picture = Detector(write_model(tmp_path / "a" / "model.onnx", card().to_json()))
    strict = card(name="strict", validity={"photographs_only": True}).to_json()
    photographs = Detector(write_model(tmp_path / "b" / "model.onnx", strict))
    first, second = judge([any_picture, photographs], _grey(200))
    assert first.state is State.POSITIVE
    assert second.state is State.OUTSIDE_VALIDITY
    assert second.reason == "Outside the model's validity: it is a drawing."


def test_a_variation_without_a_number_gives_no_score(tmp_path: Path) -> None:
    asked = question(calibration=Calibration(1.0, 0.0))
    path = write_model(tmp_path / "m.onnx", card([asked]).to_json(), root_of_minus_one=True)
    (verdict,) = judge([Detector(path)], _grey(128))
    assert verdict.state is State.OUTSIDE_VALIDITY


def _with_copies(weight: float) -> dict[str, object]:
    return {"copy_move": CopyMoveEvidence("tampered", weight, 1.0, VERSION), "schema": 3}


def _copied() -> DecodedImage:
    """Grain with a part of it in another place."""
    smooth = cv2.GaussianBlur(noise(240, 320), (0, 0), 1.5)
    stretched = cv2.normalize(smooth, None, 60, 180, cv2.NORM_MINMAX).astype(np.uint8)
    stretched[130:220, 200:300] = stretched[20:110, 20:120]
    return decode(in_memory(encoded(stretched, "PNG")))


def test_copies_count_in_the_score_and_in_the_reason(tmp_path: Path) -> None:
    image = _copied()
    strength = copy_move(image.pixels, CopyMoveParams(megapixels=1.0)).strength
    assert strength is not None and strength > 0.75
    scores = []
    for name, changes in (("without", {}), ("with", _with_copies(4.0))):
        path = write_model(tmp_path / name / "model.onnx", card(**changes).to_json())
        (verdict,) = judge([Detector(path)], image, ())
        scores.append(verdict)
    logits = [float(np.log(one.score / (1 - one.score))) for one in scores if one.score]
    assert logits[1] - logits[0] == pytest.approx(4.0 * strength, abs=1e-4)
    assert "twice" not in scores[0].reason
    assert f"(copy-move, strength {strength:.2f})" in scores[1].reason


def test_a_picture_without_copies_keeps_its_score(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", card(**_with_copies(4.0)).to_json())
    (verdict,) = judge([Detector(path)], _grey(128), ())
    assert verdict.score == pytest.approx(0.5)
    assert "twice" not in verdict.reason


def test_another_search_for_copies_is_outside_validity(tmp_path: Path) -> None:
    evidence = CopyMoveEvidence("tampered", 1.0, 1.0, VERSION + 1)
    made = card(copy_move=evidence, schema=3)
    (verdict,) = judge([Detector(write_model(tmp_path / "m.onnx", made.to_json()))], _grey(128))
    assert verdict.state is State.OUTSIDE_VALIDITY
    assert "looks for copies in another way" in verdict.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"copy_move": CopyMoveEvidence("generated", 1.0, 1.0, VERSION), "schema": 3},
        {"copy_move": CopyMoveEvidence("tampered", -1.0, 1.0, VERSION), "schema": 3},
        {"copy_move": CopyMoveEvidence("tampered", 1.0, 100.0, VERSION), "schema": 3},
        {"copy_move": CopyMoveEvidence("tampered", 1.0, 1.0, VERSION), "schema": 2},
    ],
)
def test_a_card_with_impossible_copies_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = write_model(tmp_path / "m.onnx", card(**changes).to_json())
    with pytest.raises(ModelRefusedError):
        Detector(path)


def test_variations_of_a_large_picture_are_made_of_a_reduction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For models on a backbone, which see it reduced; one that takes pixels gets all of them."""
    seen: list[tuple[str, tuple[int, ...]]] = []
    backbone = write_backbone(tmp_path)
    head = write_head(tmp_path / "head" / "model.onnx", head_card(backbone, name="head"))
    plain = write_model(tmp_path / "plain" / "model.onnx", card(name="plain").to_json())
    detectors = [Detector(head, Backbones((tmp_path,))), Detector(plain)]
    logits_of = Detector.logits_of

    def noted(self: Detector, pixels: np.ndarray, *rest: object) -> dict[str, float]:
        seen.append((self.card.name, pixels.shape[:2]))
        return logits_of(self, pixels, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Detector, "logits_of", noted)
    monkeypatch.setattr(judging, "LARGEST", 100 * 100)
    judge(detectors, _grey(128, side=400), [Variation("as it is", lambda pixels: pixels)])
    assert seen == [
        ("head", (400, 400)),
        ("plain", (400, 400)),
        ("head", (100, 100)),
        ("plain", (400, 400)),
    ]
