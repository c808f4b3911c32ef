"""The journal of a scan: every row as soon as it is known, on disk, so that nothing is done twice.

An SQLite database in WAL mode: a row is either in it or not, whenever the process or the machine
stops (sqlite.org, "Write-Ahead Logging"; with ``synchronous=NORMAL`` a power failure can cost the
last rows, never an earlier one). Reports are written from it, in the order of the files, without
a list of rows in memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from app.errors import ElascopeError, JournalRefusedError, NotWrittenError
from app.evidence.file import open_evidence
from app.scan.results import Preview
from app.scan.row_document import from_document, to_document
from app.scan.rows import Row

_VERSION = 1

_TABLES = f"""
BEGIN;
PRAGMA user_version = {_VERSION};
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO facts VALUES ('run', '0');
CREATE TABLE rows (
    path BLOB PRIMARY KEY,
    number INTEGER NOT NULL,
    run INTEGER NOT NULL,
    size INTEGER,
    modified_ns INTEGER,
    sha256 TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX by_number ON rows (number);
CREATE INDEX by_content ON rows (sha256, number);
CREATE TABLE previews (path BLOB, question TEXT, picture BLOB, PRIMARY KEY (path, question));
COMMIT;
"""

_ADD = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)"

_ORDERED = """
SELECT path, document, run, CASE sha256 WHEN '' THEN NULL ELSE (
    SELECT first.path FROM rows AS first WHERE first.sha256 = rows.sha256 ORDER BY number LIMIT 1
) END FROM rows ORDER BY run != ?, number, path
"""

GONE = "This file was not found again when the scan was resumed; the row is from before."
"""Message of a row whose file was not met by the last run that walked everything."""


def journal_of(report: Path) -> Path:
    """Where the journal of a report is."""
    return report.with_name(report.name + ".journal")


class Journal:
    """An open journal. Not thread-safe.

    Attributes:
        path: of the database; None for one in a temporary file.
    """

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self.path = path
        self._database = connection
        self._run = int(self._fact("run") or 0) + 1
        self._set_fact("run", str(self._run))

    @classmethod
    def begin(cls, path: Path | None) -> Journal:
        """A new journal, in place of what is there.

        Args:
            path: where; None for a temporary one that vanishes with the process.

        Raises:
            JournalRefusedError: another scan is writing it.
            NotWrittenError: it cannot be written there.
        """
        if path is not None:
            cls.unfinished(path)  # refuses what another scan is writing
            for leftover in _files_of(path):
                with contextlib.suppress(FileNotFoundError), _translated(path):
                    leftover.unlink()
        with _translated(path):
            connection = _connect(path)
            connection.executescript(_TABLES)
        return cls(path, connection)

    @classmethod
    def resume(cls, path: Path) -> Journal:
        """The journal at ``path``, to go on with.

        Raises:
            JournalRefusedError: there is none, it is damaged, or of another version.
            NotWrittenError: it cannot be written.
        """
        if not os.path.isfile(path):
            raise JournalRefusedError(f"There is no journal {path}, so nothing can be resumed.")
        try:
            with _translated(path):
                connection = _connect(path)
                if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                    connection.executescript(_TABLES)  # its process was stopped before it did
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                checked = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if version != _VERSION:
                    connection.close()
                    raise JournalRefusedError(f"{path} is no journal that this program knows.")
                if checked != "ok":
                    raise sqlite3.DatabaseError(checked)
                journal = cls(path, connection)
        except sqlite3.DatabaseError as error:
            raise JournalRefusedError(f"The journal {path} is damaged.", repr(error)) from error
        return journal

    @classmethod
    def unfinished(cls, path: Path) -> bool:
        """Whether there is a journal at ``path`` that holds rows of a scan that did not end.

        Raises:
            JournalRefusedError: another scan is writing it.
        """
        if not os.path.isfile(path):
            return False
        try:
            with contextlib.closing(_connect(path)) as database:
                done = database.execute("SELECT 1 FROM facts WHERE name = 'finished'").fetchone()
                begun = database.execute("SELECT 1 FROM rows LIMIT 1").fetchone()
                return bool(begun) and not done
        except sqlite3.DatabaseError as error:
            if _is_locked(error):
                raise _in_use(path) from error
            return False

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    # Facts ------------------------------------------------------------------------------------

    def _fact(self, name: str) -> str | None:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _set_fact(self, name: str, value: str) -> None:
        with _translated(self.path):
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def agree(self, terms: Mapping[str, str]) -> None:
        """Note what rows depend on, or compare it with what was noted.

        Args:
            terms: name in words to value, such as ``the model tampered`` to its SHA-256.

        Raises:
            JournalRefusedError: a term differs, so old and new rows would not compare.
        """
        noted = self._fact("terms")
        if noted is None:
            self._set_fact("terms", json.dumps(dict(terms)))
            return
        before = json.loads(noted)
        for name in sorted(before.keys() | terms.keys()):
            if before.get(name) != terms.get(name):
                raise JournalRefusedError(
                    f"The journal {self.path} cannot be resumed: {name} was "
                    f"{_told(before.get(name))} and is {_told(terms.get(name))} now. Begin anew "
                    "with --restart, or write to another report."
                )

    def finish(self) -> None:
        """Note that every file has its row."""
        self._set_fact("finished", "yes")

    def go_on(self) -> None:
        """Note that there are files without a row."""
        with _translated(self.path):
            self._database.execute("DELETE FROM facts WHERE name = 'finished'")

    # Rows -------------------------------------------------------------------------------------

    def add(self, number: int, row: Row, preview: Preview | None = None) -> None:
        """Keep a row, in place of an earlier one of the same path.

        Args:
            number: place of the file among all.
            row: to keep.
            preview: pictures of it.

        Raises:
            NotWrittenError: the disk is full, or the journal is gone; rows so far are kept.
        """
        path = os.fsencode(row.path)
        values = (path, number, self._run, row.size, row.modified_ns, row.sha256, to_document(row))
        with _translated(self.path):
            self._database.execute("BEGIN")
            try:
                self._database.execute(_ADD, values)
                self._database.execute("DELETE FROM previews WHERE path = ?", (path,))
                if preview is not None:
                    pictures = {"": preview.thumbnail, **preview.maps}
                    self._database.executemany(
                        "INSERT INTO previews VALUES (?, ?, ?)",
                        [(path, question, picture) for question, picture in pictures.items()],
                    )
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def keep(self, number: int, path: Path, rehash: bool = False) -> bool:
        """Whether the row of ``path`` still stands; then it gets its place among all files.

        It does if size and time of last change are those of then. Rows of files that could not
        be read never stand.

        Args:
            number: place of the file among all.
            path: as found.
            rehash: also compare the content's hash, which reads the whole file.

        Raises:
            NotWrittenError: the journal cannot be written.
        """
        key = os.fsencode(path)
        found = self._database.execute(
            "SELECT size, modified_ns, sha256, number, run FROM rows WHERE path = ?", (key,)
        ).fetchone()
        if found is None or found[0] is None:
            return False
        size, modified_ns, sha256, before, run = found
        try:
            facts = os.stat(path)
            if (facts.st_size, facts.st_mtime_ns) != (size, modified_ns):
                return False
            if rehash and open_evidence(path).sha256 != sha256:
                return False
        except (OSError, ValueError, ElascopeError):
            return False
        if (before, run) != (number, self._run):
            with _translated(self.path):
                self._database.execute(
                    "UPDATE rows SET number = ?, run = ? WHERE path = ?", (number, self._run, key)
                )
        return True

    def with_content(self, sha256: str) -> Row | None:
        """The row of a file with this hash, if there is one."""
        if not sha256:
            return None
        found = self._database.execute(
            "SELECT path, document FROM rows WHERE sha256 = ? LIMIT 1", (sha256,)
        ).fetchone()
        return None if found is None else _row(*found)

    def rows(self, walked: bool = True) -> Iterator[Row]:
        """Every row in the order of the files.

        Of files with the same content each but the first is a duplicate of that one, whichever
        was judged: two runs over the same files give the same rows.

        Args:
            walked: every file was met in this run, so a row of before belongs to one that is gone;
                it comes last and says so.
        """
        cursor = self._database.execute(_ORDERED, (self._run,))
        for path, document, run, first in cursor:
            row = _row(path, document)
            same = first is not None and first != path
            row = replace(row, duplicate_of=Path(os.fsdecode(first)) if same else None)
            if walked and run != self._run:
                row = replace(row, message=f"{row.message} {GONE}".strip())
            yield row

    def preview(self, path: Path) -> Preview | None:
        """The pictures of a file, where they were made."""
        found = self._database.execute(
            "SELECT question, picture FROM previews WHERE path = ?", (os.fsencode(path),)
        ).fetchall()
        pictures = {str(question): bytes(picture) for question, picture in found}
        if "" not in pictures:
            return None
        return Preview(pictures.pop(""), pictures)


def _connect(path: Path | None) -> sqlite3.Connection:
    # An empty name is a database of SQLite's own, on disk where it grows, gone when it is closed.
    name = "" if path is None else os.fspath(path)
    connection = sqlite3.connect(name, timeout=1.0, isolation_level=None)
    if path is not None:
        # One scan writes it, and so needs no memory that is shared with others.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _files_of(path: Path) -> list[Path]:
    return [path, Path(f"{path}-wal"), Path(f"{path}-shm")]


def _is_locked(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _in_use(path: Path) -> JournalRefusedError:
    return JournalRefusedError(f"Another scan is writing the journal {path}.")


def _row(path: bytes, document: str) -> Row:
    return from_document(Path(os.fsdecode(path)), document)


def _told(value: str | None) -> str:
    return "absent" if value is None else value


@contextlib.contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """Turn what keeps the journal from being written into a sentence."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        if path is not None and _is_locked(error):
            raise _in_use(path) from error
        where = "The journal of the scan" if path is None else f"The journal {path}"
        reason = getattr(error, "strerror", None) or str(error)
        raise NotWrittenError(f"{where} could not be written: {reason}.", repr(error)) from error
