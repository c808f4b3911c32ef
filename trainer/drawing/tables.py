"""A table in words, for the terminal and for pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        title: above it; may be empty.
        header: of the columns.
        rows: cells as text.
        note: below it; may be empty.
        words: how many columns from the left are text; the others are numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1
