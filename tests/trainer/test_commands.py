"""The trainer's command line: lists, completion, and what it says without its libraries."""

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainer.cli import main
from trainer.models.registry import MODELS
from trainer.recipes import RECIPES


def test_recipes_and_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        make.__name__ for make in RECIPES
    ]
    assert main(["models"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        family.name for family in MODELS
    ]


def test_every_recipe_names_a_model_that_there_is() -> None:
    names = {family.name for family in MODELS}
    assert {make().model for make in RECIPES} <= names


def test_completion_knows_commands_and_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--print-completion", "bash"])
    script = capsys.readouterr().out
    for word in ("ablate", "classic_cnn", "--learning-rate", "dropping"):
        assert word in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


def test_missing_library_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] in ("torch", "shtab"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    for name in [name for name in sys.modules if name.startswith("trainer.build")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["train", "smoke", "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install 'elascope[trainer]'" in error


@pytest.mark.parametrize("text", ["CASIA", "CASIA=much", "=1=2x"])
def test_weight_that_is_none_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "smoke", "--data", str(tmp_path), "--weight", text]) == 1
    assert "--weight needs CORPUS=NUMBER" in capsys.readouterr().err


def test_planes_are_not_for_ablation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--data", str(tmp_path / "set"), "--runs", str(tmp_path / "runs")]
    assert main(["ablate", "smoke", *where, "--planes", "rgb"]) == 1
    assert "leave --planes out" in capsys.readouterr().err
