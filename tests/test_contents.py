"""What of the wheels goes into the frozen program, on each of three systems.

The lists in `tests/collected` say it file by file. Those of Windows and macOS are of the wheels,
because nothing can be frozen for these systems on this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
LISTS = Path(__file__).resolve().parent / "collected"
SYSTEMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}

NEEDED = {
    "linux": (
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/platformthemes/libqxdgdesktopportal.so",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "PySide6/Qt/lib/libicudata.so.73",
        "PySide6/Qt/lib/libQt6XcbQpa.so.6",
        "libQt6Core.so.6",
        "libpython3.11.so.1.0",
        "libxcb-cursor.so.0",
        "cv2/cv2.abi3.so",
        "onnxruntime/capi/libonnxruntime_providers_shared.so",
    ),
    "windows": (
        "PySide6/Qt6Core.dll",
        "PySide6/Qt6Gui.dll",
        "PySide6/Qt6Svg.dll",
        "PySide6/Qt6Widgets.dll",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6/plugins/platforms/qoffscreen.dll",
        "PySide6/plugins/styles/qmodernwindowsstyle.dll",
        "PySide6/plugins/iconengines/qsvgicon.dll",
        "PySide6/plugins/imageformats/qsvg.dll",
        "PySide6/msvcp140.dll",
        "PySide6/vcruntime140_1.dll",
        "cv2/cv2.pyd",
        "onnxruntime/capi/onnxruntime.dll",
        "onnxruntime/capi/onnxruntime_providers_shared.dll",
        "numpy.libs/libscipy_openblas64_-63c857e738469261263c764a36be9436.dll",
    ),
    "macos": (
        "PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore",
        "PySide6/Qt/lib/QtCore.framework/Versions/Current",
        "PySide6/Qt/lib/QtCore.framework/Resources",
        "PySide6/Qt/lib/QtCore.framework/QtCore",
        "PySide6/Qt/lib/QtDBus.framework/Versions/A/QtDBus",
        "PySide6/Qt/lib/QtSvg.framework/Versions/A/QtSvg",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6/Qt/plugins/platforms/libqoffscreen.dylib",
        "PySide6/Qt/plugins/styles/libqmacstyle.dylib",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.dylib",
        "QtCore",
        "cv2/cv2.abi3.so",
        "onnxruntime/capi/libonnxruntime.1.31.1.dylib",
        "numpy/.dylibs/libscipy_openblas64_.dylib",
    ),
}
"""What the program does not run without, said a second time, so that nobody strikes it out."""

UNWANTED = ("network", "qml", "quick", "pdf", "virtualkeyboard", "ffmpeg", "tls/", "translations")


@dataclass
class File:
    """A line of a list.

    Attributes:
        path: inside the program.
        size: bytes; none for a link.
        stays: whether it belongs into the program.
        target: what it says if it is a link.
        source: where it lies on the machine that builds, if it is of no package.
        needs: paths of what it loads when it is loaded.
    """

    path: str
    size: int
    stays: bool
    target: str = ""
    source: str = ""
    needs: tuple[str, ...] = ()

    def entry(self) -> tuple[str, str, str]:
        """What PyInstaller has of it."""
        if self.target:
            return self.path, self.target, "SYMLINK"
        return self.path, self.source or f"/venv/site-packages/{self.path}", "BINARY"


@pytest.fixture
def contents(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("contents")


def read(system: str) -> list[File]:
    """The list of a system."""
    found = []
    for line in (LISTS / f"{system}.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        mark, size, path, *more = line.split(" ")
        file = File(path, int(size), mark == "+")
        match more:
            case ["=>", target]:
                file.target = target
            case ["<", source]:
                file.source = source
            case [":", *needs]:
                file.needs = tuple(needs)
        found.append(file)
    return found


@pytest.mark.parametrize("system", SYSTEMS)
def test_file_by_file(system: str, contents: ModuleType) -> None:
    files = read(system)
    kept = contents.select([file.entry() for file in files], SYSTEMS[system])
    assert {path for path, _, _ in kept} == {file.path for file in files if file.stays}


def test_backslashes_make_no_difference(contents: ModuleType) -> None:
    """PyInstaller writes them on Windows."""
    files = read("windows")
    entries = [(str(PureWindowsPath(file.path)), *file.entry()[1:]) for file in files]
    kept = {PureWindowsPath(path).as_posix() for path, _, _ in contents.select(entries, "win32")}
    assert kept == {file.path for file in files if file.stays}


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_needed_stays_and_what_is_not_goes(system: str) -> None:
    stays = {file.path for file in read(system) if file.stays}
    assert set(NEEDED[system]) <= stays
    assert not [path for path in stays if any(word in path.lower() for word in UNWANTED)]


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_nothing_that_stays_loads_what_is_left_out(system: str) -> None:
    files = read(system)
    gone = {file.path for file in files if not file.stays}
    assert sum(len(file.needs) for file in files) > 50
    assert not [(file.path, n) for file in files if file.stays for n in file.needs if n in gone]


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_qt_has_no_library_that_nothing_loads(system: str) -> None:
    files = {file.path: file for file in read(system) if file.stays and not file.target}
    libraries = {path for path in files if "/Qt6" in path or path.split("/")[-2:-1] == ["A"]}
    assert libraries
    assert libraries <= {needed for file in files.values() for needed in file.needs}


def test_links_are_followed_as_far_as_they_go(contents: ModuleType) -> None:
    links = {
        "a/Current": "A",
        "a/Resources": "Current/Resources",
        "up": "a/../b",
        "x": "y",
        "y": "x",
    }
    assert contents.followed("a/Resources/Info.plist", links) == "a/A/Resources/Info.plist"
    assert contents.followed("up", links) == "b"
    assert contents.followed("b/c", links) == "b/c"
    entries = [("x", "y", "SYMLINK"), ("y", "x", "SYMLINK"), ("gone", "nowhere", "SYMLINK")]
    assert contents.select(entries, "darwin") == []


def test_a_library_under_the_gpl_ends_the_build(contents: ModuleType) -> None:
    """As OpenCV's wheel for macOS has one."""
    path = "cv2/.dylibs/libx264.164.dylib"
    with pytest.raises(SystemExit, match=r"libx264\.164"):
        contents.select([(path, f"/venv/site-packages/{path}", "BINARY")], "darwin")
