"""One image before all models: what they share is computed once, and every answer is tried."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.copy_move import CopyMoveParams, copy_move
from app.analysis.recompress import round_trip
from app.arrays import RgbU8
from app.detection.backbone import Features
from app.detection.card import Question
from app.detection.content import describe_content, reasons_against_content
from app.detection.detector import Detector
from app.detection.verdict import (
    State,
    Verdict,
    calibrated,
    explain,
    reasons_against,
    settled,
    state_of,
)
from app.evidence.decode import DecodedImage


@dataclass(frozen=True, slots=True)
class Variation:
    """A mild change that alters nothing that a question asks for.

    Attributes:
        name: in words that end "when the picture is …".
        apply: (height, width, 3) uint8 RGB to the changed picture.
    """

    name: str
    apply: Callable[[RgbU8], RgbU8]


def _saved_at_75(pixels: RgbU8) -> RgbU8:
    return round_trip(pixels, 75, "4:2:0")


def _saved_at_95(pixels: RgbU8) -> RgbU8:
    return round_trip(pixels, 95, "4:2:0")


def _reduced(pixels: RgbU8) -> RgbU8:
    size = max(round(0.9 * pixels.shape[1]), 1), max(round(0.9 * pixels.shape[0]), 1)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cropped(pixels: RgbU8) -> RgbU8:
    return np.ascontiguousarray(pixels[8:, 8:])


FINDING = CopyMoveParams().threshold
"""Strength of a copy-move that is a finding by itself."""

VARIATIONS = (
    Variation("saved again at quality 75", _saved_at_75),
    Variation("saved again at quality 95", _saved_at_95),
    Variation("reduced to 90 %", _reduced),
    Variation("cropped by 8 pixels", _cropped),
)
"""Every answer is tried with these; see `app.detection.verdict.settled`."""


def judge(
    detectors: Sequence[Detector], image: DecodedImage, variations: Sequence[Variation] = VARIATIONS
) -> tuple[Verdict, ...]:
    """Answer every question of every model about one image, in their order.

    Args:
        detectors: the models.
        image: decoded at full resolution.
        variations: to try the answers with; none for a quick first answer.

    Raises:
        TooLargeError: the image cannot be prepared.
    """
    views = _Views(image.pixels, variations)
    verdicts: list[Verdict] = []
    for detector in detectors:
        against = list(reasons_against(detector.card, image.record))
        if detector.card.validity.photographs_only and not against:
            against = list(reasons_against_content(describe_content(image.pixels)))
        if against:
            reason = f"Outside the model's validity: {'; '.join(against)}."
            verdicts += [
                _refusal(detector, question, reason) for question in detector.card.questions
            ]
            continue
        found = [views.logits(detector, index) for index in range(len(variations) + 1)]
        for question in detector.card.questions:
            logits = [view[question.id] for view in found]
            copies = detector.card.copy_move
            strength = 0.0
            if copies is not None and copies.question == question.id:
                strength = views.strength_of_copies(copies.megapixels)
                logits = [logit + copies.weight * strength for logit in logits]
            verdicts.append(_answer(detector, question, logits, strength))
    return tuple(verdicts)


class _Views:
    """The picture as it is and its variations, with what backbones gave for them."""

    def __init__(self, pixels: RgbU8, variations: Sequence[Variation]) -> None:
        self._pixels = pixels
        self._variations = variations
        self._changed: dict[int, RgbU8] = {0: pixels}
        self._features: dict[tuple[int, str], Features] = {}
        self._copies: dict[float, float] = {}

    def logits(self, detector: Detector, index: int) -> dict[str, float]:
        """Of view ``index``: 0 is the picture as it is."""
        if index not in self._changed:
            self._changed[index] = self._variations[index - 1].apply(self._pixels)
        pixels = self._changed[index]
        if detector.backbone is None:
            return detector.logits_of(pixels)
        key = index, detector.backbone.sha256
        if key not in self._features:
            self._features[key] = detector.backbone.features(pixels)
        return detector.logits_of(pixels, self._features[key])

    def strength_of_copies(self, megapixels: float) -> float:
        """Of the strongest copy-move, 0..1, in the picture as it is.

        The variations are taken to have the same: the search would cost more than all else, and
        the control of its false alarms includes saves and reductions.
        """
        if megapixels not in self._copies:
            found = copy_move(self._pixels, CopyMoveParams(megapixels=megapixels))
            self._copies[megapixels] = found.strength or 0.0
        return self._copies[megapixels]


def _answer(
    detector: Detector, question: Question, logits: Sequence[float], copies: float
) -> Verdict:
    if not all(map(math.isfinite, logits)):
        return _refusal(detector, question, "The model gave no number for this image.")
    scores = [calibrated(question.calibration, logit) for logit in logits]
    alone = state_of(question, scores[0])
    state = settled(question, scores)
    reason = explain(question, state, unsettled=state is not alone)
    if copies >= FINDING:
        reason += (
            f" Parts of the picture are in it twice (copy-move, strength {copies:.2f}); that "
            "counts in the score."
        )
    low, high = (min(scores), max(scores)) if len(scores) > 1 else (None, None)
    return Verdict(
        question.id,
        state,
        scores[0],
        reason,
        detector.card.name,
        detector.sha256,
        detector.provider,
        low,
        high,
    )


def _refusal(detector: Detector, question: Question, reason: str) -> Verdict:
    name, sha256 = detector.card.name, detector.sha256
    return Verdict(question.id, State.OUTSIDE_VALIDITY, None, reason, name, sha256, "")
