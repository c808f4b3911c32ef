"""The recipes, as functions that return a complete configuration."""

from collections.abc import Callable

from trainer.config import Recipe
from trainer.corpus.resave import ResaveRange


def classic_cnn() -> Recipe:
    """The classic two-convolution network on ELA at 128x128, trained honestly."""
    return Recipe(name="classic_cnn", references=("camera", "web", "pristine"))


def smoke() -> Recipe:
    """The same path in seconds, for tests: a tiny input, few epochs, few draws."""
    return Recipe(
        name="smoke",
        size=32,
        filters=8,
        pool=4,
        dense=16,
        dense_dropout=0.2,
        draws=2,
        evaluation_draws=2,
        epochs=4,
        resave=ResaveRange(longer_side=(96, 160)),
    )


RECIPES: tuple[Callable[[], Recipe], ...] = (classic_cnn, smoke)
"""Every recipe; its name on the command line is the function's."""
