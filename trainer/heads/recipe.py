"""What decides about a model on a backbone, beside its pictures."""

from dataclasses import dataclass

from trainer.corpus.resave import ResaveRange

RANGES = ResaveRange(
    longer_side=(256, 1024), quality=(60, 100), second_save=0.25, webp=0.1, unsaved=0.15
)
"""One save pipeline for all classes and sets."""


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """A model on a backbone.

    Attributes:
        name: of the recipe and of the model.
        question: ``generated`` or ``tampered``.
        seed: of folds, save pipeline, forging and first weights.
        resave: the save pipeline.
        draws: set to the draws of each of its pictures.
        formats: whether draws are cut to drawn formats.
        test_share: of CASIA 1.0 that trains nothing.
        forged_pairs: made from the untouched pictures.
        regularisation: C of the logistic regression.
        blocks: first and last block, from 1, whose class tokens are used.
        epochs: of training.
        batch: rows of a step.
        learning_rate: highest one.
        tile_steps: of training the network for tiles.
    """

    name: str
    question: str
    seed: int = 20261123
    resave: ResaveRange = RANGES
    draws: tuple[tuple[str, int], ...] = ()
    formats: bool = False
    test_share: float = 0.0
    forged_pairs: int = 0
    regularisation: float = 0.003
    blocks: tuple[int, int] = (7, 9)
    epochs: int = 0
    batch: int = 32
    learning_rate: float = 1e-3
    tile_steps: int = 0


def generated() -> HeadRecipe:
    """Was it made by a generator: a linear model on class tokens."""
    return HeadRecipe(
        name="generated",
        question="generated",
        draws=(
            ("stable_diffusion", 1),
            ("gpt4o", 6),
            ("midjourney", 6),
            ("camera", 6),
            ("pristine", 6),
            ("web", 2),
            ("casia1", 2),
        ),
        formats=True,
    )


def tampered() -> HeadRecipe:
    """Was it altered, and where: a small transformer on patch tokens, and tiles."""
    return HeadRecipe(
        name="tampered",
        question="tampered",
        draws=(("casia1", 2), ("camera", 4), ("pristine", 4), ("web", 2), ("forged", 1)),
        test_share=0.2,
        forged_pairs=700,
        epochs=6,
        tile_steps=1500,
    )


HEAD_RECIPES = (generated, tampered)
