"""A part of a picture once more in the same picture."""

import numpy as np

from trainer.corpus.forging.base import Forged, Forgery, Task, draw_share
from trainer.corpus.forging.blending import draw_blending, paste
from trainer.corpus.forging.placing import Turn, place
from trainer.corpus.forging.regions import bounds, draw_region

_SCALES = (0.7, 1.4)
_OVERLAP = 0.1
"""Largest share of the copy that may cover its own source."""


def _attempt(task: Task, random: np.random.Generator) -> Forged | None:
    base = task.base
    scale = 1.0
    if random.random() < 0.5:
        scale = float(np.exp(random.uniform(*np.log(_SCALES))))
    drawn = draw_region(base, draw_share(task.share, random) / scale**2, random)
    if drawn is None:
        return None
    region, facts = drawn
    degrees = 0.0
    if random.random() < 0.4:
        degrees = float(random.uniform(-180, 180) if random.random() < 0.3 else random.normal(0, 8))
    turn = Turn(scale, degrees, bool(random.random() < 0.25))
    where = float(random.random()), float(random.random())
    placed = place(base, region, base.shape[:2], turn, where)
    if placed is None:
        return None
    covered = np.count_nonzero(region & placed.region)
    if covered > _OVERLAP * np.count_nonzero(placed.region):
        return None
    box = bounds(region)
    facts |= placed.facts | {"source_box": [box.left, box.top, box.right, box.bottom]}
    return paste(base, placed.pixels, placed.region, draw_blending(random), facts)


COPY_MOVE = Forgery("copy-move", False, _attempt)
