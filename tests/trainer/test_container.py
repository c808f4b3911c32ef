"""The container-only baseline reads labels from save settings, and only from them."""

from pathlib import Path

from tests.trainer.corpus import write_casia1
from trainer.corpus.casia import read_casia1
from trainer.corpus.container import container_of, lookup_predictions


def test_lookup_separates_classes_that_were_saved_differently(tmp_path: Path) -> None:
    examples, _ = read_casia1(write_casia1(tmp_path, 8))
    known = [(container_of(example), example.label) for example in examples[::2]]
    asked = examples[1::2]
    answers = lookup_predictions(known, [container_of(example) for example in asked])
    assert answers == [example.label for example in asked]


def test_lookup_takes_the_balanced_majority_and_positive_for_unseen() -> None:
    # "a": 2 of 4 negatives against 1 of 1 positive.
    known = [("a", 0), ("a", 0), ("b", 0), ("b", 0), ("a", 1)]
    assert lookup_predictions(known, ["a", "b", "never seen"]) == [1, 0, 1]
