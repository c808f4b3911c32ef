"""From logits to a calibrated score with an operating point and an inconclusive band.

All of it is fitted on the calibration part of the split, which neither trained the weights nor
chose the epoch.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from app.detection.card import Calibration, OperatingPoint
from trainer.errors import ExportError
from trainer.metrics import Floats, Scores

FALSE_ALARM_RATE = 0.01
"""Positive answers: at most one untouched image in a hundred scores so high, in every reference
set by itself, since nobody knows from which of them the next image is."""

MISS_RATE = 0.05
"""Negative answers: at most one tampered calibration image in twenty scores so low."""


def fit_calibration(scores: Scores) -> Calibration:
    """Platt scaling, with both classes weighing the same.

    Raises:
        ExportError: higher logits do not go with the positive class.
    """
    labels = np.repeat(scores.labels, scores.logits.shape[1])
    logits = scores.logits.reshape(-1, 1)
    # C this large is no regularisation.
    fitted = LogisticRegression(C=1e6, class_weight="balanced").fit(logits, labels)
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        raise ExportError(
            "On the calibration images the model's output does not rise with the label; it has "
            "learned nothing that carries over, so there is no score to calibrate."
        )
    return Calibration(slope, offset)


def fit_thresholds(authentic: Sequence[Floats], tampered: Floats) -> tuple[OperatingPoint, float]:
    """The operating point and the lower end of the inconclusive band.

    Args:
        authentic: calibrated scores of untouched calibration images, one array of any shape for
            each reference set.
        tampered: calibrated scores of tampered calibration images.

    Returns:
        The lowest threshold that at most `FALSE_ALARM_RATE` of each set in ``authentic`` reach,
        and the score that `MISS_RATE` of ``tampered`` lie below, never above the threshold.
    """
    threshold = 0.0
    for scores in authentic:
        highest = np.sort(scores.ravel())[::-1]
        allowed = int(FALSE_ALARM_RATE * len(highest))
        threshold = max(threshold, float(np.nextafter(highest[allowed], 2.0)))
    threshold = min(threshold, 1.0)
    below = float(np.quantile(tampered, MISS_RATE))
    return OperatingPoint(FALSE_ALARM_RATE, threshold), min(below, threshold)
