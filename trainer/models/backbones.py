"""Classifiers of timm with one logit in place of their thousand classes."""

from collections.abc import Callable
from typing import Any, Self

import timm
from torch import Tensor, nn

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.lora import merge_lora
from trainer.models.network import Network

SMALLEST = 64
"""Smallest input side: below, the last features are one pixel, and a batch of one has no spread."""

PATCH = 16
"""Side of a patch of the transformers here."""


class Backbone(Network):
    """A network of timm's, dropout and one linear layer."""

    def __init__(self, timm_name: str, recipe: Recipe, channels: int) -> None:
        """Make the network with random weights.

        Raises:
            CorpusError: ``recipe.size`` is no size for it.
        """
        options: dict[str, Any] = {}
        if timm_name.startswith("vit_"):
            if recipe.size % PATCH:
                raise CorpusError(f"size must be a multiple of {PATCH} for {recipe.model}.")
            options["img_size"] = recipe.size
        elif recipe.size < SMALLEST:
            raise CorpusError(f"size must be at least {SMALLEST} for {recipe.model}.")
        super().__init__(channels, recipe.planes, timm_name)
        features: Any = timm.create_model(
            timm_name, pretrained=False, num_classes=0, in_chans=channels, **options
        )
        self.features: nn.Module = features
        self.dropout = nn.Dropout(recipe.dropout)
        self.head = nn.Linear(features.head_hidden_size, 1)

    @property
    def backbone(self) -> nn.Module:
        """All but dropout and the last layer."""
        return self.features

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the positive class."""
        logits: Tensor = self.head(self.dropout(self.features(self.normalised(images))))
        return logits

    def for_export(self) -> Self:
        """A copy in evaluation mode with LoRA's updates merged into the layers."""
        network = super().for_export()
        merge_lora(network.features)
        return network


def classifier(timm_name: str) -> Callable[[Recipe, int], Network]:
    """The function that builds the classifier that timm calls ``timm_name``."""

    def build(recipe: Recipe, channels: int) -> Network:
        return Backbone(timm_name, recipe, channels)

    return build
