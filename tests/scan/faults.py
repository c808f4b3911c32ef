"""Decoders that misbehave, for worker processes; a file's name says what happens to it."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.detection.detector import Detector
from app.evidence.decode import DecodedImage
from app.evidence.file import EvidenceFile
from app.scan import work
from app.scan.work import Outcome, Setup, judge_evidence

CALLS = "ELASCOPE_TEST_CALLS"
"""Name of the environment variable with a file into which every judged path is written."""

_real_decode = work.decode


def judge(evidence: EvidenceFile, detectors: Sequence[Detector], setup: Setup) -> Outcome:
    """What the program does, with a decoder that crashes, hangs or takes all memory."""
    if calls := os.environ.get(CALLS):
        with Path(calls).open("a", errors="surrogateescape") as stream:
            stream.write(f"{evidence.path}\n")
    work.decode = _decode
    return judge_evidence(evidence, detectors, setup)


def _decode(evidence: EvidenceFile) -> DecodedImage:
    name = evidence.path.name
    if "crash" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "once" in name:
        # A marker beside the folder of the files: the second try finds it.
        marker = evidence.path.parent.parent / "crashed"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in name:
        while True:
            pass
    if "slow" in name:
        time.sleep(0.3)
    if "greedy" in name:
        taken = []
        while True:
            taken.append(np.ones(1 << 24, np.uint8))
    return _real_decode(evidence)


def leave_at_once(*_: object) -> None:
    """A worker that ends before it is ready."""
    os._exit(3)
