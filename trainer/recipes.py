"""The recipes, as functions that return a complete configuration."""

from collections.abc import Callable

from trainer.config import Recipe, Shares
from trainer.corpus.resave import ResaveRange

_REFERENCES = ("camera", "web", "pristine")


def classic_cnn() -> Recipe:
    """The classic two-convolution network on ELA at 128x128, trained honestly."""
    return Recipe(name="classic_cnn", references=_REFERENCES)


def literature() -> Recipe:
    """The usual published setting: JPEG only, files as published, random split, ELA at 90.

    Its numbers look excellent because save settings give the label away, and because forgeries
    share their sources with the training part. They say nothing about a new picture; the recipe
    is here to be compared with.
    """
    return Recipe(
        name="literature",
        formats=("JPEG",),
        split="random",
        resave=None,
        shares=Shares(train=0.7, validation=0.1, calibration=0.05, test=0.15),
        draws=1,
        evaluation_draws=1,
        epochs=40,
        patience=10,
    )


def efficientnet_lite0() -> Recipe:
    """A small pretrained backbone on ELA and RGB, fine-tuned whole; made for processors."""
    return Recipe(
        name="efficientnet_lite0",
        references=_REFERENCES,
        model="efficientnet_lite0",
        weights="package",
        planes=("rgb", "ela"),
        size=160,
        draws=4,
        epochs=8,
        patience=3,
        learning_rate=1e-3,
        backbone_rate=0.3,
        warmup=0.1,
        dropout=0.2,
    )


def mobilenet_v2() -> Recipe:
    """The other small backbone; the last two blocks and the head are trained."""
    return Recipe(
        name="mobilenet_v2",
        references=_REFERENCES,
        model="mobilenet_v2",
        weights="package",
        tune="partial",
        planes=("rgb", "ela"),
        size=160,
        draws=4,
        epochs=8,
        patience=3,
        backbone_rate=0.3,
        warmup=0.1,
        dropout=0.2,
    )


def resnet50() -> Recipe:
    """ResNet-50 from ImageNet, fine-tuned whole; for a machine with a GPU."""
    return Recipe(
        name="resnet50",
        references=_REFERENCES,
        model="resnet50",
        weights="pretrained",
        planes=("rgb", "ela"),
        size=224,
        draws=4,
        epochs=15,
        learning_rate=5e-4,
        backbone_rate=0.2,
        warmup=0.1,
        dropout=0.2,
        workers=4,
    )


def vit_lora() -> Recipe:
    """A Vision Transformer with a low-rank update of its attention; for a machine with a GPU."""
    return Recipe(
        name="vit_lora",
        references=_REFERENCES,
        model="vit_base",
        weights="pretrained",
        tune="lora",
        planes=("rgb", "ela"),
        size=224,
        draws=4,
        epochs=15,
        learning_rate=5e-4,
        backbone_rate=1.0,
        warmup=0.1,
        dropout=0.1,
        workers=4,
    )


def mask() -> Recipe:
    """Where a picture was altered: a fully convolutional network with a mask head."""
    return Recipe(
        name="mask",
        model="fcn_mask",
        planes=("rgb", "ela"),
        size=256,
        draws=2,
        evaluation_draws=1,
        epochs=10,
        patience=4,
        batch=16,
        warmup=0.1,
    )


def smoke() -> Recipe:
    """The same path in seconds, for tests: a tiny input, few epochs, few draws."""
    return Recipe(
        name="smoke",
        size=32,
        filters=8,
        pool=4,
        dense=16,
        dense_dropout=0.2,
        draws=2,
        evaluation_draws=2,
        epochs=4,
        resave=ResaveRange(longer_side=(96, 160)),
    )


def protocol_cnn() -> Recipe:
    """The classic network as `trainer.comparing.protocols` trains it."""
    return Recipe(name="protocol_cnn", draws=4, epochs=12, patience=4)


def protocol_backbone() -> Recipe:
    """The small backbone as `trainer.comparing.protocols` trains it."""
    return Recipe(
        name="protocol_backbone",
        model="efficientnet_lite0",
        weights="package",
        draws=1,
        evaluation_draws=2,
        epochs=8,
        patience=3,
        backbone_rate=0.3,
        warmup=0.1,
        dropout=0.2,
    )


RECIPES: tuple[Callable[[], Recipe], ...] = (
    classic_cnn,
    literature,
    efficientnet_lite0,
    mobilenet_v2,
    resnet50,
    vit_lora,
    mask,
    protocol_cnn,
    protocol_backbone,
    smoke,
)
"""Every recipe; its name on the command line is the function's."""
