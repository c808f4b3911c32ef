"""Prepared images: made once on all cores, kept on disk, read back for every epoch.

The cache holds one file for each example, with all its draws in float16, which keeps 11 bits where
the files have 8. Its name is a hash over everything that decides its content, so a cache may be
shared by runs and recipes, and deleted at any time.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from app.analysis.recompress import encoder_identity
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.detection.card import Preparation
from app.detection.prepare import prepare
from app.errors import ElascopeError, NotWrittenError
from app.evidence.decode import decode
from app.evidence.file import EvidenceFile, open_evidence
from app.names import one_line
from trainer.corpus import Example
from trainer.corpus.examine import on_all_cores
from trainer.corpus.resave import ResaveRange, resave
from trainer.errors import CorpusError
from trainer.training.augment import grid_crop
from trainer.training.distributed import rank_and_count

Item = tuple[Tensor, Tensor, Tensor]
"""Image (channels, height, width) float16 in grey levels; label () float32, 0 or 1; mask (height,
width) float16, the altered share of each value's area, NaN where unknown, or (0, 0) without masks.
"""

_FORMAT = "elascope prepared 1"
_KEY = hashlib.sha256().digest_size
_KEPT = 7, 8
"""A crop keeps 7/8 of each side."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What happens to every picture between its file and the network's input.

    Attributes:
        preparation: of the model.
        resave: ranges of the save pipeline, or None for the files as published.
        crop: share of draws that are cropped after the last save, half of them on the grid.
        seed: of save pipeline and crop.
    """

    preparation: Preparation
    resave: ResaveRange | None
    crop: float
    seed: int


def prepare_draw(
    pixels: RgbU8, identity: str, draw: int, chain: Chain, mask: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float16], NDArray[np.float16] | None]:
    """One draw of the chain for one picture.

    It depends on the arguments only: not on the label, the order of files or the machine.

    Args:
        pixels: (height, width, 3) uint8 RGB, as in the file.
        identity: the file's SHA-256.
        draw: 0, 1, 2 … for independent draws of one picture.
        chain: what to do.
        mask: (height, width), true where the picture was altered.

    Returns:
        The image and the mask as in `Item`; no mask without one.
    """
    if chain.resave is not None:
        pixels, _ = resave(pixels, chain.resave, chain.seed, identity, draw)
    height, width = pixels.shape[:2]
    rows, columns = slice(0, height), slice(0, width)
    key = hashlib.sha256(f"{chain.seed}/{identity}/{draw}/crop".encode()).digest()
    random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    if random.random() < chain.crop:
        aligned = bool(random.random() < 0.5)
        high, wide = (max(side * _KEPT[0] // _KEPT[1], 1) for side in (height, width))
        # 16 keeps the units whole whatever the last save's subsampling was; what is off the grid
        # of 8 is off that of 16 as well.
        unit = 16 if aligned else 8
        pixels, place = grid_crop(pixels, high, wide, random, aligned=aligned, unit=unit)
        rows = slice(place.top, place.top + place.height)
        columns = slice(place.left, place.left + place.width)
    image = prepare(pixels, chain.preparation).astype(np.float16)
    if mask is None:
        return image, None
    seen = _resized(mask.astype(np.float32), height, width)[rows, columns]
    wanted = chain.preparation.height, chain.preparation.width
    return image, _resized(seen, *wanted).astype(np.float16)


def _resized(mask: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    reduced = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.float32)


class PreparedSet(Dataset[Item]):
    """Prepared draws of examples, read from the cache one by one.

    Attributes:
        examples: in their order.
        draws: of each example; item i is draw ``i % draws`` of example ``i // draws``.
        labels: (examples * draws,) float32.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        draws: int,
        preparation: Preparation,
        files: Sequence[Path],
        *,
        masks: bool,
    ) -> None:
        self.examples = tuple(examples)
        self.draws = draws
        one = torch.tensor([float(example.label) for example in self.examples])
        self.labels = one.repeat_interleave(draws)
        self._shape = preparation.channels, preparation.height, preparation.width
        self._files = tuple(os.fspath(file) for file in files)
        self._masks = masks

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Item:
        """The image, the label and the mask; see `Item`.

        Raises:
            CorpusError: the cache was deleted or damaged meanwhile.
        """
        number, draw = divmod(index, self.draws)
        example, file = self.examples[number], self._files[number]
        size = int(np.prod(self._shape))
        image = torch.from_numpy(_read(file, draw * size, size)).view(self._shape)
        if not self._masks:
            mask = torch.empty(0, 0, dtype=torch.float16)
        elif example.mask is not None:
            area = self._shape[1] * self._shape[2]
            mask = torch.from_numpy(_read(file, self.draws * size + draw * area, area))
            mask = mask.view(self._shape[1:])
        else:
            fill = float("nan") if example.label else 0.0
            mask = torch.full(self._shape[1:], fill, dtype=torch.float16)
        return image, self.labels[index], mask


