"""Several runs that are compared with each other: same pictures, same seeds, one thing changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trainer.build import Job, build
from trainer.config import Recipe
from trainer.data import Data, gather
from trainer.runs.folder import finished_run
from trainer.training.distributed import join

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a comparison.

    Attributes:
        label: of its row.
        recipe: what it does.
    """

    label: str
    recipe: Recipe


def carry_out(
    trials: Sequence[Trial], corpora: Sequence[Path], runs: Path, cache: Path | None, say: Say
) -> list[Path]:
    """The folders of the trials' runs, in their order.

    A trial that a finished run in ``runs`` has done already is not done again, so an interrupted
    comparison goes on where it was.

    Raises:
        CorpusError, ExportError: as `build`.
    """
    found = []
    known: dict[tuple[object, ...], Data] = {}
    for number, trial in enumerate(trials, start=1):
        recipe = trial.recipe
        # What decides on the pictures and their parts.
        key = (recipe.positive, recipe.formats, recipe.split, recipe.leave_out, recipe.shares,
               recipe.seed, recipe.references)  # fmt: skip
        data = known.get(key) or gather(recipe, corpora)
        known[key] = data
        run = join().from_first(partial(finished_run, runs, recipe, data, {}))
        where = f"{number} of {len(trials)}: {trial.label}"
        if run is None:
            say(f"--- {where}")
            job = Job(runs, cache, name=recipe.name.replace("_", "-"), version="0.0.0",
                      publish=False)  # fmt: skip
            run = build(recipe, data, job, say)
        else:
            say(f"--- {where}: done before, in {run.name}")
        found.append(run)
    return found
