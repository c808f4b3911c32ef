"""A scan may have a million rows: no report holds more of them than it writes at a time."""

import io
import multiprocessing
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from app.detection.verdict import State, Verdict
from app.report import REPORTS
from app.report.base import Report
from app.scan.results import Account, Preview
from app.scan.rows import Row

_MIB = 2**20


class _Counting(io.RawIOBase):
    """Takes bytes and keeps their number."""

    count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.count += len(data)
        return len(data)


class _Generated:
    """Rows that exist only while they are looked at; no two have a text in common."""

    account = Account()
    questions = ("tampered",)

    def __init__(self, files: int) -> None:
        self._files = files

    def rows(self) -> Iterator[Row]:
        for number in range(self._files):
            state, score = State.POSITIVE, (number % 997) / 997
            verdict = Verdict("tampered", state, score, f"Reason {number}.", "toy", "ab" * 32, "")
            path = Path(f"folder {number}") / f"{number}.jpg"
            sha256 = f"{number:064x}"
            original = Path(f"folder {number // 2}") / "x.jpg" if number % 10 == 9 else None
            yield Row(path, "ok", "", sha256, number, None, (verdict,), duplicate_of=original)

    def preview(self, path: Path) -> Preview | None:
        return Preview(bytes(20_000))


def _peak(identifier: str, files: int) -> tuple[int, int]:
    """Bytes of memory at the most, and bytes written."""
    report = next(report for report in REPORTS if report.id == identifier)
    stream = _Counting()
    tracemalloc.start()
    try:
        report.write_to(stream, _Generated(files))  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1], stream.count
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.id)
def test_twenty_thousand_rows_take_a_few_mebibytes(report: Report) -> None:
    """The rows alone would take twenty: a path, a verdict and its texts for each.

    In a process of its own: with the many objects of other tests in memory, Python collects
    garbage so seldom that much of it counts as used.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        peak, written = process.submit(_peak, report.id, 20_000).result()
    assert written > 2 * _MIB
    assert peak < 8 * _MIB
