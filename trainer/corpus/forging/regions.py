"""The outlines of forged parts: along the content where there is an object, by hand elsewhere."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.region import Region
from app.arrays import RgbU8
from trainer.corpus.forging.base import Facts, MaskU8, draw_word

_BORDER = 2
"""Pixels at the picture's edge that no region touches; Poisson blending needs values there."""

_WORKING_SIDE = 96
"""GrabCut runs on a picture of at most this side; its cost grows faster than its use."""

_OBJECT_IN_BOX = 3.0
"""Area of the box that GrabCut gets over the area of what it mostly finds in it."""

_CUTS = 4
"""Boxes in which an object is looked for before one is drawn by hand."""

_OUTLINES = (("contour", 0.75), ("lasso", 0.1), ("blob", 0.05), ("ellipse", 0.05), ("box", 0.05))


def draw_region(
    pixels: RgbU8, share: float, random: np.random.Generator
) -> tuple[MaskU8, Facts] | None:
    """A region of about ``share`` of ``pixels``, and how it was drawn; None where none fits."""
    outline = draw_word(_OUTLINES, random)
    if outline == "contour":
        for _ in range(_CUTS):
            box = _conspicuous_box(pixels, share * _OBJECT_IN_BOX, random)
            mask = None if box is None else _cut_along_content(pixels, box, random)
            if mask is not None:
                return mask, {"outline": "contour"}
        outline = "lasso"
    mask = _by_hand(pixels.shape[:2], share, outline, random)
    return None if mask is None else (mask, {"outline": outline})


def _by_hand(
    size: tuple[int, ...], share: float, outline: str, random: np.random.Generator
) -> MaskU8 | None:
    """A filled outline of about ``share`` of a picture of ``size`` (height, width)."""
    height, width = size[:2]
    points = _unit_outline(outline, random)
    points[:, 0] *= np.exp(random.normal(0, 0.25))
    angle = random.normal(0, 0.15) if outline in ("box", "ellipse") else random.uniform(0, 7)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = points @ turn.T
    area = float(cv2.contourArea(points.astype(np.float32)))
    points *= np.sqrt(share * height * width / area)
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([width, height]) - 2 * _BORDER - (high - low)
    if (room < 1).any():
        return None
    points += random.uniform(0, 1, 2) * room + _BORDER - low
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], (255,))
    return _inside(mask)


def _unit_outline(outline: str, random: np.random.Generator) -> NDArray[np.float64]:
    """Points (n, 2) around the origin."""
    if outline == "box":
        return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    if outline == "lasso":
        count = int(random.integers(6, 14))
        angles = (np.arange(count) + random.uniform(-0.35, 0.35, count)) * 2 * np.pi / count
        radius = random.uniform(0.6, 1.1, count)
    else:
        angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        radius = np.ones(96)
        if outline == "blob":
            for wave in range(2, 7):
                height = random.normal(0, 0.3 / wave)
                radius += height * np.cos(wave * angles + random.uniform(0, 2 * np.pi))
            radius = np.maximum(radius, 0.3)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _conspicuous_box(pixels: RgbU8, share: float, random: np.random.Generator) -> Region | None:
    """Of several random rectangles the one whose middle differs most in colour from its rim."""
    height, width = pixels.shape[:2]
    factor = min(96 / max(height, width), 1.0)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    best, found = -1.0, None
    for _ in range(8):
        aspect = np.exp(random.normal(0, 0.35))
        side = np.sqrt(min(share, 0.6) * height * width)
        box_width, box_height = round(side * aspect), round(side / aspect)
        room = (width - box_width - 2 * _BORDER, height - box_height - 2 * _BORDER)
        if min(room) < 1 or min(box_width, box_height) < 6:
            continue
        left = _BORDER + int(random.integers(room[0]))
        top = _BORDER + int(random.integers(room[1]))
        box = Region(left, top, left + box_width, top + box_height)
        difference = _centre_against_rim(lab, box, factor)
        if difference > best:
            best, found = difference, box
    return found


