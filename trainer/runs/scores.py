"""What follows from the numbers of a run, for its plots and its page."""

from collections.abc import Mapping
from typing import Any

from app.detection.card import Question
from trainer.errors import CorpusError
from trainer.runs.files import RunFiles, interval_of, number_of
from trainer.settings import restored

STATES = ("positive", "inconclusive", "negative")

_LABELS = ("authentic", "tampered")
"""How `trainer.measures.metrics` calls the labels, whatever is asked."""


def split_method(files: RunFiles) -> str:
    """How the corpus was divided; empty where nothing says it."""
    protocol = files.metrics.get("protocol") or {}
    return str(protocol.get("split") or files.config.get("split") or "")


def was_resaved(files: RunFiles) -> bool | None:
    """Whether all classes went through the save pipeline; None where nothing says it."""
    told = (files.metrics.get("protocol") or {}).get("resaved")
    if isinstance(told, bool):
        return told
    return files.config["resave"] is not None if "resave" in files.config else None


def confusion_of(measures: Mapping[str, Any]) -> list[list[int]]:
    """For each label how often the score was below 0.5, and how often not; or nothing."""
    rows = measures.get("confusion")
    return _counts(rows, 2) if isinstance(rows, list) else []


def states_of(measures: Mapping[str, Any]) -> list[list[int]]:
    """For each label how often each of `STATES` was the answer; or nothing."""
    counts = measures.get("states")
    if not isinstance(counts, dict):
        return []
    rows = [[counts.get(f"{label} {state}") for state in STATES] for label in _LABELS]
    return _counts(rows, len(STATES))


def pictures_of(measures: Mapping[str, Any]) -> tuple[int, int]:
    """How many pictures of each label a set or a group has."""
    told = [number_of(measures, key) for key in _LABELS]
    if told[0] is not None and told[1] is not None:
        return round(told[0]), round(told[1])
    draws = number_of(measures, "draws") or 1
    counts = states_of(measures) or confusion_of(measures) or [[0], [0]]
    return round(sum(counts[0]) / draws), round(sum(counts[1]) / draws)


def upper_false_alarms(measures: Mapping[str, Any]) -> float | None:
    """Upper end of the false-alarm rate's interval; None where it was not measured.

    Where none was seen, resampling sees none either: the end is then 3 / n, the 95 % limit by
    the rule of three (J. Hanley and A. Lippman-Hand, "If Nothing Goes Wrong, Is Everything All
    Right?", 1983).
    """
    found = interval_of(measures, "false_alarms")
    if found is None:
        return None
    count = pictures_of(measures)[0]
    return max(found[2], min(3 / count, 1.0)) if found[0] == 0 and count else found[2]


def balanced_accuracy_of(measures: Mapping[str, Any]) -> float | None:
    """Mean of both classes' shares on the right side of 0.5; None with one class only."""
    counts = confusion_of(measures)
    if not counts or not all(map(sum, counts)):
        return None
    return (counts[0][0] / sum(counts[0]) + counts[1][1] / sum(counts[1])) / 2


def question_of(files: RunFiles) -> Question | None:
    """The card's question; None in a run that was not measured.

    Raises:
        CorpusError: it is not one of this trainer's.
    """
    if not files.question:
        return None
    try:
        return restored(Question, files.question)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorpusError("The question in metrics.json is not one of this trainer's.") from error


def _counts(rows: list[Any], columns: int) -> list[list[int]]:
    if len(rows) != 2 or not all(isinstance(row, list) and len(row) == columns for row in rows):
        return []
    return rows if all(isinstance(count, int) for row in rows for count in row) else []
