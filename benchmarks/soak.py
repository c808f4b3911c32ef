"""Whether a scan's memory grows with the folder: 10,000 and 100,000 small files.

    python benchmarks/soak.py [FILES [DISTINCT]]

The files are hard links to some distinct pictures, spread over folders of 1,000. Each is found,
read, hashed, looked up, and has its row in journal and report; each distinct content is judged
once, with the shipped models. The peak memory of all processes of the scan is added up, at a tenth
of the files and at all of them. The last line is JSON. Needs /proc.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.paths import resources


def main() -> None:
    """Run both scans and print their peaks."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    distinct = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder, "case"), files, distinct)
        for count in (files // 10, files):
            roots = sorted(Path(folder, "case").iterdir())[: -(-count // 1000)]
            peak, seconds = scanned(roots, Path(folder, f"{count}.csv"), count)
            figures[f"peak_mib_{count}"] = round(peak / 1024, 1)
            figures[f"files_per_second_{count}"] = round(count / seconds, 1)
    growth = figures[f"peak_mib_{files}"] / figures[f"peak_mib_{files // 10}"]
    figures["peak_growth"] = round(growth, 3)
    for key, value in figures.items():
        print(f"{key:<32} {value}")
    print(json.dumps({"benchmark": "soak", **figures}))


def make(case: Path, files: int, distinct: int) -> None:
    """Cuts of a shipped photograph, and hard links to them."""
    originals = case.parent / "originals"
    originals.mkdir()
    with Image.open(resources() / "samples" / "camera_original.jpg") as photograph:
        whole = np.asarray(photograph.convert("RGB"))
    small = cv2.resize(whole, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    chance = np.random.default_rng(3)
    for number in range(distinct):
        y, x = (
            int(chance.integers(0, side - size))
            for side, size in zip(small.shape, (256, 384), strict=False)
        )
        Image.fromarray(small[y : y + 256, x : x + 384]).save(
            originals / f"{number}.jpg", quality=90
        )
    for number in range(files):
        folder = case / f"{number // 1000:04}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number % 1000:03}.jpg").hardlink_to(originals / f"{number % distinct}.jpg")


def scanned(roots: list[Path], target: Path, count: int) -> tuple[int, float]:
    """Scan ``roots``; the sum of all processes' peaks in KiB, and the seconds it took."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "app", "scan", *map(str, roots), "--csv", str(target)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        peaks: dict[int, int] = {}
        while process.poll() is None:
            for pid in family(process.pid):
                with contextlib.suppress(OSError, IndexError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    peaks[pid] = int(status.partition("VmHWM:")[2].split()[0])
            time.sleep(0.1)
    assert process.returncode == 0
    with target.open(encoding="utf-8", newline="") as stream:
        rows = sum(1 for _ in stream) - 1
    assert rows == count, (rows, count)
    return sum(peaks.values()), time.perf_counter() - began


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


if __name__ == "__main__":
    main()
