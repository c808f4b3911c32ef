"""Thumbnails and their cache: right pictures, nothing beside the evidence, faults cost nothing."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.arrays import RgbU8
from app.errors import UnreadableFileError
from app.gui.folder import thumbnails
from app.gui.folder.listing import FolderEntry, listing_of
from app.gui.folder.thumbnails import (
    WAITING,
    ThumbnailCache,
    Thumbnailer,
    ThumbnailSource,
    thumbnail,
)
from tests.pictures import encoded, scene


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A JPEG in an evidence folder."""
    path = tmp_path / "evidence" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(encoded(scene(300, 400), "JPEG", quality=95))
    return path


def stored(folder: Path) -> list[Path]:
    """The files of the cache."""
    return sorted(folder.iterdir()) if folder.exists() else []


def refuse(*_: object) -> None:
    raise AssertionError("the evidence was read")


def by_pillow(path: Path, side: int) -> RgbU8:
    with Image.open(path) as image:
        image.thumbnail((side, side))
        return np.array(image.convert("RGB"))


def close_to(one: RgbU8 | None, other: RgbU8) -> bool:
    if one is None or one.shape != other.shape:
        return False
    return float(np.abs(one.astype(float) - other).mean()) < 6


def test_a_stored_thumbnail_is_shown_without_reading_the_file(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    assert close_to(thumbnail(picture, 80, cache), by_pillow(picture, 80))
    assert len(stored(tmp_path / "cache")) == 1
    monkeypatch.setattr(thumbnails, "open_evidence", refuse)
    assert close_to(thumbnail(picture, 80, cache), by_pillow(picture, 80))


def change_size(path: Path) -> None:
    facts = path.stat()
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def change_time(path: Path) -> None:
    facts = path.stat()
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1000))


