"""A folder per class: kinds, generators, masks, related pictures, wrong trees."""

from pathlib import Path

import pytest

from tests.trainer.corpus import write_mask, write_tree
from trainer.corpus.read import read_corpus
from trainer.errors import CorpusError


def test_tampered_pictures_are_read_with_their_masks(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "mine")
    corpus = read_corpus(root)
    assert (corpus.name, corpus.layout) == ("mine", "tree")
    found = {
        e.path.relative_to(root).as_posix(): (e.label, e.kind, e.mask) for e in corpus.examples
    }
    assert found == {
        "authentic/beach.jpg": (0, "authentic", None),
        "authentic/street/1.png": (0, "authentic", None),
        "authentic/street/2.png": (0, "authentic", None),
        "tampered/beach.jpg": (1, "tampered", root / "masks" / "beach_gt.png"),
        "tampered/street/1.png": (1, "tampered", root / "masks" / "street" / "1.png"),
    }
    assert corpus.left_out == (
        "Not used for the question 'tampered': 3 pictures of the kind 'generated'.",
    )
    assert {e.corpus for e in corpus.examples} == {"mine"}


def test_folder_that_is_given_as_a_dot_has_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_tree(tmp_path / "mine"))
    corpus = read_corpus(Path())
    assert (corpus.name, {e.corpus for e in corpus.examples}) == ("mine", {"mine"})


def test_generated_pictures_are_the_positive_class_of_the_other_question(tmp_path: Path) -> None:
    corpus = read_corpus(write_tree(tmp_path), positive="generated")
    found = {(e.path.name, e.generator) for e in corpus.examples if e.label}
    assert found == {("a.png", "diffusion"), ("b.webp", "diffusion"), ("a.png", "adversarial")}
    assert {e.generator for e in corpus.examples if not e.label} == {""}
    assert "2 pictures of the kind 'tampered'" in corpus.left_out[0]


def test_picture_and_altered_version_share_a_source_and_others_do_not(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    sources = {e.path.relative_to(root).as_posix(): e.sources for e in read_corpus(root).examples}
    assert sources["authentic/beach.jpg"] == sources["tampered/beach.jpg"]
    assert sources["authentic/street/1.png"] == sources["tampered/street/1.png"]
    assert len(set(sources.values())) == 3
    generated = [e for e in read_corpus(root, positive="generated").examples if e.label]
    assert len({e.sources for e in generated}) == 3


def test_two_folders_can_be_named_as_classes(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    (root / "authentic").rename(root / "holiday photos")
    (root / "ai").rename(root / "drawn")
    corpus = read_corpus(root, positive="generated", classes=("holiday photos", "drawn"))
    assert sorted(e.kind for e in corpus.examples) == ["authentic"] * 3 + ["generated"] * 3
    with pytest.raises(CorpusError, match="no folder 'missing'"):
        read_corpus(root, classes=("holiday photos", "missing"))
    with pytest.raises(CorpusError, match="for the layout tree only"):
        read_corpus(root, "casia1", classes=("holiday photos", "drawn"))
    with pytest.raises(CorpusError, match="two different class folders"):
        read_corpus(root, classes=("drawn", "drawn"))


def test_faults_are_named_and_left_out(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    (root / "authentic" / "LICENCE.txt").write_text("CC0")
    broken = root / "tampered" / "street" / "1.png"
    broken.write_bytes(broken.read_bytes()[:200])
    (root / "tampered" / "bad\nname.jpg").write_bytes(b"no picture")
    write_mask(root / "masks" / "beach_gt.png", (40, 40))
    corpus = read_corpus(root)
    told = [sentence.split(": ", 1) for sentence in corpus.left_out]
    assert [name for name, _ in told[:4]] == [
        "authentic/LICENCE.txt",
        "tampered/bad\\nname.jpg",
        "tampered/street/1.png",
        "tampered/beach.jpg",
    ]
    assert "it has 40 x 40 pixels, the picture 128 x 96" in told[3][1]


def test_wrong_trees_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"expected authentic/ and tampered/ or ai/"):
        read_corpus(tmp_path, "tree")
    (tmp_path / "authentic").mkdir()
    (tmp_path / "tampered").mkdir()
    with pytest.raises(CorpusError, match=r"no usable authentic picture .none of either"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="no class 'forged' to tell from authentic"):
        read_corpus(tmp_path, positive="forged")
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="expected authentic/"):
        read_corpus(tmp_path / "file", "tree")
