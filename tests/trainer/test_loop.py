"""The network and its loop: shapes, normalisation, overfitting, best weights."""

import dataclasses

import torch

from trainer.config import Recipe
from trainer.loop import Epoch, LabelledImages, predict, train
from trainer.models.classic_cnn import ClassicCnn


def network(size: int = 32, dropout: float = 0.0) -> ClassicCnn:
    torch.manual_seed(0)
    return ClassicCnn(3, size, filters=8, pool=4, dense=16, dropout=dropout, dense_dropout=dropout)


def levels(count: int, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, size, size, generator=generator) * 8


def test_two_convolutions_with_pooling_dropout_and_dense_layers() -> None:
    kinds = [type(layer).__name__ for layer in network().modules()]
    assert kinds.count("Conv2d") == 2
    assert kinds.count("MaxPool2d") == 2
    assert kinds.count("Dropout") == 2
    assert kinds.count("Linear") == 2
    assert network()(levels(5)).shape == (5, 1)


def test_normalisation_is_part_of_the_network() -> None:
    model, images = network(), levels(40)
    model.fit_normalisation(images)
    inside = (torch.log1p(images) - model.mean) / model.spread
    assert torch.allclose(inside.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(inside.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3)
    assert {"mean", "spread"} <= set(model.state_dict())


def test_it_overfits_eight_images() -> None:
    images = levels(8)
    data = LabelledImages(images[:, None].half(), torch.tensor([0.0, 1.0] * 4))
    model = network()
    model.fit_normalisation(images)
    recipe = Recipe("test", epochs=80, patience=80, batch=8, shift=0.0, learning_rate=3e-3)
    # Augmentation off: eight images in all their flips are no longer eight images.
    recipe = dataclasses.replace(recipe, flips=False)
    epochs = train(model, data, data, recipe, lambda _: None)
    assert epochs[-1].train_loss < 0.05
    assert ((predict(model, images) > 0) == (data.labels > 0)).all()


def test_weights_of_the_lowest_validation_loss_are_kept() -> None:
    """The validation labels are the reverse, so every step of training makes them worse."""
    images = levels(16)
    labels = torch.tensor([0.0, 1.0] * 8)
    data = LabelledImages(images[:, None].half(), labels)
    reverse = LabelledImages(images[:, None].half(), 1 - labels)
    model = network()
    seen: list[Epoch] = []
    recipe = Recipe("test", epochs=30, patience=5, batch=16, shift=0.0, learning_rate=3e-3)
    train(model, data, reverse, recipe, seen.append)
    assert len(seen) < 30
    best = min(seen, key=lambda epoch: epoch.validation_loss)
    logits = predict(model, images)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, 1 - labels)
    assert abs(float(loss) - best.validation_loss) < 1e-3


def test_same_seed_trains_the_same_network() -> None:
    data = LabelledImages(levels(16)[:, None].half(), torch.tensor([0.0, 1.0] * 8))
    recipe = Recipe("test", epochs=3, batch=4)
    runs = []
    for _ in range(2):
        model = network(dropout=0.25)
        train(model, data, data, recipe, lambda _: None)
        runs.append(predict(model, levels(4)))
    assert torch.equal(*runs)
