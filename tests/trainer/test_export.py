"""The ONNX file is the trained network, at every size it promises, or it is not written."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from app.detection.card import METADATA_KEY, Calibration
from app.detection.card_document import parse_card
from app.detection.detector import Detector
from tests import models
from tests.trainer.networks import LabelNet, MaskNet, card, inputs, metadata, seeded
from trainer.errors import ExportError
from trainer.publishing.card_page import card_page
from trainer.publishing.export import TOLERANCE, export, parity, to_onnx

NAMES = ["tampered_logit", "tampered_logit_mask"]


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masked") / "new" / "folder"
    return export(seeded(MaskNet), card(), folder, dynamic_size=True)


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("batch", "height", "width"), [(1, 32, 32), (2, 32, 32), (5, 32, 32), (1, 47, 90), (3, 96, 33)]
)
def test_label_and_mask_are_those_of_torch_at_any_size(
    masked: Path, batch: int, height: int, width: int
) -> None:
    images = inputs(batch, 3, height, width)
    logits, mask = session(masked).run(NAMES, {"image": images})
    with torch.no_grad():
        expected_logits, expected_mask = seeded(MaskNet)(torch.from_numpy(images))
    assert logits.shape == (batch, 1)
    assert mask.shape == (batch, 1, height, width)
    assert np.abs(logits - expected_logits.numpy()).max() <= 1e-5
    assert np.abs(mask - expected_mask.numpy()).max() <= 1e-5
    assert np.ptp(expected_mask.numpy()) > 0.1


def test_dimensions_that_vary_have_names_and_others_have_numbers(
    masked: Path, tmp_path: Path
) -> None:
    assert session(masked).get_inputs()[0].shape == ["batch", 3, "height", "width"]
    fixed = export(seeded(MaskNet), card(), tmp_path)
    assert session(fixed).get_inputs()[0].shape == ["batch", 3, 32, 32]
    assert [output.shape for output in session(fixed).get_outputs()] == [
        ["batch", 1],
        ["batch", 1, 32, 32],
    ]


def test_network_without_mask_has_one_output(tmp_path: Path) -> None:
    both = card(("ela", "rgb"))
    path = export(seeded(LabelNet, 6), both, tmp_path)
    assert [output.name for output in session(path).get_outputs()] == ["tampered_logit"]
    for batch in (1, 2, 5):
        images = inputs(batch, 6)
        (logits,) = session(path).run(None, {"image": images})
        with torch.no_grad():
            expected = seeded(LabelNet, 6)(torch.from_numpy(images)).numpy()
        assert np.abs(logits - expected).max() <= 1e-5
        # The program reads the same file.
        assert np.array_equal(Detector(path).logits(images)["tampered"], logits[:, 0])


def test_file_holds_the_card_and_no_path_of_this_machine(masked: Path) -> None:
    assert parse_card(metadata(masked)[METADATA_KEY], "tiny") == card()
    assert sorted(path.name for path in masked.parent.iterdir()) == ["CARD.md", "model.onnx"]
    content = masked.read_bytes()
    for needle in (b"site-packages", b"/home/", b"/tmp", str(Path(__file__).parents[2]).encode()):
        assert needle not in content
    onnx.checker.check_model(onnx.load(masked), full_check=True)


class Shifted(LabelNet):
    """Gives something else as soon as it is exported, as a hand-written ONNX branch might."""

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits + 2e-4 if torch.compiler.is_exporting() else logits


class ShiftedMask(MaskNet):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits, mask = super().forward(images)
        return logits, mask * (1.001 if torch.compiler.is_exporting() else 1.0)


class SilentMask(MaskNet):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits, mask = super().forward(images)
        return logits, mask * (torch.nan if torch.compiler.is_exporting() else 1.0)


class SizeBound(MaskNet):
    """Exports for any size and is right at the card's only."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits, mask = super().forward(images)
        if torch.compiler.is_exporting():
            logits = logits + (images.shape[2] - 32) * 0.01
        return logits, mask


@pytest.mark.parametrize("make", [Shifted, ShiftedMask, SilentMask, SizeBound])
def test_what_differs_is_refused_and_nothing_is_written(make: Any, tmp_path: Path) -> None:
    dynamic = make is SizeBound
    with pytest.raises(ExportError, match="differs from the trained one by"):
        export(seeded(make), card(), tmp_path / "new", dynamic_size=dynamic)
    assert list(tmp_path.iterdir()) == []


