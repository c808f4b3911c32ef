"""A session: the analyst's marks and notes on images, in a file that the analyst saves.

Nothing of it is ever written beside the evidence. docs/session-file.md describes the file.
"""

# ruff: noqa: PTH110, PTH112, PTH114 (os.path answers for names too long, where Path raises)

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from app import __version__
from app.atomic import refuse_evidence, write_bytes
from app.errors import ElascopeError, NotWrittenError
from app.foreign_json import (
    FaultError,
    NotJsonError,
    deeper_than,
    parse,
    read_start,
    typed,
    typed_digest,
)

SCHEMA = 1
"""Version of the file's format that this program writes, and the newest it reads."""

SUFFIX = ".elascope-session.json"

BYTE_LIMIT = 64 << 20
"""Larger files are neither read nor written."""

_DEPTH_LIMIT = 32
"""Lists and objects in each other in the settings: far below what exhausts Python's stack."""


class SessionRefusedError(ElascopeError):
    """A file that is not a session, or one that this program does not understand."""


class Mark(StrEnum):
    """What the analyst thinks of an image at a glance; it is no finding."""

    NONE = ""
    FLAGGED = "flagged"
    """Conspicuous: look again."""
    CLEARED = "cleared"
    """Nothing conspicuous was found."""
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one image.

    Attributes:
        mark: one for each image.
        note: free text, with lines.
        sha256: lower-case hexadecimal digest of the file as it was when marked; "" if unknown.
        size: bytes of the file as it was when marked; None if unknown.
    """

    mark: Mark = Mark.NONE
    note: str = ""
    sha256: str = ""
    size: int | None = None


_EMPTY = Entry()


@dataclass(frozen=True, slots=True)
class Session:
    """Marks and notes on images, and how the window stood. It never changes; edits make another.

    Attributes:
        roots: the opened folders and files, absolute.
        entries: for images with a mark or a note, by absolute path.
        settings: what the window wants to find again; JSON values only.
    """

    roots: tuple[Path, ...] = ()
    entries: Mapping[Path, Entry] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Detach from what the caller may change later."""
        # Links stay: `..` behind a link leads elsewhere than the text suggests.
        object.__setattr__(self, "roots", tuple(root.absolute() for root in self.roots))
        object.__setattr__(self, "entries", MappingProxyType(dict(self.entries)))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def entry(self, path: Path) -> Entry:
        """What is kept of ``path``; an empty entry if nothing is."""
        return self.entries.get(path.absolute(), _EMPTY)

    def with_entry(self, path: Path, entry: Entry) -> "Session":
        """Keep ``entry`` of ``path``; one without mark and note is not kept."""
        entries = dict(self.entries)
        entries.pop(path.absolute(), None)
        if entry.mark or entry.note:
            entries[path.absolute()] = entry
        return replace(self, entries=entries)

    def with_mark(self, path: Path, mark: Mark) -> "Session":
        """Mark ``path``; `Mark.NONE` takes its mark away."""
        return self.with_entry(path, replace(self.entry(path), mark=mark))

    def with_note(self, path: Path, text: str) -> "Session":
        """Note ``text`` on ``path``; an empty text takes its note away."""
        return self.with_entry(path, replace(self.entry(path), note=_writable(text)))

    def with_digest(self, path: Path, sha256: str, size: int | None) -> "Session":
        """Keep which content the mark and note of ``path`` belong to, if it has any."""
        return self.with_entry(path, replace(self.entry(path), sha256=sha256, size=size))

    def with_settings(self, settings: Mapping[str, Any]) -> "Session":
        """Keep ``settings`` as JSON gives them back: tuples become lists.

        Raises:
            TypeError, ValueError: something in them is no JSON value, or too deep.
        """
        kept = json.loads(json.dumps(dict(settings), allow_nan=False))
        if deeper_than(_DEPTH_LIMIT, kept):
            raise ValueError("settings are nested too deeply")
        return replace(self, settings=kept)


