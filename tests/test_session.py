"""Sessions: nothing is lost on the way to the file and back, and nothing lands with evidence."""

import hashlib
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import atomic, session
from app.errors import NotWrittenError, UnreadableFileError
from app.session import (
    Entry,
    Mark,
    Session,
    SessionRefusedError,
    check,
    from_json,
    load,
    save,
    to_json,
)

SHA = hashlib.sha256(b"pixels").hexdigest()

# Any bytes that a Linux name can have, as the program meets them.
NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: not {0, ord("/")} & set(name))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(
    lambda names: Path(os.fsdecode(b"/" + b"/".join(names)))
)
ENTRIES = st.builds(
    Entry,
    st.sampled_from(Mark),
    st.text(),
    st.sampled_from(["", SHA]),
    st.none() | st.integers(0, 2**63),
).filter(lambda entry: bool(entry.mark or entry.note))
SETTINGS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
SESSIONS = st.builds(
    Session,
    st.lists(PATHS, max_size=3).map(tuple),
    st.dictionaries(PATHS, ENTRIES, max_size=5),
    st.dictionaries(st.text(), SETTINGS, max_size=4),
)


def document(**changes: Any) -> dict[str, Any]:
    """A file made by hand, with one entry."""
    entry = {"path": "/case/a.jpg", "mark": "flagged", "note": "n", "sha256": SHA, "bytes": 6}
    return {
        "elascope_session": 1,
        "program": "elascope 9",
        "saved": "2024-05-06T07:08:09+00:00",
        "roots": ["/case"],
        "entries": [entry],
        "settings": {"analysis": "ela"},
    } | changes


def entry(**changes: Any) -> dict[str, Any]:
    return document(entries=[document()["entries"][0] | changes])


@given(SESSIONS)
def test_what_is_written_is_read_back(before: Session) -> None:
    data = to_json(before)
    data.decode("utf-8", "strict")
    assert from_json(data) == before


@pytest.mark.parametrize(
    "note",
    ["\0", "a\0b", "\U0001f600\U0010ffff", "\r\n\r\n", "\u2028\u2029", "</b>", "\\udc80", "\ufeff"],
    ids=ascii,
)
def test_odd_notes_survive(note: str) -> None:
    before = Session().with_note(Path("/a.jpg"), note)
    assert from_json(to_json(before)).entry(Path("/a.jpg")).note == note


def test_half_characters_in_a_note_are_replaced_when_it_is_noted_and_not_later() -> None:
    path = Path("/a.jpg")
    noted = Session().with_note(path, "a\ud83d\ude00b\ud83dc\udcff")
    assert noted.entry(path).note == "a\U0001f600b\ufffdc\ufffd"
    assert from_json(to_json(noted)) == noted


def test_the_file_is_the_documented_json() -> None:
    before = (
        Session((Path("/case"),))
        .with_mark(Path("/case/b.jpg"), Mark.CLEARED)
        .with_note(Path("/case/a.jpg"), "Ärmel\nlinks")
        .with_digest(Path("/case/a.jpg"), SHA, 6)
        .with_settings({"analysis": "ela", "params": {"quality": 90}})
    )
    text = to_json(before).decode()
    found = json.loads(text)
    assert abs(datetime.fromisoformat(found.pop("saved")) - datetime.now(UTC)) < timedelta(hours=1)
    assert found.pop("program").startswith("elascope ")
    assert found == {
        "elascope_session": 1,
        "roots": ["/case"],
        "entries": [
            {
                "path": "/case/a.jpg",
                "mark": "",
                "note": "Ärmel\nlinks",
                "sha256": SHA,
                "bytes": 6,
            },
            {"path": "/case/b.jpg", "mark": "cleared", "note": "", "sha256": "", "bytes": None},
        ],
        "settings": {"analysis": "ela", "params": {"quality": 90}},
    }
    assert "Ärmel" in text, "readable in any editor"


def test_bytes_of_a_name_that_are_no_utf8_are_escaped_as_documented() -> None:
    path = Path(os.fsdecode(b"/case/caf\xe9 \xff.jpg"))
    data = to_json(Session().with_mark(path, Mark.UNSURE))
    assert rb"/case/caf\udce9 \udcff.jpg" in data
    assert [os.fsencode(found) for found in from_json(data).entries] == [b"/case/caf\xe9 \xff.jpg"]


def test_a_file_made_by_hand_is_read_even_with_a_byte_order_mark_and_more_fields() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(document(later="?"), indent=4).encode()
    assert from_json(data) == Session(
        (Path("/case"),),
        {Path("/case/a.jpg"): Entry(Mark.FLAGGED, "n", SHA, 6)},
        {"analysis": "ela"},
    )


