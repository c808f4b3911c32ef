"""One image before all models: what they share is computed once, and every answer is tried."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
)
from app.evidence.decode import DecodedImage


@dataclass(frozen=True, slots=True)
class Variation:
    """A mild change that alters nothing that a question asks for.

    Attributes:
        name: in words that go on with "the picture …".
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
        variations: to try the answers with.

    Raises:
        TooLargeError: the image cannot be prepared.
    """
    *_, last = judge_in_steps(detectors, image, variations)
    return last


def judge_in_steps(
    detectors: Sequence[Detector], image: DecodedImage, variations: Sequence[Variation] = VARIATIONS
) -> Iterator[tuple[Verdict, ...]]:
    """The answers on the picture as it is and then, if there is a score, the tried ones.

    Arguments and errors are those of `judge`.
    """
    refusals = [refusal_of(detector, image) for detector in detectors]
    asked = [one for one, refusal in zip(detectors, refusals, strict=True) if not refusal]
    copies = _Copies(image.pixels)

    def verdicts(views: Sequence[Mapping[str, Mapping[str, float]]]) -> tuple[Verdict, ...]:
        names = [variation.name for variation in variations[: len(views) - 1]]
        return tuple(
            _refusal(detector, question, refusal)
            if refusal
            else _answer(detector, question, views, names, copies)
            for detector, refusal in zip(detectors, refusals, strict=True)
            for question in detector.card.questions
        )

    views = [_logits(asked, image.pixels, image.pixels)]
    yield verdicts(views)
    if asked and variations:
        # Models on a backbone see a large picture reduced anyway; changing it at full size would
        # cost more than all else.
        small = reduce_to(image.pixels, LARGEST)
        views += [_logits(asked, image.pixels, small, variation) for variation in variations]
        yield verdicts(views)


def refusal_of(detector: Detector, image: DecodedImage) -> str:
    """Why the model must not be asked about the image, as a sentence; empty where it may."""
    against = reasons_against(detector.card, image.record)
    if detector.card.validity.photographs_only and not against:
        against = reasons_against_content(describe_content(image.pixels))
    return f"Outside the model's validity: {'; '.join(against)}." if against else ""


def _logits(
    detectors: Sequence[Detector],
    whole: RgbU8,
    reduced: RgbU8,
    variation: Variation | None = None,
) -> dict[str, dict[str, float]]:
    """Hash of the model to question to logit, for one view of the picture.

    Args:
        detectors: to ask.
        whole: the picture at full resolution, for models that take pixels.
        reduced: what models on a backbone get in its place.
        variation: to look at; None for the picture as it is.
    """
    changed: dict[bool, RgbU8] = {}
    features: dict[str, Features] = {}
    found = {}
    for detector in detectors:
        backbone = detector.backbone
        takes_pixels = backbone is None
        if takes_pixels not in changed:
            base = whole if takes_pixels else reduced
            changed[takes_pixels] = base if variation is None else variation.apply(base)
        view = changed[takes_pixels]
        if backbone is not None and backbone.sha256 not in features:
            features[backbone.sha256] = backbone.features(view)
        known = None if backbone is None else features[backbone.sha256]
        found[detector.sha256] = detector.logits_of(view, known)
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
    detector: Detector,
    question: Question,
    views: Sequence[Mapping[str, Mapping[str, float]]],
    names: Sequence[str],
    copies: _Copies,
) -> Verdict:
    """The answer to one question from the logits of all views, the picture as it is first."""
    logits = [view[detector.sha256][question.id] for view in views]
    if not all(map(math.isfinite, logits)):
        return _refusal(detector, question, "The model gave no number for this image.")
    counted = ""
    evidence = detector.card.copy_move
    if evidence is not None and evidence.question == question.id:
        strength = copies.strength(evidence.megapixels)
        logits = [logit + evidence.weight * strength for logit in logits]
        if strength >= FINDING:
            counted = (
                f" Parts of the picture are in it twice (copy-move, strength {strength:.2f}); "
                "that counts in the score."
            )
    scores = [calibrated(question.calibration, logit) for logit in logits]
    state, turned_by = settled(question, scores)
    low, high = (min(scores), max(scores)) if names else (None, None)
    return Verdict(
        question.id,
        state,
        scores[0],
        explain(question, state, names[turned_by] if turned_by is not None else "") + counted,
        detector.card.name,
        detector.sha256,
        detector.provider,
        low,
        high,
    )


def _refusal(detector: Detector, question: Question, reason: str) -> Verdict:
    name, sha256 = detector.card.name, detector.sha256
    return Verdict(question.id, State.OUTSIDE_VALIDITY, None, reason, name, sha256, "")
