"""What training sees, on one sheet: from the picture to the augmented input."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.analysis.ela import residual
from app.analysis.rendering import amplified
from app.arrays import RgbU8, TensorF32
from app.detection.card import Preparation
from app.detection.prepare import prepare, reduce_area_mean
from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import EvidenceFile, open_evidence
from app.names import one_line
from trainer.config import Recipe
from trainer.corpus.resave import resave
from trainer.drawing.contact_sheet import Cell, contact_sheet
from trainer.errors import CorpusError
from trainer.training.augment import brighten, draw_moves, grid_crop, move
from trainer.training.preparation import preparation_of

GAIN = 15.0
"""Of every ELA picture on the sheet; one for all, so that they compare."""

_SHOWN = 200
"""Longer side of ELA pictures: reduced as the model's input is, by the mean."""

_VARIANTS = 2
_BRIGHTNESS = 0.25

_MASK_FOLDERS = {"masks", "groundtruth", "mask"}


def augment_sheet(folder: Path, count: int, recipe: Recipe) -> tuple[RgbU8, list[str]]:
    """A sheet with a row for each of ``count`` pictures spread over ``folder``.

    Returns:
        (height, width, 3) uint8 RGB, and sentences on files that were left out.

    Raises:
        CorpusError: no folder, or no usable picture in it.
    """
    preparation = preparation_of(recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    chosen, notes = _choose(folder, count)
    rows = [
        _row(evidence, pixels, _name(evidence.path, folder), recipe, preparation, generator)
        for evidence, pixels in chosen
    ]
    foot = [
        f"ELA at quality {recipe.ela_quality}, {recipe.ela_subsampling}; every ELA picture is "
        f"amplified by the fixed gain {GAIN:g}: white is {255 / GAIN:.3g} grey levels or more.",
        "Flips, shifts and quarter turns are applied to the reduced map, after ELA; crops to the "
        "pixels before ELA, on or off the 8x8 grid; brightness to RGB planes only. The recipe's "
        "own are used in its training, the optional ones are not.",
    ]
    return contact_sheet(f"Augmentation of the recipe {recipe.name}", rows, foot), notes


def _choose(folder: Path, count: int) -> tuple[list[tuple[EvidenceFile, RgbU8]], list[str]]:
    """Readable pictures at even distances in the sorted list, the next where one is not."""
    if not folder.is_dir():
        raise CorpusError(f"There is no folder {one_line(str(folder))}.")
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not _MASK_FOLDERS & {part.lower() for part in path.relative_to(folder).parts[:-1]}
    ]
    found: list[tuple[EvidenceFile, RgbU8]] = []
    notes: list[str] = []
    tried: set[Path] = set()
    for number in range(count):
        start = number * len(paths) // count
        for path in paths[start:] + paths[:start]:
            if path in tried:
                continue
            tried.add(path)
            try:
                evidence = open_evidence(path)
                found.append((evidence, decode(evidence).pixels))
                break
            except ElascopeError as error:
                if path.suffix.lower() not in (".csv", ".jsonl", ".json", ".txt", ".md"):
                    notes.append(f"Left out: {_name(path, folder)}: {error.sentence}")
    if not found:
        raise CorpusError(f"{one_line(str(folder))} holds no usable picture.")
    return found, notes


def _name(path: Path, folder: Path) -> str:
    return one_line(path.relative_to(folder).as_posix())


