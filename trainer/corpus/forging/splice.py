"""A part of one picture in another."""

import cv2
import numpy as np

from app.arrays import RgbU8
from trainer.corpus.forging.base import Forged, Forgery, MaskU8, Task, draw_share
from trainer.corpus.forging.blending import draw_blending, paste
from trainer.corpus.forging.matching import match_colour, match_noise, surroundings
from trainer.corpus.forging.placing import Placed, Turn, place
from trainer.corpus.forging.regions import bounds, draw_region

_LARGEST_SCALE = 1.5
_PLACES = 4


def _attempt(task: Task, random: np.random.Generator) -> Forged | None:
    base, donor = task.base, task.donor
    if donor is None:
        return None
    base_area, donor_area = base.shape[0] * base.shape[1], donor.shape[0] * donor.shape[1]
    wanted = draw_share(task.share, random) * base_area
    kept_as_it_is = random.random() < 0.35
    taken = wanted / donor_area if kept_as_it_is else float(random.uniform(0.04, 0.35))
    drawn = draw_region(donor, min(taken, 0.5), random)
    if drawn is None:
        return None
    region, facts = drawn
    turn = Turn()
    if not kept_as_it_is:
        scale = float(np.sqrt(wanted / max(np.count_nonzero(region), 1)))
        # Things mostly stand upright.
        degrees = float(random.normal(0, 6 if random.random() < 0.85 else 40))
        turn = Turn(min(scale, _LARGEST_SCALE), degrees, bool(random.random() < 0.3))
    placed = _least_conspicuous(base, donor, region, turn, random)
    if placed is None:
        return None
    colour = float(random.uniform(0, 1)) if random.random() < 0.7 else 0.0
    noise = float(random.uniform(0, 1)) if random.random() < 0.5 else 0.0
    pixels = match_colour(placed.pixels, base, placed.region, colour)
    pixels = match_noise(pixels, base, placed.region, noise, random)
    facts |= placed.facts | {"colour_matching": colour, "noise_matching": noise}
    return paste(base, pixels, placed.region, draw_blending(random), facts)


def _least_conspicuous(
    base: RgbU8, donor: RgbU8, region: MaskU8, turn: Turn, random: np.random.Generator
) -> Placed | None:
    """Of some places the one where base and donor differ least along the seam."""
    box = bounds(region)
    middle = (box.top + box.bottom) / 2 / donor.shape[0]
    best, found = np.inf, None
    for right, height in zip(random.random(_PLACES), random.normal(0, 0.15, _PLACES), strict=True):
        # What stood on the ground goes on standing there.
        where = float(right), float(np.clip(middle + height, 0, 1))
        placed = place(donor, region, (base.shape[0], base.shape[1]), turn, where)
        if placed is None:
            return None
        seam = surroundings(placed.region, 2) > 0
        if not seam.any():  # scaled down to nothing
            return None
        difference = float(cv2.absdiff(placed.pixels, base)[seam].mean())
        if difference < best:
            best, found = difference, placed
    return found


SPLICE = Forgery("splice", True, _attempt)
