"""A run as one HTML page, made only from what is in its folder."""

from pathlib import Path

from matplotlib.figure import Figure

from app.atomic import refuse_evidence, write_bytes
from trainer.drawing.page import details, listing, page, paragraph, picture, plot, table
from trainer.drawing.tables import Table
from trainer.runs.files import RunFiles, confident_errors, read_run
from trainer.runs.plots import run_figures
from trainer.runs.tables import (
    errors_table,
    group_tables,
    history_table,
    lookup_table,
    measures_table,
    mixtures_table,
    parts_table,
    pixel_table,
    values_table,
)
from trainer.runs.words import limits, save_pipeline, verdicts, warnings

PAGE = "report.html"
"""Name of the page in a run's folder."""

_ERRORS = 20
_PLANES = {"ela": "the error levels", "rgb": "the pixels"}
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_SHEET = 16 * 1024 * 1024


def write_report(run: Path, target: Path | None = None) -> Path:
    """Write the page of ``run``, and return where it is: ``target``, or `PAGE` in the run.

    Raises:
        CorpusError: as `report_page`.
        NotWrittenError: it cannot be written, or ``target`` is another file of the run.
    """
    page = report_page(run)
    target = target or run / PAGE
    # An older page may be replaced, and nothing else.
    refuse_evidence([target], [one for one in run.rglob("*") if one != run / PAGE])
    write_bytes(target, page.encode("utf-8"))
    return target


def report_page(run: Path) -> str:
    """The whole page. Every text from the run's files is escaped.

    Raises:
        CorpusError: ``run`` is no folder of a run, or a file in it is broken.
    """
    files = read_run(run)
    figures = run_figures(files)
    recipe = str(files.config.get("name") or "unnamed")
    parts = [
        paragraph(
            f"{files.name}; begun {files.environment.get('began', 'at an unknown time')}", "quiet"
        ),
        listing(warnings(files), "warning"),
        listing(verdicts(files), "verdict"),
        *_section("What was asked", _asked(files)),
        *_section("Data and split", _data(files)),
        *_section(
            "What was measured",
            [
                table(measures_table(files)),
                table(lookup_table(files)),
                _plots(figures, "roc", "precision-recall"),
            ],
        ),
        *_section("Answers", _answers(files, figures)),
        *_section("Calibration", [_plots(figures, "reliability"), _calibration(files)]),
        *_section("Groups", _groups(files, figures)),
        *_section("Where the picture was altered", [table(pixel_table(files))]),
        *_section("Training", _training(files, figures)),
        *_section("Errors with the highest confidence", _errors(files, run)),
        *_section(
            "Pictures and their error levels", [_sheet(run / "plots" / "ela.png", "ELA sheet")]
        ),
        *_section("Limits", [listing(limits(files))]),
        *_section(
            "Configuration",
            [_folded("every setting of the recipe", values_table("", files.config))],
        ),
        *_section(
            "Environment", [_folded("versions and machine", values_table("", _environment(files)))]
        ),
    ]
    return page(f"Training run: {recipe}", parts)


def _section(title: str, parts: list[str]) -> list[str]:
    """A heading and its parts, or nothing where all parts are empty."""
    return [f"<h2>{title}</h2>", *parts] if any(parts) else []


def _asked(files: RunFiles) -> list[str]:
    config, question = files.config, files.question
    planes = config.get("planes") or ()
    side = config.get("size")
    names = planes if isinstance(planes, list) else [planes]
    seen = " and ".join(_PLANES.get(str(plane), str(plane)) for plane in names)
    parts = []
    if question:
        text, positive = question.get("text", ""), question.get("positive", "")
        parts.append(
            paragraph(
                f"{text} A positive answer says: {positive} A negative one: "
                f"{question.get('negative', '')}"
            )
        )
    if planes and side:
        parts.append(
            paragraph(
                f"The network {config.get('model', '')} sees {seen} of the whole picture, reduced "
                f"to {side} x {side}; error levels at quality {config.get('ela_quality')}, "
                f"{config.get('ela_subsampling')}."
            )
        )
    return parts


