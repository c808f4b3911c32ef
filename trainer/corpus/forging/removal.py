"""An object taken out: filled from its rim, or covered with a piece of what lies around it."""

import cv2
import numpy as np

from app.analysis.region import Region
from app.arrays import RgbU8
from trainer.corpus.forging.base import Facts, Forged, Forgery, MaskU8, Task, draw_share
from trainer.corpus.forging.blending import Blending, mix, paste
from trainer.corpus.forging.matching import match_noise, surroundings
from trainer.corpus.forging.regions import bounds, draw_region

_LARGEST_FILLED = 0.04
"""Share of the picture above which filling from the rim leaves nothing but smears."""

_WORKING_SIDE = 160

_FILLS = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}


def _attempt(task: Task, random: np.random.Generator) -> Forged | None:
    method = str(random.choice(["Telea", "Navier-Stokes", "patch"], p=[0.25, 0.25, 0.5]))
    low, high = task.share
    if method != "patch":
        high = max(min(high, _LARGEST_FILLED), low * 1.5)
    drawn = draw_region(task.base, draw_share((low, high), random), random)
    if drawn is None:
        return None
    region, facts = drawn
    # An eraser goes a little beyond the object, or its rim would be smeared into the hole.
    grown = cv2.dilate(region, np.ones((5, 5), np.uint8))
    region = np.zeros_like(region)
    region[2:-2, 2:-2] = grown[2:-2, 2:-2]
    facts = facts | {"method": method}
    if method == "patch":
        return _covered(task.base, region, facts, random)
    return _filled(task.base, region, facts, random)


def _filled(
    base: RgbU8, region: MaskU8, facts: Facts, random: np.random.Generator
) -> Forged | None:
    """Filled inwards from the rim by A. Telea's method (2004) or by M. Bertalmio's (2001)."""
    radius = float(random.integers(3, 8))
    noise = float(random.uniform(0.3, 1)) if random.random() < 0.6 else 0.0
    filled = np.asarray(cv2.inpaint(base, region, radius, _FILLS[facts["method"]]), dtype=np.uint8)
    filled = match_noise(filled, base, region, noise, random)
    facts = facts | {"fill_radius": radius, "noise_matching": noise, "margin": 0}
    return Forged(mix(base, filled, region.astype(np.float32) / 255), region, facts)


def _covered(
    base: RgbU8, region: MaskU8, facts: Facts, random: np.random.Generator
) -> Forged | None:
    """Covered by the part of the picture whose rim resembles the hole's most."""
    shift = _like_rim(base, region, random)
    if shift is None:
        return None
    transform = np.array([[1.0, 0, -shift[0]], [0, 1.0, -shift[1]]])
    size = base.shape[1], base.shape[0]
    moved = cv2.warpAffine(
        base, transform, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
    )
    method = str(random.choice(["feathered", "Poisson"]))
    radius = 1.0 if method == "Poisson" else float(random.uniform(1, 3))
    facts = facts | {"transform": transform.tolist()}
    return paste(base, np.asarray(moved, np.uint8), region, Blending(method, radius), facts)


def _like_rim(base: RgbU8, region: MaskU8, random: np.random.Generator) -> tuple[int, int] | None:
    """Columns and rows from the hole to its likeness, which does not reach into the hole.

    Compared at a reduced size; one of the three best, so that not every forger is perfect.
    """
    box = bounds(region).grown(6, 6).inside(Region.whole(base))
    factor = min(_WORKING_SIDE / max(base.shape[:2]), 1.0)
    small = cv2.resize(base, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rim = cv2.resize(surroundings(region, max(3, round(3 / factor))), small.shape[1::-1])
    left, top = int(box.left * factor), int(box.top * factor)
    width, height = max(int(box.width * factor), 2), max(int(box.height * factor), 2)
    part = slice(top, top + height), slice(left, left + width)
    weight = np.repeat((rim[part] > 127)[:, :, None], 3, axis=2).astype(np.float32)
    if not weight.any():
        return None
    scores = cv2.matchTemplate(
        small.astype(np.float32), small[part].astype(np.float32), cv2.TM_SQDIFF, mask=weight
    )
    scores = np.where(np.isfinite(scores), scores, np.inf)
    rows, columns = scores.shape
    # The likeness must lie beside the hole, not over it.
    away = (np.abs(np.arange(rows) - top) >= height)[:, None] | (
        np.abs(np.arange(columns) - left) >= width
    )[None]
    scores = np.where(away, scores, np.inf)
    candidates: list[tuple[int, int]] = []
    for _ in range(3):
        row, column = divmod(int(scores.argmin()), columns)
        if not np.isfinite(scores[row, column]):
            break
        candidates.append((round((column - left) / factor), round((row - top) / factor)))
        scores[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4] = np.inf
    return candidates[int(random.integers(len(candidates)))] if candidates else None


REMOVAL = Forgery("removal", False, _attempt)
