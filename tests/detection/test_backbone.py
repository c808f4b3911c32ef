import dataclasses
from pathlib import Path

import numpy as np
import pytest

from app.detection.backbone import Backbone, Backbones
from app.detection.detector import Detector
from app.errors import ModelRefusedError
from tests.backbones import SIDE, head_card, write_backbone, write_head
from tests.pictures import noise


def test_features_are_those_of_the_reduced_picture(tmp_path: Path) -> None:
    backbone = Backbone(write_backbone(tmp_path))
    pixels = noise(2 * SIDE, 3 * SIDE)
    found = backbone.features(pixels)
    mean = pixels.reshape(-1, 3).mean(axis=0)
    assert np.allclose(found.summary, [mean, 2 * mean], atol=1e-3)
    # A patch is an eighth of the reduced picture's side: 16 rows and 24 columns of this one.
    corner = pixels[:16, :24].reshape(-1, 3).mean(axis=0)
    assert found.patches.shape == (1, 16, 3)
    assert np.allclose(found.patches[0, 0], corner, atol=1e-3)


def test_a_model_finds_its_backbone_by_its_hash(tmp_path: Path) -> None:
    path = write_backbone(tmp_path / "backbones")
    model = write_head(tmp_path / "m" / "model.onnx", head_card(path))
    backbones = Backbones((tmp_path / "nothing", tmp_path / "backbones"))
    one, other = (Detector(model, backbones) for _ in range(2))
    assert one.backbone is other.backbone is not None
    assert one.backbone.name == "toy"


def test_another_file_under_the_same_name_is_not_taken(tmp_path: Path) -> None:
    path = write_backbone(tmp_path)
    made = head_card(path)
    write_backbone(tmp_path, origin="Changed.")
    model = write_head(tmp_path / "m" / "model.onnx", made)
    with pytest.raises(ModelRefusedError, match="needs the backbone toy with the SHA-256"):
        Detector(model, Backbones((tmp_path,)))


def test_without_backbones_the_model_is_refused_in_a_sentence(tmp_path: Path) -> None:
    model = write_head(tmp_path / "m" / "model.onnx", head_card(write_backbone(tmp_path)))
    with pytest.raises(ModelRefusedError, match="which is not installed"):
        Detector(model)


@pytest.mark.parametrize("changes", [{"schema": 2}, {"side": "32"}, {"side": 8}, {"name": 3}])
def test_a_backbone_that_describes_itself_otherwise_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = write_backbone(tmp_path)
    proto_path = write_backbone(tmp_path / "other", "toy")
    assert path.read_bytes() == proto_path.read_bytes()
    import json

    import onnx

    model = onnx.load(path)
    described = json.loads(model.metadata_props[0].value) | changes
    model.metadata_props[0].value = json.dumps(described)
    onnx.save(model, path)
    with pytest.raises(ModelRefusedError):
        Backbone(path)


def test_what_is_no_backbone_is_refused(tmp_path: Path) -> None:
    model = write_head(tmp_path / "m" / "backbone.onnx", head_card(write_backbone(tmp_path)))
    with pytest.raises(ModelRefusedError, match="is not a backbone"):
        Backbone(model)
    with pytest.raises(ModelRefusedError, match="cannot be read"):
        Backbone(tmp_path / "gone.onnx")


def test_a_card_with_a_backbone_needs_its_schema(tmp_path: Path) -> None:
    made = dataclasses.replace(head_card(write_backbone(tmp_path)), schema=2)
    model = write_head(tmp_path / "m" / "model.onnx", made)
    with pytest.raises(ModelRefusedError, match="need schema 3"):
        Detector(model, Backbones((tmp_path,)))


def test_a_model_with_other_inputs_than_features_is_refused(tmp_path: Path) -> None:
    from tests.models import write_model

    made = head_card(write_backbone(tmp_path))
    model = write_model(tmp_path / "m" / "model.onnx", made.to_json())
    with pytest.raises(ModelRefusedError, match="must be of summary, patches"):
        Detector(model, Backbones((tmp_path,)))
