import csv
import dataclasses
import errno
import fcntl
import hashlib
import io
import itertools
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import __version__
from app.analysis import ANALYSES, survey
from app.analysis.base import Analysis, Params, ParamSpec, parameter
from app.cli import main
from app.errors import BrokenImageError
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.report.record import RECORD_KEY
from app.report.replay import Outcome
from tests.models import card, question, write_model
from tests.pictures import encoded, hand_made_png, noise, pillow_residual, scene

EACH = pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "app", *map(str, arguments)]


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with changes to its environment."""
    return subprocess.run(
        _command(*arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def _main(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder instead of the user's and the shipped one."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr("app.cli.scan.model_folders", lambda: (folder,))
    return folder


@pytest.fixture
def model(models: Path) -> Path:
    return write_model(models / "grey-mean" / "model.onnx", card().to_json())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(scene(61, 83), "JPEG", quality=93))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, str]:
    """A folder ``case`` with one file of each kind; name to the status of its row."""
    case = tmp_path / "case"
    (case / "sub").mkdir(parents=True)
    png = encoded(noise(32, 32), "PNG")
    tiff = encoded(noise(32, 32), "TIFF", compression="tiff_deflate")
    contents = {
        "animated.gif": encoded(noise(32, 32), "GIF"),
        "cut.jpg": encoded(noise(64, 64), "JPEG")[:700],
        "cut.tif": tiff[: len(tiff) // 2],
        "damaged.tif": tiff[:40] + bytes(160) + tiff[200:],
        "empty.png": b"",
        "good.png": png,
        "huge.png": hand_made_png(100_000, 100_000, 8, 2, [b""]),
        "named-png.jpg": png,
        "=cmd.png": png,
        "new\nline.png": png,
        os.fsdecode(b"caf\xe9.png"): png,
        "phone.heic": bytes(3) + b"\x14ftypheic" + bytes(4) + b"heic" + bytes(40),
        "small.png": encoded(noise(8, 8), "PNG"),
        "sub/photo.jpg": encoded(noise(32, 32), "JPEG"),
        "text.txt": b"hello",
        "tiny.bmp": b"BM",
    }
    for name, content in contents.items():
        (case / name).write_bytes(content)
    os.mkfifo(case / "pipe.png")
    (case / "dangling.png").symlink_to(case / "nowhere")
    (case / "circle").symlink_to(case)
    broken, unsupported = (
        {"cut.jpg", "cut.tif", "damaged.tif", "tiny.bmp"},
        {"empty.png", "phone.heic", "text.txt"},
    )
    special = {"huge.png": "too_large", "pipe.png": "unreadable", "dangling.png": "unreadable"}
    return {
        name: special.get(name)
        or ("broken" if name in broken else "unsupported" if name in unsupported else "ok")
        for name in [*contents, "pipe.png", "dangling.png"]
    }


@pytest.mark.timeout(60)
def test_a_scan_of_one_file_of_each_kind_gives_a_row_each_and_is_quiet(
    tmp_path: Path, model: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.csv"
    assert _main("scan", tmp_path / "case", "--csv", target, "--jobs", 2) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines()[0].startswith(f"{len(folder)} of {len(folder)} files: ")
    assert out.splitlines()[1] == f"Report: {target}"
    rows = _rows(target)
    expected = {
        os.fsencode(tmp_path / "case" / name).decode("utf-8", "backslashreplace"): status
        for name, status in folder.items()
    }
    assert {row["path"]: row["status"] for row in rows} == expected
    assert len(rows) == len(expected)
    by_name = {Path(row["path"]).name: row for row in rows}
    assert by_name["named-png.jpg"]["format"] == "PNG"
    assert by_name["photo.jpg"]["tampered_state"] == "outside_validity"
    assert by_name["photo.jpg"]["tampered_score"] == ""
    assert 0 <= float(by_name["good.png"]["tampered_score"]) <= 1


def test_a_scan_in_a_process_of_its_own_is_quiet_too(
    tmp_path: Path, model: Path, folder: dict[str, str]
) -> None:
    target = tmp_path / "report.json"
    done = _run("scan", tmp_path / "case", "--json", target, "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(target.read_bytes())["rows"]
    assert sorted(row["status"] for row in rows) == sorted(folder.values())


def test_all_reports_have_the_same_rows(
    tmp_path: Path, model: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    as_csv, as_json, as_lines, as_page = (
        tmp_path / f"report.{suffix}" for suffix in ("csv", "json", "jsonl", "html")
    )
    targets = ("--csv", as_csv, "--json", as_json, "--jsonl", as_lines, "--html", as_page)
    assert _main("scan", tmp_path / "case", *targets) == 0
    rows = json.loads(as_json.read_bytes())["rows"]
    assert [row["sha256"] or "" for row in rows] == [row["sha256"] for row in _rows(as_csv)]
    assert [row["status"] for row in rows] == [row["status"] for row in _rows(as_csv)]
    assert [json.loads(line) for line in as_lines.read_bytes().splitlines()] == rows
    page = as_page.read_text("utf-8")
    assert f"{len(folder)} of {len(folder)} found" in page
    assert str(tmp_path / "case") in page
    assert "<summary>grey-mean 1.0" in page
    assert "not complete" not in page


def test_libraries_that_print_on_standard_error_are_silenced_during_a_scan(
    tmp_path: Path, model: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "case" / "damaged.tif"
    with pytest.raises(BrokenImageError):
        decode(open_evidence(damaged))
    assert "ZIPDecode" in capfd.readouterr().err
    assert _main("scan", damaged) == 0
    assert capfd.readouterr().err == ""


def test_evidence_and_its_folder_are_unchanged_by_a_scan(
    tmp_path: Path, model: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    def state() -> dict[str, tuple[int, int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_size, path.lstat().st_mode)
            for path in [tmp_path / "case", *(tmp_path / "case").rglob("*")]
        }

    before = state()
    assert _main("scan", tmp_path / "case", "--csv", tmp_path / "report.csv") == 0
    assert state() == before


def test_two_models_give_their_columns_in_the_order_named(
    tmp_path: Path, models: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("generated", "tampered"):
        document = card([question(name)], name=name).to_json()
        write_model(models / name / "model.onnx", document)
    target = tmp_path / "report.csv"
    _main("scan", photo, "--csv", target, "--model", "tampered", "generated")
    states = [name for name in _rows(target)[0] if name.endswith("_state")]
    assert states == ["tampered_state", "generated_state"]


def test_a_repeated_model_option_adds_to_the_ones_before(
    tmp_path: Path, models: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second", "third"):
        document = card([question(name)], name=name).to_json()
        write_model(models / name / "model.onnx", document)
    target = tmp_path / "report.csv"
    for _ in range(2):  # the second run must not inherit the models of the first
        options = ("--model", "third", "--csv", target, "--model", "first", "second")
        assert _main("scan", photo, *options) == 0
        states = [name for name in _rows(target)[0] if name.endswith("_state")]
        assert states == ["third_state", "first_state", "second_state"]


def test_a_broken_installed_model_is_one_line_and_the_others_are_asked(
    tmp_path: Path, photo: Path
) -> None:
    folder = tmp_path / "data" / "elascope" / "models"
    document = card([question("brightness")], name="good").to_json()
    write_model(folder / "good" / "model.onnx", document)
    (folder / "junk").mkdir()
    (folder / "junk" / "model.onnx").write_bytes(b"junk")
    target = tmp_path / "report.csv"
    done = _run("scan", photo, "--csv", target, XDG_DATA_HOME=str(tmp_path / "data"))
    assert done.returncode == 0
    assert done.stderr.startswith("elascope: The model junk ")
    assert done.stderr.count("\n") == 1
    (row,) = _rows(target)
    assert (row["status"], row["brightness_state"]) == ("ok", "outside_validity")
    named = _run("scan", photo, "--model", "junk", XDG_DATA_HOME=str(tmp_path / "data"))
    assert (named.returncode, named.stdout) == (1, "")
    assert named.stderr == done.stderr


def test_each_model_that_is_not_asked_is_one_line(
    tmp_path: Path, models: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c"):
        write_model(models / name / "model.onnx", card(name=name).to_json())
    assert _main("scan", photo) == 0
    assert capfd.readouterr().err == (
        "elascope: The model b is not asked: a already answers 'tampered'.\n"
        "elascope: The model c is not asked: a already answers 'tampered'.\n"
    )


def test_a_broken_model_alone_leaves_rows_without_verdicts(
    models: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (models / "junk").mkdir()
    (models / "junk" / "model.onnx").write_bytes(b"junk")
    assert _main("scan", photo) == 0
    out, err = capfd.readouterr()
    first, second = err.splitlines()
    assert first.startswith("elascope: The model junk ")
    assert second.endswith("rows have no verdicts.")
    assert out == "1 of 1 files: 1 ok\n"


def test_two_runs_give_the_same_bytes_whatever_the_number_of_threads(
    tmp_path: Path, model: Path, folder: dict[str, str]
) -> None:
    (tmp_path / "case" / "header.jpg").write_bytes(b"\xff\xd8\xff" + bytes(30))
    reports = []
    for run, jobs in enumerate((1, 2, 2)):
        target = tmp_path / f"{run}.json"
        done = _run("scan", tmp_path / "case", "--json", target, "--jobs", jobs, "--model", model)
        assert (done.returncode, done.stderr) == (0, "")
        reports.append(target.read_bytes())
    details = [row["detail"] for row in json.loads(reports[0])["rows"]]
    assert details.count("UnidentifiedImageError") >= 1
    assert reports[0] == reports[1] == reports[2]


def test_without_a_model_the_scan_says_so_and_still_lists_the_files(
    tmp_path: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.csv"
    assert _main("scan", photo, "--csv", target) == 0
    assert capfd.readouterr().err == "elascope: No model is installed; rows have no verdicts.\n"
    (row,) = _rows(target)
    assert (row["status"], row["width"], row["height"]) == ("ok", "83", "61")


def test_the_table_shows_each_file_with_its_answer_on_one_line(
    tmp_path: Path, model: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert _main("scan", tmp_path / "case", "--table", "--no-recursive") == 0
    lines = capfd.readouterr().out.splitlines()
    good = next(line for line in lines if line.startswith("good.png"))
    assert re.fullmatch(
        r"good\.png +ok +tampered: (positive|negative|inconclusive) [01]\.\d{3}", good
    )
    assert any(line.startswith("cut.jpg") and " broken " in line for line in lines)
    assert any(line.startswith(r"new\nline.png") for line in lines)
    assert not any(line.startswith("photo.jpg") for line in lines)
    assert lines[-1].startswith(f"{len(folder) - 1} of {len(folder) - 1} files: ")


def test_the_table_shows_line_ends_and_escape_codes_of_a_name_as_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case"
    case.mkdir()
    os.mkfifo(case / "pipe\n\x1b[31mx")
    shown, message = r"pipe\n\x1b[31mx", r"pipe\n\x1b[31mx is not a regular file."
    summary = "1 of 1 files: 1 unreadable\n"
    assert _main("scan", case, "--table") == 0
    assert capfd.readouterr().out == f"{shown:<36}  unreadable   {message}\n{summary}"


@pytest.mark.parametrize("name", [b"pipe\xff\nx", b"caf\xe9"])
def test_the_table_shows_odd_names_on_a_terminal_that_takes_utf_8_only(
    tmp_path: Path, model: Path, name: bytes
) -> None:
    pipe = tmp_path / os.fsdecode(name)
    os.mkfifo(pipe)
    done = _run("scan", pipe, "--table", "--model", model, PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 of 1 files: 1 unreadable\n")


def test_the_summary_shows_an_odd_report_name_on_a_terminal_that_takes_utf_8_only(
    tmp_path: Path, model: Path, photo: Path
) -> None:
    target = tmp_path / os.fsdecode(b"out\xff.csv")
    done = _run("scan", photo, "--csv", target, "--model", model, PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(f"Report: {tmp_path}{os.sep}out")
    assert len(_rows(target)) == 1


def test_subfolders_are_left_out_on_request(
    tmp_path: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.csv"
    _main("scan", tmp_path / "case", "--csv", target, "--no-recursive")
    assert len(_rows(target)) == len(folder) - 1


@pytest.mark.parametrize("flag", ["--csv", "--json"])
@pytest.mark.parametrize("name", ["case/good.png", "hard-link", "soft-link"])
def test_a_report_over_an_examined_file_is_refused(
    tmp_path: Path,
    folder: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    flag: str,
    name: str,
) -> None:
    evidence = tmp_path / "case" / "good.png"
    content = evidence.read_bytes()
    (tmp_path / "hard-link").hardlink_to(evidence)
    (tmp_path / "soft-link").symlink_to(evidence)
    assert _main("scan", tmp_path / "case", flag, tmp_path / name) == 1
    err = capfd.readouterr().err
    assert err == (
        f"elascope: {tmp_path / name} is one of the examined files; it is never overwritten. "
        "Choose a place outside the examined folder.\n"
    )
    assert evidence.read_bytes() == content
    assert (tmp_path / "soft-link").is_symlink()


@pytest.mark.parametrize("flag", ["--output", "--raw", "--record"])
def test_a_map_over_the_examined_image_is_refused(
    photo: Path, capfd: pytest.CaptureFixture[str], flag: str
) -> None:
    content = photo.read_bytes()
    assert _main("ela", photo, flag, photo.parent / "models" / ".." / "photo.jpg") == 1
    assert "it is never overwritten" in capfd.readouterr().err
    assert photo.read_bytes() == content


def test_a_missing_folder_is_one_sentence(tmp_path: Path, model: Path) -> None:
    gone = tmp_path / "gone"
    done = _run("scan", gone, "--csv", tmp_path / "report.csv", "--model", model)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"elascope: There is no file or folder {gone}.\n"
    assert not (tmp_path / "report.csv").exists()


def test_a_name_that_is_too_long_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    name = "x" * 300
    assert _main("scan", name) == 1
    assert capfd.readouterr() == ("", f"elascope: There is no file or folder {name}.\n")


@pytest.mark.parametrize(("gone", "kept"), [("--csv", "--json"), ("--json", "--csv")])
def test_a_report_in_a_missing_folder_is_refused_before_the_scan(
    tmp_path: Path,
    model: Path,
    photo: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
    kept: str,
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the scan was begun")

    monkeypatch.setattr("app.cli.scan.Scan", forbidden)
    missing, other = tmp_path / "missing", tmp_path / "report"
    assert _main("scan", photo, gone, missing / "report", kept, other) == 1
    assert capfd.readouterr() == ("", f"elascope: There is no folder {missing}.\n")
    assert not missing.exists()
    assert not other.exists()


@pytest.mark.parametrize("command", ["scan", "ela"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
    tmp_path: Path,
    model: Path,
    photo: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """``os.access`` is asked, since the user who runs the tests may write everywhere."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the work was begun")

    locked, real = tmp_path / "locked", os.access
    locked.mkdir()

    def access(path: str, mode: int, **options: bool) -> bool:
        return not (mode == os.W_OK and Path(path) == locked) and real(path, mode, **options)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr("app.cli.scan.Scan", forbidden)
    monkeypatch.setattr("app.cli.analyse.decode", forbidden)
    good, bad = ("--csv", "--json") if command == "scan" else ("--output", "--raw")
    assert _main(command, photo, good, tmp_path / "good.png", bad, locked / "bad.npy") == 1
    assert capfd.readouterr() == ("", f"elascope: The folder {locked} cannot be written to.\n")
    assert not (tmp_path / "good").exists()
    assert list(locked.iterdir()) == []


