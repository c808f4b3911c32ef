"""Rows as a scan gives them, without judging anything."""

import random
from collections.abc import Sequence
from pathlib import Path

from app.detection.verdict import State, Verdict
from app.gui.scan.columns import Columns
from app.gui.scan.files import prepared
from app.scan.rows import Row

THRESHOLD, BAND = 0.8, 0.2
"""Of the questions of `tests.models`."""


def verdict(
    question: str, score: float | None, spread: float = 0.0, state: State | None = None
) -> Verdict:
    """An answer whose state follows from the score, unless another is given."""
    if state is None:
        if score is None:
            state = State.OUTSIDE_VALIDITY
        elif score >= THRESHOLD:
            state = State.POSITIVE
        else:
            state = State.INCONCLUSIVE if score >= BAND else State.NEGATIVE
    low = None if score is None else max(score - spread, 0.0)
    high = None if score is None else min(score + spread, 1.0)
    return Verdict(question, state, score, f"It is {state.value}.", "m", "", "cpu", low, high)


def judged(path: Path, **scores: float | None) -> Row:
    """A row with an answer for each question; a score of None is outside validity."""
    return Row(path, "ok", verdicts=tuple(verdict(q, s) for q, s in scores.items()))


def many(paths: Sequence[Path], seed: int = 1) -> list[Row]:
    """Rows of every kind, on the questions ``tampered`` and ``generated``."""
    chance = random.Random(seed)

    def row(path: Path) -> Row:
        if chance.random() < 0.1:
            return Row(path, chance.choice(("broken", "unsupported", "too_large")), "No picture.")
        scores = [None if chance.random() < 0.1 else chance.random() for _ in range(2)]
        verdicts = [
            verdict(question, score, chance.random() / 5)
            for question, score in zip(("tampered", "generated"), scores, strict=True)
        ]
        return Row(path, "ok", verdicts=tuple(verdicts[: 2 if chance.random() < 0.95 else 1]))

    return [row(path) for path in paths]


def columns(rows: Sequence[Row], questions: Sequence[str] = ("tampered", "generated")) -> Columns:
    """All of the rows as columns."""
    made = Columns(prepared([row.path for row in rows]), questions)
    for row in rows:
        made.put(row)
    return made
