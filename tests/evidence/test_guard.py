import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.errors import (
    BrokenImageError,
    CancelledError,
    CrashedError,
    TimedOutError,
    TooLargeError,
    UnsupportedFormatError,
)
from app.evidence import guard as module
from app.evidence.decode import decode, decode_thumbnail
from app.evidence.file import open_evidence
from app.evidence.guard import Guard
from app.evidence.metadata import read_metadata
from tests.evidence import faults
from tests.exif_files import jpeg_with_thumbnail, reduced, texture
from tests.pictures import encoded, hand_made_png, scene


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    monkeypatch.setattr(module, "serve", faults.serve)
    guard = Guard(seconds=30.0, memory=256 << 20)
    yield guard
    guard.close()
    assert not multiprocessing.active_children()


def _file(path: Path, rows: int = 300, columns: int = 401, kind: str = "JPEG") -> Path:
    path.write_bytes(encoded(scene(rows, columns), kind))
    return path


def test_pixels_and_record_are_those_of_the_decoder(guard: Guard, tmp_path: Path) -> None:
    for name, kind in (("a.jpg", "JPEG"), ("b.png", "PNG"), ("c.tif", "TIFF")):
        evidence = open_evidence(_file(tmp_path / name, kind=kind))
        expected = decode(evidence)
        for _ in range(2):  # carried over from the process, then decoded here
            found = guard.decode(evidence)
            assert found.record == expected.record
            assert np.array_equal(found.pixels, expected.pixels)
        small = guard.thumbnail(evidence, 96)
        assert np.array_equal(small, decode_thumbnail(evidence, 96))


def test_a_thumbnail_of_what_was_not_decoded_before(guard: Guard, tmp_path: Path) -> None:
    evidence = open_evidence(_file(tmp_path / "a.jpg"))
    assert np.array_equal(guard.thumbnail(evidence, 64), decode_thumbnail(evidence, 64))


def test_metadata_are_those_that_are_read_here(guard: Guard, tmp_path: Path) -> None:
    picture = texture(300, 400, 1)
    (tmp_path / "a.jpg").write_bytes(jpeg_with_thumbnail(picture, reduced(picture, 160, 120)))
    evidence = open_evidence(tmp_path / "a.jpg")
    here, there = read_metadata(evidence), guard.metadata(evidence)
    assert here.thumbnail is not None and there.thumbnail is not None
    assert np.array_equal(there.thumbnail.pixels, here.thumbnail.pixels)
    assert (there.exif, there.states, there.faults) == (here.exif, here.states, here.faults)
    assert there.exif


def test_a_file_whose_metadata_crash_can_still_be_shown(guard: Guard, tmp_path: Path) -> None:
    """Also after its picture has been seen to decode safely."""
    evidence = open_evidence(_file(tmp_path / "thumb.jpg"))
    guard.decode(evidence)
    with pytest.raises(
        CrashedError, match=r"^Not read: the process that reads the metadata was ended by SIGSEGV"
    ):
        guard.metadata(evidence)
    assert np.array_equal(guard.decode(evidence).pixels, decode(evidence).pixels)


def test_the_sentences_are_those_of_the_decoder(guard: Guard, tmp_path: Path) -> None:
    whole = _file(tmp_path / "a.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "huge.png").write_bytes(hand_made_png(100_000, 100_000, 8, 2, [b""]))
    for name, kind in (
        ("half.jpg", BrokenImageError),
        ("text.jpg", UnsupportedFormatError),
        ("huge.png", TooLargeError),
    ):
        evidence = open_evidence(tmp_path / name)
        with pytest.raises(kind) as here:
            decode(evidence)
        with pytest.raises(kind) as there:
            guard.decode(evidence)
        assert there.value.sentence == here.value.sentence


def test_a_crash_costs_one_picture(guard: Guard, tmp_path: Path) -> None:
    evidence = open_evidence(_file(tmp_path / "crash.jpg"))
    with pytest.raises(CrashedError, match="the process that decodes it was ended by SIGSEGV"):
        guard.decode(evidence)
    good = open_evidence(_file(tmp_path / "good.jpg"))
    assert np.array_equal(guard.decode(good).pixels, decode(good).pixels)


def test_a_decoder_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "serve", faults.serve)
    guard = Guard(seconds=1.0)
    try:
        with pytest.raises(TimedOutError, match="longer than 1 s"):
            guard.decode(open_evidence(_file(tmp_path / "hang.jpg")))
        assert not multiprocessing.active_children()
    finally:
        guard.close()


def test_what_is_no_longer_wanted_is_ended(guard: Guard, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        guard.decode(open_evidence(_file(tmp_path / "hang.jpg")), stop)
    assert time.monotonic() - began < 20  # the limit is 30


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no limit of memory here")
def test_a_decoder_that_takes_all_memory_costs_one_picture(guard: Guard, tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match="does not fit into memory"):
        guard.decode(open_evidence(_file(tmp_path / "greedy.jpg")))
    good = open_evidence(_file(tmp_path / "good.jpg"))
    assert guard.decode(good).record.width == 401


def test_a_process_that_was_killed_while_idle_is_replaced(guard: Guard, tmp_path: Path) -> None:
    guard.decode(open_evidence(_file(tmp_path / "a.jpg")))
    (child,) = multiprocessing.active_children()
    assert child.pid
    os.kill(child.pid, 9)
    child.join()
    evidence = open_evidence(_file(tmp_path / "b.jpg", 100, 90))
    assert guard.decode(evidence).record.width == 90
