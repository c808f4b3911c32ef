"""Files that were made to do harm, and mutants of good ones: each costs one row at most.

The fuzzer runs for some seconds with all other tests, and for as long as is asked for with
``make fuzz``. What it finds is written down in `FOUND` and tried again for ever.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.detection.library import ModelChoice
from app.scan.pool import Limits, Scan
from app.scan.rows import STATUSES
from app.scan.work import Setup
from tests.models import card, write_model
from tests.pictures import encoded, scene

SECONDS = "ELASCOPE_FUZZ_SECONDS"
"""Name of the environment variable that asks for the long run, and says how long it is."""

FAULTS = {"crashed", "error", "timed_out"}
"""Statuses that no file should have: the program did not know what to make of it."""

BATCH = 50


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelChoice:
    """One small model, which is asked about every picture that can be decoded."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "grey-mean" / "model.onnx", card().to_json())
    return ModelChoice((folder,))


@pytest.mark.data
def test_each_odd_file_has_one_row_and_nothing_is_said_about_it(
    shared_data: Path, models: ModelChoice, tmp_path: Path
) -> None:
    odd = shared_data / "odd"
    if not odd.is_dir():
        pytest.skip(f"{odd} is missing; it is not part of the repository")
    files = sorted(str(path) for path in odd.rglob("*") if not path.is_dir())
    target = tmp_path / "report.csv"
    model = models.folders[0] / "grey-mean" / "model.onnx"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "app", "scan", odd, "--csv", target, "--model", model),
            *("--jobs", "2", "--time-limit", "120"),
        ],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    assert sorted(row["path"] for row in rows) == files
    statuses = Counter(row["status"] for row in rows)
    assert set(statuses) <= set(STATUSES) - FAULTS, statuses
    assert len(statuses) > 2


# Mutants -----------------------------------------------------------------------------------------


def _bases() -> dict[str, bytes]:
    """Small good files of every format, with the parts that decoders trip over."""
    picture = Image.fromarray(scene(40, 56))
    grey, palette = picture.convert("L"), picture.convert("P")
    deep = Image.fromarray(scene(40, 56)[..., 0].astype("uint16") << 8)
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x0132] = "camera", 6, "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    # Pillow leaves a JPEG's settings in a picture, where they harm the pages of a TIFF.
    pages = picture.copy()

    def more() -> dict[str, Any]:
        return {"save_all": True, "append_images": [pages.rotate(180)]}

    return {
        "JPEG": encoded(picture, "JPEG", quality=85, exif=exif),
        "JPEG progressive": encoded(picture, "JPEG", progressive=True, comment=b"hello"),
        "JPEG 4:4:4": encoded(picture, "JPEG", subsampling=0, restart_marker_blocks=2),
        "JPEG grey": encoded(grey, "JPEG"),
        "JPEG CMYK": encoded(picture.convert("CMYK"), "JPEG"),
        "MPO": encoded(picture, "MPO", **more()),
        "PNG": encoded(picture, "PNG", exif=exif, dpi=(72, 72)),
        "PNG palette": encoded(palette, "PNG", transparency=3),
        "PNG alpha": encoded(picture.convert("RGBA"), "PNG"),
        "PNG 1 bit": encoded(grey.convert("1"), "PNG"),
        "PNG 16 bit": encoded(deep, "PNG"),
        "APNG": encoded(picture, "PNG", **more()),
        "TIFF": encoded(picture, "TIFF"),
        "TIFF LZW": encoded(picture, "TIFF", compression="tiff_lzw"),
        "TIFF deflate": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF JPEG": encoded(picture, "TIFF", compression="jpeg"),
        "TIFF fax": encoded(grey.convert("1"), "TIFF", compression="group4"),
        "TIFF pages": encoded(pages, "TIFF", **more()),
        "WebP": encoded(picture, "WebP", quality=70, exif=exif.tobytes()),
        "WebP lossless": encoded(picture.convert("RGBA"), "WebP", lossless=True),
        "WebP animated": encoded(picture, "WebP", **more()),
        "GIF": encoded(palette, "GIF", transparency=1),
        "GIF animated": encoded(palette, "GIF", **more()),
        "BMP": encoded(picture, "BMP"),
        "BMP palette": encoded(palette, "BMP"),
        "AVIF": encoded(picture, "AVIF", quality=60),
    }


BASES = _bases()

Recipe = tuple[str, tuple[tuple[str, int, int], ...]]
"""A base, and what is done to it: operation, position and value."""

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


def mutant(recipe: Recipe) -> bytes:
    """The file that ``recipe`` makes; positions beyond the end wrap around."""
    name, steps = recipe
    data = bytearray(BASES[name])
    for operation, position, value in steps:
        at = position % max(len(data), 1)
        match operation:
            case "byte":
                data[at : at + 1] = bytes([value & 0xFF])
            case "flip":
                data[at : at + 1] = bytes([(data[at] if data else 0) ^ 1 << value % 8])
            case "big 16":
                data[at : at + 2] = (value & 0xFFFF).to_bytes(2, "big")
            case "little 16":
                data[at : at + 2] = (value & 0xFFFF).to_bytes(2, "little")
            case "big 32":
                data[at : at + 4] = value.to_bytes(4, "big")
            case "little 32":
                data[at : at + 4] = value.to_bytes(4, "little")
            case "cut":
                del data[at:]
            case "remove":
                del data[at : at + value % 64]
            case "repeat":
                data[at:at] = data[at : at + value % 256]
            case "insert":
                data[at:at] = bytes([value & 0xFF]) * (value % 32)
    return bytes(data)


