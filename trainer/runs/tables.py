"""The tables of a run's page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer.drawing.tables import Table
from trainer.runs.files import Prediction, RunFiles, interval_of, number_of
from trainer.runs.scores import STATES, balanced_accuracy_of, states_of, upper_false_alarms
from trainer.runs.words import few_authentic, percent, triple

_MEASURES = {
    "auc": "area under the ROC curve",
    "accuracy": "right at a score of 0.5",
    "detections": "detections at the operating point",
    "false_alarms": "false alarms at the operating point",
    "tpr_at_1": "detections at 1 % false alarms *",
    "tpr_at_5": "detections at 5 % false alarms *",
    "average_precision": "average precision",
    "ece": "calibration error",
    "cross_entropy": "cross-entropy, nats",
}
_OF_GROUPS = ("auc", "detections", "false_alarms")
_FLATTERED = {
    "train": "the network learned these very pictures",
    "validation": "these pictures picked the epoch",
    "calibration": "these pictures set score and thresholds",
}
_PIXEL_COUNTS = ("images", "altered", "unknown")
_OF_PIXELS = {
    "images": "pictures with a known mask",
    "altered": "of these with an altered part",
    "unknown": "pictures without a known mask, left out",
    "f1": "F1",
    "iou": "IoU, intersection over union",
    "altered_f1": "F1 of altered pictures only",
    "altered_iou": "IoU of altered pictures only",
    "empty": "untouched pictures in which nothing was marked, share",
}
_COUNTS = {"images": "pictures", "draws": "draws of each"}
_MIXTURES = (500, 100, 10)
"""Positives among 1,000 pictures, for what an answer is worth."""


def measures_table(files: RunFiles) -> Table:
    """Every measure of every set."""
    rows = []
    for key, words in (_COUNTS | _MEASURES).items():
        count = ",.0f" if key in _COUNTS else ".3f"
        cells = [_cell(measures, key, count) for measures in files.sets.values()]
        if set(cells) - {"-"}:
            rows.append((words, *cells))
    notes = [
        "Value and 95 % interval.",
        "* The threshold is taken from the very set that it is measured on; that of the operating "
        "point is not.",
        few_authentic(files),
    ]
    notes += [f"{name}: {words}." for name, words in _FLATTERED.items() if name in files.sets]
    note = " ".join(filter(None, notes))
    return Table("", ("measure", *files.sets), tuple(rows), note)


def lookup_table(files: RunFiles) -> Table:
    """The network beside the lookup that sees no pixel."""
    lookup = files.metrics.get("container_only") or {}
    measures = files.sets.get(files.main_set, {})
    accuracy = interval_of(measures, "accuracy")
    balanced = balanced_accuracy_of(measures)
    rows = (
        (
            "this network, at a score of 0.5",
            "-" if accuracy is None else triple(accuracy),
            "-" if balanced is None else f"{balanced:.3f}",
        ),
        (
            "lookup of the container, files as published",
            _count(lookup, "accuracy", ".3f"),
            _count(lookup, "balanced_accuracy", ".3f"),
        ),
    )
    return Table(
        "Beside a lookup without pixels",
        (f"on {files.main_set}", "accuracy", "balanced accuracy"),
        rows if lookup else (),
        "The lookup learned from the training part which label goes with a file's format, "
        "quantisation table and subsampling. What it reaches, a published number on the same files "
        "as they are has for nothing.",
    )


def parts_table(files: RunFiles) -> Table:
    """Pictures of each kind in every part, what was dropped included."""
    kinds = sorted({kind for counts in files.parts.values() for kind in counts})
    rows = tuple(
        (part, *(f"{counts[kind]:,}" for kind in kinds), f"{sum(counts.values()):,}")
        for part, counts in files.parts.items()
    )
    dropped = sum(files.parts.get("dropped", Counter()).values())
    note = (
        f"{dropped:,} pictures are in no part: what would tie two parts together is dropped."
        if dropped
        else ""
    )
    return Table("", ("part", *(kind for _, kind in kinds), "all"), rows, note)


def mixtures_table(files: RunFiles) -> Table:
    """What a positive answer is worth, for several shares of positives among the pictures."""
    measures = files.sets.get(files.main_set, {})
    alarms, found = (interval_of(measures, key) for key in ("false_alarms", "detections"))
    states = states_of(measures)
    highest = upper_false_alarms(measures)
    rows = []
    if alarms and found and states and highest is not None:
        missed = states[1][STATES.index("negative")] / max(sum(states[1]), 1)
        for positives in _MIXTURES:
            right, wrong = positives * found[0], (1000 - positives) * alarms[0]
            most = (1000 - positives) * highest
            rows.append(
                (
                    f"{positives:,} of 1,000",
                    f"{right:.0f}",
                    f"{positives * missed:.0f}",
                    f"{wrong:.0f}",
                    _share(right, wrong),
                    _share(right, most),
                )
            )
    word = files.classes[1]
    return Table(
        "What a positive answer is worth",
        (
            f"{word} pictures",
            "found",
            "answered negative",
            "false alarms",
            f"{word} among the positive answers",
            "if false alarms are at the end of their interval",
        ),
        tuple(rows),
        f"Computed from the rates measured on {files.main_set}. The rest is inconclusive.",
    )


def group_tables(files: RunFiles, name: str) -> list[Table]:
    """One table for each grouping of the set ``name``."""
    tables = []
    for grouping, groups in files.group_tables(name).items():
        keys = [
            key
            for key in _OF_GROUPS
            if any(interval_of(measures, key) for measures in groups.values())
        ]
        against_all = any(measures.get("against_all") for measures in groups.values())
        rows = tuple(
            (
                group + (" *" if measures.get("against_all") else ""),
                _count(measures, "authentic"),
                _count(measures, "tampered"),
                *(_cell(measures, key) for key in keys),
            )
            for group, measures in groups.items()
        )
        header = (grouping, *files.classes, *(_MEASURES[key].rstrip(" *") for key in keys))
        note = f"* compared with all authentic pictures of {name}" if against_all else ""
        tables.append(Table(f"{name} by {grouping}", header, rows, note))
    return tables


def errors_table(files: RunFiles, errors: Sequence[Prediction]) -> Table:
    """The draws furthest from the truth."""
    rows = tuple(
        (
            one.path,
            one.kind,
            one.sha256[:16],
            f"{one.score:.4f}",
            f"{one.logit:+.2f}",
            one.quality or "as published",
        )
        for one in errors
    )
    header = ("file", "truth", "SHA-256 begins", "score", "logit", "quality of the last save")
    return Table(
        "",
        header,
        rows,
        f"Of {files.main_set}; of every picture the draw with the score furthest from the truth.",
        words=3,
    )


def history_table(files: RunFiles) -> Table:
    """Every epoch."""
    columns = {name: values for name, values in files.history.items() if name != "number"}
    count = max(map(len, columns.values()), default=0)
    rows = tuple(
        (str(epoch + 1), *(f"{values[epoch]:.4g}" for values in columns.values()))
        for epoch in range(count)
    )
    return Table("", ("epoch", *(name.replace("_", " ") for name in columns)), rows)


def values_table(title: str, values: Mapping[str, Any]) -> Table:
    """Nested settings, one line for each."""
    return Table(title, ("setting", "value"), tuple(_flat(values)), words=2)


def pixel_table(files: RunFiles) -> Table:
    """Where the picture was altered, as far as that was measured."""
    measures = files.metrics.get("pixel") or {}
    rows = tuple(
        (words, _count(measures, key) if key in _PIXEL_COUNTS else _cell(measures, key))
        for key, words in _OF_PIXELS.items()
        if measures.get(key) is not None
    )
    threshold = _count(measures, "threshold", "g")
    note = (
        f"A pixel is marked from {threshold} on. F1 and IoU are means over pictures; a rightly "
        "empty mask counts as 1, and one that marks something in an untouched picture as 0."
    )
    return Table("", (f"on {files.main_set}", "value"), rows, note)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, f"{label}: ")
        elif (found := interval_of(values, name)) and any(
            isinstance(part, float) for part in value
        ):
            yield label, triple(found)
        elif isinstance(value, list | tuple):
            yield label, ", ".join(map(str, value)) or "none"
        else:
            yield label, "none" if value is None or value == "" else str(value)


def _cell(measures: Mapping[str, Any], key: str, form: str = ".3f") -> str:
    found = interval_of(measures, key)
    if found is not None:
        shares = ("accuracy", "detections", "false_alarms", "tpr_at_1", "tpr_at_5")
        if key == "false_alarms" and found[0] == 0:
            return f"none seen, up to {upper_false_alarms(measures) or 0:.1%}"
        return percent(found) if key in shares else triple(found)
    return _count(measures, key, form)


def _count(measures: Mapping[str, Any], key: str, form: str = ",.0f") -> str:
    value = number_of(measures, key)
    return "-" if value is None else format(value, form)


def _share(right: float, wrong: float) -> str:
    return f"{right / (right + wrong):.0%}" if right + wrong else "-"
