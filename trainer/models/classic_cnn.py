"""The classic ELA network: two convolutions, dropout, one hidden dense layer.

The shape is that of the many ELA + CNN publications on CASIA: 5x5 convolutions with ReLU and
max-pooling, dropout, dense layers. Those pool 2x2 both times and put nearly all weights into the
dense layer. A wide second pooling makes the file a hundred times smaller and did no worse on
unseen sources.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from trainer.config import Recipe
from trainer.models.network import Network


class ClassicCnn(Network):
    """(batch, channels, size, size) float32 grey levels -> logits (batch, 1)."""

    def __init__(
        self,
        channels: int,
        size: int,
        *,
        filters: int,
        pool: int,
        dense: int,
        dropout: float,
        dense_dropout: float,
        planes: Sequence[str] = ("ela",),
    ) -> None:
        super().__init__(channels, planes)
        self.features = nn.Sequential(
            nn.Conv2d(channels, filters, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(filters, filters, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(pool),
            nn.Dropout(dropout),
            nn.Flatten(),
        )
        side = ((size - 4) // 2 - 4) // pool
        self.head = nn.Sequential(
            nn.Linear(filters * side * side, dense),
            nn.ReLU(),
            nn.Dropout(dense_dropout),
            nn.Linear(dense, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the positive class."""
        logits: Tensor = self.head(self.features(self.normalised(images)))
        return logits


def classic_cnn(recipe: Recipe, channels: int) -> ClassicCnn:
    """The network that ``recipe`` describes, with random weights."""
    return ClassicCnn(
        channels,
        recipe.size,
        filters=recipe.filters,
        pool=recipe.pool,
        dense=recipe.dense,
        dropout=recipe.dropout,
        dense_dropout=recipe.dense_dropout,
        planes=recipe.planes,
    )
