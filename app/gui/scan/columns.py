"""The rows of a scan as columns, so that a hundred thousand are filtered and sorted at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from app.detection.verdict import State, Verdict
from app.gui.scan.files import Files
from app.gui.words import state_word
from app.scan.results import conspicuous
from app.scan.rows import STATUSES, Row


class Answer(IntEnum):
    """What a row says to a question, the most conspicuous first. Every row is one of these."""

    POSITIVE = 0
    INCONCLUSIVE = 1
    NEGATIVE = 2
    OUTSIDE_VALIDITY = 3
    NOT_ANALYSED = 4
    NOT_ASKED = 5

    @property
    def state(self) -> State | None:
        """The state of the verdict, if there is one."""
        return State.__members__.get(self.name)

    @property
    def word(self) -> str:
        """As the analyst reads it."""
        return state_word(self.state) if self.state else self.name.lower().replace("_", " ")


_STATUS_CODES = {status: code for code, status in enumerate(STATUSES)}
_ANSWER_CODES = {answer.state: int(answer) for answer in Answer if answer.state}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers to one question, (files,) each.

    Attributes:
        answer: codes of `Answer`.
        score: calibrated, 0..1; NaN without one.
        low: lowest score over mild changes; NaN where none were tried.
        high: highest one.
        conspicuous: whether the answer asks for a look at the picture.
    """

    answer: NDArray[np.int8]
    score: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    conspicuous: NDArray[np.bool_]

    def put(self, at: int, row: Row, verdict: Verdict | None) -> None:
        """Take in what a row says."""
        score = low = high = None
        code = int(Answer.NOT_ASKED if row.status == "ok" else Answer.NOT_ANALYSED)
        if verdict is not None:
            code = _ANSWER_CODES[verdict.state]
            score, low, high = verdict.score, verdict.low, verdict.high
        self.answer[at] = code
        self.score[at] = np.nan if score is None else score
        self.low[at] = np.nan if low is None else low
        self.high[at] = np.nan if high is None else high
        self.conspicuous[at] = verdict is not None and conspicuous(verdict)


def _no_answers(size: int) -> Answers:
    score, low, high = (np.full(size, np.nan) for _ in range(3))
    answer = np.full(size, Answer.NOT_ASKED, np.int8)
    return Answers(answer, score, low, high, np.zeros(size, np.bool_))


class Columns:
    """All rows so far, each at the place of its file, in whatever order they arrive.

    Attributes:
        files: of the scan.
        rows: the row of each file; None while there is none.
        present: (files,), whether there is a row.
        status: (files,), indices into `STATUSES`.
        answers: by question, in the order of the columns.
        count: rows.
    """

    def __init__(self, files: Files, questions: Iterable[str]) -> None:
        size = len(files.paths)
        self.files = files
        self.rows: list[Row | None] = [None] * size
        self.present = np.zeros(size, np.bool_)
        self.status = np.zeros(size, np.int8)
        self.answers: dict[str, Answers] = {}
        self.count = 0
        self._notes = np.zeros(size, np.int32)
        self._note_codes: dict[str, int] = {}
        self._note_ranks = np.zeros(0, np.int32)
        self.ask(questions)

    def ask(self, questions: Iterable[str]) -> None:
        """Have columns for ``questions`` too; rows that are there do not answer them."""
        for question in questions:
            if question not in self.answers:
                self.answers[question] = _no_answers(len(self.rows))
                failed = self.present & (self.status != _STATUS_CODES["ok"])
                self.answers[question].answer[failed] = Answer.NOT_ANALYSED

    def put(self, row: Row) -> None:
        """Take in a row, in the place of an earlier one of the same file."""
        at = self.files.at[row.path]
        self.count += self.rows[at] is None
        self.rows[at] = row
        self.present[at] = True
        self.status[at] = _STATUS_CODES[row.status]
        given: dict[str, Verdict] = {}
        for verdict in row.verdicts:
            given.setdefault(verdict.question, verdict)
        for question, answers in self.answers.items():
            answers.put(at, row, given.get(question))
        self._notes[at] = self._note_codes.setdefault(note(row), len(self._note_codes))

    def present_rows(self) -> Iterator[Row]:
        """Every row, in the order of the files."""
        return (row for row in self.rows if row is not None)

    def row(self, at: int) -> Row:
        """The row of a file that has one."""
        row = self.rows[at]
        assert row is not None
        return row

    @property
    def note_ranks(self) -> NDArray[np.int32]:
        """(files,), the places of notes in their order."""
        if len(self._note_ranks) != len(self._note_codes):
            self._note_ranks = np.zeros(len(self._note_codes), np.int32)
            for rank, text in enumerate(sorted(self._note_codes)):
                self._note_ranks[self._note_codes[text]] = rank
        return self._note_ranks[self._notes] if len(self._note_ranks) else self._notes

    @property
    def conspicuous(self) -> NDArray[np.bool_]:
        """(files,), whether any answer asks for a look at the picture."""
        found = np.zeros(len(self.rows), np.bool_)
        for answers in self.answers.values():
            found |= answers.conspicuous
        return found

    def status_counts(self) -> dict[str, int]:
        """Rows by status, those that occur."""
        counts = np.bincount(self.status[self.present], minlength=len(STATUSES))
        return {name: int(n) for name, n in zip(STATUSES, counts, strict=True) if n}

    def answer_counts(self, question: str) -> dict[Answer, int]:
        """Rows by answer to a question, those that occur; they add up to all rows."""
        counts = np.bincount(self.answers[question].answer[self.present], minlength=len(Answer))
        return {answer: int(counts[answer]) for answer in Answer if counts[answer]}


def note(row: Row) -> str:
    """What stands beside a row: why there is no answer, or the answers in words."""
    return row.message or " ".join(verdict.reason for verdict in row.verdicts)
