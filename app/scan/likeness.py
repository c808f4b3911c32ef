"""What the machines of a cluster must have in common, so that their rows can be one report."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.detection.library import ModelChoice, find_models, resolve_model
from app.errors import ElascopeError, ModelRefusedError, NotWrittenError
from app.evidence.file import open_evidence
from app.scan.examination import terms_of
from app.scan.files import walk_files

_LARGEST = 64 << 20
"""Bytes of a file that is read to see whether a folder is the same on two machines."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder to examine, as the machine sees it that the scan was started on.

    Attributes:
        root: absolute.
        file: the first one in it that can be read and is not too large, absolute; else None.
        content: its SHA-256.
    """

    root: Path
    file: Path | None
    content: str

    @classmethod
    def seen_here(cls, root: Path) -> Place:
        """The place ``root``, which need not be absolute."""
        place = root.absolute()
        for path in walk_files([place]):
            if content := _content(path):
                return cls(place, path, content)
        return cls(place, None, "")

    def difference(self) -> str:
        """What is different on this machine, to go on from "The worker … "; empty if nothing."""
        if not os.path.exists(self.root):
            return f"does not see {self.root}, which must be under that path on every machine"
        if self.file is not None and _content(self.file) != self.content:
            return f"does not see the same under {self.root}: {self.file} differs or is missing"
        return ""


@dataclass(frozen=True, slots=True)
class Output:
    """A folder that every machine writes into.

    Attributes:
        folder: absolute.
        marker: name of a file in it that every machine must see; None once they did.
    """

    folder: Path
    marker: str | None = None

    def difference(self) -> str:
        """As `Place.difference`."""
        if self.marker and not (self.folder / self.marker).exists():
            return f"does not see the same under {self.folder}, where maps are to be written"
        if not os.access(self.folder, os.W_OK):
            return f"cannot write into {self.folder}"
        return ""


@contextlib.contextmanager
def marked(output: Output | None, token: str) -> Iterator[Output | None]:
    """The output with a file in it, for a moment, by which others know that it is the same.

    Raises:
        NotWrittenError: the file cannot be made.
    """
    if output is None:
        yield None
        return
    marker = output.folder / f".elascope-{token}"
    try:
        marker.touch()
    except OSError as error:
        raise NotWrittenError(
            f"The folder {output.folder} cannot be written to.", repr(error)
        ) from error
    try:
        yield replace(output, marker=marker.name)
    finally:
        marker.unlink(missing_ok=True)


def portable(models: ModelChoice) -> ModelChoice:
    """The models by names that mean the same on another machine."""
    if models.names is None:
        return models
    installed = find_models(models.folders)
    names = [
        name if name in installed else str(resolve_model(name, models.folders).absolute())
        for name in models.names
    ]
    return replace(models, names=tuple(names))


def likeness_here(models: ModelChoice) -> dict[str, str]:
    """What must be the same on every machine, name in words to value; no model is loaded.

    Raises:
        ModelRefusedError: a model that was named is not here.
    """
    if models.names is None:
        files = find_models(models.folders)
    else:
        files = {name: resolve_model(name, models.folders) for name in models.names}
    return {
        **terms_of((), variations=True),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "Dask": importlib.metadata.version("distributed"),
        **{f"the model {name}": _digest(path) for name, path in files.items()},
    }


def unlike(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """The first difference, to go on from "The worker … "; empty if there is none."""
    for name in [*there, *here]:
        if here.get(name) != there.get(name):
            has = here.get(name, "absent")[:16]
            others = there.get(name, "absent")[:16]
            return f"is not like the others: {name} is {has} there and {others} elsewhere"
    return ""


def _content(path: Path) -> str:
    """SHA-256 of a file; empty for what cannot be read, or would take long."""
    try:
        return open_evidence(path).sha256 if os.path.getsize(path) <= _LARGEST else ""
    except (OSError, ValueError, ElascopeError):
        return ""


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelRefusedError(f"The model {path} cannot be read: {error.strerror}.") from error
