"""Features of pictures behind the save pipeline, computed by the program's own backbone."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from os import cpu_count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.analysis.recompress import encoder_identity
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.detection.backbone import Backbone, Features
from trainer.corpus.resave import ResaveRange, resave
from trainer.errors import CorpusError
from trainer.heads.pictures import Picture

GRID = 56
"""Cells of a mask in each direction: four for each patch."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of pictures with their features; row i is draw ``draw[i]`` of ``pictures[index[i]]``.

    Attributes:
        pictures: in their order.
        index: (rows,) int64.
        draw: (rows,) int64.
        summary: (rows, blocks, width) float32.
        patches: (rows, taps, patches, width) float16.
        masks: (rows, GRID, GRID) float32, the altered share of each cell; NaN where not known.
    """

    pictures: Sequence[Picture]
    index: NDArray[np.int64]
    draw: NDArray[np.int64]
    summary: NDArray[np.float32]
    patches: NDArray[np.float16]
    masks: NDArray[np.float32]

    def features(self, row: int) -> Features:
        """Of one row, as the program gets them."""
        return Features(self.summary[row], self.patches[row].astype(np.float32))

    @property
    def labels(self) -> NDArray[np.int64]:
        """(rows,) 0 or 1."""
        return np.array([picture.label for picture in self.pictures], dtype=np.int64)[self.index]

    @property
    def groups(self) -> NDArray[np.str_]:
        """(rows,) names."""
        return np.array([picture.group for picture in self.pictures])[self.index]

    @property
    def kinds(self) -> NDArray[np.str_]:
        """(rows,) words."""
        return np.array([picture.kind for picture in self.pictures])[self.index]

    @property
    def folds(self) -> NDArray[np.int64]:
        """(rows,) numbers."""
        return np.array([picture.fold for picture in self.pictures], dtype=np.int64)[self.index]


_ASPECTS = (1.0, 4 / 3, 3 / 2, 16 / 9)
_LEAST_KEPT = 0.5


def cropped(pixels: RgbU8, seed: int, identity: str, draw: int) -> RgbU8:
    """Three of four draws cut to a drawn format, at least half of the picture.

    Each generator and camera has formats of its own, and a backbone that sees pictures squeezed
    into a square sees how much they were squeezed.
    """
    key = hashlib.sha256(f"{seed}/{identity}/{draw}/format".encode()).digest()
    random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    height, width = pixels.shape[:2]
    kept, rows, columns = 1.0, height, width
    for _ in range(8):
        aspect = _ASPECTS[random.integers(len(_ASPECTS))]
        aspect = aspect if random.random() < 0.6 else 1 / aspect
        scale = float(random.uniform(0.8, 1.0))
        high = min(height, width / aspect) * scale
        kept = high * high * aspect / (height * width)
        if kept >= _LEAST_KEPT:
            rows, columns = int(high), int(high * aspect)
            break
    top, left = (int(random.integers(room + 1)) for room in (height - rows, width - columns))
    if random.random() < 0.25:
        return pixels
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def drawn(
    picture: Picture, ranges: ResaveRange, seed: int, draw: int, formats: bool = False
) -> tuple[RgbU8, NDArray[np.float32] | None]:
    """One draw of a picture: pixels, and the mask in their size.

    Every second draw is mirrored. With ``formats`` it is `cropped` first, and has no mask.
    """
    pixels, mask = picture.pixels()
    if formats:
        pixels, mask = cropped(pixels, seed, picture.identity, draw), None
    pixels, _ = resave(pixels, ranges, seed, picture.identity, draw)
    seen = None
    if mask is not None:
        size = pixels.shape[1], pixels.shape[0]
        altered = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        seen = np.asarray(altered, dtype=np.float32)
    if draw % 2:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        seen = None if seen is None else np.ascontiguousarray(seen[:, ::-1])
    return pixels, seen


def features_of(
    pictures: Sequence[Picture],
    draws: Sequence[int],
    ranges: ResaveRange,
    seed: int,
    backbone: Backbone,
    cache: Path,
    formats: bool = False,
) -> Draws:
    """Features of ``draws[i]`` draws of ``pictures[i]``, out of the cache where they are there.

    Raises:
        CorpusError: a picture cannot be read any more.
        NotWrittenError: the cache cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [(index, draw) for index, count in enumerate(draws) for draw in range(count)]

    def entry(place: tuple[int, int]) -> bytes | None:
        picture = pictures[place[0]]
        file = cache / _key(picture, place[1], ranges, seed, backbone, formats)
        if not file.exists():
            try:
                write_bytes(file, _made(picture, place[1], ranges, seed, backbone, formats))
            except CorpusError:
                return None  # A pair that its kind could not alter.
        return file.read_bytes()

    # From one draw of all to the next, so that what is slow to read is spread out.
    with ThreadPoolExecutor(cpu_count()) as pool:
        work = tqdm(pool.map(entry, wanted), total=len(wanted), desc="features", disable=None)
        found = [(place, content) for place, content in zip(wanted, work, strict=True) if content]
    index, draw = np.array([place for place, _ in found], dtype=np.int64).T
    summary, patches, masks = zip(*(_read(content) for _, content in found), strict=True)
    return Draws(pictures, index, draw, np.stack(summary), np.stack(patches), np.stack(masks))


def _made(
    picture: Picture, draw: int, ranges: ResaveRange, seed: int, backbone: Backbone, formats: bool
) -> bytes:
    pixels, mask = drawn(picture, ranges, seed, draw, formats)
    found = backbone.features(pixels)
    cells = np.full((GRID, GRID), np.nan, dtype=np.float32)
    if mask is not None:
        cells = np.asarray(cv2.resize(mask, (GRID, GRID), interpolation=cv2.INTER_AREA))
    shapes = json.dumps([found.summary.shape, found.patches.shape]).encode()
    arrays = (
        found.summary.astype("<f4"),
        found.patches.astype("<f2"),
        cells.astype("<f4"),
    )
    return b"\n".join([shapes, b"".join(array.tobytes() for array in arrays)])


def _read(content: bytes) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.float32]]:
    head, _, body = content.partition(b"\n")
    summary_shape, patches_shape = json.loads(head)
    summary = np.frombuffer(body, "<f4", int(np.prod(summary_shape)))
    patches = np.frombuffer(body, "<f2", int(np.prod(patches_shape)), summary.nbytes)
    masks = np.frombuffer(body, "<f4", GRID * GRID, summary.nbytes + patches.nbytes)
    return (
        summary.reshape(summary_shape),
        patches.reshape(patches_shape),
        masks.reshape(GRID, GRID),
    )


def _key(
    picture: Picture, draw: int, ranges: ResaveRange, seed: int, backbone: Backbone, formats: bool
) -> str:
    decides = {
        "picture": picture.identity,
        "draw": draw,
        "ranges": asdict(ranges),
        "seed": seed,
        "backbone": backbone.sha256,
        "codecs": (encoder_identity().fingerprint, cv2.__version__),
        **({"formats": True} if formats else {}),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
