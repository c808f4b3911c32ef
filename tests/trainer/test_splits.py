"""Splits never let a source or a duplicate cross, whatever the corpus looks like."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trainer.corpus import Example
from trainer.corpus.splits import manifest_sha256, split_by_source

SHARES = {"train": 0.6, "validation": 0.1, "calibration": 0.15, "test": 0.15}


def example(number: int, label: int, *sources: str, sha256: str = "") -> Example:
    kind = ("authentic", "splice")[label]
    return Example(
        Path(f"{number}.jpg"), sha256 or f"{number:064x}", label, kind, frozenset(sources)
    )


@st.composite
def corpora(draw: st.DrawFn) -> list[Example]:
    ids = [f"s{number}" for number in range(draw(st.integers(1, 25)))]
    count = draw(st.integers(1, 60))
    examples = []
    for number in range(count):
        sources = draw(st.sets(st.sampled_from(ids), min_size=1, max_size=2))
        label = draw(st.integers(0, 1))
        sha256 = draw(st.sampled_from(["", "same"]))
        examples.append(example(number, label, *sources, sha256=sha256))
    return examples


@given(corpora(), st.integers(0, 5))
def test_no_source_and_no_duplicate_crosses_and_nothing_is_lost(
    examples: list[Example], seed: int
) -> None:
    parts = split_by_source(examples, SHARES, seed)
    assert sorted(e.path for held in parts.values() for e in held) == sorted(
        e.path for e in examples
    )
    for key in ("sources", "sha256"):
        where: dict[str, str] = {}
        for part, held in parts.items():
            for e in held:
                for value in e.sources if key == "sources" else (e.sha256,):
                    assert where.setdefault(value, part) == part


def test_shares_are_kept_for_each_kind_when_sources_are_free() -> None:
    examples = [example(n, n % 2, f"s{n}") for n in range(400)]
    parts = split_by_source(examples, SHARES, 1)
    for part, share in SHARES.items():
        for label in (0, 1):
            count = sum(e.label == label for e in parts[part])
            assert abs(count - 200 * share) <= 2


def test_same_seed_gives_the_same_split_whatever_the_order() -> None:
    examples = [example(n, n % 2, f"s{n // 2}") for n in range(100)]
    assert split_by_source(examples, SHARES, 3) == split_by_source(examples, SHARES, 3)


def test_manifest_hash_tells_any_change_of_file_label_or_part() -> None:
    parts = {"train": [example(1, 0, "a")], "test": [example(2, 1, "b")]}
    base = manifest_sha256(parts)
    assert base == manifest_sha256({"test": parts["test"], "train": parts["train"]})
    assert base != manifest_sha256({"train": parts["test"], "test": parts["train"]})
    assert base != manifest_sha256({**parts, "test": [example(2, 0, "b")]})
