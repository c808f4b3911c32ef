"""Where the program finds what it ships with and keeps what belongs to the user."""

import os
import sys
from pathlib import Path


def frozen() -> bool:
    """Whether this is the program that PyInstaller builds, which brings its own Python along."""
    return bool(getattr(sys, "frozen", False))


def resources() -> Path:
    """The folder with models, samples and icons.

    It lies in the wheel and in the built program, or beside ``app`` in a checkout.
    """
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"


def licences() -> Path:
    """The folder with the licences of what the program is made of, or of what it brings along."""
    if not frozen():
        return resources() / "licences"
    beside = Path(sys.executable).resolve().parent
    # In a bundle of macOS the executable is in Contents/MacOS.
    return (beside.parent / "Resources" if sys.platform == "darwin" else beside) / "licences"


def user_data() -> Path:
    """The user's own folder for models and settings; it need not exist."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "elascope"


def user_cache() -> Path:
    """The user's own folder for what can be made again; it need not exist."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return base / "elascope" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "elascope"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elascope"


def backbone_folders() -> tuple[Path, ...]:
    """Where the networks are that several models share."""
    return user_data() / "backbones", resources() / "backbones"


def model_folders() -> tuple[Path, ...]:
    """Where models are looked for, the user's own folder first."""
    return user_data() / "models", resources() / "models"
