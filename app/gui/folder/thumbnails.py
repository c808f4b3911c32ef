"""Thumbnails: one thread makes them, the last wanted first, and keeps them on disk for later.

No Qt here. The cache lies in the user's own folder, never with the evidence; a cache that is
broken or cannot be written costs nothing but time.
"""

import contextlib
import hashlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app import __version__
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.errors import ElascopeError, UnreadableFileError
from app.evidence.decode import decode_thumbnail
from app.evidence.file import open_evidence
from app.evidence.guard import Guard
from app.gui.folder.listing import FolderEntry

CACHE_BYTES = 256 << 20
"""The cache is kept below this size."""

WAITING = 200
"""Thumbnails that wait to be made; the oldest wishes beyond are forgotten."""

_SUFFIX = ".thumbnail"
_STORES_BETWEEN_CHECKS = 1000
# A file without a picture need not be read again, until a version that may know its format.
_NO_PICTURE = b"no picture for " + __version__.encode()


class ThumbnailCache:
    """Small JPEG files in one folder, named after what they were made from."""

    def __init__(self, folder: Path, limit: int = CACHE_BYTES) -> None:
        self._folder = folder
        self._limit = limit
        self._stores = 0

    def key(self, path: Path, side: int) -> str | None:
        """The name for ``path`` as it now is; None if the file system tells nothing of it."""
        try:
            facts = path.stat()
            name = os.fsencode(path.absolute())
        except (OSError, ValueError):
            return None
        made_from = f"\0{facts.st_size}\0{facts.st_mtime_ns}\0{side}".encode()
        return hashlib.sha256(name + made_from).hexdigest()

    def find(self, key: str) -> bytes | None:
        """What was stored under ``key``."""
        try:
            return self._file(key).read_bytes()
        except OSError:
            return None

    def store(self, key: str, content: bytes, evidence: Sequence[Path]) -> None:
        """Keep ``content``, unless the cache lies in an opened folder of ``evidence``.

        What cannot be written is not kept; nobody needs to know.
        """
        try:
            if _overlaps(self._folder, evidence):
                return
            # The pictures are the user's own business.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._stores % _STORES_BETWEEN_CHECKS == 0:
                self._trim()
            self._stores += 1
            write_bytes(self._file(key), content)
        except (OSError, ValueError, RuntimeError, ElascopeError):
            return

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _trim(self) -> None:
        """Remove the oldest files until a quarter of the limit is free."""
        kept: list[tuple[int, int, str]] = []
        with os.scandir(self._folder) as found:
            for item in found:
                if item.name.endswith(_SUFFIX) and item.is_file(follow_symlinks=False):
                    facts = item.stat(follow_symlinks=False)
                    kept.append((facts.st_mtime_ns, facts.st_size, item.path))
        total = sum(size for _, size, _ in kept)
        if total <= self._limit:
            return
        for _, size, name in sorted(kept):
            with contextlib.suppress(OSError):
                Path(name).unlink()
            total -= size
            if total <= 3 * self._limit // 4:
                return


def _overlaps(cache: Path, evidence: Sequence[Path]) -> bool:
    """Whether one of two folders lies in the other, or an opened file lies in the cache."""
    folder = cache.resolve()
    roots = (root.resolve() for root in evidence)
    return any(r == folder or r in folder.parents or folder in r.parents for r in roots)


@dataclass(frozen=True, slots=True)
class ThumbnailSource:
    """Where thumbnails come from.

    Attributes:
        folder: in which they are kept; None keeps none on disk.
        guard: makes them in a process of its own; None makes them here.
    """

    folder: Path | None = None
    guard: Guard | None = None


def thumbnail(
    path: Path,
    side: int,
    cache: ThumbnailCache | None = None,
    evidence: Sequence[Path] = (),
    guard: Guard | None = None,
) -> RgbU8 | None:
    """A small picture of ``path``, from the cache if it is there.

    Args:
        path: the file.
        side: the longest side in pixels.
        cache: where thumbnails are looked for and kept.
        evidence: the opened folders and files; a cache among them is left as it is.
        guard: makes them in a process of its own.

    Returns:
        None where the file gives no picture; the reason stands in the notice when it is opened.
    """
    key = cache.key(path, side) if cache else None
    if cache is None or key is None:
        return _made(path, side, guard)[0]
    stored = cache.find(key)
    if stored == _NO_PICTURE:
        return None
    pixels = _decoded(stored, side) if stored else None
    if pixels is None:
        pixels, lasting = _made(path, side, guard)
        if lasting:
            content = _NO_PICTURE if pixels is None else _encoded(pixels)
            cache.store(key, content, evidence)
    return pixels


def _made(path: Path, side: int, guard: Guard | None) -> tuple[RgbU8 | None, bool]:
    """The thumbnail, and whether another try would give the same."""
    try:
        evidence = open_evidence(path)
        if guard is not None:
            return guard.thumbnail(evidence, side), True
        return decode_thumbnail(evidence, side), True
    except UnreadableFileError:
        return None, False
    except ElascopeError:
        return None, True
    except Exception:
        # A fault of the program must cost one thumbnail, not the thread that makes them.
        return None, False


def _encoded(pixels: RgbU8) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90, subsampling=0)
    return stream.getvalue()


def _decoded(stored: bytes, side: int) -> RgbU8 | None:
    """None for anything that is not a thumbnail of this size."""
    try:
        with Image.open(io.BytesIO(stored), formats=["JPEG"]) as image:
            if max(image.size) > side:
                return None
            return np.array(image.convert("RGB"))
    except Exception:
        # Decoders reject broken content with almost any exception type.
        return None


class Thumbnailer:
    """One thread that makes what is wanted and sleeps while nothing is."""

    def __init__(
        self, source: ThumbnailSource, deliver: Callable[[FolderEntry, int, RgbU8 | None], None]
    ) -> None:
        """``deliver`` is called on the thread with the entry, the side and the picture."""
        self._cache = ThumbnailCache(source.folder) if source.folder else None
        self._guard = source.guard
        self._deliver = deliver
        self._evidence: tuple[Path, ...] = ()
        self._wanted: OrderedDict[FolderEntry, int] = OrderedDict()
        self._making: tuple[FolderEntry, int] | None = None
        self._closed = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="thumbnails", daemon=True)

    def want(self, entry: FolderEntry, side: int) -> None:
        """Ask for the thumbnail of ``entry``, before all that was asked for earlier."""
        with self._news:
            if self._closed or (entry, side) == self._making:
                return
            if self._thread.ident is None:
                self._thread.start()
            self._wanted[entry] = side
            self._wanted.move_to_end(entry)
            if len(self._wanted) > WAITING:
                self._wanted.popitem(last=False)
            self._news.notify()

    def start_over(self, evidence: Sequence[Path] = ()) -> None:
        """Forget all wishes; from now on ``evidence`` are the opened folders and files."""
        with self._news:
            self._wanted.clear()
            self._making = None
            self._evidence = tuple(evidence)

    def close(self) -> None:
        """End the thread, without waiting long for a thumbnail that is being made."""
        with self._news:
            self._closed = True
            self._wanted.clear()
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout=0.5)

    def _run(self) -> None:
        while True:
            with self._news:
                self._making = None
                self._news.wait_for(lambda: self._closed or self._wanted)
                if self._closed:
                    return
                entry, side = self._wanted.popitem(last=True)
                self._making, evidence = (entry, side), self._evidence
            pixels = thumbnail(entry.path, side, self._cache, evidence, self._guard)
            with self._news:  # so that after `close` nothing is being delivered
                if not self._closed:
                    self._deliver(entry, side, pixels)
