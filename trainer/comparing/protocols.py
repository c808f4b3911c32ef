"""One data set, several protocols: how much of a published accuracy is the protocol's.

The container-only lookup, the usual random split of the files as published, the random split with
both classes saved again, and the source-disjoint split with both classes saved again, for the
classic network and a pretrained backbone, on pixels and on error levels.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.comparing.trials import Trial, carry_out
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.container import container_of, lookup_predictions
from trainer.corpus.resave import history_of
from trainer.data import Data, gather
from trainer.measures.bootstrap import Interval, resampled
from trainer.runs.files import interval_of, read_metrics

PROTOCOLS: Mapping[str, Mapping[str, Any]] = {
    # Nothing is drawn for files as published: one look at each is all there is.
    "random split, files as published": {
        "split": "random",
        "resave": None,
        "evaluation_draws": 1,
    },
    "random split, both classes re-saved": {"split": "random"},
    "source-disjoint, both classes re-saved": {"split": "components"},
}
_PLANES = (("rgb",), ("ela",))
_MEASURES = {"accuracy": "accuracy", "AUC": "auc", "found at 1 % false alarms": "tpr_at_1"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        protocol: split and treatment of the files.
        method: what answered.
        cells: name of the measure to value and 95 % interval, on the test part; None where the
            method has no such measure.
    """

    protocol: str
    method: str
    cells: Mapping[str, Interval | None]


def compare_protocols(
    recipes: Mapping[str, Recipe],
    corpora: Sequence[Path],
    runs: Path,
    cache: Path | None,
    say: Callable[[str], None],
) -> list[Row]:
    """Train every recipe by every protocol, and measure the lookup by the same ones.

    Args:
        recipes: name for the table to recipe; split, save pipeline and planes are replaced.
        corpora: to train on.
        runs: where runs are kept; finished ones are not done again.
        cache: of prepared images.
        say: is told of the progress.

    Raises:
        CorpusError, ExportError: as `trainer.build.build`.
    """
    trials, methods = [], []
    for protocol, changes in PROTOCOLS.items():
        for name, recipe in recipes.items():
            for planes in _PLANES:
                changed = dataclasses.replace(recipe, planes=planes, **changes)
                method = f"{name} on {'+'.join(planes).upper()}"
                trials.append(Trial(f"{method}, {protocol}", changed))
                methods.append((protocol, method))
    some = next(iter(recipes.values()))
    rows = [_lookup(protocol, some, changes, corpora) for protocol, changes in PROTOCOLS.items()]
    folders = carry_out(trials, corpora, runs, cache, say)
    for (protocol, method), run in zip(methods, folders, strict=True):
        stored = read_metrics(run)["sets"]["test"]
        cells = {title: interval_of(stored, field) for title, field in _MEASURES.items()}
        rows.append(Row(protocol, method, cells))
    order = list(PROTOCOLS)
    return sorted(rows, key=lambda row: order.index(row.protocol))


def markdown(rows: Sequence[Row]) -> str:
    """The table for a README."""
    titles = list(_MEASURES)
    lines = [
        f"| protocol | method | {' | '.join(titles)} |",
        "|---|---|" + "---|" * len(titles),
    ]
    lines += [
        f"| {row.protocol} | {row.method} | "
        + " | ".join(_words(row.cells.get(title)) for title in titles)
        + " |"
        for row in rows
    ]
    return "\n".join(lines)


def _lookup(
    protocol: str, recipe: Recipe, changes: Mapping[str, Any], corpora: Sequence[Path]
) -> Row:
    """The container-only lookup under a protocol: no pixel is looked at."""
    asked = dataclasses.replace(recipe, **changes)
    data: Data = gather(asked, corpora)

    def container(example: Example) -> object:
        if asked.resave is None:
            return container_of(example)
        # All that a re-saved file's container tells is what was drawn for its last save.
        return history_of(1, 1, asked.resave, asked.seed, example.sha256, 0).saves[-1:]

    train, test = data.split.parts["train"], data.split.parts["test"]
    known = [(container(example), example.label) for example in train]
    answers = lookup_predictions(known, [container(example) for example in test])
    labels = np.array([example.label for example in test], dtype=np.int64)
    right = (labels == np.array(answers)).astype(np.float64)
    found = resampled(lambda counts: {"": counts @ right / len(right)}, labels, len(labels))
    return Row(protocol, "container only, no pixels", {"accuracy": found[""].interval()})


def _words(triple: Interval | None) -> str:
    return "–" if triple is None else f"{triple[0]:.3f} [{triple[1]:.3f}, {triple[2]:.3f}]"
