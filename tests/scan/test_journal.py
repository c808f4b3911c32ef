import dataclasses
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import JournalRefusedError, NotWrittenError
from app.scan.journal import GONE, Journal, journal_of
from app.scan.results import Preview
from app.scan.row_document import from_document, to_document
from app.scan.rows import Row
from tests.report.rows import ROWS


def _shown(row: Row) -> Row:
    """A row as the journal gives it back: whose duplicate it is, the journal knows itself."""
    return dataclasses.replace(row, duplicate_of=None)


def test_every_row_comes_back_as_it_was_in_the_order_of_the_files(tmp_path: Path) -> None:
    with Journal.begin(tmp_path / "j") as journal:
        for number, row in reversed(list(enumerate(ROWS))):
            journal.add(number, row)
        found = list(journal.rows())
    assert [_shown(row) for row in found] == [_shown(row) for row in ROWS]


@given(st.binary(min_size=1, max_size=80).map(os.fsdecode), st.sampled_from(ROWS))
def test_any_row_survives_its_document(name: str, row: Row) -> None:
    path = Path(name.replace("\0", "0"))
    row = dataclasses.replace(row, path=path, duplicate_of=path)
    document = to_document(row)
    assert document.isascii()
    assert "\n" not in document
    assert from_document(path, document) == row


def test_a_journal_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from app.scan.journal import Journal\n"
        "from app.scan.rows import Row\n"
        "journal = Journal.begin(Path(sys.argv[1]))\n"
        "for n in range(50): journal.add(n, Row(Path(f'{n:02}.jpg'), 'ok', sha256=f'{n:064}'))\n"
        "os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "j"
    subprocess.run([sys.executable, "-c", code, path], check=False, timeout=60)
    assert Journal.unfinished(path)
    with Journal.resume(path) as journal:
        assert [row.path.name for row in journal.rows(False)] == [f"{n:02}.jpg" for n in range(50)]


def test_only_a_journal_with_rows_that_was_not_finished_is_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "j"
    assert not Journal.unfinished(path)
    with Journal.begin(path) as journal:
        pass
    assert not Journal.unfinished(path)
    with Journal.begin(path) as journal:
        journal.add(0, ROWS[0])
    assert Journal.unfinished(path)
    with Journal.resume(path) as journal:
        journal.finish()
    assert not Journal.unfinished(path)
    with Journal.resume(path) as journal:
        journal.go_on()
    assert Journal.unfinished(path)


def _file(path: Path, content: bytes = b"content") -> Row:
    path.write_bytes(content)
    facts = path.stat()
    return Row(path, "ok", "", "ab" * 32, facts.st_size, modified_ns=facts.st_mtime_ns)


def test_rows_stand_while_size_and_time_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with Journal.begin(None) as journal:
        journal.add(0, _file(path))
        assert journal.keep(0, path)
        assert not journal.keep(0, tmp_path / "other.jpg")
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        assert not journal.keep(0, path)
        journal.add(0, _file(path))
        with path.open("ab") as stream:
            stream.write(b"x")
        assert not journal.keep(0, path)
        path.unlink()
        assert not journal.keep(0, path)


