"""What is done to one file of a scan, and the process that does it.

The process reads and hashes the next file on a thread of its own while it decodes and judges the
one before, so that disk and processor do not wait for each other.
"""

import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from app.analysis.localisation import Localisation
from app.analysis.memory import memory_translated
from app.detection.detector import Detector
from app.detection.judging import VARIATIONS, judge
from app.detection.library import ModelChoice
from app.errors import ElascopeError, ModelRefusedError, TooLargeError
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.isolation import give_memory_back, keep_freed_memory, limit_memory
from app.scan.previews import preview_of
from app.scan.results import ModelFacts, Preview, conspicuous
from app.scan.rows import Row, error_row

WriteMap = Callable[[Localisation, EvidenceFile, DecodedImage], None]
"""Writes the map of a conspicuous picture; raises `ElascopeError` when it cannot."""


_LARGE = 32_000_000
"""Pixels of a picture after which a worker gives its memory back; cameras of today have fewer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a file gave.

    Attributes:
        row: for the report.
        preview: of a conspicuous picture, if previews were asked for.
        maps: that were written.
        complaints: sentences on maps that could not be made or written.
    """

    row: Row
    preview: Preview | None = None
    maps: int = 0
    complaints: tuple[str, ...] = ()


Judge = Callable[[EvidenceFile, Sequence[Detector], "Setup"], Outcome]
"""Decodes and judges an opened file, and never raises for what is in it."""


def judge_evidence(
    evidence: EvidenceFile, detectors: Sequence[Detector], setup: "Setup"
) -> Outcome:
    """Decode and judge one opened file. Never raises for what is in it.

    Args:
        evidence: the file.
        detectors: to ask.
        setup: says whether maps and previews are wanted.
    """
    record = None
    try:
        with memory_translated():
            image = decode(evidence)
            record = image.record
            verdicts = judge(detectors, image, VARIATIONS if setup.variations else ())
            row = Row(
                evidence.path,
                "ok",
                "",
                evidence.sha256,
                evidence.size,
                record,
                verdicts,
                modified_ns=evidence.modified_ns,
            )
            return _with_pictures(row, evidence, image, detectors, setup)
    except ElascopeError as error:
        return Outcome(error_row(evidence.path, error, evidence, record))
    except Exception as error:
        # A fault of the program must cost one row, not the batch; the detail names it.
        unexpected = ElascopeError(
            f"The analysis failed unexpectedly ({type(error).__name__}).", repr(error)
        )
        return Outcome(error_row(evidence.path, unexpected, evidence, record))


def _with_pictures(
    row: Row,
    evidence: EvidenceFile,
    image: DecodedImage,
    detectors: Sequence[Detector],
    setup: "Setup",
) -> Outcome:
    """The row with maps and preview, if they are wanted and the picture is conspicuous."""
    wanted = setup.previews or setup.write_map is not None
    if not wanted or not any(conspicuous(verdict) for verdict in row.verdicts):
        return Outcome(row)
    found: dict[str, Localisation] = {}
    written = 0
    complaints = []
    for detector in detectors:
        where = detector.card.where
        asked = [v for v in row.verdicts if where and v.question == where.question]
        if not any(v.model == detector.card.name and conspicuous(v) for v in asked):
            continue
        assert where is not None
        try:
            found[where.question] = located = detector.locate(image.pixels)
            if setup.write_map is not None:
                setup.write_map(located, evidence, image)
                written += 1
        except ElascopeError as error:
            complaints.append(error.sentence)
    preview = preview_of(image.pixels, found) if setup.previews else None
    return Outcome(row, preview, written, tuple(complaints))


def judge_file(path: Path, detectors: Sequence[Detector]) -> Row:
    """Read, decode and judge one file in this process. Never raises for what is in the file."""
    evidence = opened(path)
    if isinstance(evidence, Row):
        return evidence
    return judge_evidence(evidence, detectors, Setup(ModelChoice())).row


