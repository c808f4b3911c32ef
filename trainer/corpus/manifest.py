"""A CSV file with a header and one row for a picture; paths are relative to it.

Columns: ``path`` and ``label`` are required. The label is a kind of `examine.KINDS`; ``ai`` stands
for ``generated``. ``group`` holds source ids with semicolons between; where it is missing, they
come from a name in CASIA's pattern, else the picture has a source of its own. ``mask``,
``generator``, ``licence``, ``kind`` (finer than ``tampered``), ``sha256`` and ``corpus`` (or
``source``, the data set's name) may be missing or empty. Other columns are not read.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from app.names import one_line
from trainer.corpus import casia, casia2
from trainer.corpus.examine import ALTERED, GENERATED, KINDS, TAMPERED, Listed, Listing
from trainer.errors import CorpusError

NAME = "manifest.csv"
_REQUIRED = ("path", "label")


def manifest_in(root: Path) -> Path:
    """The manifest that ``root`` is, or should hold."""
    return root / NAME if root.is_dir() else root


def is_manifest(root: Path) -> bool:
    """Whether ``root`` is a CSV file or a folder with a ``manifest.csv``."""
    path = manifest_in(root)
    return path.suffix.lower() == ".csv" and path.is_file()


def list_manifest(root: Path) -> Listing:
    """What the rows say.

    Raises:
        CorpusError: no file, no CSV, or a required column is missing.
    """
    path = manifest_in(root)
    pictures: list[Listed] = []
    unread: list[tuple[Path, str]] = []
    seen: set[Path] = set()
    for line, row in _rows(path):
        if None in row or None in row.values():
            unread.append((path, f"line {line} has more or fewer fields than the header"))
            continue
        if not row["path"] or "\0" in row["path"]:
            unread.append((path, f"line {line} names no file"))
            continue
        item = _listed(row, path)
        if item.kind not in KINDS:
            words = ", ".join(KINDS)
            reason = f"line {line} has the label {one_line(row['label'])!r}; known are {words}"
            unread.append((item.path, reason))
        elif item.path in seen:
            unread.append((item.path, f"line {line} lists it a second time"))
        else:
            seen.add(item.path)
            pictures.append(item)
    return Listing(tuple(pictures), tuple(unread))


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Number of the line that ends a row, and the row, with names and values stripped."""
    try:
        # Names that are no UTF-8 reach the file system as the bytes that they are.
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        if missing := [name for name in _REQUIRED if name not in header]:
            raise CorpusError(
                f"{path} is not a manifest: its first line must name the columns path and label; "
                f"{' and '.join(missing)} is missing."
            )
        reader.fieldnames = header
        return [
            (reader.line_num, {k: v.strip() if isinstance(v, str) else v for k, v in row.items()})
            for row in reader
        ]
    except csv.Error as error:
        raise CorpusError(
            f"{path} is not a readable CSV file: {error}, near line {reader.line_num}."
        ) from error


def _listed(row: Mapping[str, str], manifest: Path) -> Listed:
    path = manifest.parent / row["path"]
    kind = GENERATED if row["label"].lower() == "ai" else row["label"].lower()
    sources = frozenset(word.strip() for word in row.get("group", "").split(";") if word.strip())
    named = casia.parse_name(path.name) or casia2.parse_name(path.name)
    finer = row.get("kind", "").lower() or (named[0] if named else "")
    if kind == TAMPERED and finer in ALTERED:
        kind = finer
    if not sources:
        sources = named[1] if named else frozenset({row["path"]})
    mask = row.get("mask", "")
    return Listed(
        path,
        kind,
        sources,
        corpus=row.get("corpus") or row.get("source", ""),
        generator=row.get("generator", ""),
        mask=manifest.parent / mask if mask and "\0" not in mask else None,
        licence=row.get("licence", ""),
        sha256=row.get("sha256", "").lower(),
    )
