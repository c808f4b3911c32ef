"""The workflows of GitHub say nothing that is not there; they cannot be run here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPT = re.compile(r"(?<![\w/.])((?:packaging|benchmarks|docs|\.ci)/[\w./-]+)")
TARGET = re.compile(r"(?:^|&& )make ([a-z]+)")
OPTION = re.compile(r"(?<!\S)(--[a-z-]+)")


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML takes the word `on` for a truth value."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def steps(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each step with the name of its job."""
    for name, job in read(path)["jobs"].items():
        for step in job["steps"]:
            yield name, step


def commands() -> list[str]:
    """Each line that some job runs."""
    found = [step.get("run", "") for path in WORKFLOWS for _, step in steps(path)]
    return [line for text in found for line in text.splitlines()]


def test_there_are_workflows_that_build_and_check() -> None:
    assert {path.stem for path in WORKFLOWS} == {"build", "check"}
    assert ".ci/run" in commands()
    jobs = read(ROOT / ".github" / "workflows" / "build.yml")["jobs"]
    assert {"linux", "windows", "macos"} <= jobs.keys()
    for system in ("linux", "windows", "macos"):
        lines = " ".join(step.get("run", "") for step in jobs[system]["steps"])
        assert "packaging/freeze.py" in lines and "packaging/smoke.py" in lines


def test_files_and_targets_that_are_run_exist() -> None:
    named = {path for line in commands() for path in SCRIPT.findall(line)}
    assert "packaging/freeze.py" in named
    assert all((ROOT / path).is_file() for path in named), named
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {target for line in commands() for target in TARGET.findall(line)}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_options_are_those_of_the_scripts() -> None:
    """Each option after a script of ours is a word that its parser knows."""
    for line in commands():
        script = next(iter(re.findall(r"(packaging/[\w./-]+\.py)", line)), None)
        if script is None:
            continue
        words = {
            node.value
            for node in ast.walk(ast.parse((ROOT / script).read_text("utf-8")))
            if isinstance(node, ast.Constant)
        }
        assert set(OPTION.findall(line.partition(script)[2])) <= words, line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_may_read_and_end_in_time(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 120
        if name != "release":
            assert "permissions" not in job
            continue
        # What may write is for tags, and runs nothing of the repository.
        assert "refs/tags/v" in job["if"]
        assert not any("checkout" in step.get("uses", "") for step in job["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_of_github_and_have_a_version(path: Path) -> None:
    used = {step["uses"] for _, step in steps(path) if "uses" in step}
    assert used and all(re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", name) for name in used)
