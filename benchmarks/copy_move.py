"""How often the search for copies finds something in untouched pictures, and in copy-moves.

    python benchmarks/copy_move.py [DATA] [SHARE]

DATA is the folder with ``camera``, ``pristine``, ``web``, ``ai`` and ``casia1`` (../shared/data).
SHARE, 0..1, takes a part of every set by the hash of its files' names, to be done sooner. The
weights and the threshold were fitted on the files whose names hash to an even number; only the
others are measured here. Every untouched picture is searched as it is and once more, reduced to
50..100 % and saved as JPEG at quality 60..95; CASIA's copy-moves likewise, reduced to no less than
75 %. Copy-moves of known outline are made from ``camera`` and ``pristine`` by the trainer. A table
is printed, and last one line of JSON.

CASIA's masks hold the copy without its source, which no search for copies can tell apart: the F1
printed is that of the region of each pair that fits better, and 0 for what was not found.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.copy_move import copy_move
from app.analysis.localisation import FoundRegion, Localisation
from app.analysis.recompress import SUBSAMPLINGS, round_trip
from app.arrays import RgbU8
from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus.forge import ForgeRange, Plan, choose_kinds
from trainer.corpus.photographs import read_photographs

UNTOUCHED = {"casia1": "casia1/Au", "web": "web", "ai": "ai", "pristine": "pristine"}
UNTOUCHED |= {"camera": "camera"}
SIDES = ((300, 600), (600, 1200), (1500, 3000))
FORGED = 80
SMALLEST_F1 = 0.3

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Tally:
    """What was seen of one set."""

    strengths: list[float] = field(default_factory=list)
    findings: list[bool] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    """Measure all sets and print the table."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data")
    share = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    tallies: dict[str, Tally] = {}
    for name, pixels, mask in pictures(data, share):
        tally = tallies.setdefault(name, Tally())
        began = time.perf_counter()
        found = copy_move(pixels)
        tally.seconds.append(time.perf_counter() - began)
        if found.strength is not None:
            tally.strengths.append(found.strength)
            tally.findings.append(bool(found.pairs))
            if mask is not None:
                tally.f1.append(best_f1(found, mask))
    figures = {name: summary(tally) for name, tally in tallies.items()}
    for name, row in figures.items():
        print(f"{name:<22}", "  ".join(f"{key} {value:g}" for key, value in row.items()))
    aucs = {
        f"auc_{kind}": auc(tallies[f"copies casia1 {kind}"], tallies[f"casia1 {kind}"])
        for kind in ("as is", "re-saved")
        if f"copies casia1 {kind}" in tallies and f"casia1 {kind}" in tallies
    }
    print("  ".join(f"{name} {value:.3f}" for name, value in aucs.items()))
    print(json.dumps({"benchmark": "copy_move", "share": share, **aucs, "sets": figures}))


def summary(tally: Tally) -> dict[str, float]:
    """Counts, shares and medians of one set."""
    row = {
        "pictures": len(tally.findings),
        "findings": sum(tally.findings),
        "share": round(float(np.mean(tally.findings)), 4),
        "seconds": round(float(np.median(tally.seconds)), 2),
    }
    if tally.f1:
        row["right"] = round(float(np.mean(np.array(tally.f1) >= SMALLEST_F1)), 4)
        row["f1"] = round(float(np.mean(tally.f1)), 3)
    return row


def auc(copies: Tally, untouched: Tally) -> float:
    """How often a copy-move is ranked above an untouched picture."""
    high, low = np.array(copies.strengths)[:, None], np.array(untouched.strengths)
    return round(float(((high > low) + 0.5 * (high == low)).mean()), 3)


def pictures(data: Path, share: float) -> Iterator[tuple[str, RgbU8, Mask | None]]:
    """Name of the set, pixels, and the outline of the copy where there is one."""
    for name, folder in UNTOUCHED.items():
        for path, pixels in read(data / folder, share):
            yield f"{name} as is", pixels, None
            yield f"{name} re-saved", resaved(pixels, path.name, 0.5), None
    for path, pixels in read(data / "casia1" / "Sp", share, "Sp_S_*"):
        mask = cv2.imread(str(data / "casia1" / "masks" / f"{path.stem}_gt.png"), 0)
        if mask is None or mask.shape != pixels.shape[:2]:
            continue
        yield "copies casia1 as is", pixels, mask > 127
        again = resaved(pixels, path.name, 0.75)
        size = again.shape[1], again.shape[0]
        reduced = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        yield "copies casia1 re-saved", again, reduced > 127
    yield from forged(data, share)


def read(folder: Path, share: float, pattern: str = "*") -> Iterator[tuple[Path, RgbU8]]:
    """The readable pictures below ``folder`` that fitted nothing."""
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        if not held_out(path.name) or random(path.name, "share").random() >= share:
            continue
        try:
            yield path, decode(open_evidence(path)).pixels
        except ElascopeError:
            continue


def forged(data: Path, share: float) -> Iterator[tuple[str, RgbU8, Mask]]:
    """Copy-moves of several sizes from photographs that fitted nothing, mostly saved again."""
    found = [one for name in ("camera", "pristine") for one in read_photographs(data / name)[0]]
    bases = tuple(one for one in found if held_out(one.path.name))
    for low, high in SIDES:
        ranges = ForgeRange(side=(low, high), share=(0.01, 0.2))
        plan = Plan(bases, (), choose_kinds(["copy-move"]), ranges, seed=6)
        for number in range(round(FORGED * share)):
            pair = plan.make(number)
            if pair is None:
                continue
            pixels, draws = pair.forged.pixels, random(str(high), str(number))
            if draws.random() < 0.7:
                pixels = saved(pixels, draws)
            yield f"copies forged {low}-{high}", pixels, pair.forged.mask > 0


def held_out(name: str) -> bool:
    """Whether a file of this name was kept from the fit."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).digest()[0] % 2 == 1


def random(*key: str) -> np.random.Generator:
    """Random numbers that depend on ``key`` alone."""
    digest = hashlib.sha256("/".join(key).encode(errors="surrogateescape")).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def resaved(pixels: RgbU8, name: str, smallest: float) -> RgbU8:
    """Reduced to ``smallest``..1 of its size and saved as JPEG."""
    draws = random(name)
    scale = draws.uniform(smallest, 1)
    size = tuple(max(round(side * scale), 16) for side in pixels.shape[1::-1])
    reduced = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return saved(np.asarray(reduced, dtype=np.uint8), draws)


def saved(pixels: RgbU8, draws: np.random.Generator) -> RgbU8:
    """Saved as JPEG at quality 60 to 95."""
    quality = int(draws.integers(60, 96))
    subsampling = SUBSAMPLINGS[draws.integers(len(SUBSAMPLINGS))]
    return round_trip(np.ascontiguousarray(pixels), quality, subsampling)


def best_f1(found: Localisation, mask: Mask) -> float:
    """The F1 of the found region that fits the mask best."""
    return max((f1(filled(region, mask.shape), mask) for region in found.regions), default=0.0)


def filled(region: FoundRegion, shape: tuple[int, ...]) -> Mask:
    """The pixels of a region's polygons."""
    image = np.zeros(shape, dtype=np.uint8)
    corners = [np.array(polygon, dtype=np.int32) for polygon in region.polygons]
    cv2.fillPoly(image, corners, 1)
    return image > 0


def f1(found: Mask, mask: Mask) -> float:
    """Harmonic mean of precision and recall."""
    return float(2 * np.count_nonzero(found & mask) / (found.sum() + mask.sum()))


if __name__ == "__main__":
    main()
