"""CASIA ITDE 2.0 in its official layout: ``Au/``, ``Tp/`` and ``Groundtruth/``.

Source: as `trainer.corpus.casia`. Names are ``Au_<category>_<number>`` and
``Tp_<origin>_…_<source>_<source>_<number>``; origin D is a splice of two pictures, S a copy-move in
one. Forgeries are TIFF or JPEG, some authentic pictures BMP, so the format alone gives the label
away.

The set contains pictures of CASIA 1.0: ``Au_ani_00004.jpg`` is bit for bit that set's
``Au_ani_0004.jpg``, and so on. Source ids are therefore written as there (``ani0004``), so that a
picture of the one set and a forgery in the other made from it are known to share a source.

Known faults of the set: the list of masks has an entry that is none, and the mask of
``Tp_S_NRN_S_O_sec00036_sec00036_00764`` is missing in it; one code has a small letter.
"""

import re
from pathlib import Path

from app.names import one_line
from trainer.corpus.casia import ORIGINS, find_folders, list_named
from trainer.corpus.examine import AUTHENTIC, Listing
from trainer.errors import CorpusError

NAME = "CASIA 2.0"

_FORGED = re.compile(
    r"Tp_(?P<origin>[DS])_[A-Za-z]{3}_[A-Z]_[A-Z]_(?P<a>[a-z]{3}\d{5})_(?P<b>[a-z]{3}\d{5})"
    r"_\d{5}\.(?:jpe?g|tiff?|bmp)",
)
_AUTHENTIC = re.compile(r"Au_(?P<category>[a-z]{3})_(?P<number>\d{5})\.(?:jpe?g|tiff?|bmp)")

_PLACES = ("", "CASIA2", "CASIA2.0_revised")
_MASKS = ("Groundtruth", "CASIA 2 Groundtruth", "CASIA2.0_Groundtruth", "masks")
_LISTS = ("au_list.txt", "tp_list.txt", "groundtruth_list.txt")


def folders(root: Path) -> tuple[Path, Path, Path | None] | None:
    """The folders of authentic pictures, forgeries and masks of a copy, if it is one."""
    return find_folders(root, _PLACES, "Tp", _MASKS)


def parse_name(name: str) -> tuple[str, frozenset[str]] | None:
    """Kind and source ids from the name of a file, or None where it is no name of this set."""
    stem, _, suffix = name.rpartition(".")
    name = f"{stem}.{suffix.lower()}"
    if match := _AUTHENTIC.fullmatch(name):
        return AUTHENTIC, frozenset({_source(match["category"] + match["number"])})
    if match := _FORGED.fullmatch(name):
        return ORIGINS[match["origin"]], frozenset({_source(match["a"]), _source(match["b"])})
    return None


def list_casia2(root: Path) -> Listing:
    """What a copy of CASIA 2.0 holds, by its names.

    Raises:
        CorpusError: the layout is another.
    """
    found = folders(root)
    if found is None:
        raise CorpusError(
            f"{root} is not a copy of CASIA 2.0: expected the folders Au/ and Tp/ in it."
        )
    return list_named(*found, NAME, parse_name)


def compare_names(root: Path, official: Path) -> list[str]:
    """What a copy lacks and has in addition, compared with the official lists of names.

    Args:
        root: of the copy.
        official: folder with the lists ``au_list.txt``, ``tp_list.txt`` and
            ``groundtruth_list.txt``, one name a line.

    Returns:
        Sentences; none where everything agrees.

    Raises:
        CorpusError: no copy of CASIA 2.0, or a list is missing.
    """
    found = folders(root)
    if found is None:
        raise CorpusError(f"{root} is not a copy of CASIA 2.0; there is nothing to compare.")
    sentences = []
    for folder, name in zip(found, _LISTS, strict=True):
        listed = official_names(official / name)
        if folder is None:
            sentences.append(f"Groundtruth/ is missing; the official list has {len(listed)} masks.")
            continue
        held = {path.name for path in folder.rglob("*") if path.is_file()}
        sentences += _difference(folder.name, listed, held)
    return sentences


def official_names(path: Path) -> set[str]:
    """The names in a list; entries with a folder in them are a fault of the list.

    Raises:
        CorpusError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); the official lists are {', '.join(_LISTS)}."
        ) from error
    return {line.strip() for line in lines if line.strip() and not re.search(r"[\\/]", line)}


def _source(written: str) -> str:
    """The id of a source picture: ``ani00004`` is CASIA 1.0's ``ani0004``, ``ani10126`` is new."""
    category, number = written[:3], written[3:]
    return f"{category}{int(number):04}"


def _difference(folder: str, listed: set[str], held: set[str]) -> list[str]:
    lacking, extra = listed - held, held - listed
    # The same stem under another suffix or in other letters is one file, renamed or converted.
    by_stem = {Path(name).stem.lower(): name for name in extra}
    renamed = {
        name: by_stem[stem] for name in lacking if (stem := Path(name).stem.lower()) in by_stem
    }
    sentences = []
    if missing := lacking - renamed.keys():
        sentences.append(f"{folder}/ lacks {_some(missing)} (of {len(listed)} listed).")
    if renamed:
        pairs = {f"{there} instead of {name}" for name, there in renamed.items()}
        sentences.append(f"{folder}/ has other names: {_some(pairs)}.")
    if added := extra - set(renamed.values()):
        sentences.append(f"{folder}/ has files that are not listed: {_some(added)}.")
    return sentences


def _some(names: set[str]) -> str:
    """The number of names, and the first few of them."""
    first = ", ".join(one_line(name) for name in sorted(names)[:3])
    return f"{len(names)}: {first}" + (", …" if len(names) > 3 else "")
