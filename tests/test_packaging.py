"""What the frozen program is made of: pins, licences, what a smoke test may overlook, the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import numpy
import pytest
from packaging.markers import default_environment
from packaging.utils import canonicalize_name

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


# Pins ---------------------------------------------------------------------------------------------


def pinned(flavour: str) -> list[tuple[Requirement, int]]:
    """Each requirement of a flavour and how many hashes it has."""
    text = (ROOT / "packaging" / "requirements" / f"{flavour}.txt").read_text("utf-8")
    entries = text.replace("\\\n", " ").splitlines()
    return [
        (Requirement(line.partition(" --hash")[0].strip()), line.count("--hash=sha256:"))
        for line in entries
        if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("flavour", ["cpu", "gpu", "cuda"])
@pytest.mark.parametrize(
    ("platform", "machine"), [("linux", "x86_64"), ("win32", "AMD64"), ("darwin", "arm64")]
)
def test_pins_are_what_the_project_asks_for(flavour: str, platform: str, machine: str) -> None:
    """On each system, each dependency has one version, in the range that pyproject.toml gives."""
    system = {**default_environment(), "sys_platform": platform, "platform_machine": machine}
    versions = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin, _ in pinned(flavour)
        if pin.marker is None or pin.marker.evaluate(system)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [Requirement(line) for line in project["dependencies"]]
    for wanted in asked:
        if wanted.marker is not None and not wanted.marker.evaluate(system):
            continue
        name = canonicalize_name(wanted.name)
        if flavour == "cpu" and name == "onnxruntime-gpu":
            assert name not in versions
            name = canonicalize_name("onnxruntime")
        assert wanted.specifier.contains(versions[name]), wanted
    # The two wheels of onnxruntime share one folder.
    assert len({"onnxruntime", "onnxruntime-gpu"} & versions.keys()) == 1


def test_every_pin_has_hashes_and_one_version() -> None:
    releases = set()
    for flavour in ("cpu", "gpu", "cuda"):
        for pin, hashes in pinned(flavour):
            assert hashes and re.fullmatch(r"==[^,*]+", str(pin.specifier)), pin
            if pin.name.startswith("onnxruntime"):
                releases.add(str(pin.specifier))
    assert len(releases) == 1, "flavours compute with different versions"


# Licences -----------------------------------------------------------------------------------------


def test_files_are_traced_to_what_they_are_of(load: object) -> None:
    inventory = load("inventory")
    array = inventory.component_of(Path(numpy.__file__))
    assert (array.name, array.version) == ("numpy", numpy.__version__)
    assert any("BSD" in path.read_text("utf-8") for path in array.texts.values())
    stem = inventory.component_of(Path(re.__file__))
    assert stem.name == "python" and stem.version in sys.version
    assert any("PYTHON SOFTWARE FOUNDATION" in p.read_text("utf-8") for p in stem.texts.values())
    sample = inventory.component_of(ROOT / "resources" / "samples" / "splice.jpg")
    assert sample.name == "elascope" and "LICENSE" in sample.texts
    assert all(path.stat().st_size > 100 for path in sample.texts.values())


def test_a_library_of_the_system_has_a_package(load: object) -> None:
    inventory = load("inventory")
    path = Path("/usr/lib/x86_64-linux-gnu/libc.so.6")
    if not path.exists() or not Path("/var/lib/dpkg/status").exists():
        pytest.skip("not a Debian")
    component = inventory.of_debian(path)
    assert component.name == "libc6" and component.texts["copyright"].exists()


def test_what_belongs_to_nothing_ends_the_build(load: object, tmp_path: Path) -> None:
    inventory = load("inventory")
    inventory.of_package = lambda name: inventory.Component(name, "1")
    stray = tmp_path / "stray.so"
    stray.write_bytes(b"x")
    with pytest.raises(SystemExit, match=r"stray\.so"):
        inventory.components_of([("stray.so", stray)])


def test_qt_has_the_texts_that_its_wheels_lack(load: object) -> None:
    inventory = load("inventory")
    for name in inventory.ADDED_TEXTS:
        texts = inventory.of_package(name).texts
        assert "GNU LESSER GENERAL PUBLIC LICENSE" in texts["LGPL-3.0.txt"].read_text("utf-8")
        assert "GNU GENERAL PUBLIC LICENSE" in texts["GPL-3.0.txt"].read_text("utf-8")


# What the smoke test sees -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "trespass"),
    [
        ('9 openat(AT_FDCWD</home/x>, "a", O_WRONLY|O_CREAT, 0666) = 3</home/x/a>', False),
        ('9 openat(AT_FDCWD</etc>, "a", O_WRONLY|O_CREAT, 0666) = 3</etc/a>', True),
        ('9 openat(AT_FDCWD</etc>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>', False),
        ('9 openat(AT_FDCWD</opt>, "/opt/e/x.pyc", O_RDWR) = -1 EACCES (Permission denied)', False),
        ('9 openat(AT_FDCWD</opt>, "/opt/e/x.pyc", O_RDWR) = 5</opt/e/x.pyc>', True),
        ('9 rename("/home/x/a", "/home/x/b") = 0', False),
        ('9 rename("/home/x/a", "/home/xx/b") = 0', True),
        (r'9 mkdir("/home/x/\303\274 \"", 0777) = 0', False),
        ('9 unlinkat(3</opt/e>, "b", 0) = 0', True),
        ("9 socket(AF_INET6, SOCK_STREAM, 0) = 3", True),
        ("9 socket(AF_UNIX, SOCK_STREAM, 0) = 3", False),
        ("9 +++ exited with 0 +++", False),
    ],
)
def test_a_write_elsewhere_is_seen(load: object, line: str, trespass: bool) -> None:
    pytest.importorskip("PIL")
    assert load("smoke").is_trespass(line, ("/home/x", "/dev/null")) is trespass


# The wheel ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_wheel_has_resources_and_models(tmp_path: Path) -> None:
    """What pip and pipx install is whole, and has no tests in it."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", tmp_path, ROOT]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("elascope-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name: packed.getinfo(name).file_size for name in packed.namelist()}
    for path in (ROOT / "resources").rglob("*"):
        if path.is_file():
            name = f"app/{path.relative_to(ROOT).as_posix()}"
            assert inside.get(name) == path.stat().st_size, name
    assert {name.partition("/")[0] for name in inside if ".dist-info" not in name} == {
        "app",
        "trainer",
    }


def test_modules_and_files_are_left_out_by_real_names(load: object) -> None:
    """A pattern that is spelled wrong leaves nothing out, and nobody notices."""
    contents: ModuleType = load("contents")
    package = re.compile(r"[a-zA-Z_][\w.]*")
    assert all(package.fullmatch(name) for name in contents.EXCLUDED_MODULES)
    here = [name for name in contents.EXCLUDED_MODULES if "." not in name]
    known = sys.stdlib_module_names | {"dask", "distributed", "defusedxml", "typing_extensions"}
    assert set(here) - known <= {"_pyrepl"}  # of Python 3.13


def test_the_frozen_program_knows_the_versions_that_the_about_box_shows(load: object) -> None:
    from app.gui.dialogs import LIBRARIES

    shown = {canonicalize_name(name) for library in LIBRARIES for name in library.distributions}
    assert {canonicalize_name(name) for name in load("contents").RECORDED} == shown


def test_the_frozen_program_names_the_libraries_that_it_takes_from_the_system(
    load: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cli import window

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    named = set(re.findall(r"lib\S+", window._way_out().partition(" install ")[2]))
    inside = load("contents").FROM_THE_SYSTEM
    assert named == {
        package
        for library, package in load("bootstrap").DISPLAY.items()
        if not any(fnmatch(library, pattern) for pattern in inside)
    }
