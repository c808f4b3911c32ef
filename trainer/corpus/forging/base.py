"""What every kind of forgery takes and returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8

MaskU8: TypeAlias = NDArray[np.uint8]
"""The altered part of a picture: shape (height, width), uint8, 0 or 255."""

Facts: TypeAlias = dict[str, Any]
"""Every number that was drawn for a step, ready for JSON."""

Weight: TypeAlias = NDArray[np.floating[Any]]
"""How much of a pixel is replaced: shape (height, width), 0..1."""

_TRIES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Forged:
    """A forged picture.

    Attributes:
        pixels: (height, width, 3) uint8 RGB.
        mask: what was altered. Further away from it than ``facts["margin"]`` pixels no byte
            differs from the base.
        facts: how it was made.
    """

    pixels: RgbU8
    mask: MaskU8
    facts: Facts


@dataclass(frozen=True, slots=True)
class Task:
    """What one forgery is made from.

    Attributes:
        base: (height, width, 3) uint8 RGB, the picture to alter.
        donor: the picture that a splice takes its part from; None for the other kinds.
        share: smallest and largest share of the base that the mask covers, 0..1.
    """

    base: RgbU8
    donor: RgbU8 | None
    share: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One kind of forgery.

    Attributes:
        id: word for the manifest and the command line.
        needs_donor: whether it takes a part of a second picture.
        attempt: makes one, or returns None where a draw does not fit the picture.
    """

    id: str
    needs_donor: bool
    attempt: Callable[[Task, np.random.Generator], Forged | None]

    def make(self, task: Task, random: np.random.Generator) -> Forged | None:
        """Draw until the mask has the wanted size and the change can be seen.

        Returns:
            None for a picture that this kind cannot alter visibly, such as an empty one.
        """
        for number in range(1, _TRIES + 1):
            forged = self.attempt(task, random)
            if forged is None or not _fits(forged.mask, task.share):
                continue
            if _visible(task.base, forged):
                forged.facts["attempts"] = number
                return forged
        return None


def draw_share(share: tuple[float, float], random: np.random.Generator) -> float:
    """A share of the picture, log-uniform in the middle of the range: draws must not miss it."""
    low, high = np.log(share)
    edge = 0.1 * (high - low)
    return float(np.exp(random.uniform(low + edge, high - edge)))


def draw_word(words: Sequence[tuple[str, float]], random: np.random.Generator) -> str:
    """One of the words, by their probabilities."""
    names = [word for word, _ in words]
    return names[int(random.choice(len(names), p=[weight for _, weight in words]))]


def _fits(mask: MaskU8, share: tuple[float, float]) -> bool:
    covered = float(np.count_nonzero(mask)) / mask.size
    return share[0] <= covered <= share[1]


def _visible(base: RgbU8, forged: Forged) -> bool:
    """Whether half of the mask differs, and by more than a grey level on average.

    A piece of sky on a piece of sky would teach a model to see what is not there.
    """
    inside = cv2.absdiff(base, forged.pixels)[forged.mask > 0]
    changed = inside.max(axis=1) > 0
    return bool(changed.mean() >= 0.5 and inside.mean() >= 1.5)
