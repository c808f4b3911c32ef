"""How the files of a corpus hang together: equal ones, and such of a common source picture."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainer.corpus import Example
from trainer.corpus.duplicates import exact_duplicates, near_duplicates
from trainer.corpus.splits import (
    connected_groups,
    shared_sources,
    split_by_source_dropping,
    split_random,
)

_SHARES = {"train": 0.8, "test": 0.2}

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of files that are equal, or look so.

    Attributes:
        exact: files with the same content.
        contradicting: those of ``exact`` that have both labels, as when two corpora are mixed; one
            corpus leaves them out when it is read.
        near: files whose pictures are nearly equal though they name no common source, so that a
            split by source may divide them; None when that was not looked for.
        near_across: how many groups of ``near`` have both labels.
    """

    exact: tuple[Names, ...]
    contradicting: tuple[Names, ...]
    near: tuple[Names, ...] | None
    near_across: int | None


@dataclass(frozen=True, slots=True)
class Sources:
    """How files share source pictures, and what a split into 80 % and 20 % does to that.

    Attributes:
        sources: how many there are.
        files_per_source: number of files to how many sources have so many.
        components: groups of files that hang together through sources or equal content.
        largest_files: files of the largest such group.
        largest_sources: its sources.
        random_shared: share of the positive test files of a random split that have a source in
            common with a file it trains on; None without positive test files.
        disjoint_train: negatives and positives that a source-disjoint split trains on.
        disjoint_test: those it tests on.
        disjoint_dropped: those it cannot use, since their sources are on both sides.
    """

    sources: int
    files_per_source: Mapping[str, int]
    components: int
    largest_files: int
    largest_sources: int
    random_shared: float | None
    disjoint_train: tuple[int, int]
    disjoint_test: tuple[int, int]
    disjoint_dropped: tuple[int, int]


def find_duplicates(
    examples: Sequence[Example], name: Callable[[Example], str], near: bool
) -> Duplicates:
    """Group equal files, and nearly equal ones if ``near``; ``name`` says how to call them."""
    exact = exact_duplicates(examples)
    alike = near_duplicates(examples, across_sources=True) if near else None

    def names(groups: Iterable[Sequence[Example]]) -> tuple[Names, ...]:
        return tuple(sorted(tuple(sorted(map(name, group))) for group in groups))

    return Duplicates(
        names(exact),
        names(group for group in exact if _both_labels(group)),
        None if alike is None else names(alike),
        None if alike is None else sum(map(_both_labels, alike)),
    )


def weigh_sources(examples: Sequence[Example], seed: int) -> Sources:
    """Count sources, and divide the examples by both methods to see what that does."""
    per_source = Counter(source for example in examples for source in example.sources)
    sizes = Counter(per_source.values())
    groups = connected_groups(examples)
    largest = [examples[index] for index in max(groups, key=len, default=[])]
    shared, positives = shared_sources(split_random(examples, _SHARES, seed))
    disjoint = split_by_source_dropping(examples, _SHARES, seed)
    return Sources(
        sources=len(per_source),
        files_per_source={str(count): sizes[count] for count in sorted(sizes)},
        components=len(groups),
        largest_files=len(largest),
        largest_sources=len({source for example in largest for source in example.sources}),
        random_shared=shared / positives if positives else None,
        disjoint_train=_pair(disjoint.parts["train"]),
        disjoint_test=_pair(disjoint.parts["test"]),
        disjoint_dropped=_pair(disjoint.dropped),
    )


def _pair(examples: Sequence[Example]) -> tuple[int, int]:
    labels = [example.label for example in examples]
    return labels.count(0), labels.count(1)


def _both_labels(group: Sequence[Example]) -> bool:
    return len({example.label for example in group}) > 1
