"""Finding what is wrong with the places of a command before its work, not after it.

The functions of os.path answer for names that are too long; those of Path raise.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.atomic import refuse_evidence
from app.errors import ElascopeError, InvalidParameterError, NotWrittenError
from app.scan.files import contains


def check_sources(paths: Sequence[Path]) -> None:
    """Refuse what does not exist.

    Raises:
        ElascopeError: there is nothing at one of ``paths``.
    """
    for path in paths:
        if not os.path.exists(path):
            raise ElascopeError(f"There is no file or folder {path}.")


def check_outside(places: Sequence[Path], roots: Sequence[Path]) -> None:
    """Refuse outputs among the evidence: they would be examined themselves.

    Raises:
        NotWrittenError: one of ``places`` lies in a folder of ``roots``.
    """
    for place in places:
        if contains(roots, place):
            raise NotWrittenError(
                f"{place} lies in an examined folder, where nothing is written. "
                "Choose a place outside of it."
            )


def check_folder(folder: Path) -> None:
    """Make a folder for outputs if it is missing, and refuse one that cannot be written to.

    Raises:
        NotWrittenError: it is no folder, or cannot be made or written to.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise NotWrittenError(
            f"The folder {folder} cannot be made: {error.strerror}.", repr(error)
        ) from error
    if not os.access(folder, os.W_OK):
        raise NotWrittenError(f"The folder {folder} cannot be written to.")


def check_suffixes(targets: Sequence[tuple[Path, str]]) -> None:
    """Refuse a name that promises another kind of content than it would get.

    Raises:
        InvalidParameterError: a target does not end in its suffix, in capitals or not.
    """
    for target, suffix in targets:
        if target.suffix.lower() != suffix:
            raise InvalidParameterError(
                f"{target} does not end in {suffix}, which is what would be written there."
            )


def check_targets(targets: Sequence[Path], evidence: Iterable[Path]) -> None:
    """Find what would keep an output from being written.

    Raises:
        InvalidParameterError: two of ``targets`` are one file.
        NotWrittenError: one of them cannot be written, or is one of ``evidence``.
    """
    places = [os.path.realpath(target) for target in targets]
    if len(set(places)) < len(places):
        raise InvalidParameterError("Two outputs cannot share one file.")
    for place in places:
        folder = os.path.dirname(place)
        if not os.path.isdir(folder):
            raise NotWrittenError(f"There is no folder {folder}.")
        if not os.access(folder, os.W_OK):
            raise NotWrittenError(f"The folder {folder} cannot be written to.")
        if os.path.lexists(place) and not os.path.isfile(place):
            raise NotWrittenError(f"{place} is not a file, so nothing is written to it.")
    refuse_evidence(targets, evidence)
