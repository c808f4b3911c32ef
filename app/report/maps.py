"""Maps of conspicuous pictures beside a report: where, over the picture and as polygons."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.analysis.localisation import Localisation, as_json, overlay
from app.analysis.memory import memory_translated
from app.atomic import refuse_evidence, write_bytes
from app.detection.detector import Detector
from app.detection.verdict import Verdict
from app.errors import ElascopeError
from app.evidence.decode import DecodedImage
from app.evidence.file import EvidenceFile
from app.report.picture import parameter_record, record_text, write_png
from app.scan.results import conspicuous


@dataclass(slots=True)
class MapFolder:
    """Takes the pictures of a scan, on any thread, and writes maps of the conspicuous ones.

    The files are called after the picture's hash, which the report's rows hold, and the question:
    ``<first 16 digits>.<question>.png`` and ``.json``.

    Attributes:
        folder: that they are written into.
        detectors: of the scan.
        evidence: files that are never written over.
        written: pictures with a map so far.
        failures: sentences on maps that could not be made or written.
    """

    folder: Path
    detectors: Sequence[Detector]
    evidence: Sequence[Path] = ()
    written: int = 0
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def visit(
        self, evidence: EvidenceFile, image: DecodedImage, verdicts: Sequence[Verdict]
    ) -> None:
        """Write what is wanted of one picture; what fails costs the map and not the row."""
        for detector in self.detectors:
            where = detector.card.where
            asked = [v for v in verdicts if where and v.question == where.question]
            if not any(v.model == detector.card.name and conspicuous(v) for v in asked):
                continue
            assert where is not None
            try:
                found = detector.locate(image.pixels)
                stem = self.folder / f"{evidence.sha256[:16]}.{where.question}"
                targets = Path(f"{stem}.png"), Path(f"{stem}.json")
                refuse_evidence(targets, self.evidence)
                write_where(found, evidence, image, *targets)
            except ElascopeError as error:
                with self._lock:
                    self.failures.append(error.sentence)
                continue
            with self._lock:
                self.written += 1


@memory_translated()
def write_where(
    found: Localisation,
    evidence: EvidenceFile,
    image: DecodedImage,
    png: Path | None,
    json: Path | None,
) -> None:
    """Write a localisation over its picture, and as polygons; each with the parameter record.

    Raises:
        NotWrittenError: a target cannot be written.
        TooLargeError: memory ran out.
    """
    record = parameter_record(evidence, image.record, found.record)
    if json:
        text = record_text({**as_json(found), "record": record})
        write_bytes(json, f"{text}\n".encode())
    if png:
        write_png(png, overlay(image.pixels, found), record)
