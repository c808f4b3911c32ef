"""Maps of conspicuous pictures beside a report: where, over the picture and as polygons."""

import os
from dataclasses import dataclass
from pathlib import Path

from app.analysis.localisation import Localisation, as_json, overlay
from app.analysis.memory import memory_translated
from app.atomic import write_bytes
from app.errors import NotWrittenError
from app.evidence.decode import DecodedImage
from app.evidence.file import EvidenceFile
from app.report.picture import parameter_record, record_text, write_png


@dataclass(frozen=True, slots=True)
class MapFolder:
    """Writes maps of the conspicuous pictures of a scan, in whichever process they are made.

    The files are called after the picture's hash, which the report's rows hold, and the question:
    ``<first 16 digits>.<question>.png`` and ``.json``.

    Attributes:
        folder: that they are written into; it lies outside of the examined folders.
    """

    folder: Path

    def write(self, found: Localisation, evidence: EvidenceFile, image: DecodedImage) -> None:
        """Write one map, in place of one of that name.

        Raises:
            NotWrittenError: it cannot be written, or a link of that name leads elsewhere.
            TooLargeError: memory ran out.
        """
        stem = self.folder / f"{evidence.sha256[:16]}.{found.record['question']}"
        targets = Path(f"{stem}.png"), Path(f"{stem}.json")
        for target in targets:
            if os.path.islink(target):
                raise NotWrittenError(f"{target} is a link, so nothing is written to it.")
        write_where(found, evidence, image, *targets)


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