_OPERATIONS = (
    *("byte", "flip", "big 16", "little 16", "big 32", "little 32"),
    *("cut", "remove", "repeat", "insert"),
)

_steps = st.tuples(
    st.sampled_from(_OPERATIONS),
    # Headers are at the beginning, tables of TIFF and indices of AVIF anywhere.
    st.one_of(st.integers(0, 63), st.integers(0, 700), st.integers(0, 8000)),
    st.one_of(st.sampled_from(_EXTREMES), st.integers(0, 255), st.integers(0, 0xFFFF_FFFF)),
)

_recipes = st.tuples(
    st.sampled_from(sorted(BASES)), st.lists(_steps, min_size=1, max_size=5).map(tuple)
)

FOUND: tuple[Recipe, ...] = ()
"""Mutants that once had a status of `FAULTS`."""


class _Mill:
    """Sends mutants through one long-lived scan.

    Attributes:
        findings: recipes whose row has a status of `FAULTS`, with status, message and detail.
        statuses: counts of all.
    """

    def __init__(self, scan: Scan, folder: Path) -> None:
        self._scan, self._folder = scan, folder
        self.findings: dict[Recipe, tuple[str, str, str]] = {}
        self.statuses: Counter[str] = Counter()

    def grind(self, recipes: Sequence[Recipe]) -> None:
        """Write the mutants, have them judged and look at their rows."""
        paths = []
        for number, recipe in enumerate(recipes):
            paths.append(self._folder / f"{number:03}")
            paths[-1].write_bytes(mutant(recipe))
        rows = {done.number: done.outcome.row for done in self._scan.judge(enumerate(paths))}
        assert sorted(rows) == list(range(len(recipes)))
        for number, row in rows.items():
            self.statuses[row.status] += 1
            assert row.status in STATUSES
            if row.status in FAULTS:
                self.findings[recipes[number]] = row.status, row.message, row.detail

    def fuzz(self, batches: int) -> None:
        """Grind mutants that nobody has thought of."""

        @settings(
            max_examples=batches,
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(_recipes, min_size=BATCH, max_size=BATCH))
        def some(recipes: list[Recipe]) -> None:
            self.grind(recipes)

        some()

    def assert_nothing_found(self) -> None:
        """Tell the recipes of what was found, to be put into `FOUND`."""
        told = "\n".join(f"{recipe!r}: {what}" for recipe, what in self.findings.items())
        assert not self.findings, told


@pytest.fixture(scope="module")
def scan(models: ModelChoice) -> Iterator[Scan]:
    """Worker processes for all mutants."""
    limits = Limits(seconds=60.0, memory=1 << 30)
    with Scan(Setup(models, previews=True), 2, limits) as scan:
        scan.start()
        yield scan


@pytest.fixture
def mill(scan: Scan, tmp_path: Path) -> _Mill:
    return _Mill(scan, tmp_path)


def test_the_bases_are_good_files(mill: _Mill) -> None:
    mill.grind([(name, ()) for name in sorted(BASES)])
    assert mill.statuses == {"ok": len(BASES)}


def test_mutants_that_were_found_before(mill: _Mill) -> None:
    mill.grind(FOUND)
    mill.assert_nothing_found()


def test_a_mutant_that_brings_down_its_process_would_be_found(
    models: ModelChoice, tmp_path: Path
) -> None:
    """The fuzzer can fail."""
    setup = Setup(models, judge=_fall)
    with Scan(setup, 1) as scan:
        scan.start()
        mill = _Mill(scan, tmp_path)
        mill.grind([("BMP", ()), ("BMP", (("cut", 60, 0),)), ("GIF", ())])
    assert list(mill.findings) == [("BMP", (("cut", 60, 0),))]
    with pytest.raises(AssertionError, match="crashed"):
        mill.assert_nothing_found()


def _fall(evidence: Any, detectors: Any, setup: Setup) -> Any:
    from app.scan.work import judge_evidence

    if evidence.size == 60:
        os.abort()
    return judge_evidence(evidence, detectors, setup)


def test_mutants_cost_one_row_each(mill: _Mill) -> None:
    mill.fuzz(batches=8)
    assert mill.statuses["ok"] > 20
    assert mill.statuses["broken"] > 20
    mill.assert_nothing_found()


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_many_mutants_cost_one_row_each(mill: _Mill) -> None:
    if SECONDS not in os.environ:
        pytest.skip(f"set {SECONDS}, or make fuzz")
    end = time.monotonic() + float(os.environ[SECONDS])
    while time.monotonic() < end:
        mill.fuzz(batches=20)
    print(f"\n{mill.statuses.total()} mutants: {dict(mill.statuses)}")
    mill.assert_nothing_found()
