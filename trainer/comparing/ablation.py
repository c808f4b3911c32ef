"""Does ELA help? The same recipe on different input planes, with the same splits and seeds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from trainer.comparing.trials import Trial, carry_out
from trainer.config import Recipe
from trainer.measures.metrics import Difference, paired_difference
from trainer.runs.files import identities_of, read_run, scores_of

INPUTS: tuple[tuple[str, ...], ...] = (("rgb",), ("ela",), ("rgb", "ela"))
"""Planes that are compared; each pair of them is."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """What the comparison showed.

    Attributes:
        recipe: name of the recipe.
        seeds: each is a split, a draw of the save pipeline and an initialisation of its own.
        runs: input to its runs' folder names, by seed.
        differences: (first input, second input) to what the first reaches above the second on
            the same pictures.
    """

    recipe: str
    seeds: tuple[int, ...]
    runs: Mapping[str, tuple[str, ...]]
    differences: Mapping[tuple[str, str], Difference]

    def table(self) -> str:
        """For the terminal."""
        lines = [f"{self.recipe}, test parts of {len(self.seeds)} seeds, AUC and its difference"]
        for (first, second), found in self.differences.items():
            value, low, high = found.difference
            # The interval is over pictures; how training varies shows in the seeds.
            verdict = "no difference shown"
            if low > 0 and min(found.seeds) > 0:
                verdict = f"{first} is better on these pictures, with every seed"
            elif high < 0 and max(found.seeds) < 0:
                verdict = f"{second} is better on these pictures, with every seed"
            each = ", ".join(f"{seed:+.3f}" for seed in found.seeds)
            lines.append(
                f"{first} {found.first:.3f}, {second} {found.second:.3f}: {value:+.3f} "
                f"[{low:+.3f}, {high:+.3f}] ({each}): {verdict}"
            )
        return "\n".join(lines)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "recipe": self.recipe,
            "seeds": list(self.seeds),
            "runs": {label: list(names) for label, names in self.runs.items()},
            "differences": [
                {"of": list(pair)} | dataclasses.asdict(found)
                for pair, found in self.differences.items()
            ],
        }


def ablate(
    recipe: Recipe,
    corpora: Sequence[Path],
    runs: Path,
    cache: Path | None,
    seeds: int,
    say: Callable[[str], None],
) -> Ablation:
    """Train ``recipe`` on each of `INPUTS` for each seed, and compare.

    Args:
        recipe: its planes are replaced, and its seed counted up.
        corpora: to train on.
        runs: where runs are kept; finished ones are not done again.
        cache: of prepared images.
        seeds: how many.
        say: is told of the progress.

    Raises:
        CorpusError, ExportError: as `trainer.build.build`.
    """
    numbers = tuple(recipe.seed + place for place in range(seeds))
    trials = [
        Trial(
            f"{label_of(planes)}, seed {seed}",
            dataclasses.replace(recipe, planes=planes, seed=seed),
        )
        for seed in numbers
        for planes in INPUTS
    ]
    folders = carry_out(trials, corpora, runs, cache, say)
    runs_of = {
        label_of(planes): folders[place :: len(INPUTS)] for place, planes in enumerate(INPUTS)
    }
    files = {label: [read_run(run) for run in found] for label, found in runs_of.items()}
    scores = {label: [scores_of(one, "test") for one in found] for label, found in files.items()}
    # Seeds divide the corpus differently, so a picture may be in several test parts.
    pictures = [identities_of(one, "test") for one in files[label_of(INPUTS[0])]]
    return Ablation(
        recipe.name,
        numbers,
        {label: tuple(run.name for run in found) for label, found in runs_of.items()},
        {
            (second, first): paired_difference(scores[second], scores[first], identities=pictures)
            for first, second in combinations(scores, 2)
        },
    )


def label_of(planes: Sequence[str]) -> str:
    """Input planes as people write them: RGB, ELA, RGB+ELA."""
    return "+".join(plane.upper() for plane in planes)