def test_with_hashes_a_changed_content_under_the_same_time_is_noticed(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "photo.jpg"
    row = dataclasses.replace(_file(path), sha256=hashlib.sha256(b"content").hexdigest())
    with Journal.begin(None) as journal:
        journal.add(0, row)
        assert journal.keep(0, path, rehash=True)
        path.write_bytes(b"another")
        os.utime(path, ns=(0, row.modified_ns or 0))
        assert journal.keep(0, path)
        assert not journal.keep(0, path, rehash=True)


def test_files_that_could_not_be_read_never_stand(tmp_path: Path) -> None:
    with Journal.begin(None) as journal:
        journal.add(0, Row(tmp_path, "unreadable", "No."))
        assert not journal.keep(0, tmp_path)


def test_of_the_same_content_all_but_the_first_are_duplicates(tmp_path: Path) -> None:
    """Whatever the order in which they were judged."""
    with Journal.begin(None) as journal:
        for number in (2, 0, 1):
            journal.add(number, Row(Path(str(number)), "ok", sha256="aa"))
        journal.add(3, Row(Path("3"), "ok", sha256="bb"))
        journal.add(4, Row(Path("4"), "unreadable"))
        journal.add(5, Row(Path("5"), "unreadable"))
        found = [row.duplicate_of for row in journal.rows()]
        assert found == [None, Path("0"), Path("0"), None, None, None]
        known = journal.with_content("aa")
        assert known is not None
        assert known.sha256 == "aa"
        assert journal.with_content("cc") is None
        assert journal.with_content("") is None


def test_rows_of_files_that_are_gone_come_last_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "j"
    rows = [_file(tmp_path / f"{number}.jpg") for number in range(3)]
    with Journal.begin(path) as journal:
        for number, row in enumerate(rows):
            journal.add(number, row)
    with Journal.resume(path) as journal:
        assert journal.keep(0, rows[1].path)
        assert journal.keep(1, rows[2].path)
        walked = list(journal.rows())
        assert [row.path.name for row in walked] == ["1.jpg", "2.jpg", "0.jpg"]
        assert [row.message for row in walked] == ["", "", GONE]
        assert [row.message for row in journal.rows(walked=False)] == ["", "", ""]


def test_previews_come_back_and_go_with_their_row(tmp_path: Path) -> None:
    preview = Preview(b"small", {"tampered": b"map"})
    with Journal.begin(None) as journal:
        journal.add(0, ROWS[0], preview)
        journal.add(1, ROWS[1], Preview(b"other"))
        assert journal.preview(ROWS[0].path) == preview
        assert journal.preview(ROWS[1].path) == Preview(b"other", {})
        journal.add(0, ROWS[0])
        assert journal.preview(ROWS[0].path) is None


def test_other_terms_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.begin(path) as journal:
        journal.agree({"the model tampered": "aa", "the JPEG encoder": "x"})
    with Journal.resume(path) as journal:
        journal.agree({"the JPEG encoder": "x", "the model tampered": "aa"})
        with pytest.raises(JournalRefusedError, match="the model tampered was aa and is bb now"):
            journal.agree({"the model tampered": "bb", "the JPEG encoder": "x"})
        with pytest.raises(JournalRefusedError, match="the model new was absent and is cc now"):
            journal.agree(
                {"the model tampered": "aa", "the JPEG encoder": "x", "the model new": "cc"}
            )


def test_two_scans_do_not_share_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.begin(path) as journal:
        journal.add(0, ROWS[0])
        for attempt in (Journal.begin, Journal.resume, Journal.unfinished):
            with pytest.raises(JournalRefusedError, match="Another scan is writing"):
                attempt(path)
        journal.add(1, ROWS[1])
        assert len(list(journal.rows())) == 2


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + bytes(84)])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    with pytest.raises(JournalRefusedError, match="There is no journal"):
        Journal.resume(path)
    path.write_bytes(content)
    with pytest.raises(JournalRefusedError, match=r"is damaged|is no journal"):
        Journal.resume(path)


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.begin(path) as journal:
        for number in range(200):
            journal.add(number, dataclasses.replace(ROWS[0], path=Path(f"{number}.jpg")))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 5000] = bytes(5000)
    path.write_bytes(data)
    with pytest.raises(JournalRefusedError, match="is damaged"):
        Journal.resume(path)


def test_a_full_disk_is_a_sentence_and_costs_no_earlier_row(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands for the disk's; the error is the same."""
    path = tmp_path / "j"
    with Journal.begin(path) as journal:
        pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
        journal._database.execute(f"PRAGMA max_page_count = {pages + 20}")
        added = 0
        with pytest.raises(NotWrittenError, match="could not be written: database or disk is full"):
            for added in range(2000):
                journal.add(added, dataclasses.replace(ROWS[0], path=Path(f"{added}.jpg")))
        assert added > 10
        assert [row.path.name for row in journal.rows()] == [f"{n}.jpg" for n in range(added)]


def test_a_new_journal_replaces_the_old_one_with_what_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.begin(path) as journal:
        journal.add(0, ROWS[0])
    with Journal.begin(path) as journal:
        assert list(journal.rows()) == []


def test_a_temporary_journal_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal.begin(None) as journal:
        for number in range(3000):
            journal.add(number, dataclasses.replace(ROWS[0], path=Path(f"{number}.jpg")))
        assert len(list(journal.rows())) == 3000
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_journal_is_that_of_the_report_and_more() -> None:
    assert journal_of(Path("a/report.csv")) == Path("a/report.csv.journal")


def test_the_database_is_in_wal_mode(tmp_path: Path) -> None:
    with Journal.begin(tmp_path / "j"):
        pass
    with sqlite3.connect(tmp_path / "j") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_journal_that_was_only_just_begun_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.touch()
    with Journal.resume(path) as journal:
        journal.add(0, ROWS[0])
        assert len(list(journal.rows())) == 1
