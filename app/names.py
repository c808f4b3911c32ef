"""File names as text that can be shown; a name is any bytes without a zero and a slash."""

import unicodedata

_HIDDEN = ("Cc", "Cf", "Zl", "Zp")
"""Unicode categories: control, format (it holds those that turn the direction), line, paragraph."""


def printable(text: str) -> str:
    """Show bytes of a Linux file name that are not UTF-8 as a backslash, x and two digits."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """Text with names in it, fit for a line of a window or a terminal.

    Line ends, escape codes and the invisible characters that turn the direction of writing, with
    which a name can show another suffix than it has, become escapes: a backslash with a letter
    or a number.
    """
    shown = printable(text)
    if shown.isprintable():
        return shown
    return "".join(_escaped(c) if unicodedata.category(c) in _HIDDEN else c for c in shown)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
