"""Making a pasted part look as if it had the light and the grain of its surroundings."""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.region import Region
from app.arrays import RgbU8
from trainer.corpus.forging.base import MaskU8
from trainer.corpus.forging.blending import to_levels
from trainer.corpus.forging.regions import bounds

_SECOND_DERIVATIVE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)

_REACH = 12
"""Pixels beyond a region that the widest blending still shows."""


def surroundings(region: MaskU8, width: int) -> MaskU8:
    """The band of ``width`` pixels around ``region``."""
    part = bounds(region).grown(width + 1, width + 1).inside(Region.whole(region))
    outside = cv2.bitwise_not(part.of(region))
    # In constant time; a dilation by a large disc takes longer than all the rest of a splice.
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    band = np.zeros_like(region)
    part.of(band)[(distance > 0) & (distance <= width)] = 255
    return band


def match_colour(source: RgbU8, base: RgbU8, region: MaskU8, strength: float) -> RgbU8:
    """Move mean and spread of ``source`` in ``region`` towards those of ``base`` around it.

    In CIE Lab; after E. Reinhard et al., "Color Transfer between Images", 2001. The spread changes
    by a third at most, or a flat wall would take all contrast out of what stands before it.

    Args:
        source: (height, width, 3) uint8 RGB.
        base: of the same size.
        region: where the source will be pasted.
        strength: 0 leaves the source, 1 matches fully.

    Returns:
        The source, changed in the region and near it.
    """
    box = bounds(region)
    width = max(_REACH, min(box.width, box.height) // 3)
    part = box.grown(width, width).inside(Region.whole(region))
    around = surroundings(part.of(region), width) > 0
    inside = part.of(region) > 0
    if strength == 0 or not inside.any() or not around.any():
        return source
    lab = _lab(part.of(source))
    have, want = lab[inside], _lab(part.of(base))[around]
    ratio = np.clip(want.std(axis=0) / np.maximum(have.std(axis=0), 1e-3), 0.75, 4 / 3)
    ratio = (1 + strength * (ratio - 1)).astype(np.float32)
    shift = strength * (want.mean(axis=0) - have.mean(axis=0))
    lab = (lab - have.mean(axis=0)) * ratio + have.mean(axis=0) + shift
    matched = source.copy()
    part.of(matched)[:] = to_levels(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255)
    return matched


def match_noise(
    source: RgbU8, base: RgbU8, region: MaskU8, strength: float, random: np.random.Generator
) -> RgbU8:
    """Add grain to a source that is cleaner than ``base``, or smooth one that is coarser.

    Arguments as of `match_colour`; ``random`` is of the grain.
    """
    inside, outside = region > 0, region == 0
    if strength == 0 or not inside.any() or not outside.any():
        return source
    have, want = noise_level(source, inside), noise_level(base, outside)
    if want >= have:
        sigma = strength * float(np.sqrt(want**2 - have**2))
        grain = random.normal(0, sigma, source.shape[:2]).astype(np.float32)
        return to_levels(source + grain[:, :, None])
    share = strength * (1 - want / have)
    smooth = cv2.GaussianBlur(source, (0, 0), 0.8)
    return np.asarray(cv2.addWeighted(source, 1 - share, smooth, share, 0), dtype=np.uint8)


def noise_level(pixels: RgbU8, where: NDArray[np.bool_]) -> float:
    """Standard deviation of the luma's noise in grey levels, at most a little texture with it.

    The median of a second derivative that is blind to ramps; after J. Immerkær, "Fast Noise
    Variance Estimation", 1996. Smooth pictures round down to 0.
    """
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    derivative = cv2.filter2D(luma, cv2.CV_32F, _SECOND_DERIVATIVE)
    return float(np.median(np.abs(derivative[where]))) / (6 * 0.6745)


def _lab(pixels: RgbU8) -> NDArray[np.float32]:
    return np.asarray(
        cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32
    )
