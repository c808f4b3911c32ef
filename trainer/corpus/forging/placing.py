"""Moving a region to another place: scale, rotation, mirror image, and where it fits."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8
from trainer.corpus.forging.base import Facts, MaskU8

_BORDER = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to a region before it is moved.

    Attributes:
        scale: factor of its size.
        degrees: clockwise as seen.
        mirrored: left and right are exchanged first.
    """

    scale: float = 1.0
    degrees: float = 0.0
    mirrored: bool = False

    @property
    def moves_only(self) -> bool:
        """Whether every pixel keeps its value, so that the grid of an earlier save survives."""
        return self.scale == 1 and self.degrees == 0 and not self.mirrored

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 2), for columns (x to the right, y down)."""
        angle = np.deg2rad(self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        mirror = np.diag([-1.0 if self.mirrored else 1.0, 1.0])
        return np.asarray(self.scale * turn @ mirror)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A region in its new place.

    Attributes:
        pixels: the source as it lies there, with the size of the target.
        region: in the target.
        facts: the transform from source to target and its parts. It takes (x, y, 1) of pixel
            centres, x to the right and y down, to (x, y).
    """

    pixels: RgbU8
    region: MaskU8
    facts: Facts


def place(
    source: RgbU8,
    region: MaskU8,
    target: tuple[int, int],
    turn: Turn,
    where: tuple[float, float],
) -> Placed | None:
    """Move ``region`` of ``source`` into a picture of the size ``target`` (height, width).

    Args:
        source: (height, width, 3) uint8 RGB.
        region: of the same size.
        target: height and width.
        turn: of the region.
        where: 0..1 to the right and down, within the room that is left.

    Returns:
        None where the turned region does not fit.
    """
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    points = np.concatenate([outline.reshape(-1, 2) for outline in outlines]) @ turn.matrix.T
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([target[1], target[0]]) - 1 - 2 * _BORDER - (high - low)
    if (room < 0).any():
        return None
    shift = np.asarray(where) * room + _BORDER - low
    if turn.moves_only:
        shift = np.floor(shift)
    transform = np.column_stack([turn.matrix, shift])
    size = target[1], target[0]
    softened = source
    if turn.scale < 0.7:  # without it, fine texture would alias
        softened = cv2.GaussianBlur(source, (0, 0), 0.4 / turn.scale)  # type: ignore[assignment]
    method = cv2.INTER_NEAREST if turn.moves_only else cv2.INTER_CUBIC
    moved = cv2.warpAffine(
        softened, transform, size, flags=method, borderMode=cv2.BORDER_REFLECT_101
    )
    covered = cv2.warpAffine(region, transform, size, flags=cv2.INTER_LINEAR)
    facts: Facts = {
        "transform": transform.tolist(),
        "scale": turn.scale,
        "degrees": turn.degrees,
        "mirrored": turn.mirrored,
        "interpolation": "none" if turn.moves_only else "cubic",
        "softened": turn.scale < 0.7,
    }
    return Placed(
        np.asarray(moved, dtype=np.uint8),
        np.where(covered > 127, 255, 0).astype(np.uint8),
        facts,
    )
