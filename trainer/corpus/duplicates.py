"""Pictures that a corpus holds twice: the same file, or nearly the same picture.

The near ones are found with a perceptual hash: the signs of the lowest 8 x 8 frequencies of the
picture's luma, as in C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010). It survives scaling, saving and mild changes of tone. It misleads on pictures
without structure (they get no hash), and it calls a picture and its locally altered version
near, which they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import cv2
import numpy as np

from app.arrays import RgbU8
from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus import Example
from trainer.corpus.examine import on_all_cores

NEAR = 6
"""Largest number of differing bits, of 63, between the hashes of near duplicates.

Among the 2,156 pictures of CASIA 1.0, a sample of CASIA 2.0 and three sets of photographs, every
pair without a common source id that differs by 8 or less shows the same picture; from 10 on
chance pairs appear.
"""

_BITS = 64
_SIDE = 32
_FEWEST_LEVELS = 2.0
"""Standard deviation in grey levels below which a reduced picture has no structure."""


def perceptual_hash(pixels: RgbU8) -> int | None:
    """A number of 64 bits whose distance between pictures grows with their difference.

    Args:
        pixels: (height, width, 3) uint8 RGB.

    Returns:
        The signs of 63 low frequencies against their median (the mean level's bit is 0), or None
        for a picture without structure.
    """
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    if small.std() < _FEWEST_LEVELS:
        return None
    low = cv2.dct(small)[:8, :8].ravel()[1:]
    bits = np.concatenate(([False], low > np.median(low)))
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def exact_duplicates(examples: Iterable[Example]) -> list[tuple[Example, ...]]:
    """Groups of two and more files of equal content, by path."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(examples, key=lambda example: example.path):
        groups[example.sha256].append(example)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def near_duplicates(
    examples: Sequence[Example], distance: int = NEAR, across_sources: bool = False
) -> list[tuple[Example, ...]]:
    """Groups of two and more examples whose pictures are nearly the same, by path.

    Groups are chained: two of one group may differ by more than ``distance``. Files of equal
    content count as one, so their copies are in `exact_duplicates` only.

    Args:
        examples: every file is decoded, on all cores.
        distance: largest number of differing bits in the hashes.
        across_sources: only pairs that share no source id, which a split by source would let
            into two parts.
    """
    single = list(
        {e.sha256: e for e in sorted(examples, key=lambda e: e.path, reverse=True)}.values()
    )
    single.reverse()
    hashes = on_all_cores(_hash_of, single, "comparing pictures")
    pairs = near_pairs(hashes, distance)
    if across_sources:
        pairs = [(a, b) for a, b in pairs if single[a].sources.isdisjoint(single[b].sources)]
    return [tuple(single[index] for index in group) for group in _chained(pairs)]


def near_pairs(hashes: Sequence[int | None], distance: int) -> list[tuple[int, int]]:
    """Index pairs, in order, whose hashes differ by at most ``distance`` bits.

    Of ``distance`` + 1 bands of bits at least one is equal in such a pair, so only hashes with
    an equal band are compared: far fewer than all pairs.
    """
    edges = [round(_BITS * band / (distance + 1)) for band in range(distance + 2)]
    found: set[tuple[int, int]] = set()
    for low, high in pairwise(edges):
        mask = (1 << high) - (1 << low)
        buckets: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for index, value in enumerate(hashes):
            if value is None:
                continue
            bucket = buckets[value & mask]
            found.update(
                (other, index) for other, there in bucket if (there ^ value).bit_count() <= distance
            )
            bucket.append((index, value))
    return sorted(found)


def _hash_of(example: Example) -> int | None:
    try:
        return perceptual_hash(decode(open_evidence(example.path)).pixels)
    except ElascopeError:
        # It was readable when the corpus was read; what cannot be seen is no duplicate.
        return None


def _chained(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected components of pairs, sorted."""
    near: dict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        near[a].append(b)
        near[b].append(a)
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in sorted(near):
        group, waiting = [], [start]
        while waiting:
            index = waiting.pop()
            if index not in seen:
                seen.add(index)
                group.append(index)
                waiting += near[index]
        if group:
            groups.append(sorted(group))
    return groups
