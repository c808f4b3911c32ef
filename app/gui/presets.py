"""The user's own presets: named parameters, kept from one day to the next."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QWidget

from app.analysis.base import Analysis, Params
from app.errors import ElascopeError
from app.gui.map_panel import MapPanel
from app.gui.settings import Preset, Settings


class Presets(QObject):
    """Keeps the parameters of the map panel under a name, and offers them there again."""

    def __init__(self, panel: MapPanel, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._panel = panel
        self._settings = settings
        self._window = window
        panel.preset_saving.connect(self._keep)
        panel.changed.connect(lambda analysis, _: self._offer(analysis))
        self._offer(panel.analysis)

    def _keep(self) -> None:
        name, kept = QInputDialog.getText(
            self._window, "Keep parameters", "Name for these parameters:"
        )
        if kept and name.strip():
            analysis, params = self._panel.analysis, self._panel.form.params
            self._settings.add_preset(Preset(name.strip(), analysis.id, params.values()))
            self._offer(analysis)

    def _offer(self, analysis: Analysis) -> None:
        presets: dict[str, Params] = {}
        for preset in self._settings.presets(analysis.id):
            try:
                presets[preset.name] = preset.params(analysis.params)
            except ElascopeError:
                # Made by another version with other ranges; it stays in the settings.
                continue
        self._panel.set_presets(presets)
