"""Fully convolutional networks: where in the picture, and from that whether at all.

An encoder gives features at halving sizes; a small pyramid brings them to the finest of these
(Lin et al., Feature Pyramid Networks, 2017, https://arxiv.org/abs/1612.03144). One convolution
makes the mask of this evidence, mean and maximum of the evidence make the label.
"""

from collections.abc import Sequence
from typing import Any

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.network import Network

EVIDENCE = 32
"""Channels of the pyramid."""

WIDTHS = (16, 32, 64, 96, 128)
"""Channels of the small encoder at 1/2, 1/4, ... of the input's size."""


class MaskNetwork(Network):
    """(n, channels, h, w) grey levels -> (logits (n, 1), mask logits (n, 1, h, w)); any h, w."""

    def __init__(
        self,
        encoder: nn.Module,
        widths: Sequence[int],
        recipe: Recipe,
        channels: int,
        timm_name: str = "",
    ) -> None:
        """Put pyramid and heads on an ``encoder``.

        Args:
            encoder: gives one feature map of each of ``widths``, at 1/2, 1/4, ... of the size
                of an input whose sides the last of these divides.
            widths: channels of the feature maps, the finest first.
            recipe: of the run.
            channels: of the input.
            timm_name: of the encoder, if it is timm's.

        Raises:
            CorpusError: ``recipe.size`` is too small.
        """
        super().__init__(channels, recipe.planes, timm_name)
        self.step: int = 2 ** len(widths)
        if recipe.size < 2 * self.step:
            raise CorpusError(f"size must be at least {2 * self.step} for {recipe.model}.")
        self.encoder = encoder
        self.laterals = nn.ModuleList(nn.Conv2d(width, EVIDENCE, 1) for width in widths)
        self.smooth = _convolution(EVIDENCE, EVIDENCE, stride=1)
        self.mask = nn.Conv2d(EVIDENCE, 1, 1)
        self.dropout = nn.Dropout(recipe.dropout)
        self.head = nn.Linear(2 * EVIDENCE, 1)

    @property
    def backbone(self) -> nn.Module | None:
        """The encoder, if it is timm's."""
        return self.encoder if self.timm_name else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the positive class for the picture, and for each of its pixels."""
        height, width = images.shape[-2:]
        # To a whole number of the coarsest features, with the value that means "average": then
        # every level is exactly twice the next, and no padding inside depends on the size.
        margin = (0, -width % self.step, 0, -height % self.step)
        levels = self.encoder(F.pad(self.normalised(images), margin))
        evidence = self.laterals[-1](levels[-1])
        for lateral, level in zip(self.laterals[-2::-1], levels[-2::-1], strict=True):
            evidence = lateral(level) + doubled(evidence)
        evidence = self.smooth(evidence)
        mask = doubled(self.mask(evidence))[..., :height, :width]
        # What lies in the margin is no evidence.
        inside = evidence[..., : (height + 1) // 2, : (width + 1) // 2]
        pooled = torch.cat([inside.mean(dim=(2, 3)), inside.amax(dim=(2, 3))], dim=1)
        return self.head(self.dropout(pooled)), mask


class SmallEncoder(nn.Module):
    """Pairs of 3x3 convolutions, the first of each pair with stride 2."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(before, width, 2), _convolution(width, width, 1))
            for before, width in zip((channels, *widths[:-1]), widths, strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features, the finest first."""
        levels = []
        for stage in self.stages:
            images = stage(images)
            levels.append(images)
        return levels


class EvenSame(nn.Conv2d):
    """TensorFlow's "same" convolution with stride 2, for inputs with even sides.

    timm's own computes its padding from the size; with a size that is only known when the model
    runs, its export takes minutes.
    """

    def __init__(self, like: nn.Conv2d) -> None:
        """Take over the weights of ``like``."""
        super().__init__(
            like.in_channels,
            like.out_channels,
            (like.kernel_size[0], like.kernel_size[1]),
            stride=2,
            groups=like.groups,
            bias=like.bias is not None,
        )
        self.weight = like.weight
        self.bias = like.bias
        total = like.kernel_size[0] - 2
        self.margin = (total // 2, total - total // 2) * 2

    def forward(self, values: Tensor) -> Tensor:
        """Half the size of ``values``."""
        return super().forward(F.pad(values, self.margin))


def fcn_mask(recipe: Recipe, channels: int) -> MaskNetwork:
    """The network with the small encoder and random weights."""
    return MaskNetwork(SmallEncoder(channels, WIDTHS), WIDTHS, recipe, channels)


def efficientnet_lite0_mask(recipe: Recipe, channels: int) -> MaskNetwork:
    """The network with EfficientNet-Lite0 as encoder and random weights."""
    name = "tf_efficientnet_lite0"
    encoder: Any = timm.create_model(name, pretrained=False, features_only=True, in_chans=channels)
    for place, layer in list(encoder.named_modules()):
        if isinstance(layer, Conv2dSame):
            encoder.set_submodule(place, EvenSame(layer))
    return MaskNetwork(encoder, encoder.feature_info.channels(), recipe, channels, name)


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def doubled(values: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return F.interpolate(values, scale_factor=2.0, mode="bilinear", align_corners=False)