def opened(path: Path) -> EvidenceFile | Row:
    """The file, read and hashed, or the row of one that cannot be read."""
    try:
        return open_evidence(path)
    except ElascopeError as error:
        return error_row(path, error)
    except MemoryError as error:
        return error_row(path, TooLargeError("The file does not fit into memory.", repr(error)))


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told when it starts.

    Attributes:
        models: to ask.
        memory: bytes that it may take beside program and models; 0 for no limit.
        previews: make small pictures of conspicuous files.
        variations: try every answer with mild changes of the picture.
        write_map: writes the maps of conspicuous files, if that is wanted.
        judge: what is done to a file; another one in tests.
    """

    models: ModelChoice
    memory: int = 0
    previews: bool = False
    variations: bool = True
    write_map: WriteMap | None = None
    judge: Judge = field(default=judge_evidence)


# Messages to a worker ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """Read and hash this file, and say what it is; then wait for `Go` or `Leave`."""

    number: int
    path: Path


@dataclass(frozen=True, slots=True)
class Go:
    """Judge the file."""

    number: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Forget the file."""

    number: int


# Messages from a worker --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The models are loaded."""

    models: tuple[ModelFacts, ...]
    refusals: tuple[ModelRefusedError, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The models cannot be used."""

    error: ElascopeError


@dataclass(frozen=True, slots=True)
class Hashed:
    """What a file holds."""

    number: int
    sha256: str
    size: int
    modified_ns: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A file is done."""

    number: int
    outcome: Outcome


def serve(inbox: Connection, outbox: Connection, setup: Setup) -> None:
    """Judge files until the owner says None or goes away; for `app.isolation.Worker`."""
    try:
        detectors, refusals = setup.models.load()
    except ElascopeError as error:
        outbox.send(Refused(error))
        return
    keep_freed_memory()
    if setup.memory:
        limit_memory(setup.memory)
    sending = threading.Lock()

    def send(message: object) -> None:
        with sending:
            outbox.send(message)

    send(Ready(facts_of(detectors), refusals))
    files: queue.SimpleQueue[tuple[int, EvidenceFile] | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(inbox, send, files), daemon=True).start()
    while (item := files.get()) is not None:
        number, evidence = item
        outcome = setup.judge(evidence, detectors, setup)
        record = outcome.row.record
        if record is None or record.width * record.height > _LARGE:
            give_memory_back()
        send(Judged(number, outcome))


def _read(
    inbox: Connection,
    send: Callable[[object], None],
    files: queue.SimpleQueue[tuple[int, EvidenceFile] | None],
) -> None:
    """Take messages, and read files ahead."""
    held: dict[int, EvidenceFile] = {}
    try:
        while (message := inbox.recv()) is not None:
            match message:
                case Read(number, path):
                    evidence = opened(path)
                    if isinstance(evidence, Row):
                        send(Judged(number, Outcome(evidence)))
                    else:
                        held[number] = evidence
                        send(Hashed(number, evidence.sha256, evidence.size, evidence.modified_ns))
                case Go(number):
                    files.put((number, held.pop(number)))
                case Leave(number):
                    del held[number]
    except (EOFError, OSError):
        # The owner has gone. The other thread may be in a decoder that never returns.
        os._exit(1)
    files.put(None)


def facts_of(detectors: Sequence[Detector]) -> tuple[ModelFacts, ...]:
    """What reports say of the models."""
    return tuple(ModelFacts(d.card, d.sha256, d.provider) for d in detectors)


def as_duplicate(row: Row, path: Path, modified_ns: int | None) -> Row:
    """The row of ``path``, which holds the same as the file of ``row``."""
    first = row.duplicate_of or row.path
    # A file that was only touched since has the content of its own earlier row.
    duplicate_of = None if first == path else first
    return replace(row, path=path, modified_ns=modified_ns, duplicate_of=duplicate_of)
