"""What a view of the window shows, computed again at a whole factor, and its export.

An exported view is a PNG and, beside it, the record of how it was made. The same record is in the
PNG. `app.report.replay` makes the picture again from it.
"""

import dataclasses
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from app.analysis.base import Analysis, Params
from app.analysis.memory import memory_translated
from app.analysis.overlay import blend
from app.analysis.region import Region
from app.analysis.rendering import Rendering
from app.analysis.survey import Reduction, measure_reduced
from app.arrays import RgbU8
from app.atomic import refuse_evidence, write_bytes
from app.errors import ElascopeError, InvalidParameterError, NotWrittenError
from app.evidence.decode import DecodedImage, DecodeRecord
from app.evidence.file import EvidenceFile
from app.names import printable
from app.report.picture import output_facts, parameter_record, record_text, write_png
from app.report.record import read_record

FACTOR_LIMIT = 4096
"""A longest side of 65,500 pixels becomes 16; sums of so large a square still fit 32 bits."""


class Show(StrEnum):
    """What of the picture and its map is seen."""

    PICTURE = "picture"
    OVERLAY = "overlay"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view: which part, how far reduced, and what is shown of it.

    Attributes:
        region: image pixels; left and top lie on multiples of ``factor``.
        factor: side of the square of image pixels that becomes one pixel of the view.
        reduction: of the map; the picture is always reduced by the mean.
        show: what is seen.
        opacity: 0..1, of the map in the overlay; it counts in thousandths.
        left: what is seen left of the divider instead; None without a divider.
        divider: 0..1, where it stands, as a share of the width.

    Raises:
        InvalidParameterError: a value is out of its range.
    """

    region: Region
    factor: int = 1
    reduction: Reduction = Reduction.MEAN
    show: Show = Show.MAP
    opacity: float = 1.0
    left: Show | None = None
    divider: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= FACTOR_LIMIT:
            raise InvalidParameterError(f"The factor must lie between 1 and {FACTOR_LIMIT}.")
        for name, value in (("opacity", self.opacity), ("divider", self.divider)):
            if not 0 <= value <= 1:
                raise InvalidParameterError(f"The {name} must lie between 0 and 1.")
        left, top = self.region.left, self.region.top
        if self.region.width < 1 or self.region.height < 1 or left < 0 or top < 0:
            raise InvalidParameterError("The region must hold at least one pixel of the picture.")
        if left % self.factor or top % self.factor:
            raise InvalidParameterError(
                f"The region's left and top must be multiples of the factor {self.factor}."
            )

    @property
    def width(self) -> int:
        """Of the view, in its own pixels."""
        return -(-self.region.width // self.factor)

    @property
    def height(self) -> int:
        """Of the view, in its own pixels."""
        return -(-self.region.height // self.factor)


@memory_translated()
def compose(
    pixels: RgbU8,
    analysis: Analysis,
    params: Params,
    view: ViewSpec,
    stop: threading.Event | None = None,
    threads: int = 1,
) -> RgbU8:
    """Compute the view from the full-resolution pixels; nothing is enlarged.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution.
        analysis: that makes the map.
        params: resolved (`Analysis.resolve`).
        view: of the picture.
        stop: looked at between bands.
        threads: that share the bands.

    Returns:
        (view.height, view.width, 3) uint8 RGB.

    Raises:
        InvalidParameterError: the region reaches beyond the picture.
        TooLargeError: memory ran out, or the analysis cannot take so long a side.
        CancelledError: ``stop`` was set.
    """
    height, width = pixels.shape[:2]
    if view.region.right > width or view.region.bottom > height:
        raise InvalidParameterError(
            f"The region reaches beyond the picture, which has {width} x {height} pixels."
        )
    photograph = rendering = None
    if {view.show, view.left} & {Show.MAP, Show.OVERLAY}:
        measure = analysis.measuring(params)
        measured = measure_reduced(
            measure, pixels, view.region, view.factor, view.reduction, stop, threads
        )
        rendering = analysis.render(measured, params)
    if {view.show, view.left} & {Show.PICTURE, Show.OVERLAY}:
        photograph = _photograph(pixels, view, stop, threads)
    out = _seen(view.show, photograph, rendering, view.opacity)
    if view.left is not None:
        column = int(view.divider * view.width + 0.5)
        out = out.copy()
        out[:, :column] = _seen(view.left, photograph, rendering, view.opacity)[:, :column]
    return out


def _seen(
    show: Show, photograph: RgbU8 | None, rendering: Rendering | None, opacity: float
) -> RgbU8:
    if rendering is None:
        assert photograph is not None
        return photograph
    if show is Show.MAP or photograph is None:
        return rendering.picture
    return photograph if show is Show.PICTURE else blend(photograph, rendering, opacity)


def _photograph(pixels: RgbU8, view: ViewSpec, stop: threading.Event | None, threads: int) -> RgbU8:
    """The picture reduced by the mean and rounded, a half to the even number."""

    def as_it_is(pixels: RgbU8, region: Region) -> RgbU8:
        return region.of(pixels)

    mean = measure_reduced(
        as_it_is, pixels, view.region, view.factor, Reduction.MEAN, stop, threads
    )
    return np.rint(mean).astype(np.uint8)


def view_record(
    evidence: EvidenceFile,
    decode_record: DecodeRecord,
    analysis: Analysis,
    params: Params,
    view: ViewSpec,
    picture: RgbU8,
) -> dict[str, Any]:
    """What another examiner needs to repeat a view and to compare the result bit for bit.

    Args:
        evidence: the file.
        decode_record: how it was decoded.
        analysis: that made the map.
        params: resolved.
        view: of the picture.
        picture: from `compose`.
    """
    return {
        **parameter_record(evidence, decode_record, analysis.describe(params)),
        "view": dataclasses.asdict(view),
        "output": output_facts(picture),
    }


def export_view(
    target: Path,
    evidence: EvidenceFile,
    image: DecodedImage,
    analysis: Analysis,
    params: Params,
    view: ViewSpec,
    examined: Sequence[Path] = (),
    stop: threading.Event | None = None,
    threads: int = 1,
) -> Path:
    """Write the view as PNG and its record beside it, under the same name with ``.json``.

    Args:
        target: of the PNG; its name ends in ``.png``.
        evidence: the file.
        image: its pixels and decode record.
        analysis: that makes the map.
        params: resolved (`Analysis.resolve`).
        view: of the picture.
        examined: further files that are never written.
        stop: looked at between bands.
        threads: that share the bands.

    Returns:
        Where the record is.

    Raises:
        NotWrittenError: a target is unfit or cannot be written; the sentence says what is there.
        InvalidParameterError: the region reaches beyond the picture.
        TooLargeError: as `compose`.
        CancelledError: ``stop`` was set; nothing is written.
    """
    beside = _place_of_record(target)
    _check_targets(target, beside, [evidence.path, *examined])
    picture = compose(image.pixels, analysis, params, view, stop, threads)
    record = view_record(evidence, image.record, analysis, params, view, picture)
    write_png(target, picture, record)
    try:
        write_bytes(beside, (record_text(record, indent=1) + "\n").encode("utf-8"))
    except NotWrittenError as error:
        older = " An older record of that name still stands." if os.path.lexists(beside) else ""
        raise NotWrittenError(
            f"{error.sentence}{older} The picture {target} is written; its record is inside it.",
            error.detail,
        ) from error
    return beside


def _place_of_record(target: Path) -> Path:
    if target.suffix.lower() != ".png":
        raise NotWrittenError(
            f"{printable(str(target))} does not end in .png, so nothing is written. The record "
            "of the view gets the same name with .json."
        )
    return target.with_suffix(".json")


def _check_targets(target: Path, beside: Path, evidence: Sequence[Path]) -> None:
    """Find what would keep one of both from being written before the first is."""
    refuse_evidence([target, beside], evidence)
    # A link keeps pointing where it points, as in app.atomic.
    places = [Path(os.path.realpath(place)) for place in (target, beside)]
    for place in places:
        if os.path.lexists(place) and not place.is_file():
            raise NotWrittenError(f"{place} is not a file, so nothing is written.")
    if places[0] == places[1]:
        raise NotWrittenError(
            f"{beside} leads to {target}; picture and record need a file each, so nothing is "
            "written."
        )
    if os.path.lexists(beside) and not _belongs(beside, target):
        # The analyst was asked about the picture's name, not about that of the record.
        raise NotWrittenError(
            f"{beside} exists and is not the record of {target}, so nothing is written. Choose "
            "another name for the picture."
        )


def _belongs(beside: Path, target: Path) -> bool:
    """Whether both are what one earlier export wrote."""
    try:
        return read_record(beside)[0] == read_record(target)[0]
    except ElascopeError:
        return False
