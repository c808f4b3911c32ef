"""What the window tells of the models: their cards and the About box, once they are loaded."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QThreadPool
from PySide6.QtWidgets import QWidget

from app.detection.detector import Detector
from app.gui.dialogs import about, model_cards
from app.gui.jobs import Channel
from app.gui.models import Models
from app.gui.notice import Notice


class ModelPages(QObject):
    """Loads the models on a thread, and then opens a page on them."""

    def __init__(self, models: Models, notice: Notice, pool: QThreadPool, window: QWidget) -> None:
        super().__init__(window)
        self._models = models
        self._notice = notice
        self._window = window
        self._loading = Channel(pool, self)

    def show_cards(self) -> None:
        """Show the cards of all models, and why others are not used."""
        self._with_models(lambda found: model_cards(self._window, found, self._models.refusals))

    def show_card(self, name: str) -> None:
        """Show the card of one model."""
        self._with_models(
            lambda found: model_cards(self._window, [d for d in found if d.card.name == name], ())
        )

    def show_about(self) -> None:
        """Show versions and licences, and where the models really run."""
        self._with_models(lambda found: about(self._window, found))

    def _with_models(self, show: Callable[[tuple[Detector, ...]], Any]) -> None:
        def load(_: threading.Event) -> tuple[Detector, ...]:
            return self._models.load()

        failed = partial(self._notice.say_error, "The models could not be read.")
        self._loading.request("models", load, show, failed)
