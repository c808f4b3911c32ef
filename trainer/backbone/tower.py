"""The image tower of CLIP ViT-B/16, up to one of its blocks, with the features of all on the way.

Source: A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
2021, https://arxiv.org/abs/2103.00020; its weights are under the MIT licence.
"""

import torch
from torch import Tensor, nn

SIDE = 224
"""Pixels of the square input."""

PATCH, WIDTH, HEADS = 16, 768, 12

MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training pictures, with values 0..1."""

BLOCKS = 9
"""How many of the twelve are kept: the middle ones carry most of what is needed here, and each
costs seven megabytes and a tenth of the time."""

TAPS = (6, 9)
"""Blocks behind which the tokens of the picture's parts are given, too."""


def attend(mixed: Tensor, heads: int) -> Tensor:
    """Multi-head attention; written out, since that exports to plain operators.

    Args:
        mixed: (n, tokens, 3 * width): queries, keys and values side by side.
        heads: that divide the width.

    Returns:
        (n, tokens, width), for each token the values that it attends to.
    """
    count, length, width = mixed.shape[0], mixed.shape[1], mixed.shape[2] // 3
    parts = mixed.reshape(count, length, 3, heads, width // heads)
    query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
    weights = (query @ key.transpose(-1, -2) * (width // heads) ** -0.5).softmax(-1)
    seen: Tensor = (weights @ value).transpose(1, 2).reshape(count, length, width)
    return seen


class Block(nn.Module):
    """Attention and two dense layers, each behind a normalisation and beside a short cut."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, tokens, width) to the same."""
        tokens = tokens + self.out(attend(self.qkv(self.norm1(tokens)), HEADS))
        hidden = self.up(self.norm2(tokens))
        # CLIP's own approximation of GELU.
        result: Tensor = tokens + self.down(hidden * torch.sigmoid(1.702 * hidden))
        return result


class Tower(nn.Module):
    """(n, 3, 224, 224) grey levels to the class token behind every block, and patches' tokens."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", 255 * torch.tensor(SPREAD).view(1, 3, 1, 1))
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.token = nn.Parameter(torch.zeros(WIDTH))
        self.position = nn.Parameter(torch.zeros((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Summary (n, blocks, width) and patches (n, taps, patches, width)."""
        tokens = self.patch((images - self.mean) / self.spread).flatten(2).transpose(1, 2)
        first = self.token.expand(len(tokens), 1, WIDTH)
        tokens = self.norm(torch.cat([first, tokens], dim=1) + self.position)
        summary, patches = [], []
        for number, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            summary.append(tokens[:, 0])
            if number in TAPS:
                patches.append(tokens[:, 1:])
        return torch.stack(summary, dim=1), torch.stack(patches, dim=1)
