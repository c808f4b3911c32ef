"""Which of the installed models a scan asks."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.detection.card import ModelCard
from app.gui.words import plain_tooltip

_LONGEST = 60
"""Characters of a reason in the menu; the tooltip has all of it."""


class ModelsButton(QPushButton):
    """A button with a menu of the models; all are asked until one is left out.

    Signals:
        opening: the menu is about to be shown; hand it the models with `set_models`.
        changed: other models are to be asked.
    """

    opening = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Models", parent)
        self._left_out: set[str] = set()
        self._cards: tuple[ModelCard, ...] = ()
        self._refusals: tuple[str, ...] = ()
        self.choices = QMenu(self)
        self.choices.setToolTipsVisible(True)
        self.choices.aboutToShow.connect(self.opening)
        self.setMenu(self.choices)
        self.setToolTip(plain_tooltip("Which models a scan asks"))
        self._entry("The models are being read…")

    def asked(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the models called ``names`` that are to be asked."""
        return tuple(name for name in names if name not in self._left_out)

    def set_models(self, cards: Sequence[ModelCard], refusals: Sequence[str]) -> None:
        """Offer the models of ``cards``, and say why others are not used."""
        if (tuple(cards), tuple(refusals)) == (self._cards, self._refusals):
            return
        self._cards, self._refusals = tuple(cards), tuple(refusals)
        self.choices.clear()
        for card in cards:
            questions = " ".join(question.text for question in card.questions)
            action = self.choices.addAction(f"{questions} ({card.name})".replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(card.name not in self._left_out)
            action.setToolTip(plain_tooltip(f"{card.name} {card.version}: {card.summary}"))
            action.toggled.connect(lambda on, name=card.name: self._choose(name, on))
        for reason in refusals:
            short = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST].rstrip()}…"
            self._entry(short, reason)
        if not cards:
            self._entry("No model can be used: rows have no verdicts.")
        self._say()

    def fail(self, reason: str) -> None:
        """The models cannot be read."""
        self.choices.clear()
        self._entry(reason)

    def _choose(self, name: str, on: bool) -> None:
        (self._left_out.discard if on else self._left_out.add)(name)
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        names = [card.name for card in self._cards]
        asked = len(self.asked(names))
        if asked == len(names) and names:
            self.setText("Models")
        else:
            self.setText(f"Models: {asked} of {len(names)}" if asked else "Models: none")

    def _entry(self, text: str, reason: str = "") -> None:
        action = self.choices.addAction(text.replace("&", "&&"))
        action.setEnabled(False)
        if reason:
            action.setToolTip(plain_tooltip(reason))
