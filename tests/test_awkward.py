"""Awkward targets, names and streams on the command line: one sentence, never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.atomic import write_bytes
from app.detection.card_document import parse_card
from app.detection.verdict import percent
from app.errors import ModelRefusedError, NotWrittenError
from app.scan.files import find_files
from tests.models import card, write_model


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("x")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.onnx", card().to_json())


def elascope(*arguments: object, redirect: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    if redirect:
        command = ["sh", "-c", f'"$@" {redirect}', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_table_says_the_reason_of_a_failed_row_once(file: Path, model: Path) -> None:
    printed = elascope("scan", file, "--table", "--model", model).stdout
    assert printed.count("Not analysed") == 1


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_target_that_is_no_file_is_refused_before_the_scan(
    make: Callable[[Path], None], file: Path, model: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    make(target)
    done = elascope("scan", file, "--csv", target, "--model", model)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "FILE", "--csv", "x" * 300),
        ("ela", "FILE", "--raw", "x" * 300),
        ("scan", "FILE", "--model", "x" * 300),
    ],
    ids=["report", "residual", "model"],
)
def test_name_that_is_too_long_is_one_sentence(arguments: tuple[str, ...], file: Path) -> None:
    done = elascope(*[file if word == "FILE" else word for word in arguments])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_link_in_a_circle_is_one_sentence(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("link")
    done = elascope("scan", file, "--csv", link)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    with pytest.raises(NotWrittenError):
        write_bytes(link, b"")
    with pytest.raises(NotWrittenError):
        write_bytes(tmp_path / ("x" * 300), b"")


def test_closed_standard_output_is_no_error(file: Path, model: Path) -> None:
    done = elascope("scan", file, "--model", model, redirect=">&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_standard_output_is_one_sentence(file: Path, model: Path) -> None:
    done = elascope("scan", file, "--model", model, redirect="> /dev/full")
    assert done.returncode == 1
    assert done.stderr == "elascope: The output could not be written: No space left on device.\n"


def test_bytes_of_a_name_are_shown_as_in_the_report(model: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9")
    path.write_text("x")
    assert r"caf\xe9 " in elascope("scan", path, "--table", "--model", model).stdout


def test_file_named_in_two_ways_is_listed_once_as_first_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    (file.parent / "b.txt").write_text("x")
    assert find_files([Path("b.txt"), Path("a.txt"), file]) == [Path("b.txt"), Path("a.txt")]


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.0, "0%"), (1e-6, "less than 0.01%"), (0.004, "0.4%"), (0.01, "1%"), (0.996, "100%")],
)
def test_rates_are_neither_rounded_to_zero_nor_in_powers_of_ten(rate: float, text: str) -> None:
    assert percent(rate) == text


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["results"].update(x=float("nan")),
        lambda d: d["results"].update(x="\ud800"),
        lambda d: d["training"]["config"].update(x=float("nan")),
        lambda d: d["training"]["versions"].update({"\ud800": "1"}),
    ],
    ids=["number", "text", "configuration", "key"],
)
def test_card_with_what_no_report_can_hold_is_refused(change: Callable[[Any], None]) -> None:
    document = json.loads(card().to_json())
    change(document)
    with pytest.raises(ModelRefusedError, match="cannot be written down"):
        parse_card(json.dumps(document), "m")
