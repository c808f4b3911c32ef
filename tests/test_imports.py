"""The import contracts hold, and each of them notices a violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """The packages and their configuration, to plant a violation in."""
    for name in ("app", "trainer"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / name, tmp_path / name, ignore=ignore)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_contract_holds(repository: Path) -> None:
    done = _lint(repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "statement", "contract", "chain"),
    [
        (
            "app/analysis/ela.py",
            "import PySide6",
            "Qt only in app.gui",
            "app.analysis.ela -> PySide6",
        ),
        (
            "app/cli/__init__.py",
            "import PySide6",
            "The command line reaches Qt through app.gui only",
            "app.cli -> PySide6",
        ),
        (
            "app/cli/scan.py",
            "import PySide6",
            "The command line reaches Qt through app.gui only",
            "app.cli.scan -> PySide6",
        ),
        (
            "app/__main__.py",
            "import PySide6.QtWidgets",
            "The command line reaches Qt through app.gui only",
            "app.__main__ -> PySide6",
        ),
        (
            "app/scan/pool.py",
            "import torch",
            "No training library in the program",
            "app.scan.pool -> torch",
        ),
        (
            "app/scan/pool.py",
            "from app.gui import application",
            "Data flows one way",
            "app.scan.pool -> app.gui",
        ),
        (
            "app/evidence/file.py",
            "import app.analysis.ela",
            "Data flows one way",
            "app.evidence.file -> app.analysis.ela",
        ),
        (
            "app/scan/pool.py",
            "import onnxruntime",
            "onnxruntime only in app.detection.session",
            "app.scan.pool -> onnxruntime",
        ),
        (
            "app/cli/__init__.py",
            "import trainer.recipes",
            "The program never imports the trainer",
            "app.cli -> trainer.recipes",
        ),
        (
            "app/cli/scan.py",
            "import distributed",
            "Dask, which opens sockets, only in app.scan.cluster",
            "app.cli.scan -> distributed",
        ),
        (
            "trainer/training/augment.py",
            "import app.scan.pool",
            "The trainer shares evidence, analysis and the model contract",
            "trainer.training.augment -> app.scan.pool",
        ),
    ],
    ids=[
        "Qt",
        "Qt in commands",
        "Qt in a command",
        "Qt in main",
        "torch",
        "gui",
        "layers",
        "onnxruntime",
        "trainer",
        "Dask",
        "scan in trainer",
    ],
)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, module: str, statement: str, contract: str, chain: str
) -> None:
    with (copy / module).open("a", encoding="utf-8") as source:
        source.write(f"\n{statement}\n")
    done = _lint(copy)
    text = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    assert "broken" in text
    # The summary has a line for each contract; the report on the broken ones follows it.
    summary, _, report = text.partition("Broken contracts")
    assert contract in report
    assert contract in summary
    assert chain in report


def test_a_new_module_without_a_place_in_the_layers_is_noticed(copy: Path) -> None:
    (copy / "app" / "settings.py").write_text('"""A module of no layer."""\n', encoding="utf-8")
    done = _lint(copy)
    text = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    summary, _, report = text.partition("Broken contracts")
    assert "Data flows one way" in summary
    assert "1 broken" in summary
    assert "not listed as layers: - app.settings" in report
