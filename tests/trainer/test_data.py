"""From corpora on disk to parts: what a recipe keeps, leaves out and divides."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.evidence.decode import decode
from app.evidence.file import open_evidence
from tests.trainer.corpus import photograph, write_casia1, write_tree
from trainer.config import Recipe
from trainer.corpus.resave import ResaveRange
from trainer.data import gather
from trainer.errors import CorpusError
from trainer.publishing.cards import validity_of
from trainer.recipes import RECIPES, smoke


@pytest.fixture(scope="module")
def casia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_casia1(tmp_path_factory.mktemp("data") / "casia1", 24)


@pytest.mark.parametrize("split", ["components", "dropping", "random"])
def test_parts_have_both_classes_and_nothing_twice(casia: Path, split: str) -> None:
    data = gather(dataclasses.replace(smoke(), split=split), [casia])
    held = [example.sha256 for part in data.split.parts.values() for example in part]
    assert len(set(held)) == len(held) == 48
    for part in data.split.parts.values():
        assert {example.label for example in part} == {0, 1}


def test_no_source_crosses_the_honest_splits(casia: Path) -> None:
    for split in ("components", "dropping"):
        data = gather(dataclasses.replace(smoke(), split=split), [casia])
        where: dict[str, str] = {}
        for part, examples in data.split.parts.items():
            for source in (source for example in examples for source in example.sources):
                assert where.setdefault(source, part) == part


def test_only_wanted_formats_are_used(casia: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    Image.fromarray(photograph(900)).save(corpus / "Au" / "Au_ani_0900.jpg", "PNG")
    recipe = dataclasses.replace(smoke(), formats=("JPEG",))
    data = gather(recipe, [corpus])
    names = {example.path.name for part in data.split.parts.values() for example in part}
    assert "Au_ani_0900.jpg" not in names
    assert len(names) == 48
    assert "1 files are not JPEG." in data.left_out
    with pytest.raises(CorpusError, match="No file of the corpus"):
        gather(dataclasses.replace(smoke(), formats=("TIFF",)), [corpus])


def test_one_corpus_is_left_out_for_the_test(casia: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for number in range(6):
        for name in ("authentic", "tampered"):
            (other / name).mkdir(parents=True, exist_ok=True)
            pixels = photograph(700 + number + 50 * (name == "tampered"))
            Image.fromarray(pixels).save(other / name / f"{name}{number}.png")
    recipe = dataclasses.replace(smoke(), leave_out="corpus:other")
    data = gather(recipe, [casia, other])
    assert {example.corpus for example in data.split.parts["test"]} == {"other"}
    for part in ("train", "validation", "calibration"):
        assert {example.corpus for example in data.split.parts[part]} == {"CASIA 1.0"}
    assert data.corpora == ("CASIA 1.0", "other")


def test_a_corpus_that_is_not_there_cannot_be_left_out(casia: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be left out"):
        gather(dataclasses.replace(smoke(), leave_out="corpus:other"), [casia])


def test_reference_that_is_in_the_corpus_trains_and_is_no_reference(
    casia: Path, tmp_path: Path
) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    (tmp_path / "camera").mkdir()
    shutil.copy(next((corpus / "Au").iterdir()), tmp_path / "camera" / "same.jpg")
    for number in range(6):
        Image.fromarray(photograph(800 + number)).save(tmp_path / "camera" / f"new{number}.jpg")
    data = gather(dataclasses.replace(smoke(), references=("camera",)), [corpus])
    names = {example.path.name for example in data.references["camera"]}
    assert names == {f"new{number}.jpg" for number in range(6)}
    assert "camera: 1 pictures are in the corpus, too." in data.left_out


def test_part_without_a_class_is_refused_in_a_sentence(tmp_path: Path) -> None:
    corpus = write_casia1(tmp_path / "casia1", 2)
    with pytest.raises(CorpusError, match=r"part 'validation'|part 'calibration'|part 'test'"):
        gather(smoke(), [corpus])


def test_names_in_a_run_tell_nothing_of_the_machine(casia: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    data = gather(smoke(), [casia])
    for part in data.split.parts.values():
        assert {data.name_of(example).split("/")[0] for example in part} == {"Au", "Sp"}
    stranger = dataclasses.replace(data.split.parts["test"][0], path=tree / "x" / "y.jpg")
    assert data.name_of(stranger) == "y.jpg"


def test_faulty_tree_trains_after_naming_what_it_left_out(tmp_path: Path) -> None:
    """Wrong names, a truncated JPEG, a picture of two pixels, missing masks."""
    corpus = write_casia1(tmp_path / "casia1", 24)
    whole = next(iter(sorted((corpus / "Sp").iterdir()))).read_bytes()
    (corpus / "Au" / "Au_pla_0901.jpg").write_bytes(whole[: len(whole) // 3])
    (corpus / "Au" / "holiday.jpg").write_bytes(whole)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(corpus / "Au" / "Au_ani_0902.jpg")
    (corpus / "masks").mkdir()
    data = gather(smoke(), [corpus])
    text = "\n".join(data.left_out)
    for name in ("Au_pla_0901.jpg", "holiday.jpg", "Au_ani_0902.jpg", "no mask"):
        assert name in text
    assert sum(len(part) for part in data.split.parts.values()) == 48


def test_every_recipe_finds_its_split(casia: Path) -> None:
    for make in RECIPES:
        recipe: Recipe = dataclasses.replace(make(), references=())
        assert gather(recipe, [casia]).split.parts["test"]


def test_formats_in_a_card_are_those_that_the_program_names(tmp_path: Path) -> None:
    """The validity check compares them with the decode record's."""
    recipe = dataclasses.replace(smoke(), resave=ResaveRange(longer_side=(96, 160), webp=0.2))
    Image.fromarray(photograph(1)).save(tmp_path / "a.jpg", "WEBP")
    Image.fromarray(photograph(1)).save(tmp_path / "b.png", "JPEG")
    for name in ("a.jpg", "b.png"):
        record = decode(open_evidence(tmp_path / name)).record
        assert record.format in validity_of(recipe).formats
    assert "WebP" not in validity_of(smoke()).formats