NESTED: list[Any] = []
for _ in range(60):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xd8\xff\xe0 a picture", "not JSON"),
        (b'{"elascope_session": 1,', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"elascope_session": 1, "settings": NaN}', "not JSON"),
        ([1, 2], "not a session file of Elascope"),
        ({"schema": 1}, "not a session file of Elascope"),
        (document(elascope_session=True), "not a session file of Elascope"),
        (document(elascope_session="1"), "not a session file of Elascope"),
        (document(elascope_session=0), "not a session file of Elascope"),
        (document(elascope_session=2), "newer Elascope"),
        (document(roots="/case"), "roots is not a list"),
        (document(roots=[1]), "roots[0] is not text"),
        (document(roots=["case"]), "roots[0] is not a whole path"),
        (document(entries={}), "entries is not a list"),
        (document(entries=[[]]), "entries[0] is not an object"),
        (document(entries=document()["entries"] * 2), "entries[1].path is named twice"),
        (document(settings=[]), "settings is not an object"),
        (document(settings={"a": NESTED}), "nested too deeply"),
        (entry(path=None), "entries[0].path is not text"),
        (entry(path="../a.jpg"), "entries[0].path is not a whole path"),
        (entry(path="/a\0.jpg"), "entries[0].path is not a whole path"),
        (entry(path="/\ud800"), "entries[0].path is no name"),
        (entry(mark="guilty"), "entries[0].mark is none of the marks"),
        (entry(mark=None), "entries[0].mark is not text"),
        (entry(note=3), "entries[0].note is not text"),
        (entry(sha256="12"), "entries[0].sha256 is not a SHA-256"),
        (entry(sha256=SHA.upper()), "entries[0].sha256 is not a SHA-256"),
        (entry(bytes=-1), "entries[0].bytes is not a number"),
        (entry(bytes=True), "entries[0].bytes is not a number"),
        (entry(bytes=1.5), "entries[0].bytes is not a number"),
    ],
)
def test_other_files_are_refused_in_a_sentence(raw: Any, words: str) -> None:
    data = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(SessionRefusedError) as caught:
        from_json(data)
    assert words in caught.value.sentence
    assert caught.value.sentence.endswith(".")
    assert len(caught.value.detail) < 500


@pytest.mark.parametrize("key", ["roots", "entries", "settings"])
def test_a_missing_part_is_refused(key: str) -> None:
    raw = document()
    del raw[key]
    with pytest.raises(SessionRefusedError, match=f"{key} is missing"):
        from_json(json.dumps(raw).encode())


def test_two_notes_on_one_image_are_refused_because_a_reader_sees_one_of_them() -> None:
    data = json.dumps(entry(note="first")).encode().replace(b'"note"', b'"note": "second", "note"')
    with pytest.raises(
        SessionRefusedError, match='damaged or was changed by hand: it names "note"'
    ):
        from_json(data)


def test_an_infinite_number_is_refused_because_it_could_not_be_saved_again() -> None:
    data = json.dumps(document()).encode().replace(b'"ela"', b"1e999")
    with pytest.raises(SessionRefusedError, match="infinite"):
        from_json(data)


def test_a_file_over_the_limit_is_refused_without_reading_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "large"
    with source.open("wb") as stream:
        stream.truncate(session.BYTE_LIMIT + 1)
    with pytest.raises(SessionRefusedError, match="larger than 64 MB"):
        load(source)
    data = to_json(Session().with_note(Path("/a"), "x" * 1000))
    monkeypatch.setattr(session, "BYTE_LIMIT", len(data))
    assert from_json(data).entries
    with pytest.raises(SessionRefusedError):
        from_json(data + b" ")


def test_what_could_not_be_opened_again_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BYTE_LIMIT", 1000)
    target = tmp_path / "s.json"
    with pytest.raises(NotWrittenError, match="larger than"):
        save(Session().with_note(Path("/a"), "x" * 1000), target)
    assert not target.exists()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", ".", "n" * 300):
        with pytest.raises(UnreadableFileError) as caught:
            load(tmp_path / name)
        assert caught.value.sentence.endswith(".")


# Edits ----------------------------------------------------------------------------------------


def test_empty_entries_vanish_with_their_digest() -> None:
    path = Path("/case/a.jpg")
    marked = Session().with_mark(path, Mark.FLAGGED).with_note(path, "n").with_digest(path, SHA, 6)
    assert marked.entry(path) == Entry(Mark.FLAGGED, "n", SHA, 6)
    assert marked.with_mark(path, Mark.NONE).entry(path) == Entry(Mark.NONE, "n", SHA, 6)
    emptied = marked.with_mark(path, Mark.NONE).with_note(path, "")
    assert emptied == Session()
    assert emptied.with_digest(path, SHA, 6) == Session()
    assert marked.entry(path).mark == Mark.FLAGGED, "a session never changes"


def test_a_relative_path_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    marked = Session((Path("x"),)).with_mark(Path("x/a.jpg"), Mark.UNSURE)
    assert list(marked.entries) == [tmp_path / "x" / "a.jpg"]
    assert marked.roots == (tmp_path / "x",)
    assert marked.entry(Path("x/a.jpg")).mark == Mark.UNSURE