@pytest.mark.parametrize("change", [change_size, change_time])
def test_a_changed_file_has_another_key(
    picture: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    before = cache.key(picture, 80)
    assert before == cache.key(picture, 80)
    change(picture)
    assert cache.key(picture, 80) != before


def test_every_path_and_side_has_its_own_key(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    other = picture.with_name("b.jpg")
    other.hardlink_to(picture)
    keys = {cache.key(path, side) for path in (picture, other) for side in (80, 160)}
    assert len(keys) == 4
    monkeypatch.chdir(picture.parent)
    assert cache.key(Path("a.jpg"), 80) == cache.key(picture, 80)
    assert cache.key(picture.with_name("missing.jpg"), 80) is None
    assert cache.key(picture.with_name("x" * 300), 80) is None


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xd8\xff\xe0 half a picture"])
def test_a_broken_cache_is_mended(picture: Path, tmp_path: Path, content: bytes) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    thumbnail(picture, 80, cache)
    (kept,) = stored(tmp_path / "cache")
    right = kept.read_bytes()
    kept.write_bytes(content)
    assert close_to(thumbnail(picture, 80, cache), by_pillow(picture, 80))
    assert kept.read_bytes() == right


def test_a_stored_picture_of_another_size_is_not_believed(picture: Path, tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    thumbnail(picture, 80, cache)
    (kept,) = stored(tmp_path / "cache")
    kept.write_bytes(encoded(scene(2000, 2000), "JPEG"))
    assert close_to(thumbnail(picture, 80, cache), by_pillow(picture, 80))


def test_a_cache_that_cannot_be_written_costs_nothing(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ThumbnailCache(tmp_path / "file" / "cache")
    assert close_to(thumbnail(picture, 80, cache), by_pillow(picture, 80))
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("where", ["evidence/cache", "evidence", "link/cache", "."])
def test_nothing_is_stored_where_evidence_lies(picture: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "link").symlink_to(picture.parent)
    before = sorted(tmp_path.rglob("*"))
    cache = ThumbnailCache(tmp_path / where)
    assert thumbnail(picture, 80, cache, [picture.parent]) is not None
    assert sorted(tmp_path.rglob("*")) == before


def test_an_opened_file_in_the_cache_is_evidence_too(picture: Path) -> None:
    cache = ThumbnailCache(picture.parent)
    thumbnail(picture, 80, cache, [picture])
    assert stored(picture.parent) == [picture]


def test_the_evidence_folder_stays_as_it_is(picture: Path, tmp_path: Path) -> None:
    before = [(path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")]
    thumbnail(picture, 80, ThumbnailCache(tmp_path / "cache"), [picture.parent])
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert all(after[path] == time for path, time in before)
    assert stored(picture.parent) == [picture]


def test_the_oldest_are_removed_and_nothing_else(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, limit=1000)
    for number in range(15):
        old = tmp_path / f"{number:064}.thumbnail"
        old.write_bytes(bytes(100))
        os.utime(old, (number, number))
    (tmp_path / "mine.txt").write_bytes(bytes(5000))
    cache.store("f" * 64, bytes(100), [])
    left = [path.name for path in stored(tmp_path)]
    # Down to three quarters of the limit, and then the new one.
    assert left == [
        *(f"{n:064}.thumbnail" for n in range(8, 15)),
        f"{'f' * 64}.thumbnail",
        "mine.txt",
    ]


def test_a_file_without_a_picture_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(1000))
    cache = ThumbnailCache(tmp_path / "cache")
    assert thumbnail(video, 80, cache) is None
    monkeypatch.setattr(thumbnails, "open_evidence", refuse)
    assert thumbnail(video, 80, cache) is None


def test_a_file_that_cannot_be_read_now_is_tried_again(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: Path) -> None:
        raise UnreadableFileError("The file cannot be read: permission denied.")

    cache = ThumbnailCache(tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "open_evidence", locked)
        assert thumbnail(picture, 80, cache) is None
    assert thumbnail(picture, 80, cache) is not None


class Gate:
    """Stands in for `thumbnail`; the first call waits until it is opened."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.opened = threading.Event()

    def __call__(self, *_: object) -> None:
        self.began.set()
        self.opened.wait(10)


def entries(number: int) -> tuple[FolderEntry, ...]:
    return listing_of((Path(f"{n}.jpg"), 1, 1) for n in range(number)).entries


def test_the_last_wanted_is_made_first_and_the_oldest_wishes_are_forgotten(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(thumbnails, "thumbnail", gate)
    made: list[FolderEntry] = []
    maker = Thumbnailer(ThumbnailSource(), lambda entry, *_: made.append(entry))
    files = entries(WAITING + 50)
    maker.want(files[0], 80)
    assert gate.began.wait(10)
    for entry in (*files[1:], files[100]):
        maker.want(entry, 80)
    gate.opened.set()
    qtbot.waitUntil(lambda: len(made) == WAITING + 1, timeout=10_000)
    newest = [entry for entry in reversed(files[1:]) if entry is not files[100]]
    assert made == [files[0], files[100], *newest[: WAITING - 1]]
    maker.close()
    assert not maker._thread.is_alive()


def test_another_folder_forgets_what_was_wanted(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(thumbnails, "thumbnail", gate)
    made: list[FolderEntry] = []
    maker = Thumbnailer(ThumbnailSource(), lambda entry, *_: made.append(entry))
    files = entries(5)
    maker.want(files[0], 80)
    assert gate.began.wait(10)
    maker.want(files[1], 80)
    maker.start_over()
    maker.want(files[4], 80)
    gate.opened.set()
    qtbot.waitUntil(lambda: len(made) == 2, timeout=10_000)
    assert made == [files[0], files[4]]
    maker.close()


def test_a_fault_costs_one_thumbnail(
    qtbot: QtBot, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = thumbnails.decode_thumbnail

    def faulty(evidence: object, side: int) -> RgbU8:
        if evidence.path == picture:  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return right(evidence, side)  # type: ignore[arg-type]

    monkeypatch.setattr(thumbnails, "decode_thumbnail", faulty)
    second = picture.with_name("b.jpg")
    second.write_bytes(picture.read_bytes())
    made: dict[str, RgbU8 | None] = {}
    maker = Thumbnailer(
        ThumbnailSource(), lambda entry, _, pixels: made.update({entry.name: pixels})
    )
    for entry in listing_of([(picture, 1, 1), (second, 1, 1)]).entries:
        maker.want(entry, 80)
    qtbot.waitUntil(lambda: len(made) == 2, timeout=10_000)
    maker.close()
    assert made["a.jpg"] is None
    assert close_to(made["b.jpg"], by_pillow(second, 80))
