"""The tower against timm's own, and what is published of it."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch

from app.detection.backbone import Backbone
from app.errors import ElascopeError
from trainer.backbone import weights as weights_module
from trainer.backbone.publish import publish
from trainer.backbone.tower import BLOCKS, SIDE, TAPS, WIDTH, Tower, attend
from trainer.backbone.weights import TIMM_NAME, tower_with


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    """Timm's network of that name with random weights; nothing is fetched."""
    torch.manual_seed(0)
    model: torch.nn.Module = timm.create_model(TIMM_NAME.split(".")[0], pretrained=False)
    for name, value in model.named_parameters():
        if value.ndim < 2 or "pos" in name or "token" in name:
            torch.nn.init.normal_(value, mean=float("norm" in name), std=0.1)
    return model.eval()


@pytest.fixture
def ours(theirs: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> Tower:
    monkeypatch.setattr(weights_module, "pretrained", lambda _: theirs.state_dict())
    return tower_with("pretrained")[0]


def test_attention_is_torchs() -> None:
    torch.manual_seed(1)
    layer = torch.nn.MultiheadAttention(24, 4, bias=False, batch_first=True)
    tokens = torch.randn(2, 7, 24)
    mixed = tokens @ layer.in_proj_weight.T
    with torch.no_grad():
        expected = layer(tokens, tokens, tokens, need_weights=False)[0]
        found = attend(mixed, 4) @ layer.out_proj.weight.T
    assert torch.allclose(found, expected, atol=1e-6)


def test_features_are_those_of_timm(theirs: torch.nn.Module, ours: Tower) -> None:
    images = torch.rand(2, 3, SIDE, SIDE) * 255
    with torch.no_grad():
        normalised = (images - ours.mean) / ours.spread
        expected = theirs.forward_intermediates(
            normalised,
            indices=list(range(BLOCKS)),
            return_prefix_tokens=True,
            output_fmt="NLC",
            intermediates_only=True,
        )
        summary, patches = ours(images)
    for number, (tokens, prefix) in enumerate(expected, start=1):
        assert torch.allclose(summary[:, number - 1], prefix[:, 0], atol=2e-4)
        if number in TAPS:
            assert torch.allclose(patches[:, TAPS.index(number)], tokens, atol=2e-4)


def test_weights_of_another_network_are_refused(
    theirs: torch.nn.Module, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = {name: value for name, value in theirs.state_dict().items() if "blocks.3" not in name}
    monkeypatch.setattr(weights_module, "pretrained", lambda _: state)
    with pytest.raises(ElascopeError, match=r"are of another network: blocks\.3"):
        tower_with("pretrained")
    (tmp_path / "text.onnx").write_text("no ONNX")
    with pytest.raises(ElascopeError, match="cannot be read as ONNX"):
        tower_with(str(tmp_path / "text.onnx"))
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], []))
    onnx.save(empty, tmp_path / "empty.onnx")
    with pytest.raises(ElascopeError, match="is missing"):
        tower_with(str(tmp_path / "empty.onnx"))


@pytest.mark.slow
def test_what_is_published_is_nearly_the_tower_and_the_same_twice(
    ours: Tower, tmp_path: Path
) -> None:
    paths = [publish(ours, "Made by hand.", tmp_path / n / "clip") for n in ("one", "other")]
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert len(hashes) == 1
    backbone = Backbone(paths[0])
    assert (backbone.name, backbone.side, backbone.origin) == ("clip", SIDE, "Made by hand.")
    assert {backbone.sha256} == hashes
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    found = backbone.features(pixels)
    assert found.summary.shape == (BLOCKS, WIDTH)
    with torch.no_grad():
        image = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None])
        exact = ours(image)[0][0].numpy()
    for one, other in zip(found.summary, exact, strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.95
