import dataclasses
import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest

from app.analysis.ela import residual
from app.analysis.region import Region
from app.detection.backbone import Backbones
from app.detection.card import Where
from app.detection.detector import Detector
from app.detection.prepare import plane_of
from app.detection.where import FILE, coarse_at, tile_input, tile_places
from app.errors import CancelledError, ModelRefusedError
from tests.backbones import head_card, tile_network, write_backbone, write_head
from tests.models import card
from tests.pictures import noise

COARSE = Where("tampered", "where", "", (), 128, 0.5, 0.0)


def _detector(tmp_path: Path, where: Where, network: bytes = b"") -> Detector:
    made = head_card(write_backbone(tmp_path), where)
    model = write_head(tmp_path / "m" / "model.onnx", made)
    if network:
        (model.parent / FILE).write_bytes(network)
    return Detector(model, Backbones((tmp_path,)))


def _half_bright(height: int, width: int) -> np.ndarray:
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[:, width // 2 :] = 220
    return pixels


def test_the_coarse_map_marks_the_bright_half(tmp_path: Path) -> None:
    found = _detector(tmp_path, COARSE).locate(_half_bright(120, 200))
    assert (found.width, found.height) == (200, 120)
    (region,) = found.regions
    assert region.box.right == 200 and abs(region.box.left - 100) <= 4
    assert found.record["model_sha256"] and found.record["backbone_sha256"]


@pytest.mark.parametrize("size", [(40, 50), (128, 128), (129, 500), (300, 77), (333, 401)])
def test_tiles_cover_every_pixel_once(size: tuple[int, int]) -> None:
    height, width = size
    count = np.zeros(size, int)
    for tile, core in tile_places(width, height, 128):
        assert core == core.inside(tile)
        assert tile == tile.inside(Region(0, 0, width, height))
        assert tile.width == min(128, width) and tile.height == min(128, height)
        core.of(count)[:] += 1
    assert (count == 1).all()


def test_a_refined_map_is_that_of_the_network(tmp_path: Path) -> None:
    """The toy network gives the coarse map back, so tiling must be invisible."""
    where = dataclasses.replace(
        COARSE, planes=("rgb",), network=hashlib.sha256(tile_network()).hexdigest()
    )
    refined = _detector(tmp_path / "a", where, tile_network()).locate(_half_bright(150, 210))
    plain = _detector(tmp_path / "b", COARSE).locate(_half_bright(150, 210))
    assert refined.heat.shape == (150, 210)
    assert np.abs(refined.heat.astype(int) - plain.heat).max() <= 1


def test_the_planes_of_a_tile_are_those_of_the_whole_picture() -> None:
    pixels = noise(150, 210)
    where = dataclasses.replace(COARSE, planes=("rgb", "ela", "noise"))
    preparation = card().preparation
    coarse = np.arange(16, dtype=np.float32).reshape(4, 4)
    planes = [pixels, residual(pixels, 90), plane_of("noise", pixels, preparation)]
    whole = np.concatenate(planes, axis=2)
    for tile, _ in tile_places(210, 150, 128):
        found = tile_input(where, preparation, coarse, pixels, tile)
        assert found.shape == (10, 128, 128)
        assert np.array_equal(found[:9], tile.of(whole).transpose(2, 0, 1).astype(np.float32))
        everywhere = coarse_at(coarse, 210, 150, Region(0, 0, 210, 150))
        assert np.allclose(found[9], tile.of(everywhere), atol=1e-5)


def test_cancel_and_progress(tmp_path: Path) -> None:
    where = dataclasses.replace(
        COARSE, planes=("rgb",), network=hashlib.sha256(tile_network()).hexdigest()
    )
    detector = _detector(tmp_path, where, tile_network())
    stop, shares = threading.Event(), []

    def progress(share: float) -> None:
        shares.append(share)
        if len(shares) == 3:
            stop.set()

    with pytest.raises(CancelledError):
        detector.locate(noise(300, 300), stop, progress)
    assert shares == sorted(shares) and len(shares) == 3


def test_another_network_for_tiles_is_refused(tmp_path: Path) -> None:
    where = dataclasses.replace(COARSE, planes=("rgb",), network="0" * 64)
    with pytest.raises(ModelRefusedError, match="is another one"):
        _detector(tmp_path, where, tile_network())
    with pytest.raises(ModelRefusedError, match=f"lacks its file {FILE}"):
        _detector(tmp_path / "none", where)


def test_a_network_for_other_planes_is_refused(tmp_path: Path) -> None:
    network = tile_network(channels=7)
    where = dataclasses.replace(
        COARSE, planes=("rgb",), network=hashlib.sha256(network).hexdigest()
    )
    with pytest.raises(ModelRefusedError, match="does not fit"):
        _detector(tmp_path, where, network)


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "generated"},
        {"planes": ("depth",)},
        {"tile": 64},
        {"threshold": 0.0},
        {"network": "abc", "planes": ("rgb",)},
        {"output": "gone"},
    ],
)
def test_a_card_that_describes_its_map_wrongly_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(ModelRefusedError):
        _detector(tmp_path, dataclasses.replace(COARSE, **changes))


def test_a_model_without_a_map_says_so(tmp_path: Path) -> None:
    model = write_head(tmp_path / "m" / "model.onnx", head_card(write_backbone(tmp_path)))
    detector = Detector(model, Backbones((tmp_path,)))
    with pytest.raises(ModelRefusedError, match="does not say where"):
        detector.locate(noise(64, 64))
