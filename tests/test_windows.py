"""What makes the installer for Windows, as far as another system can tell."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from app import __version__

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = (ROOT / "packaging" / "windows" / "elascope.iss").read_text("utf-8")
SPEC = (ROOT / "packaging" / "elascope.spec").read_text("utf-8")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a script of packaging/, which is no package."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("windows", "release"):
            del sys.modules[name]


def test_properties_of_the_executables(load: Callable[[str], ModuleType]) -> None:
    info = load("windows.version_info")
    for name in ("elascope", "elascope-window"):
        assert f'program("{name}"' in SPEC
        texts = info.texts(name)
        assert texts["OriginalFilename"] == f"{name}.exe"
        assert texts["FileVersion"] == texts["ProductVersion"] == __version__
        assert texts["LegalCopyright"] in (ROOT / "LICENSE").read_text("utf-8").splitlines()
    assert (
        info.texts("elascope")["FileDescription"]
        != info.texts("elascope-window")["FileDescription"]
    )


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.1.0", (0, 1, 0, 0)), ("1.2", (1, 2, 0, 0)), ("12.0.3rc1", (12, 0, 3, 0))],
)
def test_version_as_windows_compares_it(
    version: str,
    numbers: tuple[int, ...],
    load: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    info = load("windows.version_info")
    monkeypatch.setattr(info.release, "version", lambda: version)
    assert info.numbers() == numbers


def test_the_compiler_is_told_all_that_the_script_asks_for(
    load: Callable[[str], ModuleType],
) -> None:
    installer = load("windows.installer")
    given = installer.arguments("cpu", Path("dist", "cpu", "elascope"), [])
    defined = {word[2:].partition("=")[0] for word in given if word.startswith("/D")}
    assert defined == set(re.findall(r"\{#(\w+)\}", SCRIPT))
    assert Path(given[-1]) == ROOT / "packaging" / "windows" / "elascope.iss"
    assert "/DSigned" not in given


def test_nothing_is_signed_without_a_certificate(load: Callable[[str], ModuleType]) -> None:
    installer = load("windows.installer")
    assert installer.signtool({}) == []
    signing = installer.signtool({"ELASCOPE_CERTIFICATE": "AB12"})
    assert signing[:4] == ["signtool", "sign", "/sha1", "AB12"] and "/tr" in signing
    given = installer.arguments("cpu", Path("dist"), signing)
    assert "/DSigned" in given
    tool = next(word for word in given if word.startswith("/Ssigntool="))
    assert tool.endswith(" $f") and "/sha1 AB12" in tool


def test_a_program_for_another_system_is_no_matter_for_it(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installer = load("windows.installer")
    monkeypatch.setattr(sys, "argv", ["installer.py"])
    monkeypatch.setattr(installer.release, "folder", lambda flavour: tmp_path)
    with pytest.raises(SystemExit, match=r"has no elascope-window\.exe"):
        installer.main()


def test_files_that_the_script_names_are_there() -> None:
    here = ROOT / "packaging" / "windows"
    for name in ("LicenseFile", "SetupIconFile"):
        path = re.search(rf"^{name}=(.+)$", SCRIPT, re.MULTILINE)
        assert path is not None and (here / path[1].replace("\\", "/")).resolve().is_file()
    executables = set(re.findall(r"\{app\}\\([\w-]+)\.exe", SCRIPT))
    assert executables == set(re.findall(r'program\("([\w-]+)", console=False\)', SPEC))


def test_images_that_open_with_it_are_those_it_reads() -> None:
    """No suffix is registered that the program would refuse."""
    Image.init()
    listed = re.search(r"#dim Suffixes\[(\d+)\] \{(.+)\}", SCRIPT)
    assert listed is not None
    suffixes = re.findall(r'"(\.\w+)"', listed[2])
    assert len(suffixes) == int(listed[1]) and suffixes == sorted(suffixes)
    formats = {Image.EXTENSION[suffix] for suffix in suffixes}
    assert formats == {"AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"}
    # What is under "open with" only; nothing says that a double click opens it.
    assert 'Subkey: "Software\\Classes\\{#Suffixes[Index]}"; ValueType' not in SCRIPT


def test_what_is_written_is_taken_away() -> None:
    """Each line of the registry goes by itself, or is below a key that goes as a whole."""
    lines = re.findall(r'^Root: HKA; Subkey: "([^"]+)"(.*)$', SCRIPT, re.MULTILINE)
    assert len(lines) > 10
    whole = [key for key, rest in lines if "uninsdeletekey;" in rest]
    for key, rest in lines:
        below = any(key == other or key.startswith(other + "\\") for other in whole)
        assert below or "uninsdelete" in rest, key
    assert "SetPath(False)" in SCRIPT
