"""How an altered part meets its surroundings."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8
from trainer.corpus.forging.base import Facts, Forged, MaskU8, Weight, draw_word
from trainer.corpus.forging.regions import bounds

_METHODS = (("hard", 0.25), ("feathered", 0.3), ("matted", 0.25), ("Poisson", 0.2))


@dataclass(frozen=True, slots=True)
class Blending:
    """How a part is blended.

    Attributes:
        method: ``hard``, ``feathered`` (Gaussian), ``matted`` (the edge follows the content) or
            ``Poisson``.
        radius: of the soft edge in pixels: the Gaussian's sigma, or the matting window's.
    """

    method: str
    radius: float

    @property
    def margin(self) -> int:
        """Pixels beyond the mask that the blending may change."""
        reach = {"hard": 0, "matted": 2 * self.radius}.get(self.method, 3 * self.radius)
        return int(np.ceil(reach))


def draw_blending(random: np.random.Generator) -> Blending:
    """One of the methods, with its radius."""
    method = draw_word(_METHODS, random)
    radius = float(np.exp(random.uniform(np.log(0.6), np.log(2.5))))
    if method == "matted":
        return Blending(method, float(random.integers(2, 6)))
    return Blending(method, 0.0 if method == "hard" else 1.0 if method == "Poisson" else radius)


def paste(
    base: RgbU8, source: RgbU8, region: MaskU8, blending: Blending, facts: Facts
) -> Forged | None:
    """Put ``source`` over ``base`` inside ``region``; all three have the same size.

    Returns:
        None where the region is too small for the blending.
    """
    if blending.method == "Poisson":
        cloned = _poisson(base, source, region)
        if cloned is None:
            return None
        source = cloned
    weight = _weight(source, region, blending)
    mask = np.where(weight >= 0.5, 255, 0).astype(np.uint8)
    described = {"blending": blending.method, "blending_radius": blending.radius}
    return Forged(
        mix(base, source, weight), mask, facts | described | {"margin": blending.margin + 1}
    )


def mix(base: RgbU8, source: RgbU8, weight: Weight) -> RgbU8:
    """``source`` by its weight (height, width) 0..1 over ``base``; weight 0 keeps every byte."""
    mixed = base + weight[:, :, None] * (source.astype(np.float32) - base)
    return to_levels(mixed)


def to_levels(values: NDArray[Any]) -> RgbU8:
    """Rounded to grey levels 0..255, saturating."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def feathered(region: MaskU8, sigma: float) -> Weight:
    """Weight 0..1 with a Gaussian edge that reaches three sigma."""
    side = 2 * int(np.ceil(3 * sigma)) + 1
    floats = region.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(floats, (side, side), sigma))


def _weight(source: RgbU8, region: MaskU8, blending: Blending) -> Weight:
    if blending.method == "hard":
        return region.astype(np.float32) / 255
    if blending.method != "matted":
        return feathered(region, blending.radius)
    return _matted(source, region, int(blending.radius))


def _matted(source: RgbU8, region: MaskU8, radius: int) -> Weight:
    """An edge that follows hair and grass: the region filtered with the luma as its guide.

    Source: K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV 2010.
    """

    def mean(values: Weight) -> Weight:
        return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)))

    guide = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    values = region.astype(np.float32) / 255
    guide_mean, value_mean = mean(guide), mean(values)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * values) - guide_mean * value_mean) / (variance + 1e-4)
    weight = mean(slope) * guide + mean(value_mean - slope * guide_mean)
    # A guide that knows too little leaves a veil; a matte is steep.
    weight = np.clip((weight - 0.5) * 1.6 + 0.5, 0, 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    weight[cv2.dilate(region, disc) == 0] = 0
    weight[cv2.erode(region, disc) > 0] = 1
    return weight


def _poisson(base: RgbU8, source: RgbU8, region: MaskU8) -> RgbU8 | None:
    """The source's gradients with the base's colours along the edge.

    Source: P. Pérez, M. Gangnet, A. Blake, "Poisson Image Editing", SIGGRAPH 2003.
    """
    box = bounds(region)
    if min(box.width, box.height) < 4:
        return None
    middle = (box.left + box.width // 2, box.top + box.height // 2)
    try:
        # It writes into the mask that it is given.
        cloned = cv2.seamlessClone(source, base, region.copy(), middle, cv2.NORMAL_CLONE)
    except cv2.error:  # its solver rejects some regions at the picture's very edge
        return None
    return np.asarray(cloned, dtype=np.uint8)
