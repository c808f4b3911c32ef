"""A part smoothed, sharpened, roughened, or given another light or colour."""

from collections.abc import Callable

import cv2
import numpy as np

from app.arrays import RgbU8
from trainer.corpus.forging.base import Facts, Forged, Forgery, Task, draw_share
from trainer.corpus.forging.blending import feathered, mix, to_levels
from trainer.corpus.forging.regions import draw_region


def _blur(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    sigma = float(random.uniform(1, 4))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8), {"sigma": sigma}


def _sharpen(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    sigma, amount = float(random.uniform(0.8, 2)), float(random.uniform(0.7, 2))
    smooth = cv2.GaussianBlur(pixels, (0, 0), sigma)
    sharp = cv2.addWeighted(pixels, 1 + amount, smooth, -amount, 0)
    return np.asarray(sharp, np.uint8), {"sigma": sigma, "amount": amount}


def _median(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    side = int(random.choice([3, 5, 7]))
    return np.asarray(cv2.medianBlur(pixels, side), np.uint8), {"side": side}


def _grain(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    sigma, grey = float(random.uniform(3, 12)), bool(random.random() < 0.5)
    shape = (*pixels.shape[:2], 1 if grey else 3)
    noisy = pixels + random.normal(0, sigma, shape)
    return to_levels(noisy), {"sigma": sigma, "grey": grey}


def _light(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    gamma = float(np.exp(random.choice([-1, 1]) * random.uniform(0.15, 0.5)))
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), np.uint8), {"gamma": gamma}


def _saturation(pixels: RgbU8, random: np.random.Generator) -> tuple[RgbU8, Facts]:
    factor = float(random.uniform(0, 0.6) if random.random() < 0.5 else random.uniform(1.4, 2))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None]
    coloured = grey + factor * (pixels - grey)
    return to_levels(coloured), {"factor": factor}


_METHODS: tuple[tuple[str, Callable[[RgbU8, np.random.Generator], tuple[RgbU8, Facts]]], ...] = (
    ("blur", _blur),
    ("sharpen", _sharpen),
    ("median", _median),
    ("grain", _grain),
    ("light", _light),
    ("saturation", _saturation),
)


def _attempt(task: Task, random: np.random.Generator) -> Forged | None:
    drawn = draw_region(task.base, draw_share(task.share, random), random)
    if drawn is None:
        return None
    region, facts = drawn
    name, method = _METHODS[random.integers(len(_METHODS))]
    changed, numbers = method(task.base, random)
    largest = max(float(np.sqrt(np.count_nonzero(region))) / 12, 0.8)
    sigma = float(random.uniform(0.7, min(largest, 8.0)))
    weight = feathered(region, sigma)
    mask = np.where(weight >= 0.5, 255, 0).astype(np.uint8)
    facts |= {"method": name, **numbers, "feather": sigma, "margin": int(np.ceil(3 * sigma)) + 1}
    return Forged(mix(task.base, changed, weight), mask, facts)


RETOUCH = Forgery("retouch", False, _attempt)
