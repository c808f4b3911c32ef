"""The folder that ``elascope-trainer forge`` writes: pictures, masks, manifest and history."""

import csv
import hashlib
import io
import json
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path

import cv2
import numpy as np

from app import __version__
from app.analysis.recompress import SUBSAMPLINGS, encoder_identity
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.errors import ElascopeError
from app.names import one_line
from trainer.corpus.forge import Pair, Plan, described
from trainer.errors import CorpusError

COLUMNS = ("path", "label", "group", "mask", "generator", "licence", "kind", "sha256")
"""Of the manifest. Paths are relative to it; ``group`` holds source ids divided by semicolons."""

_LISTED_EVERY = 50
"""Pairs after which the lists are written again, so that a power cut loses little."""

_FACTORS = dict(
    zip(
        SUBSAMPLINGS,
        (
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A pair as file contents.

    Attributes:
        pair: what was encoded.
        suffix: of both pictures.
        untouched: content of the counterpart's file.
        forged: content of the forgery's file.
        mask: content of the mask's file, PNG.
        last_save: quality and subsampling of both pictures, or that there was none.
    """

    pair: Pair
    suffix: str
    untouched: bytes
    forged: bytes
    mask: bytes
    last_save: dict[str, object]


@dataclass(slots=True)
class ForgedFolder:
    """The target while it fills. `close` it whatever happens: it writes the lists.

    Attributes:
        root: an empty folder, which `prepare_target` returns.
        licence: of every picture in it, for the manifest.
        rows: of the manifest, so far.
        lines: of the history, so far.
    """

    root: Path
    licence: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, encoded: Encoded) -> None:
        """Write one pair; all of it or, when that fails, nothing.

        Raises:
            NotWrittenError: the disk is full or gone.
        """
        pair = encoded.pair
        name = f"{pair.number:06}"
        untouched = f"authentic/{name}{encoded.suffix}"
        forged = f"tampered/{name}{encoded.suffix}"
        mask = f"masks/{name}.png"
        contents = {mask: encoded.mask, untouched: encoded.untouched, forged: encoded.forged}
        written: list[Path] = []
        try:
            for path, content in contents.items():
                written.append(self.root / path)
                write_bytes(self.root / path, content)
            group = ";".join(one.source for one in (pair.base, pair.donor) if one)
            rows = [
                self._row(
                    untouched, "authentic", pair.base.source, "", "authentic", encoded.untouched
                ),
                self._row(forged, "tampered", group, mask, pair.kind, encoded.forged),
            ]
            lines = self._lines(encoded, rows)
        except BaseException:
            for half in written:
                half.unlink(missing_ok=True)
            raise
        self.rows += rows
        self.lines += lines
        if (len(self.rows) // 2) % _LISTED_EVERY == 0:
            self.close()

    def close(self) -> None:
        """Write manifest and history of what is finished.

        Raises:
            NotWrittenError: as in `add`.
        """
        stream = io.StringIO()
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_bytes(self.root / "manifest.csv", stream.getvalue().encode())
        write_bytes(self.root / "history.jsonl", "".join(self.lines).encode())

    def _row(
        self, path: str, label: str, group: str, mask: str, kind: str, content: bytes
    ) -> dict[str, str]:
        sha256 = hashlib.sha256(content).hexdigest()
        values = (path, label, group, mask, "", self.licence, kind, sha256)
        return dict(zip(COLUMNS, values, strict=True))

    def _lines(self, encoded: Encoded, rows: list[dict[str, str]]) -> list[str]:
        facts = described(encoded.pair)
        versions = {
            "elascope": __version__,
            "numpy": np.__version__,
            "encoder": encoder_identity().library,
            "encoder_fingerprint": encoder_identity().fingerprint,
        }
        common = {"last_save": encoded.last_save, "versions": versions}
        untouched = facts | {"forgery": None, "donor": None}
        return [
            json.dumps({"path": row["path"], "sha256": row["sha256"], **history, **common}) + "\n"
            for row, history in zip(rows, (untouched, facts), strict=True)
        ]


def prepare_target(target: Path, sources: tuple[Path, ...]) -> Path:
    """Make the folders for the pictures in an empty or new ``target``.

    Raises:
        CorpusError: it lies within a folder of photographs, holds one, or is not empty.
    """
    real = target.resolve()
    for source in sources:
        photographs = source.resolve()
        if real.is_relative_to(photographs) or photographs.is_relative_to(real):
            raise CorpusError(
                f"{one_line(str(target))} and the photographs in {one_line(str(source))} lie "
                "one within the other. Choose a target elsewhere."
            )
    if target.exists() and not target.is_dir():
        raise CorpusError(f"{one_line(str(target))} is not a folder.")
    if target.exists() and any(target.iterdir()):
        raise CorpusError(f"{one_line(str(target))} is not empty, so nothing is written to it.")
    for name in ("authentic", "tampered", "masks"):
        (target / name).mkdir(parents=True, exist_ok=True)
    return target


def forge_pairs(plan: Plan, count: int, save: str) -> Generator[Encoded | str]:
    """Make pairs 0 to ``count`` - 1 on all cores, in this order, a few ahead of the caller.

    Args:
        plan: of the pairs.
        count: how many.
        save: ``png``, or ``jpeg`` for one last save of both pictures at one drawn quality.

    Yields:
        A pair, or a sentence on why there is none.
    """

    def one(number: int) -> Encoded | str:
        try:
            pair = plan.make(number)
        except ElascopeError as error:
            return f"Pair {number}: {error.sentence}"
        if pair is None:
            kind = plan.kinds[number % len(plan.kinds)].id
            return f"Pair {number}: no visible {kind} fits its picture, so there is none."
        return encode(pair, plan, save)

    workers = cpu_count() or 1
    waiting: deque[Future[Encoded | str]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number in range(count):
                waiting.append(pool.submit(one, number))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def encode(pair: Pair, plan: Plan, save: str) -> Encoded:
    """Both pictures through the same encoder with the same settings, so that it tells nothing."""
    options: list[int] = [cv2.IMWRITE_PNG_COMPRESSION, 4]
    suffix, last_save = ".png", dict[str, object](format="PNG")
    if save == "jpeg":
        random = plan.random("last save", pair.base.sha256, pair.number)
        quality = int(random.integers(plan.ranges.quality[0], plan.ranges.quality[1] + 1))
        subsampling = SUBSAMPLINGS[random.integers(len(SUBSAMPLINGS))]
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _FACTORS[subsampling]]
        suffix = ".jpg"
        last_save = {"format": "JPEG", "quality": quality, "subsampling": subsampling}
    return Encoded(
        pair,
        suffix,
        _file(pair.untouched, suffix, options),
        _file(pair.forged.pixels, suffix, options),
        cv2.imencode(".png", pair.forged.mask)[1].tobytes(),
        last_save,
    )


def _file(pixels: RgbU8, suffix: str, options: list[int]) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1].tobytes()