def _row(
    evidence: EvidenceFile,
    pixels: RgbU8,
    name: str,
    recipe: Recipe,
    preparation: Preparation,
    generator: torch.Generator,
) -> list[Cell]:
    saved, words = _saved(pixels, recipe, evidence.sha256)
    prepared = torch.from_numpy(prepare(saved, preparation))
    random = np.random.default_rng(int(evidence.sha256[:12], 16))
    row = [
        Cell(pixels, f"{name}\n{pixels.shape[1]}x{pixels.shape[0]}"),
        Cell(saved, words),
        Cell(_ela(saved, preparation), f"ELA x{GAIN:g}\nat full resolution, shown reduced"),
        Cell(
            _picture(prepared, preparation),
            f"model input\n{preparation.width}x{preparation.height}, "
            f"{' + '.join(preparation.planes)}",
        ),
    ]
    batch = prepared.expand(_VARIANTS, *prepared.shape)
    moves = draw_moves(batch, recipe.shift, generator, flips=recipe.flips)
    for number, image in enumerate(move(batch, moves)):
        mirrored = [
            word
            for word, flag in (
                ("left-right", moves.left_right[number]),
                ("top-bottom", moves.top_bottom[number]),
            )
            if flag
        ]
        words = f"flipped {' and '.join(mirrored) or 'not'}, "
        words += f"shifted {moves.right[number]:+d} x {moves.down[number]:+d}"
        row.append(Cell(_picture(image, preparation), f"recipe's own\n{words}"))
    turned = torch.rot90(prepared, 1, (1, 2))
    row.append(
        Cell(_picture(turned, preparation), f"{_use(recipe.quarter_turns)}\nquarter turn after ELA")
    )
    for aligned in (True, False):
        side = [max(length * 3 // 4, 16) for length in saved.shape[:2]]
        cut, crop = grid_crop(saved, side[0], side[1], random, aligned=aligned)
        words = f"crop {'on' if crop.aligned else 'off'} the grid at {crop.left}, {crop.top}"
        cropped = torch.from_numpy(prepare(cut, preparation))
        row.append(
            Cell(_picture(cropped, preparation), f"{_use(recipe.crop > 0)}\n{words}, before ELA")
        )
    if "rgb" in preparation.planes:
        channels = _rgb_channels(preparation)
        lit = brighten(prepared[None], _BRIGHTNESS, channels, generator)[0]
        row.append(
            Cell(
                _picture(lit, preparation),
                f"{_use(recipe.brightness > 0)}\nbrightness of the RGB planes",
            )
        )
    return row


def _saved(pixels: RgbU8, recipe: Recipe, identity: str) -> tuple[RgbU8, str]:
    """The first draw of the recipe's save pipeline, and what it was."""
    if recipe.resave is None:
        return pixels, "as published\nnot saved again"
    saved, history = resave(pixels, recipe.resave, recipe.seed, identity, 0)
    saves = ", ".join(f"q{quality} {subsampling}" for quality, subsampling in history.saves)
    return saved, f"re-saved\n{history.width}x{history.height}, {saves}"


def _use(own: bool) -> str:
    return "recipe's own" if own else "optional"


def _rgb_channels(preparation: Preparation) -> list[int]:
    return [
        3 * place + channel
        for place, plane in enumerate(preparation.planes)
        if plane == "rgb"
        for channel in range(3)
    ]


def _ela(pixels: RgbU8, preparation: Preparation) -> RgbU8:
    """The residual reduced by the mean, then amplified."""
    measured = residual(pixels, preparation.quality, preparation.subsampling)
    factor = min(_SHOWN / max(pixels.shape[:2]), 1.0)
    height, width = (max(round(side * factor), 1) for side in pixels.shape[:2])
    return _amplified(reduce_area_mean(measured, height, width))


def _picture(image: Tensor, preparation: Preparation) -> RgbU8:
    """The planes of an input side by side, ELA amplified."""
    planes: TensorF32 = image.numpy()
    pictures = [
        _amplified(part)
        if name == "ela"
        else amplified(np.ascontiguousarray(part.transpose(1, 2, 0)), 1.0)
        for name, part in zip(
            preparation.planes, np.split(planes, len(preparation.planes)), strict=True
        )
    ]
    return np.concatenate(pictures, axis=1)


def _amplified(levels: TensorF32) -> RgbU8:
    return amplified(np.ascontiguousarray(levels.transpose(1, 2, 0)), GAIN)
