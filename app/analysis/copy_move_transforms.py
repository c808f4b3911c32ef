"""Moves that many matches agree on: shift, rotation, scale, and perhaps a mirror.

Instead of drawing matches at random, each match is paired with its nearest ones, which lie on the
same copy if any do; every such pair proposes a move, and the one with most matches wins. So the
same picture always gives the same moves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.copy_move_points import Matches

TOLERANCE = 3.0
"""Pixels that a match may be away from where a move puts it."""

FEWEST = 4
"""Distinct matches that make a move."""

SCALES = (0.4, 2.5)

_PARTNERS = 5
_PARTNER_DISTANCE = (5.0, 300.0)
_PLACE = 2.0
_BLOCK = 500

Places = NDArray[np.complex128]
"""x + iy."""


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A move and the matches that agree on it.

    Attributes:
        matrix: (2, 3) float64; takes (x, y, 1) of pixel centres to (x, y).
        sources: (n, 2) float64, x and y.
        targets: (n, 2) float64.
        matches: how many there are at distinct places.
    """

    matrix: NDArray[np.float64]
    sources: NDArray[np.float64]
    targets: NDArray[np.float64]
    matches: int

    @property
    def scale(self) -> float:
        """Of lengths."""
        return scale_of(self.matrix)

    def inverse(self) -> "Move":
        """The way back."""
        return Move(inverse_of(self.matrix), self.targets, self.sources, self.matches)


def scale_of(matrix: NDArray[np.float64]) -> float:
    """How much a move enlarges lengths."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def inverse_of(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The move back."""
    return np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)


def moved(matrix: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where (n, 2) places come to lie."""
    return np.asarray(places @ matrix[:, :2].T + matrix[:, 2])


def moves(matches: Matches, most: int, step: Callable[[], None]) -> Iterator[Move]:
    """The moves that most matches agree on, one after the other; each match counts for one.

    Args:
        matches: of one picture.
        most: of the moves.
        step: called before each; it may raise.
    """
    source, target = _complex(matches.sources), _complex(matches.targets)
    if matches.mirrored:
        source = source.conj()
    left = np.ones(len(source), dtype=bool)
    for _ in range(most):
        step()
        if np.count_nonzero(left) < FEWEST:
            return
        found = _best(source[left], target[left])
        if found is None:
            return
        turn, shift = found
        agree = np.abs(turn * source[left] + shift - target[left]) < TOLERANCE
        count = _at_distinct_places(source[left][agree], target[left][agree])
        if count < FEWEST:
            return
        matrix = _matrix(turn, shift, matches.mirrored)
        yield Move(matrix, matches.sources[left][agree], matches.targets[left][agree], count)
        left &= ~_explained(matrix, matches)


def _complex(places: NDArray[np.float64]) -> Places:
    return np.asarray(places[:, 0] + 1j * places[:, 1])


def _best(source: Places, target: Places) -> tuple[complex, complex] | None:
    """The turn and shift, target = turn * source + shift, that most matches agree on."""
    turns, shifts = _proposals(source, target)
    most, best = 0, None
    for begin in range(0, len(turns), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        away = np.abs(turns[part, None] * source + (shifts[part, None] - target))
        counts = np.count_nonzero(away < TOLERANCE, axis=1)
        first = int(counts.argmax())
        if counts[first] > most:
            most = int(counts[first])
            best = complex(turns[begin + first]), complex(shifts[begin + first])
    if best is None or most < FEWEST:
        return None
    for _ in range(3):
        agree = np.abs(best[0] * source + best[1] - target) < TOLERANCE
        if np.count_nonzero(agree) < FEWEST:
            return None
        best = _fitted(source[agree], target[agree])
    return best if SCALES[0] < abs(best[0]) < SCALES[1] else None


def _proposals(source: Places, target: Places) -> tuple[Places, Places]:
    """Turn and shift by each match together with each of its nearest ones."""
    near, far = _PARTNER_DISTANCE
    apart = np.abs(source[:, None] - source)
    apart[(apart < near) | (apart > far)] = np.inf
    count = min(_PARTNERS, len(source))
    partners = np.argsort(apart, axis=1, kind="stable")[:, :count]
    first = np.repeat(np.arange(len(source)), count)
    second = partners.reshape(-1)
    usable = np.isfinite(apart[first, second])
    first, second = first[usable], second[usable]
    turns = (target[second] - target[first]) / (source[second] - source[first])
    sane = (np.abs(turns) > SCALES[0]) & (np.abs(turns) < SCALES[1])
    turns, first = turns[sane], first[sane]
    return turns, target[first] - turns * source[first]


def _fitted(source: Places, target: Places) -> tuple[complex, complex]:
    """The turn and shift with the smallest squares."""
    middle, goal = source.mean(), target.mean()
    centred = source - middle
    squares = max(float(np.square(np.abs(centred)).sum()), 1e-9)
    turn = complex((centred.conj() * (target - goal)).sum() / squares)
    return turn, complex(goal - turn * middle)


def _at_distinct_places(source: Places, target: Places) -> int:
    """Key points often share a place; they are one witness."""
    return min(len(np.unique(np.round(places / _PLACE))) for places in (source, target))


def _matrix(turn: complex, shift: complex, mirrored: bool) -> NDArray[np.float64]:
    along, across = turn.real, turn.imag
    if mirrored:
        return np.array([[along, across, shift.real], [across, -along, shift.imag]])
    return np.array([[along, -across, shift.real], [across, along, shift.imag]])


def _explained(matrix: NDArray[np.float64], matches: Matches) -> NDArray[np.bool_]:
    """Which matches a move or its way back accounts for, with some slack."""
    explained = np.zeros(len(matches.sources), dtype=bool)
    for way in (matrix, inverse_of(matrix)):
        away = moved(way, matches.sources) - matches.targets
        explained |= np.square(away).sum(axis=1) < (2 * TOLERANCE) ** 2
    return explained
