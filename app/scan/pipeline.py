"""Scanning: find files, judge each on a thread, hand rows over in the order of the files."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from app.detection.detector import Detector
from app.detection.judging import judge
from app.detection.verdict import Verdict
from app.errors import ElascopeError
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.scan.rows import Row, error_row

_AHEAD = 4
"""Files in flight for each thread: enough to keep threads busy behind a slow file, few enough
that memory does not grow with the folder."""


def find_files(
    roots: Iterable[Path], recursive: bool = True, stop: threading.Event | None = None
) -> list[Path]:
    """Every file below ``roots``, in the order of the roots and then by name.

    A root that is a file or does not exist, and a folder that cannot be listed, is listed itself,
    so that it gets its row. Links to folders are not followed: they may form a circle, and what
    they point to was not given. A file that is named twice is listed once, as first named.

    Args:
        roots: folders and files.
        recursive: whether to go into subfolders.
        stop: looked at before each folder; when set, the list ends there.
    """
    found: list[Path] = []

    def unlisted(error: OSError) -> None:
        found.append(Path(error.filename))

    for root in roots:
        if stop is not None and stop.is_set():
            break
        if not os.path.isdir(root):  # Path.is_dir raises for names too long
            found.append(root)
            continue
        for folder, subfolders, names in os.walk(root, onerror=unlisted):
            if stop is not None and stop.is_set():
                break
            subfolders.sort()
            if not recursive:
                subfolders.clear()
            found.extend(Path(folder, name) for name in sorted(names))
    once: dict[str, Path] = {}
    for path in found:
        once.setdefault(os.path.abspath(path), path)
    return list(once.values())


Visit = Callable[[EvidenceFile, DecodedImage, Sequence[Verdict]], None]
"""Gets a judged picture while its pixels are there; called on the threads of the scan."""


def judge_file(path: Path, detectors: Sequence[Detector], visit: Visit | None = None) -> Row:
    """Read, decode and judge one file. Never raises for what is in the file."""
    evidence = record = None
    try:
        evidence = open_evidence(path)
        image = decode(evidence)
        record = image.record
        verdicts = judge(detectors, image)
        if visit is not None:
            visit(evidence, image, verdicts)
    except ElascopeError as error:
        return error_row(path, error, evidence, record)
    except MemoryError as error:
        unexpected = ElascopeError("Memory ran out while this file was analysed.", repr(error))
        return error_row(path, unexpected, evidence, record)
    except Exception as error:
        # A fault of the program must cost one row, not the batch; the detail names it.
        unexpected = ElascopeError(
            f"The analysis failed unexpectedly ({type(error).__name__}).", repr(error)
        )
        return error_row(path, unexpected, evidence, record)
    return Row(path, "ok", "", evidence.sha256, evidence.size, record, verdicts)


def scan(
    paths: Sequence[Path],
    detectors: Sequence[Detector],
    jobs: int | None = None,
    stop: threading.Event | None = None,
    visit: Visit | None = None,
) -> Iterator[Row]:
    """Judge ``paths``, yielding one row for each in their order.

    Args:
        paths: from `find_files`.
        detectors: the models; they are shared by all threads.
        jobs: threads; by default one for each core.
        stop: looked at before each file; when set, no further file is begun and the rows of
            those already begun are still yielded.
        visit: gets every judged picture.
    """
    stop = stop or threading.Event()
    workers = jobs or os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers, thread_name_prefix="scan")
    pending: deque[Future[Row | None]] = deque()

    def row_of(path: Path) -> Row | None:
        return None if stop.is_set() else judge_file(path, detectors, visit)

    waiting = iter(paths)
    try:
        while True:
            while len(pending) < workers * _AHEAD and not stop.is_set():
                path = next(waiting, None)
                if path is None:
                    break
                pending.append(pool.submit(row_of, path))
            if not pending:
                return
            row = pending.popleft().result()
            if row is not None:
                yield row
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
