"""The commands ``ablate`` and ``protocols``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from trainer.commands.audit import refuse_folders, refuse_targets
from trainer.commands.train import (
    add_data_options,
    add_recipe_choice,
    cache_of,
    recipe_of_options,
    say,
)
from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.settings import add_options


def add_comparisons(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ablate`` and ``protocols`` to the trainer's commands."""
    ablation = commands.add_parser(
        "ablate",
        help="train a recipe with and without ELA, and print the difference",
        description="Train the same recipe on RGB, on ELA and on both, with the same splits and "
        "seeds, and print the differences with their intervals. Finished runs in the runs folder "
        "are used again, so an interrupted comparison goes on where it was.",
    )
    add_recipe_choice(ablation)
    add_data_options(ablation)
    ablation.add_argument("--seeds", type=int, default=3, metavar="N", help="(default: 3)")
    ablation.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    ablation.add_argument("--plot", type=Path, metavar="FILE", help="draw the differences (PNG)")
    add_options(ablation.add_argument_group("fields of the recipe"), Recipe)
    ablation.set_defaults(run=_ablate)

    protocols = commands.add_parser(
        "protocols",
        help="one data set by several protocols, from the usual to the honest one",
        description="Measure the container-only lookup, the classic network and a pretrained "
        "backbone by a random split of the files as published, a random split with both classes "
        "saved again, and a source-disjoint split with both classes saved again.",
    )
    add_data_options(protocols)
    protocols.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    protocols.set_defaults(run=_protocols)


def _ablate(options: argparse.Namespace) -> int:
    from app.atomic import write_bytes
    from trainer.comparing.ablation import ablate
    from trainer.drawing.plots import png
    from trainer.drawing.score_plots import differences
    from trainer.runs.folder import write_json

    refuse_targets([options.json, options.plot], options.data)
    refuse_folders([options.runs, cache_of(options)], options.data)
    if "planes" in vars(options):
        raise CorpusError("ablate compares all input planes; leave --planes out.")
    if not 1 <= options.seeds <= 1000:
        raise CorpusError("The number of seeds must lie between 1 and 1000.")
    recipe = recipe_of_options(options)
    found = ablate(recipe, options.data, options.runs, cache_of(options), options.seeds, say)
    print(found.table())
    if options.json:
        write_json(options.json, found.as_plain())
    if options.plot:
        rows = {
            f"{first} - {second}": difference.difference
            for (first, second), difference in found.differences.items()
        }
        write_bytes(options.plot, png(differences(f"{recipe.name}: difference of AUC", rows)))
    return 0


def _protocols(options: argparse.Namespace) -> int:
    from trainer.comparing.protocols import compare_protocols, markdown
    from trainer.recipes import protocol_backbone, protocol_cnn
    from trainer.runs.folder import write_json

    refuse_targets([options.json], options.data)
    refuse_folders([options.runs, cache_of(options)], options.data)
    recipes = {"Two convolutions": protocol_cnn(), "EfficientNet-Lite0": protocol_backbone()}
    rows = compare_protocols(recipes, options.data, options.runs, cache_of(options), say)
    print(markdown(rows))
    if options.json:
        plain = [
            {"protocol": row.protocol, "method": row.method, **dict(row.cells)} for row in rows
        ]
        write_json(options.json, json.loads(json.dumps(plain)))
    return 0
