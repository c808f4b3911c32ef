import hashlib
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.cli import main
from app.errors import NotWrittenError, RecordRefusedError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.report.picture import parameter_record, record_text, write_npy, write_png
from app.report.record import RECORD_KEY, RECORD_SCHEMA, read_png, read_record
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


@pytest.mark.parametrize(
    "measurement",
    [
        noise(9, 11)[2:7, 3:8],
        noise(9, 11).astype(">u2") * 3,
        np.asfortranarray(noise(9, 11).astype(np.float32)),
        noise(9, 11)[:, :, 0],
        noise(9, 11)[:0],
    ],
    ids=["part", "16 bits", "columns first", "one channel", "empty"],
)
def test_an_array_of_any_kind_comes_back(tmp_path: Path, measurement: NDArray[Any]) -> None:
    write_npy(tmp_path / "map.npy", measurement)
    read = np.load(tmp_path / "map.npy", allow_pickle=False)
    assert read.dtype == measurement.dtype
    assert np.array_equal(read, measurement)


def test_nothing_is_copied_as_a_whole_to_be_written(tmp_path: Path) -> None:
    """A map of 250 megapixels and 16 channels has 4 GB; noise is as large in a PNG as it is."""
    map_ = noise(1000, 1500)
    for write in (
        lambda: write_npy(tmp_path / "map.npy", map_),
        lambda: write_png(tmp_path / "map.png", map_, {}),
    ):
        tracemalloc.start()
        try:
            write()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < map_.nbytes / 4
    assert (tmp_path / "map.png").stat().st_size > map_.nbytes / 2


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``/dev/full`` takes the place of the temporary file."""
    real = Path.open

    def full(path: Path, mode: str) -> Any:
        return real(Path("/dev/full"), "wb") if mode == "xb" else real(path, mode)

    monkeypatch.setattr(Path, "open", full)
    for write in (
        lambda: write_npy(tmp_path / "map.npy", noise(400, 400)),
        lambda: write_png(tmp_path / "map.png", noise(400, 400), {}),
    ):
        with pytest.raises(NotWrittenError, match="No space left on device"):
            write()
    assert list(tmp_path.iterdir()) == []


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


def test_a_record_names_what_made_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jpg"
    path.write_bytes(encoded(scene(60, 90), "JPEG", quality=80))
    evidence = open_evidence(path)
    described = {"method": "ela", "parameters": {"quality": 90}}
    record = parameter_record(evidence, decode(evidence).record, described)
    write_png(tmp_path / "map.png", noise(5, 7), record)
    read, picture = read_record(tmp_path / "map.png")
    assert picture is not None
    assert np.array_equal(picture.pixels, noise(5, 7))
    assert read["record"] == RECORD_SCHEMA
    assert (read["name"], read["bytes"]) == ("evidence.jpg", path.stat().st_size)
    assert "name_bytes" not in read
    assert read["method"] == "ela"
    assert read["versions"]["pillow"] == PIL.__version__
    assert read["output"] == {
        "width": 7,
        "height": 5,
        "pixels_sha256": hashlib.sha256(noise(5, 7).tobytes()).hexdigest(),
    }


def test_a_name_that_is_no_utf_8_is_printable_and_comes_back(tmp_path: Path) -> None:
    name = b"ph\xe9to \xff.jpg"
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(encoded(scene(20, 30), "JPEG"))
    evidence = open_evidence(path)
    record = parameter_record(evidence, decode(evidence).record, {})
    assert record["name"] == r"ph\xe9to \xff.jpg"
    assert bytes.fromhex(record["name_bytes"]) == name
    record_text(record).encode("utf-8")


def test_a_record_as_json_is_read_with_and_without_byte_order_mark(tmp_path: Path) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "record.json").write_bytes(mark + b'{"record": 1, "name": "\xc3\xa9"}')
        assert read_record(tmp_path / "record.json") == ({"record": 1, "name": "é"}, None)


def test_a_png_of_another_kind_is_no_picture_of_this_program(tmp_path: Path) -> None:
    Image.fromarray(noise(4, 4)[:, :, 0]).save(tmp_path / "grey.png")
    with pytest.raises(RecordRefusedError, match="no picture as Elascope writes them"):
        read_png(tmp_path / "grey.png")
