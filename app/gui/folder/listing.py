"""What lies in the opened folders: every file with its size and date, and the folders to watch."""

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.names import one_line
from app.scan.files import find_files

WATCHED_FOLDERS = 500
"""Folders that are watched for changes; the system has few such watches for all programs."""


Facts = tuple[Path, int | None, int | None]
"""A file, its size in bytes, and when it was modified, in nanoseconds since 1970; None: unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class FolderEntry:
    """One file as the listing found it.

    Attributes:
        path: as found.
        size: in bytes; None where the file system tells nothing of the file.
        modified: in nanoseconds since 1970; None where ``size`` is.
        name: as it is shown.
        folded: the name for comparisons in which upper and lower case are the same.
        rank: the place in the natural order of names; the same for equal names.
        stamp: the same in two listings if the file has not changed between them.
    """

    path: Path
    size: int | None
    modified: int | None
    name: str
    folded: str
    rank: int
    stamp: tuple[str, int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Everything below the opened paths, made ready for a list of many files.

    Attributes:
        roots: the opened folders and files.
        entries: all files, in the order of the roots and then by name.
        at: the index of a path in ``entries``.
        stamps: of all entries.
        folders: those to be watched for changes, at most `WATCHED_FOLDERS`.
        more_folders: whether there are more of them.
    """

    roots: tuple[Path, ...]
    entries: tuple[FolderEntry, ...]
    at: Mapping[Path, int]
    stamps: frozenset[tuple[str, int | None, int | None]]
    folders: tuple[Path, ...] = ()
    more_folders: bool = False


def listing_of(
    facts: Iterable[Facts],
    roots: Sequence[Path] = (),
    folders: Sequence[Path] = (),
    more_folders: bool = False,
) -> Listing:
    """The listing of these files, in their order."""
    facts = tuple(facts)
    names = [one_line(path.name) for path, _, _ in facts]
    keys = [natural(name) for name in names]
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    entries = tuple(
        FolderEntry(
            path, size, modified, name, name.casefold(), ranks[key], (str(path), size, modified)
        )
        for (path, size, modified), name, key in zip(facts, names, keys, strict=True)
    )
    at = {entry.path: index for index, entry in enumerate(entries)}
    stamps = frozenset(entry.stamp for entry in entries)
    return Listing(tuple(roots), entries, at, stamps, tuple(folders), more_folders)


def files_to_show(roots: Sequence[Path], stop: threading.Event) -> tuple[Path, str, Listing]:
    """For opened or dropped paths: the folder they are in, a heading, and all files below them.

    Runs on a worker thread. Once ``stop`` is set the rest of the listing is left out.
    """
    first = roots[0]
    folder = first if os.path.isdir(first) else first.parent  # noqa: PTH112 (names too long)
    title = first.name or str(first)
    if len(roots) > 1:
        title += f" and {len(roots) - 1} more"
    paths = find_files(roots, stop=stop)
    facts = [(path, None, None) if stop.is_set() else _facts(path) for path in paths]
    folders = tuple(islice(_folders(roots, stop), WATCHED_FOLDERS + 1))
    watched, more = folders[:WATCHED_FOLDERS], len(folders) > WATCHED_FOLDERS
    return folder, title, listing_of(facts, roots, watched, more)


def _facts(path: Path) -> Facts:
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return path, None, None
    return path, facts.st_size, facts.st_mtime_ns


def _folders(roots: Sequence[Path], stop: threading.Event) -> Iterator[Path]:
    """The folders in which a change can change the listing, each once."""
    known: set[str] = set()
    for root in roots:
        # A single file is watched through the folder that it is in.
        top = root if os.path.isdir(root) else root.parent  # noqa: PTH112
        for folder, subfolders, _ in os.walk(top):
            if stop.is_set():
                return
            subfolders.sort()
            if top != root:
                subfolders.clear()
            name = os.path.abspath(folder)  # noqa: PTH100 (it also resolves "..")
            if name not in known:
                known.add(name)
                yield Path(folder)


def natural(name: str) -> tuple[str | tuple[int, str], ...]:
    """A key that puts ``img2`` before ``img10``; upper and lower case are the same."""
    parts = re.split(r"([0-9]+)", name.casefold())
    # Every second part is a number. It is compared by its length and digits: int() refuses
    # numbers of thousands of digits.
    return tuple(
        (len(digits := part.lstrip("0")), digits) if at % 2 else part
        for at, part in enumerate(parts)
    )
