"""One way into every data set, whatever its layout."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trainer.corpus import Example, casia, casia2, manifest, tree
from trainer.corpus.examine import (
    POSITIVE_KINDS,
    TAMPERED,
    Listing,
    both_classes,
    examine,
    other_kinds,
    without_conflicts,
)
from trainer.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Corpus:
    """The usable pictures of one data set, and what was left out of it.

    Attributes:
        name: for tables.
        root: folder or manifest that was read.
        examples: sorted by path; both classes are among them.
        left_out: a sentence for every picture or mask that is not used, and about the set.
        layout: name of the `Layout` that it was read by.
    """

    name: str
    root: Path
    examples: tuple[Example, ...]
    left_out: tuple[str, ...]
    layout: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which data sets lie on disk.

    Attributes:
        name: for the command line.
        expects: what makes it recognised, for a sentence.
        recognise: whether a folder or file is laid out so.
        read: lists the pictures without opening them; raises `CorpusError`.
    """

    name: str
    expects: str
    recognise: Callable[[Path], bool]
    read: Callable[[Path], Listing]


LAYOUTS = (
    Layout(
        "casia1",
        "the folders Au/ and Sp/ (CASIA 1.0)",
        lambda root: casia.folders(root) is not None,
        casia.list_casia1,
    ),
    Layout(
        "casia2",
        "the folders Au/ and Tp/ (CASIA 2.0)",
        lambda root: casia2.folders(root) is not None,
        casia2.list_casia2,
    ),
    Layout(
        "manifest",
        "a CSV file or manifest.csv with the columns path and label",
        manifest.is_manifest,
        manifest.list_manifest,
    ),
    Layout("tree", "the folders authentic/ and tampered/ or ai/", tree.is_tree, tree.list_tree),
)
"""Tried in this order: the ones that tell more about a picture come first."""

_NAMES = {"casia1": casia.NAME, "casia2": casia2.NAME}


def read_corpus(
    root: Path,
    layout: str = "auto",
    positive: str = TAMPERED,
    classes: tuple[str, str] | None = None,
) -> Corpus:
    """Read a data set: list it by its layout, then hash and decode every picture on all cores.

    Args:
        root: folder, or a manifest.
        layout: a name of `LAYOUTS`, or ``auto``.
        positive: what label 1 means: ``tampered`` for every altered kind, ``generated``, or
            one altered kind such as ``copy-move``. Kinds that are neither that nor authentic are
            left out.
        classes: for a folder per class: the names of the authentic and the positive folder, where
            they are others than the usual ones.

    Raises:
        CorpusError: the layout is another than expected, or a class is empty.
    """
    if positive not in POSITIVE_KINDS:
        raise CorpusError(
            f"There is no class {positive!r} to tell from authentic pictures; known are "
            f"{', '.join(POSITIVE_KINDS)}."
        )
    if classes is not None:
        if layout not in ("auto", "tree"):
            raise CorpusError("Class folders can be named for the layout tree only.")
        found, listing = "tree", tree.list_tree(root, classes, positive)
    else:
        chosen = _layout(root, layout)
        found, listing = chosen.name, chosen.read(root)
    examined = examine(listing, root.parent if root.is_file() else root, positive)
    examples, conflicts = without_conflicts(examined.examples)
    both_classes(examples, str(root), positive)
    return Corpus(
        name=_NAMES.get(found, root.stem if root.is_file() else root.resolve().name),
        root=root,
        examples=examples,
        left_out=(
            *examined.left_out,
            *examined.masks,
            *conflicts,
            *listing.notes,
            *other_kinds(listing, positive),
        ),
        layout=found,
    )


def check_names(corpus: Corpus, official: Path) -> list[str]:
    """What a copy of CASIA 2.0 lacks or has in addition; no sentence where all agrees.

    Args:
        corpus: read from the copy.
        official: folder with the set's own lists of names, as in `casia2.compare_names`.

    Raises:
        CorpusError: another data set, or a list is missing.
    """
    return casia2.compare_names(corpus.root, official)


def _layout(root: Path, name: str) -> Layout:
    if name != "auto":
        for layout in LAYOUTS:
            if layout.name == name:
                return layout
        known = ", ".join(layout.name for layout in LAYOUTS)
        raise CorpusError(f"There is no layout {name!r}; known are auto, {known}.")
    if not root.exists():
        raise CorpusError(f"{root} does not exist.")
    for layout in LAYOUTS:
        if layout.recognise(root):
            return layout
    raise CorpusError(
        f"{root} is no known data set: expected {', or '.join(one.expects for one in LAYOUTS)}."
    )
