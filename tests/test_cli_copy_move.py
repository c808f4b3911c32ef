import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from app.cli import main
from app.report.record import RECORD_KEY
from tests.pictures import encoded, noise, scene


def _forged() -> NDArray[np.uint8]:
    """Blurred noise, of which 70x60 pixels at (20, 30) lie once more at (180, 90)."""
    grain = Image.fromarray(noise(200, 300, seed=3)).filter(ImageFilter.GaussianBlur(1.5))
    spread = (np.array(grain, dtype=float) - 127) * 4 + 127
    pixels = np.clip(spread, 0, 255).astype(np.uint8)
    pixels[90:150, 180:250] = pixels[30:90, 20:90]
    return pixels


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    path = tmp_path / "case" / "copy.png"
    path.parent.mkdir()
    Image.fromarray(_forged()).save(path)
    return path


def _main(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_what_was_found_is_said_and_written(
    forged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = forged.read_bytes()
    text, picture = tmp_path / "found.json", tmp_path / "found.png"
    assert _main("copy-move", forged, "--json", text, "--png", picture) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "2 regions in 1 pair" in said.out
    assert "-160, -60 pixels" in said.out or "+160, +60 pixels" in said.out
    assert "threshold 0.75" in said.out and "300 x 200 pixels" in said.out
    assert "consistent with" in said.out and "Untouched pictures" in said.out
    assert "fake" not in said.out
    assert forged.read_bytes() == before

    read = json.loads(text.read_text(encoding="utf-8"))
    assert (read["width"], read["height"]) == (300, 200)
    boxes = sorted(region["box"] for region in read["regions"])
    assert np.abs(np.array(boxes) - [[20, 30, 90, 90], [180, 90, 250, 150]]).max() <= 3
    assert [abs(value) for value in read["pairs"][0]["shift"]] == pytest.approx([160, 60])
    record = read["record"]
    assert record["sha256"] == hashlib.sha256(before).hexdigest()
    assert record["method"] == "copy-move" and record["parameters"]["megapixels"] == 2.0

    with Image.open(picture) as image:
        shown, kept = np.array(image), json.loads(image.text[RECORD_KEY])  # type: ignore[attr-defined]
    assert shown.shape == (200, 300, 3)
    assert kept["sha256"] == record["sha256"]
    assert np.array_equal(shown[160:], _forged()[160:])
    assert not np.array_equal(shown[50:70, 40:70], _forged()[50:70, 40:70])


def test_nothing_found_is_no_proof_and_still_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, text = tmp_path / "plain.png", tmp_path / "plain.json"
    Image.fromarray(noise(120, 160)).save(path)
    assert _main("copy-move", path, "--json", text, "--no-mirrored", "--threshold", 0.5) == 0
    said = capsys.readouterr().out
    assert "No regions were found" in said and "does not show that nothing was copied" in said
    read = json.loads(text.read_text(encoding="utf-8"))
    assert read["regions"] == [] and read["pairs"] == []
    assert read["record"]["parameters"]["mirrored"] is False
    assert read["threshold"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--threshold", "2"), "Threshold must lie between"),
        (("--threshold", "nan"), "Threshold must lie between"),
        (("--json", "out.txt"), "does not end in .json"),
        (("--png", "nowhere/out.png"), "There is no folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    forged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _main("copy-move", forged, *arguments) == 1
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_evidence_is_never_written(forged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = forged.read_bytes()
    link = forged.with_name("link.png")
    link.symlink_to(forged)
    for target in (forged, link):
        assert _main("copy-move", forged, "--png", target) == 1
        assert "never overwritten" in capsys.readouterr().err
    assert forged.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_picture_costs_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / os.fsdecode(b"<b>caf\xe9\n.png")
    path.write_bytes(content)
    assert _main("copy-move", path, "--json", tmp_path / "out.json") == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("flag", "words"), [("--mirrored", "also mirrored"), ("--no-mirrored", "no mirrored ones")]
)
def test_the_parameters_are_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, words: str
) -> None:
    path = tmp_path / "scene.png"
    path.write_bytes(encoded(scene(120, 160), "PNG"))
    assert _main("copy-move", path, flag) == 0
    assert words in (said := capsys.readouterr().out)
    assert "True" not in said and "False" not in said
