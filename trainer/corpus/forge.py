"""Forged pictures and their untouched counterparts from photographs, with a known history.

Every base first goes through a drawn reduction and, mostly, a first JPEG save; its forgery is made
from that, and the same pixels without the forgery are the counterpart. So nothing but the
forgery divides the classes.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.recompress import SUBSAMPLINGS, round_trip
from app.arrays import RgbU8
from app.names import one_line
from trainer.corpus.forging import FORGERIES
from trainer.corpus.forging.base import Forged, Forgery, Task
from trainer.corpus.photographs import SMALLEST_SIDE, Photograph
from trainer.errors import CorpusError


@dataclass(frozen=True, slots=True)
class ForgeRange:
    """What the history of bases and donors is drawn from, uniformly unless said otherwise.

    Attributes:
        side: smallest and largest length of the longer side in pixels, log-uniformly. Nothing is
            enlarged.
        quality: lowest and highest IJG quality of the first save.
        first_save: probability of a first save, for base and donor independently.
        shifted_grid: probability that the first save's 8x8 grid does not begin at the picture's
            corner, as after a crop.
        share: smallest and largest share of the picture that is altered.
    """

    side: tuple[int, int] = (384, 1024)
    quality: tuple[int, int] = (55, 98)
    first_save: float = 0.8
    shifted_grid: float = 0.4
    share: tuple[float, float] = (0.01, 0.3)

    def __post_init__(self) -> None:
        """Refuse ranges that are empty or out of bounds.

        Raises:
            CorpusError: with the range that is allowed.
        """
        bounds = (
            ("side", self.side, SMALLEST_SIDE, 20_000),
            ("quality", self.quality, 1, 100),
            ("share", self.share, 0.002, 0.5),
        )
        for name, (low, high), least, most in bounds:
            if not least <= low <= high <= most:
                raise CorpusError(
                    f"The {name} must go from a lower to a higher number within "
                    f"{least:g} and {most:g}."
                )
        if self.share[1] < 2 * self.share[0]:
            raise CorpusError("The largest share must be at least twice the smallest.")


@dataclass(frozen=True, slots=True)
class FirstSave:
    """A picture's history before the forgery.

    Attributes:
        width: after the reduction, before the crop.
        height: after the reduction, before the crop.
        quality: of the first save; None without one.
        subsampling: of the first save; None without one.
        grid_left: columns cropped after the save, so that its grid begins beside the picture's.
        grid_top: rows cropped after the save.
    """

    width: int
    height: int
    quality: int | None
    subsampling: str | None
    grid_left: int
    grid_top: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One forgery with its counterpart.

    Attributes:
        number: of the pair.
        kind: of the forgery.
        base: photograph that was altered.
        donor: photograph that a part was taken from.
        base_save: history of the base.
        donor_save: history of the donor.
        untouched: (height, width, 3) uint8 RGB of the counterpart.
        forged: the forgery.
    """

    number: int
    kind: str
    base: Photograph
    donor: Photograph | None
    base_save: FirstSave
    donor_save: FirstSave | None
    untouched: RgbU8
    forged: Forged


