"""What a file tells without its pixels: format, size, save settings, camera data."""

import contextlib
import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from app.errors import UnreadableFileError
from app.evidence.file import EvidenceFile, open_evidence
from app.evidence.jpeg import QualityEstimate, Table, read_jpeg
from app.evidence.metadata import read_metadata

UNREADABLE = "unreadable"
"""The format of a file that cannot be opened any more."""

OTHER_FORMAT = "other"
"""The format of a file whose content is no supported image."""


@dataclass(frozen=True, slots=True)
class Header:
    """What one file tells without its pixels.

    Attributes:
        format: as sniffed from the content, `OTHER_FORMAT` or `UNREADABLE`.
        size: of the file, in bytes.
        width: pixels as stored; None where the header does not tell.
        height: likewise.
        luma: first quantisation table of a JPEG file, in row order.
        subsampling: of a JPEG file's chroma, as `app.evidence.jpeg` names it; otherwise empty.
        progressive: JPEG with spectral or successive selection.
        quality: estimate for a JPEG file's last save.
        exif: whether there is EXIF beyond what a TIFF file needs for its own pixels.
    """

    format: str
    size: int = 0
    width: int | None = None
    height: int | None = None
    luma: Table | None = None
    subsampling: str = ""
    progressive: bool = False
    quality: QualityEstimate | None = None
    exif: bool = False

    def table_family(self) -> str:
        """The luma table in words; encoders with tables of their own differ in the digits."""
        if self.luma is None or self.quality is None:
            return "no table"
        if self.quality.exact:
            return f"IJG {self.quality.quality}"
        digits = hashlib.sha256(repr(self.luma).encode()).hexdigest()[:6]
        return f"own {digits}, near IJG {self.quality.quality}"


def read_header(path: Path) -> Header:
    """Read one file; never raises for its content or absence."""
    try:
        evidence = open_evidence(path)
    except UnreadableFileError:
        return Header(UNREADABLE)
    if evidence.format is None or evidence.data is None:
        return Header(evidence.format or OTHER_FORMAT, evidence.size)
    width, height = _pixel_size(evidence.format, evidence.data)
    exif = _has_exif(evidence)
    if evidence.format != "JPEG":
        return Header(evidence.format, evidence.size, width, height, exif=exif)
    facts = read_jpeg(evidence.data)
    return Header(
        evidence.format,
        evidence.size,
        width,
        height,
        facts.tables.get(0),
        facts.subsampling,
        facts.progressive,
        facts.quality,
        exif,
    )


def read_headers(paths: Sequence[Path]) -> list[Header]:
    """Read all ``paths`` on all cores, in their order, with a bar on a terminal.

    What is still waiting is given up when the user interrupts.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            work = pool.map(read_header, paths)
            return list(tqdm(work, total=len(paths), desc="headers", disable=None, leave=False))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _pixel_size(container: str, data: bytes) -> tuple[int | None, int | None]:
    """Width and height from the header alone; Pillow decodes no pixel until it is asked."""
    # A decoder rejects hostile content with almost any exception type.
    with (
        contextlib.suppress(Exception),
        Image.open(io.BytesIO(data), formats=(container.upper(),)) as image,
    ):
        return image.size
    return None, None


def _has_exif(evidence: EvidenceFile) -> bool:
    entries = read_metadata(evidence).exif
    if evidence.format == "TIFF":
        return any(entry.group != "IFD0" for entry in entries)
    return bool(entries)
