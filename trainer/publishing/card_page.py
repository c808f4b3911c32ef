"""The model card as a page for people, in Markdown."""

import json
from collections.abc import Mapping
from typing import Any

from app.detection.card import Calibration, ModelCard, Question, Where
from app.detection.verdict import percent
from app.names import one_line

_WORDS = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "cross_entropy": "Cross-entropy in nats",
    "cross_entropy_interval": "Cross-entropy, interval",
    "confusion": "Confusion",
    "false_alarms": "False alarms at the operating point",
    "detections": "Detected at the operating point",
    "states": "Answers",
    "average_precision": "Average precision",
    "tpr_at_1": "Detected at 1 % false alarms of this set",
    "tpr_at_5": "Detected at 5 % false alarms of this set",
    "ece": "Expected calibration error",
    "container_only": "Label read from the container, without pixels",
    "pixel": "Where it was altered",
    "groups": "By group",
    "f1": "F1",
    "iou": "IoU",
}


def card_page(card: ModelCard) -> str:
    """All of the card; numbers as measured, sets and groups side by side."""
    validity = card.validity
    lines = [
        f"# {card.name} {card.version}",
        "",
        card.summary,
        "",
        f"- Input: {_input(card)}",
        f"- Valid for: {', '.join(validity.formats)}, shorter side from {validity.minimum_side} "
        f"px, longer side to {validity.maximum_side} px, sides to {validity.maximum_aspect:g}:1"
        f"{', photographs only' if validity.photographs_only else ''}.",
        f"- Licence: {card.licence}",
    ]
    for question in card.questions:
        lines += ["", f"## {question.text}", "", *_question(question)]
    if card.where is not None:
        lines += ["", "## Where", "", *_where(card.where)]
    if copies := card.copy_move:
        lines += [
            "",
            "## Copies",
            "",
            f"- A copy-move inside the picture of strength s adds {copies.weight:.3g} s to the "
            f"logit; it is looked for in at most {copies.megapixels:g} megapixels, by version "
            f"{copies.version} of the method.",
        ]
    lines += ["", "## What it does not do", "", *(f"- {limit}" for limit in card.limits)]
    lines += ["", "## Data and split", "", card.training.data, "", card.training.split, ""]
    lines += [
        "## Measured",
        "",
        "Value and 95 % interval; accuracy and confusion at a score of 0.5."
        + (_FLATTERS if {"train", "validation"} & set(card.results) else ""),
        *(
            line.replace("tampered", _plain(card.questions[0].id))
            for line in _results(_test_first(card.results), 3)
        ),
        "",
    ]
    lines += ["## Configuration", "", "```json", json.dumps(card.training.config, indent=1), "```"]
    return "\n".join(lines) + "\n"


_FLATTERS = (
    " What was measured on `train` and `validation` flatters: the first fitted the weights, the "
    "second chose the epoch. A group without authentic pictures is compared with all of its set's."
)

_PLANES = {"ela": "the error level map", "rgb": "the pixels", "noise": "the noise"}


def _input(card: ModelCard) -> str:
    preparation = card.preparation
    planes = " and ".join(_PLANES[plane] for plane in preparation.planes)
    if card.backbone is not None:
        backbone = f"{card.backbone.name} ({card.backbone.sha256[:12]})"
        planes = f"what the backbone {backbone} makes of {planes}"
    saved = f" (quality {preparation.quality}, {preparation.subsampling})"
    return (
        f"{planes}{saved if 'ela' in preparation.planes else ''} of the whole picture, reduced to "
        f"{preparation.height} x {preparation.width} by the mean over areas."
    )


def _where(where: Where) -> list[str]:
    lines = [
        f"- Marked from {where.threshold:.2f} on; regions below {percent(where.smallest_share)} of "
        "the picture are left out."
    ]
    if where.network:
        planes = ", ".join(_PLANES[plane] for plane in where.planes)
        lines.append(
            f"- The coarse map of the whole picture is refined at full resolution in tiles of "
            f"{where.tile} px by where.onnx, from {planes}."
        )
    return lines


def _question(question: Question) -> list[str]:
    point = question.operating_point
    return [
        f"- Positive: {question.positive}",
        f"- Negative: {question.negative}",
        f"- Score: calibrated by {_method(question.calibration)} on images that trained nothing; "
        f"both classes taken as equally frequent. Reference: {question.reference_population}",
        f"- Positive from {point.threshold:.4f} ({percent(point.false_alarm_rate)} false alarms on "
        f"calibration images); inconclusive from {question.inconclusive_below:.4f} "
        f"({percent(question.miss_rate)} misses below).",
    ]


def _method(calibration: Calibration) -> str:
    if calibration.points:
        (first, low), (last, high) = calibration.points[0], calibration.points[-1]
        return (
            f"{calibration.method} ({len(calibration.points)} points, from score {low:.4f} at "
            f"logit {first:.4g} to {high:.4f} at {last:.4g})"
        )
    if calibration.offset:
        return f"{calibration.method} ({calibration.slope:.4g} logit {calibration.offset:+.4g})"
    return f"{calibration.method} (temperature {1 / calibration.slope:.4g})"


def _results(results: Mapping[str, Any], level: int) -> list[str]:
    """Tables of what is alike, and a section for what goes deeper."""
    leaves = {name: value for name, value in results.items() if not isinstance(value, dict)}
    lines = _table({"value": leaves}) if leaves else []
    alike: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, value in results.items():
        if _is_column(value):
            alike.setdefault(tuple(value), {})[name] = value
    for columns in alike.values():
        lines += _table(columns)
    for name, value in results.items():
        if isinstance(value, dict) and not _is_column(value):
            lines += ["", f"{'#' * level} {_word(name)}", *_results(value, min(level + 1, 6))]
    return lines


def _test_first(results: Mapping[str, Any]) -> dict[str, Any]:
    """What nothing was fitted to or chosen by comes first."""
    return {name: results[name] for name in ("test",) if name in results} | dict(
        sorted(results.items(), key=lambda item: item[0] in ("train", "validation"))
    )


def _is_column(value: Any) -> bool:
    """Whether these are measures of one set or group; counts by state are one measure."""
    return isinstance(value, dict) and not any(
        isinstance(inner, dict) and name != "states" for name, inner in value.items()
    )


def _table(columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[_word(name), *(_cell(name, column) for column in columns.values())] for name in names]
    header = ["", *map(_word, columns)]
    return ["", *("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))]


def _cell(name: str, column: Mapping[str, Any]) -> str:
    value = column.get(name)
    if isinstance(value, dict):
        counts = [f"{count} {_plain(state)}" for state, count in value.items() if count]
        return ", ".join(counts) or "-"
    if name == "confusion" and value:
        (tn, fp), (fn, tp) = value
        return f"authentic {tn} right, {fp} wrong; tampered {tp} right, {fn} wrong"
    if isinstance(value, list | tuple):
        numbers = [_number(entry) for entry in value]
        if len(numbers) == 3:
            return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"
        return f"[{', '.join(numbers)}]"
    return _number(value)


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else _plain(str(value))


def _word(name: str) -> str:
    return _WORDS.get(name) or _plain(name.replace("_", " "))


def _plain(text: str) -> str:
    """Names of folders and groups come from the file system; they form no markup."""
    shown = one_line(text).replace("\\", "\\\\").replace("|", "\\|")
    return shown.replace("<", "&lt;").replace("`", "\\`")
