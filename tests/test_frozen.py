"""The program as PyInstaller builds it: what differs when ``sys.frozen`` is set.

The build itself is tested where it is made; here the program is told that it is one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli, paths
from app.cli.version import details
from tests.models import card, write_model
from tests.pictures import encoded, noise

# Runs app/__main__.py as the bootloader of PyInstaller does: as the main module, by its path.
_AS_BUILT = """
import multiprocessing, runpy, sys
sys.frozen = {frozen}
def told():
    print("support", "app" in sys.modules)
multiprocessing.freeze_support = told
sys.path.insert(0, {root!r})
runpy.run_path({main!r}, run_name="__main__")
"""

_WITHOUT_STREAMS = """
import sys
if __name__ == "__main__":
    sys.stdin = sys.stdout = sys.stderr = None
    from app.cli import main
    sys.exit(main())
"""


@pytest.mark.parametrize(("frozen", "told"), [(True, "support False\n"), (False, "")])
def test_the_entry_lets_worker_processes_work_before_anything_else(
    frozen: bool, told: str, repository: Path, tmp_path: Path
) -> None:
    main = str(repository / "app" / "__main__.py")
    code = _AS_BUILT.format(frozen=frozen, root=str(repository), main=main)
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{told}elascope {cli.__version__}\n"


def test_a_process_that_is_not_frozen_does_not_import_what_starts_processes() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "app", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "multiprocessing" not in done.stderr
    assert "argparse" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--version"], 0),
        (["--version", "--verbose"], 0),
        (["--help"], 0),
        (["--what"], 2),
        (["scan", "nowhere"], 1),
        (["scan", "case", "--csv", "report.csv", "--table"], 0),
        (["where", "case/a.png", "--model", "model.onnx"], 1),
        (["ela", "case/a.png", "--output", "map.png"], 0),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_without_a_console_there_are_no_streams_and_the_work_is_done(
    arguments: list[str], status: int, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "a.png").write_bytes(encoded(noise(40, 40), "PNG"))
    write_model(tmp_path / "model.onnx", card().to_json())
    program = tmp_path / "program.py"  # a file, which the scan's worker processes need
    program.write_text(_WITHOUT_STREAMS)
    done = subprocess.run(
        [sys.executable, program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    assert (tmp_path / "report.csv").exists() == ("report.csv" in arguments)
    assert (tmp_path / "map.png").exists() == ("map.png" in arguments)


def test_the_window_opens_without_streams(repository: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.stdin = sys.stdout = sys.stderr = None\n"
        "from app.gui import application\n"
        "class Brief(application.MainWindow):\n"
        "    def furnish(self, *more):\n"
        "        super().furnish(*more); self.close()\n"
        "application.MainWindow = Brief\n"
        "from app.cli import main; sys.exit(main([]))"
    )
    home = {name: str(tmp_path / name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **home, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program take this process for its build."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def test_the_program_knows_whether_it_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not paths.frozen()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert paths.frozen()


@pytest.mark.usefixtures("frozen")
def test_details_name_the_built_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elascope"))
    found = dict(details())
    assert (found["installed as"], found["installed in"]) == ("frozen program", str(tmp_path))


@pytest.mark.usefixtures("frozen")
def test_a_build_without_dask_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "app.scan.cluster", raising=False)
    monkeypatch.delattr("app.scan.cluster", raising=False)
    engine = ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"]
    assert cli.main(["scan", str(tmp_path), *engine]) == 1
    assert capfd.readouterr() == (
        "",
        "elascope: This build of Elascope has no engine dask: it lacks distributed. For a "
        "cluster, install Elascope as a Python package: pip install 'elascope[cluster]'\n",
    )


@pytest.mark.usefixtures("frozen")
def test_a_build_names_packages_of_the_system_and_no_script(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setitem(sys.modules, "app.gui.application", None)
    assert cli.main(["open"]) == 1
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "libegl1" in error
    assert "bootstrap" not in error
