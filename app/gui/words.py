"""The words and colours of the four states, the same in every panel."""

from html import escape

from PySide6.QtGui import QColor

from app.detection.verdict import State

_WORDS = {
    State.POSITIVE: "positive",
    State.NEGATIVE: "negative",
    State.INCONCLUSIVE: "inconclusive",
    State.OUTSIDE_VALIDITY: "outside validity",
}

# Orange and blue stay apart for colour-blind readers; every use has the word beside it.
_COLOURS = {
    State.POSITIVE: "#d9730d",
    State.NEGATIVE: "#2f6fb0",
    State.INCONCLUSIVE: "#8a8a8a",
    State.OUTSIDE_VALIDITY: "#8a8a8a",
}


def state_word(state: State) -> str:
    """The state as the analyst reads it."""
    return _WORDS[state]


def state_colour(state: State) -> QColor:
    """The state's colour."""
    return QColor(_COLOURS[state])


def plain_tooltip(text: str) -> str:
    """Text that a tooltip shows as it is, even if a file's name looks like HTML."""
    return f"<span>{escape(text)}</span>".replace("\n", "<br>")
