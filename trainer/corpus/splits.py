"""Dividing a corpus so that no part knows a source picture of another.

Every split here is a function of the seed and of what the files are (content, name, corpus), not
of their order or place. Files of equal content never lie in two parts, whatever the method.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trainer.corpus import Example

PARTS = ("train", "validation", "calibration", "test")
"""Training fits weights, validation picks the epoch, calibration fits the score and its
thresholds, test is looked at once."""

_Item = TypeVar("_Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Split:
    """A corpus in parts.

    Attributes:
        method: in words, with what it is good for.
        parts: name to examples, each in the order of corpus, file name and content.
        dropped: examples that would have tied two parts together, in the same order.
        seed: of the split.
    """

    method: str
    parts: Mapping[str, tuple[Example, ...]]
    dropped: tuple[Example, ...]
    seed: int

    def describe(self) -> str:
        """Method, sizes by kind, and what was dropped, as one sentence."""
        texts = [f"{part} {_kinds(held)}" for part, held in self.parts.items()]
        end = f"; dropped {_kinds(self.dropped)}" if self.dropped else "; none dropped"
        return f"Split by {self.method}, seed {self.seed}: " + "; ".join(texts) + end + "."


def split_by_components(
    examples: Sequence[Example], shares: Mapping[str, float], seed: int
) -> Split:
    """`split_by_source` as a `Split`: nothing is dropped, groups stay whole."""
    divided = split_by_source(ordered(examples), shares, seed)
    parts = {part: tuple(held) for part, held in divided.items()}
    return Split("groups that share a source, kept whole", parts, (), seed)


def split_random(examples: Sequence[Example], shares: Mapping[str, float], seed: int) -> Split:
    """Divide each kind at random, as most published results do; for comparison only.

    Only files of equal content stay together. Pictures made from one source fall into all parts,
    so a result on such a split says little about new pictures: see `shared_sources`.
    """
    by_content: dict[str, list[Example]] = defaultdict(list)
    for example in ordered(examples):
        by_content[example.sha256].append(example)
    contents = sorted(
        by_content, key=lambda sha256: (by_content[sha256][0].kind, _draw(seed, sha256))
    )
    part_of = _deal(contents, shares)
    parts, _ = _placed(examples, shares, lambda example: {part_of[example.sha256]})
    method = "random; shares sources between parts; for comparison only"
    return Split(method, parts, (), seed)


def split_by_source_dropping(
    examples: Sequence[Example], shares: Mapping[str, float], seed: int
) -> Split:
    """Divide the source ids by ``shares`` and drop what was made from ids of two parts.

    Unlike `split_by_components` this works where a few sources tie half of the corpus together, as
    in CASIA 2.0. Every authentic picture follows its id. Ids that have pictures of equal
    content count as one. With one forgery in three made from two sources, two parts of 80
    and 20 % lose about a tenth of the forgeries; more and more equal parts lose more.
    """
    same = _same_sources(examples)
    tied: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        ids = {same[source] for source in _sources(example)}
        # A copy of a file under another name may name other sources.
        tied[example.sha256] |= ids
        for source in ids:
            kinds[source].add(example.kind)
    order = sorted(kinds, key=lambda source: (sorted(kinds[source]), _draw(seed, source)))
    part_of = _deal(order, shares)
    parts, dropped = _placed(
        examples, shares, lambda example: {part_of[source] for source in tied[example.sha256]}
    )
    return Split("source ids, dropping what straddles two parts", parts, dropped, seed)


def shared_sources(split: Split, part: str = "test", known: str = "train") -> tuple[int, int]:
    """How many positive examples of ``part`` share a source with one in ``known``, and of how many.

    A result on ``part`` is as good as new pictures only where the first number is 0.
    """
    seen = {source for example in split.parts[known] for source in example.sources}
    positives = [example for example in split.parts[part] if example.label]
    return sum(not seen.isdisjoint(example.sources) for example in positives), len(positives)


def split_by_source(
    examples: Sequence[Example], shares: Mapping[str, float], seed: int
) -> dict[str, list[Example]]:
    """Divide ``examples`` into `PARTS`, keeping everything that shares a source together.

    Examples with a common source id or the same content form one group (a connected
    component); groups are dealt out, largest first, to the part that lacks most of what
    the group holds, counted per kind. In CASIA 1.0 the largest group holds 62 source pictures,
    so this works without loss; in CASIA 2.0 one group would hold half of the set.

    Args:
        examples: of one corpus.
        shares: part to share of the whole, adding up to 1.
        seed: decides between equal choices.

    Returns:
        Part to its examples, in the order of ``examples``.
    """
    total = Counter(example.kind for example in examples)
    held: dict[str, Counter[str]] = {part: Counter() for part in shares}
    part_of: dict[int, str] = {}
    groups = connected_groups(examples)
    random.Random(seed).shuffle(groups)
    for group in sorted(groups, key=len, reverse=True):
        brings = Counter(examples[i].kind for i in group)

        def lack(part: str, brings: Counter[str] = brings) -> float:
            """Relative shortage of the part in what this group brings."""
            return sum(
                count * (1 - held[part][kind] / (shares[part] * total[kind]))
                for kind, count in brings.items()
            )

        part = max(shares, key=lack)
        held[part].update(brings)
        part_of.update(dict.fromkeys(group, part))
    parts: dict[str, list[Example]] = {part: [] for part in shares}
    for index, example in enumerate(examples):
        parts[part_of[index]].append(example)
    return parts


def halves(examples: Sequence[Example], seed: int) -> dict[str, list[Example]]:
    """Divide reference pictures by a hash of their content into calibration and test."""
    parts: dict[str, list[Example]] = {"calibration": [], "test": []}
    for example in examples:
        digest = hashlib.sha256(f"{seed}/{example.sha256}".encode()).digest()
        parts["calibration" if digest[0] % 2 else "test"].append(example)
    return parts


def ordered(examples: Iterable[Example]) -> list[Example]:
    """In an order that folders and machines do not change."""
    return sorted(examples, key=lambda e: (e.corpus, e.path.name, e.sha256, e.path))


def manifest_sha256(parts: Mapping[str, Sequence[Example]]) -> str:
    """Hash over the sorted (file SHA-256, label, part) of all examples."""
    lines = sorted(f"{e.sha256},{e.label},{part}\n" for part, held in parts.items() for e in held)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def connected_groups(examples: Sequence[Example]) -> list[list[int]]:
    """Connected components over source ids and content hashes, as lists of indices."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        for key in (*example.sources, example.sha256):
            by_key[key].append(index)
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(examples)):
        if start in seen:
            continue
        group, waiting = [], [start]
        seen.add(start)
        while waiting:
            index = waiting.pop()
            group.append(index)
            for key in (*examples[index].sources, examples[index].sha256):
                for neighbour in by_key.pop(key, ()):
                    if neighbour not in seen:
                        seen.add(neighbour)
                        waiting.append(neighbour)
        groups.append(sorted(group))
    return groups