def test_refusal_leaves_an_earlier_export_as_it_was(tmp_path: Path) -> None:
    export(seeded(LabelNet), card(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ExportError):
        export(seeded(Shifted), card(name="other"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


class Silent(LabelNet):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * torch.nan


def test_network_without_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no number"):
        export(seeded(Silent), card(), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


class Undecided(LabelNet):
    """Its path depends on the pixels, which ONNX graphs of torch cannot say."""

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits if bool(images.sum() > 3) else -logits


def test_network_that_torch_cannot_write_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot write this network as ONNX"):
        export(seeded(Undecided), card(), tmp_path / "new")
    with pytest.raises(ExportError, match="cannot compute an input of 64 x 96"):
        export(seeded(LabelNet), card(), tmp_path / "new", dynamic_size=True)
    assert list(tmp_path.iterdir()) == []


class Adapted(nn.Module):
    """A dense layer with a low-rank update, merged for the export."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.base = LabelNet()
        self.low = nn.Linear(256, 2, bias=False)
        self.up = nn.Linear(2, 1, bias=False)
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        features = self.base.layers[:3](torch.log1p(images))
        logits: Tensor = self.base.layers[3](features) + self.up(self.low(features))
        return logits

    def for_export(self) -> nn.Module:
        merged = LabelNet()
        merged.load_state_dict(self.base.state_dict())
        with torch.no_grad():
            merged.layers[3].weight += self.factor * self.up.weight @ self.low.weight
        return merged


def test_network_is_exported_as_it_wants_and_compared_as_it_was_trained(tmp_path: Path) -> None:
    network = seeded(Adapted)
    path = export(network, card(), tmp_path / "merged")
    assert sum(node.op_type == "Gemm" for node in onnx.load(path).graph.node) == 1
    (logits,) = session(path).run(None, {"image": inputs(2)})
    with torch.no_grad():
        expected = network(torch.from_numpy(inputs(2))).numpy()
    assert np.abs(logits - expected).max() <= 1e-5
    with pytest.raises(ExportError, match="differs from the trained one"):
        export(seeded(Adapted, 0.9), card(), tmp_path / "wrongly merged")


class Cancelling(nn.Module):
    """The same sum in two orders, and their difference a million times: rounding alone."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(3 * 32 * 32, 1)
        self.other = nn.Linear(3 * 32 * 32, 1)
        with torch.no_grad():
            self.other.weight.copy_(self.one.weight.flip(1))
            self.other.bias.copy_(self.one.bias)

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        logits: Tensor = (self.one(flat) - self.other(flat.flip(1))) * 1e4 + self.one(flat)
        return logits


def test_what_torch_itself_loses_by_rounding_is_not_counted(tmp_path: Path) -> None:
    network = seeded(Cancelling)
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network, card()))
    worst = 0.0
    for batch in (1, 2, 5):
        (logits,) = session(path).run(None, {"image": inputs(batch)})
        with torch.no_grad():
            expected = network(torch.from_numpy(inputs(batch))).numpy()
        worst = max(worst, float((np.abs(logits - expected) / np.abs(expected)).max()))
    assert worst > 10 * TOLERANCE  # so the case is one
    assert parity(network, Detector(path)) <= TOLERANCE
    with torch.no_grad():
        network.one.bias += 1e-3
    assert parity(network, Detector(path)) > TOLERANCE


def test_card_page_tells_every_question_calibration_and_measure() -> None:
    asked = [
        models.question(),
        models.question("made", "m", text="Made?", calibration=Calibration(0.5, 0.0)),
        models.question(
            "third", "t", calibration=Calibration(1.0, 0.0, ((-2.0, 0.01), (0.0, 0.4), (3.0, 0.9)))
        ),
    ]
    asked[0] = dataclasses.replace(asked[0], calibration=Calibration(1.25, -0.5))
    measured = {
        "auc": [0.9, 0.85, 0.95],
        "ece": None,
        "cross_entropy_interval": [0.3, 0.4],
        "confusion": [[5, 1], [2, 4]],
        "states": {"authentic positive": 1, "authentic negative": 0},
        "surprise": 7,
    }
    results = {
        "test": measured,
        "a|b<i>\n": {**measured, "auc": [0.8, 0.7, 0.875]},
        "container_only": {"balanced_accuracy": 0.5},
        "groups": {"test": {"kind": {"splice": {"auc": 0.71}, "copy-move": {"auc": 0.72}}}},
        "int8": {"size": 12, "test": measured},
    }
    page = card_page(models.card(asked, schema=2, results=results))
    assert "calibrated by Platt scaling (1.25 logit -0.5)" in page
    assert "temperature scaling (temperature 2)" in page
    assert "isotonic regression (3 points, from score 0.0100 at logit -2 to 0.9000 at 3)" in page
    assert page.count("## Was a part changed?") == 2
    assert "## Made?" in page
    lines = page.splitlines()
    assert "|  | test | a\\|b&lt;i>\\\\n |" in lines
    assert "| AUC | 0.9 [0.85, 0.95] | 0.8 [0.7, 0.875] |" in lines
    assert "| Expected calibration error | - | - |" in lines
    assert "| Cross-entropy, interval | [0.3, 0.4] | [0.3, 0.4] |" in lines
    right = "authentic 5 right, 1 wrong; tampered 4 right, 2 wrong"
    assert f"| Confusion | {right} | {right} |" in lines
    assert "| Answers | 1 authentic positive | 1 authentic positive |" in lines
    assert "| surprise | 7 | 7 |" in lines
    assert "| Balanced accuracy | 0.5 |" in lines
    assert "|  | splice | copy-move |" in lines
    assert "| AUC | 0.71 | 0.72 |" in lines
    assert "| size | 12 |" in lines
    (config,) = page.split("```json\n")[1:]
    assert json.loads(config.removesuffix("```\n")) == {"nested": {"list": [1, 2.5, "three", None]}}
