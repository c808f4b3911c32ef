"""The commands ``train``, ``resume`` and ``recipes``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.commands.audit import refuse_folders
from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.recipes import RECIPES
from trainer.settings import add_options, changed

if TYPE_CHECKING:
    from trainer.build import Job


def add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``train``, ``resume`` and ``recipes`` to the trainer's commands."""
    train = commands.add_parser(
        "train",
        help="train, calibrate, measure and export a model",
        description="Carry out a recipe: divide the corpora, prepare, train, calibrate, measure "
        "and export. Every field of the recipe can be changed by the options at the end.",
    )
    add_recipe_choice(train)
    add_data_options(train)
    train.add_argument(
        "--name", dest="model_name", metavar="NAME", help="of the model (default: the recipe's)"
    )
    train.add_argument("--model-version", default="1.0.0", metavar="X.Y.Z")
    train.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="CORPUS=W",
        help="how often a corpus is drawn from, relative to the others",
    )
    add_options(train.add_argument_group("fields of the recipe"), Recipe)
    train.set_defaults(run=_train)

    resume = commands.add_parser(
        "resume",
        help="go on with an interrupted run",
        description="Go on where a run was interrupted or killed, with the same result as if it "
        "had not been.",
    )
    resume.add_argument("model_run", type=Path, metavar="RUN")
    add_data_options(resume)
    resume.set_defaults(run=_resume)

    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.set_defaults(run=_recipes)


def add_recipe_choice(parser: argparse.ArgumentParser) -> None:
    """Add the recipe's name."""
    names = [make.__name__ for make in RECIPES]
    parser.add_argument("recipe", choices=names, metavar="RECIPE", help=", ".join(names))


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add where pictures, runs and prepared images are."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="CORPUS",
        help="one or more: CASIA 1.0 or 2.0, a folder per class, or a CSV manifest",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept")
    add_cache_options(parser)


def add_cache_options(parser: argparse.ArgumentParser) -> None:
    """Add where prepared images are kept."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="of prepared images, used again by later runs (default: RUNS/prepared)",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="keep prepared images for this run only"
    )


def cache_of(options: argparse.Namespace) -> Path | None:
    """The folder of prepared images."""
    if options.no_cache:
        return None
    return Path(options.cache or options.runs / "prepared")


def recipe_of_options(options: argparse.Namespace) -> Recipe:
    """The recipe that was named, with the fields that were given.

    Raises:
        CorpusError: a field is out of range.
    """
    recipe = next(make for make in RECIPES if make.__name__ == options.recipe)()
    return changed(recipe, options)


def _train(options: argparse.Namespace) -> int:
    from trainer.build import Job, build
    from trainer.data import gather
    from trainer.models.registry import family

    recipe = recipe_of_options(options)
    refuse_folders([options.runs, cache_of(options)], options.data)
    family(recipe.model)  # refuses an unknown one before the corpora are read
    job = Job(
        runs=options.runs,
        cache=cache_of(options),
        name=options.model_name or recipe.name.replace("_", "-"),
        version=options.model_version,
        weights=_weights(options.weight),
    )
    build(recipe, gather(recipe, options.data), job, say)
    return 0


def _resume(options: argparse.Namespace) -> int:
    from trainer.build import build
    from trainer.data import gather
    from trainer.runs.folder import recipe_of

    recipe, job = recipe_of(options.model_run), _job_of(options)
    refuse_folders([job.runs, job.cache], options.data)
    build(recipe, gather(recipe, options.data), job, say)
    return 0


def _job_of(options: argparse.Namespace) -> Job:
    import dataclasses

    from trainer.build import read_job

    run = options.model_run
    # Where the run began, unless something else is said.
    options.runs = run.parent
    return dataclasses.replace(read_job(run), cache=cache_of(options))


def _recipes(_: argparse.Namespace) -> int:
    for make in RECIPES:
        print(f"{make.__name__:20} {(make.__doc__ or '').splitlines()[0]}")
    return 0


def _weights(texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError as error:
            raise CorpusError(f"--weight needs CORPUS=NUMBER, not {text!r}.") from error
    return found


def say(sentence: str) -> None:
    """Print at once, for logs that are read while a run goes on."""
    print(sentence, flush=True)
