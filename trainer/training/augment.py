"""Random variation of training images, each kind where it is right with respect to ELA.

| what | where in the chain | why |
|---|---|---|
| crop on the 8x8 grid | pixels, before ELA | the last save's blocks stay whole, as in the file |
| crop off the grid | pixels, before ELA | what a crop after the last save does to a real picture |
| flips, shifts | reduced map, after ELA | before it they would move pixels off the 8x8 grid |
| quarter turns | reduced map, after ELA | the same; a turned picture is rarer than a mirrored one |
| brightness | RGB planes of the input | an ELA plane is a measurement in grey levels |

ELA of a mirrored or turned picture is not exactly the mirrored or turned ELA: the standard
quantisation tables are not symmetric, and blocks at the right and lower edge are filled up.
After the reduction to the model's input, what remains of that is small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from app.arrays import RgbU8

_BLOCK = 8
"""Side of a JPEG block. Chroma that was subsampled has units of 16; see `grid_crop`."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """What was drawn for each image of a batch.

    Attributes:
        left_right: (n,) bool, whether columns are mirrored.
        top_bottom: (n,) bool, whether rows are mirrored.
        down: by how many rows the content moves down, up if negative.
        right: by how many columns it moves to the right.
    """

    left_right: Tensor
    top_bottom: Tensor
    down: tuple[int, ...]
    right: tuple[int, ...]


def augment(
    images: Tensor,
    shift: float,
    generator: torch.Generator,
    *,
    flips: bool = True,
    quarter_turns: bool = False,
    brightness: float = 0.0,
    rgb_channels: Sequence[int] = (),
) -> Tensor:
    """Flip and shift prepared images at random, each one differently, and more if asked.

    Without ``quarter_turns`` and ``brightness`` the random numbers are those that the shipped
    models were trained with.

    Args:
        images: (n, channels, height, width) float32.
        shift: largest shift as a share of height and width.
        generator: of the random numbers.
        flips: whether to mirror.
        quarter_turns: whether to turn; see `turn_quarters`.
        brightness: largest change; see `brighten`.
        rgb_channels: which channels are RGB and not ELA.
    """
    images = move(images, draw_moves(images, shift, generator, flips=flips))
    if quarter_turns:
        images = turn_quarters(images, generator)
    if brightness:
        images = brighten(images, brightness, rgb_channels, generator)
    return images


def draw_moves(
    images: Tensor, shift: float, generator: torch.Generator, *, flips: bool = True
) -> Moves:
    """Draw flips and shifts; arguments as of `augment`."""
    count, _, height, width = images.shape
    mirror = torch.zeros(count, 2, dtype=torch.bool)
    if flips:
        mirror = torch.rand(count, 2, generator=generator) < 0.5
    down, right = round(shift * height), round(shift * width)
    tops, lefts = [down] * count, [right] * count
    if down or right:
        tops = torch.randint(0, 2 * down + 1, (count,), generator=generator).tolist()
        lefts = torch.randint(0, 2 * right + 1, (count,), generator=generator).tolist()
    return Moves(
        mirror[:, 0],
        mirror[:, 1],
        tuple(down - top for top in tops),
        tuple(right - left for left in lefts),
    )


def move(images: Tensor, moves: Moves) -> Tensor:
    """Apply `Moves` to reduced maps, after ELA; uncovered borders repeat the outermost row."""
    images = torch.where(moves.left_right[:, None, None, None], images.flip(3), images)
    images = torch.where(moves.top_bottom[:, None, None, None], images.flip(2), images)
    down, right = (max(map(abs, steps), default=0) for steps in (moves.down, moves.right))
    if not (down or right):
        return images
    height, width = images.shape[2:]
    padded = F.pad(images, (right, right, down, down), mode="replicate")
    return torch.stack(
        [
            image[:, down - lower : down - lower + height, right - aside : right - aside + width]
            for image, lower, aside in zip(padded, moves.down, moves.right, strict=True)
        ]
    )


def turn_quarters(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each reduced map, after ELA, by 0, 90, 180 or 270 degrees.

    Maps that are not square are turned by 0 or 180 degrees.
    """
    square = images.shape[2] == images.shape[3]
    quarters = torch.randint(0, 4 if square else 2, (len(images),), generator=generator).tolist()
    step = 1 if square else 2
    return torch.stack(
        [
            torch.rot90(image, step * times, (1, 2))
            for image, times in zip(images, quarters, strict=True)
        ]
    )


def brighten(
    images: Tensor, amount: float, rgb_channels: Sequence[int], generator: torch.Generator
) -> Tensor:
    """Multiply the RGB planes of each input by a factor of its own, saturating at 255.

    ELA planes stay as they are. Their grey levels are what the model measures, and ELA of a
    brighter picture is not a brighter ELA, since quantisation is not linear.

    Args:
        images: (n, channels, height, width) float32, 0..255.
        amount: factors lie between 1 - amount and 1 + amount.
        rgb_channels: which channels to change.
        generator: of the random numbers.
    """
    factors = 1 + amount * (2 * torch.rand(len(images), 1, 1, 1, generator=generator) - 1)
    channels = list(rgb_channels)
    if not channels:
        return images
    result = images.clone()
    result[:, channels] = (images[:, channels] * factors).clamp(0, 255)
    return result


@dataclass(frozen=True, slots=True)
class GridCrop:
    """A crop of full-resolution pixels, before ELA.

    Attributes:
        left: first column that is kept.
        top: first row that is kept.
        width: of what is kept.
        height: of what is kept.
        aligned: whether it begins on the grid.
        unit: of the grid, 8 or 16 pixels.
    """

    left: int
    top: int
    width: int
    height: int
    aligned: bool
    unit: int


def grid_crop(
    pixels: RgbU8,
    height: int,
    width: int,
    random: np.random.Generator,
    *,
    aligned: bool,
    unit: int = _BLOCK,
) -> tuple[RgbU8, GridCrop]:
    """Cut a random rectangle out of full-resolution pixels, before ELA, on or off the grid.

    On the grid, ELA sees the blocks of the last save as they lie in the file. Off the grid it sees
    blocks that were cut through, as in a picture that was cropped after its last save.

    Args:
        pixels: (height, width, 3) uint8 RGB whose grid begins at the corner.
        height: wanted; a smaller picture keeps what it has.
        width: wanted.
        random: of the place.
        aligned: on the grid, or off it in at least one direction where there is room.
        unit: 8, or 16 to keep the units of 4:2:0 whole.

    Returns:
        The part, and where it was.
    """
    height, width = min(height, pixels.shape[0]), min(width, pixels.shape[1])
    room = pixels.shape[0] - height, pixels.shape[1] - width
    on = [int(random.integers(free // unit + 1)) * unit for free in room]
    off = [int(random.integers(free + 1)) for free in room]
    top, left = on if aligned else off
    if not aligned and top % unit == 0 and left % unit == 0:
        # One pixel aside, in the first direction that has the room.
        if room[1]:
            left += 1 if left < room[1] else -1
        elif room[0]:
            top += 1 if top < room[0] else -1
    crop = GridCrop(left, top, width, height, top % unit == 0 and left % unit == 0, unit)
    return np.ascontiguousarray(pixels[top : top + height, left : left + width]), crop
