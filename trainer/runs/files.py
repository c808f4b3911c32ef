"""What a finished or interrupted run left in its folder, read back for plots and reports."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.names import one_line
from trainer.errors import CorpusError
from trainer.measures.metrics import Scores

_OBJECTS = ("sets", "groups", "container_only", "pixel", "protocol", "question")
CHOOSING = ("train", "validation", "calibration")
"""Parts that trained or chose something; what was measured on them flatters the model."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One draw of the save pipeline of one held-out picture.

    Attributes:
        set: name of the held-out set.
        path: in its corpus.
        sha256: of the file.
        label: 0 or 1.
        kind: finer class.
        draw: 0, 1, 2 …
        quality: of the last save; empty for files as published.
        logit: of the network.
        score: calibrated, 0..1.
    """

    set: str
    path: str
    sha256: str
    label: int
    kind: str
    draw: int
    quality: str
    logit: float
    score: float

    @property
    def wrong_by(self) -> float:
        """Distance between score and truth, 0..1."""
        return abs(self.score - self.label)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The texts of a run; what is not there is empty.

    Attributes:
        name: of the folder.
        config: the recipe as it ran.
        environment: versions, machine and what was left out.
        history: column of ``history.csv`` to its value in every epoch.
        parts: part of the split to (label, kind) to number of pictures.
        predictions: every draw of every held-out picture.
        metrics: what was measured; see `trainer.runs.folder`.
    """

    name: str
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    history: Mapping[str, tuple[float, ...]]
    parts: Mapping[str, Counter[tuple[int, str]]]
    predictions: tuple[Prediction, ...]
    metrics: Mapping[str, Any]

    @property
    def sets(self) -> dict[str, Mapping[str, Any]]:
        """Name of every measured set to its measures, the test part first."""
        return _objects(self.metrics.get("sets"), first="test")

    @property
    def question(self) -> Mapping[str, Any]:
        """The card's question; empty in an unfinished run."""
        return self.metrics.get("question") or {}

    @property
    def classes(self) -> tuple[str, str]:
        """Words for label 0 and label 1."""
        return "authentic", str(self.question.get("id") or "positive")

    @property
    def main_set(self) -> str:
        """The set that the run is judged by: the test part, or the first that chose nothing.

        Empty without any.
        """
        names = list(self.sets) or [one.set for one in self.predictions]
        honest = [name for name in names if name not in CHOOSING]
        return "test" if "test" in names else next(iter(honest or names), "")

    def group_tables(self, name: str) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Grouping to group to measures of the set ``name``."""
        groupings = _objects((self.metrics.get("groups") or {}).get(name))
        return {grouping: _objects(groups) for grouping, groups in groupings.items()}

    def kept_epoch(self) -> int:
        """Number of the epoch with the lowest validation loss, counted from 1; 0 without one."""
        losses = self.history.get("validation_loss", ())
        known = [(loss, number) for number, loss in enumerate(losses, 1) if loss == loss]
        return min(known)[1] if known else 0


def read_run(run: Path) -> RunFiles:
    """Read what there is.

    Raises:
        CorpusError: ``run`` is no folder of a run, or a file in it is not what it should be.
    """
    if not (run / "config.json").is_file() and not (run / "metrics.json").is_file():
        raise CorpusError(f"{one_line(str(run))} is not the folder of a run.")
    return RunFiles(
        name=run.resolve().name,
        config=_read_object(run / "config.json"),
        environment=_read_object(run / "environment.json"),
        history=read_history(run),
        parts=read_parts(run),
        predictions=read_predictions(run),
        metrics=read_metrics(run),
    )


def read_metrics(run: Path) -> dict[str, Any]:
    """The content of ``metrics.json``; empty if there is none.

    Raises:
        CorpusError: it is not JSON, or its first level has something else than it should.
    """
    path = run / "metrics.json"
    found = _read_object(path)
    for key in _OBJECTS:
        if found.get(key) is not None and not isinstance(found[key], dict):
            raise CorpusError(f"{_shown(path)}: {key} is not an object.")
    notes = found.get("notes")
    if notes is not None and not isinstance(notes, list):
        raise CorpusError(f"{_shown(path)}: notes is not a list.")
    return found


def read_history(run: Path) -> dict[str, tuple[float, ...]]:
    """Columns of ``history.csv``; empty if there is none or no epoch was finished.

    Raises:
        CorpusError: it is no table of numbers.
    """
    path = run / "history.csv"
    rows = _rows(path)
    try:
        return {name: tuple(float(row[name]) for row in rows) for name in (rows[0] if rows else ())}
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{_shown(path)} is not a table of numbers.", repr(error)) from error


def read_predictions(run: Path) -> tuple[Prediction, ...]:
    """Rows of ``predictions.csv``; none if there is no such file.

    Raises:
        CorpusError: a column is missing, or a value is no number.
    """
    path = run / "predictions.csv"
    try:
        found = tuple(
            Prediction(
                set=row["set"],
                path=row["path"],
                sha256=row["sha256"],
                label=int(row["label"]),
                kind=row["kind"],
                draw=int(row["draw"]),
                quality=row.get("quality") or "",
                logit=float(row["logit"]),
                score=float(row["score"]),
            )
            for row in _rows(path)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(
            f"{_shown(path)} is not a run's table of predictions.", repr(error)
        ) from error
    if not all(one.label in (0, 1) and 0 <= one.score <= 1 for one in found):
        raise CorpusError(f"{_shown(path)} has a label or a score that is none.")
    return found


def read_parts(run: Path) -> dict[str, Counter[tuple[int, str]]]:
    """How many pictures of each (label, kind) every part of ``split.csv`` holds, in its order.

    Raises:
        CorpusError: a column is missing.
    """
    path = run / "split.csv"
    parts: dict[str, Counter[tuple[int, str]]] = {}
    try:
        for row in _rows(path):
            parts.setdefault(row["part"], Counter())[int(row["label"]), row["kind"]] += 1
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{_shown(path)} is not a run's split.", repr(error)) from error
    return parts


def interval_of(measures: Mapping[str, Any], key: str) -> tuple[float, float, float] | None:
    """A measure with its interval, if it was measured."""
    value = measures.get(key)
    if not isinstance(value, list | tuple) or len(value) != 3:
        return None
    if not all(isinstance(part, int | float) for part in value):
        return None
    return float(value[0]), float(value[1]), float(value[2])


def number_of(measures: Mapping[str, Any], key: str) -> float | None:
    """A measure without an interval, if it was measured."""
    value = measures.get(key)
    return float(value) if isinstance(value, int | float) else None


def scores_of(files: RunFiles, name: str) -> Scores:
    """Logits of the set ``name``, pictures in the order of `identities_of`.

    Raises:
        CorpusError: the pictures have different numbers of draws.
    """
    logits: dict[str, dict[int, float]] = {}
    labels: dict[str, int] = {}
    for one in files.predictions:
        if one.set == name:
            logits.setdefault(one.sha256, {})[one.draw] = one.logit
            labels[one.sha256] = one.label
    if len({len(draws) for draws in logits.values()}) > 1:
        raise CorpusError(f"Not every picture of {one_line(name)} has the same number of draws.")
    rows = [[draws[number] for number in sorted(draws)] for draws in logits.values()]
    return Scores(np.array(rows, np.float64), np.array(list(labels.values()), np.int64))


def identities_of(files: RunFiles, name: str) -> list[str]:
    """SHA-256 of the pictures of the set ``name``, in the order of their first line."""
    return list(dict.fromkeys(one.sha256 for one in files.predictions if one.set == name))


def confident_errors(files: RunFiles, count: int) -> list[Prediction]:
    """Of the main set the draws whose score is furthest from the truth, one for each picture.

    Only what lies on the wrong side of 0.5 is an error.
    """
    worst: dict[str, Prediction] = {}
    for one in files.predictions:
        if one.set == files.main_set and one.wrong_by > 0.5:
            known = worst.get(one.sha256)
            if known is None or one.wrong_by > known.wrong_by:
                worst[one.sha256] = one
    return sorted(worst.values(), key=lambda one: (-one.wrong_by, one.path))[:count]


def _objects(value: Any, first: str = "") -> dict[str, Mapping[str, Any]]:
    """The objects in an object, one of them first."""
    items = value.items() if isinstance(value, dict) else ()
    found: dict[str, Mapping[str, Any]] = {
        str(key): inner for key, inner in items if isinstance(inner, dict)
    }
    return {first: found[first]} | found if first in found else found


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        # Names of files are written as they are, which need not be UTF-8.
        found = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{_shown(path)} is not JSON.", repr(error)) from error
    if not isinstance(found, dict):
        raise CorpusError(f"{_shown(path)} holds no object.")
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    try:
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise CorpusError(f"{_shown(path)} is not a table.", repr(error)) from error


def _shown(path: Path) -> str:
    return one_line(str(path))
