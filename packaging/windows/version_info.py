"""What Windows shows of the executables in "Properties" and in the task manager."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import release

if TYPE_CHECKING:
    from PyInstaller.utils.win32.versioninfo import VSVersionInfo

DESCRIPTIONS = {
    "elascope": "Elascope on the command line",
    "elascope-window": "Elascope",
}
"""By the executable's name; the task manager lists processes by it."""

ENGLISH, UTF_16 = 0x0409, 0x04B0


def version_info(name: str) -> VSVersionInfo:
    """The resource of an executable, as PyInstaller takes it. Only on Windows.

    Args:
        name: of the executable, without its suffix.
    """
    from PyInstaller.utils.win32 import versioninfo as parts

    strings = [parts.StringStruct(key, value) for key, value in texts(name).items()]
    return parts.VSVersionInfo(
        ffi=parts.FixedFileInfo(filevers=numbers(), prodvers=numbers()),
        kids=[
            parts.StringFileInfo([parts.StringTable(f"{ENGLISH:04x}{UTF_16:04x}", strings)]),
            parts.VarFileInfo([parts.VarStruct("Translation", [ENGLISH, UTF_16])]),
        ],
    )


def texts(name: str) -> dict[str, str]:
    """The fields that people read."""
    return {
        "CompanyName": "The Elascope developers",
        "FileDescription": DESCRIPTIONS[name],
        "FileVersion": release.version(),
        "InternalName": name,
        "LegalCopyright": copyright_line(),
        "OriginalFilename": f"{name}.exe",
        "ProductName": "Elascope",
        "ProductVersion": release.version(),
    }


def numbers() -> tuple[int, int, int, int]:
    """The version as Windows compares it: four numbers, without what says that it is a trial."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release.version())
    if found is None:
        raise ValueError(f"{release.version()} has no numbers that Windows could compare.")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch or 0), 0


def copyright_line() -> str:
    """The line of the licence that says whose work this is."""
    text = (release.ROOT / "LICENSE").read_text("utf-8")
    return next(line for line in text.splitlines() if line.startswith("Copyright"))
