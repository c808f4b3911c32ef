"""A finished run with simulated scores, as the trainer writes it."""

import csv
import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from trainer.config import Recipe
from trainer.corpus.resave import ResaveRange

THRESHOLD, BELOW = 0.92, 0.35
ODD_NAME = "Sp/<b onclick=x>&$a$\n\udcff.jpg"

_SLOPE, _OFFSET = 0.9, 0.05
_DRAWS = 4
_KINDS = {0: ("authentic",), 1: ("copy-move", "splice")}
_COLUMNS = ("set", "path", "sha256", "label", "kind", "corpus", "generator", "draw", "quality",
            "logit", "score")  # fmt: skip


def write_run(root: Path, *, split: str = "components", resaved: bool = True) -> Path:
    """A run of the classic network on two corpora of 150 and 90 test pictures, moderately good."""
    run = root / "20261122-101500-classic_cnn-0a1b2c3d"
    run.mkdir(parents=True)
    recipe = Recipe(
        name="classic_cnn", split=split, resave=ResaveRange() if resaved else None,
        references=("camera",),
    )  # fmt: skip
    _write_json(run / "config.json", dataclasses.asdict(recipe))
    _write_json(run / "environment.json", _environment())
    _write_split(run)
    _write_history(run)
    rows = _predictions()
    _write_table(
        run / "predictions.csv", _COLUMNS, [[row[name] for name in _COLUMNS] for row in rows]
    )
    _write_json(run / "metrics.json", _metrics(rows, split, resaved))
    return run


def _environment() -> dict[str, Any]:
    return {
        "began": "2026-11-22T10:15:00+0000",
        "command": "elascope-trainer train classic_cnn",
        "corpora": ["casia1", "<i>tree"],
        "data_manifest_sha256": "0f" * 32,
        "left_out": ["Au/broken.jpg: The file ends too early.", f"{ODD_NAME}: It is no picture."],
        "processors": 2,
        "machine": "x86_64",
        "versions": {"elascope": "0.1.0", "torch": "2.14.1"},
    }


