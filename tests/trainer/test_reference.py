"""A model says on any machine whether it still gives what it gave when it was trained."""

import argparse
import base64
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from app.detection.card import METADATA_KEY
from app.detection.prepare import prepare
from app.errors import ModelRefusedError
from tests import models
from tests.trainer.networks import (
    MaskNet,
    card,
    metadata,
    rewrite,
    scale_weight,
    seeded,
    with_metadata,
)
from trainer.commands.verify import add_verify
from trainer.publishing import reference
from trainer.publishing.export import export
from trainer.publishing.reference import reference_pixels, verify
from trainer.publishing.reference_document import REFERENCE_KEY

NAMES = ["ramps", "tiles", "edges", "grain"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    return export(seeded(MaskNet, 6), card(("ela", "rgb")), folder, dynamic_size=True)


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_verify(parser.add_subparsers())
    options = parser.parse_args(["verify", *arguments])
    return int(options.run(options))


def different(path: Path) -> set[str]:
    return {check.subject for check in verify(path) if not check.agrees}


def test_document_is_what_others_would_compute(model: Path) -> None:
    """Pixels by Pillow, means and logits by numpy, torch and a bare session."""
    document = json.loads(metadata(model)[REFERENCE_KEY])
    assert document["schema"] == 1
    assert [picture["name"] for picture in document["pictures"]] == NAMES
    network = seeded(MaskNet, 6)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    for picture in document["pictures"]:
        with Image.open(io.BytesIO(base64.b64decode(picture["png"]))) as opened:
            assert (opened.format, opened.mode) == ("PNG", "RGB")
            pixels = np.array(opened)
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == picture["sha256"]
        tensor = prepare(pixels, card(("ela", "rgb")).preparation)
        assert np.allclose(tensor.mean(axis=(1, 2)), picture["means"], atol=1e-4)
        with torch.no_grad():
            logit, mask = network(torch.from_numpy(tensor[None]))
        assert picture["torch"]["logits"] == {"tampered": pytest.approx(float(logit), abs=1e-5)}
        # Of 32 x 32, the centres of four equal parts are at 4, 12, 20 and 28.
        points = mask[0, 0, 4::8, 4::8].flatten().tolist()
        assert picture["torch"]["mask"] == pytest.approx(points, abs=1e-5)
        found = session.run(["tampered_logit"], {"image": tensor[None]})[0]
        assert found.item() == pytest.approx(float(logit), abs=1e-5)
        assert picture["int8"] is None


def test_pictures_are_the_same_on_every_machine_and_unlike_each_other() -> None:
    pictures = reference_pixels(32, 48)
    digests = [hashlib.sha256(pixels.tobytes()).hexdigest()[:12] for pixels in pictures.values()]
    assert dict(zip(pictures, digests, strict=True)) == {
        "ramps": "1c13f721615e",
        "tiles": "9075a3ed8985",
        "edges": "728ab2c3dd13",
        "grain": "e38ff06f05f6",
    }
    assert pictures["ramps"].shape == (43, 65, 3)
    # Something to measure: a residual that is not zero anywhere near it, in each of them.
    means = [prepare(pixels, card().preparation).mean() for pixels in pictures.values()]
    assert min(means) > 0.05
    assert max(means) > 3 * min(means)


def test_large_inputs_make_no_large_file() -> None:
    pngs = []
    for pixels in reference_pixels(1024, 1024).values():
        assert pixels.dtype == np.uint8
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG", optimize=True)
        pngs.append(len(stream.getvalue()))
    assert sum(pngs) < 400_000


def test_untouched_model_agrees_in_everything(model: Path) -> None:
    checks = verify(model)
    assert all(check.agrees for check in checks)
    subjects = [check.subject for check in checks]
    assert subjects[0] == "JPEG encoder"
    for name in NAMES:
        for part in ("pixels", "preparation", "logit of tampered", "mask"):
            assert f"{name}: {part}" in subjects
    assert len(subjects) == 17
    for check in checks:
        assert check.difference is None or check.difference <= 1e-5


def test_changed_weight_is_caught(model: Path, tmp_path: Path) -> None:
    bent = rewrite(model, tmp_path / "m.onnx", lambda p: scale_weight(p, "second.weight", 1.2))
    found = different(bent)
    assert {subject.split(": ")[1] for subject in found} <= {"logit of tampered", "mask"}
    assert {f"{name}: logit of tampered" for name in NAMES} & found


def test_changed_weight_of_the_mask_alone_is_caught(model: Path, tmp_path: Path) -> None:
    bent = rewrite(model, tmp_path / "m.onnx", lambda p: scale_weight(p, "where.weight", 1.2))
    assert different(bent) <= {f"{name}: mask" for name in NAMES}
    assert different(bent)


@pytest.mark.parametrize(
    ("field", "value"), [("quality", 85), ("subsampling", "4:4:4"), ("planes", ["rgb", "ela"])]
)
def test_changed_preparation_in_the_card_is_caught(
    model: Path, tmp_path: Path, field: str, value: Any
) -> None:
    document = json.loads(metadata(model)[METADATA_KEY])
    document["preparation"][field] = value
    path = with_metadata(model, tmp_path / "m.onnx", METADATA_KEY, json.dumps(document))
    found = different(path)
    assert any(subject.endswith(": preparation") for subject in found)
    assert not any(subject.endswith(": pixels") for subject in found)


def test_changed_preparation_in_the_program_is_caught(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sampled(pixels: Any, preparation: Any) -> Any:
        """The nearest pixel in place of the mean over an area."""
        rows = np.arange(preparation.height) * pixels.shape[0] // preparation.height
        columns = np.arange(preparation.width) * pixels.shape[1] // preparation.width
        return prepare(np.ascontiguousarray(pixels[rows][:, columns]), preparation)

    monkeypatch.setattr(reference, "prepare", sampled)
    assert {f"{name}: preparation" for name in NAMES} <= different(model)


def test_other_encoder_is_named(model: Path, tmp_path: Path) -> None:
    document = json.loads(metadata(model)[METADATA_KEY])
    document["preparation"]["encoder_fingerprint"] = "0" * 16
    path = with_metadata(model, tmp_path / "m.onnx", METADATA_KEY, json.dumps(document))
    assert different(path) == {"JPEG encoder"}


def test_changed_picture_is_caught(model: Path, tmp_path: Path) -> None:
    def change(document: Any) -> None:
        pixels = reference_pixels(32, 32)["edges"].copy()
        pixels[5, 5] ^= 1
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        document["pictures"][2]["png"] = base64.b64encode(stream.getvalue()).decode()

    assert "edges: pixels" in different(changed(model, tmp_path, change))


def test_model_that_gives_no_number_differs(tmp_path: Path, model: Path) -> None:
    document = card(("ela", "rgb")).to_json()
    nan = models.write_model(
        tmp_path / "nan.onnx",
        document,
        centres={"tampered_logit": 128.0},
        input_shape=("batch", 6, 32, 32),
        root_of_minus_one=True,
    )
    vectors = json.loads(metadata(model)[REFERENCE_KEY])
    for picture in vectors["pictures"]:
        picture["torch"]["mask"] = None

    def add(proto: Any) -> None:
        proto.metadata_props.add(key=REFERENCE_KEY, value=json.dumps(vectors))

    assert different(rewrite(nan, tmp_path / "m.onnx", add)) == {
        f"{name}: logit of tampered" for name in NAMES
    }


def changed(model: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    """A copy of the model whose reference vectors went through ``change``."""
    document = json.loads(metadata(model)[REFERENCE_KEY])
    change(document)
    return with_metadata(model, folder / "m.onnx", REFERENCE_KEY, json.dumps(document))


def png_header(width: int, height: int) -> str:
    """A PNG file that claims a size and holds a single row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + header + body).decode()


def first(**values: Any) -> Callable[[Any], None]:
    return lambda document: document["pictures"][0].update(values)


def answer(logits: Any, mask: Any = None) -> Any:
    return {"logits": logits, "mask": mask}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema=2), "they have the schema 2"),
        (lambda d: d.update(schema="1"), "schema is not a whole number"),
        (lambda d: d.update(pictures=[]), "0 pictures, not 1 to 16"),
        (lambda d: d.update(pictures=d["pictures"] * 5), "20 pictures"),
        (lambda d: d.update(pictures={}), "pictures is not a list"),
        (lambda d: d.update(pictures=[7]), r"pictures\[0\] is not an object"),
        (first(name="a\x1b[2J"), "is no name"),
        (first(name="a" * 41), "is no name"),
        (first(png=7), "png is not text"),
        (first(png="@@@"), "not in base64"),
        (first(png="é"), "not in base64"),
        (first(png=base64.b64encode(b"GIF89a....").decode()), "is not a PNG file"),
        (first(png=png_header(60_000, 60_000)), "cannot be decoded: .*60"),
        (first(png=png_header(64, 64)), "cannot be decoded"),
        (first(sha256="A" * 64), "not a SHA-256 digest"),
        (first(means=[float("nan")] * 6), "cannot be read"),
        (first(means=["1"] * 6), "not a number"),
        (first(means=[True] * 6), "not a number"),
        (first(means=[10**400] * 6), "beyond all measure"),
        (first(means=[1.0] * 5), "other inputs or outputs"),
        (first(torch=None), "torch is not an object"),
        (first(torch=answer([])), "logits is not an object"),
        (first(torch=answer({"tampered": None})), "not a number"),
        (first(torch=answer({"generated": 1.0}, [0.0] * 16)), "other inputs or outputs"),
        (first(torch=answer({"tampered": 1.0})), "other inputs or outputs"),
        (first(torch=answer({"tampered": 1.0}, [0.0] * 15)), "has 15 numbers, not 16"),
        (first(torch=answer({"tampered": 1.0}, "mask")), "mask is not a list"),
        (first(int8=[]), "int8 is not an object"),
        (first(extra=[[[[[[[]]]]]]]), "of known shape"),
    ],
)
def test_foreign_vectors_are_refused_in_a_sentence(
    model: Path, tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ModelRefusedError, match=words) as caught:
        verify(changed(model, tmp_path, change))
    assert caught.value.sentence.startswith("The reference vectors of the model tiny ")
    assert caught.value.sentence.endswith(".")
    assert len(caught.value.sentence) < 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('{"schema": 1, "schema": 1}', 'it names "schema" twice'),
        ("[1]", "of known shape"),
        (" " * (32 << 20) + "{}", "longer than 32 MiB"),
    ],
)
def test_what_is_no_document_is_refused(model: Path, tmp_path: Path, text: str, words: str) -> None:
    path = with_metadata(model, tmp_path / "m.onnx", REFERENCE_KEY, text)
    with pytest.raises(ModelRefusedError, match=words):
        verify(path)


def test_two_documents_are_refused(model: Path, tmp_path: Path) -> None:
    def double(proto: Any) -> None:
        proto.metadata_props.add(key=REFERENCE_KEY, value="{}")

    with pytest.raises(ModelRefusedError):
        verify(rewrite(model, tmp_path / "m.onnx", double))


def test_command_prints_every_check(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(str(model)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 18
    assert "edges: pixels: equal" in printed
    assert any(line.startswith("grain: mask: agrees (by ") for line in printed)
    assert printed[-1] == "All 17 agree."


def test_command_says_what_differs_and_fails(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bent = rewrite(model, tmp_path / "m.onnx", lambda p: scale_weight(p, "head.weight", 3.0))
    assert command(str(bent)) == 1
    printed = capsys.readouterr().out
    assert "logit of tampered: DIFFERENT (by " in printed
    assert " of 17 DIFFERENT" in printed


def test_installed_model_is_found_by_its_name(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "elascope" / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.read_bytes())
    assert command("mine") == 0
    with pytest.raises(ModelRefusedError, match="no model 'yours'"):
        command("yours")


def test_model_without_vectors_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Models of other tools, and those that were exported before there were any."""
    path = models.write_model(tmp_path / "m.onnx", models.card().to_json())
    with pytest.raises(ModelRefusedError, match="grey-mean carries no reference vectors"):
        command(str(path))
