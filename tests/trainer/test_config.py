"""Recipes: complete, overridable, and the same again from a card."""

import argparse
import dataclasses
import json
from collections.abc import Callable

import pytest

from trainer.config import Recipe, recipe_from
from trainer.errors import CorpusError
from trainer.recipes import RECIPES
from trainer.settings import add_options, changed


def told(*words: str) -> Recipe:
    """The first recipe, changed on a command line."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser, Recipe)
    return changed(RECIPES[0](), parser.parse_args(words))


@pytest.mark.parametrize("make", RECIPES, ids=lambda make: make.__name__)
def test_recipe_survives_the_way_through_a_card(make: Callable[[], Recipe]) -> None:
    recipe = make()
    stored = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert recipe_from(stored) == recipe
    assert recipe.name == make.__name__
    assert make.__doc__


def test_card_of_an_older_trainer_means_what_it_meant() -> None:
    """It had no choice of split, model, input crop or calibration; these are the defaults."""
    old = {
        "name": "classic_cnn",
        "seed": 7,
        "planes": ["ela"],
        "size": 128,
        "resave": {"longer_side": [352, 640], "quality": [75, 98], "second_save": 0.3},
        "references": ["camera"],
        "shares": {"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2},
        "epochs": 14,
    }
    recipe = recipe_from(old)
    assert recipe.resave is not None
    assert (recipe.resave.webp, recipe.split, recipe.model) == (0.0, "components", "classic_cnn")
    assert (recipe.crop, recipe.calibration, recipe.warmup) == (0.0, "platt", 0.0)


@pytest.mark.parametrize("stored", [{}, {"name": "x", "unheard": 1}, {"name": "x", "resave": 3}])
def test_card_of_another_trainer_is_refused_in_a_sentence(stored: dict[str, object]) -> None:
    with pytest.raises(CorpusError, match="not one of this trainer's"):
        recipe_from(stored)


@pytest.mark.parametrize(
    "field", [item.name for item in dataclasses.fields(Recipe) if item.name != "name"]
)
def test_every_field_has_an_option_with_help(field: str) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, Recipe)
    flags = {flag for action in parser._actions for flag in action.option_strings if action.help}
    option = field.replace("_", "-")
    assert any(flag in (f"--{option}", f"--no-{option}") for flag in flags) or any(
        flag.startswith(f"--{option}-") for flag in flags
    )


def test_fields_are_set_by_name_and_type() -> None:
    recipe = told("--epochs", "3", "--learning-rate", "0.5", "--no-flips", "--planes", "rgb", "ela")
    assert (recipe.epochs, recipe.learning_rate, recipe.flips) == (3, 0.5, False)
    assert recipe.planes == ("rgb", "ela")
    assert dataclasses.replace(recipe, epochs=14, learning_rate=1e-3, flips=True,
                               planes=("ela",)) == RECIPES[0]()  # fmt: skip


def test_save_pipeline_can_be_changed_or_taken_away() -> None:
    recipe = told("--resave-quality", "60", "80", "--resave-webp", "0.2")
    assert recipe.resave is not None
    assert (recipe.resave.quality, recipe.resave.webp) == ((60, 80), 0.2)
    assert recipe.resave.longer_side == (352, 640)
    assert told("--no-resave").resave is None
    with pytest.raises(CorpusError, match="exclude each other"):
        told("--no-resave", "--resave-webp", "0.2")


@pytest.mark.parametrize(
    "text",
    [
        "--epochs 0",
        "--epochs -1",
        "--size 8",
        "--pool 59",
        "--batch 0",
        "--draws 0",
        "--dropout 2",
        "--learning-rate nan",
        "--ela-quality 500",
        "--resave-quality 90 70",
        "--resave-quality 0 70",
        "--shares-train 0.5",
        "--leave-out CASIA",
        "--planes",
        "--planes ela ela",
    ],
)
def test_value_out_of_range_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(CorpusError):
        told(*text.split())


@pytest.mark.parametrize(
    "text",
    ["--nothing 1", "--epochs many", "--split none", "--tune it", "--ela-subsampling 4:1:1"],
)
def test_unknown_option_or_choice_ends_with_usage(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        told(*text.split())
