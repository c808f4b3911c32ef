"""What every architecture has in common: normalisation, frozen layers, groups for the optimiser."""

import copy
from collections.abc import Sequence
from typing import Any, Self

import timm
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainer.config import Recipe

PIECE = 256
"""Images of which the normalisation is computed at once."""

SMALLEST_SPREAD = 1e-3
"""A plane that never changes is not blown up by its normalisation."""


class Network(nn.Module):
    """(n, channels, height, width) float32 grey levels 0..255 -> logits (n, 1).

    With a mask head: (logits (n, 1), mask logits (n, 1, height, width)).

    Attributes:
        mean: (channels, 1, 1), of the compressed levels; part of the graph.
        spread: (channels, 1, 1), their standard deviation.
        planes: what the channels hold.
        timm_name: the backbone's name in timm, empty without a backbone.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, planes: Sequence[str], timm_name: str = "") -> None:
        """Make the buffers of the normalisation.

        Args:
            channels: of all planes together, the same number for each.
            planes: "ela" or "rgb", in the order of the channels.
            timm_name: of a backbone; RGB planes are normalised as it was trained with them.
                Without one they are fitted like error levels.
        """
        super().__init__()
        self.planes = tuple(planes)
        self.timm_name = timm_name
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))
        self._keep_rgb()

    @property
    def backbone(self) -> nn.Module | None:
        """The part that may start from ImageNet and may be frozen, if there is one."""
        return None

    def fit_normalisation(self, images: Tensor) -> None:
        """Take mean and spread per channel from training ``images`` (n, channels, h, w)."""
        count = len(images) * images.shape[2] * images.shape[3]
        total = torch.zeros(images.shape[1], dtype=torch.float64)
        squares = torch.zeros_like(total)
        for piece in images.split(PIECE):
            values = self.compress(piece.float()).double()
            total += values.sum(dim=(0, 2, 3)).cpu()
            squares += values.square().sum(dim=(0, 2, 3)).cpu()
        mean = total / count
        spread = (squares / count - mean.square()).clamp_min(0).sqrt().clamp_min(SMALLEST_SPREAD)
        self.mean.copy_(mean[:, None, None])
        self.spread.copy_(spread[:, None, None])
        self._keep_rgb()

    def compress(self, levels: Tensor) -> Tensor:
        """RGB to 0..1; residuals, which spread over three orders of magnitude, to logarithms."""
        each = levels.shape[1] // len(self.planes)
        parts = zip(self.planes, levels.split(each, dim=1), strict=True)
        return torch.cat(
            [part / 255 if plane == "rgb" else torch.log1p(part) for plane, part in parts], dim=1
        )

    def normalised(self, levels: Tensor) -> Tensor:
        """``levels`` with mean 0 and standard deviation 1, about, in each channel."""
        return (self.compress(levels) - self.mean) / self.spread

    def parameter_groups(self, recipe: Recipe) -> list[dict[str, Any]]:
        """Trainable weights for an optimiser, the backbone's with a learning rate of their own."""
        of_backbone = {id(p) for p in self.backbone.parameters()} if self.backbone else set()
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        head = [parameter for parameter in trained if id(parameter) not in of_backbone]
        backbone = [parameter for parameter in trained if id(parameter) in of_backbone]
        groups = [
            {"params": head, "lr": recipe.learning_rate},
            {"params": backbone, "lr": recipe.learning_rate * recipe.backbone_rate},
        ]
        return [group for group in groups if group["params"]]

    def train(self, mode: bool = True) -> Self:
        """Set the mode; batch normalisation that is frozen keeps the statistics it came with."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm) and not module.weight.requires_grad:
                module.eval()
        return self

    def for_export(self) -> Self:
        """A copy in evaluation mode that computes the same with plain layers only."""
        return copy.deepcopy(self).eval()

    def _keep_rgb(self) -> None:
        if not self.timm_name:
            return
        config = configuration(self.timm_name)
        each = len(self.mean) // len(self.planes)
        for number, plane in enumerate(self.planes):
            if plane == "rgb":
                place = slice(number * each, (number + 1) * each)
                self.mean[place, 0, 0] = torch.tensor(config.mean)
                self.spread[place, 0, 0] = torch.tensor(config.std)


def configuration(timm_name: str) -> Any:
    """What timm says of a network's published weights: mean, std, tag, license, first_conv."""
    return timm.get_pretrained_cfg(timm_name)