def _write_split(run: Path) -> None:
    sizes = {"train": 300, "validation": 60, "calibration": 80, "test": 120, "dropped": 17,
             "reference camera": 39}  # fmt: skip
    rows = []
    for part, size in sizes.items():
        for number in range(size):
            label = 0 if part.startswith("reference") else number % 2
            kind = _KINDS[label][number // 2 % len(_KINDS[label])]
            name = f"{part}/{number}.jpg"
            rows.append((part, name, _sha256(name), label, kind, "", "casia1", ""))
    columns = ("part", "path", "sha256", "label", "kind", "sources", "corpus", "generator")
    _write_table(run / "split.csv", columns, rows)


def _write_history(run: Path) -> None:
    rows = [
        (
            number,
            round(0.70 * math.exp(-0.06 * number) + 0.05, 5),
            round(0.50 + 0.025 * number, 5),
            round(0.69 - 0.05 * math.sin(number / 4.5) + 0.001 * number, 5),
            round(0.52 + 0.1 * math.sin(number / 5), 5),
        )
        for number in range(1, 13)
    ]
    columns = ("number", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    _write_table(run / "history.csv", columns, rows)


def _predictions() -> list[dict[str, Any]]:
    random = np.random.default_rng(4)
    rows = []
    for name, size in (("validation", 120), ("test", 240), ("camera", 39)):
        for number in range(size):
            label = 0 if name == "camera" else number % 2
            kind = _KINDS[label][number // 2 % len(_KINDS[label])]
            path = ODD_NAME if (name, number) == ("test", 0) else f"{name}/{number:03}.jpg"
            middle = random.normal(1.3 if label else -1.3, 1.6)
            # The picture with the odd name is the worst error.
            middle = 6.0 if path == ODD_NAME else middle
            for draw in range(_DRAWS):
                logit = middle + random.normal(0, 0.5)
                score = 1 / (1 + math.exp(-(_SLOPE * logit + _OFFSET)))
                rows.append(
                    {
                        "set": name,
                        "path": path,
                        "sha256": _sha256(f"{name}{number}"),
                        "label": label,
                        "kind": kind,
                        "corpus": "casia1" if number % 8 < 5 else "<i>tree",
                        "generator": "",
                        "draw": draw,
                        "quality": int(random.integers(75, 99)),
                        "logit": f"{logit:.6g}",
                        "score": f"{score:.6f}",
                    }
                )
    return rows


def _metrics(rows: list[dict[str, Any]], split: str, resaved: bool) -> dict[str, Any]:
    sets = {name: [row for row in rows if row["set"] == name] for name in ("validation", "test",
                                                                           "camera")}  # fmt: skip
    return {
        "sets": {name: _measured(own) for name, own in sets.items()},
        "groups": {
            "test": {
                "kind": _grouped(sets["test"], "kind"),
                "corpus": _grouped(sets["test"], "corpus"),
            }
        },
        "container_only": {"accuracy": 0.9961, "balanced_accuracy": 0.9958},
        "pixel": {
            "threshold": 0.5,
            "images": 200,
            "unknown": 40,
            "altered": 80,
            "draws": _DRAWS,
            "f1": [0.61, 0.55, 0.67],
            "iou": [0.5, 0.44, 0.56],
            "altered_f1": [0.3, 0.2, 0.4],
            "altered_iou": [0.2, 0.1, 0.3],
            "empty": [0.8, 0.7, 0.9],
        },
        "split": f"Split ({split}): train 150 authentic + 150 tampered; test 120 + 120.",
        "protocol": {"split": split, "resaved": resaved, "leave_out": ""},
        "question": {
            "id": "tampered",
            "text": "Was this picture altered?",
            "output": "tampered_logit",
            "positive": "Consistent with an alteration.",
            "negative": "Consistent with a picture that was not altered.",
            "calibration": {"slope": _SLOPE, "offset": _OFFSET, "points": []},
            "operating_point": {"false_alarm_rate": 0.01, "threshold": THRESHOLD},
            "inconclusive_below": BELOW,
            "miss_rate": 0.05,
            "reference_population": "untouched pictures and forgeries that trained nothing.",
        },
        "notes": ["Au/broken.jpg: The file ends too early."],
        "limits": ["It does not say where a picture was altered."],
    }


def _grouped(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    found = {}
    for name in sorted({row[key] for row in rows}):
        own = [row for row in rows if row[key] == name]
        sizes = [len({row["sha256"] for row in own if row["label"] == label}) for label in (0, 1)]
        alone = sizes[0] == 0
        compared = own + [row for row in rows if row["label"] == 0] if alone else own
        measures = _measured(compared)
        found[name] = {
            "authentic": sizes[0],
            "tampered": sizes[1],
            "draws": len(own),
            "against_all": alone,
            **{key: measures[key] for key in ("auc", "tpr_at_1", "tpr_at_5", "detections")},
            "false_alarms": None if alone else measures["false_alarms"],
        }
    return found


def _measured(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Values as the trainer measures them; intervals by the normal approximation over pictures."""
    labels = np.array([row["label"] for row in rows])
    scores = np.array([float(row["score"]) for row in rows])
    images = len({row["sha256"] for row in rows})
    both = len(set(labels)) == 2

    def interval(value: float, count: float) -> list[float]:
        width = 1.96 * math.sqrt(value * (1 - value) / max(count, 1))
        return [round(part, 4) for part in (value, max(value - width, 0), min(value + width, 1))]

    def rate(label: int) -> list[float] | None:
        own = scores[labels == label]
        return interval(float((own >= THRESHOLD).mean()), len(own) / _DRAWS) if len(own) else None

    def at(limit: float) -> list[float] | None:
        if not both:
            return None
        negatives = np.sort(scores[labels == 0])[::-1]
        threshold = negatives[int(limit * len(negatives))]
        return interval(float((scores[labels == 1] > threshold).mean()), images / 2)

    states = {}
    for label, word in enumerate(("authentic", "tampered")):
        own = scores[labels == label]
        states[f"{word} positive"] = int((own >= THRESHOLD).sum())
        states[f"{word} inconclusive"] = int(((own >= BELOW) & (own < THRESHOLD)).sum())
        states[f"{word} negative"] = int((own < BELOW).sum())
    likelihood = np.where(labels == 1, scores, 1 - scores)
    return {
        "images": images,
        "draws": _DRAWS,
        "auc": interval(float(roc_auc_score(labels, scores)), images / 2) if both else None,
        "accuracy": interval(float(((scores >= 0.5) == (labels == 1)).mean()), images),
        "cross_entropy": round(float(-np.log(likelihood).mean()), 4),
        "confusion": [
            [int(((scores >= 0.5) == hit)[labels == label].sum()) for hit in (False, True)]
            for label in (0, 1)
        ],
        "false_alarms": rate(0),
        "detections": rate(1),
        "states": states,
        "average_precision": interval(float(average_precision_score(labels, scores)), images / 2)
        if both
        else None,
        "tpr_at_1": at(0.01),
        "tpr_at_5": at(0.05),
        "ece": [0.031, 0.02, 0.052] if both else None,
        "cross_entropy_interval": [0.4, 0.6],
    }


def _sha256(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _write_table(path: Path, names: tuple[str, ...], rows: list[Any]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows(rows)
