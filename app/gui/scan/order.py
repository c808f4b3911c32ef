"""Which rows of a scan are shown, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from app.gui.scan.columns import Answer, Columns
from app.scan.rows import STATUSES


class Kind(Enum):
    """What a column of the table holds; the value is its heading."""

    FILE = "File"
    FOLDER = "Folder"
    STATUS = "Status"
    STATE = "State"
    SCORE = "Score"
    RANGE = "Range"
    NOTE = "Note"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``question`` is empty where it does not belong to one."""

    kind: Kind
    question: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What rows are ordered by; None is the order of the files."""

    by: Column | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers to one question are shown; the default shows all.

    Attributes:
        answer: None for all.
        least: smallest score; 0 also shows rows without one.
        below: scores from here on are left out; None for none.
    """

    answer: Answer | None = None
    least: float = 0.0
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are shown; the default shows all.

    Attributes:
        text: part of folder and name as they are shown; upper and lower case are the same.
        status: one of `STATUSES`, `PROBLEMS`, or empty for all.
        answers: by question; those that are not in it are shown whatever they are.
        conspicuous: only rows with an answer that asks for a look at the picture.
    """

    text: str = ""
    status: str = ""
    answers: Mapping[str, Wanted] = field(default_factory=dict)
    conspicuous: bool = False

    @property
    def everything(self) -> bool:
        """Whether all rows are shown."""
        return not in_words(self)


PROBLEMS = "not ok"
"""Stands for every status but ``ok``."""


def passing(columns: Columns, wanted: Filter) -> NDArray[np.bool_]:
    """(files,), whether there is a row, and it is wanted."""
    passes = columns.present & with_text(columns, wanted.text)
    if wanted.status == PROBLEMS:
        passes &= columns.status != STATUSES.index("ok")
    elif wanted.status:
        passes &= columns.status == STATUSES.index(wanted.status)
    for question, asked in wanted.answers.items():
        answers = columns.answers.get(question)
        if answers is None:
            continue
        if asked.answer is not None:
            passes &= answers.answer == asked.answer
        if asked.least > 0:
            passes &= answers.score >= asked.least
        if asked.below is not None:
            passes &= answers.score < asked.below
    if wanted.conspicuous:
        passes &= columns.conspicuous
    return passes


def with_text(columns: Columns, text: str) -> NDArray[np.bool_]:
    """(files,), whether ``text`` is a part of folder and name."""
    size = len(columns.rows)
    if not text:
        return np.ones(size, np.bool_)
    part = text.casefold()
    return np.fromiter((part in folded for folded in columns.files.folded), np.bool_, size)


def arranged(columns: Columns, passes: NDArray[np.bool_], order: Order) -> NDArray[np.intp]:
    """The places of the files that pass, in the wished order.

    Rows without the value that is asked for come last in both directions, and equal ones stay in
    the order of the files.
    """
    places = np.flatnonzero(passes)
    if order.by is None:
        return places
    keys = _keys(columns, order.by)[places].astype(np.float64)
    return places[np.argsort(-keys if order.descending else keys, kind="stable")]


def _keys(columns: Columns, by: Column) -> NDArray[np.generic]:
    if by.kind is Kind.FILE:
        return columns.files.name_ranks
    if by.kind is Kind.FOLDER:
        return columns.files.folder_ranks
    if by.kind is Kind.STATUS:
        return columns.status
    if by.kind is Kind.NOTE:
        return columns.note_ranks
    answers = columns.answers[by.question]
    if by.kind is Kind.STATE:
        return answers.answer
    if by.kind is Kind.RANGE:
        return answers.high - answers.low
    return answers.score


def in_words(wanted: Filter) -> str:
    """What a filter asks for; empty when it shows all."""
    parts = []
    if wanted.text:
        parts.append(f"name with “{wanted.text}”")
    if wanted.status:
        parts.append(f"status {wanted.status.replace('_', ' ')}")
    for question, asked in wanted.answers.items():
        said = [asked.answer.word] if asked.answer is not None else []
        if asked.least > 0:
            said.append(f"score from {asked.least:.2f}")
        if asked.below is not None:
            said.append(f"score below {asked.below:.2f}")
        if said:
            parts.append(f"{question}: {', '.join(said)}")
    if wanted.conspicuous:
        parts.append("conspicuous only")
    return "; ".join(parts)


def order_in_words(order: Order) -> str:
    """What rows are ordered by."""
    if order.by is None:
        return "order of the files"
    name = order.by.kind.value.lower()
    named = f"{order.by.question} {name}" if order.by.question else name
    return f"{named}, {'descending' if order.descending else 'ascending'}"
