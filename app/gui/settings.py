"""What the window remembers from one day to the next: an ini file in the user's own folder.

Every value is kept as plain text. A damaged file therefore never reaches Qt's own value
formats, and what cannot be read counts as not there. Where the file cannot be written, the
window works and forgets.

It is read before the window is seen, so nothing that takes long is imported here.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote_to_bytes

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow

from app.errors import InvalidParameterError
from app.gui.appearance import Appearance

if TYPE_CHECKING:
    from app.analysis.base import Params, ParamValue

LAYOUT_VERSION = 2
"""Raised whenever docks or toolbars come, go or change their names: older layouts are dropped."""

RECENT_FOLDERS = 10
"""How many opened folders are remembered."""

Use = Literal["open", "save"]
"""What a folder dialog is for. Reports must not be offered the evidence folder."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Parameters of one analysis under a name of the user's choice.

    Attributes:
        name: as the user gave it.
        analysis: the analysis' id.
        values: parameter name to value; parameters that are not in it have their defaults.
    """

    name: str
    analysis: str
    values: dict[str, ParamValue]

    def params(self, kind: type[Params]) -> Params:
        """The preset as a parameter set.

        Raises:
            InvalidParameterError: it was made for other parameters or ranges.
        """
        try:
            return kind(**self.values)
        except (TypeError, OverflowError) as error:
            raise InvalidParameterError(
                "It was made for other parameters of this analysis. Remove it and save it anew.",
                repr(error),
            ) from error


class Settings:
    """Typed access to one ini file. A value is in force at once and on disk soon after."""

    def __init__(self, path: Path) -> None:
        """Read ``path``, which need not exist; its folder is made when something is kept."""
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def sync(self) -> bool:
        """Write what is pending; False where the file cannot be written."""
        self._store.sync()
        return self._store.status() != QSettings.Status.AccessError

    # Window -----------------------------------------------------------------------------------

    def keep_layout(self, window: QMainWindow) -> None:
        """Remember size, place, docks and toolbars of ``window``."""
        self.keep_geometry(window)
        self._store.setValue("window/layout", _as_text(window.saveState(LAYOUT_VERSION)))

    def keep_geometry(self, window: QMainWindow) -> None:
        """Remember size and place of ``window`` alone, which may have no docks yet."""
        self._store.setValue("window/geometry", _as_text(window.saveGeometry()))

    def restore_geometry(self, window: QMainWindow) -> None:
        """Give ``window`` the size and place that are remembered; best before it is shown."""
        geometry = self._bytes("window/geometry")
        if not geometry.isEmpty():
            window.restoreGeometry(geometry)

    def restore_layout(self, window: QMainWindow) -> bool:
        """Put docks and toolbars where they were; False, and ``window`` unchanged, if none fits.

        They must exist and have object names, and ``window`` its size: docks share what there is.
        """
        layout = self._bytes("window/layout")
        if layout.isEmpty():
            return False
        before = window.saveState(LAYOUT_VERSION)
        if not window.restoreState(layout, LAYOUT_VERSION):
            window.restoreState(before, LAYOUT_VERSION)
            return False
        return True

    @property
    def appearance(self) -> Appearance:
        """The chosen colours; the system's unless another was chosen."""
        name = self._text("window/appearance").upper()
        return Appearance.__members__.get(name, Appearance.SYSTEM)

    @appearance.setter
    def appearance(self, appearance: Appearance) -> None:
        self._store.setValue("window/appearance", appearance.name.lower())

    @property
    def folder_order(self) -> str:
        """The word for the order of the folder list; empty when none was chosen."""
        return self._text("folder/order")

    @folder_order.setter
    def folder_order(self, word: str) -> None:
        self._store.setValue("folder/order", word)

    # Folders ----------------------------------------------------------------------------------

    @property
    def recent_folders(self) -> tuple[Path, ...]:
        """Opened folders, the newest first. They may be gone by now."""
        names = self._list("folder/recent")
        folders = [_path_of(name) for name in names if isinstance(name, str)]
        return tuple(folder for folder in folders if folder)[:RECENT_FOLDERS]

    def add_recent_folder(self, folder: Path) -> None:
        """Put ``folder`` first; the eleventh is forgotten."""
        folder = folder.absolute()
        others = [other for other in self.recent_folders if other != folder]
        self._keep_recent([folder, *others][:RECENT_FOLDERS])

    def forget_recent_folders(self) -> None:
        """Forget all of them; names of folders can say something about a case."""
        self._keep_recent([])

    def _keep_recent(self, folders: list[Path]) -> None:
        self._store.setValue("folder/recent", json.dumps([_name_of(path) for path in folders]))

    def directory(self, use: Use) -> Path | None:
        """Where a dialog for ``use`` was last answered; None if never. It may be gone by now."""
        return _path_of(self._text(f"dialogs/{use}"))

    def keep_directory(self, use: Use, folder: Path) -> None:
        """Remember where a dialog for ``use`` was answered."""
        self._store.setValue(f"dialogs/{use}", _name_of(folder))

    # Presets ----------------------------------------------------------------------------------

    def presets(self, analysis: str) -> tuple[Preset, ...]:
        """The user's presets for the analysis with this id, in the order of their names."""
        found = [preset for preset in self._all_presets() if preset.analysis == analysis]
        return tuple(sorted(found, key=lambda preset: (preset.name.casefold(), preset.name)))

    def add_preset(self, preset: Preset) -> None:
        """Keep ``preset``; one of the same name and analysis is replaced."""
        self.remove_preset(preset)
        self._keep_presets([*self._all_presets(), preset])

    def remove_preset(self, preset: Preset) -> None:
        """Forget the preset with this name and analysis, if there is one."""
        same = (preset.name, preset.analysis)
        others = [p for p in self._all_presets() if (p.name, p.analysis) != same]
        self._keep_presets(others)

    def _all_presets(self) -> list[Preset]:
        presets = (_preset_of(entry) for entry in self._list("analysis/presets"))
        return [preset for preset in presets if preset]

    def _keep_presets(self, presets: list[Preset]) -> None:
        self._store.setValue("analysis/presets", json.dumps([asdict(p) for p in presets]))

    # Reading ----------------------------------------------------------------------------------

    def _text(self, key: str) -> str:
        value = self._store.value(key)
        return value if isinstance(value, str) else ""

    def _bytes(self, key: str) -> QByteArray:
        return QByteArray.fromBase64(QByteArray(self._text(key).encode("utf-8", "replace")))

    def _list(self, key: str) -> list[Any]:
        try:
            value = json.loads(self._text(key))
        except (ValueError, RecursionError):
            return []
        return value if isinstance(value, list) else []


def _as_text(content: QByteArray) -> str:
    return bytes(content.toBase64().data()).decode("ascii")


def _name_of(path: Path) -> str:
    """ASCII for any path, bytes that are no UTF-8 included."""
    return quote(os.fsencode(path))


def _path_of(name: str) -> Path | None:
    path = os.fsdecode(unquote_to_bytes(name))
    return Path(path) if path and "\0" not in path else None


def _preset_of(entry: Any) -> Preset | None:
    """None for what is not a preset; whether its values fit is seen when it is used."""
    if not isinstance(entry, dict):
        return None
    name, analysis, values = (entry.get(key) for key in ("name", "analysis", "values"))
    if not (isinstance(name, str) and isinstance(analysis, str) and isinstance(values, dict)):
        return None
    plain = all(isinstance(value, int | float | str | bool) for value in values.values())
    return Preset(name, analysis, values) if name and plain else None
