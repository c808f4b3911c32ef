"""A scan from the command line that is killed, cut short, out of room, and resumed."""

import contextlib
import csv
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from app.scan.journal import Journal, journal_of
from tests.models import card, write_model
from tests.pictures import encoded

COUNT = 60


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """Files of all kinds, each with its own content; some are damaged."""
    folder = tmp_path / "case"
    for number in range(COUNT):
        place = folder / f"{number // 20}"
        place.mkdir(parents=True, exist_ok=True)
        data = encoded(np.full((200, 200 + number, 3), number, np.uint8), "PNG")
        (place / f"{number:03}.png").write_bytes(data[:60] if number % 11 == 5 else data)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "grey-mean" / "model.onnx", card().to_json())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "report.csv"


def _command(case: Path, target: Path, model: Path, *options: str) -> list[str]:
    target.parent.mkdir(exist_ok=True)
    return [
        *(sys.executable, "-m", "app", "scan", str(case), "--csv", str(target)),
        *("--model", str(model), *options),
    ]


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = _command(*arguments)  # type: ignore[arg-type]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _rows(target: Path) -> list[dict[str, str]]:
    with target.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def _journalled(target: Path) -> list[str]:
    """Paths in the journal, by SQLite alone, from a copy: the disk may be full."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{journal_of(target)}{suffix}", f"{folder}/copy{suffix}")
        with contextlib.closing(sqlite3.connect(f"{folder}/copy")) as database:
            if not database.execute("SELECT * FROM sqlite_master").fetchall():
                return []  # killed before the tables were made
            rows = database.execute("SELECT path FROM rows ORDER BY number").fetchall()
            return [os.fsdecode(path) for (path,) in rows]


def test_killed_at_random_moments_a_scan_is_resumed_without_loss_or_repetition(
    case: Path, model: Path, target: Path, tmp_path: Path
) -> None:
    """Twenty kills; in the end the report is that of a scan that nothing happened to."""
    whole = tmp_path / "whole.csv"
    begun = time.monotonic()
    done = _run(case, whole, model)
    took = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    moments = random.Random(20)
    held: list[str] = []
    kills = 0
    for kill in range(20):
        options = ["--resume"] if journal_of(target).exists() else []
        with subprocess.Popen(
            _command(case, target, model, *options),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            # Some while the program starts, most while it judges.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.3, 0.95) * took)
            if process.poll() is None:
                kills += 1
                process.kill()
        if journal_of(target).exists():
            now = _journalled(target)
            assert len(now) == len(set(now))
            # What was in the journal stays there.
            assert set(held) <= set(now), kill
            held = now
    assert kills >= 3
    options = ["--resume"] if held else ["--restart"]
    # A kill while the report is written leaves a part of it; nobody is there to take it away.
    left = set(target.parent.glob(".*.part"))
    assert len(left) <= kills
    done = _run(case, target, model, *options)
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == whole.read_bytes()
    assert len(_rows(target)) == COUNT
    assert set(target.parent.glob(".*.part")) <= left


def test_workers_end_when_the_scan_was_killed(case: Path, model: Path, target: Path) -> None:
    marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    environment = {**os.environ, "ELASCOPE_TEST_MARKER": marker}
    with subprocess.Popen(
        _command(case, target, model), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while len(_marked(marker)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(_marked(marker)) >= 2
        process.kill()
    deadline = time.monotonic() + 30
    while _marked(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _marked(marker) == []


def _marked(marker: str) -> list[int]:
    """Processes with the marker in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marker.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def test_a_second_scan_does_not_throw_an_unfinished_one_away(
    case: Path, model: Path, target: Path
) -> None:
    _begin(case, model, target, 10)
    done = _run(case, target, model)
    assert done.returncode == 1
    assert "Go on with --resume, or begin anew with --restart." in done.stderr
    assert len(_journalled(target)) >= 10
    done = _run(case, target, model, "--restart")
    assert done.returncode == 0, done.stderr
    assert "are from before" not in done.stdout


def _begin(case: Path, model: Path, target: Path, count: int) -> None:
    """Leave a journal with ``count`` rows of a scan that ended early."""
    whole = target.with_name("whole.csv")
    done = _run(case, whole, model)
    assert done.returncode == 0, done.stderr
    shutil.copy(journal_of(whole), journal_of(target))
    with Journal.resume(journal_of(target)) as journal:
        journal.go_on()
        journal._database.execute("DELETE FROM rows WHERE number >= ?", (count,))


