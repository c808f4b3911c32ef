import errno
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.detection.detector import Detector
from app.detection.judging import judge
from app.detection.verdict import State
from app.errors import BrokenImageError
from app.evidence.decode import DecodedImage
from app.scan import pipeline
from app.scan.pipeline import find_files, judge_file, scan
from tests.models import card, write_model
from tests.pictures import encoded, hand_made_png, noise


@pytest.fixture
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = tmp_path_factory.mktemp("model")
    return Detector(write_model(folder / "grey" / "model.onnx", card().to_json()))


def _stub(answer: Any) -> Any:
    """Something in place of a detector that `with_stubs` asks."""
    return SimpleNamespace(answer=answer)


@pytest.fixture(autouse=True)
def with_stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stubs among the detectors answer for themselves."""

    def asked(detectors: Sequence[Any], image: DecodedImage) -> tuple[Any, ...]:
        answers = [
            one.answer(image) if isinstance(one, SimpleNamespace) else judge([one], image)
            for one in detectors
        ]
        return tuple(verdict for verdicts in answers for verdict in verdicts)

    monkeypatch.setattr(pipeline, "judge", asked)


def _pngs(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        path = folder / f"{number:03}.png"
        path.write_bytes(encoded(np.full((16, 16 + number, 3), 99, np.uint8), "PNG"))
        paths.append(path)
    return paths


def _one_of_each(folder: Path) -> dict[str, str]:
    """Files of every kind; name to the status that its row must have."""
    good = encoded(noise(32, 32), "PNG")
    (folder / "a good.png").write_bytes(good)
    (folder / "b broken.png").write_bytes(good[: len(good) // 2])
    (folder / "c text.jpg").write_text("no image at all")
    (folder / "d huge.png").write_bytes(hand_made_png(100_000, 100_000, 8, 2, [b""]))
    (folder / "e dangling.png").symlink_to(folder / "nowhere")
    (folder / "f empty.jpg").write_bytes(b"")
    (folder / "g again.png").write_bytes(encoded(noise(24, 24), "PNG"))
    statuses = ["ok", "broken", "unsupported", "too_large", "unreadable", "unsupported", "ok"]
    names = sorted(entry.name for entry in folder.iterdir())
    return dict(zip(names, statuses, strict=True))


@pytest.mark.parametrize("jobs", [1, 4])
def test_every_file_gets_one_row_in_the_order_of_the_files(
    tmp_path: Path, detector: Detector, jobs: int
) -> None:
    expected = _one_of_each(tmp_path)
    paths = find_files([tmp_path])
    rows = list(scan(paths, [detector], jobs))
    assert [row.path for row in rows] == paths
    assert {row.path.name: row.status for row in rows} == expected
    for row in rows:
        assert (row.message == "") == (row.status == "ok")
        assert len(row.verdicts) == (1 if row.status == "ok" else 0)
        assert bool(row.sha256) == (row.status != "unreadable")
        assert (row.size is None) == (row.status == "unreadable")
        assert (row.record is None) == (row.status != "ok")


def test_a_slow_file_does_not_change_the_order(tmp_path: Path) -> None:
    paths = _pngs(tmp_path, 24)
    finished: list[int] = []

    def slower_at_first(image: DecodedImage) -> tuple[()]:
        time.sleep(0.05 if image.record.width % 4 == 0 else 0.001)
        finished.append(image.record.width)
        return ()

    rows = list(scan(paths, [_stub(slower_at_first)], jobs=4))
    assert [row.path for row in rows] == paths
    assert finished != sorted(finished)


def test_rows_arrive_while_later_files_are_not_yet_begun(tmp_path: Path) -> None:
    paths = _pngs(tmp_path, 40)
    begun: list[int] = []

    def counting(image: DecodedImage) -> tuple[()]:
        begun.append(image.record.width)
        return ()

    rows = scan(paths, [_stub(counting)], jobs=1)
    next(rows)
    assert len(begun) < 20
    rows.close()


def test_more_rows_than_one_verdict_keep_the_order_of_the_models(
    tmp_path: Path, detector: Detector
) -> None:
    (path,) = _pngs(tmp_path, 1)
    verdicts = [SimpleNamespace(question=name) for name in ("first", "second")]
    stubs = [_stub(lambda _, v=verdict: (v,)) for verdict in verdicts]
    row = judge_file(path, [stubs[0], detector, stubs[1]])
    assert [verdict.question for verdict in row.verdicts] == ["first", "tampered", "second"]


def test_an_image_outside_validity_is_an_ok_row_without_a_score(
    tmp_path: Path, detector: Detector
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(noise(32, 32), "JPEG"))
    row = judge_file(path, [detector])
    assert row.status == "ok"
    assert (row.verdicts[0].state, row.verdicts[0].score) == (State.OUTSIDE_VALIDITY, None)


@pytest.mark.parametrize("jobs", [1, 4])
def test_an_unexpected_fault_costs_one_row(tmp_path: Path, detector: Detector, jobs: int) -> None:
    paths = _pngs(tmp_path, 9)

    def failing_once(image: DecodedImage) -> tuple[()]:
        if image.record.width == 16 + 4:
            raise ZeroDivisionError("a fault of the program")
        return ()

    rows = list(scan(paths, [detector, _stub(failing_once)], jobs))
    assert [row.path for row in rows] == paths
    assert [row.status for row in rows] == ["ok"] * 4 + ["error"] + ["ok"] * 4
    assert rows[4].message == "The analysis failed unexpectedly (ZeroDivisionError)."
    assert "a fault of the program" in rows[4].detail
    assert rows[4].sha256
    assert rows[4].record is not None
    assert rows[4].verdicts == ()


def test_exhausted_memory_and_a_named_error_cost_one_row(tmp_path: Path) -> None:
    (path,) = _pngs(tmp_path, 1)

    def exhausted(_: DecodedImage) -> tuple[()]:
        raise MemoryError

    def named(_: DecodedImage) -> tuple[()]:
        raise BrokenImageError("A sentence.", "a detail")

    row = judge_file(path, [_stub(exhausted)])
    assert (row.status, row.message) == ("error", "Memory ran out while this file was analysed.")
    row = judge_file(path, [_stub(named)])
    assert (row.status, row.message, row.detail) == ("broken", "A sentence.", "a detail")


def test_without_models_rows_have_no_verdicts(tmp_path: Path) -> None:
    rows = list(scan(_pngs(tmp_path, 3), []))
    assert [(row.status, row.verdicts) for row in rows] == [("ok", ())] * 3


@pytest.mark.parametrize("jobs", [1, 3])
def test_stopping_ends_early_and_gives_no_row_twice(tmp_path: Path, jobs: int) -> None:
    paths = _pngs(tmp_path, 60)
    stop = threading.Event()
    rows = []
    for row in scan(paths, [], jobs, stop):
        rows.append(row)
        if len(rows) == 5:
            stop.set()
    found = [row.path for row in rows]
    assert 5 <= len(found) < 60
    assert found == sorted(set(found))
    assert {row.status for row in rows} == {"ok"}


def test_stopping_beforehand_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a file was read")

    paths = _pngs(tmp_path, 5)
    monkeypatch.setattr(pipeline, "judge_file", forbidden)
    stop = threading.Event()
    stop.set()
    assert list(scan(paths, [], 2, stop)) == []


def test_no_file_is_begun_once_the_stop_is_set(tmp_path: Path) -> None:
    """The first file stays in work long enough for the other thread to begin a third."""
    paths = _pngs(tmp_path, 8)
    stop, second_begun, third_begun = threading.Event(), threading.Event(), threading.Event()

    def stopping(image: DecodedImage) -> tuple[()]:
        match image.record.width - 16:
            case 0:
                assert second_begun.wait(10)
                stop.set()
                third_begun.wait(0.5)
            case 1:
                second_begun.set()
                assert stop.wait(10)
            case _:
                third_begun.set()
        return ()

    rows = list(scan(paths, [_stub(stopping)], 2, stop))
    assert not third_begun.is_set()
    assert [(row.path, row.status) for row in rows] == [(path, "ok") for path in paths[:2]]


def test_closing_the_rows_early_ends_the_threads(tmp_path: Path) -> None:
    rows = scan(_pngs(tmp_path, 20), [], jobs=2)
    next(rows)
    rows.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scan")]


def test_nothing_to_scan_gives_no_row() -> None:
    assert list(scan([], [])) == []


def _tree(root: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a/z.png", "c.txt", "B.jpg", ".hidden"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")


def test_files_are_found_in_a_stable_order(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert found == [".hidden", "B.jpg", "c.txt", "a/z.png", "b/1.jpg", "b/2.jpg"]


def test_subfolders_are_left_out_on_request(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = [path.name for path in find_files([tmp_path], recursive=False)]
    assert found == [".hidden", "B.jpg", "c.txt"]


def test_roots_keep_their_order_and_a_missing_or_single_file_is_listed(tmp_path: Path) -> None:
    _tree(tmp_path)
    roots = [tmp_path / "gone.jpg", tmp_path / "b", tmp_path / "c.txt", tmp_path / "a"]
    found = [path.relative_to(tmp_path).as_posix() for path in find_files(roots)]
    assert found == ["gone.jpg", "b/1.jpg", "b/2.jpg", "c.txt", "a/z.png"]


def test_a_root_given_twice_gives_each_file_once(tmp_path: Path) -> None:
    _tree(tmp_path)
    once = find_files([tmp_path])
    assert find_files([tmp_path, tmp_path]) == once
    assert find_files([tmp_path, tmp_path / "b", tmp_path / "c.txt"]) == once


def test_a_folder_that_cannot_be_listed_gets_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, photo = tmp_path / "closed", *_pngs(tmp_path, 1)
    closed.mkdir()
    real = os.scandir

    def refusing(path: str) -> Any:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert sorted(find_files([tmp_path])) == [photo, closed]
    assert find_files([closed]) == [closed]
    rows = scan(find_files([tmp_path]), [])
    assert {row.path: row.status for row in rows} == {photo: "ok", closed: "unreadable"}


def test_a_set_stop_ends_the_search_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tree(tmp_path)
    stop = threading.Event()
    assert find_files([tmp_path], stop=stop) == find_files([tmp_path])
    real, listed = os.scandir, []

    def stopping(path: str) -> Any:
        listed.append(Path(path).name)
        if Path(path).name == "a":
            stop.set()
        return real(path)

    monkeypatch.setattr(os, "scandir", stopping)
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path], stop=stop)]
    assert found == [".hidden", "B.jpg", "c.txt"]
    assert "b" not in listed
    assert find_files([tmp_path, tmp_path / "b"], stop=stop) == []


@pytest.mark.timeout(20)
def test_circles_of_links_end_and_list_each_file_once(tmp_path: Path) -> None:
    _tree(tmp_path)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "other").symlink_to(tmp_path / "a")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert sorted(found) == [".hidden", "B.jpg", "a/z.png", "b/1.jpg", "b/2.jpg", "c.txt", "loop"]
    assert [row.status for row in scan([tmp_path / "loop"], [])] == ["unreadable"]


@pytest.mark.timeout(20)
def test_a_named_pipe_in_the_folder_does_not_hold_the_scan(tmp_path: Path) -> None:
    paths = _pngs(tmp_path, 2)
    os.mkfifo(tmp_path / "001a.png")
    rows = list(scan(find_files([tmp_path]), [], jobs=1))
    assert [row.path.name for row in rows] == ["000.png", "001.png", "001a.png"]
    assert [row.status for row in rows] == ["ok", "ok", "unreadable"]
    assert paths == [row.path for row in rows[:2]]


def test_file_names_that_are_not_utf_8_are_scanned(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.png")
    (tmp_path / name).write_bytes(encoded(noise(16, 16), "PNG"))
    (row,) = scan(find_files([tmp_path]), [])
    assert (row.path.name, row.status) == (name, "ok")
