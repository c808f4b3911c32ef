"""Every architecture of the registry: forward, backward, overfitting, and its ONNX file."""

import dataclasses
import io
import logging
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.classic_cnn import ClassicCnn
from trainer.models.lora import LoraLinear
from trainer.models.mask_fcn import EvenSame
from trainer.models.network import Network
from trainer.models.registry import MODELS, Family, build_model
from trainer.models.tuning import blocks_of

SIZE = 64
PLANES = (("rgb",), ("ela",), ("ela", "rgb"))
BACKBONES = [family for family in MODELS if family.backbone]
STEPS = {"vit_small": 10, "vit_base": 10, "resnet50": 20}
"""After which the large ones know eight pictures; a step of theirs takes a second."""
QUICK = ("classic_cnn", "mobilenet_v2", "fcn_mask")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Layers this small are slower on several threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def recipe(model: str, planes: tuple[str, ...] = ("ela", "rgb"), **fields: object) -> Recipe:
    given: dict[str, object] = {"size": SIZE, "pool": 4, "dropout": 0.0, "dense_dropout": 0.0}
    return Recipe("test", model=model, planes=planes, **(given | fields))  # type: ignore[arg-type]


def levels(planes: tuple[str, ...], count: int = 8, size: int = SIZE) -> Tensor:
    """Residuals that fall off like real ones, and evenly distributed colours."""
    generator = torch.Generator().manual_seed(1)
    parts = []
    for plane in planes:
        even = torch.rand(count, 3, size, size, generator=generator)
        parts.append(even * 255 if plane == "rgb" else -2 * torch.log(1 - even))
    return torch.cat(parts, dim=1)


def built(model: str, planes: tuple[str, ...] = ("ela", "rgb"), **fields: object) -> Network:
    torch.manual_seed(0)
    network = build_model(recipe(model, planes, **fields), 3 * len(planes))
    network.fit_normalisation(levels(planes))
    return network


