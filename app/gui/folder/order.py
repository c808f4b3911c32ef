"""Which files of the folder are shown, and in which order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from pathlib import Path
from typing import Any

from app.detection.verdict import State
from app.gui.folder.listing import FolderEntry
from app.scan.rows import Row


class Sort(Enum):
    """What the list is ordered by; the value is the text in the window."""

    FOLDER = "Folder order"
    NAME = "Name"
    DATE = "Date"
    SIZE = "Size"
    STATE = "State"
    SCORE = "Score"

    @property
    def needs_answers(self) -> bool:
        """Whether the order changes when answers arrive."""
        return self in (Sort.STATE, Sort.SCORE)


class Answer(Enum):
    """What is known of a file, in the order of the list; the value is the text in the window."""

    POSITIVE = "positive"
    INCONCLUSIVE = "inconclusive"
    NEGATIVE = "negative"
    OUTSIDE_VALIDITY = "outside validity"
    NOT_ANALYSED = "not analysed"
    NOT_SCANNED = "not scanned"


_OF_STATE = {
    State.POSITIVE: Answer.POSITIVE,
    State.INCONCLUSIVE: Answer.INCONCLUSIVE,
    State.NEGATIVE: Answer.NEGATIVE,
    State.OUTSIDE_VALIDITY: Answer.OUTSIDE_VALIDITY,
}
_RANK = {answer: rank for rank, answer in enumerate(Answer)}


Answered = tuple[Answer, float | None]
"""Answer and score for the chosen question."""

NO_ANSWER: Answered = (Answer.NOT_SCANNED, None)

Marked = tuple[str, bool]
"""The analyst's word for a file, empty without one, and whether there is a note on it."""

NO_MARK: Marked = ("", False)


@dataclass(frozen=True, slots=True)
class Order:
    """What the list is ordered by."""

    by: Sort = Sort.FOLDER
    descending: bool = False


class MarkChoice(Enum):
    """Choices by mark that are not one mark's word; the value is the text in the window."""

    MARKED = "marked"
    NOTED = "with a note"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files are shown; the default shows all.

    Attributes:
        text: part of the name as it is shown; upper and lower case are the same.
        answer: None for all.
        mark: a mark's word, a `MarkChoice`, or None for all.
    """

    text: str = ""
    answer: Answer | None = None
    mark: str | MarkChoice | None = None


def answer_of(row: Row, question: str) -> Answered:
    """Answer and score of a scan's row for one question."""
    if row.status != "ok":
        return Answer.NOT_ANALYSED, None
    verdict = next((v for v in row.verdicts if v.question == question), None)
    if verdict is None:
        return NO_ANSWER
    return _OF_STATE[verdict.state], verdict.score


def ordered(
    entries: Sequence[FolderEntry], order: Order, answers: Mapping[Path, Answered]
) -> list[int]:
    """The indices of ``entries`` in the wished order.

    Files without the value that is asked for come last in both directions, and equal ones stay in
    the order of the folder.
    """
    indices = range(len(entries))
    if order.by is Sort.FOLDER:
        return list(reversed(indices) if order.descending else indices)
    values: list[Any]
    if order.by.needs_answers:
        known = (answers.get(entry.path, NO_ANSWER) for entry in entries)
        values = [_RANK[answer] if order.by is Sort.STATE else score for answer, score in known]
    else:
        values = list(map(_VALUES[order.by], entries))
    having = [index for index in indices if values[index] is not None]
    having.sort(key=values.__getitem__, reverse=order.descending)
    return having + [index for index in indices if values[index] is None]


_VALUES = {
    Sort.NAME: attrgetter("rank"),
    Sort.DATE: attrgetter("modified"),
    Sort.SIZE: attrgetter("size"),
}


def passing(
    entries: Sequence[FolderEntry],
    order: Iterable[int],
    wanted: Filter,
    answers: Mapping[Path, Answered],
    marks: Mapping[Path, Marked],
) -> list[int]:
    """Those of the indices ``order`` whose files are wanted."""
    if wanted == Filter():
        return list(order)
    text = wanted.text.casefold()
    return [
        index
        for index in order
        if text in (entry := entries[index]).folded
        and (wanted.answer in (None, answers.get(entry.path, NO_ANSWER)[0]))
        and _has_mark(wanted.mark, marks.get(entry.path, NO_MARK))
    ]


def _has_mark(wanted: str | MarkChoice | None, marked: Marked) -> bool:
    mark, note = marked
    if wanted is MarkChoice.MARKED:
        return bool(mark)
    if wanted is MarkChoice.NOTED:
        return note
    return wanted is None or wanted == mark