def _writable(text: str) -> str:
    """Join halves of surrogate pairs and replace single ones, which no UTF-8 file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Writing --------------------------------------------------------------------------------------


def to_json(session: Session) -> bytes:
    """The whole file, its entries in the order of their paths."""
    document = {
        "elascope_session": SCHEMA,
        "program": f"elascope {__version__}",
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "roots": [str(root) for root in session.roots],
        "entries": [
            {
                "path": str(path),
                "mark": entry.mark.value,
                "note": entry.note,
                "sha256": entry.sha256,
                "bytes": entry.size,
            }
            for path, entry in sorted(session.entries.items(), key=lambda item: str(item[0]))
        ],
        "settings": dict(session.settings),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # Bytes of a name that are not UTF-8 are single surrogates in Python (PEP 383). This handler
    # writes them as \udc80 to \udcff, which JSON reads back as the same surrogates.
    return text.encode("utf-8", "backslashreplace")


def save(session: Session, target: Path, listed: Iterable[Path] = ()) -> None:
    """Write ``session`` to ``target``, or leave what is there.

    Args:
        session: what to write.
        target: outside every root, and in no folder of a marked or listed file.
        listed: further examined files, such as those of the folder's list.

    Raises:
        NotWrittenError: the target lies with the evidence, or cannot be written.
    """
    files = [*session.entries, *listed]
    _refuse_evidence_folders(target, session.roots, files)
    refuse_evidence([target], [*session.roots, *files])
    data = to_json(session)
    if len(data) > BYTE_LIMIT:
        raise NotWrittenError(
            f"The session is larger than {BYTE_LIMIT >> 20} MB and could not be opened again, so "
            "it is not written. Shorten its notes."
        )
    write_bytes(target, data)


def _refuse_evidence_folders(target: Path, roots: Sequence[Path], files: Iterable[Path]) -> None:
    """Refuse a target below a root, or in the folder of a file or of what a link points to."""
    place = Path(os.path.realpath(target)).parent
    trees = {_identity(root) for root in roots if os.path.isdir(root)}
    # A root that is gone is neither: the folder above a removed folder is no evidence.
    single = [*files, *(r for r in roots if os.path.exists(r) and not os.path.isdir(r))]
    folders = {path.parent for path in single}
    folders |= {Path(os.path.realpath(path)).parent for path in single if os.path.islink(path)}
    refused = {_identity(place)} & {_identity(folder) for folder in folders}
    refused |= {_identity(folder) for folder in (place, *place.parents)} & trees
    if refused - {None}:
        raise NotWrittenError(
            f"{_shown(target)} lies in a folder with examined files, where nothing is written. "
            "Choose another folder for the session."
        )


def _identity(folder: Path) -> tuple[int, int] | None:
    """The same for all names and links of a folder; None where there is none to be seen."""
    try:
        facts = folder.stat()
    except (OSError, ValueError):
        return None
    return facts.st_dev, facts.st_ino


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


# Reading --------------------------------------------------------------------------------------


def load(source: Path) -> Session:
    """Read a session file.

    Raises:
        UnreadableFileError: it cannot be read.
        SessionRefusedError: it is no session that this program understands.
    """
    return from_json(read_start(source, BYTE_LIMIT + 1))


def from_json(data: bytes) -> Session:
    """The session in the content of a file.

    Raises:
        SessionRefusedError: too large, not JSON, not a session, too new, or damaged.
    """
    if len(data) > BYTE_LIMIT:
        raise SessionRefusedError(
            f"This file is larger than {BYTE_LIMIT >> 20} MB, too large for a session."
        )
    try:
        raw = parse(data)
    except NotJsonError as error:
        raise SessionRefusedError(
            "This is not a session file: it is not JSON in UTF-8.", str(error)
        ) from error
    except FaultError as error:
        raise _damaged(error) from error
    schema = raw.get("elascope_session") if isinstance(raw, dict) else None
    if not _is_count(schema) or schema == 0:
        raise SessionRefusedError("This is not a session file of Elascope.")
    if schema > SCHEMA:
        raise SessionRefusedError(
            f"This session was saved by a newer Elascope; this one knows formats up to {SCHEMA}. "
            "A newer Elascope is needed for it."
        )
    try:
        return _session(raw)
    except (FaultError, RecursionError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> SessionRefusedError:
    return SessionRefusedError(
        f"This session file is damaged or was changed by hand: {error}.", repr(error)
    )


def _session(raw: dict[str, Any]) -> Session:
    listed = typed(raw, "roots", list)
    roots = tuple(_path(item, f"roots[{i}]") for i, item in enumerate(listed))
    entries: dict[Path, Entry] = {}
    for i, item in enumerate(typed(raw, "entries", list)):
        where = f"entries[{i}]"
        if not isinstance(item, dict):
            raise FaultError(f"{where} is not an object")
        path = _path(typed(item, "path", str, where), f"{where}.path")
        if path in entries:
            raise FaultError(f"{where}.path is named twice")
        entries[path] = _entry(item, where)
    kept = {path: entry for path, entry in entries.items() if entry.mark or entry.note}
    settings = typed(raw, "settings", dict)
    try:
        return Session(roots, kept).with_settings(settings)
    except ValueError as error:
        raise FaultError("settings are nested too deeply or hold an infinite number") from error


def _entry(raw: dict[str, Any], where: str) -> Entry:
    word, size = typed(raw, "mark", str, where), raw.get("bytes")
    if word not in set(Mark):
        raise FaultError(f"{where}.mark is none of the marks that this program knows")
    sha256 = "" if raw.get("sha256") == "" else typed_digest(raw, "sha256", where)
    if size is not None and not _is_count(size):
        raise FaultError(f"{where}.bytes is not a number of bytes")
    return Entry(Mark(word), _writable(typed(raw, "note", str, where)), sha256, size)


def _path(text: Any, where: str) -> Path:
    if not isinstance(text, str):
        raise FaultError(f"{where} is not text")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise FaultError(f"{where} is no name that a file can have") from error
    if "\0" in text or not Path(text).is_absolute():
        raise FaultError(f"{where} is not a whole path on this system")
    return Path(text)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# Checking -------------------------------------------------------------------------------------


def check(
    session: Session, digest: Callable[[Path], str], stop: threading.Event | None = None
) -> list[str]:
    """Say which marked files are missing or have changed, or why that is not known.

    Args:
        session: whose files are read.
        digest: the SHA-256 of a file in hexadecimal digits; raises `ElascopeError`.
        stop: looked at before each file; when set, the list ends there.

    Returns:
        a sentence for each such file, in the order of the paths.
    """
    sentences = []
    for path, entry in sorted(session.entries.items(), key=lambda item: str(item[0])):
        if stop is not None and stop.is_set():
            break
        if sentence := _changed(path, entry, digest):
            sentences.append(f"{_shown(path)}: {sentence}")
    return sentences


def _changed(path: Path, entry: Entry, digest: Callable[[Path], str]) -> str:
    if not os.path.exists(path):
        return "The file is missing or cannot be reached."
    if not entry.sha256:
        return "Whether the file has changed is not known: it was not hashed when it was marked."
    try:
        found = digest(path)
    except ElascopeError as error:
        return error.sentence
    return "" if found == entry.sha256 else "The file has changed since it was marked."
