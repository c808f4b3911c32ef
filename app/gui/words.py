"""The words and colours of the four states, the same in every panel."""

from html import escape

from PySide6.QtGui import QColor, QPalette

from app.detection.verdict import State

_WORDS = {
    State.POSITIVE: "positive",
    State.NEGATIVE: "negative",
    State.INCONCLUSIVE: "inconclusive",
    State.OUTSIDE_VALIDITY: "outside validity",
}

# Orange and blue stay apart for colour-blind readers; every use has the word beside it. The
# first is for light windows, the second for dark and black ones.
_COLOURS = {
    State.POSITIVE: ("#a8500a", "#ffa64d"),
    State.NEGATIVE: ("#1f5fa8", "#82bbf5"),
    State.INCONCLUSIVE: ("#5f5f5f", "#b5b5b5"),
    State.OUTSIDE_VALIDITY: ("#5f5f5f", "#b5b5b5"),
}


def state_word(state: State) -> str:
    """The state as the analyst reads it."""
    return _WORDS[state]


def state_colour(state: State, palette: QPalette) -> QColor:
    """The state's colour, readable as text on the windows of ``palette``."""
    light, dark = _COLOURS[state]
    return QColor(light if palette.color(QPalette.ColorRole.Window).lightness() > 127 else dark)


def plain_tooltip(text: str) -> str:
    """Text that a tooltip shows as it is, even if a file's name looks like HTML."""
    return f"<span>{escape(text)}</span>".replace("\n", "<br>")
