import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.detection.backbone import Backbones
from app.detection.card import Where
from app.detection.detector import Detector
from app.detection.library import ModelChoice
from app.detection.verdict import State
from app.errors import BrokenImageError, NotWrittenError
from app.evidence.decode import DecodedImage
from app.evidence.file import EvidenceFile, open_evidence
from app.scan import work
from app.scan.previews import SIDE
from app.scan.work import Setup, judge_evidence, judge_file
from tests.backbones import head_card, write_backbone, write_head
from tests.models import card, write_model
from tests.pictures import encoded, noise


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(noise(32, 40), "PNG"))
    return path


def _judging(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(work, "judge", lambda _, image, __: answer(image))


def test_an_image_outside_validity_is_an_ok_row_without_a_score(tmp_path: Path) -> None:
    detector = Detector(write_model(tmp_path / "grey" / "model.onnx", card().to_json()))
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(noise(32, 32), "JPEG"))
    row = judge_file(path, [detector])
    assert row.status == "ok"
    assert (row.verdicts[0].state, row.verdicts[0].score) == (State.OUTSIDE_VALIDITY, None)


def test_an_unexpected_fault_costs_one_row(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: DecodedImage) -> tuple[()]:
        raise ZeroDivisionError("a fault of the program")

    _judging(monkeypatch, failing)
    row = judge_file(photo, [])
    assert row.status == "error"
    assert row.message == "The analysis failed unexpectedly (ZeroDivisionError)."
    assert "a fault of the program" in row.detail
    assert row.sha256
    assert row.record is not None
    assert row.verdicts == ()


def test_exhausted_memory_and_a_named_error_cost_one_row(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_: DecodedImage) -> tuple[()]:
        raise MemoryError

    def named(_: DecodedImage) -> tuple[()]:
        raise BrokenImageError("A sentence.", "a detail")

    _judging(monkeypatch, exhausted)
    row = judge_file(photo, [])
    assert row.status == "too_large"
    assert row.message.startswith("Memory ran out")
    _judging(monkeypatch, named)
    row = judge_file(photo, [])
    assert (row.status, row.message, row.detail) == ("broken", "A sentence.", "a detail")


def test_a_file_that_vanishes_is_unreadable(photo: Path) -> None:
    photo.unlink()
    row = judge_file(photo, [])
    assert (row.status, row.sha256, row.modified_ns) == ("unreadable", "", None)


def test_a_named_pipe_does_not_hold_the_scan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert judge_file(tmp_path / "pipe.png", []).status == "unreadable"


@pytest.fixture
def locating(tmp_path: Path) -> Detector:
    """Positive above a level of about 166; its map marks what is brighter than 128."""
    where = Where("tampered", "where", "", (), 128, 0.5, 0.0)
    made = head_card(write_backbone(tmp_path / "backbones"), where, name="toy")
    model = write_head(tmp_path / "models" / "toy" / "model.onnx", made)
    return Detector(model, Backbones((tmp_path / "backbones",)))


def _picture(tmp_path: Path, bright: int) -> EvidenceFile:
    pixels = np.full((320, 480, 3), bright, np.uint8)
    pixels[:, :160] //= 2
    path = tmp_path / f"{bright}.png"
    path.write_bytes(encoded(pixels, "PNG"))
    return open_evidence(path)


def test_a_conspicuous_picture_has_a_thumbnail_and_its_map(
    tmp_path: Path, locating: Detector
) -> None:
    setup = Setup(ModelChoice(), previews=True)
    outcome = judge_evidence(_picture(tmp_path, 254), [locating], setup)
    assert outcome.row.verdicts[0].state is State.POSITIVE
    assert outcome.preview is not None
    assert set(outcome.preview.maps) == {"tampered"}
    for data in (outcome.preview.thumbnail, *outcome.preview.maps.values()):
        with Image.open(io.BytesIO(data)) as small:
            assert (small.format, small.size) == ("JPEG", (SIDE, round(SIDE * 320 / 480)))
    with Image.open(io.BytesIO(outcome.preview.thumbnail)) as small:
        left, right = (small.convert("L").getpixel((x, 100)) for x in (60, 260))
    assert (left, right) == (pytest.approx(127, abs=3), pytest.approx(254, abs=3))


def test_pictures_are_made_only_of_what_is_conspicuous_and_wanted(
    tmp_path: Path, locating: Detector
) -> None:
    wanted, unwanted = Setup(ModelChoice(), previews=True), Setup(ModelChoice())
    assert judge_evidence(_picture(tmp_path, 20), [locating], wanted).preview is None
    assert judge_evidence(_picture(tmp_path, 254), [locating], unwanted).preview is None


def test_a_map_that_cannot_be_written_costs_no_row(tmp_path: Path, locating: Detector) -> None:
    def full(*_: object) -> None:
        raise NotWrittenError("The disk is full.")

    setup = Setup(ModelChoice(), write_map=full)
    outcome = judge_evidence(_picture(tmp_path, 254), [locating], setup)
    assert outcome.row.status == "ok"
    assert (outcome.maps, outcome.complaints) == (0, ("The disk is full.",))


def test_answers_are_tried_with_mild_changes_unless_told_otherwise(tmp_path: Path) -> None:
    detector = Detector(write_model(tmp_path / "grey" / "model.onnx", card().to_json()))
    evidence = open_evidence(_png(tmp_path))
    (tried,) = judge_evidence(evidence, [detector], Setup(ModelChoice())).row.verdicts
    (untried,) = judge_evidence(
        evidence, [detector], Setup(ModelChoice(), variations=False)
    ).row.verdicts
    assert tried.low is not None
    assert (untried.low, untried.high) == (None, None)
    assert tried.score == untried.score


def _png(folder: Path) -> Path:
    path = folder / "noise.png"
    path.write_bytes(encoded(noise(64, 64), "PNG"))
    return path
