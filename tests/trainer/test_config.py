"""Recipes: complete, overridable, and the same again from a card."""

import dataclasses
import json

import pytest

from trainer.config import override, recipe_from
from trainer.errors import CorpusError
from trainer.recipes import RECIPES


@pytest.mark.parametrize("make", RECIPES, ids=lambda make: make.__name__)
def test_recipe_survives_the_way_through_a_card(make: object) -> None:
    recipe = make()
    stored = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert recipe_from(stored) == recipe
    assert recipe.name == make.__name__


@pytest.mark.parametrize("make", RECIPES, ids=lambda make: make.__name__)
def test_shares_add_up(make: object) -> None:
    assert sum(dataclasses.asdict(make().shares).values()) == pytest.approx(1.0)


def test_fields_are_set_by_name_and_type() -> None:
    recipe = override(RECIPES[0](), ["epochs=3", "learning_rate=0.5", "flips=false"])
    assert (recipe.epochs, recipe.learning_rate, recipe.flips) == (3, 0.5, False)


@pytest.mark.parametrize(
    "text",
    [
        "nothing=1",
        "__doc__=x",
        "epochs=many",
        "epochs=0",
        "epochs=-1",
        "name=x",
        "resave=1",
        "flips=maybe",
        "size=8",
        "pool=59",
        "batch=0",
        "draws=0",
        "dropout=2",
        "learning_rate=nan",
        "ela_quality=500",
        "ela_subsampling=4:1:1",
    ],
)
def test_unknown_field_or_wrong_value_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(CorpusError):
        override(RECIPES[0](), [text])