def outputs(found: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    return found if isinstance(found, tuple) else (found,)


def loss_of(found: tuple[Tensor, ...], labels: Tensor, masks: Tensor) -> Tensor:
    loss = F.binary_cross_entropy_with_logits(found[0][:, 0], labels)
    if len(found) > 1:
        loss = loss + F.binary_cross_entropy_with_logits(found[1][:, 0], masks)
    return loss


LABELS = torch.tensor([0.0, 1.0] * 4)


def truth() -> Tensor:
    """A square in every picture with label 1."""
    masks = torch.zeros(8, SIZE, SIZE)
    masks[1::2, 16:48, 16:48] = 1
    return masks


def overfitted(model: str, planes: tuple[str, ...]) -> Network:
    """Trained on eight pictures until their labels, and roughly their masks, are known."""
    rate = 3e-4 if model.startswith("vit") else 3e-3
    network = built(model, planes)
    images = levels(planes)
    if network_has_mask(model):
        images = torch.where(truth()[:, None] > 0, images * 0.5, images)
    chosen = recipe(model, planes, learning_rate=rate)
    optimiser = torch.optim.AdamW(network.parameter_groups(chosen))
    steps = STEPS.get(model, 40)
    # To zero, so that the running statistics are those of the last weights.
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(outputs(network(images)), LABELS, truth()).backward()
        optimiser.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        found = outputs(network(images))
    assert ((found[0][:, 0] > 0) == (LABELS > 0)).all()
    assert float(F.binary_cross_entropy_with_logits(found[0][:, 0], LABELS)) < 0.2
    if len(found) > 1:
        assert float(((found[1][:, 0] > 0) == (truth() > 0)).float().mean()) > 0.95
    return network


def network_has_mask(model: str) -> bool:
    return next(family for family in MODELS if family.name == model).has_mask


def session(network: Network, planes: tuple[str, ...], free: bool) -> onnxruntime.InferenceSession:
    """The network in onnxruntime, with a free batch and, if asked for, a free size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    shape: dict[int, object] = {0: torch.export.Dim("batch")}
    if free:
        shape |= {2: torch.export.Dim("height", min=2), 3: torch.export.Dim("width", min=2)}
    program = torch.onnx.export(
        network.for_export(),
        (levels(planes, 2),),
        input_names=["image"],
        dynamic_shapes=(shape,),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    stream = io.BytesIO()
    onnx.save(program.model_proto, stream)
    return onnxruntime.InferenceSession(stream.getvalue(), providers=["CPUExecutionProvider"])


def assert_parity(
    network: Network, running: onnxruntime.InferenceSession, batches: list[Tensor]
) -> None:
    """At most 1e-5 of the largest logit."""
    network.eval()
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for images in batches:
        with torch.no_grad():
            expected = [output.numpy() for output in outputs(network(images))]
        pairs += zip(expected, running.run(None, {"image": images.numpy()}), strict=True)
    scale = max(float(np.abs(expected).max()) for expected, _ in pairs)
    assert scale > 0.1  # Else there would be nothing to compare.
    for wanted, actual in pairs:
        assert wanted.shape == actual.shape
        assert float(np.abs(wanted - actual).max()) <= 1e-5 * scale


def cases(quick: tuple[str, ...]) -> list[object]:
    """Every architecture with ``quick``, some with every choice of planes; most are slow."""
    return [
        pytest.param(
            family.name,
            planes,
            marks=[pytest.mark.slow] if planes != quick or family.name not in QUICK else [],
            id=f"{family.name}-{'+'.join(planes)}",
        )
        for family in MODELS
        for planes in PLANES
        if planes == quick or family.name in QUICK
    ]


def test_names_are_unique_and_say_what_they_are() -> None:
    assert len({family.name for family in MODELS}) == len(MODELS)
    assert all(family.summary.endswith(".") for family in MODELS)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CorpusError, match=r"no model resnet51.*classic_cnn, resnet50, vit_small"):
        build_model(recipe("resnet51"), 3)


@pytest.mark.parametrize("family", MODELS, ids=lambda family: family.name)
def test_shapes(family: Family) -> None:
    network = built(family.name, ("rgb",)).eval()
    with torch.no_grad():
        found = outputs(network(levels(("rgb",), 3)))
    assert found[0].shape == (3, 1)
    assert len(found) == 1 + family.has_mask
    assert (network.backbone is not None) == family.backbone
    if family.has_mask:
        assert found[1].shape == (3, 1, SIZE, SIZE)
    assert all(torch.isfinite(output).all() for output in found)


@pytest.mark.parametrize(("model", "planes"), cases(("ela", "rgb")))
def test_it_overfits_eight_images_and_its_onnx_file_computes_the_same(
    model: str, planes: tuple[str, ...]
) -> None:
    network = overfitted(model, planes)
    images = levels(planes, 5)
    running = session(network, planes, free=False)
    assert_parity(network, running, [images[:1], images[:2], images])


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(family.name, marks=[pytest.mark.slow] if family.backbone else [])
        for family in MODELS
        if family.fully_convolutional
    ],
)
def test_one_onnx_file_takes_any_size(model: str) -> None:
    network = built(model)
    network.train()(levels(network.planes))  # Statistics that are not those of the start.
    running = session(network, network.planes, free=True)
    pictures = levels(network.planes, 2, 160)
    sizes = ((64, 64), (33, 97), (160, 70), (2, 5))
    assert_parity(network, running, [pictures[..., :h, :w] for h, w in sizes])


def tunings() -> list[object]:
    found = [(family, "full") for family in MODELS]
    found += [(family, tune) for family in BACKBONES for tune in ("head", "partial")]
    found += [(family, "lora") for family in BACKBONES if family.name.startswith("vit")]
    return [
        pytest.param(
            family.name,
            tune,
            marks=[pytest.mark.slow] if family.name == "vit_base" else [],
            id=f"{family.name}-{tune}",
        )
        for family, tune in found
    ]


@pytest.mark.parametrize(("model", "tune"), tunings())
def test_what_is_trained_gets_a_gradient_and_changes_and_what_is_frozen_stays(
    model: str, tune: str
) -> None:
    network = built(model, tune=tune)
    chosen = recipe(model, tune=tune)
    groups = network.parameter_groups(chosen)
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    assert trained == {id(p) for p in network.parameters() if p.requires_grad}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(groups)
    images, masks = levels(network.planes), truth()
    network.train()
    # Two steps: LoRA's first factor has a gradient of zero while the second is zero.
    for _ in range(2):
        optimiser.zero_grad()
        loss_of(outputs(network(images)), LABELS, masks).backward()
        for name, parameter in network.named_parameters():
            assert (parameter.grad is not None) == (id(parameter) in trained), name
        optimiser.step()
    after = network.state_dict()
    for name, parameter in network.named_parameters():
        assert torch.equal(before[name], after[name]) == (id(parameter) not in trained), name
    for place, module in network.named_modules():
        if isinstance(module, _BatchNorm):
            frozen = id(module.weight) not in trained
            name = f"{place}.running_mean"
            assert torch.equal(before[name], after[name]) == frozen, name


@pytest.mark.parametrize("family", BACKBONES, ids=lambda family: family.name)
def test_partial_tuning_trains_the_last_blocks(family: Family) -> None:
    expected = {"resnet50": 16, "vit_small": 12, "vit_base": 12, "mobilenet_v2": 17}
    backbone = built(family.name, tune="partial", tuned_blocks=3).backbone
    assert backbone is not None
    blocks = blocks_of(backbone)
    assert len(blocks) == expected.get(family.name, 16)
    trained = [all(p.requires_grad for p in block.parameters()) for block in blocks]
    assert trained == [False] * (len(blocks) - 3) + [True] * 3


def test_more_blocks_than_there_are_is_all_of_them_but_not_the_stem() -> None:
    backbone = built("mobilenet_v2", tune="partial", tuned_blocks=20).backbone
    assert backbone is not None
    assert all(p.requires_grad for b in blocks_of(backbone) for p in b.parameters())
    assert not next(backbone.parameters()).requires_grad


def test_head_and_backbone_have_rates_of_their_own() -> None:
    network = built("mobilenet_v2")
    groups = network.parameter_groups(recipe("mobilenet_v2", learning_rate=0.01, backbone_rate=0.1))
    assert [group["lr"] for group in groups] == [0.01, pytest.approx(0.001)]
    assert [p.shape for p in groups[0]["params"]] == [(1, 1280), (1,)]
    assert len(built("mobilenet_v2", tune="head").parameter_groups(recipe("mobilenet_v2"))) == 1


@pytest.mark.parametrize(
    ("model", "tune", "words"),
    [
        ("classic_cnn", "lora", "only tune full"),
        ("fcn_mask", "head", "only tune full"),
        ("classic_cnn", "partial", "only tune full"),
        ("mobilenet_v2", "lora", "mobilenet_v2 is none"),
    ],
)
def test_tuning_that_a_model_does_not_have_is_refused(model: str, tune: str, words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        built(model, tune=tune)


def test_lora_changes_nothing_at_first_and_is_gone_after_merging() -> None:
    plain = built("vit_small").eval()
    updated = built("vit_small", tune="lora", lora_rank=4).eval()
    images = levels(updated.planes, 2)
    with torch.no_grad():
        assert torch.equal(plain(images), updated(images))
        generator = torch.Generator().manual_seed(2)
        layers = [module for module in updated.modules() if isinstance(module, LoraLinear)]
        assert len(layers) == 24
        for layer in layers:
            layer.up.copy_(torch.randn(layer.up.shape, generator=generator) * 0.1)
        expected = updated(images)
        merged = updated.for_export()
        assert not torch.allclose(expected, plain(images), atol=1e-3)
        assert torch.allclose(merged(images), expected, atol=1e-5)
    assert set(merged.state_dict()) == set(plain.state_dict())
    assert any(isinstance(module, LoraLinear) for module in updated.modules())


def test_lora_trains_thin_matrices_only() -> None:
    network = built("vit_small", tune="lora", lora_rank=4)
    trained = {name: p.numel() for name, p in network.named_parameters() if p.requires_grad}
    # 12 blocks; qkv goes from 384 to 1152, proj from 384 to 384; the head has 384 + 1.
    assert sum(trained.values()) == 12 * 4 * (384 + 1152 + 384 + 384) + 385


def test_merged_lora_carries_over_to_onnx() -> None:
    network = built("vit_small", tune="lora")
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, LoraLinear):
                nn.init.normal_(module.up, std=0.1)
        nn.init.normal_(network.head.weight)  # type: ignore[union-attr, arg-type]
    images = levels(network.planes, 5)
    running = session(network, network.planes, free=False)
    assert_parity(network, running, [images[:1], images[:2], images])


def test_planes_are_normalised_each_in_its_way() -> None:
    """Error levels and, without a backbone, colours are fitted; a backbone's colours are not."""
    planes = ("ela", "rgb")
    images = levels(planes).half()
    network = built("mobilenet_v2", planes)
    network.fit_normalisation(images)
    inside = network.normalised(images.float())
    values = np.log1p(images[:, :3].float().numpy())
    expected = (values - values.mean((0, 2, 3), keepdims=True)) / values.std(
        (0, 2, 3), keepdims=True
    )
    assert np.allclose(inside[:, :3].numpy(), expected, atol=1e-4)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    spread = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    assert torch.allclose(inside[:, 3:], (images[:, 3:].float() / 255 - mean) / spread, atol=1e-5)
    fitted = built("fcn_mask", planes).normalised(images.float())
    assert torch.allclose(fitted.mean(dim=(0, 2, 3)), torch.zeros(6), atol=1e-3)
    assert torch.allclose(fitted.std(dim=(0, 2, 3)), torch.ones(6), atol=1e-3)


def test_a_plane_without_any_spread_stays_finite() -> None:
    network = built("classic_cnn", ("ela",))
    network.fit_normalisation(torch.zeros(4, 3, SIZE, SIZE))
    assert torch.isfinite(network(torch.rand(2, 3, SIZE, SIZE))).all()


def test_the_classic_network_is_what_shipped_models_were_trained_as() -> None:
    network = built("classic_cnn", ("ela",))
    assert isinstance(network, ClassicCnn)
    layers = ("features.0", "features.3", "head.0", "head.3")
    names = {f"{layer}.{tensor}" for layer in layers for tensor in ("weight", "bias")}
    assert set(network.state_dict()) == names | {"mean", "spread"}


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        ("vit_small", 100, "a multiple of 16"),
        ("resnet50", 32, "at least 64"),
        ("efficientnet_lite0_mask", 63, "at least 64"),
    ],
)
def test_a_size_that_cannot_work_is_refused(model: str, size: int, words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        build_model(dataclasses.replace(recipe(model), size=size), 6)


@pytest.mark.parametrize("size", [(97, 33), (1, 1), (64, 200)])
@pytest.mark.parametrize("model", ["fcn_mask", "efficientnet_lite0_mask"])
def test_a_mask_has_the_size_of_its_picture(model: str, size: tuple[int, int]) -> None:
    network = built(model).eval()
    with torch.no_grad():
        logits, mask = network(torch.rand(2, 6, *size) * 20)
    assert logits.shape == (2, 1)
    assert mask.shape == (2, 1, *size)


def test_a_mask_lies_over_what_it_marks() -> None:
    """A square away from the middle, in a picture whose sides nothing divides."""
    network = overfitted("fcn_mask", ("ela",))
    picture = levels(("ela",), 1, 131)[..., :97]
    picture[..., 20:60, 30:70] *= 0.5
    with torch.no_grad():
        mask = network(picture)[1][0, 0] > 0
    marked = torch.zeros(131, 97, dtype=torch.bool)
    marked[20:60, 30:70] = True
    assert float((mask & marked).sum() / (mask | marked).sum()) > 0.5


def test_the_encoder_is_that_of_timm() -> None:
    """With its padding for even sizes fixed, it still computes what timm's own computes."""
    network = built("efficientnet_lite0_mask", ("rgb",)).eval()
    encoder = network.backbone
    assert encoder is not None
    assert sum(isinstance(layer, EvenSame) for layer in encoder.modules()) == 5
    original = timm.create_model("tf_efficientnet_lite0", features_only=True)
    original.load_state_dict(encoder.state_dict())
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        for expected, actual in zip(original.eval()(images), encoder(images), strict=True):
            assert torch.allclose(expected, actual, atol=1e-5)
