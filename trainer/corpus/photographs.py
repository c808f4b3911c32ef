"""Folders of photographs as material for forging: read whole, known by their content."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

from tqdm import tqdm

from app.arrays import RgbU8
from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.names import one_line
from trainer.errors import CorpusError

SMALLEST_SIDE = 32
"""Photographs with a shorter side in pixels are left out."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A usable photograph.

    Attributes:
        path: of the file.
        name: relative to its folder, fit for a line of text.
        sha256: of the file.
        format: of the file; the history of pixels from a JPEG begins before the first save here.
    """

    path: Path
    name: str
    sha256: str
    format: str

    @property
    def source(self) -> str:
        """Id of the picture, for splits."""
        return self.sha256[:16]

    def pixels(self) -> RgbU8:
        """(height, width, 3) uint8 RGB at full resolution."""
        return decode(open_evidence(self.path)).pixels


def read_photographs(folder: Path) -> tuple[list[Photograph], list[str]]:
    """Every usable photograph below ``folder``, and a sentence on each file that is left out.

    Raises:
        CorpusError: there is no such folder, or nothing usable in it.
    """
    if not folder.is_dir():
        raise CorpusError(f"There is no folder {one_line(str(folder))}.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(cpu_count()) as pool:
        work = pool.map(lambda path: _read(path, folder), paths)
        found = list(tqdm(work, total=len(paths), desc="reading", disable=None, leave=False))
    photographs: dict[str, Photograph] = {}
    notes = []
    for item in found:
        if isinstance(item, str):
            notes.append(item)
        else:
            photographs.setdefault(item.sha256, item)
    if not photographs:
        raise CorpusError(f"{one_line(str(folder))} holds no usable picture.")
    return sorted(photographs.values(), key=lambda one: one.sha256), notes


def _read(path: Path, folder: Path) -> Photograph | str:
    name = one_line(path.relative_to(folder).as_posix())
    try:
        evidence = open_evidence(path)
        shape = decode(evidence).pixels.shape
    except ElascopeError as error:
        return f"Left out: {name}: {error.sentence}"
    if min(shape[:2]) < SMALLEST_SIDE:
        return f"Left out: {name}: smaller than {SMALLEST_SIDE} pixels."
    return Photograph(path, name, evidence.sha256, str(evidence.format))