def test_a_report_that_cannot_be_written_is_one_sentence_and_costs_no_other_report(
    tmp_path: Path,
    model: Path,
    photo: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk only shows after the scan; what was computed is kept elsewhere."""
    (tmp_path / "rescue").mkdir()
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: str(tmp_path / "rescue"))
    real, failures = os.fsync, [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]

    def full_once(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_once)
    target, other = tmp_path / "report.csv", tmp_path / "report.json"
    assert _main("scan", photo, "--csv", target, "--json", other) == 1
    assert capfd.readouterr().err == (
        f"elascope: {target} could not be written: No space left on device. "
        f"It was written to {tmp_path / 'rescue' / 'report.csv'} instead.\n"
    )
    assert not target.exists()
    assert len(json.loads(other.read_bytes())["rows"]) == 1
    assert len(_rows(tmp_path / "rescue" / "report.csv")) == 1


@pytest.mark.parametrize("second", ["report", "sub/../report", "link"])
def test_two_reports_do_not_share_a_file(
    tmp_path: Path, model: Path, photo: Path, capfd: pytest.CaptureFixture[str], second: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "report")
    assert _main("scan", photo, "--csv", tmp_path / "report", "--json", tmp_path / second) == 1
    assert capfd.readouterr() == ("", "elascope: Two outputs cannot share one file.\n")
    assert not (tmp_path / "report").exists()


def test_an_unknown_model_is_one_sentence_with_the_known_ones(
    model: Path, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _main("scan", photo, "--model", "beta") == 1
    assert capfd.readouterr().err == (
        "elascope: There is no model 'beta'. Known models: grey-mean.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan"], "required: FOLDER"),
        (["scan", ".", "--jobs", "0"], "--jobs: must be a number from 1 on, not '0'"),
        (["scan", ".", "--jobs", "many"], "--jobs: must be a number from 1 on, not 'many'"),
        (["scan", ".", "--jobs=-1"], "--jobs: must be a number from 1 on, not '-1'"),
        (["scan", ".", "--jobs", "1.5"], "--jobs: must be a number from 1 on, not '1.5'"),
        (["ela"], "required: image"),
        (["ela", "x.jpg", "--param", "quality"], "--param: must be NAME=VALUE, not 'quality'"),
        (["ela", "x.jpg", "--depth", "3"], "unrecognized arguments: --depth 3"),
        (["analyse", "nonsense", "x.jpg"], "argument ANALYSIS: invalid choice: 'nonsense'"),
        (["analyse", "noise"], "required: image"),
        (["--depth", "analyse", "noise", "x.jpg"], "unrecognized arguments: --depth\n"),
        (["replay"], "required: RECORD"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capfd.readouterr().err


def test_wrong_usage_quotes_what_was_typed_on_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", ".", "--\x1b[31m\nred"])
    err = capfd.readouterr().err
    assert err.splitlines()[-1] == (r"elascope: error: unrecognized arguments: --\x1b[31m\nred")


@pytest.mark.parametrize("command", [("ela",), ("analyse", "noise")])
def test_an_analysis_without_an_output_is_one_sentence(
    photo: Path, capfd: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert _main(*command, photo) == 1
    sentence = "Nothing to write: give --output, --raw or --record."
    assert capfd.readouterr() == ("", f"elascope: {sentence}\n")


@pytest.mark.parametrize("command", [("ela",), ("analyse", "ela")])
@pytest.mark.parametrize("as_param", [False, True], ids=["flag", "--param"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("quality", "101", "Quality must lie between 1 and 100."),
        ("quality", "9" * 400, "Quality must lie between 1 and 100."),
        ("quality", "90.5", "Quality must be a number."),
        ("quality", "", "Quality must be a number."),
        ("scale", "nan", "Scale must lie between 1 and 100."),
        ("scale", "much", "Scale must be a number."),
        ("subsampling", "4:1:1", "Subsampling must be one of 4:4:4, 4:2:2, 4:2:0, as in file."),
    ],
)
def test_a_wrong_parameter_is_the_same_sentence_either_way_and_writes_nothing(
    photo: Path,
    capfd: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    as_param: bool,
    name: str,
    value: str,
    sentence: str,
) -> None:
    target = photo.parent / "map.png"
    option = ("--param", f"{name}={value}") if as_param else (f"--{name}", value)
    assert _main(*command, photo, "--output", target, *option) == 1
    assert capfd.readouterr() == ("", f"elascope: {sentence}\n")
    assert not target.exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("auto_gain=perhaps", "Auto gain must be yes or no."),
        (
            "depth=3",
            "Error Level Analysis has no parameter 'depth'. It has quality, subsampling, scale, "
            "channel, colours, auto_gain.",
        ),
    ],
)
def test_a_param_that_no_flag_can_say_is_one_sentence(
    photo: Path, capfd: pytest.CaptureFixture[str], given: str, sentence: str
) -> None:
    target = photo.parent / "map.png"
    assert _main("ela", photo, "--output", target, "--param", given) == 1
    assert capfd.readouterr() == ("", f"elascope: {sentence}\n")
    assert not target.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
@pytest.mark.parametrize("arguments", [("open",), ("open", "."), ()], ids=["open", "path", "bare"])
def test_the_window_without_a_display_is_one_sentence(arguments: tuple[str, ...]) -> None:
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    done = subprocess.run(
        _command(*arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if name not in shown},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "elascope: There is no display for the window. "
        "Without one, use elascope scan and elascope ela.\n"
    )


def test_a_window_whose_libraries_are_missing_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setitem(sys.modules, "app.gui.application", None)
    assert _main("open") == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("elascope: The window cannot be opened: ")
    assert "app.gui.application" in err
    assert "python3 packaging/bootstrap.py --libraries display" in err


def test_ela_of_what_is_no_image_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("hello")
    for path in (text, tmp_path / "gone.jpg", tmp_path):
        assert _main("ela", path, "--raw", tmp_path / "map.npy") == 1
        err = capfd.readouterr().err
        assert err.startswith("elascope: ")
        assert err.count("\n") == 1
    assert not (tmp_path / "map.npy").exists()


def test_ela_of_a_damaged_tiff_is_one_sentence_although_libtiff_prints_its_own(
    tmp_path: Path, folder: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "map.npy"
    assert _main("ela", tmp_path / "case" / "damaged.tif", "--raw", target) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("elascope: The TIFF data is broken: ")
    assert not target.exists()


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_ela_files_hold_pillows_residual_and_its_amplification(
    photo: Path, subsampling: str, capfd: pytest.CaptureFixture[str]
) -> None:
    picture, raw = photo.parent / "map.png", photo.parent / "map.npy"
    options = ("--quality", 80, "--subsampling", subsampling, "--scale", 12.5)
    assert _main("ela", photo, "--output", picture, "--raw", raw, *options) == 0
    assert capfd.readouterr() == ("", "")
    expected = pillow_residual(np.array(Image.open(photo)), 80, subsampling)
    assert np.array_equal(np.load(raw), expected)
    amplified = np.clip(np.rint(expected * 12.5), 0, 255)
    assert np.array_equal(np.array(Image.open(picture)), amplified)


def test_ela_with_auto_gain_reaches_white(photo: Path) -> None:
    target = photo.parent / "map.png"
    assert _main("ela", photo, "--output", target, "--auto-gain") == 0
    assert np.array(Image.open(target)).max() == 255
    assert _main("ela", photo, "--output", target, "--no-auto-gain", "--scale", 1) == 0
    assert np.array(Image.open(target)).max() < 255


def test_ela_of_12_megapixels_equals_pillows_residual_to_the_last_bit(tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    ramp = np.add.outer(np.arange(3000) // 16, np.arange(4000) // 32)[:, :, None] // 2
    grain = random.integers(0, 24, (188, 250, 3)).repeat(16, axis=0)[:3000].repeat(16, axis=1)
    grain[1200:1840, 1600:2400] = random.integers(0, 90, (640, 800, 3))
    pixels = (ramp + grain).astype(np.uint8)
    photo, picture, raw = (tmp_path / name for name in ("photo.jpg", "map.png", "map.npy"))
    photo.write_bytes(encoded(pixels, "JPEG", quality=95, subsampling=0))
    assert _main("ela", photo, "--output", picture, "--raw", raw, "--quality", 85) == 0
    with Image.open(photo) as image:
        assert image.size == (4000, 3000)
        expected = pillow_residual(np.array(image), 85, "4:2:0")
    assert expected.max() > 3
    assert np.array_equal(np.load(raw), expected)
    with Image.open(picture) as image:
        assert np.array_equal(np.array(image), np.minimum(expected * 15, 255))


def test_help_of_ela_lists_every_parameter_with_its_range(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ela", "--help"])
    assert caught.value.code == 0
    out = " ".join(capfd.readouterr().out.split())
    for words in ("--quality", "1 to 100; default 90", "4:4:4, 4:2:2, 4:2:0", "--no-auto-gain"):
        assert words in out


def _record(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@EACH
def test_help_of_each_analysis_lists_every_parameter_with_its_values(
    analysis: Analysis, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["analyse", analysis.id, "--help"])
    assert caught.value.code == 0
    out = " ".join(capfd.readouterr().out.split())
    assert " ".join(analysis.title.split()) in out
    for spec in analysis.params.specs():
        assert f"--{spec.name.replace('_', '-')}" in out
        assert f"{_allowed(spec)}." in out


def test_help_of_analyse_lists_the_flags_of_each_with_their_values(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["analyse", "--help"])
    assert caught.value.code == 0
    lines = [line.strip() for line in capfd.readouterr().out.splitlines()]
    starts = [lines.index(analysis.id) for analysis in ANALYSES]
    assert starts == sorted(starts)
    for analysis, start in zip(ANALYSES, starts, strict=True):
        rows = itertools.takewhile(bool, lines[start + 1 :])
        expected = [
            [f"--{'[no-]' if isinstance(spec.default, bool) else ''}{flag}", _allowed(spec)]
            for spec in analysis.params.specs()
            for flag in [spec.name.replace("_", "-")]
        ]
        assert [row.split(maxsplit=1) for row in rows] == expected


def _allowed(spec: ParamSpec) -> str:
    """What help says of the values of a parameter."""
    if isinstance(spec.default, bool):
        return f"yes or no; default {'yes' if spec.default else 'no'}"
    if spec.choices:
        return f"{', '.join(spec.choices)}; default {spec.default}"
    unit = f" {spec.unit}" if spec.unit else ""
    return f"{spec.minimum} to {spec.maximum}{unit}; default {spec.default}"


def test_the_range_of_a_parameter_in_help_has_its_unit(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["analyse", "ghosts", "--help"])
    out = " ".join(capfd.readouterr().out.split())
    assert "4 to 64 px; default 16." in out


def test_a_percent_sign_in_the_words_of_an_analysis_is_shown_as_it_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True, slots=True)
    class Shares(Params):
        share: float = parameter(5.0, help="At 5 % of it.", minimum=0.0, maximum=9.0, unit="%")

    shares = dataclasses.replace(ANALYSES[0], params=Shares, shows="What 5 % of it is.")
    monkeypatch.setattr("app.cli.analyse.ANALYSES", (shares,))
    for arguments, words in (
        (["analyse", shares.id, "--help"], "What 5 % of it is."),
        (["analyse", shares.id, "--help"], "At 5 % of it. 0.0 to 9.0 %; default 5.0."),
        (["analyse", "--help"], "--share 0.0 to 9.0 %; default 5.0"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert words in " ".join(capfd.readouterr().out.split())


def test_the_analyses_are_listed_with_their_titles(capfd: pytest.CaptureFixture[str]) -> None:
    assert _main("analyse", "--list") == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [[a.id, a.title] for a in ANALYSES]


def test_analyse_without_an_analysis_names_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert _main("analyse") == 1
    known = ", ".join(analysis.id for analysis in ANALYSES)
    assert capfd.readouterr().err == (
        f"elascope: Name an analysis and an image. Analyses: {known}.\n"
    )


@EACH
def test_each_analysis_writes_picture_array_and_record_of_one_run(
    analysis: Analysis, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture, raw, record = (photo.parent / name for name in ("map.png", "map.npy", "map.json"))
    arguments = ("--output", picture, "--raw", raw, "--record", record)
    assert _main("analyse", analysis.id, photo, *arguments) == 0
    assert capfd.readouterr() == ("", "")
    pixels = np.array(Image.open(photo))
    expected = analysis.run(pixels, analysis.params())
    assert np.array_equal(np.load(raw), expected.measurement)
    with Image.open(picture) as image:
        assert np.array_equal(np.array(image), expected.rendering.picture)
        assert json.loads(image.text[RECORD_KEY]) == _record(record)
    written = _record(record)
    assert written["method"] == analysis.id
    assert written["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert written["parameters"] == analysis.params().values()
    shown = expected.rendering.picture.tobytes()
    assert written["output"]["pixels_sha256"] == hashlib.sha256(shown).hexdigest()
    assert record.read_bytes().endswith(b"}\n")


@EACH
def test_every_parameter_can_be_given_as_flag_and_as_param(analysis: Analysis, photo: Path) -> None:
    """Each at another value than its default, both ways, in one run each."""
    flags: list[object] = []
    named: list[object] = []
    wanted: dict[str, object] = {}
    for spec in analysis.params.specs():
        flag = spec.name.replace("_", "-")
        if isinstance(spec.default, bool):
            wanted[spec.name] = not spec.default
            flags.append(f"--no-{flag}" if spec.default else f"--{flag}")
            named += ["--param", f"{spec.name}={'no' if spec.default else 'yes'}"]
            continue
        value: Any = spec.minimum
        if spec.choices:
            value = next(choice for choice in spec.choices if choice != spec.default)
        wanted[spec.name] = value
        flags += [f"--{flag}", value]
        named += ["--param", f"{flag}={value}"]
    assert all(wanted[spec.name] != spec.default for spec in analysis.params.specs())
    record = photo.parent / "map.json"
    for options in (flags, named):
        assert _main("analyse", analysis.id, photo, "--record", record, *options) == 0
        assert _record(record)["parameters"] == wanted


def test_the_last_word_on_a_parameter_counts(photo: Path) -> None:
    record = photo.parent / "map.json"
    options = ("--quality", 70, "--param", "quality=80", "--auto-gain", "--no-auto-gain")
    assert _main("ela", photo, "--record", record, *options) == 0
    assert _record(record)["parameters"]["quality"] == 80
    assert _record(record)["parameters"]["auto_gain"] is False
    assert _main("ela", photo, "--record", record, "--param", "quality=80", "--quality", 70) == 0
    assert _record(record)["parameters"]["quality"] == 70
    # Nothing of it is left for the next run.
    assert _main("ela", photo, "--record", record) == 0
    assert _record(record)["parameters"]["quality"] == 90


@pytest.mark.parametrize(("saved", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
@pytest.mark.parametrize("analysis", ["ela", "ghosts"])
def test_the_files_own_subsampling_is_what_the_record_has(
    analysis: str, saved: int, name: str, photo: Path
) -> None:
    photo.write_bytes(encoded(scene(61, 83), "JPEG", quality=93, subsampling=saved))
    record = photo.parent / "map.json"
    options = ("--subsampling", "as in file", "--record", record)
    assert _main("analyse", analysis, photo, *options) == 0
    assert _record(record)["parameters"]["subsampling"] == name


def test_ela_is_short_for_analyse_ela(photo: Path) -> None:
    short, long = photo.parent / "short.png", photo.parent / "long.png"
    options = ("--quality", 71, "--channel", "luma", "--colours", "viridis")
    assert _main("ela", photo, "--output", short, *options) == 0
    assert _main("analyse", "ela", photo, "--output", long, *options) == 0
    assert short.read_bytes() == long.read_bytes()


@pytest.mark.parametrize(
    ("flag", "name", "suffix"),
    [("--output", "map.jpg", "png"), ("--raw", "map", "npy"), ("--record", "map.png", "json")],
)
def test_a_name_that_promises_another_kind_of_file_is_refused(
    photo: Path, capfd: pytest.CaptureFixture[str], flag: str, name: str, suffix: str
) -> None:
    target = photo.parent / name
    assert _main("ela", photo, flag, target) == 1
    assert capfd.readouterr().err.startswith(f"elascope: {target} does not end in .{suffix},")
    assert not target.exists()
    assert _main("ela", photo, flag, photo.parent / f"MAP.{suffix.upper()}") == 0


@pytest.mark.parametrize("number", ["9_0", "\u0669\u0660"])
def test_a_number_is_written_in_digits_alone(
    photo: Path, capfd: pytest.CaptureFixture[str], number: str
) -> None:
    for option in (("--quality", number), ("--scale", number)):
        assert _main("ela", photo, "--output", photo.parent / "map.png", *option) == 1
        assert capfd.readouterr().err.endswith(" must be a number.\n")


def test_ctrl_c_while_the_flags_are_made_is_no_traceback(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.analyse.add_analyse", interrupted)
    assert _main("analyse", "ela", photo, "--output", photo.parent / "map.png") == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on memory")
@pytest.mark.parametrize("spare", [20, 60, 100])
@pytest.mark.parametrize("name", ["ghosts", "ela"])
def test_out_of_memory_is_one_sentence(tmp_path: Path, name: str, spare: int) -> None:
    """Whichever library is the first to be refused memory, at several moments of the work."""
    photo, target = tmp_path / "photo.png", tmp_path / "map.png"
    photo.write_bytes(encoded(np.tile(noise(500, 1000), (10, 5, 1)), "PNG", compress_level=1))
    program = (
        "import re, resource, sys\n"
        "from pathlib import Path\n"
        "import cv2, app.cli.analyse\n"
        "from app.evidence.decode import decode\n"
        "def limited(evidence):\n"
        "    image = decode(evidence)\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    used = int(re.search(r'VmSize:\\s+(\\d+)', status)[1])\n"
        f"    resource.setrlimit(resource.RLIMIT_AS, ((used << 10) + ({spare} << 20),) * 2)\n"
        "    return image\n"
        "app.cli.analyse.decode = limited\n"
        "app.cli.analyse.os.cpu_count = lambda: 1\n"
        "sys.exit(app.cli.main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "analyse", name, photo, "--output", target],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    # OpenCV's reader keeps it to itself and returns nothing; who comes first depends on threads.
    unread = "elascope: The JPEG round trip failed; the picture may not fit into memory."
    assert done.stderr.startswith(("elascope: Memory ran out", unread)), done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.glob("*.p*")] == ["photo.png"]


def test_so_is_out_of_memory_while_the_file_is_read(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("app.cli.analyse.open_evidence", starved)
    assert _main("ela", photo, "--output", photo.parent / "map.png") == 1
    assert capfd.readouterr() == ("", "elascope: Memory ran out.\n")


@EACH
@pytest.mark.parametrize("moment", ["decode", "measure"])
def test_ctrl_c_ends_an_analysis_with_nothing_written(
    analysis: Analysis,
    moment: str,
    photo: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signal comes while the file is read, or while its only band is measured."""
    place = "app.cli.analyse.decode" if moment == "decode" else "app.analysis.survey.heed"
    real = decode if moment == "decode" else survey.heed

    def interrupted(*arguments: Any) -> Any:
        result = real(*arguments)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(place, interrupted)
    before = sorted(photo.parent.iterdir())
    handler = signal.getsignal(signal.SIGINT)
    names = (("--output", "map.png"), ("--raw", "map.npy"), ("--record", "map.json"))
    outputs: list[object] = []
    for flag, name in names:
        outputs += [flag, photo.parent / name]
    assert _main("analyse", analysis.id, photo, *outputs) == 130
    assert capfd.readouterr() == ("", "")
    assert sorted(photo.parent.iterdir()) == before
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.timeout(120)
def test_ctrl_c_during_a_long_analysis_ends_it_soon_and_without_a_traceback(
    tmp_path: Path,
) -> None:
    """Its progress bar, which a short one never shows, is the sign that it has begun."""
    photo, target = tmp_path / "photo.png", tmp_path / "map.png"
    pixels = np.tile(noise(600, 1000), (8, 5, 1))
    photo.write_bytes(encoded(pixels, "PNG", compress_level=1))
    try:
        terminal, end = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal is to be had here: {error}")
    command = _command("analyse", "ghosts", photo, "--output", target, "--saves", 16)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=end, start_new_session=True
    ) as process:
        os.close(end)
        shown = b""
        deadline = time.monotonic() + 90
        while b"px/s" not in shown and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:  # the process has ended and closed its side
                    break
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0].decode()
    os.close(terminal)
    assert process.returncode == 130, (shown, out)
    assert b"Traceback" not in shown
    assert b"px/s" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "photo.png"]


