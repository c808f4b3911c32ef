"""Whether and roughly where, from the tokens of a picture's parts: a small transformer."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from trainer.backbone.tower import PATCH, SIDE, TAPS, WIDTH, attend
from trainer.heads.features import Draws
from trainer.heads.linear import group_weights
from trainer.heads.recipe import HeadRecipe

ROWS = SIDE // PATCH
"""Patches in each direction."""

_INNER, _HEADS, _LAYERS = 96, 4, 2


class _Layer(nn.Module):
    """Attention and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(_INNER)
        self.qkv = nn.Linear(_INNER, 3 * _INNER)
        self.out = nn.Linear(_INNER, _INNER)
        self.norm2 = nn.LayerNorm(_INNER)
        self.dense = nn.Sequential(
            nn.Linear(_INNER, 2 * _INNER), nn.GELU(), nn.Linear(2 * _INNER, _INNER)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, patches, inner) to the same."""
        tokens = tokens + self.out(attend(self.qkv(self.norm1(tokens)), _HEADS))
        result: Tensor = tokens + self.dense(self.norm2(tokens))
        return result


class Semantic(nn.Module):
    """(n, taps, patches, width) tokens to logits (n, 1) and a coarse map (n, 1, 56, 56)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        # Whole channels, since drawing a number for each value would take a third of the time.
        self.dropout = nn.Dropout1d(0.3)
        self.reduce = nn.Linear(len(TAPS) * WIDTH, _INNER)
        self.position = nn.Parameter(torch.zeros(ROWS**2, _INNER))
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))
        self.grow = nn.Sequential(
            nn.Conv2d(_INNER, 48, 3, padding=1),
            nn.GELU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(48, 32, 3, padding=1),
            nn.GELU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(32, 1, 3, padding=1),
        )
        self.label = nn.Linear(_INNER + 1, 1)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and map."""
        count = patches.shape[0]
        tokens = self.norm(patches).transpose(1, 2).reshape(count, ROWS**2, len(TAPS) * WIDTH)
        tokens = self.dropout(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = self.reduce(tokens) + self.position
        for layer in self.layers:
            tokens = layer(tokens)
        coarse = self.grow(tokens.transpose(1, 2).reshape(count, _INNER, ROWS, ROWS))
        # The mean of what stands out most; one cell alone would be at the mercy of chance.
        most = coarse.flatten(1).topk(64, dim=1).values.mean(dim=1, keepdim=True)
        return self.label(torch.cat([tokens.mean(dim=1), most], dim=1)), coarse


def train_semantic(
    draws: Draws, rows: NDArray[np.int64], recipe: HeadRecipe, say: Callable[[str], None]
) -> Semantic:
    """Train on some rows of ``draws``.

    Cross-entropy of map and label, and Dice's coefficient of the map where something was altered
    (F. Milletari et al., "V-Net", 2016, https://arxiv.org/abs/1606.04797). Unknown masks count for
    the label only.
    """
    torch.manual_seed(recipe.seed)
    network = Semantic()
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.05)
    steps = recipe.epochs * -(-len(rows) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, steps)
    labels = draws.labels
    sets = np.where(draws.groups == "forged", "forged", "photographs")
    weights = np.zeros(len(labels))
    weights[rows] = group_weights(labels[rows], sets[rows])
    random = np.random.default_rng(recipe.seed)
    network.train()
    for epoch in range(1, recipe.epochs + 1):
        total = 0.0
        for batch in np.array_split(random.permutation(rows), -(-len(rows) // recipe.batch)):
            loss = _loss(network, draws, batch, labels, weights)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        say(f"epoch {epoch:2} of the coarse map: loss {total / len(rows):.4f}")
    return network.eval()


def _loss(
    network: Semantic,
    draws: Draws,
    batch: NDArray[np.int64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> Tensor:
    label = torch.from_numpy(labels[batch]).float()[:, None]
    weight = torch.from_numpy(weights[batch]).float()[:, None]
    masks = torch.from_numpy(draws.masks[batch])[:, None]
    logits, coarse = network(torch.from_numpy(draws.patches[batch]).float())
    known = ~torch.isnan(masks[:, 0, 0, 0])
    loss = 0.5 * F.binary_cross_entropy_with_logits(logits, label, weight)
    if known.any():
        mask, seen = masks[known], coarse[known]
        # Altered cells are few.
        loss = loss + F.binary_cross_entropy_with_logits(seen, mask, pos_weight=torch.tensor(2.0))
        altered = mask.flatten(1).amax(dim=1) > 0.5
        if altered.any():
            chance, truth = seen[altered].sigmoid().flatten(1), mask[altered].flatten(1)
            both = 2 * (chance * truth).sum(dim=1) + 1
            loss = loss + 0.5 * (1 - both / ((chance + truth).sum(dim=1) + 1)).mean()
    return loss


def semantic_of(
    network: Semantic, draws: Draws, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits (rows,) and coarse maps (rows, 56, 56)."""
    logits, maps = [], []
    with torch.no_grad():
        for batch in np.array_split(rows, -(-len(rows) // 64)):
            label, coarse = network(torch.from_numpy(draws.patches[batch]).float())
            logits.append(label[:, 0].numpy())
            maps.append(coarse[:, 0].numpy())
    return np.concatenate(logits), np.concatenate(maps)
