"""Decoders that misbehave, in the process of a guard; a file's name says what happens to it."""

import os
import signal
import time
from multiprocessing.connection import Connection

import numpy as np

from app.arrays import RgbU8
from app.evidence import guard
from app.evidence.decode import DecodedImage, decode, decode_thumbnail
from app.evidence.file import EvidenceFile
from app.evidence.metadata import Metadata, read_metadata

serve_as_it_is = guard.serve


def serve(inbox: Connection, outbox: Connection, memory: int) -> None:
    """As the guard does, with a faulty decoder."""
    guard.decode = _decode  # type: ignore[attr-defined]
    guard.decode_thumbnail = _thumbnail  # type: ignore[attr-defined]
    guard.read_metadata = _metadata  # type: ignore[attr-defined]
    serve_as_it_is(inbox, outbox, memory)


def _decode(evidence: EvidenceFile) -> DecodedImage:
    name = evidence.path.name
    if "crash" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in name:
        time.sleep(600)
    if "greedy" in name:
        taken = []
        while True:
            taken.append(np.ones(1 << 24, np.uint8))
    return decode(evidence)


def _thumbnail(evidence: EvidenceFile, side: int) -> RgbU8:
    _decode(evidence)
    return decode_thumbnail(evidence, side)


def _metadata(evidence: EvidenceFile) -> Metadata:
    if "thumb" in evidence.path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    return read_metadata(evidence)
