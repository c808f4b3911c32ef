"""Several corpora as one: names, common files, and how often each is drawn from."""

import shutil
from pathlib import Path

import pytest

from tests.trainer.corpus import write_casia1, write_casia2, write_tree
from trainer.corpus.leave_out import leave_corpus_out
from trainer.corpus.mixture import draw_weights, mix
from trainer.corpus.read import read_corpus
from trainer.errors import CorpusError


def test_examples_know_their_corpus_and_every_file_is_kept(tmp_path: Path) -> None:
    corpora = [
        read_corpus(write_casia1(tmp_path / "c1", 4)),
        read_corpus(write_casia2(tmp_path / "c2")),
        read_corpus(write_tree(tmp_path / "mine")),
    ]
    examples, left_out = mix(corpora)
    assert left_out == []
    assert len(examples) == 8 + 6 + 5
    assert {e.corpus for e in examples} == {"CASIA 1.0", "CASIA 2.0", "mine"}
    with pytest.raises(CorpusError, match=r"Two of the corpora have the name 'CASIA 1\.0'"):
        mix([corpora[0], corpora[0]])


def test_file_that_two_corpora_label_differently_is_left_out_of_both(tmp_path: Path) -> None:
    one = write_casia1(tmp_path / "c1", 4)
    two = write_tree(tmp_path / "mine")
    shutil.copyfile(one / "Au" / "Au_arc_0001.jpg", two / "tampered" / "x.jpg")
    examples, left_out = mix([read_corpus(one), read_corpus(two)])
    assert len(examples) == 8 + 6 - 2
    assert left_out == [
        "Left out, because equal files have different labels: Au_arc_0001.jpg (authentic) and "
        "x.jpg (tampered)."
    ]


def test_forgery_of_one_casia_does_not_train_for_the_test_on_the_other(tmp_path: Path) -> None:
    """``ani00001`` of the second set is ``ani0001`` of the first."""
    one = write_casia1(tmp_path / "c1", 8)
    shutil.copyfile(one / "Au" / "Au_ani_0000.jpg", one / "Au" / "Au_ani_0001.jpg")
    two = write_casia2(tmp_path / "c2")
    examples, _ = mix([read_corpus(one), read_corpus(two)])
    split = leave_corpus_out(examples, "CASIA 2.0", {"train": 0.9, "test": 0.1}, 0)
    assert "Au_ani_0001.jpg" in {e.path.name for e in split.dropped}


def test_corpora_are_drawn_by_their_weights_whatever_their_size(tmp_path: Path) -> None:
    examples, _ = mix(
        [read_corpus(write_casia1(tmp_path / "c1", 20)), read_corpus(write_tree(tmp_path / "mine"))]
    )
    weights = draw_weights(examples, {"CASIA 1.0": 1, "mine": 3})
    of_mine = [w for e, w in zip(examples, weights, strict=True) if e.corpus == "mine"]
    assert sum(weights) == pytest.approx(1)
    assert of_mine == pytest.approx([0.75 / 5] * 5)
    never = draw_weights(examples, {"CASIA 1.0": 0})
    assert {w > 0 for e, w in zip(examples, never, strict=True) if e.corpus == "CASIA 1.0"} == {
        False
    }
    with pytest.raises(CorpusError, match=r"no example of it; there are CASIA 1\.0, mine"):
        draw_weights(examples, {"other": 1})
    with pytest.raises(CorpusError, match="must be 0 or more"):
        draw_weights(examples, {"mine": -1})
    with pytest.raises(CorpusError, match="must be 0 or more"):
        draw_weights(examples, {"mine": float("nan")})
    with pytest.raises(CorpusError, match="nothing could be drawn"):
        draw_weights(examples, {"CASIA 1.0": 0, "mine": 0})
