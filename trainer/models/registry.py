"""Every architecture by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.backbones import classifier
from trainer.models.classic_cnn import classic_cnn
from trainer.models.mask_fcn import efficientnet_lite0_mask, fcn_mask
from trainer.models.network import Network
from trainer.models.tuning import tune
from trainer.models.weights import fill, fill_whole, is_whole, starting_weights


@dataclass(frozen=True, slots=True)
class Family:
    """An architecture.

    Attributes:
        name: as a recipe gives it.
        summary: one sentence.
        build: makes the network with random weights from a recipe and the number of channels.
        fully_convolutional: it answers for each pixel of an input of any size. Classifiers could
            be given other sizes too, but have only learned what a picture looks like at one.
        has_mask: its output is a logit and a mask.
        backbone: it has a part that may start from ImageNet and may be frozen.
    """

    name: str
    summary: str
    build: Callable[[Recipe, int], Network]
    fully_convolutional: bool = False
    has_mask: bool = False
    backbone: bool = False


MODELS: tuple[Family, ...] = (
    Family("classic_cnn", "Two convolutions and a dense layer; the literature's.", classic_cnn),
    Family(
        "resnet50",
        "ResNet-50, 23.5 million weights.",
        classifier("resnet50"),
        backbone=True,
    ),
    Family(
        "vit_small",
        "Vision Transformer, small, patches of 16 pixels, 21.7 million weights.",
        classifier("vit_small_patch16_224"),
        backbone=True,
    ),
    Family(
        "vit_base",
        "Vision Transformer, base, patches of 16 pixels, 85.8 million weights.",
        classifier("vit_base_patch16_224"),
        backbone=True,
    ),
    Family(
        "efficientnet_lite0",
        "EfficientNet-Lite0, for CPUs, 3.4 million weights.",
        classifier("tf_efficientnet_lite0"),
        backbone=True,
    ),
    Family(
        "mobilenet_v2",
        "MobileNetV2, for CPUs, 2.2 million weights.",
        classifier("mobilenetv2_100"),
        backbone=True,
    ),
    Family(
        "fcn_mask",
        "Small fully convolutional network with a mask, 0.5 million weights.",
        fcn_mask,
        fully_convolutional=True,
        has_mask=True,
    ),
    Family(
        "efficientnet_lite0_mask",
        "EfficientNet-Lite0 with a pyramid and a mask, 3.0 million weights.",
        efficientnet_lite0_mask,
        fully_convolutional=True,
        has_mask=True,
        backbone=True,
    ),
)


def family(name: str) -> Family:
    """The architecture of that name.

    Raises:
        CorpusError: there is none.
    """
    for found in MODELS:
        if found.name == name:
            return found
    known = ", ".join(found.name for found in MODELS)
    raise CorpusError(f"There is no model {name}; there are {known}.")


def build_model(recipe: Recipe, channels: int) -> Network:
    """The network that ``recipe`` asks for, with its starting weights, frozen as it says.

    Random weights come from torch's own generator; whoever wants the same again seeds it.

    Raises:
        CorpusError: there is no such model, no such weights, or it cannot be tuned so.
    """
    network = family(recipe.model).build(recipe, channels)
    weights = starting_weights(recipe.weights, network.timm_name, recipe.model)
    whole = weights is not None and is_whole(weights)
    if weights is not None and not whole:
        fill(network, weights)
    tune(network, recipe)
    # A run's own weights have the names that tuning gives them.
    if weights is not None and whole:
        fill_whole(network, weights)
    return network
