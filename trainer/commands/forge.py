"""The commands ``forge`` and ``show-augment``."""

import argparse
from pathlib import Path

from app.names import one_line
from trainer.commands.audit import refuse_inside, refuse_targets
from trainer.recipes import RECIPES

_SHEET_PAIRS = 20


def add_forge(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``forge`` to the trainer's commands."""
    forge = commands.add_parser(
        "forge",
        help="make forged pictures with masks, and their untouched counterparts",
        description="Make forged pictures with masks from photographs, and for each its untouched "
        "counterpart with the same history of reduction and first save. Photographs that were "
        "never saved as JPEG give a fully known history.",
    )
    forge.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS", help="folder to alter")
    forge.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="new or empty folder"
    )
    forge.add_argument("--count", type=int, required=True, metavar="N", help="pairs to make")
    forge.add_argument(
        "--kinds", metavar="KIND,…", help="splice,copy-move,removal,retouch,overlay (default: all)"
    )
    forge.add_argument("--seed", type=int, default=0, help="of all draws (default: 0)")
    forge.add_argument(
        "--side",
        type=int,
        nargs=2,
        default=(384, 1024),
        metavar=("MIN", "MAX"),
        help="longer side in pixels (default: 384 1024)",
    )
    forge.add_argument(
        "--area",
        type=float,
        nargs=2,
        default=(1.0, 30.0),
        metavar=("MIN", "MAX"),
        help="altered part of the picture in percent (default: 1 30)",
    )
    forge.add_argument(
        "--donors", type=Path, metavar="FOLDER", help="for splices (default: the photographs)"
    )
    forge.add_argument(
        "--save",
        choices=("png", "jpeg"),
        default="png",
        help="png adds no save; jpeg saves both of a pair at one drawn quality (default: png)",
    )
    forge.add_argument("--licence", default="", help="of the photographs, for the manifest")
    forge.add_argument(
        "--sheet", type=Path, metavar="FILE", help="also write a contact sheet (PNG)"
    )
    forge.set_defaults(run=_forge)


def add_show_augment(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``show-augment`` to the trainer's commands."""
    show = commands.add_parser(
        "show-augment",
        help="show what training sees, as a contact sheet",
        description="For some pictures of a folder or corpus: the original, one draw of the save "
        "pipeline, its ELA at a fixed gain, the model's input, and augmented versions.",
    )
    show.add_argument("folder", type=Path, metavar="FOLDER_OR_CORPUS")
    show.add_argument("--output", type=Path, required=True, metavar="FILE", help="sheet (PNG)")
    show.add_argument("--count", type=int, default=6, metavar="N", help="pictures (default: 6)")
    show.add_argument(
        "--recipe", choices=[make.__name__ for make in RECIPES], default="classic_cnn"
    )
    show.set_defaults(run=_show_augment)


def _forge(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from app.atomic import refuse_evidence, write_bytes
    from trainer.corpus.forge import ForgeRange, Plan, choose_kinds
    from trainer.corpus.forged_folder import ForgedFolder, forge_pairs, prepare_target
    from trainer.corpus.forging import FORGERIES
    from trainer.corpus.photographs import read_photographs
    from trainer.drawing.contact_sheet import png
    from trainer.drawing.forge_sheet import PairPictures, forge_sheet, pictures_of
    from trainer.errors import CorpusError

    if not 1 <= options.count <= 1_000_000:
        raise CorpusError("The count must lie between 1 and 1,000,000.")
    names = [forgery.id for forgery in FORGERIES]
    kinds = choose_kinds(names if options.kinds is None else options.kinds.split(","))
    low, high = options.area
    ranges = ForgeRange(side=tuple(options.side), share=(low / 100, high / 100))
    bases, notes = read_photographs(options.photographs)
    donors = bases
    sources: tuple[Path, ...] = (options.photographs,)
    if options.donors is not None:
        donors, more = read_photographs(options.donors)
        notes += more
        sources = (options.photographs, options.donors)
    refuse_targets([options.sheet], sources)
    refuse_inside([options.sheet] if options.sheet else [], [options.to])
    refuse_evidence([options.sheet], [one.path for one in (*bases, *donors)])
    plan = Plan(tuple(bases), tuple(donors), kinds, ranges, options.seed)
    folder = ForgedFolder(prepare_target(options.to, sources), options.licence)
    for note in notes:
        print(note)
    shown: list[PairPictures] = []
    pairs = forge_pairs(plan, options.count, options.save)
    try:
        for made in tqdm(pairs, total=options.count, desc="forging", disable=None, leave=False):
            if isinstance(made, str):
                tqdm.write(made)
                continue
            folder.add(made)
            if options.sheet and len(shown) < _SHEET_PAIRS:
                shown.append(pictures_of(made.pair))
    finally:
        pairs.close()
        folder.close()
        print(
            f"{len(folder.rows) // 2} of {options.count} pairs are in {one_line(str(options.to))}."
        )
    if options.sheet:
        write_bytes(options.sheet, png(forge_sheet(shown)))
        print(f"Contact sheet: {one_line(str(options.sheet))}")
    return 0 if folder.rows else 1


def _show_augment(options: argparse.Namespace) -> int:
    from app.atomic import refuse_evidence, write_bytes
    from trainer.drawing.augment_sheet import augment_sheet
    from trainer.drawing.contact_sheet import png
    from trainer.errors import CorpusError

    if not 1 <= options.count <= 100:
        raise CorpusError("The count must lie between 1 and 100.")
    # Any file of the folder may be one of the pictures, and any in it become one.
    refuse_targets([options.output], [options.folder])
    refuse_evidence([options.output], [one for one in options.folder.rglob("*") if one.is_file()])
    recipe = next(make for make in RECIPES if make.__name__ == options.recipe)()
    sheet, notes = augment_sheet(options.folder, options.count, recipe)
    for note in notes:
        print(note)
    write_bytes(options.output, png(sheet))
    print(f"Contact sheet: {one_line(str(options.output))}")
    return 0
