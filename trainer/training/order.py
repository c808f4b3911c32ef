"""What an epoch sees, in which order and how changed; a function of seed and epoch alone."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.training.augment import Moves, brighten, draw_moves, move, turn_quarters
from trainer.training.prepared import Images, Item


class EpochImages(Dataset[Item]):
    """The images of one epoch, each changed at random, by lists of places in its random order.

    An image's changes depend on its place alone, not on what is loaded together with it.

    Attributes:
        seeds: of the changes, by place.
    """

    def __init__(
        self, data: Images, recipe: Recipe, epoch: int, weights: Sequence[float] | None
    ) -> None:
        self._data, self._recipe = data, recipe
        self._order = draw_order(data, recipe.seed, epoch, weights).tolist()
        generator = torch.Generator().manual_seed(seed_of(recipe.seed, "augmentation", epoch))
        self.seeds = torch.randint(2**62, (len(data),), generator=generator).tolist()

    def __getitem__(self, places: Sequence[int]) -> Item:
        """Images (n, channels, height, width) float32, labels (n,) and masks as in `Item`."""
        items = [self._data[self._order[place]] for place in places]
        images, labels, masks = (torch.stack(parts) for parts in zip(*items, strict=True))
        generators = [torch.Generator().manual_seed(self.seeds[place]) for place in places]
        images = images.float()
        if not masks.numel():
            return varied(images, self._recipe, generators), labels, masks
        # A mask moves with its picture, as one more channel.
        both = torch.cat([images, masks.float()[:, None]], dim=1)
        both = varied(both, self._recipe, generators)
        return both[:, :-1], labels, both[:, -1]


def varied(images: Tensor, recipe: Recipe, generators: Sequence[torch.Generator]) -> Tensor:
    """`trainer.training.augment.augment` with a generator for each image.

    What all images have in common is done at once; on small tensors torch's threads would wait
    for each other most of the time.

    Args:
        images: (n, channels, height, width) float32, with the channels of ``recipe`` first.
        recipe: which changes.
        generators: n.
    """
    drawn = [
        draw_moves(images[:1], recipe.shift, generator, flips=recipe.flips)
        for generator in generators
    ]
    moves = Moves(
        torch.cat([one.left_right for one in drawn]),
        torch.cat([one.top_bottom for one in drawn]),
        tuple(one.down[0] for one in drawn),
        tuple(one.right[0] for one in drawn),
    )
    images = move(images, moves)
    channels = [name for name in recipe.planes for _ in range(3)]
    rgb = [number for number, name in enumerate(channels) if name == "rgb"]
    if recipe.quarter_turns:
        alone = zip(images.split(1), generators, strict=True)
        images = torch.cat([turn_quarters(image, generator) for image, generator in alone])
    if recipe.brightness and rgb:
        alone = zip(images.split(1), generators, strict=True)
        images = torch.cat(
            [brighten(image, recipe.brightness, rgb, generator) for image, generator in alone]
        )
    return images


def draw_order(
    data: Images, seed: int, epoch: int, weights: Sequence[float] | None = None
) -> Tensor:
    """Indices into ``data`` for one epoch: each once, or as many drawn by ``weights``."""
    generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    if weights is None:
        return torch.randperm(len(data), generator=generator)
    chances = torch.tensor(weights, dtype=torch.float64)
    chosen = torch.multinomial(chances, len(data), replacement=True, generator=generator)
    return chosen * data.draws + torch.randint(data.draws, (len(data),), generator=generator)


def class_weight(data: Images, weights: Sequence[float] | None) -> float:
    """How often label 0 is seen for one label 1.

    Raises:
        CorpusError: one of them is never seen.
    """
    chances = torch.ones(len(data))
    if weights is not None:
        chances = torch.tensor(weights).repeat_interleave(data.draws)
    positive = float(chances[data.labels > 0].sum())
    negative = float(chances[data.labels == 0].sum())
    if not (positive and negative):
        raise CorpusError("The training part holds one class only; both are needed.")
    return negative / positive


def seed_of(*parts: object) -> int:
    """A seed of 63 bits for what ``parts`` name."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
