"""Contact sheets of a run, made while its pictures are at hand: errors, and ELA of both classes."""

from collections.abc import Sequence
from pathlib import Path

from app.analysis.ela import residual
from app.atomic import write_bytes
from app.detection.card import Preparation
from app.detection.prepare import reduce_area_mean
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.resave import resave
from trainer.drawing.contact_sheet import png
from trainer.runs.files import Prediction, RunFiles, confident_errors, read_run
from trainer.runs.plots import Case, ela_sheet, errors_sheet

_ERRORS = 12
_OF_EACH_CLASS = 3
_SHOWN = 440
"""Longer side of a sheet's ELA picture: reduced as the model's input is, by the mean."""


def draw_pictures(
    run: Path, recipe: Recipe, preparation: Preparation, examples: Sequence[Example]
) -> None:
    """Write ``plots/errors.png`` and ``plots/ela.png``; call it after ``predictions.csv``.

    Args:
        run: folder of the run.
        recipe: of the run.
        preparation: of its model.
        examples: of the set that the run is judged by.
    """
    files = read_run(run)
    known = {example.sha256: example for example in examples}
    wrong = confident_errors(files, _ERRORS)
    sheets = {
        "errors": errors_sheet([_case(one, recipe, preparation, known) for one in wrong]),
        "ela": ela_sheet([_case(one, recipe, preparation, known) for one in _some(files)]),
    }
    (run / "plots").mkdir(exist_ok=True)
    for name, sheet in sheets.items():
        write_bytes(run / "plots" / f"{name}.png", png(sheet))


def _some(files: RunFiles) -> list[Prediction]:
    """First draws of pictures of both classes in turn, spread over the set."""
    firsts = [one for one in files.predictions if one.set == files.main_set and one.draw == 0]
    chosen: list[list[Prediction]] = []
    for label in (0, 1):
        own = [one for one in firsts if one.label == label]
        step = max(1, len(own) // _OF_EACH_CLASS)
        chosen.append(own[::step][:_OF_EACH_CLASS])
    return [one for pair in zip(*chosen, strict=False) for one in pair]


def _case(
    one: Prediction, recipe: Recipe, preparation: Preparation, known: dict[str, Example]
) -> Case:
    pixels = decode(open_evidence(known[one.sha256].path)).pixels
    if recipe.resave is not None:
        pixels, _ = resave(pixels, recipe.resave, recipe.seed, one.sha256, one.draw)
    levels = residual(pixels, preparation.quality, preparation.subsampling)
    factor = min(_SHOWN / max(pixels.shape[:2]), 1.0)
    height, width = (max(round(side * factor), 1) for side in pixels.shape[:2])
    ela = reduce_area_mean(levels, height, width).transpose(1, 2, 0)
    return Case(pixels, ela, one.score, one.kind, one.path)