def test_resuming_does_again_only_what_changed(case: Path, model: Path, target: Path) -> None:
    _begin(case, model, target, 40)
    changed, vanished, added = (
        case / "0" / "003.png",
        case / "1" / "022.png",
        case / "0" / "new.png",
    )
    changed.write_bytes(encoded(np.full((50, 60, 3), 9, np.uint8), "PNG"))
    vanished.unlink()
    added.write_bytes(encoded(np.full((70, 60, 3), 9, np.uint8), "PNG"))
    done = _run(case, target, model, "--resume")
    assert done.returncode == 0, done.stderr
    assert "Of these, 38 rows are from before and still stand." in done.stdout
    rows = {Path(row["path"]).name: row for row in _rows(target)}
    assert len(rows) == len(_rows(target)) == COUNT + 1
    assert (rows["003.png"]["width"], rows["new.png"]["height"]) == ("60", "70")
    assert rows["022.png"]["message"].startswith("This file was not found again")
    assert list(rows)[-1] == "022.png"
    paths = [row["path"] for row in _rows(target)][:-1]
    assert paths == sorted(paths)


def test_resuming_with_another_model_is_refused(
    case: Path, model: Path, target: Path, tmp_path: Path
) -> None:
    _begin(case, model, target, 10)
    other = write_model(
        tmp_path / "other" / "grey-mean" / "model.onnx", card().to_json(), centres={"logit": 90.0}
    )
    done = _run(case, target, other, "--resume")
    assert done.returncode == 1
    assert "cannot be resumed: the model grey-mean was" in done.stderr
    assert not target.exists()
    assert len(_journalled(target)) == 10


def test_without_a_journal_nothing_can_be_resumed(case: Path, model: Path, target: Path) -> None:
    done = _run(case, target, model, "--resume")
    assert done.returncode == 1
    assert "There is no journal" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_leaves_a_valid_report_and_can_be_resumed(
    case: Path, model: Path, target: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        _command(case, target, model, "--jobs", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        # The journal has its first row: the scan is under way, and its handlers stand.
        while not _has_rows(target) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) in ((130, ""), (0, ""))
    rows = _rows(target)
    assert [Path(row["path"]).name for row in rows] == sorted(Path(r["path"]).name for r in rows)
    if process.returncode == 130:  # else it was done before the signal came
        assert len(rows) < COUNT
        assert "(stopped; " in out
        assert "go on with --resume" in out
        done = _run(case, target, model, "--resume")
        assert done.returncode == 0, done.stderr
    assert Counter(row["status"] for row in _rows(target)) == {"ok": 55, "broken": 5}


def _has_rows(target: Path) -> bool:
    wal = Path(f"{journal_of(target)}-wal")
    # Tables and facts take some pages; rows come after them.
    return wal.exists() and wal.stat().st_size > 100_000


def test_a_folder_that_is_deleted_during_the_scan_costs_no_row(
    case: Path, model: Path, target: Path, tmp_path: Path
) -> None:
    rescue = tmp_path / "rescue"
    rescue.mkdir()
    with subprocess.Popen(
        _command(case, target, model, "--jobs", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(rescue)},
    ) as process:
        deadline = time.monotonic() + 60
        while not journal_of(target).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        shutil.rmtree(target.parent, ignore_errors=True)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1, (out, err)
    assert "Traceback" not in err
    assert "It was written to" in err
    (saved,) = rescue.glob("elascope-report-*/report.csv")
    assert len(_rows(saved)) > 0


def _mounted(folder: Path, size: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True).returncode == 0
    return False


def test_a_full_disk_ends_the_scan_with_a_sentence_and_keeps_what_is_done(
    case: Path, model: Path, tmp_path: Path
) -> None:
    """A real small file system; only root may make one."""
    disk, rescue = tmp_path / "disk", tmp_path / "rescue"
    rescue.mkdir()
    if not _mounted(disk, "100k"):
        pytest.skip("no small file system can be mounted here")
    try:
        target = disk / "report.csv"
        done = subprocess.run(
            _command(case, target, model),
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "TMPDIR": str(rescue)},
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "could not be written: database or disk is full." in done.stderr
        kept = _journalled(target)
        assert 0 < len(kept) < COUNT
        (saved,) = [*rescue.glob("elascope-report-*/report.csv"), *disk.glob("report.csv")]
        assert [row["path"] for row in _rows(saved)] == kept
        # With room again it goes on.
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        done = _run(case, target, model, "--resume")
        assert done.returncode == 0, done.stderr
        assert len(_rows(target)) == COUNT
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