@EACH
def test_a_written_record_is_replayed_to_the_same_picture(
    analysis: Analysis, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture, record = photo.parent / "map.png", photo.parent / "map.json"
    assert _main("analyse", analysis.id, photo, "--output", picture, "--record", record) == 0
    for source in (picture, record):
        assert _main("replay", source) == 0
        out, err = capfd.readouterr()
        assert err == ""
        assert len(out.splitlines()) > 2
        assert "with the same result" in out.splitlines()[-1]


def test_a_replay_that_differs_exits_with_1_and_says_so(
    photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    record, other = photo.parent / "map.json", photo.parent / "other.jpg"
    assert _main("ela", photo, "--record", record) == 0
    other.write_bytes(encoded(scene(61, 83), "JPEG", quality=50))
    assert _main("replay", record, "--image", other) == 1
    out, err = capfd.readouterr()
    assert err == ""
    assert "is not the file of this record" in out
    photo.rename(photo.parent / "elsewhere.jpg")
    assert _main("replay", record) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("elascope: The examined file photo.jpg does not lie beside the record.")
    assert _main("replay", record, "--image", photo.parent / "elsewhere.jpg") == 0


def test_what_is_no_record_is_one_sentence(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for path in (photo, photo.parent, photo.parent / "gone.json"):
        assert _main("replay", path) == 1
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("elascope: ")


def test_sentences_of_a_replay_are_printed_one_on_a_line(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def replayed(record: Path, image: Path | None, stop: threading.Event) -> Outcome:
        asked.extend((record, image, stop.is_set()))
        return Outcome(False, ("One\nname.", "Two\x1b[31m."))

    monkeypatch.setattr("app.cli.replay.replay_file", replayed)
    assert _main("replay", "a.json", "--image", "b.jpg") == 1
    assert asked == [Path("a.json"), Path("b.jpg"), False]
    assert capfd.readouterr() == ("One\\nname.\nTwo\\x1b[31m.\n", "")


def test_ctrl_c_ends_a_replay(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = photo.parent / "map.json"
    assert _main("ela", photo, "--record", record) == 0

    def interrupted(file: EvidenceFile) -> DecodedImage:
        signal.raise_signal(signal.SIGINT)
        return decode(file)

    monkeypatch.setattr("app.report.replay.decode", interrupted)
    assert _main("replay", record) == 130


def _imported(stderr: str) -> set[str]:
    """Top-level names from what ``python -X importtime`` prints."""
    lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    "flag", ["--version", "--help", "open --help", "scan --help", "replay --help"]
)
def test_version_and_help_import_nothing_heavy(flag: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "app", *flag.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    names = _imported(done.stderr)
    assert {"app", "argparse"} <= names
    assert not names & {"PySide6", "torch", "onnxruntime", "onnx", "numpy", "cv2", "PIL", "tqdm"}
    if flag == "--version":
        assert done.stdout == f"elascope {__version__}\n"


def test_a_scan_imports_neither_qt_nor_a_training_library(photo: Path, model: Path) -> None:
    code = (
        "import sys; from app.cli import main; status = main(sys.argv[1:]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules})); sys.exit(status)"
    )
    arguments = ["scan", photo, "--model", model, "--csv", photo.parent / "report.csv"]
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    names = set(done.stdout.splitlines()[-1].split())
    assert {"cv2", "PIL", "app"} <= names
    forbidden = {
        "PySide6",
        "torch",
        "torchvision",
        "timm",
        "onnx",
        "pandas",
        "matplotlib",
        "sklearn",
        "distributed",
        "dask",
    }
    assert not names & {*forbidden, "trainer"}


@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_scan_with_a_valid_partial_report(tmp_path: Path, model: Path) -> None:
    """The progress bar on a terminal is the sign that the scan has begun and counted a file."""
    case, target, count = tmp_path / "many", tmp_path / "report.csv", 400
    case.mkdir()
    picture = encoded(noise(150, 200), "PNG", compress_level=1)
    for number in range(count):
        # Each with a content of its own; what follows the picture is not looked at.
        (case / f"{number:03}.png").write_bytes(picture + bytes([number % 256, number // 256]))
    try:
        terminal, end = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal is to be had here: {error}")
    # A new pseudo-terminal has no columns, on which no bar is drawn.
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    command = [sys.executable, "-m", "app", "scan", case, "--csv", target]
    with subprocess.Popen(
        [*command, "--jobs", "1", "--model", model],
        stdout=subprocess.PIPE,
        stderr=end,
        start_new_session=True,
    ) as process:
        os.close(end)
        shown = b""
        deadline = time.monotonic() + 60
        while not re.search(rb"[1-9]\d*/400", shown) and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:  # the process has ended and closed its side
                    break
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0].decode()
    os.close(terminal)
    assert process.returncode == signal.SIGINT + 128, (shown, out)
    assert b"Traceback" not in shown
    rows = _rows(target)
    assert 0 < len(rows) < count
    assert [Path(row["path"]).name for row in rows] == [f"{i:03}.png" for i in range(len(rows))]
    assert {row["status"] for row in rows} == {"ok"}
    assert f"{len(rows)} of {count} files (stopped; {count - len(rows)} not reached)" in out
    assert target.read_bytes().endswith(b"\r\n")


def test_ctrl_c_while_files_are_looked_for_ends_without_a_traceback(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from app import cli; from app.scan import examination;"
        "examination.walk_files = lambda *_: [signal.raise_signal(signal.SIGINT)] and iter(());"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "scan", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == signal.SIGINT + 128, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("count", [1, 400], ids=["at the end", "in the table"])
def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path, model: Path, count: int) -> None:
    """One row waits in the buffer until the end; 400 are more than the buffer holds."""
    case = tmp_path / "case"
    case.mkdir()
    for number in range(count):
        (case / f"{number:03}.txt").touch()
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            _command("scan", case, "--table", "--model", model),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_scan_without_standard_error_writes_its_report(
    tmp_path: Path, model: Path, photo: Path
) -> None:
    target = tmp_path / "report.csv"
    command = _command("scan", photo, "--csv", target, "--model", model)
    done = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *command], stdout=subprocess.PIPE, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.endswith(f"Report: {target}\n")
    assert [row["status"] for row in _rows(target)] == ["ok"]


def test_standard_error_is_given_back_after_a_scan(
    photo: Path, model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    assert _main("scan", photo) == 0
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
    assert signal.getsignal(signal.SIGINT) is handler


def test_output_streams_are_plain_text_without_a_terminal(photo: Path, model: Path) -> None:
    other = photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    done = _run("scan", photo, other, "--table", "--model", model)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert len(io.StringIO(done.stdout).readlines()) == 3
