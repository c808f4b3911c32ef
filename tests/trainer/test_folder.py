"""Reference folders: read, halved by content, and named when missing."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.detection.detector import Detector
from tests.trainer.corpus import photograph, write_casia1
from trainer.build import Job, build
from trainer.corpus.folder import read_authentic, read_references
from trainer.corpus.splits import halves
from trainer.data import gather
from trainer.errors import CorpusError
from trainer.evaluate import evaluate
from trainer.recipes import smoke


def write_folder(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(photograph(1000 + number)).save(folder / f"{number}.jpg", quality=90)
    return folder


def test_every_readable_picture_is_an_untouched_example_once(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "camera", 3)
    (folder / "notes.txt").write_text("not a picture")
    shutil.copyfile(folder / "0.jpg", folder / "copy of 0.jpg")
    examples = read_authentic(folder)
    assert [example.path.name for example in examples] == ["0.jpg", "1.jpg", "2.jpg"]
    assert {example.label for example in examples} == {0}


def test_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "casia1").mkdir()
    with pytest.raises(CorpusError, match="'camera' beside casia1"):
        read_references(tmp_path / "casia1", ("camera",))
    (tmp_path / "camera").mkdir()
    with pytest.raises(CorpusError, match="no usable picture"):
        read_references(tmp_path / "casia1", ("camera",))


def test_halves_depend_on_content_only_and_lose_nothing(tmp_path: Path) -> None:
    examples = read_authentic(write_folder(tmp_path / "camera", 30))
    parts = halves(examples, 1)
    assert halves(examples[::-1], 1)["test"] == parts["test"][::-1]
    assert len(parts["test"]) + len(parts["calibration"]) == 30
    assert 7 <= len(parts["test"]) <= 23


def test_references_set_the_operating_point_and_are_measured_on_the_other_half(
    tmp_path: Path,
) -> None:
    """The same run with and without a reference set that the model takes for forged."""
    corpus = write_casia1(tmp_path / "casia1", 24)
    forged = tmp_path / "loud"
    forged.mkdir()
    for number, path in enumerate(sorted((corpus / "Sp").iterdir())):
        with Image.open(path) as picture:
            picture.rotate(180).save(forged / f"{number}.jpg", quality=92)
    base = dataclasses.replace(smoke(), epochs=12, batch=8)
    cards = []
    for references in ((), ("loud",)):
        recipe = dataclasses.replace(base, references=references)
        job = Job(tmp_path / "runs", tmp_path / "cache", "m", "1.0.0")
        run = build(recipe, gather(recipe, [corpus]), job, lambda _: None)
        cards.append(Detector(run / "model.onnx").card)
    without, with_ = (card.questions[0].operating_point.threshold for card in cards)
    assert with_ > without
    assert "loud" not in cards[0].results
    assert cards[1].results["loud"]["false_alarms"][0] <= 0.3
    assert "loud" in cards[1].questions[0].reference_population
    evaluation, notes = evaluate(run / "model.onnx", [corpus], [])
    assert "loud: equal to the card" in notes
    assert evaluation.measures["loud"].images == cards[1].results["loud"]["images"]
