"""A linear model on class tokens: what fits when there are hundreds of pictures."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from trainer.errors import CorpusError
from trainer.heads.recipe import HeadRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """logit = weight . unit tokens + offset, over the class tokens of some blocks.

    Attributes:
        first: block, from 1.
        last: block.
        weight: (blocks * width,) float64.
        offset: of the logit.
    """

    first: int
    last: int
    weight: NDArray[np.float64]
    offset: float

    def logits(self, summary: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows, blocks, width) to (rows,)."""
        return unit_tokens(summary, self.first, self.last) @ self.weight + self.offset


def unit_tokens(summary: NDArray[np.float32], first: int, last: int) -> NDArray[np.float64]:
    """Class tokens of the blocks, each of length 1, side by side: (rows, blocks * width)."""
    tokens = summary[:, first - 1 : last].astype(np.float64)
    tokens /= np.linalg.norm(tokens, axis=2, keepdims=True)
    return tokens.reshape(len(tokens), -1)


def fit_linear(
    summary: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    recipe: HeadRecipe,
) -> Linear:
    """Logistic regression in which both classes, and in each the groups, weigh the same.

    Args:
        summary: (rows, blocks, width).
        labels: (rows,) 0 or 1.
        groups: (rows,) set or generator.
        recipe: blocks and regularisation.

    Raises:
        CorpusError: one of the classes is missing.
    """
    if len(np.unique(labels)) < 2:
        raise CorpusError("Too few pictures: one of the classes is missing in a fold.")
    first, last = recipe.blocks
    tokens = unit_tokens(summary, first, last)
    middle, spread = tokens.mean(axis=0), tokens.std(axis=0) + 1e-12
    weights = group_weights(labels, groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=recipe.regularisation, max_iter=300).fit(
            (tokens - middle) / spread, labels, sample_weight=weights
        )
    weight = fitted.coef_[0] / spread
    return Linear(first, last, weight, float(fitted.intercept_[0] - weight @ middle))


def group_weights(labels: NDArray[np.int64], groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """(rows,) with mean 1; both classes, and the groups of a class, have the same sum."""
    weights = np.zeros(len(labels))
    for label in (0, 1):
        names = np.unique(groups[labels == label])
        for name in names:
            rows = (labels == label) & (groups == name)
            weights[rows] = len(labels) / (2 * len(names) * np.count_nonzero(rows))
    return weights