def _kinds(examples: Sequence[Example]) -> str:
    counts = Counter(example.kind for example in examples)
    return " + ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"


def _draw(seed: int, identity: str) -> bytes:
    """A random number that belongs to ``identity``, whatever else is drawn."""
    return hashlib.sha256(f"{seed}/{identity}".encode("utf-8", "surrogateescape")).digest()


def _deal(items: Sequence[_Item], shares: Mapping[str, float]) -> dict[_Item, str]:
    """Deal out items one by one, each to the part that lacks most.

    Every run of items is then divided by the shares too, up to one or two, so items that are
    sorted by class before they are sorted at random are divided evenly in each class.
    """
    held = dict.fromkeys(shares, 0)
    part_of = {}
    for count, item in enumerate(items, start=1):
        part = max(shares, key=lambda part: shares[part] * count - held[part])
        held[part] += 1
        part_of[item] = part
    return part_of


def _placed(
    examples: Sequence[Example],
    shares: Mapping[str, float],
    parts_of: Callable[[Example], set[str]],
) -> tuple[dict[str, tuple[Example, ...]], tuple[Example, ...]]:
    """Examples by the one part that they belong to, and those that belong to several."""
    parts: dict[str, list[Example]] = {part: [] for part in shares}
    dropped = []
    for example in ordered(examples):
        wanted = parts_of(example)
        if len(wanted) == 1:
            parts[wanted.pop()].append(example)
        else:
            dropped.append(example)
    return {part: tuple(held) for part, held in parts.items()}, tuple(dropped)


def _sources(example: Example) -> frozenset[str]:
    """Its source ids; one that names none is a source of its own."""
    return example.sources or frozenset({example.sha256})


def _same_sources(examples: Sequence[Example]) -> dict[str, str]:
    """Every source id to the first of those that have pictures of equal content."""
    alone = [example for example in examples if len(_sources(example)) == 1]
    first = {source: source for example in examples for source in _sources(example)}
    for group in connected_groups(alone):
        ids = sorted({source for index in group for source in _sources(alone[index])})
        first.update(dict.fromkeys(ids, ids[0]))
    return first
