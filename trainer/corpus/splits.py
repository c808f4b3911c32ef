"""Dividing a corpus so that no part knows a source picture of another."""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from trainer.corpus import Example

PARTS = ("train", "validation", "calibration", "test")
"""Training fits weights, validation picks the epoch, calibration fits the score and its
thresholds, test is looked at once."""


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
    groups = _groups(examples)
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


def manifest_sha256(parts: Mapping[str, Sequence[Example]]) -> str:
    """Hash over the sorted (file SHA-256, label, part) of all examples."""
    lines = sorted(f"{e.sha256},{e.label},{part}\n" for part, held in parts.items() for e in held)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _groups(examples: Sequence[Example]) -> list[list[int]]:
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
