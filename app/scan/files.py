"""Finding the files of a scan, one after the other: a drive may have millions."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def walk_files(
    roots: Sequence[Path], recursive: bool = True, stop: threading.Event | None = None
) -> Iterator[Path]:
    """Every file below ``roots``, in the order of the roots and then by name.

    A root that is a file or does not exist, and a folder that cannot be listed, is listed itself,
    so that it gets its row. Links to folders are not followed: they may form a circle, and what
    they point to was not given. A file below two roots is listed once, for the first of them.

    Args:
        roots: folders and files.
        recursive: whether to go into subfolders.
        stop: looked at before each folder; when set, the list ends there.
    """
    walked: list[str] = []
    given: set[str] = set()
    for root in roots:
        if stop is not None and stop.is_set():
            return
        place = os.path.abspath(root)
        is_folder = os.path.isdir(root)  # Path.is_dir raises for names too long
        if place in given or place in walked:
            continue
        if _below(place, walked, recursive, is_folder) and os.path.lexists(root):
            continue
        if not is_folder:
            given.add(place)
            yield root
            continue
        for path in _below_one(root, recursive, stop, walked):
            if not given or os.path.abspath(path) not in given:
                yield path
        walked.append(place)


def _below_one(
    root: Path, recursive: bool, stop: threading.Event | None, walked: Sequence[str]
) -> Iterator[Path]:
    """The files below one folder, without the folders that are among ``walked``."""
    unlisted: list[Path] = []
    steps = os.walk(root, onerror=lambda error: unlisted.append(Path(error.filename)))
    for folder, subfolders, names in steps:
        # What could not be listed is known once the walk has gone on behind it.
        yield from unlisted
        unlisted.clear()
        if stop is not None and stop.is_set():
            return
        subfolders.sort()
        if not recursive:
            subfolders.clear()
        elif walked:
            subfolders[:] = [
                name for name in subfolders if not _same(os.path.join(folder, name), walked)
            ]
        names.sort()
        for name in names:
            yield Path(folder, name)
    yield from unlisted


def _same(folder: str, walked: Sequence[str]) -> bool:
    return os.path.abspath(folder) in walked


def _below(place: str, walked: Sequence[str], recursive: bool, is_folder: bool = False) -> bool:
    """Whether the walks so far have met ``place`` in one of their folders."""
    if recursive:
        return any(place.startswith(_with_slash(one)) for one in walked)
    return not is_folder and os.path.dirname(place) in walked


def _with_slash(folder: str) -> str:
    return folder if folder.endswith(os.sep) else folder + os.sep


def find_files(
    roots: Sequence[Path], recursive: bool = True, stop: threading.Event | None = None
) -> list[Path]:
    """What `walk_files` lists, as a list, for those who show it."""
    return list(walk_files(roots, recursive, stop))


def count_files(
    roots: Sequence[Path], recursive: bool = True, stop: threading.Event | None = None
) -> int:
    """How many files `walk_files` lists."""
    return sum(1 for _ in walk_files(roots, recursive, stop))


def contains(roots: Iterable[Path], place: Path) -> bool:
    """Whether ``place``, which need not exist, lies in one of ``roots``, links resolved."""
    real = os.path.realpath(place)
    walked = [os.path.realpath(root) for root in roots if os.path.isdir(root)]
    return real in walked or _below(real, walked, recursive=True)