def choose_kinds(names: Sequence[str]) -> tuple[Forgery, ...]:
    """The named kinds, in the order of `FORGERIES`.

    Raises:
        CorpusError: a name that no kind has, or none at all.
    """
    known = [forgery.id for forgery in FORGERIES]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        asked = one_line(", ".join(unknown)) or "none"
        raise CorpusError(f"Kinds of forgery are {', '.join(known)}; {asked} was asked for.")
    return tuple(forgery for forgery in FORGERIES if forgery.id in names)


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides on every pair.

    A pair depends on the seed, its number, and the content of the photographs; not on their names
    or their order, and not on the other pairs.

    Attributes:
        bases: photographs to alter.
        donors: photographs to take parts from.
        kinds: of forgery; pairs go through them in turn.
        ranges: of the history.
        seed: of all draws.
    """

    bases: tuple[Photograph, ...]
    donors: tuple[Photograph, ...]
    kinds: tuple[Forgery, ...]
    ranges: ForgeRange
    seed: int

    def __post_init__(self) -> None:
        """Refuse splices of a photograph with itself.

        Raises:
            CorpusError: the only donor is one of the bases.
        """
        donors = {donor.sha256 for donor in self.donors}
        alone = len(donors) == 1 and any(base.sha256 in donors for base in self.bases)
        if alone and any(kind.needs_donor for kind in self.kinds):
            raise CorpusError(
                "A splice needs two different photographs, and the only donor is also one to alter."
            )

    def make(self, number: int) -> Pair | None:
        """Make pair ``number``, 0, 1, 2 …; None where its kind cannot alter its base visibly.

        Raises:
            ElascopeError: a photograph cannot be read any more.
        """
        base = self._base(number)
        kind = self.kinds[number % len(self.kinds)]
        donor = self._donor(base, number) if kind.needs_donor else None
        random = self.random(base.sha256, donor.sha256 if donor else "", number)
        pixels, save = known_history(base.pixels(), self.ranges, random)
        donor_pixels, donor_save = None, None
        if donor is not None:
            donor_pixels, donor_save = known_history(donor.pixels(), self.ranges, random)
        forged = kind.make(Task(pixels, donor_pixels, self.ranges.share), random)
        if forged is None:
            return None
        if donor_save is not None:
            forged.facts["donor_grid"] = _grid_in_place(forged.facts, donor_save)
        return Pair(number, kind.id, base, donor, save, donor_save, pixels, forged)

    def random(self, *key: str | int) -> np.random.Generator:
        """Random numbers that depend on the seed and ``key`` alone."""
        digest = hashlib.sha256("/".join(map(str, (self.seed, *key))).encode()).digest()
        return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))

    def _base(self, number: int) -> Photograph:
        """Every base once before one comes twice, in another order in every round."""
        turn, place = divmod(number, len(self.bases))
        order = self.random("order", turn).permutation(len(self.bases))
        return sorted(self.bases, key=_content)[int(order[place])]

    def _donor(self, base: Photograph, number: int) -> Photograph:
        others = [donor for donor in self.donors if donor.sha256 != base.sha256]
        chosen = self.random("donor", base.sha256, number).integers(len(others))
        return sorted(others, key=_content)[int(chosen)]


def known_history(
    pixels: RgbU8, ranges: ForgeRange, random: np.random.Generator
) -> tuple[RgbU8, FirstSave]:
    """Reduce, perhaps save as JPEG, perhaps crop by less than a block.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        ranges: what to draw from.
        random: of the draws; always the same number is taken.

    Returns:
        The pixels, and what was done.
    """
    low, high = np.log(ranges.side)
    longer = float(np.exp(random.uniform(low, high)))
    saves = bool(random.random() < ranges.first_save)
    quality = int(random.integers(ranges.quality[0], ranges.quality[1] + 1))
    subsampling = SUBSAMPLINGS[random.integers(len(SUBSAMPLINGS))]
    shifted = bool(random.random() < ranges.shifted_grid)
    left, top = (int(offset) for offset in random.integers(0, 8, 2))
    height, width = pixels.shape[:2]
    scale = min(longer / max(height, width), 1.0)
    if scale < 1:
        width, height = (max(round(side * scale), SMALLEST_SIDE // 2) for side in (width, height))
        reduced = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(reduced, dtype=np.uint8)
    if not saves:
        return pixels, FirstSave(width, height, None, None, 0, 0)
    pixels = round_trip(pixels, quality, subsampling)
    if not shifted:
        left, top = 0, 0
    pixels = np.ascontiguousarray(pixels[top:, left:])
    return pixels, FirstSave(width, height, quality, subsampling, left, top)


def _grid_in_place(facts: dict[str, object], save: FirstSave) -> list[int] | None:
    """Where the grid of the donor's first save begins in the forgery, columns and rows 0..7.

    None where there is no grid any more: it was scaled, turned, or never there.
    """
    if save.quality is None or facts["interpolation"] != "none":
        return None
    transform = np.asarray(facts["transform"])
    left, top = (int(shift) for shift in transform[:, 2])
    return [(left - save.grid_left) % 8, (top - save.grid_top) % 8]


def _content(photograph: Photograph) -> str:
    return photograph.sha256


def described(pair: Pair) -> dict[str, object]:
    """Everything that was drawn for a pair, ready for JSON."""

    def photograph(one: Photograph | None, save: FirstSave | None) -> dict[str, object] | None:
        if one is None or save is None:
            return None
        facts = {"id": one.source, "name": one.name, "sha256": one.sha256, "format": one.format}
        return facts | {"first_save": dataclasses.asdict(save)}

    return {
        "number": pair.number,
        "base": photograph(pair.base, pair.base_save),
        "donor": photograph(pair.donor, pair.donor_save),
        "forgery": {"kind": pair.kind, **pair.forged.facts},
    }
