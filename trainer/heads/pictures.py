"""The pictures that the shipped models are built from, by set and by fold."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8
from app.detection.content import describe_content, reasons_against_content
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus import Example
from trainer.corpus.examine import GENERATED, on_all_cores
from trainer.corpus.folder import read_authentic, read_references
from trainer.corpus.forge import ForgeRange, Plan, choose_kinds
from trainer.corpus.photographs import Photograph
from trainer.corpus.read import read_corpus
from trainer.corpus.splits import split_by_source
from trainer.errors import CorpusError

UNTOUCHED = ("camera", "pristine", "web")
"""Folders of untouched pictures beside the corpus."""

DRAWINGS = frozenset(
    {
        # CID22's "nicubunu Game baddie Policeman": softly shaded, so `photographs_among` keeps it.
        "0f4239c1967fc3dffd3c6d21c98828fcae7c0389707371c5a55c6c5d5193df87",
    }
)
"""Files among the untouched pictures that are drawings, and so no camera pictures."""

FOLDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture to take features of.

    Attributes:
        identity: decides what is drawn for it; differs for all pictures.
        label: 1 for the positive class.
        kind: as in `Example`.
        group: set, or generator, that it is counted in.
        fold: 0 or 1; a model that trained on one is measured on the other. -1 for pictures that no
            model trains on.
        source: of the pixels.
    """

    identity: str
    label: int
    kind: str
    group: str
    fold: int
    source: "FromFile | FromPair"

    def pixels(self) -> tuple[RgbU8, NDArray[np.bool_] | None]:
        """(height, width, 3) uint8 RGB, and (height, width) where it was altered.

        The mask is all false for untouched pictures, and None where it is not known.
        """
        found, mask = self.source.read()
        if mask is None and not self.label:
            mask = np.zeros(found.shape[:2], dtype=np.bool_)
        return found, mask


@dataclass(frozen=True, slots=True)
class FromFile:
    """A file, and one with its mask.

    Attributes:
        path: of the picture.
        mask: of what was altered in it.
        quarter: 0..3, the part of a sheet of four pictures, row by row; None for all of it.
    """

    path: Path
    mask: Path | None = None
    quarter: int | None = None

    def read(self) -> tuple[RgbU8, NDArray[np.bool_] | None]:
        """Pixels and mask."""
        mask = None
        if self.mask is not None:
            mask = decode(open_evidence(self.mask)).pixels.max(axis=2) > 127
        pixels = decode(open_evidence(self.path)).pixels
        if self.quarter is not None:
            rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 2
            top, left = self.quarter // 2 * rows, self.quarter % 2 * columns
            pixels = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
        return pixels, mask


@dataclass(frozen=True, slots=True)
class FromPair:
    """One picture of a forged pair, made when it is needed."""

    plan: Plan
    number: int
    forged: bool

    def read(self) -> tuple[RgbU8, NDArray[np.bool_] | None]:
        """Pixels and mask."""
        pair = self.plan.make(self.number)
        if pair is None:
            raise CorpusError("This pair could not be forged.")
        if not self.forged:
            return pair.untouched, None
        return pair.forged.pixels, pair.forged.mask > 127


def generated_pictures(root: Path, seed: int) -> list[Picture]:
    """Generated pictures and untouched ones, of all sets below ``root``.

    Raises:
        CorpusError: a folder is missing or empty.
    """
    pictures = []
    for folder in sorted((root / "ai").glob("*")):
        if folder.is_dir():
            examples = [
                dataclasses.replace(example, label=1, kind=GENERATED)
                for example in read_authentic(folder)
            ]
            pictures += _quartered(_of(examples, folder.name, seed))
    if not pictures:
        raise CorpusError(f"{root / 'ai'} holds no folder with generated pictures.")
    corpus = read_corpus(root / "casia1")
    untouched = [example for example in corpus.examples if not example.label]
    # As many as the other sets together have; more of one kind of picture would teach little.
    pictures += _of(_half(untouched, seed), "casia1", seed)
    for name, examples in read_references(root / "casia1", UNTOUCHED).items():
        taken = [example for example in examples if example.sha256 not in DRAWINGS]
        pictures += _of(taken, name, seed)
    return photographs_among(pictures)


def _quartered(pictures: Sequence[Picture]) -> list[Picture]:
    """With the four pictures of each sheet in its place.

    Generators are often shown as sheets of four. A model would learn to know the sheet.
    """
    result = []
    sheets = on_all_cores(lambda one: is_sheet(one.pixels()[0]), pictures, "looking for sheets")
    for picture, sheet in zip(pictures, sheets, strict=True):
        if not sheet:
            result.append(picture)
            continue
        for quarter in range(4):
            identity = hashlib.sha256(f"{picture.identity}/{quarter}".encode()).hexdigest()
            assert isinstance(picture.source, FromFile)
            source = dataclasses.replace(picture.source, quarter=quarter)
            result.append(dataclasses.replace(picture, identity=identity, source=source))
    return result


