"""Plots and contact sheets of a run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from app.analysis.rendering import amplified
from app.arrays import MapArray, RgbU8
from app.atomic import write_bytes
from trainer.drawing.contact_sheet import Cell, contact_sheet
from trainer.drawing.plots import COLOURS, intervals, png, svg
from trainer.drawing.score_plots import confusion, history, precision_recall, reliability, roc
from trainer.measures.metrics import Curves, curves
from trainer.runs.files import CHOOSING, RunFiles, interval_of, read_run, scores_of
from trainer.runs.scores import STATES, confusion_of, question_of, states_of

GAIN = 15.0
"""Of every ELA picture of a sheet; one for all, so that they compare."""

_SIDE = 220
_PAIRS = 2
_MOST_GROUPS = 40
"""A page has no room for more; the tables have them all."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A picture with its answer, for a contact sheet.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, as the save pipeline made it.
        ela: (height, width, 3) error levels of these pixels in grey levels, not amplified.
        score: calibrated, 0..1.
        truth: what the picture is, such as ``authentic`` or ``splice``.
        name: of the file in its corpus.
    """

    pixels: RgbU8
    ela: MapArray
    score: float
    truth: str
    name: str


def write_plots(run: Path) -> list[Path]:
    """Draw what the run's folder has numbers for, as PNG and SVG in its ``plots``.

    Returns:
        The files, two for each plot.

    Raises:
        CorpusError: it is no folder of a run, or a file in it is broken.
        NotWrittenError: the folder cannot be written to.
    """
    figures = run_figures(read_run(run))
    folder = run / "plots"
    if figures:
        folder.mkdir(exist_ok=True)
    written = []
    for name, figure in figures.items():
        for suffix, content in ((".png", png(figure)), (".svg", svg(figure))):
            write_bytes(folder / (name + suffix), content)
            written.append(folder / (name + suffix))
    return written


def run_figures(files: RunFiles) -> dict[str, Figure]:
    """Name (letters, digits and hyphens) to plot; what the run has no numbers for is not there.

    Raises:
        CorpusError: the question is not one of this trainer's.
    """
    return {
        **_history_figures(files),
        **_answer_figures(files),
        **_curve_figures(files),
        **_group_figures(files),
    }


def _history_figures(files: RunFiles) -> dict[str, Figure]:
    figures = {}
    for what, axis in (("loss", "cross-entropy, nats"), ("accuracy", "share right at 0.5")):
        series = {
            words: files.history[column]
            for words, column in (
                ("training, augmented", f"train_{what}"),
                ("validation", f"validation_{what}"),
            )
            if column in files.history
        }
        if series:
            title = f"{what.capitalize()} by epoch"
            figures[f"history-{what}"] = history(title, axis, series, files.kept_epoch())
    return figures


def _answer_figures(files: RunFiles) -> dict[str, Figure]:
    name, classes = files.main_set, files.classes
    measures = files.sets.get(name, {})
    figures = {}
    if counts := confusion_of(measures):
        columns = [f"score below 0.5: {classes[0]}", f"0.5 or more: {classes[1]}"]
        figures["confusion"] = confusion(
            f"Draws of {name}, at a score of 0.5", classes, columns, counts
        )
    if states := states_of(measures):
        figures["answers"] = confusion(
            f"Draws of {name}, as the program answers", classes, STATES, states
        )
    return figures


def _curve_figures(files: RunFiles) -> dict[str, Figure]:
    question = question_of(files)
    if question is None:
        return {}
    held_out = dict.fromkeys(one.set for one in files.predictions)
    names = [files.main_set] + [
        name for name in held_out if name not in (*CHOOSING, files.main_set)
    ]
    drawn: dict[str, Curves] = {}
    shares: dict[str, float] = {}
    for name in names:
        scores = scores_of(files, name)
        if len(set(scores.labels.tolist())) == 2 and len(drawn) < len(COLOURS):
            drawn[name] = curves(scores, question)
            shares[name] = float(scores.labels.mean())
    if not drawn:
        return {}
    first = next(iter(drawn))
    marks = {
        "inconclusive from": question.inconclusive_below,
        "positive from": question.operating_point.threshold,
    }
    return {
        "roc": roc(
            "Detections and false alarms at every threshold, and the low end of it",
            {name: curve.roc for name, curve in drawn.items()},
        ),
        "precision-recall": precision_recall(
            "Precision and recall; dotted: chance in a set mixed like this one",
            {name: curve.precision_recall for name, curve in drawn.items()},
            shares,
        ),
        "reliability": reliability(
            f"What a score stands for on {first}, both classes weighing the same",
            drawn[first].reliability,
            marks,
        ),
    }


def _group_figures(files: RunFiles) -> dict[str, Figure]:
    figures = {}
    for grouping, groups in files.group_tables(files.main_set).items():
        for key, axis, chance in (
            ("auc", "area under the ROC curve with 95 % interval; the line is chance", 0.5),
            ("detections", "detections at the operating point with 95 % interval", None),
        ):
            found = {group: interval_of(measures, key) for group, measures in groups.items()}
            rows = {group: value for group, value in found.items() if value is not None}
            if rows:
                name = f"groups-{re.sub('[^a-z0-9]+', '-', grouping.lower())}"
                shown = dict(list(rows.items())[:_MOST_GROUPS])
                title = f"{files.main_set} by {grouping}"
                figures[name] = intervals(title, axis, shown, chance)
                break
    return figures


def errors_sheet(wrong: Sequence[Case]) -> RgbU8:
    """A contact sheet of pictures on whose answer the model is most mistaken, in this order.

    `trainer.runs.files.confident_errors` names them.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    return _sheet("Errors with the highest confidence", wrong)


def ela_sheet(cases: Sequence[Case]) -> RgbU8:
    """A contact sheet of pictures and their error levels, as the save pipeline left them.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    return _sheet("Pictures and their error levels", cases)


def _sheet(title: str, cases: Sequence[Case]) -> RgbU8:
    pairs = [
        (
            Cell(case.pixels, f"{case.name}\n{case.truth}, score {case.score:.3f}"),
            Cell(amplified(case.ela, GAIN), f"error levels x{GAIN:g}"),
        )
        for case in cases
    ]
    rows = [
        [cell for pair in pairs[start : start + _PAIRS] for cell in pair]
        for start in range(0, len(pairs), _PAIRS)
    ]
    foot = [
        "Pictures as the save pipeline made them. Error levels are amplified by one fixed gain: "
        f"white is {255 / GAIN:.3g} grey levels or more."
    ]
    return contact_sheet(title, rows, foot, side=_SIDE)
