"""The training loop, from a tensor of images to the best weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from trainer.augment import augment
from trainer.config import Recipe


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch showed. Losses are mean binary cross-entropies in nats."""

    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Prepared images with labels.

    Attributes:
        images: (examples, draws, channels, height, width) float16.
        labels: (examples,) float32, 0 or 1.
    """

    images: Tensor
    labels: Tensor

    def flat(self) -> tuple[Tensor, Tensor]:
        """All draws as images of their own: (examples * draws, …) and (examples * draws,)."""
        return self.images.flatten(0, 1), self.labels.repeat_interleave(self.images.shape[1])


def train(
    model: nn.Module,
    data: LabelledImages,
    validation: LabelledImages,
    recipe: Recipe,
    report: Callable[[Epoch], None],
) -> list[Epoch]:
    """Train ``model`` in place and leave it with the weights of the lowest validation loss.

    Each epoch sees every draw of the save pipeline of every training image in random order,
    flipped and shifted at random. Classes weigh the same, whatever their sizes.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    images, labels = data.flat()
    steps = recipe.epochs * math.ceil(len(labels) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    weight = (data.labels == 0).sum() / (data.labels == 1).sum()
    epochs: list[Epoch] = []
    best = math.inf
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    for number in range(1, recipe.epochs + 1):
        model.train()
        loss_sum, right = 0.0, 0
        for chosen in torch.randperm(len(labels), generator=generator).split(recipe.batch):
            batch = augment(images[chosen].float(), recipe.shift, generator, flips=recipe.flips)
            truth = labels[chosen]
            logits = model(batch).squeeze(1)
            loss = F.binary_cross_entropy_with_logits(logits, truth, pos_weight=weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            loss_sum += float(loss.detach()) * len(truth)
            right += int(((logits > 0) == (truth > 0)).sum())
        validation_loss, validation_accuracy = measure(model, validation, weight)
        count = len(labels)
        epochs.append(
            Epoch(number, loss_sum / count, right / count, validation_loss, validation_accuracy)
        )
        report(epochs[-1])
        if validation_loss < best:
            best = validation_loss
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        elif number - min(epochs, key=lambda e: e.validation_loss).number >= recipe.patience:
            break
    model.load_state_dict(kept)
    return epochs


@torch.no_grad()
def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Logits (n,) float32 of prepared ``images`` (n, channels, height, width)."""
    model.eval()
    return torch.cat([model(batch.float()).squeeze(1) for batch in images.split(128)])


def measure(model: nn.Module, data: LabelledImages, weight: Tensor) -> tuple[float, float]:
    """Class-weighted binary cross-entropy and accuracy over all draws."""
    images, labels = data.flat()
    logits = predict(model, images)
    loss = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)
    return float(loss), float(((logits > 0) == (labels > 0)).float().mean())
