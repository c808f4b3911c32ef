"""How well the label can be read from a file's container, tried on files with other sources.

A number far above one half means that a result on these files as they are measures who saved
them, not what is in the picture. It is a lower limit: another reader may find more.
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.audit.headers import Header
from trainer.corpus import Example
from trainer.corpus.container import lookup_predictions

CONTAINER = "container"
"""The lookup that is meant by "container alone": format, luma table and subsampling together."""

FOLDS = 5
_ROUNDS = 2000


def _container(header: Header) -> Hashable:
    return header.format, header.luma, header.subsampling


def _file_size(header: Header) -> Hashable:
    """In quarters of an octave: fine enough to tell, coarse enough to meet again."""
    return round(4 * math.log2(header.size + 1))


def _bytes_per_pixel(header: Header) -> Hashable:
    pixels = (header.width or 0) * (header.height or 0)
    return round(4 * math.log2((header.size + 1) / pixels)) if pixels else None


FEATURES: Mapping[str, Callable[[Header], Hashable]] = {
    CONTAINER: _container,
    "format": lambda header: header.format,
    "luma table": lambda header: header.luma,
    "quality": lambda header: header.quality.quality if header.quality else None,
    "subsampling": lambda header: header.subsampling,
    "progressive": lambda header: header.progressive,
    "EXIF": lambda header: header.exif,
    "width and height": lambda header: (header.width, header.height),
    "file size": _file_size,
    "bytes per pixel": _bytes_per_pixel,
}
"""What is tried, each on its own."""


@dataclass(frozen=True, slots=True)
class Readability:
    """How often a lookup of one feature names the right label.

    Attributes:
        feature: a key of `FEATURES`.
        balanced_accuracy: mean of the two labels' shares of right answers; 0.5 by chance.
        low: lower end of its 95 % bootstrap interval over the files of each label.
        high: upper end.
        accuracy: share of right answers; depends on how many files each label has.
        values: how many different values the feature has in the corpus.
    """

    feature: str
    balanced_accuracy: float
    low: float
    high: float
    accuracy: float
    values: int


def readability(examples: Sequence[Example], headers: Sequence[Header]) -> tuple[Readability, ...]:
    """Try every feature under source-disjoint cross-validation.

    Every file is asked about once, by a lookup that was made without the files that share a
    source or their content with any file of the same fold.

    Args:
        examples: of both labels.
        headers: of the same files, in the same order.

    Returns:
        One entry for each feature, or nothing when a label has fewer than two files.
    """
    labels = [example.label for example in examples]
    if min(labels.count(0), labels.count(1)) < 2:
        return ()
    folds = source_disjoint_folds(examples)
    results = []
    for name, read in FEATURES.items():
        values = [read(header) for header in headers]
        results.append(_measured(name, values, labels, folds))
    return tuple(results)


def source_disjoint_folds(
    examples: Sequence[Example], count: int = FOLDS
) -> list[tuple[list[int], list[int]]]:
    """Divide into ``count`` folds of (indices to learn from, indices to ask about).

    A file belongs to the fold of one of its sources. What shares a source or the content with a
    fold's files is left out of what that fold learns from, so that large webs of sources do
    not have to stay together.
    """
    keys = [example.sources | {example.sha256} for example in examples]
    firsts = sorted({_first(example) for example in examples})
    random.Random(0).shuffle(firsts)
    fold_of = {first: position % count for position, first in enumerate(firsts)}
    asked: list[list[int]] = [[] for _ in range(count)]
    for index, example in enumerate(examples):
        asked[fold_of[_first(example)]].append(index)
    folds = []
    for indices in asked:
        known = set().union(*(keys[index] for index in indices))
        learned = [index for index, own in enumerate(keys) if known.isdisjoint(own)]
        folds.append((learned, indices))
    return folds


def _first(example: Example) -> str:
    """One source of a file, chosen by a hash so that no alphabet decides."""
    return min(
        example.sources or {example.sha256},
        key=lambda source: hashlib.sha256(source.encode("utf-8", "surrogateescape")).digest(),
    )


def _measured(
    name: str,
    values: Sequence[Hashable],
    labels: Sequence[int],
    folds: Sequence[tuple[list[int], list[int]]],
) -> Readability:
    right: dict[int, list[bool]] = {0: [], 1: []}
    for learned, asked in folds:
        known = [(values[index], labels[index]) for index in learned]
        answers = _answers(known, [values[index] for index in asked])
        for index, answer in zip(asked, answers, strict=True):
            right[labels[index]].append(answer == labels[index])
    # Drawing n files with replacement, of which a share p is right, is a binomial draw.
    generator = np.random.default_rng(0)
    shares = [float(np.mean(right[label])) for label in (0, 1)]
    drawn = [
        generator.binomial(len(right[label]), shares[label], _ROUNDS) / len(right[label])
        for label in (0, 1)
    ]
    low, high = np.percentile((drawn[0] + drawn[1]) / 2, (2.5, 97.5))
    return Readability(
        name,
        sum(shares) / 2,
        float(low),
        float(high),
        (sum(right[0]) + sum(right[1])) / len(labels),
        len(set(values)),
    )


def _answers(known: Sequence[tuple[Hashable, int]], asked: Sequence[Hashable]) -> list[int]:
    """`lookup_predictions`, with an answer for new values that is learned as well.

    A new value gets the label that has more of the values met only once, relative to its
    files: where one label is made by many programs, it is the one that brings new ones.
    """
    times = Counter(value for value, _ in known)
    totals = Counter(label for _, label in known)
    once = Counter(label for value, label in known if times[value] == 1)
    unknown = int(once[1] * totals[0] >= once[0] * totals[1])
    answers = lookup_predictions(known, asked)
    return [
        answer if value in times else unknown for value, answer in zip(asked, answers, strict=True)
    ]
