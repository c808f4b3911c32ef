"""The files of a scan, made ready to be shown, looked for and put in order."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.gui.folder.listing import natural
from app.names import one_line

_SORTED_AT_ONCE = 2000
"""Keys; Python sorts without a pause in which another thread could go on."""


@dataclass(frozen=True, slots=True, eq=False)
class Files:
    """Everything that is known of the files before they are judged.

    Attributes:
        paths: in the order of the files.
        at: the place of a path in that order.
        names: as they are shown.
        folders: below the folder that holds all of them, as they are shown; empty for itself.
        folded: folder and name, for comparisons in which upper and lower case are the same.
        name_ranks: (files,), the places in the natural order of names.
        folder_ranks: (files,), the same for folders.
    """

    paths: Sequence[Path]
    at: Mapping[Path, int]
    names: Sequence[str]
    folders: Sequence[str]
    folded: Sequence[str]
    name_ranks: NDArray[np.int32]
    folder_ranks: NDArray[np.int32]

    @property
    def in_folders(self) -> bool:
        """Whether they lie in more than one folder."""
        return any(self.folders)


def prepared(paths: Sequence[Path]) -> Files:
    """Make ``paths`` ready; takes a second for a hundred thousand, so not on the GUI thread."""
    paths = tuple(paths)
    at = {path: position for position, path in enumerate(paths)}
    names = [one_line(path.name) for path in paths]
    folders = _below_common([os.path.dirname(path) for path in paths])  # noqa: PTH120 (speed)
    folded = [
        f"{folder}/{name}".casefold() if folder else name.casefold()
        for folder, name in zip(folders, names, strict=True)
    ]
    return Files(paths, at, names, folders, folded, _ranks(names), _ranks(folders))


def _below_common(folders: Sequence[str]) -> list[str]:
    distinct = set(folders)
    try:
        common = os.path.commonpath(distinct) if distinct else ""
    except ValueError:  # on several drives
        common = ""
    shown = {folder: one_line(folder[len(common) :].strip(os.sep)) for folder in distinct}
    return [shown[folder] for folder in folders]


def _ranks(texts: Sequence[str]) -> NDArray[np.int32]:
    keys = {text: natural(text) for text in texts}
    distinct = list(set(keys.values()))
    parts = (
        sorted(distinct[first : first + _SORTED_AT_ONCE])
        for first in range(0, len(distinct), _SORTED_AT_ONCE)
    )
    ranks = {key: rank for rank, key in enumerate(merge(*parts))}
    of_text: Iterable[int] = (ranks[keys[text]] for text in texts)
    return np.fromiter(of_text, np.int32, len(texts))
