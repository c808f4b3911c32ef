"""An 8-bit model is smaller, says so, answers nearly alike, and can be verified as what it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from app.detection.card import METADATA_KEY
from app.detection.detector import Detector
from app.errors import ModelRefusedError
from tests import models
from tests.trainer.networks import (
    MaskNet,
    card,
    inputs,
    metadata,
    rewrite,
    seeded,
    with_metadata,
)
from trainer.errors import ExportError
from trainer.publishing.export import export
from trainer.publishing.quantise import Quantised, quantise
from trainer.publishing.reference import verify
from trainer.publishing.reference_document import REFERENCE_KEY

FILTERS = 64
OUTPUTS = ["tampered_logit", "tampered_logit_mask"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("float32")
    network = seeded(MaskNet, 3, FILTERS)
    return export(network, card(schema=2), folder, dynamic_size=True)


def reached(detector: Detector) -> dict[str, Any]:
    return {"test": {"accuracy": 0.75}, "model": detector.card.name}


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    folder = tmp_path_factory.mktemp("int8") / "new" / "folder"
    return quantise(model, folder, (inputs(batch) for batch in (4, 7, 3)), reached)


def run(path: Path, images: Any) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    return list(session.run(OUTPUTS, {"image": images}))


def test_file_is_smaller_by_what_is_said_and_its_weights_are_bytes(
    model: Path, made: Quantised
) -> None:
    assert made.bytes_before == model.stat().st_size
    assert made.bytes_after == made.path.stat().st_size
    vectors = len(metadata(made.path)[REFERENCE_KEY])
    assert made.bytes_after - vectors < 0.5 * (made.bytes_before - vectors)
    proto = onnx.load(made.path)
    onnx.checker.check_model(proto, full_check=True)
    arrays = {w.name: onnx.numpy_helper.to_array(w) for w in proto.graph.initializer}
    kernels = [array for array in arrays.values() if array.ndim == 4 and array.shape[0] == FILTERS]
    assert [kernel.dtype for kernel in kernels] == [np.int8, np.int8]
    # Seven bits, so that no processor's sums of two products overflow; one scale for each filter.
    assert all(kernel.min() >= -64 and kernel.max() <= 64 for kernel in kernels)
    scales = [a for n, a in arrays.items() if "weight_scale" in n]
    assert FILTERS in {scale.size for scale in scales}


def test_answers_are_nearly_those_of_the_float_model(model: Path, made: Quantised) -> None:
    """Against torch and bare sessions, at any size; the largest difference is the one reported."""
    network = seeded(MaskNet, 3, FILTERS)
    for shape in ((1, 3, 32, 32), (5, 3, 32, 32), (2, 3, 64, 90)):
        images = inputs(*shape)
        logits, mask = run(made.path, images)
        with torch.no_grad():
            expected, expected_mask = network(torch.from_numpy(images))
        assert logits.shape == (shape[0], 1)
        assert mask.shape == (shape[0], 1, *shape[2:])
        assert np.abs(logits - expected.numpy()).max() < 0.1
        spread = float(expected_mask.std())
        assert np.abs(mask - expected_mask.numpy()).mean() < 0.1 * spread
    differences = [
        float(np.abs(run(model, inputs(n))[0] - run(made.path, inputs(n))[0]).max())
        for n in (4, 7, 3)
    ]
    assert made.largest_difference == pytest.approx(max(differences), rel=1e-4)
    assert made.largest_difference > 1e-5


def test_small_residuals_keep_their_precision_and_large_logits_their_range(
    model: Path, made: Quantised
) -> None:
    """Neither the input nor the logit is cut into 256 steps of what calibration saw."""
    faint = (inputs(4) * 0.02).astype(np.float32)
    float_logits, int8_logits = run(model, faint)[0], run(made.path, faint)[0]
    assert len(np.unique(int8_logits)) == 4
    assert np.abs(float_logits - int8_logits).max() < 0.2
    steps = np.linspace(0.5, 1.5, 200, dtype=np.float32)[:, None, None, None]
    many = run(made.path, inputs(1) * steps)[0]
    assert len(np.unique(many)) > 150
    proto = onnx.load(made.path)
    makers = {name: node for node in proto.graph.node for name in node.output}
    assert [makers[name].op_type for name in OUTPUTS] == ["Gemm", "Resize"]
    before_log = {node.op_type for node in proto.graph.node if "image" in node.input}
    assert "QuantizeLinear" not in before_log


def test_card_says_int8_and_keeps_the_rest(model: Path, made: Quantised) -> None:
    assert set(metadata(made.path)) == {METADATA_KEY, REFERENCE_KEY}
    before = Detector(model).card
    after = Detector(made.path).card
    assert after.name == "tiny-int8"
    assert after.questions == before.questions
    assert after.preparation == before.preparation
    assert after.results["float32"] == before.results
    found = after.results
    assert found["test"] == {"accuracy": 0.75}
    assert found["model"] == "tiny-int8"
    assert found["largest_logit_difference"] == round(made.largest_difference, 4)
    assert after.training.versions["onnxruntime"] == onnxruntime.__version__
    assert after.training.versions["onnx"] == before.training.versions["onnx"]
    assert after.limits[:-1] == before.limits
    assert "tiny" in after.limits[-1]
    page = (made.path.parent / "CARD.md").read_text(encoding="utf-8")
    assert page.startswith("# tiny-int8 ")
    assert "### float32" in page


def test_quantised_model_is_verified_as_what_it_is(
    model: Path, made: Quantised, tmp_path: Path
) -> None:
    assert all(check.agrees for check in verify(made.path))
    before = json.loads(metadata(model)[REFERENCE_KEY])["pictures"]
    after = json.loads(metadata(made.path)[REFERENCE_KEY])["pictures"]
    for old, new in zip(before, after, strict=True):
        assert new["int8"]["logits"] != old["torch"]["logits"]
        assert {**new, "int8": None} == old
    names = [w.name for w in onnx.load(made.path).graph.initializer if w.name == "head.weight"]
    assert names  # the last layer stays in float32
    bent = rewrite(made.path, tmp_path / "m.onnx", lambda p: scale_bias(p, "head.bias", 0.5))
    found = {check.subject for check in verify(bent) if not check.agrees}
    assert found == {f"{n}: logit of tampered" for n in ("ramps", "tiles", "edges", "grain")}


def scale_bias(proto: onnx.ModelProto, name: str, shift: float) -> None:
    (found,) = (weight for weight in proto.graph.initializer if weight.name == name)
    values = onnx.numpy_helper.to_array(found) + np.float32(shift)
    found.CopyFrom(onnx.numpy_helper.from_array(values, name))


def test_file_holds_no_path_of_this_machine(made: Quantised) -> None:
    content = made.path.read_bytes()
    for needle in (b"site-packages", b"/home/", b"/tmp", str(Path(__file__).parents[2]).encode()):
        assert needle not in content


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "no picture to set the ranges"),
        ([inputs(0)], "no picture to set the ranges"),
        ([inputs(2).astype(np.float64)], r"batch of float64 with the shape \[2, 3, 32, 32\]"),
        ([inputs(2), inputs(2)[0]], r"shape \[3, 32, 32\]"),
        ([inputs(2, 3, 32, 33)], r"float32 \[batch, 3, 32, 32\]"),
        ([inputs(2) * np.float32("nan")], "no number"),
        ([inputs(2) + np.float32("inf")], "no number"),
    ],
)
def test_unfit_calibration_is_refused_and_nothing_is_written(
    model: Path, tmp_path: Path, batches: Any, words: str
) -> None:
    with pytest.raises(ExportError, match=words):
        quantise(model, tmp_path / "new", batches)
    assert list(tmp_path.iterdir()) == []


def test_quantised_twice_is_refused(made: Quantised, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="tiny-int8 is quantised already"):
        quantise(made.path, tmp_path / "new", [inputs(2)])
    assert list(tmp_path.iterdir()) == []


def test_models_that_cannot_be_are_refused(model: Path, tmp_path: Path) -> None:
    bare = models.write_model(tmp_path / "m.onnx", models.card().to_json())
    with pytest.raises(ModelRefusedError, match="no reference vectors"):
        quantise(bare, tmp_path / "new", [inputs(2)])
    path = export(seeded(Mean), card(), tmp_path / "mean")
    with pytest.raises(ExportError, match="no layer that can be computed in 8-bit"):
        quantise(path, tmp_path / "new", [inputs(2)])
    broken = with_metadata(model, tmp_path / "broken.onnx", REFERENCE_KEY, "{}")
    with pytest.raises(ModelRefusedError, match="not valid"):
        quantise(broken, tmp_path / "new", [inputs(2)])
    assert not (tmp_path / "new").exists()


class Mean(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3)).mean(dim=1, keepdim=True)


def test_what_the_measuring_raises_is_raised_and_nothing_is_written(
    model: Path, tmp_path: Path
) -> None:
    def interrupted(_: Detector) -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantise(model, tmp_path / "new", [inputs(2)], interrupted)
    assert list(tmp_path.iterdir()) == []
