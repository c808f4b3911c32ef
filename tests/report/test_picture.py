import hashlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.errors import NotWrittenError
from app.report.picture import RECORD_KEY, write_npy, write_png
from tests.pictures import encoded, noise, pillow_residual, scene


def test_a_png_holds_exactly_the_picture(tmp_path: Path) -> None:
    picture = noise(17, 23)
    write_png(tmp_path / "map.png", picture, {})
    read = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(read, picture)


def test_an_array_holds_exactly_the_measurement_and_needs_no_pickle(tmp_path: Path) -> None:
    measurement = noise(17, 23)
    write_npy(tmp_path / "map.npy", measurement)
    read = np.load(io.BytesIO((tmp_path / "map.npy").read_bytes()), allow_pickle=False)
    assert read.dtype == np.uint8
    assert np.array_equal(read, measurement)


def test_a_suffix_is_neither_needed_nor_added(tmp_path: Path) -> None:
    write_npy(tmp_path / "array", noise(2, 2))
    write_png(tmp_path / "picture.jpg", noise(2, 2), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["array", "picture.jpg"]
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\x89PNG")


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError):
        write_npy(tmp_path / "missing" / "map", noise(2, 2))
    with pytest.raises(NotWrittenError):
        write_png(tmp_path / "missing" / "map", noise(2, 2), {})


def test_the_record_in_the_picture_repeats_the_map(tmp_path: Path) -> None:
    """From nothing but the evidence and the PNG: same file, same settings, same pixels."""
    path = tmp_path / "evidence.jpg"
    path.write_bytes(encoded(scene(60, 90), "JPEG", quality=80))
    map_ = tmp_path / "map.png"
    settings = ["--quality", "70", "--subsampling", "4:4:4", "--scale", "8"]
    assert main(["ela", str(path), "--output", str(map_), *settings]) == 0
    with Image.open(map_) as image:
        record = json.loads(image.text[RECORD_KEY])
        shown = np.asarray(image)
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["decode"]["format"] == "JPEG"
    assert record["method"] == "ela"
    assert len(record["encoder_fingerprint"]) == 16
    used = record["parameters"]
    with Image.open(path) as image:
        residual = pillow_residual(np.asarray(image), used["quality"], used["subsampling"])
    assert np.array_equal(shown, np.clip(residual * used["scale"], 0, 255))
