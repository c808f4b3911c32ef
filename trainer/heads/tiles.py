"""The network that refines the coarse map at full resolution, tile by tile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from app.analysis.region import Region
from app.arrays import RgbU8, TensorF32
from app.detection.card import Preparation, Where
from app.detection.where import filled, tile_input, tile_places
from trainer.heads.features import Draws, drawn
from trainer.heads.recipe import HeadRecipe
from trainer.models.mask_fcn import SmallEncoder, doubled

PLANES = ("rgb", "ela", "noise")
TILE = 256
WIDTHS = (16, 32, 64, 96, 128)

_EVIDENCE = 24
_BATCH = 8
_AHEAD = 4


class Tiles(nn.Module):
    """(n, 10, h, w), planes in grey levels and the coarse logits, to logits (n, 1, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SmallEncoder(3 * len(PLANES) + 1, WIDTHS)
        self.laterals = nn.ModuleList(nn.Conv2d(width, _EVIDENCE, 1) for width in WIDTHS)
        self.change = nn.Conv2d(_EVIDENCE, 1, 3, padding=1)
        # It begins with the coarse map as it is.
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)  # type: ignore[arg-type]

    def forward(self, tiles: Tensor) -> Tensor:
        """Logits."""
        coarse = tiles[:, 9:]
        # Error levels and noise have long tails, and what matters lies near zero.
        levels = [
            (tiles[:, :3] - 128) / 64,
            torch.log1p(tiles[:, 3:6]) - 1,
            (tiles[:, 6:9] / 4).tanh(),
            (coarse / 4).clamp(-3, 3),
        ]
        found = self.encoder(torch.cat(levels, dim=1))
        evidence = self.laterals[-1](found[-1])
        for lateral, level in zip(self.laterals[-2::-1], found[-2::-1], strict=True):
            evidence = lateral(level) + doubled(evidence)
        result: Tensor = coarse + doubled(self.change(F.relu(evidence)))
        return result


def train_tiles(
    draws: Draws,
    rows: NDArray[np.int64],
    coarse: NDArray[np.float32],
    preparation: Preparation,
    where: Where,
    recipe: HeadRecipe,
    say: Callable[[str], None],
) -> Tiles:
    """Train on tiles of some rows.

    Args:
        draws: of pictures.
        rows: whose masks are known.
        coarse: (all rows, 56, 56) maps by a network that did not train on the row's fold.
        preparation: of error levels.
        where: planes and tile.
        recipe: steps and learning rate.
        say: gets the progress.
    """
    torch.manual_seed(recipe.seed + 1)
    network = Tiles().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.01)
    steps = recipe.tile_steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2 * recipe.learning_rate, steps)
    network.train()
    total = 0.0
    batches = _batches(draws, rows, coarse, preparation, where, recipe)
    for step, (tiles, masks) in zip(range(1, steps + 1), batches, strict=False):
        logits = network(torch.from_numpy(tiles).contiguous(memory_format=torch.channels_last))
        loss = _loss(logits, torch.from_numpy(masks)[:, None])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0:
            say(f"step {step:5} of {steps} on tiles: loss {total / 100:.4f}")
            total = 0.0
    return network.eval()


def _loss(logits: Tensor, masks: Tensor) -> Tensor:
    loss = F.binary_cross_entropy_with_logits(logits, masks, pos_weight=torch.tensor(2.0))
    altered = masks.flatten(1).mean(dim=1) > 0.005
    if altered.any():
        chance, truth = logits[altered].sigmoid().flatten(1), masks[altered].flatten(1)
        both = 2 * (chance * truth).sum(dim=1) + 1
        loss = loss + 0.5 * (1 - both / ((chance + truth).sum(dim=1) + 1)).mean()
    return loss


def _batches(
    draws: Draws,
    rows: NDArray[np.int64],
    coarse: NDArray[np.float32],
    preparation: Preparation,
    where: Where,
    recipe: HeadRecipe,
) -> Iterator[tuple[TensorF32, NDArray[np.float32]]]:
    """Without end: (n, 10, tile, tile) and (n, tile, tile)."""
    random = np.random.default_rng(recipe.seed + 2)
    labels = draws.labels[rows]
    # Two of three are altered; of the others there is more, and less to learn from each.
    chances = np.where(labels == 1, 2 / max(labels.sum(), 1), 1 / max((1 - labels).sum(), 1))
    chances = chances / chances.sum()

    def one(row: int, seed: int) -> tuple[TensorF32, NDArray[np.float32]]:
        return _tile(draws, row, seed, coarse[row], preparation, where, recipe)

    with ThreadPoolExecutor(1) as pool:
        waiting: list[list[Future[tuple[TensorF32, NDArray[np.float32]]]]] = []
        while True:
            while len(waiting) < _AHEAD:
                chosen = random.choice(rows, _BATCH, p=chances)
                seeds = random.integers(2**31, size=_BATCH)
                pairs = zip(chosen.tolist(), seeds.tolist(), strict=True)
                waiting.append([pool.submit(one, row, seed) for row, seed in pairs])
            found = [future.result() for future in waiting.pop(0)]
            yield np.stack([tile for tile, _ in found]), np.stack([mask for _, mask in found])


def _tile(
    draws: Draws,
    row: int,
    seed: int,
    coarse: NDArray[np.float32],
    preparation: Preparation,
    where: Where,
    recipe: HeadRecipe,
) -> tuple[TensorF32, NDArray[np.float32]]:
    picture = draws.pictures[draws.index[row]]
    pixels, mask = drawn(picture, recipe.resave, recipe.seed, int(draws.draw[row]))
    assert mask is not None
    random = np.random.default_rng(seed)
    place = _place(mask, where.tile, random)
    inputs = tile_input(where, preparation, coarse, pixels, place)
    margin = ((0, where.tile - place.height), (0, where.tile - place.width))
    return filled(inputs, where.tile), np.pad(place.of(mask), margin, mode="symmetric")


def _place(mask: NDArray[np.float32], tile: int, random: np.random.Generator) -> Region:
    """Anywhere, or in half of the altered pictures around an altered pixel; on the grid of 8."""
    height, width = mask.shape
    room = max(height - tile, 0), max(width - tile, 0)
    top, left = (int(random.integers(space + 1)) for space in room)
    altered = np.argwhere(mask > 0.5)
    if len(altered) and random.random() < 0.5:
        row, column = altered[random.integers(len(altered))]
        top, left = (
            int(np.clip(at - random.integers(tile), 0, space))
            for at, space in zip((row, column), room, strict=True)
        )
    top, left = top // 8 * 8, left // 8 * 8
    return Region(left, top, left + min(tile, width), top + min(tile, height))


def map_of(
    network: Tiles,
    coarse: NDArray[np.float32],
    pixels: RgbU8,
    where: Where,
    preparation: Preparation,
) -> NDArray[np.float32]:
    """The refined map of one picture, (height, width) 0..1, in torch, as the program tiles it."""
    height, width = pixels.shape[:2]
    result = np.zeros((height, width), np.float32)
    for tile, core in tile_places(width, height, where.tile):
        inputs = filled(tile_input(where, preparation, coarse, pixels, tile), where.tile)
        with torch.no_grad():
            logits = network(torch.from_numpy(inputs)[None])[0, 0]
        found = torch.sigmoid(logits).numpy()[: tile.height, : tile.width]
        core.of(result)[:] = core.relative_to(tile).of(found)
    return result
