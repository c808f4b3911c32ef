"""Reading files in a process of its own, for those that have not been seen to decode safely.

A scan judges whole files in other processes (`app.scan.pool`); a window needs the pixels here. A
`Guard` sends a file's bytes to a process that only reads, and gets its pixels or its metadata
back. A decoder that crashes, hangs or asks for all memory takes that process with it and nothing
else.
"""

import dataclasses
import enum
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import numpy as np

from app.arrays import RgbU8
from app.errors import CancelledError, CrashedError, ElascopeError, TimedOutError, TooLargeError
from app.evidence.decode import DecodedImage, DecodeRecord, decode, decode_thumbnail
from app.evidence.file import EvidenceFile
from app.evidence.metadata import Metadata, read_metadata
from app.isolation import Worker, limit_memory, memory_of_the_machine

SECONDS = 60.0
"""That a picture may take; a quarter of a gigapixel takes a few."""

_LOOK = 0.1
"""Seconds between two looks at the clock and at the request to stop."""

_PATIENCE = 0.5
"""Seconds that a decoder is let go on after its picture is no longer wanted: most are done by
then, and to start another process takes about as long."""

_SEEN = 10_000
"""Files that are remembered to decode safely."""


class _Wish(enum.Enum):
    """What is asked of a file."""

    PICTURE = "Not shown: the process that decodes it"
    THUMBNAIL = "No thumbnail: the process that decodes it"
    METADATA = "Not read: the process that reads the metadata"


@dataclass(frozen=True, slots=True)
class _Answer:
    """Metadata; or before the pixels what they are; or why there is nothing.

    Attributes:
        shape: of the pixels that follow; None when nothing does.
        record: of a whole picture.
        metadata: if they were asked for.
        error: instead.
    """

    shape: tuple[int, ...] | None = None
    record: DecodeRecord | None = None
    metadata: Metadata | None = None
    error: ElascopeError | None = None


class Guard:
    """Reads files in another process. Thread-safe; one file at a time.

    The process starts with the first file and ends with `close`, or with this process. What
    has been decoded there once is decoded here the next time, which saves carrying its pixels.
    """

    def __init__(self, seconds: float = SECONDS, memory: int | None = None) -> None:
        """Prepare it.

        Args:
            seconds: that one picture may take.
            memory: bytes that the decoder may take; by default half of what the machine has.
        """
        self._seconds = seconds
        self._memory = memory or memory_of_the_machine() // 2
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._seen: dict[str, None] = {}

    def decode(self, evidence: EvidenceFile, stop: threading.Event | None = None) -> DecodedImage:
        """As `app.evidence.decode.decode`.

        Args:
            evidence: the file.
            stop: when set, a decoder that takes long is ended.

        Raises:
            CrashedError: the decoder brought down its process.
            TimedOutError: it takes too long.
            CancelledError: ``stop`` was set.
            ElascopeError: as `app.evidence.decode.decode`.
        """
        with self._lock:
            if evidence.sha256 in self._seen:
                return decode(evidence)
            answer, pixels = self._ask(evidence, _Wish.PICTURE, 0, stop)
            assert answer.record is not None and pixels is not None
            self._remember(evidence.sha256)
            return DecodedImage(pixels, answer.record)

    def thumbnail(
        self, evidence: EvidenceFile, side: int, stop: threading.Event | None = None
    ) -> RgbU8:
        """As `app.evidence.decode.decode_thumbnail`; raises as `decode`."""
        with self._lock:
            if evidence.sha256 in self._seen:
                return decode_thumbnail(evidence, side)
            pixels = self._ask(evidence, _Wish.THUMBNAIL, side, stop)[1]
            assert pixels is not None
            return pixels

    def metadata(self, evidence: EvidenceFile, stop: threading.Event | None = None) -> Metadata:
        """As `app.evidence.metadata.read_metadata`; raises as `decode`.

        Always there: a file whose picture is harmless can carry a thumbnail that is not.
        """
        with self._lock:
            metadata = self._ask(evidence, _Wish.METADATA, 0, stop)[0].metadata
            assert metadata is not None
            return metadata

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._dismiss()

    def _ask(
        self, evidence: EvidenceFile, wish: _Wish, side: int, stop: threading.Event | None
    ) -> tuple[_Answer, RgbU8 | None]:
        if self._worker is None or not self._worker.alive:
            self._dismiss()
            self._worker = Worker(serve, self._memory)
        worker = self._worker
        # The bytes go beside the rest: pickling would copy them.
        has_data = evidence.data is not None
        worker.send((dataclasses.replace(evidence, data=None), has_data, wish, side))
        if evidence.data is not None:
            worker.send_bytes(evidence.data)
        self._await(worker, wish, stop)
        try:
            answer: _Answer = worker.outbox.recv()
            if answer.error is not None:
                raise answer.error
            if answer.shape is None:
                return answer, None
            pixels = np.empty(answer.shape, np.uint8)
            worker.outbox.recv_bytes_into(pixels.data.cast("B"))
        except (EOFError, OSError) as error:
            worker.close()
            self._worker = None
            raise CrashedError(f"{wish.value} {worker.end_in_words()}.", repr(error)) from error
        return answer, pixels

    def _await(self, worker: Worker, wish: _Wish, stop: threading.Event | None) -> None:
        """Wait for an answer, or the end of the process.

        Raises:
            TimedOutError, CancelledError: the process was ended.
        """
        began = time.monotonic()
        while not wait([worker.outbox, worker.sentinel], _LOOK):
            passed = time.monotonic() - began
            if passed > self._seconds:
                self._dismiss()
                raise TimedOutError(
                    f"{wish.value} takes longer than {self._seconds:g} s, which is the limit."
                )
            if stop is not None and stop.is_set() and passed > _PATIENCE:
                self._dismiss()
                raise CancelledError("Cancelled.")

    def _dismiss(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _remember(self, sha256: str) -> None:
        if len(self._seen) >= _SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[sha256] = None


def serve(inbox: Connection, outbox: Connection, memory: int) -> None:
    """Read what comes; for `app.isolation.Worker`."""
    limit_memory(memory)
    while True:
        evidence, has_data, wish, side = inbox.recv()
        if has_data:
            evidence = dataclasses.replace(evidence, data=inbox.recv_bytes())
        answer, pixels = _answer(evidence, wish, side)
        outbox.send(answer)
        if pixels is not None:
            outbox.send_bytes(np.ascontiguousarray(pixels).data.cast("B"))


def _answer(evidence: EvidenceFile, wish: _Wish, side: int) -> tuple[_Answer, RgbU8 | None]:
    try:
        if wish is _Wish.METADATA:
            return _Answer(metadata=read_metadata(evidence)), None
        if wish is _Wish.THUMBNAIL:
            small = decode_thumbnail(evidence, side)
            return _Answer(small.shape), small
        image = decode(evidence)
        return _Answer(image.pixels.shape, image.record), image.pixels
    except ElascopeError as error:
        return _Answer(error=error), None
    except MemoryError as error:
        return _Answer(error=TooLargeError("It does not fit into memory.", repr(error))), None
