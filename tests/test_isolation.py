"""Processes that work for others; what happens when they fail is tested with their owners."""

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from app.isolation import Worker, cores


def threads_after_a_product(_inbox: Connection, outbox: Connection) -> None:
    """Tell how many threads this process has once NumPy has multiplied two matrices."""
    assert "numpy" not in sys.modules, "it began before the process was prepared"
    import numpy as np

    square = np.ones((600, 600))
    assert (square @ square)[0, 0] == 600
    outbox.send(len(list(Path("/proc/self/task").iterdir())))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_worker_computes_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one for each core; more threads in each would wait for each other."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    worker = Worker(threads_after_a_product)
    try:
        assert worker.outbox.poll(60)
        assert worker.outbox.recv() == 1, f"{cores()} cores"
    finally:
        worker.close()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
