"""Data sets: reading, splitting without leaks, and the shared save pipeline."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Example:
    """One image of a corpus.

    Attributes:
        path: of the file.
        sha256: of the file.
        label: 1 for the positive class (tampered), 0 for the other.
        kind: finer class for tables, such as ``authentic``, ``splice``, ``copy-move``.
        sources: ids of the pictures that it was made from; examples that share one must not be
            divided between parts of a split.
        corpus: name of the data set.
        generator: of a generated picture; empty otherwise.
        mask: file of the altered part, where one is known.
        licence: under which the picture may be used; empty where it is not stated.
    """

    path: Path
    sha256: str
    label: int
    kind: str
    sources: frozenset[str]
    corpus: str = ""
    generator: str = ""
    mask: Path | None = None
    licence: str = ""
