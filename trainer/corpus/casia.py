"""CASIA ITDE 1.0 in its official layout: ``Au/``, ``Sp/`` and, from its revision, ``masks/``.

Source: J. Dong, W. Wang, T. Tan, "CASIA Image Tampering Detection Evaluation Database",
ChinaSIP 2013. The name of a forgery ends in the ids of its two source pictures, for example
``Sp_D_CND_A_pla0005_pla0023_0281.jpg``.

Known faults of the set: the mask of ``Sp_D_CNN_A_sec0012_ani0007_0275`` is transposed, that of
``Sp_D_NRN_A_sce0011_cha0011_0542`` is missing; some names deviate from the pattern; ``ant0063`` in
``Sp_D_NRN_A_ant0063_nat0065_0443`` is ``nat0063`` by its pixels. The last stands as published: the
splits that published models name were made with it.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from app.names import one_line
from trainer.corpus import Example
from trainer.corpus.examine import AUTHENTIC, TAMPERED, Listed, Listing, examine
from trainer.errors import CorpusError

NAME = "CASIA 1.0"
LICENCE = "research only"
Parse = Callable[[str], tuple[str, frozenset[str]] | None]
"""From a file's name to kind and source ids, or None where it does not follow the pattern."""

# Some authentic pictures end in .JPG; two forgeries have a dot where the others have an underscore.
_FORGED = re.compile(
    r"Sp_(?P<origin>[DS])_[A-Z]{3}_[A-Z]_(?P<a>[a-z]{3}\d{4})_(?P<b>[a-z]{3}\d{4})"
    r"[_.]\d{4}\.(?:jpg|JPG)"
)
_AUTHENTIC = re.compile(r"Au_(?P<category>[a-z]{3})_(?P<number>\d{4})\.(?:jpg|JPG)")
ORIGINS = {"D": "splice", "S": "copy-move"}

_PLACES = ("", "CASIA1", "CASIA 1.0 dataset")
_MASKS = ("masks", "Groundtruth", "CASIA 1.0 groundtruth", "CASIA1_groundtruth")


def folders(root: Path) -> tuple[Path, Path, Path | None] | None:
    """The folders of authentic pictures, forgeries and masks of a copy, if it is one."""
    return find_folders(root, _PLACES, "Sp", _MASKS)


def find_folders(
    root: Path, places: Iterable[str], forged: str, masks: Iterable[str]
) -> tuple[Path, Path, Path | None] | None:
    """Look for ``Au/`` and its sibling in ``root`` and the folders that archives unpack to."""
    for base in (root / place for place in places):
        if (base / "Au").is_dir() and (base / forged).is_dir():
            found = (path for name in masks for path in (base / name, root / name))
            return base / "Au", base / forged, next(filter(Path.is_dir, found), None)
    return None


def parse_name(name: str) -> tuple[str, frozenset[str]] | None:
    """Kind and source ids from the name of a file, or None where it is no name of this set."""
    if match := _AUTHENTIC.fullmatch(name):
        return AUTHENTIC, frozenset({match["category"] + match["number"]})
    if match := _FORGED.fullmatch(name):
        return ORIGINS[match["origin"]], frozenset({match["a"], match["b"]})
    return None


def list_casia1(root: Path) -> Listing:
    """What a copy of CASIA 1.0 holds, by its names.

    Raises:
        CorpusError: the layout is another.
    """
    found = folders(root)
    if found is None:
        raise CorpusError(
            f"{root} is not a copy of CASIA 1.0: expected the folders Au/ and Sp/ in it."
        )
    return list_named(*found, NAME, parse_name)


def list_named(
    authentic: Path, forged: Path, masks: Path | None, corpus: str, parse: Parse
) -> Listing:
    """List two folders whose file names tell everything."""
    pictures: list[Listed] = []
    unread: list[tuple[Path, str]] = []
    mask_of = {} if masks is None else _masks_by_stem(masks)
    for path in (*authentic.iterdir(), *forged.iterdir()):
        parsed = parse(path.name)
        if parsed is None:
            unread.append((path, f"the name does not follow {corpus}'s pattern"))
        elif (parsed[0] == AUTHENTIC) != (path.parent == authentic):
            unread.append((path, "by its name it belongs into the other folder"))
        else:
            mask = None if parsed[0] == AUTHENTIC else mask_of.get(path.stem.lower())
            pictures.append(Listed(path, *parsed, corpus, mask=mask, licence=LICENCE))
    notes = [] if masks is None else _missing(pictures, masks)
    return Listing(tuple(pictures), tuple(unread), tuple(notes))


def read_casia1(root: Path) -> tuple[list[Example], list[str]]:
    """List the examples of a copy of CASIA 1.0; `read_corpus` tells of its masks as well.

    Returns:
        The examples, sorted by path, and a sentence for every picture that was left out.

    Raises:
        CorpusError: the layout is another, or a class is empty.
    """
    examined = examine(list_casia1(root), root, TAMPERED)
    for label, folder in ((0, "Au"), (1, "Sp")):
        if not any(example.label == label for example in examined.examples):
            raise CorpusError(f"{root}/{folder} holds no usable picture; both classes are needed.")
    return list(examined.examples), list(examined.left_out)


def _masks_by_stem(folder: Path) -> dict[str, Path]:
    """Masks by the lower-case stem of their picture; copies differ in capitals and subfolders."""
    return {
        path.stem.lower().removesuffix("_gt"): path for path in sorted(folder.rglob("*_gt.png"))
    }


def _missing(pictures: Iterable[Listed], masks: Path) -> list[str]:
    """One sentence about all forgeries that have no mask."""
    forged = [item for item in pictures if item.kind != AUTHENTIC]
    names = sorted(item.path.name for item in forged if item.mask is None)
    if not names:
        return []
    some = ", ".join(one_line(name) for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"{masks.name}/ has no mask for {len(names)} of {len(forged)} forgeries: {some}{more}."]