def _centre_against_rim(lab: NDArray[Any], box: Region, factor: float) -> float:
    """Distance of the mean colours, CIE76."""
    left, top = int(box.left * factor), int(box.top * factor)
    right, bottom = int(box.right * factor) + 1, int(box.bottom * factor) + 1
    part = lab[top:bottom, left:right]
    rows, columns = part.shape[0] // 5, part.shape[1] // 5
    centre = part[rows : part.shape[0] - rows, columns : part.shape[1] - columns]
    count = part.shape[0] * part.shape[1] - centre.shape[0] * centre.shape[1]
    if count <= 0:
        return 0.0
    rim = (part.sum(axis=(0, 1)) - centre.sum(axis=(0, 1))) / count
    return float(np.linalg.norm(centre.mean(axis=(0, 1)) - rim))


def _cut_along_content(pixels: RgbU8, box: Region, random: np.random.Generator) -> MaskU8 | None:
    """What GrabCut takes for the object in ``box``; None where it finds none.

    Source: C. Rother, V. Kolmogorov, A. Blake, "GrabCut", SIGGRAPH 2004.
    """
    around = box.grown(box.width // 3 + 2, box.height // 3 + 2).inside(Region.whole(pixels))
    part = around.of(pixels)
    factor = min(_WORKING_SIDE / max(part.shape[:2]), 1.0)
    small = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    inner = box.relative_to(around)
    labels = _guess(small.shape[:2], inner, factor)
    # GrabCut starts its clusters from OpenCV's own random numbers.
    cv2.setRNGSeed(int(random.integers(2**31)))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(small, labels, (0, 0, 1, 1), *models, 2, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # all pixels are alike, so there are no clusters
        return None
    found = ((labels & 1) * 255).astype(np.uint8)
    found = _largest_part(found)
    share = np.count_nonzero(found) / (inner.area * factor**2)
    if not 0.2 <= share <= 0.9:
        return None
    size = part.shape[1], part.shape[0]
    enlarged = cv2.resize(found, size, interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(enlarged, (0, 0), max(0.8 / factor, 0.8))
    mask = np.zeros(pixels.shape[:2], np.uint8)
    around.of(mask)[smooth > 127] = 255
    return _inside(mask)


def _guess(size: tuple[int, ...], box: Region, factor: float) -> MaskU8:
    """What GrabCut begins with: the middle of ``box`` belongs to the object, its corners hardly.

    A box alone leaves it with nothing in most pictures: what is inside looks like what is outside.
    """
    labels = np.full(size, cv2.GC_BGD, np.uint8)
    left, top = round(box.left * factor), round(box.top * factor)
    width, height = round(box.width * factor), round(box.height * factor)
    labels[top : top + height, left : left + width] = cv2.GC_PR_BGD
    centre = left + width // 2, top + height // 2
    for share, label in ((0.42, cv2.GC_PR_FGD), (0.17, cv2.GC_FGD)):
        axes = max(round(width * share), 1), max(round(height * share), 1)
        cv2.ellipse(labels, centre, axes, 0, 0, 360, (label,), cv2.FILLED)
    return labels


def _largest_part(mask: MaskU8) -> MaskU8:
    """The largest connected part without thin threads, its holes filled."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    result = np.zeros_like(mask)
    if outlines:
        cv2.drawContours(result, [max(outlines, key=cv2.contourArea)], -1, (255,), cv2.FILLED)
    return result


def _inside(mask: MaskU8) -> MaskU8:
    kept = np.zeros_like(mask)
    inner = slice(_BORDER, -_BORDER)
    kept[inner, inner] = mask[inner, inner]
    return kept


def bounds(mask: MaskU8) -> Region:
    """The smallest rectangle around what is set; empty where nothing is."""
    left, top, width, height = cv2.boundingRect(mask)
    return Region(left, top, left + width, top + height)