def test_a_session_is_detached_from_what_it_was_made_of() -> None:
    values: dict[str, Any] = {"view": ["map"], "size": (1, 2)}
    made = Session().with_settings(values)
    values["view"].append("picture")
    assert made.settings == {"view": ["map"], "size": [1, 2]}
    with pytest.raises(TypeError):
        made.settings["view"] = 1  # type: ignore[index]
    for wrong in ({"a": float("nan")}, {"a": object()}, {"a": NESTED}):
        with pytest.raises((TypeError, ValueError)):
            Session().with_settings(wrong)


# Saving ---------------------------------------------------------------------------------------


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.jpg").write_bytes(b"pixels")
    return folder


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_saving_and_loading(tmp_path: Path, evidence: Path) -> None:
    before = Session((evidence,)).with_mark(evidence / "sub" / "a.jpg", Mark.FLAGGED)
    target = tmp_path / f"case{session.SUFFIX}"
    save(before, target)
    save(before, target)
    assert load(target) == before


@pytest.mark.parametrize(
    "place",
    ["evidence", "evidence/sub", "into", "into/sub", "deep", "evidence/../evidence", "link.json"],
)
def test_a_target_with_the_evidence_is_refused_under_every_name(
    tmp_path: Path, evidence: Path, place: str
) -> None:
    (tmp_path / "into").symlink_to(evidence)
    (tmp_path / "deep").symlink_to(evidence / "sub")
    (tmp_path / "link.json").symlink_to(evidence / "new.json")
    target = tmp_path / place
    if place != "link.json":
        target = target / "s.json"
    before = listing(evidence)
    for root in (evidence, tmp_path / "into"):
        with pytest.raises(NotWrittenError, match="lies in a folder with examined files"):
            save(Session((root,)), target)
    assert listing(evidence) == before


def test_the_folder_of_a_marked_or_listed_or_opened_file_is_refused(evidence: Path) -> None:
    file, target = evidence / "sub" / "a.jpg", evidence / "sub" / "s.json"
    gone = evidence / "sub" / "gone.jpg"
    for held, listed in (
        (Session().with_mark(gone, Mark.UNSURE), []),
        (Session(), [file]),
        (Session((file,)), []),
    ):
        with pytest.raises(NotWrittenError, match="examined files"):
            save(held, target, listed)
        save(held, evidence / "s.json", listed)


def test_the_folder_that_a_listed_link_points_into_is_refused(
    tmp_path: Path, evidence: Path
) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "a.jpg"
    link.symlink_to(evidence / "sub" / "a.jpg")
    for folder in (link.parent, evidence / "sub"):
        with pytest.raises(NotWrittenError):
            save(Session(), folder / "s.json", [link])


def test_a_hard_link_to_evidence_is_never_replaced(tmp_path: Path, evidence: Path) -> None:
    target = tmp_path / "s.json"
    target.hardlink_to(evidence / "sub" / "a.jpg")
    with pytest.raises(NotWrittenError, match="one of the examined files"):
        save(Session((evidence,)), target, [evidence / "sub" / "a.jpg"])
    assert target.read_bytes() == b"pixels"


def test_beside_a_removed_root_is_no_evidence(tmp_path: Path) -> None:
    save(Session((tmp_path / "removed",)), tmp_path / "s.json")
    assert load(tmp_path / "s.json").roots == (tmp_path / "removed",)


def test_the_old_file_survives_a_failed_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "s.json"
    old = Session().with_note(Path("/a.jpg"), "old")
    save(old, target)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(NotWrittenError, match="No space left"):
        save(old.with_note(Path("/a.jpg"), "new"), target)
    assert load(target) == old
    assert listing(tmp_path) == [target]


def test_a_refusal_can_be_shown_whatever_the_name(evidence: Path) -> None:
    with pytest.raises(NotWrittenError) as caught:
        save(Session((evidence,)), evidence / os.fsdecode(b"\xff.json"))
    assert r"\xff.json" in caught.value.sentence


# Checking -------------------------------------------------------------------------------------


def test_check_names_what_is_missing_changed_or_unknown(tmp_path: Path) -> None:
    held = Session()
    for name in ("changed", "gone", "same", "unhashed", "unreadable"):
        path = tmp_path / name
        path.write_bytes(b"pixels")
        held = held.with_mark(path, Mark.FLAGGED)
        if name != "unhashed":
            held = held.with_digest(path, SHA, 6)
    (tmp_path / "gone").unlink()
    (tmp_path / "changed").write_bytes(b"Pixels")

    def digest(path: Path) -> str:
        if path.name == "unreadable":
            raise UnreadableFileError("The file cannot be read: Permission denied.")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    assert check(held, digest) == [
        f"{tmp_path}/changed: The file has changed since it was marked.",
        f"{tmp_path}/gone: The file is missing or cannot be reached.",
        f"{tmp_path}/unhashed: Whether the file has changed is not known: "
        "it was not hashed when it was marked.",
        f"{tmp_path}/unreadable: The file cannot be read: Permission denied.",
    ]
    stop = threading.Event()
    stop.set()
    assert check(held, digest, stop) == []
