"""One image before all models: what they share is computed once, and every answer is tried."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.copy_move import CopyMoveParams, copy_move
from app.analysis.recompress import round_trip
from app.arrays import RgbU8
from app.detection.backbone import LARGEST, Features
from app.detection.card import Question
from app.detection.content import describe_content, reasons_against_content
from app.detection.detector import Detector
from app.detection.prepare import reduce_to
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
    refusals = [_refusal_of(detector, image) for detector in detectors]
    asked = [one for one, refusal in zip(detectors, refusals, strict=True) if not refusal]
    views = [_logits(asked, image.pixels, None)]
    # Large pictures are reduced once, which costs less than changing them four times.
    small = reduce_to(image.pixels, LARGEST) if variations else image.pixels
    views += [_logits(asked, image.pixels, small, variation) for variation in variations]
    copies = _Copies(image.pixels)
    verdicts: list[Verdict] = []
    for detector, refusal in zip(detectors, refusals, strict=True):
        for question in detector.card.questions:
            if refusal:
                verdicts.append(_refusal(detector, question, refusal))
                continue
            logits = [view[detector.sha256][question.id] for view in views]
            evidence = detector.card.copy_move
            strength = 0.0
            if evidence is not None and evidence.question == question.id:
                strength = copies.strength(evidence.megapixels)
                logits = [logit + evidence.weight * strength for logit in logits]
            verdicts.append(_answer(detector, question, logits, strength))
    return tuple(verdicts)


def _refusal_of(detector: Detector, image: DecodedImage) -> str:
    """Why the model is not asked about the image; empty where it is."""
    against = reasons_against(detector.card, image.record)
    if detector.card.validity.photographs_only and not against:
        against = reasons_against_content(describe_content(image.pixels))
    return f"Outside the model's validity: {'; '.join(against)}." if against else ""


def _logits(
    detectors: Sequence[Detector],
    pixels: RgbU8,
    small: RgbU8 | None,
    variation: Variation | None = None,
) -> dict[str, dict[str, float]]:
    """Hash of the model to question to logit, for one view of the picture.

    Args:
        detectors: to ask.
        pixels: of the picture at full resolution.
        small: the picture that models on a backbone get in its place, since they see it reduced
            anyway; None for ``pixels`` itself.
        variation: to look at; None for the picture as it is.
    """
    changed: dict[bool, RgbU8] = {}
    features: dict[str, Features] = {}
    found = {}
    for detector in detectors:
        reduced = small is not None and detector.backbone is not None
        if reduced not in changed:
            base = small if reduced and small is not None else pixels
            changed[reduced] = base if variation is None else variation.apply(base)
        view = changed[reduced]
        if detector.backbone is None:
            found[detector.sha256] = detector.logits_of(view)
            continue
        key = detector.backbone.sha256
        if key not in features:
            features[key] = detector.backbone.features(view)
        found[detector.sha256] = detector.logits_of(view, features[key])
    return found


class _Copies:
    """The search for copies in one picture, done once and when it is asked for."""

    def __init__(self, pixels: RgbU8) -> None:
        self._pixels = pixels
        self._known: dict[float, float] = {}

    def strength(self, megapixels: float) -> float:
        """Of the strongest copy-move, 0..1, in the picture as it is.

        The variations are taken to have the same: the search would cost more than all else, and
        the control of its false alarms includes saves and reductions.
        """
        if megapixels not in self._known:
            found = copy_move(self._pixels, CopyMoveParams(megapixels=megapixels))
            self._known[megapixels] = found.strength or 0.0
        return self._known[megapixels]


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
