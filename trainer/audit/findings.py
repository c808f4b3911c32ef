"""What a corpus holds, and what of it a model could learn instead of the question.

Nothing is changed: the files are read, counted and compared.
"""

import dataclasses
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app import __version__
from app.names import printable
from trainer.audit.headers import Header, read_headers
from trainer.audit.readability import CONTAINER, Readability, readability
from trainer.audit.sources import Duplicates, Sources, find_duplicates, weigh_sources
from trainer.corpus import Example
from trainer.corpus.read import Corpus

SCHEMA = 1

_CONFLICT = "equal files have different labels"

Pair = tuple[int, int]
"""Files of label 0 and of label 1."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Smallest value, quartiles and largest value of one property."""

    lowest: float
    quarter: float
    median: float
    three_quarters: float
    highest: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in one corpus. Names of files are relative to ``root`` and printable.

    Attributes:
        corpus: name of the data set.
        root: folder or manifest that was read.
        layout: as which it was read.
        files: negatives and positives.
        left_out: a sentence for every file that the corpus has but does not use.
        conflicts: those of ``left_out`` about equal files with different labels.
        counts: property (``kind``, ``format`` …) to its values, most frequent first, and how
            many negatives and positives have each.
        sizes: (width, height, negatives, positives) for every size in pixels.
        spreads: property to its spread among the negatives and among the positives; None where
            no such file has it.
        readability: of the label, for each feature of the container; empty with one label only.
        duplicates: equal and nearly equal files.
        sources: how files hang together, and what a split does to that.
    """

    corpus: str
    root: str
    layout: str
    files: Pair
    left_out: tuple[str, ...]
    conflicts: tuple[str, ...]
    counts: Mapping[str, Mapping[str, Pair]]
    sizes: tuple[tuple[int, int, int, int], ...]
    spreads: Mapping[str, tuple[Spread | None, Spread | None]]
    readability: tuple[Readability, ...]
    duplicates: Duplicates
    sources: Sources

    def container(self) -> Readability | None:
        """The readability that is meant by "from the container alone"."""
        return next((found for found in self.readability if found.feature == CONTAINER), None)

    def to_json(self) -> bytes:
        """All of it as one object, UTF-8."""
        document = {"schema": SCHEMA, "program": f"elascope {__version__}"}
        document |= dataclasses.asdict(self)
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def audit(corpus: Corpus, near: bool = True, seed: int = 0) -> Audit:
    """Read the headers of all files of ``corpus`` and weigh what they tell.

    Args:
        corpus: as read.
        near: look for near duplicates as well, for which every picture is decoded.
        seed: of the proposed splits.
    """
    examples = corpus.examples
    headers = read_headers([example.path for example in examples])

    def name(example: Example) -> str:
        return printable(os.path.relpath(example.path, _folder(corpus.root)))

    labels = [example.label for example in examples]
    left_out = tuple(printable(sentence) for sentence in corpus.left_out)
    return Audit(
        corpus=printable(corpus.name),
        root=printable(str(corpus.root)),
        layout=corpus.layout,
        files=(labels.count(0), labels.count(1)),
        left_out=left_out,
        # A corpus tells of these in words only, since it leaves them out when it is read.
        conflicts=tuple(sentence for sentence in left_out if _CONFLICT in sentence),
        counts=_counts(examples, headers),
        sizes=_sizes(labels, headers),
        spreads={
            title: (_spread(read, headers, labels, 0), _spread(read, headers, labels, 1))
            for title, read in _MEASURED.items()
        },
        readability=readability(examples, headers),
        duplicates=find_duplicates(examples, name, near),
        sources=weigh_sources(examples, seed),
    )


_MEASURED: Mapping[str, Callable[[Header], float | None]] = {
    "width": lambda header: header.width,
    "height": lambda header: header.height,
    "megapixels": lambda header: (
        header.width * header.height / 1e6 if header.width and header.height else None
    ),
    "kilobytes": lambda header: header.size / 1000,
    "JPEG quality": lambda header: header.quality.quality if header.quality else None,
}

_COUNTED: Mapping[str, Callable[[Example, Header], str | None]] = {
    "kind": lambda example, _: example.kind,
    "corpus": lambda example, _: example.corpus or None,
    "generator": lambda example, _: example.generator or None,
    "licence": lambda example, _: example.licence or "not stated",
    "mask": lambda example, _: "there" if example.mask else "none",
    "format": lambda _, header: header.format,
    "EXIF": lambda _, header: "there" if header.exif else "none",
    "subsampling": lambda _, header: header.subsampling or None,
    "coding": lambda _, header: (
        None if header.format != "JPEG" else "progressive" if header.progressive else "sequential"
    ),
    "quality": lambda _, header: str(header.quality.quality) if header.quality else None,
    "luma table": lambda _, header: header.table_family() if header.format == "JPEG" else None,
}
"""Property to what is counted; None is not counted. The last four are of JPEG files only."""


def _counts(examples: Sequence[Example], headers: Sequence[Header]) -> dict[str, dict[str, Pair]]:
    found = {}
    for title, read in _COUNTED.items():
        values = (
            (read(example, header), example.label)
            for example, header in zip(examples, headers, strict=True)
        )
        found[title] = _by_label((printable(v), label) for v, label in values if v is not None)
    return {title: counts for title, counts in found.items() if counts}


def _by_label(pairs: Iterable[tuple[str, int]]) -> dict[str, Pair]:
    """Value to its files of each label, most frequent first, then by name."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for value, label in pairs:
        counts[value][label] += 1
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return {value: (negatives, positives) for value, (negatives, positives) in ordered}


def _sizes(
    labels: Sequence[int], headers: Sequence[Header]
) -> tuple[tuple[int, int, int, int], ...]:
    counts = Counter(
        (header.width, header.height, label)
        for header, label in zip(headers, labels, strict=True)
        if header.width and header.height
    )
    sizes = sorted({(width, height) for width, height, _ in counts if width and height})
    return tuple((w, h, counts[w, h, 0], counts[w, h, 1]) for w, h in sizes)


def _spread(
    read: Callable[[Header], float | None],
    headers: Sequence[Header],
    labels: Sequence[int],
    label: int,
) -> Spread | None:
    values = [
        value
        for header, own in zip(headers, labels, strict=True)
        if own == label and (value := read(header)) is not None
    ]
    if not values:
        return None
    return Spread(*(float(value) for value in np.percentile(values, (0, 25, 50, 75, 100))))


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent
