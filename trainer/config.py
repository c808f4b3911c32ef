"""What a training run is told; stored with the run and in the model's card."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from app.analysis.recompress import SUBSAMPLINGS
from trainer.corpus.resave import ResaveRange
from trainer.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a split, adding up to 1."""

    train: float = 0.58
    validation: float = 0.12
    calibration: float = 0.15
    test: float = 0.15


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every choice of a training run.

    Attributes:
        name: of the recipe.
        seed: of the split, the save pipeline, the augmentation and the initialisation.
        planes: input planes, as in the model card.
        size: height and width of the input in its own pixels.
        ela_quality: of the preparation.
        ela_subsampling: of the preparation.
        resave: the save pipeline of both classes.
        references: folders of untouched pictures beside the corpus, by name. Half of each helps
            to set the operating point, the other half to measure it; none of them trains.
        shares: of the split.
        filters: of each of the two convolutions.
        pool: side of the second max-pooling.
        dense: units of the hidden dense layer.
        dropout: probability after the convolutions.
        dense_dropout: probability after the hidden dense layer.
        draws: independent draws of the save pipeline per training image; each epoch sees all.
        evaluation_draws: the same for each image of the other parts.
        flips: mirror at random in both directions.
        shift: largest height and width shift of the augmentation, as a share of the input.
        epochs: at most.
        patience: epochs without a lower validation loss before the run ends.
        batch: images per step.
        learning_rate: of AdamW at its highest; it follows half a cosine down to zero.
        weight_decay: of AdamW.
    """

    name: str
    seed: int = 20261122
    planes: tuple[str, ...] = ("ela",)
    size: int = 128
    ela_quality: int = 90
    ela_subsampling: str = "4:2:0"
    resave: ResaveRange = field(default_factory=ResaveRange)
    references: tuple[str, ...] = ()
    shares: Shares = field(default_factory=Shares)
    filters: int = 16
    pool: int = 29
    dense: int = 64
    dropout: float = 0.1
    dense_dropout: float = 0.5
    draws: int = 8
    evaluation_draws: int = 4
    flips: bool = True
    shift: float = 0.05
    epochs: int = 14
    patience: int = 5
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Refuse what would end in a traceback or in nothing, before hours of work.

        Raises:
            CorpusError: with the field and its range.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:  # false for NaN, too
                raise CorpusError(f"{name} must lie between {low:g} and {high:g}.")
        if self.ela_subsampling not in SUBSAMPLINGS:
            raise CorpusError(f"ela_subsampling must be one of {', '.join(SUBSAMPLINGS)}.")
        if ((self.size - 4) // 2 - 4) // self.pool < 1:
            raise CorpusError(f"size {self.size} is too small for pool {self.pool}.")


_RANGES = {
    "seed": (0, 2**31),
    "size": (16, 1024),
    "ela_quality": (1, 100),
    "filters": (1, 1024),
    "pool": (1, 512),
    "dense": (1, 4096),
    "dropout": (0.0, 0.95),
    "dense_dropout": (0.0, 0.95),
    "draws": (1, 1000),
    "evaluation_draws": (1, 1000),
    "shift": (0.0, 0.5),
    "epochs": (1, 10_000),
    "patience": (1, 10_000),
    "batch": (1, 65_536),
    "learning_rate": (1e-9, 10.0),
    "weight_decay": (0.0, 10.0),
}


_BOOLEANS = {"true": True, "false": False}


def override(recipe: Recipe, assignments: list[str]) -> Recipe:
    """Change fields of ``recipe`` by ``name=value`` texts, as the command line gives them.

    Raises:
        CorpusError: an unknown field or a value of the wrong type.
    """
    values = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    simple = {
        name: value
        for name, value in values.items()
        if name != "name" and isinstance(value, int | float | str)
    }
    changes: dict[str, Any] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name not in simple:
            raise CorpusError(f"{name!r} cannot be set. Fields: {', '.join(simple)}.")
        current = simple[name]
        try:
            changes[name] = _BOOLEANS[text] if isinstance(current, bool) else type(current)(text)
        except (ValueError, KeyError) as error:
            raise CorpusError(f"{name} needs a {type(current).__name__}, not {text!r}.") from error
    return dataclasses.replace(recipe, **changes)


def recipe_from(config: dict[str, Any]) -> Recipe:
    """The recipe that a model's card or a run's ``config.json`` holds.

    Raises:
        CorpusError: it was written by another version of the trainer.
    """
    try:
        values = dict(config)
        chain: dict[str, Any] = values["resave"]
        values["resave"] = ResaveRange(
            tuple(chain["longer_side"]), tuple(chain["quality"]), chain["second_save"]
        )
        values["shares"] = Shares(**values["shares"])
        values["planes"] = tuple(values["planes"])
        values["references"] = tuple(values["references"])
        return Recipe(**values)
    except (KeyError, TypeError) as error:
        raise CorpusError(
            "The configuration in the card is not one of this trainer's.", repr(error)
        ) from error
