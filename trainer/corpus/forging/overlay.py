"""Text and plain logos on a picture."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.corpus.forging.base import Facts, Forged, Forgery, Task, draw_share
from trainer.corpus.forging.blending import mix

Coverage: TypeAlias = NDArray[np.uint8]
"""(height, width) uint8, 0..255: how much of a pixel the drawing covers."""

_FONTS = (
    ("simplex", cv2.FONT_HERSHEY_SIMPLEX),
    ("duplex", cv2.FONT_HERSHEY_DUPLEX),
    ("complex", cv2.FONT_HERSHEY_COMPLEX),
    ("triplex", cv2.FONT_HERSHEY_TRIPLEX),
)

_LARGEST = 0.15
"""Share of the picture that a caption rarely exceeds."""

_TEXTS = (
    "SAMPLE",
    "PREVIEW",
    "Breaking news",
    "Live",
    "14.06.2019 17:42",
    "2021-11-03",
    "No. 4711",
    "Photo: archive",
    "www.example.org",
    "Sale -30%",
    "CAM 02  03:15:27",
    "Summer by the lake",
)


def _attempt(task: Task, random: np.random.Generator) -> Forged | None:
    size = task.base.shape[0], task.base.shape[1]
    low, high = task.share
    share = draw_share((low, min(high, max(_LARGEST, 1.5 * low))), random)
    draw = _text if random.random() < 0.65 else _logo
    drawn = draw(size, share, random)
    if drawn is None:
        return None
    coverage, facts = drawn
    opacity = float(random.uniform(0.55, 1)) if random.random() < 0.6 else 1.0
    colour = _colour(random)
    weight = coverage.astype(np.float32) / 255
    mask = np.where(weight >= 0.5, 255, 0).astype(np.uint8)
    paint = np.empty_like(task.base)
    paint[:] = colour
    facts |= {"opacity": opacity, "colour": list(colour), "margin": 3}
    return Forged(mix(task.base, paint, weight * opacity), mask, facts)


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    """Mostly near white or black, as captions are."""
    kind = random.random()
    if kind < 0.45:
        level = int(random.integers(225, 256))
        return level, level, level
    if kind < 0.65:
        level = int(random.integers(0, 35))
        return level, level, level
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _text(
    size: tuple[int, int], share: float, random: np.random.Generator
) -> tuple[Coverage, Facts] | None:
    """One line of text, or a plate with the line cut out of it."""
    text = _TEXTS[random.integers(len(_TEXTS))]
    name, font = _FONTS[random.integers(len(_FONTS))]
    plate = bool(random.random() < 0.3)
    # Strokes cover about a third of the box of a line, a plate nearly all of it.
    height = np.sqrt(share * size[0] * size[1] / (len(text) * (0.9 if plate else 0.22)))
    scale = float(height / 22)
    thickness = max(1, round(scale * float(random.uniform(0.8, 2.2))))
    (width, rise), drop = cv2.getTextSize(text, font, scale, thickness)
    pad = max(2, round(0.35 * rise)) if plate else thickness
    room = size[1] - width - 2 * pad - 6, size[0] - rise - drop - 2 * pad - 6
    if min(room) < 1:
        return None
    left = 3 + pad + int(random.integers(room[0]))
    # Captions stand at the top or the bottom more often than in the middle.
    top = 3 + pad + int(room[1] * (random.beta(0.5, 0.5)))
    coverage = np.zeros(size, np.uint8)
    ink = 255
    if plate:
        corners = (left - pad, top - pad), (left + width + pad, top + rise + drop + pad)
        cv2.rectangle(coverage, *corners, (255,), cv2.FILLED)
        ink = 0
    cv2.putText(coverage, text, (left, top + rise), font, scale, (ink,), thickness, cv2.LINE_AA)
    facts = {"drawing": "plate" if plate else "text", "text": text, "font": name}
    return coverage, facts | {"scale": scale, "thickness": thickness, "left": left, "top": top}


def _logo(
    size: tuple[int, int], share: float, random: np.random.Generator
) -> tuple[Coverage, Facts] | None:
    """A ring, a disc, a polygon or a star with an initial."""
    shape = str(random.choice(["ring", "disc", "polygon", "star"]))
    radius = float(np.sqrt(share * size[0] * size[1] / 2.2))
    if 2 * radius + 10 > min(size):
        return None
    x, y = (radius + 5 + float(random.random()) * (side - 2 * radius - 10) for side in size[::-1])
    coverage = np.zeros(size, np.uint8)
    corners = 0
    centre = round(x), round(y)
    if shape in ("ring", "disc"):
        width = max(2, round(radius * 0.4)) if shape == "ring" else cv2.FILLED
        reach = round(radius * (0.8 if shape == "ring" else 0.95))
        cv2.circle(coverage, centre, reach, (255,), width, cv2.LINE_AA)
    else:
        corners = int(random.integers(3, 8))
        count = corners * (2 if shape == "star" else 1)
        angles = np.arange(count) * 2 * np.pi / count + random.uniform(0, 7)
        reaches = np.full(count, radius)
        if shape == "star":
            reaches[1::2] *= 0.5
        points = np.stack([x + reaches * np.cos(angles), y + reaches * np.sin(angles)], axis=1)
        cv2.fillPoly(coverage, [np.rint(points).astype(np.int32)], (255,), cv2.LINE_AA)
    initial = chr(ord("A") + int(random.integers(26)))
    if shape != "ring":
        scale = radius / 30
        thickness = max(1, round(scale * 2))
        (width, rise), _ = cv2.getTextSize(initial, cv2.FONT_HERSHEY_DUPLEX, scale, thickness)
        at = centre[0] - width // 2, centre[1] + rise // 2
        cv2.putText(
            coverage, initial, at, cv2.FONT_HERSHEY_DUPLEX, scale, (0,), thickness, cv2.LINE_AA
        )
    return coverage, {
        "drawing": shape, "initial": initial, "corners": corners, "radius": radius,
        "centre": list(centre),
    }  # fmt: skip


OVERLAY = Forgery("overlay", False, _attempt)
