"""Key points of a picture, and which of them look like another one of the same picture.

Key points are those of D. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV
60(2), 2004. Matching within one picture follows I. Amerini et al., "A SIFT-based forensic method
for copy-move attack detection and transformation recovery", IEEE TIFS 6(3), 2011: a key point may
have several likenesses, as long as each is clearly nearer than the next one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

NEAREST_COPY = 16.0
"""Pixels between a point and its likeness: closer by, every edge resembles itself."""

_CONTRAST = 0.01
_EDGE = 12.0
_NEIGHBOURS = 12
_RANKS = 5
_SAME_PLACE = 4.0
_RATIO = 0.8
_FARTHEST = 300.0
"""Distance of two descriptors, whose length is 512, that is no likeness any more."""

_BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class KeyPoints:
    """The key points of one picture.

    Attributes:
        places: (n, 2) float32, x and y of pixel centres.
        descriptors: (n, 128) float32, whole numbers 0..255.
    """

    places: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Pairs of places that look alike, the most distinct ones first.

    Attributes:
        sources: (n, 2) float64, x and y.
        targets: (n, 2) float64, x and y.
        mirrored: whether they look alike in a mirror.
    """

    sources: NDArray[np.float64]
    targets: NDArray[np.float64]
    mirrored: bool


def key_points(grey: NDArray[np.uint8], most: int) -> KeyPoints:
    """At most about ``most`` key points of a (height, width) picture, always in the same order."""
    finder = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=most, contrastThreshold=_CONTRAST, edgeThreshold=_EDGE
    )
    points, descriptors = finder.detectAndCompute(grey, None)
    if descriptors is None:
        return KeyPoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    facts = np.array([(*point.pt, point.size, point.angle) for point in points], np.float32)
    # What threads find comes in any order.
    order = np.lexsort(facts.T)
    return KeyPoints(
        np.ascontiguousarray(facts[order, :2]),
        np.ascontiguousarray(descriptors[order], dtype=np.float32),
    )


def _mirror_order() -> NDArray[np.int64]:
    """Where the numbers of a descriptor come from in that of the mirrored surroundings.

    A descriptor has 4 rows across the direction of its key point, 4 columns along it, and 8
    directions. The mirror exchanges the sides of that direction, and turns the other way round.
    """
    numbers = np.arange(128).reshape(4, 4, 8)
    turned = numbers[:, :, (-np.arange(8)) % 8]
    return np.ascontiguousarray(turned[::-1]).reshape(-1)


def self_matches(points: KeyPoints, mirrored: bool, most: int) -> Matches:
    """Key points that look like another one, elsewhere in the picture.

    Both directions of a pair are there, if both are distinct.

    Args:
        points: of the picture.
        mirrored: look for what is alike in a mirror.
        most: of the matches; the most distinct ones are kept.
    """
    if len(points) < 2 * _RANKS:
        nothing = np.zeros((0, 2))
        return Matches(nothing, nothing, mirrored)
    wanted = points.descriptors[:, _mirror_order()] if mirrored else points.descriptors
    near, distances = _nearest(points, np.ascontiguousarray(wanted))
    pairs, ratios = _distinct(near, distances)
    order = np.argsort(ratios, kind="stable")[:most]
    places = points.places.astype(np.float64)
    return Matches(places[pairs[order, 0]], places[pairs[order, 1]], mirrored)


def _nearest(
    points: KeyPoints, wanted: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each point those most like it, and their distances; never two at one place.

    Products of descriptors are whole numbers that float32 holds exactly, so that the result does
    not depend on the order in which a library adds.

    Returns:
        (n, ranks) indices and distances; a distance is infinite where there is no such point.
    """
    descriptors, places = points.descriptors, points.places
    lengths = np.einsum("ij,ij->i", descriptors, descriptors)
    transposed = np.ascontiguousarray(descriptors.T)
    count = min(_NEIGHBOURS, len(points))
    indices, found = [], []
    for begin in range(0, len(points), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        squares = wanted[part] @ transposed
        squares *= -2
        squares += lengths
        squares += lengths[part, None]
        nearest = np.argpartition(squares, count - 1, axis=1)[:, :count]
        nearest.sort(axis=1)
        values = np.take_along_axis(squares, nearest, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        nearest = np.take_along_axis(nearest, order, axis=1)
        values = np.sqrt(np.maximum(np.take_along_axis(values, order, axis=1), 0))
        values[~_elsewhere(places[part], places[nearest])] = np.inf
        order = np.argsort(values, axis=1, kind="stable")[:, :_RANKS]
        indices.append(np.take_along_axis(nearest, order, axis=1))
        found.append(np.take_along_axis(values, order, axis=1))
    return np.concatenate(indices), np.concatenate(found)


def _elsewhere(places: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the ``others`` (n, k, 2) count: far from ``places`` (n, 2) and from better ones."""
    far = np.square(others - places[:, None]).sum(axis=2) >= NEAREST_COPY**2
    for rank in range(1, others.shape[1]):
        before = np.square(others[:, :rank] - others[:, rank, None]).sum(axis=2)
        far[:, rank] &= ~((before < _SAME_PLACE**2) & far[:, :rank]).any(axis=1)
    return np.asarray(far)


def _distinct(
    near: NDArray[np.int64], distances: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs (n, 2) whose likeness stands out, and how much nearer than the next one it is."""
    pairs, ratios = [], []
    alive = np.ones(len(near), dtype=bool)
    for rank in range(near.shape[1] - 1):
        nearer, next_one = distances[:, rank], distances[:, rank + 1]
        # A unit is added, so that two that are both exactly alike do not stand out.
        ratio = (np.minimum(nearer, 1e6) + 1) / (np.minimum(next_one, 1e6) + 1)
        alive &= (ratio < _RATIO) & (nearer < _FARTHEST)
        index = np.flatnonzero(alive)
        pairs.append(np.stack([index, near[index, rank]], axis=1))
        ratios.append(ratio[index])
    return np.concatenate(pairs), np.concatenate(ratios)
