"""The classic ELA network: two convolutions, dropout, one hidden dense layer.

The shape is that of the many ELA + CNN publications on CASIA: 5x5 convolutions with ReLU and
max-pooling, dropout, dense layers. Those pool 2x2 both times and put nearly all weights into the
dense layer. A wide second pooling makes the file a hundred times smaller and did no worse on
unseen sources.
"""

import torch
from torch import Tensor, nn


class ClassicCnn(nn.Module):
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
    ) -> None:
        super().__init__()
        # Filled from the training images by `fit_normalisation`; part of the graph.
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))
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

    def fit_normalisation(self, images: Tensor) -> None:
        """Take mean and spread per channel from ``images`` (n, channels, size, size)."""
        values = _compress(images.float())
        self.mean = values.mean(dim=(0, 2, 3))[:, None, None]
        self.spread = values.std(dim=(0, 2, 3))[:, None, None]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the positive class."""
        normalised = (_compress(images) - self.mean) / self.spread
        logits: Tensor = self.head(self.features(normalised))
        return logits


def _compress(levels: Tensor) -> Tensor:
    """Mean residuals spread over three orders of magnitude; their logarithm is nearly normal."""
    return torch.log1p(levels)
