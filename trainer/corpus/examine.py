"""Opening what a layout lists: hash, decode, check the mask, and name whatever is left out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.names import one_line
from trainer.corpus import Example
from trainer.errors import CorpusError

AUTHENTIC = "authentic"
GENERATED = "generated"
TAMPERED = "tampered"
ALTERED = (TAMPERED, "splice", "copy-move", "removal", "retouch", "overlay")
"""Kinds of an altered picture; the first is for sets that do not say how."""
POSITIVE_KINDS = (GENERATED, *ALTERED)
KINDS = (AUTHENTIC, *POSITIVE_KINDS)

SMALLEST_SIDE = 16
"""A picture with a shorter side, in pixels, teaches nothing."""


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a layout says of one picture before its file is opened.

    Attributes:
        path: of the file.
        kind: one of `KINDS`.
        sources: as in `Example`.
        corpus: name of the data set.
        generator: of a generated picture; empty otherwise.
        mask: file of the altered part, where the layout names one.
        licence: where it is stated.
        sha256: that the file should have, in lower case; empty where it is not stated.
    """

    path: Path
    kind: str
    sources: frozenset[str]
    corpus: str = ""
    generator: str = ""
    mask: Path | None = None
    licence: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a layout finds in its folders without opening a picture.

    Attributes:
        pictures: in any order.
        unread: file or folder and the reason, as a clause, why it is no example.
        notes: whole sentences about the set.
    """

    pictures: tuple[Listed, ...]
    unread: tuple[tuple[Path, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """The usable examples, and sentences in the order of paths.

    Attributes:
        examples: sorted by path.
        left_out: a sentence for every picture that was left out.
        masks: a sentence for every mask that was left out; its picture stayed.
    """

    examples: tuple[Example, ...]
    left_out: tuple[str, ...]
    masks: tuple[str, ...]


def on_all_cores(
    work: Callable[[_Item], _Result], items: Sequence[_Item], label: str
) -> list[_Result]:
    """Results in the order of ``items``, with a progress bar named ``label``.

    An interruption ends after the items at hand instead of after the last one.
    """
    with ThreadPoolExecutor(cpu_count()) as pool:
        results = pool.map(work, items)
        try:
            return list(tqdm(results, total=len(items), desc=label, disable=None, leave=False))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def label_of(kind: str, positive: str) -> int | None:
    """The label of a kind for a question.

    Args:
        kind: one of `KINDS`.
        positive: ``tampered`` for every altered kind, or the one kind that is asked for.

    Returns:
        1 or 0, or None where the kind answers another question.
    """
    if kind == AUTHENTIC:
        return 0
    asked = ALTERED if positive == TAMPERED else (positive,)
    return 1 if kind in asked else None


def examine(listing: Listing, root: Path, positive: str) -> Examined:
    """Hash and decode every listed picture, on all cores.

    Args:
        listing: what the layout found.
        root: names in sentences are relative to it.
        positive: as in `label_of`.
    """
    asked = [item for item in listing.pictures if label_of(item.kind, positive) is not None]
    asked.sort(key=lambda item: item.path)
    results = on_all_cores(lambda item: _opened(item, positive), asked, f"reading {root.name}")
    faults = [*listing.unread]
    faults += [
        (item.path, result)
        for item, (result, _) in zip(asked, results, strict=True)
        if isinstance(result, str)
    ]
    return Examined(
        tuple(result for result, _ in results if isinstance(result, Example)),
        tuple(f"{shown(path, root)}: {fault}" for path, fault in sorted(faults)),
        tuple(
            f"{shown(item.path, root)}: {fault}"
            for item, (_, fault) in zip(asked, results, strict=True)
            if fault
        ),
    )


def other_kinds(listing: Listing, positive: str) -> list[str]:
    """A sentence for every listed kind that answers another question than ``positive``."""
    counts = Counter(
        item.kind for item in listing.pictures if label_of(item.kind, positive) is None
    )
    return [
        f"Not used for the question {positive!r}: {count} pictures of the kind {kind!r}."
        for kind, count in sorted(counts.items())
    ]


def without_conflicts(examples: Iterable[Example]) -> tuple[tuple[Example, ...], list[str]]:
    """Leave out files of equal content that are labelled differently, with a sentence for each."""
    by_content: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_content[example.sha256].append(example)
    sentences = []
    kept: list[Example] = []
    for same in by_content.values():
        if len({example.label for example in same}) == 1:
            kept += same
            continue
        names = " and ".join(f"{one_line(e.path.name)} ({e.kind})" for e in same)
        sentences.append(f"Left out, because equal files have different labels: {names}.")
    return tuple(sorted(kept, key=lambda example: example.path)), sentences


def shown(path: Path, root: Path) -> str:
    """A path for a sentence, relative to ``root`` where it lies below."""
    return one_line((path.relative_to(root) if path.is_relative_to(root) else path).as_posix())


def both_classes(examples: Sequence[Example], place: str, positive: str) -> None:
    """Refuse a corpus with which nothing can be told apart.

    Raises:
        CorpusError: no authentic, or no positive example.
    """
    for label, kind in ((0, AUTHENTIC), (1, positive)):
        if not any(example.label == label for example in examples):
            found = f"{len(examples)} of the other class" if examples else "none of either"
            raise CorpusError(
                f"{place} holds no usable {kind} picture ({found}); both classes are needed."
            )


def _opened(item: Listed, positive: str) -> tuple[Example | str, str]:
    """The example, or why there is none; and what is wrong with its mask, or nothing."""
    try:
        evidence = open_evidence(item.path)
        height, width = decode(evidence).pixels.shape[:2]
    except ElascopeError as error:
        return error.sentence, ""
    if min(height, width) < SMALLEST_SIDE:
        return f"the picture has only {width} x {height} pixels", ""
    if item.sha256 and item.sha256 != evidence.sha256:
        return "the content is not the listed one (its SHA-256 differs)", ""
    fault = "" if item.mask is None else _mask_fault(item.mask, width, height)
    example = Example(
        path=item.path,
        sha256=evidence.sha256,
        label=label_of(item.kind, positive) or 0,
        kind=item.kind,
        sources=item.sources,
        corpus=item.corpus,
        generator=item.generator,
        mask=None if fault else item.mask,
        licence=item.licence,
    )
    return example, fault


def _mask_fault(mask: Path, width: int, height: int) -> str:
    try:
        rows, columns = decode(open_evidence(mask)).pixels.shape[:2]
    except ElascopeError as error:
        return f"its mask {one_line(mask.name)} is not used: {error.sentence}"
    if (columns, rows) == (width, height):
        return ""
    transposed = "is transposed: it " if (rows, columns) == (width, height) else ""
    return (
        f"its mask {one_line(mask.name)} is not used; it {transposed}has {columns} x {rows} "
        f"pixels, the picture {width} x {height}"
    )
