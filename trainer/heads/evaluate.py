"""Measuring a published model on a backbone again, and comparing its card."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.detection.backbone import Backbones
from app.detection.detector import Detector
from trainer.corpus.resave import ResaveRange
from trainer.errors import CorpusError
from trainer.evaluate import close
from trainer.heads.features import Draws
from trainer.heads.generated import fit_and_measure
from trainer.heads.pictures import altered_pictures, generated_pictures
from trainer.heads.recipe import HeadRecipe
from trainer.heads.tampered import measure_test
from trainer.heads.workshop import Workshop


def recipe_from_card(detector: Detector) -> HeadRecipe:
    """The recipe that a model's card keeps.

    Raises:
        CorpusError: the card is of another kind of model.
    """
    config = dict(detector.card.training.config)
    if config.pop("kind", "") != "head":
        raise CorpusError(f"The model {detector.card.name} was not trained on a backbone.")
    ranges: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in config["resave"].items()
    }
    config["resave"] = ResaveRange(**ranges)
    config["draws"] = tuple((name, count) for name, count in config["draws"])
    config["blocks"] = tuple(config["blocks"])
    return HeadRecipe(**config)


def unknown_to(detector: Detector, root: Path, cache: Path) -> tuple[HeadRecipe, Draws]:
    """A model's recipe, and the draws that are measured: all for ``generated``, which is
    cross-validated, and for ``tampered`` those of the part that trained nothing.

    Raises:
        CorpusError: the card is of another kind of model, or a folder is missing.
    """
    recipe = recipe_from_card(detector)
    assert detector.backbone is not None
    if recipe.question == "generated":
        pictures = generated_pictures(root, recipe.seed)
    else:
        pictures = altered_pictures(root, recipe.seed, recipe.test_share, recipe.forged_pairs)
        pictures = [picture for picture in pictures if picture.fold < 0]
    shop = Workshop(root, detector.backbone, detector.path.parent.parent, cache, "", _silence)
    return recipe, shop.features(pictures, recipe)


def _silence(_: str) -> None:
    """Nothing is said of what is done again."""


def evaluate_head(
    model: Path, root: Path, backbones: Backbones, cache: Path
) -> tuple[Mapping[str, Any], list[str]]:
    """Measure again what needs no training of hours.

    Of ``generated`` that is everything: the models of the cross-validation are fitted again, and
    the published weights are compared with weights fitted anew. Of ``tampered`` it is the part of
    CASIA 1.0 that trained nothing, measured with the published files.

    Returns:
        The results, and a sentence for each comparison with the card.
    """
    detector = Detector(model, backbones)
    recipe, draws = unknown_to(detector, root, cache)
    assert detector.backbone is not None
    notes = []
    if recipe.question == "generated":
        linear, question, results = fit_and_measure(recipe, draws)
        row = int(np.argmax(draws.draw == 0))
        pixels = np.zeros((8, 8, 3), np.uint8)  # the model takes features only
        again = float(linear.logits(draws.summary[row : row + 1])[0])
        published = detector.logits_of(pixels, draws.features(row))[question.id]
        same = abs(again - published) <= 1e-2 * max(1.0, abs(again))
        notes.append(f"weights: {'equal to' if same else 'DIFFERENT from'} those fitted again")
    else:
        shop = Workshop(root, detector.backbone, model.parent.parent, cache, "", _silence)
        results = measure_test(detector, draws, recipe, shop)
    for name, fresh in results.items():
        if name in detector.card.results:
            same = close(fresh, detector.card.results[name])
            notes.append(f"{name}: {'equal to' if same else 'DIFFERENT from'} the card")
    return results, notes


def lines_of(results: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Results for the terminal."""
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from lines_of(value, indent + "  ")
        elif isinstance(value, list) and len(value) == 3 and isinstance(value[0], float):
            yield f"{indent}{name}: {value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
        else:
            yield f"{indent}{name}: {value}"
