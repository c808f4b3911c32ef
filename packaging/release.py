"""What this checkout is: version, time, and the names of what is made from it."""

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAVOURS = ("cpu", "gpu", "cuda")


def version() -> str:
    """The version that the package states."""
    tree = ast.parse((ROOT / "app" / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name("__version__")], ast.Constant(str(value))):
                return value
    sys.exit("app/__init__.py states no version.")


def epoch() -> int:
    """Seconds since 1970 that everything made from this commit bears.

    Of the variable SOURCE_DATE_EPOCH (reproducible-builds.org) if it is set, as it is in a source
    archive's build; else of the commit; else 2026-01-01, so that two builds still agree.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal():
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return int(said)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 1_767_225_600


def system() -> str:
    """Such as linux-x86_64, for the names of files."""
    name = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    return f"{name}-{platform.machine().lower().replace('amd64', 'x86_64')}"


def name(flavour: str) -> str:
    """Such as elascope or elascope-gpu."""
    return "elascope" if flavour == "cpu" else f"elascope-{flavour}"


def artefact(flavour: str) -> str:
    """The name of what is published, without its suffix."""
    return f"{name(flavour)}-{version()}-{system()}"


def build(flavour: str) -> Path:
    """Where a flavour is made; nothing in it is for keeps."""
    return ROOT / "build" / flavour


def folder(flavour: str) -> Path:
    """The frozen program of a flavour."""
    return ROOT / "dist" / flavour / ("Elascope.app" if sys.platform == "darwin" else "elascope")


def internal(program: Path) -> Path:
    """Where the files of a frozen program are, but for the executables."""
    return program / "Contents" / "Resources" if program.suffix == ".app" else program / "_internal"


def executable(program: Path) -> Path:
    """The command of a frozen program."""
    if program.suffix == ".app":
        return program / "Contents" / "MacOS" / "elascope"
    return program / ("elascope.exe" if sys.platform == "win32" else "elascope")
