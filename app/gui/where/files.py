"""What was found as files: the map over its picture, and the regions for other programs."""

from collections.abc import Sequence
from pathlib import Path

from app.analysis.localisation import as_json, overlay
from app.analysis.memory import memory_translated
from app.atomic import refuse_evidence, write_bytes
from app.gui.where.found import Found
from app.report.picture import parameter_record, record_text, write_png


@memory_translated()
def write_map(target: Path, found: Found, opacity: float, examined: Sequence[Path]) -> None:
    """Write the map with its outlines over the whole picture, as PNG with its parameter record.

    Raises:
        NotWrittenError: the target is an examined file, or cannot be written.
        TooLargeError: memory ran out.
    """
    inspection = found.inspection
    refuse_evidence([target], [inspection.path, *examined])
    image = inspection.image
    facts = {**found.shown.record, "opacity": opacity}
    record = parameter_record(inspection.evidence, image.record, facts)
    write_png(target, overlay(image.pixels, found.shown, opacity), record)


@memory_translated()
def write_regions(target: Path, found: Found, examined: Sequence[Path]) -> None:
    """Write regions and pairs as JSON, with the parameter record.

    Raises:
        NotWrittenError: the target is an examined file, or cannot be written.
    """
    inspection = found.inspection
    refuse_evidence([target], [inspection.path, *examined])
    record = parameter_record(inspection.evidence, inspection.image.record, found.shown.record)
    text = record_text({**as_json(found.shown), "record": record})
    write_bytes(target, f"{text}\n".encode())
