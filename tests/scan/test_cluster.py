"""A scan over a real Dask cluster: scheduler and worker processes on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import cli
from app.detection.library import ModelChoice
from app.errors import CancelledError, ElascopeError
from app.report.maps import MapFolder
from app.scan import examination
from app.scan.files import find_files
from app.scan.journal import Journal
from app.scan.pool import Done, Limits, Scan
from app.scan.rows import Row
from app.scan.work import Setup
from tests.models import card, write_model
from tests.pictures import encoded, noise
from tests.scan import faults

pytest.importorskip("distributed", reason="the extra elascope[cluster] is not installed")

import dask
import distributed
import psutil
from distributed import LocalCluster, Nanny, Scheduler, SpecCluster

from app.scan import cluster as module
from app.scan.cluster import ClusterScan

NO_MODELS = ModelChoice(names=())


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Into which workers write what they judge."""
    path = tmp_path_factory.mktemp("calls") / "calls"
    path.touch()
    return path


@pytest.fixture(scope="module")
def machines(calls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers with one thread each, which their nannies start again."""
    quiet = {"distributed.scheduler.allowed-failures": 1, "distributed.admin.tick.limit": "1h"}
    with (
        dask.config.set(quiet),
        LocalCluster(
            processes=True,
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=60,
            local_directory=str(tmp_path_factory.mktemp("dask")),
            env={faults.CALLS: str(calls)},
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def both(machines: LocalCluster) -> LocalCluster:
    """The cluster with both workers, also after one was killed."""
    with _client(machines) as client:
        client.wait_for_workers(2, timeout=60)
    return machines


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "grey-mean" / "model.onnx", card().to_json())


def _client(machines: Any) -> distributed.Client:
    return distributed.Client(machines.scheduler_address, set_as_default=False, timeout=60)


def _png(path: Path, grey: int) -> Path:
    path.write_bytes(encoded(np.full((24, 24, 3), grey, np.uint8), "PNG"))
    return path


def _scan(
    machines: Any,
    roots: Iterable[Path],
    models: ModelChoice = NO_MODELS,
    limits: Limits | None = None,
    **setup: Any,
) -> ClusterScan:
    setup = {"judge": faults.judge, **setup}
    return ClusterScan(machines.scheduler_address, Setup(models, **setup), limits, roots)


def _rows(scan: Any, paths: Iterable[Path]) -> list[Row]:
    """Rows as a report has them."""
    with Journal.begin(None) as journal, scan:
        scan.start()
        numbers = []
        for done in scan.run(enumerate(paths), None, journal.with_content):
            numbers.append(done.number)
            journal.add(done.number, done.outcome.row, done.outcome.preview)
        assert len(set(numbers)) == len(numbers)
        return list(journal.rows())


def _eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _judging(machines: LocalCluster) -> list[psutil.Process]:
    """The processes in which files are judged: children of the Dask workers."""
    found = []
    for nanny in machines.workers.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(nanny.pid).children()
            found += [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return found


def test_rows_are_those_of_the_local_engine(
    both: LocalCluster, case: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = encoded(noise(32, 32), "PNG")
    for number in range(12):
        _png(case / f"{number:02} good.png", number % 5)  # some have the same content
    (case / "broken.png").write_bytes(good[: len(good) // 2])
    (case / "text.jpg").write_text("no image at all")
    (case / "zipped.jpg").write_bytes(b"PK\x03\x04" + bytes(60))
    (case / "dangling.png").symlink_to(case / "nowhere")
    (case / os.fsdecode(b"caf\xe9\n.png")).write_bytes(good)
    os.mkfifo(case / "00 pipe.png")
    for number, fault in enumerate(("crash", "hang", "greedy")):
        _png(case / f"{fault}.png", 100 + number)
    monkeypatch.chdir(case.parent)
    root = Path("case")  # the workers have another working directory
    limits = Limits(seconds=5.0, memory=192 << 20)
    models = ModelChoice(names=(os.path.relpath(model),))
    setup = Setup(models, judge=faults.judge, previews=True)
    local = _rows(Scan(setup, 2, limits), find_files([root]))
    over_dask = _rows(_scan(both, [root], models, limits, previews=True), find_files([root]))
    assert {row.status for row in local} >= {"ok", "broken", "crashed", "timed_out", "too_large"}
    assert [row for row in local if row.verdicts and row.duplicate_of]
    assert over_dask == local


def test_what_is_known_of_the_cluster_after_the_start(both: LocalCluster, model: Path) -> None:
    with _scan(both, [], ModelChoice(names=(str(model),))) as scan:
        scan.start()
        assert [facts.card.name for facts in scan.models] == ["grey-mean"]
        assert scan.models[0].provider == "CPUExecutionProvider"
        assert scan.refusals == ()
        assert scan.jobs == 2
        assert scan.memory == Limits().memory_of(2)  # both workers are on one machine
        assert len(scan.hosts) == 1


def test_each_worker_judges_the_same_content_once(
    both: LocalCluster, case: Path, calls: Path
) -> None:
    calls.write_text("")
    paths = [_png(case / f"{number}.png", 7) for number in range(20)]
    rows = _rows(_scan(both, [case]), paths)
    assert [row.duplicate_of for row in rows] == [None] + [paths[0]] * 19
    assert 1 <= len(calls.read_text().splitlines()) <= 2


def test_a_worker_killed_in_mid_run_costs_no_row_and_doubles_none(
    both: LocalCluster, case: Path
) -> None:
    paths = [_png(case / f"{number:02} slow.png", number) for number in range(20)]
    done: dict[int, Row] = {}
    victim = next(iter(both.workers.values())).pid
    with _scan(both, [case]) as scan:
        scan.start()
        for one in scan.run(enumerate(paths)):
            assert one.number not in done
            done[one.number] = one.outcome.row
            if len(done) == 4:
                orphans = psutil.Process(victim).children()
                os.kill(victim, signal.SIGKILL)
    assert sorted(done) == list(range(20))
    assert [done[number].path for number in range(20)] == paths
    assert {row.status for row in done.values()} == {"ok"}
    assert orphans
    _eventually(lambda: not any(orphan.is_running() for orphan in orphans))


def test_a_file_whose_workers_are_lost_again_and_again_costs_one_row(
    both: LocalCluster, case: Path
) -> None:
    (row,) = _rows(_scan(both, [case], judge=_kill_dask_worker), [_png(case / "a.png", 1)])
    assert row.status == "crashed"
    assert row.message == "Not analysed: the workers that it was given to were lost, 2 times."


def _kill_dask_worker(*_: object) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def test_few_files_are_asked_for_ahead(both: LocalCluster, case: Path) -> None:
    asked = 0

    def endless() -> Iterator[tuple[int, Path]]:
        nonlocal asked
        while True:
            asked += 1
            yield asked, _png(case / f"{asked}.png", asked % 256)

    with _scan(both, []) as scan:
        scan.start()
        for number, _ in enumerate(scan.run(endless()), start=1):
            assert asked <= number + 3 * scan.jobs
            if number == 30:
                break


def test_stopping_ends_within_a_moment_and_ends_what_is_under_way(
    both: LocalCluster, case: Path
) -> None:
    paths = [
        _png(case / f"{number:02} {'hang' if number in (4, 7) else 'good'}.png", number)
        for number in range(40)
    ]
    stop = threading.Event()
    done: list[Done] = []
    with _scan(both, [case]) as scan:
        scan.start()
        for one in scan.run(enumerate(paths), stop):
            done.append(one)
            if len(done) == 4:
                assert _judging(both)
                stop.set()
                since = time.monotonic()
    # It waits a second for the workers to hear of it; the files that hang would take 300 s.
    assert time.monotonic() - since < 20
    assert len(done) < 40
    _eventually(lambda: not _judging(both))


def test_a_stop_before_the_start_is_a_cancellation(both: LocalCluster) -> None:
    stop = threading.Event()
    stop.set()
    with _scan(both, []) as scan, pytest.raises(CancelledError):
        scan.start(stop)


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="no /proc/self here")
@pytest.mark.parametrize("there", [None, "other", "more"])
def test_a_folder_that_workers_do_not_see_is_refused(
    both: LocalCluster, case: Path, monkeypatch: pytest.MonkeyPatch, there: str | None
) -> None:
    """The same path leads each process to its own working directory, as to its own disk."""
    _png(case / "a.png", 1)
    monkeypatch.chdir(case.parent)
    elsewhere = case.parent / "elsewhere"
    elsewhere.mkdir()
    if there:
        (elsewhere / "case").mkdir()
        _png(elsewhere / "case" / "a.png", 2 if there == "other" else 1)
        _png(elsewhere / "case" / "b.png", 3)
    with _client(both) as client:
        before = client.run(os.getcwd)
        client.run(os.chdir, str(elsewhere))
        root = Path("/proc/self/cwd/case")
        try:
            with _scan(both, [root]) as scan:
                if there == "more":
                    scan.start()  # as far as can be told it is the same
                    return
                with pytest.raises(ElascopeError) as caught:
                    scan.start()
        finally:
            client.run(os.chdir, next(iter(before.values())))
        workers = client.nthreads()
    sentence = caught.value.sentence
    assert sentence.split()[2] in workers
    assert f"does not see {root}," in sentence or f"the same under {root}:" in sentence
    assert ("differs or is missing" in sentence) == bool(there)


def test_another_version_is_refused(both: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "__version__", "9.9")
    with _scan(both, []) as scan, pytest.raises(ElascopeError) as caught:
        scan.start()
    sentence = caught.value.sentence
    assert sentence.startswith("The worker tcp://127.0.0.1:")
    assert "the program's version is " in sentence
    assert sentence.endswith("there and 9.9 elsewhere.")


def test_machines_that_differ_are_refused(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that joins in mid-run lacks a part of the program, and then has another model."""
    for home, centre in (("here", 128.0), ("there", 90.0)):
        target = tmp_path / home / "elascope" / "models" / "grey-mean" / "model.onnx"
        write_model(target, card().to_json(), centres={"logit": centre})
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "here"))
    models = ModelChoice((tmp_path / "here" / "elascope" / "models",), names=("grey-mean",))
    common = {"nthreads": 1, "silence_logs": 60, "local_directory": str(tmp_path)}
    here, there = (
        {"cls": Nanny, "options": {**common, "env": {"XDG_DATA_HOME": str(tmp_path / home)}}}
        for home in ("here", "there")
    )
    options = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
    scheduler = {"cls": Scheduler, "options": {**options, "dashboard": False}}
    paths = [_png(case / f"{number:02} slow.png", number) for number in range(40)]
    with (
        SpecCluster({"here": here}, scheduler, silence_logs=60) as machines,
        _client(machines) as client,
        _scan(machines, [case], models) as scan,
    ):
        scan.start()
        machines.worker_spec["there"] = there
        machines.sync(machines._correct_state)
        client.wait_for_workers(2, timeout=60)
        other = machines.workers["there"].worker_address
        # By built-in functions: this module's would import the program there.
        client.run(exec, "import sys; sys.modules['app.scan.member'] = None", workers=[other])
        with pytest.raises(ElascopeError) as caught:
            for _ in scan.run(enumerate(paths)):
                pass
        assert caught.value.sentence.startswith("A worker cannot do its part (ModuleNotFoundError")
        assert "the same version of the program" in caught.value.sentence

        client.run(exec, "import sys; del sys.modules['app.scan.member']", workers=[other])
        with _scan(machines, [], models) as again, pytest.raises(ElascopeError) as caught:
            again.start()
        sentence = caught.value.sentence
        assert sentence.startswith(f"The worker {other} is not like the others: the model ")
        assert "grey-mean is " in sentence