def is_sheet(pixels: RgbU8) -> bool:
    """Whether a picture falls apart into four along its middle lines.

    Across both of these neighbouring pixels must differ far more than across the lines beside.
    """
    values = pixels.astype(np.int16)
    for axis in (0, 1):
        middle = values.shape[axis] // 2
        if values.shape[axis] % 2 or middle < 32:
            return False
        near = values.take(range(middle - 17, middle + 17), axis=axis)
        steps = np.abs(np.diff(near, axis=axis)).mean(axis=(1 - axis, 2))
        # Step 16 is the one from the first half to the second.
        if steps[16] < 2.5 * np.median(np.delete(steps, 16)) or steps[16] < 8:
            return False
    return True


def photographs_among(pictures: Sequence[Picture]) -> list[Picture]:
    """Without the files that the program itself would give no score, such as screenshots.

    Some lie among the photographs of every collection.
    """

    def is_photograph(picture: Picture) -> bool:
        if isinstance(picture.source, FromPair):
            return True
        return not reasons_against_content(describe_content(picture.pixels()[0]))

    found = on_all_cores(is_photograph, pictures, "looking for photographs")
    return [picture for picture, kept in zip(pictures, found, strict=True) if kept]


def altered_pictures(root: Path, seed: int, test_share: float, forged_pairs: int) -> list[Picture]:
    """CASIA 1.0, untouched pictures, and forgeries made from these.

    Of CASIA 1.0 groups that share a source are kept whole, and a share of them is in no fold.

    Raises:
        CorpusError: a folder is missing or empty.
    """
    corpus = read_corpus(root / "casia1")
    folds = (1 - test_share) / FOLDS
    shares = {"0": folds, "1": folds, "test": test_share}
    pictures = []
    for part, held in split_by_source(corpus.examples, shares, seed).items():
        fold = -1 if part == "test" else int(part)
        pictures += [_picture(example, "casia1", fold) for example in held]
    bases: dict[int, list[Photograph]] = {fold: [] for fold in range(FOLDS)}
    for name, examples in read_references(root / "casia1", UNTOUCHED).items():
        own = _of(examples, name, seed)
        pictures += own
        for picture, example in zip(own, examples, strict=True):
            one = Photograph(example.path, example.path.name, example.sha256, "")
            bases[picture.fold].append(one)
    for fold, photographs in bases.items():
        pictures += _forged(photographs, seed + fold, fold, forged_pairs // FOLDS)
    return photographs_among(pictures)


def _forged(photographs: Sequence[Photograph], seed: int, fold: int, count: int) -> list[Picture]:
    kinds = choose_kinds(("splice", "removal", "overlay"))
    plan = Plan(tuple(photographs), tuple(photographs), kinds, ForgeRange(side=(300, 900)), seed)
    pictures = []
    bases = "/".join(sorted(photograph.sha256 for photograph in photographs))
    for number in range(count):
        kind = kinds[number % len(kinds)].id
        for forged in (True, False):
            name = f"{bases}/{seed}/{number}/{'forged' if forged else 'untouched'}"
            identity = hashlib.sha256(name.encode()).hexdigest()
            source = FromPair(plan, number, forged)
            word = kind if forged else "authentic"
            pictures.append(Picture(identity, int(forged), word, "forged", fold, source))
    return pictures


def _of(examples: Sequence[Example], group: str, seed: int) -> list[Picture]:
    return [_picture(example, group, fold_of(example.sha256, seed)) for example in examples]


def _picture(example: Example, group: str, fold: int) -> Picture:
    source = FromFile(example.path, example.mask)
    return Picture(example.sha256, example.label, example.kind, group, fold, source)


def fold_of(sha256: str, seed: int) -> int:
    """The fold that a file's content decides."""
    return hashlib.sha256(f"{seed}/fold/{sha256}".encode()).digest()[0] % FOLDS


def _half(examples: Sequence[Example], seed: int) -> list[Example]:
    def draw(example: Example) -> bytes:
        return hashlib.sha256(f"{seed}/half/{example.sha256}".encode()).digest()

    return [example for example in examples if draw(example)[0] % 2]


def counts(pictures: Sequence[Picture]) -> Mapping[str, int]:
    """How many there are of each set and kind."""
    found: dict[str, int] = {}
    for picture in pictures:
        name = f"{picture.group}: {picture.kind}"
        found[name] = found.get(name, 0) + 1
    return found


def manifest(pictures: Sequence[Picture]) -> Iterator[str]:
    """A line for each picture, for the hash in the card."""
    for picture in sorted(pictures, key=lambda one: one.identity):
        yield f"{picture.identity},{picture.label},{picture.group},{picture.fold}\n"
