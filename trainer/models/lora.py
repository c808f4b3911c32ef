"""Low-rank adaptation of a transformer: frozen layers plus a product of two thin matrices.

Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021
(https://arxiv.org/abs/2106.09685). The update is not scaled; the learning rate does that.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class LoraLinear(nn.Module):
    """A linear layer that stays as it is, and a trained update of low rank beside it."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        # Zeros: before the first step the layer computes what it computed before.
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, values: Tensor) -> Tensor:
        """What the layer gives, plus the update."""
        kept: Tensor = self.base(values)
        return kept + F.linear(F.linear(values, self.down), self.up)

    def merged(self) -> nn.Linear:
        """One plain layer that computes the same."""
        layer = nn.Linear(
            self.base.in_features, self.base.out_features, bias=self.base.bias is not None
        )
        layer.load_state_dict(self.base.state_dict())
        with torch.no_grad():
            layer.weight += self.up @ self.down
        return layer


def add_lora(backbone: nn.Module, rank: int) -> None:
    """Put the update beside ``qkv`` and ``proj`` of every attention of a ViT of timm's."""
    for attention in _attentions(backbone):
        attention.qkv = LoraLinear(attention.get_submodule("qkv"), rank)  # type: ignore[arg-type]
        attention.proj = LoraLinear(attention.get_submodule("proj"), rank)  # type: ignore[arg-type]


def merge_lora(backbone: nn.Module) -> None:
    """Put plain layers in the place of all updated ones."""
    for attention in _attentions(backbone):
        for name in ("qkv", "proj"):
            layer = attention.get_submodule(name)
            if isinstance(layer, LoraLinear):
                setattr(attention, name, layer.merged())


def _attentions(backbone: nn.Module) -> list[nn.Module]:
    return [module for name, module in backbone.named_modules() if name.endswith(".attn")]