def test_a_folder_for_maps_that_workers_do_not_see_is_refused(
    both: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    setup = Setup(NO_MODELS, write_map=MapFolder(maps).write)
    with ClusterScan(both.scheduler_address, setup, output=maps) as scan:
        scan.start()
    assert list(maps.iterdir()) == []
    monkeypatch.chdir(tmp_path)
    unseen = Path("/proc/self/cwd/maps")
    with (
        ClusterScan(both.scheduler_address, setup, output=unseen) as scan,
        pytest.raises(ElascopeError, match="does not see the same under /proc/self/cwd/maps"),
    ):
        scan.start()
    assert list(maps.iterdir()) == []


@pytest.mark.parametrize("address", ["", "host", "http://host:80", "tcp://host:0", "h:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ElascopeError, match="A scheduler's address is like tcp://"):
        ClusterScan(address, Setup(NO_MODELS))


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CONNECT_SECONDS", 0.5)
    with (
        ClusterScan("tcp://127.0.0.1:1", Setup(NO_MODELS)) as scan,
        pytest.raises(ElascopeError, match="No Dask scheduler answers at tcp://"),
    ):
        scan.start()


def test_a_cluster_without_workers_and_a_lost_scheduler_are_told(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECT_SECONDS", 1.0)
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": 60}
    with LocalCluster(n_workers=0, **options) as empty:
        with (
            _scan(empty, []) as scan,
            pytest.raises(ElascopeError, match="has no workers"),
        ):
            scan.start()
        empty.scale(1)
        paths = [_png(case / f"{number} slow.png", number) for number in range(9)]
        monkeypatch.setattr(module, "_CONNECT_SECONDS", 8.0)
        with _scan(empty, [case]) as scan:
            scan.start()
            with pytest.raises(ElascopeError, match="The scan cannot go on: the Dask scheduler"):
                for _ in scan.run(enumerate(paths)):
                    empty.close()


# The command line --------------------------------------------------------------------------------


def _elascope(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_command_line_writes_the_same_report(
    both: LocalCluster, case: Path, model: Path
) -> None:
    for number in range(10):
        _png(case / f"{number}.png", 28 * number)
    target, maps = case.parent / "report.csv", case.parent / "maps"
    common = ["scan", case, "--csv", target, "--model", model, "--maps", maps]
    local = _elascope(*common)
    expected = target.read_bytes()
    target.unlink()
    done = _elascope(*common, "--engine", "dask", "--scheduler", both.scheduler_address)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == local.stdout
    assert target.read_bytes() == expected
    # All is in the journal.
    again = _elascope(
        *common, "--resume", "--engine", "dask", "--scheduler", both.scheduler_address
    )
    assert "Of these, 10 rows are from before and still stand." in again.stdout
    assert target.read_bytes() == expected


@pytest.mark.parametrize(
    "options",
    [
        ["--engine", "dask"],
        ["--scheduler", "tcp://127.0.0.1:1"],
        ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"],
        ["--engine", "spark"],
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    options: list[str], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["scan", str(case), *options])
    assert caught.value.code == 2
    assert "elascope scan: error: " in capsys.readouterr().err


def test_without_the_extra_it_is_named(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "app.scan.cluster")
    monkeypatch.delattr("app.scan.cluster")
    status = cli.main(["scan", str(case), "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"])
    assert status == 1
    error = capsys.readouterr().err
    assert error.startswith("elascope: The engine dask needs ")
    assert error.endswith("pip install 'elascope[cluster]'\n")
