"""From logits to a calibrated score with an operating point and an inconclusive band.

All of it is fitted on the calibration part of the split, which neither trained the weights nor
chose the epoch.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from app.detection.card import Calibration, OperatingPoint
from trainer.config import CALIBRATIONS
from trainer.errors import CorpusError, ExportError
from trainer.measures.bootstrap import Floats
from trainer.measures.metrics import Scores, check_scores, probabilities_of

FALSE_ALARM_RATE = 0.01
"""Positive answers: at most one untouched image in a hundred scores so high, in every reference
set by itself, since nobody knows from which of them the next image is."""

MISS_RATE = 0.05
"""Negative answers: at most one tampered calibration image in twenty scores so low."""

_SIGMOID_SHARE = 0.01
"""Of the isotonic score; see `_isotonic`."""


def fit_calibration(scores: Scores, method: str = "platt") -> Calibration:
    """Fit logit to score, with both classes weighing the same.

    ``platt`` fits slope and offset of a sigmoid; ``temperature`` the slope alone, for a model
    whose offset is right because it was trained with both classes weighing the same;
    ``isotonic`` a function that may bend wherever it likes, which takes many images.

    Args:
        scores: of the calibration part.
        method: one of `trainer.config.CALIBRATIONS`.

    Raises:
        CorpusError: there are no images, or of one class only.
        ExportError: higher logits do not go with the positive class, or are no numbers.
    """
    check_scores(scores)
    if len(np.unique(scores.labels)) < 2:
        raise CorpusError("Calibration needs images of both classes.")
    if method not in CALIBRATIONS:
        raise CorpusError(f"calibration must be one of {', '.join(CALIBRATIONS)}.")
    labels = np.repeat(scores.labels, scores.logits.shape[1])
    logits = scores.logits.reshape(-1, 1)
    # C this large is no regularisation.
    fitted = LogisticRegression(
        C=1e6, class_weight="balanced", fit_intercept=method != "temperature"
    ).fit(logits, labels)
    slope = float(fitted.coef_[0, 0])
    offset = float(fitted.intercept_[0]) if method != "temperature" else 0.0
    if slope <= 0:
        raise ExportError(
            "On the calibration images the model's output does not rise with the label; it has "
            "learned nothing that carries over, so there is no score to calibrate."
        )
    sigmoid = Calibration(slope, offset)
    return _isotonic(scores, sigmoid) if method == "isotonic" else sigmoid


def _isotonic(scores: Scores, sigmoid: Calibration) -> Calibration:
    """Isotonic regression, kept from certainty and, by a little of the sigmoid, from plateaus.

    By itself it gives 1 and 0 to the highest and lowest images, which no finite number of images
    shows; so one authentic image is added at the highest logit and a tampered one at the lowest.
    It also gives one score to whole ranges of logits, in which no threshold could be set.
    """
    draws = scores.logits.shape[1]
    image_weights = 0.5 / np.bincount(scores.labels)
    logits = scores.logits.ravel()
    labels = np.repeat(scores.labels, draws)
    fitted = IsotonicRegression().fit(
        np.append(logits, [logits.max(), logits.min()]),
        np.append(labels, [0, 1]),
        sample_weight=np.append(image_weights[labels] / draws, image_weights),
    )
    steps, heights = fitted.X_thresholds_, fitted.y_thresholds_
    mixed = heights + _SIGMOID_SHARE * (probabilities_of(steps, sigmoid) - heights)
    points = zip(steps.tolist(), mixed.tolist(), strict=True)
    return Calibration(sigmoid.slope, sigmoid.offset, tuple(points))


def fit_thresholds(authentic: Sequence[Floats], tampered: Floats) -> tuple[OperatingPoint, float]:
    """The operating point and the lower end of the inconclusive band.

    Args:
        authentic: calibrated scores of untouched calibration images, one array of any shape for
            each reference set.
        tampered: calibrated scores of tampered calibration images.

    Returns:
        The lowest threshold from 0.5 on that at most `FALSE_ALARM_RATE` of each set in
        ``authentic`` reach, and the score that `MISS_RATE` of ``tampered`` lie below, never above
        the threshold.
    """
    # Where a few calibration images separate, anything above the highest of them would do; but a
    # score below 0.5 says by itself that the picture is more likely untouched.
    threshold = 0.5
    for scores in authentic:
        highest = np.sort(scores.ravel())[::-1]
        allowed = int(FALSE_ALARM_RATE * len(highest))
        threshold = max(threshold, float(np.nextafter(highest[allowed], 2.0)))
    threshold = min(threshold, 1.0)
    below = float(np.quantile(tampered, MISS_RATE))
    return OperatingPoint(FALSE_ALARM_RATE, threshold), min(below, threshold)
