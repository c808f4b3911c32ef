"""What the folder says of a file in words."""

from datetime import UTC, datetime

from app.gui.folder.listing import FolderEntry
from app.gui.folder.order import Marked
from app.gui.words import state_word
from app.names import one_line
from app.scan.rows import Row


def detail(entry: FolderEntry, row: Row | None, question: str, outdated: bool) -> str:
    """The answers of a scan, that to ``question`` first; before a scan the file's date and size."""
    if outdated:
        return "changed since the scan"
    if row is None or (row.status == "ok" and not row.verdicts):
        return " · ".join(filter(None, (_date(entry, "%Y-%m-%d"), _size(entry))))
    if row.status != "ok":
        return f"not analysed: {row.status.replace('_', ' ')}"
    answers = sorted(row.verdicts, key=lambda verdict: verdict.question != question)
    named = len(answers) > 1
    return " · ".join(
        (f"{v.question}: " if named else "")
        + state_word(v.state)
        + ("" if v.score is None else f" {v.score:.2f}")
        for v in answers
    )


def description(entry: FolderEntry, line: str, marked: Marked, whole_path: bool = True) -> str:
    """Everything that the list shows of a file, one to a line; ``line`` is its `detail`."""
    facts = (
        _date(entry, "%Y-%m-%d %H:%M:%S UTC"),
        f"{entry.size:,} bytes" if entry.size is not None else "",
    )
    marks = (marked[0], "with a note" if marked[1] else "")
    lines = (
        one_line(str(entry.path)) if whole_path else entry.name,
        " · ".join(filter(None, facts)),
        _new(line, entry),
        ", ".join(filter(None, marks)),
    )
    return "\n".join(filter(None, lines))


def count(shown: int, total: int) -> str:
    """How many files are shown, such as ``37 of 10,000 files``."""
    if not total:
        return "no files"
    return f"{total:,} files" if shown == total else f"{shown:,} of {total:,} files"


def nothing_shown(shown: int, total: int) -> str:
    """Why no file is shown; empty if some are."""
    if shown:
        return ""
    return "No file has what is asked for above." if total else "This folder holds no images."


def _new(line: str, entry: FolderEntry) -> str:
    """The second line of the list, if it says more than date and size."""
    return "" if line == detail(entry, None, "", False) else line


def _date(entry: FolderEntry, form: str) -> str:
    if entry.modified is None:
        return ""
    try:
        return datetime.fromtimestamp(entry.modified / 1e9, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return ""


def _size(entry: FolderEntry) -> str:
    size = entry.size
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:,.0f} kB" if size < 999_500 else f"{size / 1e6:,.1f} MB"