class MemorySet(Dataset[Item]):
    """The same from tensors; for tests, and for sets that fit.

    Args:
        images: (examples, draws, channels, height, width), of any float type.
        labels: (examples,), 0 or 1.
        masks: (examples, draws, height, width), NaN where unknown, or None.
    """

    def __init__(self, images: Tensor, labels: Tensor, masks: Tensor | None = None) -> None:
        self.draws = images.shape[1]
        self.labels = labels.float().repeat_interleave(self.draws)
        self._images = images.half().flatten(0, 1)
        self._masks = torch.empty(len(self._images), 0, 0) if masks is None else masks.flatten(0, 1)
        self._masks = self._masks.half()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Item:
        """The image, the label and the mask; see `Item`."""
        return self._images[index], self.labels[index], self._masks[index]


Images = PreparedSet | MemorySet


def sample(data: Images, count: int = 1024) -> Tensor:
    """(count or less, channels, height, width) float16, spread evenly over ``data``.

    Enough to fit a normalisation, where the whole set need not fit into memory.
    """
    count = min(count, len(data))
    return torch.stack([data[number * len(data) // count][0] for number in range(count)])


def prepare_set(
    examples: Sequence[Example],
    chain: Chain,
    draws: int,
    cache: Path | None,
    label: str,
    *,
    masks: bool = False,
) -> PreparedSet:
    """Make what the cache lacks, on all cores, and give access to all of it.

    Several processes of one run share the work. An interruption leaves a cache that the next
    call goes on with.

    Args:
        examples: to prepare.
        chain: what to do with each of them.
        draws: how many for each example.
        cache: folder, made if missing; None for a temporary one that goes with the result.
        label: of the progress bar.
        masks: whether the items have masks.

    Raises:
        CorpusError: a file cannot be read any more, or is not the one that was listed.
        NotWrittenError: the cache cannot be written.
    """
    rank, count = rank_and_count()
    folder = cache if cache is not None else Path(tempfile.mkdtemp(prefix="elascope-"))
    entry = partial(_entry, folder=folder, chain=chain, draws=draws, masks=masks)
    try:
        if cache is not None and count > 1:
            on_all_cores(entry, examples[rank::count], label)
        # From the end, so that a process that is done with its share meets the others half way.
        files = on_all_cores(entry, examples[::-1], label)[::-1]
    except BaseException:
        if cache is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    result = PreparedSet(examples, draws, chain.preparation, files, masks=masks)
    if cache is None:
        weakref.finalize(result, _remove, folder, os.getpid())
    return result


def _entry(example: Example, folder: Path, chain: Chain, draws: int, masks: bool) -> Path:
    """The file with the draws of ``example``, made if it is not there or not whole."""
    mask = None
    if masks and example.mask is not None:
        mask = _opened(example.mask)
    key = _key(example, mask, chain, draws)
    file = folder / key.hex()[:2] / f"{key.hex()}.f16"
    height, width = chain.preparation.height, chain.preparation.width
    planes = chain.preparation.channels + (mask is not None)
    if _is_whole(file, key, len(key) + 2 * draws * planes * height * width):
        return file
    evidence = _opened(example.path)
    if evidence.sha256 != example.sha256:
        raise CorpusError(f"{_name(example.path)} was changed after it was listed.")
    pixels = _decoded(evidence)
    altered = None if mask is None else _decoded(mask).max(axis=2) > 127
    made = [prepare_draw(pixels, example.sha256, draw, chain, altered) for draw in range(draws)]
    # Images first, so that their place does not depend on whether there are masks.
    content = [image for image, _ in made] + [seen for _, seen in made if seen is not None]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWrittenError(
            f"The cache {_name(folder)} could not be made: {error.strerror}.", repr(error)
        ) from error
    write_bytes(file, b"".join([key, *(array.astype("<f2").tobytes() for array in content)]))
    return file


def _key(example: Example, mask: EvidenceFile | None, chain: Chain, draws: int) -> bytes:
    decides = {
        "format": _FORMAT,
        "file": example.sha256,
        "mask": None if mask is None else mask.sha256,
        "chain": dataclasses.asdict(chain),
        "draws": draws,
        # The preparation names the encoder that it wants; this is the one that there is.
        "codecs": (encoder_identity().fingerprint, cv2.__version__, PIL.__version__),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).digest()


def _is_whole(file: Path, key: bytes, size: int) -> bool:
    """Whether ``file`` has its size and begins with its own key."""
    try:
        with file.open("rb") as stream:
            return os.fstat(stream.fileno()).st_size == size and stream.read(len(key)) == key
    except OSError:
        return False


def _opened(path: Path) -> EvidenceFile:
    try:
        return open_evidence(path)
    except ElascopeError as error:
        raise CorpusError(f"{_name(path)}: {error.sentence}", error.detail) from error


def _decoded(evidence: EvidenceFile) -> RgbU8:
    try:
        return decode(evidence).pixels
    except ElascopeError as error:
        raise CorpusError(f"{_name(evidence.path)}: {error.sentence}", error.detail) from error


def _name(path: Path) -> str:
    return one_line(str(path))


def _read(file: str, start: int, count: int) -> NDArray[np.float16]:
    """``count`` values of an entry from the value ``start`` on."""
    try:
        values = np.fromfile(file, dtype="<f2", count=count, offset=_KEY + 2 * start)
    except OSError:
        values = np.empty(0, dtype="<f2")
    if len(values) < count:
        raise CorpusError("The cache of prepared images was deleted or damaged; start again.", file)
    return values


def _remove(folder: Path, owner: int) -> None:
    """Remove a temporary cache; not from a loading process, which holds a copy of the object."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
