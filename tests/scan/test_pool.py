import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from app.detection.library import ModelChoice
from app.errors import CancelledError, ElascopeError, ModelRefusedError
from app.scan import pool
from app.scan.files import find_files
from app.scan.pool import Limits, Scan
from app.scan.rows import Row
from app.scan.work import Setup
from tests.models import card, write_model
from tests.pictures import encoded, hand_made_png, noise
from tests.scan import faults


@pytest.fixture(scope="module")
def choice(tmp_path_factory: pytest.TempPathFactory) -> ModelChoice:
    """One small model."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "grey-mean" / "model.onnx", card().to_json())
    return ModelChoice((folder,))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    return folder


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Into which workers write what they judge."""
    path = tmp_path / "calls"
    path.touch()
    monkeypatch.setenv(faults.CALLS, str(path))
    return path


def _png(path: Path, grey: int) -> Path:
    path.write_bytes(encoded(np.full((24, 24, 3), grey, np.uint8), "PNG"))
    return path


def _rows(
    paths: Iterable[Path],
    models: ModelChoice | None = None,
    jobs: int = 2,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
) -> list[Row]:
    """Rows in the order of ``paths``."""
    setup = Setup(models or ModelChoice(names=()), judge=faults.judge)
    with Scan(setup, jobs, limits) as scan:
        scan.start(stop)
        done, known = [], dict[str, Row]()
        for one in scan.run(enumerate(paths), stop, known.get):
            done.append(one)
            known[one.outcome.row.sha256] = one.outcome.row
    assert not multiprocessing.active_children()
    assert len({one.number for one in done}) == len(done)
    return [one.outcome.row for one in sorted(done, key=lambda one: one.number)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_file_gets_one_row(case: Path, choice: ModelChoice, jobs: int) -> None:
    good = encoded(noise(32, 32), "PNG")
    (case / "a good.png").write_bytes(good)
    (case / "b broken.png").write_bytes(good[: len(good) // 2])
    (case / "c text.jpg").write_text("no image at all")
    (case / "d huge.png").write_bytes(hand_made_png(100_000, 100_000, 8, 2, [b""]))
    (case / "e dangling.png").symlink_to(case / "nowhere")
    (case / "f empty.jpg").write_bytes(b"")
    (case / "g zipped.jpg").write_bytes(b"PK\x03\x04" + bytes(60))
    os.mkfifo(case / "h pipe.png")
    (case / os.fsdecode(b"i caf\xe9\n.png")).write_bytes(encoded(noise(24, 24), "PNG"))
    paths = find_files([case])
    rows = _rows(paths, choice, jobs)
    assert [row.path for row in rows] == paths
    statuses = ["ok", "broken", "unsupported", "too_large", "unreadable", "unsupported"]
    assert [row.status for row in rows] == [*statuses, "unsupported", "unreadable", "ok"]
    for row in rows:
        assert (row.message == "") == (row.status == "ok")
        assert len(row.verdicts) == (1 if row.status == "ok" else 0)
        readable = row.status != "unreadable"
        assert bool(row.sha256) == readable
        assert (row.size is not None) == (row.modified_ns is not None) == readable
        assert (row.record is None) == (row.status != "ok")
    assert [row.path.name for row in rows if row.is_archive] == ["g zipped.jpg"]


def test_the_models_and_what_keeps_others_from_being_asked_are_known(
    tmp_path: Path, choice: ModelChoice
) -> None:
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "model.onnx").write_bytes(b"junk")
    with Scan(Setup(ModelChoice((*choice.folders, tmp_path)))) as scan:
        scan.start()
        assert [facts.card.name for facts in scan.models] == ["grey-mean"]
        assert scan.models[0].provider == "CPUExecutionProvider"
        assert next(str(refusal) for refusal in scan.refusals).startswith("The model junk ")


def test_a_named_model_that_cannot_be_used_is_refused_at_the_start(choice: ModelChoice) -> None:
    with (
        Scan(Setup(ModelChoice(choice.folders, names=("beta",)))) as scan,
        pytest.raises(ModelRefusedError, match="no model 'beta'"),
    ):
        scan.start()


def test_a_crash_costs_one_row_and_says_how(case: Path) -> None:
    paths = [_png(case / f"{n} {'crash' if n == 3 else 'good'}.png", n) for n in range(8)]
    rows = _rows(paths)
    assert [row.status for row in rows] == ["ok"] * 3 + ["crashed"] + ["ok"] * 4
    assert rows[3].message == "Not analysed: its process was ended by SIGSEGV, 2 times."
    assert rows[3].sha256
    assert rows[3].size == paths[3].stat().st_size


def test_a_file_whose_worker_was_killed_from_outside_is_tried_again(case: Path) -> None:
    paths = [_png(case / f"{n} {'once' if n == 1 else 'good'}.png", n) for n in range(4)]
    assert [row.status for row in _rows(paths)] == ["ok"] * 4
    assert (case.parent / "crashed").exists()


def test_a_decoder_that_hangs_is_ended(case: Path, calls: Path) -> None:
    paths = [_png(case / f"{n} {'hang' if n == 2 else 'good'}.png", n) for n in range(6)]
    rows = _rows(paths, limits=Limits(seconds=2.0))
    assert [row.status for row in rows] == ["ok"] * 2 + ["timed_out"] + ["ok"] * 3
    assert rows[2].message == "Not analysed: it takes longer than 2 s, which is the limit."
    # One that takes too long is not tried again.
    assert Counter(calls.read_text().splitlines())[str(paths[2])] == 1


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no limit of memory here")
def test_a_decoder_that_takes_all_memory_costs_one_row(case: Path) -> None:
    paths = [_png(case / f"{n} {'greedy' if n == 1 else 'good'}.png", n) for n in range(4)]
    rows = _rows(paths, limits=Limits(memory=512 << 20))
    assert [row.status for row in rows] == ["ok", "too_large", "ok", "ok"]
    assert rows[1].message.startswith("Memory ran out")


def test_the_same_content_is_judged_once_and_reported_for_each_path(
    case: Path, calls: Path
) -> None:
    paths = [_png(case / f"{n}.png", n % 3) for n in range(30)]
    os.utime(paths[10], ns=(0, 1_000_000_007))
    rows = _rows(paths, jobs=3)
    assert [row.path for row in rows] == paths
    assert {row.status for row in rows} == {"ok"}
    assert len(calls.read_text().splitlines()) == 3
    originals = [row for row in rows if row.duplicate_of is None]
    assert len(originals) == 3
    by_path = {row.path: row for row in originals}
    for row in rows:
        if row.duplicate_of is not None:
            assert row.duplicate_of.read_bytes() == row.path.read_bytes()
            assert by_path[row.duplicate_of].verdicts == row.verdicts
    assert rows[10].modified_ns == 1_000_000_007


def test_duplicates_of_a_file_that_crashes_are_not_tried(case: Path, calls: Path) -> None:
    paths = [_png(case / f"{n} crash.png", 7) for n in range(5)]
    rows = _rows(paths, jobs=2)
    assert {row.status for row in rows} == {"crashed"}
    assert len(calls.read_text().splitlines()) == 2


def test_content_that_is_known_is_not_judged(case: Path, calls: Path) -> None:
    first, second = _png(case / "0.png", 5), _png(case / "1.png", 6)
    (before,) = _rows([first])
    calls.write_text("")
    known = {before.sha256: before}
    with Scan(Setup(ModelChoice(names=()), judge=faults.judge), 1) as scan:
        scan.start()
        done = list(scan.run(enumerate([first, second]), None, known.get))
    assert {one.number: one.outcome.row.status for one in done} == {0: "ok", 1: "ok"}
    assert calls.read_text().splitlines() == [str(second)]
    # The file itself is no duplicate of its earlier row.
    assert [one.outcome.row.duplicate_of for one in done] == [None, None]


def test_stopping_ends_within_a_moment_and_gives_up_what_is_under_way(case: Path) -> None:
    paths = [_png(case / f"{n:02} {'hang' if n == 2 else 'good'}.png", n) for n in range(40)]
    stop = threading.Event()
    numbers = []
    with Scan(Setup(ModelChoice(names=()), judge=faults.judge), 2) as scan:
        scan.start()
        for done in scan.run(enumerate(paths), stop):
            numbers.append(done.number)
            if len(numbers) == 5:
                stop.set()
                since = time.monotonic()
    assert time.monotonic() - since < 10  # the file that hangs would go on for 300 s
    assert len(numbers) == len(set(numbers)) < 40
    assert 2 not in numbers
    assert not multiprocessing.active_children()


def test_a_stop_while_the_models_load_is_a_cancellation(choice: ModelChoice) -> None:
    stop = threading.Event()
    stop.set()
    with Scan(Setup(choice)) as scan, pytest.raises(CancelledError):
        scan.start(stop)
    assert not multiprocessing.active_children()


def test_workers_that_never_start_end_the_scan_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "serve", faults.leave_at_once)
    with (
        Scan(Setup(ModelChoice(names=()))) as scan,
        pytest.raises(ElascopeError, match="its process ended with status 3, again and again"),
    ):
        scan.start()


def test_workers_killed_again_and_again_lose_no_file(case: Path) -> None:
    """Somebody kills workers while they work; each file has one row and nothing is lost."""
    paths = [_png(case / f"{n:02} slow.png", n) for n in range(16)]
    done: dict[int, Row] = {}
    with Scan(Setup(ModelChoice(names=()), judge=faults.judge), 2) as scan:
        scan.start()
        for one in scan.run(enumerate(paths)):
            assert one.number not in done
            done[one.number] = one.outcome.row
            if len(done) in (3, 8):
                for child in multiprocessing.active_children():
                    assert child.pid
                    os.kill(child.pid, signal.SIGKILL)
    assert sorted(done) == list(range(16))
    # A file that was hit both times may say so; all others are judged.
    assert Counter(row.status for row in done.values())["ok"] >= 14


def test_files_that_come_one_by_one_are_taken_one_by_one(case: Path) -> None:
    """Memory does not grow with the folder: few files are asked for ahead."""
    asked = 0

    def endless() -> Iterable[tuple[int, Path]]:
        nonlocal asked
        while True:
            asked += 1
            yield asked, _png(case / f"{asked}.png", asked % 256)

    with Scan(Setup(ModelChoice(names=())), 2) as scan:
        scan.start()
        for number, _ in enumerate(scan.run(endless()), start=1):
            assert asked <= number + 4
            if number == 30:
                break


def test_nothing_to_do_gives_nothing() -> None:
    assert _rows([]) == []
