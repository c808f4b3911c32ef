"""Where in a picture: a model's coarse map of the whole, refined tile by tile."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.ela import ELA, ElaParams
from app.analysis.localisation import HeatU8, Localisation, find_regions
from app.analysis.region import Region
from app.analysis.survey import heed
from app.arrays import RgbU8, TensorF32
from app.detection.card import ModelCard, Preparation, Where
from app.detection.session import open_session
from app.errors import ModelRefusedError

FILE = "where.onnx"
"""Name of the network for tiles, beside the model's own file."""

INPUT, OUTPUT = "tile", "mask"
"""Of that network: float32 (batch, channels, rows, columns) to logits (batch, 1, rows, columns)."""

MARGIN = 32
"""Pixels at a tile's rim whose answer is not used: the network sees too little around them."""

_COARSE_SIDE = 1024
"""Longer side of a map that is not refined, at most."""


class WhereNetwork:
    """The network for tiles. Thread-safe."""

    def __init__(self, path: Path, card: ModelCard, where: Where) -> None:
        """Load ``where.onnx`` at ``path``.

        Raises:
            ModelRefusedError: it cannot be read, or is not the one in the card.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelRefusedError(
                f"The model {card.name} lacks its file {FILE}.", repr(error)
            ) from error
        if hashlib.sha256(content).hexdigest() != where.network:
            raise ModelRefusedError(f"The file {FILE} of the model {card.name} is another one.")
        self._session = open_session(content, card.name)
        channels = 3 * len(where.planes) + 1
        inputs = [(tensor.name, tensor.shape[1:]) for tensor in self._session.get_inputs()]
        fits = [(name, shape[0], len(shape)) for name, shape in inputs] == [(INPUT, channels, 3)]
        if not fits or [tensor.name for tensor in self._session.get_outputs()] != [OUTPUT]:
            raise ModelRefusedError(f"The file {FILE} of the model {card.name} does not fit it.")

    def logits(self, tiles: TensorF32) -> NDArray[np.float32]:
        """(batch, channels, rows, columns) to (batch, rows, columns)."""
        return np.asarray(self._session.run([OUTPUT], {INPUT: tiles})[0], dtype=np.float32)[:, 0]


def locate(
    card: ModelCard,
    coarse: NDArray[np.float32],
    pixels: RgbU8,
    network: WhereNetwork | None,
    record: Mapping[str, Any],
    stop: threading.Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Localisation:
    """The map of one picture with its marked regions.

    Args:
        card: with a `Where`.
        coarse: (rows, columns) logits over the whole picture.
        pixels: (height, width, 3) uint8 RGB at full resolution.
        network: that refines; None leaves the coarse map.
        record: of the model and the step.
        stop: looked at before each tile.
        progress: gets the share that is done, 0..1.

    Raises:
        CancelledError: ``stop`` was set.
    """
    where = card.where
    assert where is not None
    height, width = pixels.shape[:2]
    if network is None:
        heat = _enlarged(coarse, width, height)
    else:
        heat = _refined(where, card.preparation, coarse, pixels, network, stop, progress)
    smallest = max(int(where.smallest_share * width * height), 1)
    regions = find_regions(heat, width, height, where.threshold, smallest)
    return Localisation(heat, width, height, where.threshold, regions, record=record)


def _enlarged(coarse: NDArray[np.float32], width: int, height: int) -> HeatU8:
    scale = min(_COARSE_SIDE / max(width, height), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return _heat(np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)))


def _refined(
    where: Where,
    preparation: Preparation,
    coarse: NDArray[np.float32],
    pixels: RgbU8,
    network: WhereNetwork,
    stop: threading.Event | None,
    progress: Callable[[float], None] | None,
) -> HeatU8:
    heat = np.zeros(pixels.shape[:2], np.uint8)
    places = tile_places(pixels.shape[1], pixels.shape[0], where.tile)
    for done, (tile, core) in enumerate(places):
        heed(stop)
        if progress is not None:
            progress(done / len(places))
        inputs = tile_input(where, preparation, coarse, pixels, tile)
        logits = network.logits(filled(inputs, where.tile)[None])[0, : tile.height, : tile.width]
        core.of(heat)[:] = _heat(core.relative_to(tile).of(logits))
    return heat


def tile_input(
    where: Where,
    preparation: Preparation,
    coarse: NDArray[np.float32],
    pixels: RgbU8,
    tile: Region,
) -> TensorF32:
    """The planes of one tile, byte for byte those of the whole picture, and the coarse map there.

    Returns:
        (3 * planes + 1, tile.height, tile.width) float32: grey levels, and logits last.
    """
    planes: list[NDArray[Any]] = []
    for name in where.planes:
        if name == "ela":
            params = ElaParams(quality=preparation.quality, subsampling=preparation.subsampling)
            planes.append(ELA.measure(pixels, params, tile))
        elif name == "noise":
            around = tile.grown(1, 1).inside(Region.whole(pixels))
            part = np.ascontiguousarray(around.of(pixels))
            taken = np.subtract(part, cv2.medianBlur(part, 3), dtype=np.int16)
            planes.append(tile.relative_to(around).of(taken))
        else:
            planes.append(tile.of(pixels))
    stacked = np.concatenate([plane.astype(np.float32) for plane in planes], axis=2)
    semantic = coarse_at(coarse, pixels.shape[1], pixels.shape[0], tile)
    return np.concatenate([stacked.transpose(2, 0, 1), semantic[None]])


def coarse_at(
    coarse: NDArray[np.float32], width: int, height: int, tile: Region
) -> NDArray[np.float32]:
    """The coarse map, bilinear, at the pixels of a part of the picture."""
    rows, columns = coarse.shape
    x = (np.arange(tile.left, tile.right, dtype=np.float32) + 0.5) * columns / width - 0.5
    y = (np.arange(tile.top, tile.bottom, dtype=np.float32) + 0.5) * rows / height - 0.5
    across, down = np.meshgrid(x, y)
    return np.asarray(
        cv2.remap(coarse, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def tile_places(width: int, height: int, tile: int) -> list[tuple[Region, Region]]:
    """Tiles that overlap, and the part of each whose answer counts; these parts cover all once."""
    columns, rows = _spans(width, tile), _spans(height, tile)
    return [
        (
            Region(left, top, left + min(tile, width), top + min(tile, height)),
            Region(core_left, core_top, core_right, core_bottom),
        )
        for top, core_top, core_bottom in rows
        for left, core_left, core_right in columns
    ]


def _spans(length: int, tile: int) -> list[tuple[int, int, int]]:
    """(start of a tile, start and end of its core) along one axis."""
    if length <= tile:
        return [(0, 0, length)]
    step = tile - 2 * MARGIN
    starts = [*range(0, length - tile, step), length - tile]
    # Halfway through the overlap of each two neighbours.
    borders = [(one + tile + other) // 2 for one, other in pairwise(starts)]
    return list(zip(starts, [0, *borders], [*borders, length], strict=True))


def filled(inputs: TensorF32, side: int) -> TensorF32:
    """To a whole tile, by mirroring what there is of a small picture."""
    rows, columns = side - inputs.shape[1], side - inputs.shape[2]
    if rows or columns:
        return np.pad(inputs, ((0, 0), (0, rows), (0, columns)), mode="symmetric")
    return inputs


def _heat(logits: NDArray[np.float32]) -> HeatU8:
    return np.rint(255 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.uint8)