def _data(files: RunFiles) -> list[str]:
    told = (files.environment.get("left_out"), files.metrics.get("notes"))
    left_out = [str(one) for found in told if isinstance(found, list) for one in found]
    sentences = list(dict.fromkeys(left_out))
    count = f"{len(sentences):,} {'file or group' if len(sentences) == 1 else 'files or groups'}"
    return [
        paragraph(str(files.metrics["split"])) if files.metrics.get("split") else "",
        table(parts_table(files)),
        paragraph(pipeline) if (pipeline := save_pipeline(files)) else "",
        details(f"{count} left out before the split, and why", listing(sentences))
        if sentences
        else "",
    ]


def _answers(files: RunFiles, figures: dict[str, Figure]) -> list[str]:
    question = files.question
    point = question.get("operating_point")
    parts = []
    if isinstance(point, dict):
        parts.append(
            paragraph(
                f"From a score of {_number(point.get('threshold'))} on the answer is positive; "
                f"this threshold was set for {_number(point.get('false_alarm_rate'), '.1%')} "
                f"false alarms. Below {_number(question.get('inconclusive_below'))} it is "
                f"negative, which {_number(question.get('miss_rate'), '.1%')} of the positives "
                "were allowed to be; between the two it is inconclusive. Set on: "
                f"{question.get('reference_population', '')}"
            )
        )
    return [
        *parts,
        _plots(figures, "answers"),
        table(mixtures_table(files)) if files.main_set else "",
        _plots(figures, "confusion"),
    ]


def _calibration(files: RunFiles) -> str:
    found = files.question.get("calibration")
    if not isinstance(found, dict):
        return ""
    method = (
        f"by {len(found['points'])} points of an isotonic regression"
        if found.get("points")
        else f"as 1 / (1 + exp(-({_number(found.get('slope'))} x logit "
        f"{_number(found.get('offset'), '+.4f')})))"
    )
    if files.metrics.get("fault"):
        return paragraph("No score could be calibrated.", "note")
    return paragraph(
        f"The score was made of the network's logit {method}, fitted on the calibration part, "
        "which trained and selected nothing. A score is the share of positives among pictures "
        "with this score when both classes are equally frequent.",
        "note",
    )


def _groups(files: RunFiles, figures: dict[str, Figure]) -> list[str]:
    parts = [_plots(figures, *(name for name in figures if name.startswith("groups-")))]
    others = [name for name in files.sets if name != files.main_set]
    parts += [table(found) for found in group_tables(files, files.main_set)]
    for name in others:
        inner = "".join(table(found) for found in group_tables(files, name))
        parts.append(details(f"groups of {name}", inner) if inner else "")
    return parts


def _training(files: RunFiles, figures: dict[str, Figure]) -> list[str]:
    kept = files.kept_epoch()
    said = (
        f"The weights of epoch {kept} were kept, which had the lowest validation loss. Training "
        "values are from augmented pictures with dropout, so they may look worse than those of "
        "validation."
    )
    return [
        paragraph(said) if kept else "",
        _plots(figures, "history-loss", "history-accuracy"),
        _folded("every epoch", history_table(files)),
    ]


def _errors(files: RunFiles, run: Path) -> list[str]:
    errors = confident_errors(files, _ERRORS)
    return [
        _sheet(run / "plots" / "errors.png", "Contact sheet of the errors"),
        table(errors_table(files, errors)),
    ]


def _environment(files: RunFiles) -> dict[str, object]:
    return {name: value for name, value in files.environment.items() if name != "left_out"}


def _folded(summary: str, content: Table) -> str:
    return details(summary, table(content)) if content.rows else ""


def _plots(figures: dict[str, Figure], *names: str) -> str:
    return "".join(plot(name, figures[name]) for name in names if name in figures)


def _sheet(path: Path, words: str) -> str:
    """A contact sheet that was written beside the plots, if there is one."""
    if not path.is_file() or path.stat().st_size > _LARGEST_SHEET:
        return ""
    content = path.read_bytes()
    return picture(content, words) if content.startswith(_PNG) else ""


def _number(value: object, form: str = ".4f") -> str:
    return format(value, form) if isinstance(value, int | float) else "an unknown value"
