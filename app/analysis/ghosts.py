"""JPEG ghosts: at which quality does a part of the picture hardly change when it is saved again?

Source: H. Farid, "Exposing Digital Forgeries from JPEG Ghosts", IEEE Transactions on Information
Forensics and Security 4(1), 2009.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Analysis, Params, parameter
from app.analysis.colormap import COLOUR_MAPS
from app.analysis.ela import AS_IN_FILE, ELA
from app.analysis.reading import (
    NEAR,
    UNKNOWN_SAVE,
    common_sentences,
    dithered,
    no_jpeg_file,
    quality_words,
    unusable_chroma,
)
from app.analysis.recompress import SUBSAMPLINGS, round_trip_region
from app.analysis.region import Region
from app.analysis.rendering import Legend, Rendering, shade
from app.arrays import MapArray, RgbU8
from app.evidence.decode import DecodeRecord
from app.evidence.jpeg import JpegFacts

DARKEST, ONE = "darkest", "one quality"

_BAND_PIXELS = 1_000_000
"""Of a band: while it is measured, the sums of all its saves are kept, 4 bytes each a pixel."""

_BAND_ROWS = 128


@dataclass(frozen=True, slots=True)
class GhostParams(Params):
    """Parameters of JPEG ghosts. What is shown of the saves is a lookup."""

    lowest: int = parameter(
        40,
        help="Lowest JPEG quality that the picture is saved with.",
        minimum=1,
        maximum=90,
        step=1,
    )
    step: int = parameter(
        5,
        help="Distance from one quality to the next. A ghost between two of them is faint.",
        minimum=1,
        maximum=10,
        step=1,
    )
    saves: int = parameter(
        10,
        help="How many qualities; those above 100 are left out. Each costs as much as one ELA.",
        minimum=2,
        maximum=16,
        step=1,
    )
    window: int = parameter(
        16,
        help="Side of the square around each pixel over which differences are averaged. "
        "Larger is calmer, but blurs the outline.",
        minimum=4,
        maximum=64,
        step=4,
        unit="px",
    )
    subsampling: str = parameter(
        "4:2:0",
        help="Chroma subsampling of the saves; a ghost is clearest with that of the earlier save. "
        "As in file is 4:2:0 where a save cannot have that of the file.",
        choices=(*SUBSAMPLINGS, AS_IN_FILE),
    )
    show: str = parameter(
        DARKEST,
        help="For each pixel the quality with the least difference, or the differences of one "
        "quality.",
        choices=(DARKEST, ONE),
        needs_measurement=False,
    )
    quality: int = parameter(
        60,
        help="With one quality: which; the nearest of the measured ones is shown.",
        minimum=1,
        maximum=100,
        step=1,
        needs_measurement=False,
        only_with=("show", ONE),
    )
    colours: str = parameter(
        "grey",
        help="Colour map; dark is the least difference, or the lowest quality.",
        choices=COLOUR_MAPS,
        needs_measurement=False,
    )


def qualities(params: GhostParams) -> tuple[int, ...]:
    """The qualities of the saves, ascending; two at least. They are the channels of the map."""
    wanted = (params.lowest + number * params.step for number in range(params.saves))
    return tuple(quality for quality in wanted if quality <= 100)


def _measure(pixels: RgbU8, params: GhostParams, region: Region) -> NDArray[np.uint8]:
    """Farid's equation 4 in 8 bits.

    At each place the squared differences, summed over the channels and the window (as far as it
    lies inside the picture), are spread so that 0 is the least of all qualities and 255 the
    largest: ``round(255 * (sum - least) / (largest - least))``, in float32. Where every quality
    gives the same there is nothing to compare, and all are 255. Sums are whole numbers and the
    rest happens at each pixel alone, so the map of a part is that part of the map.

    Returns:
        (region.height, region.width, qualities) uint8.
    """
    rows = max(_BAND_PIXELS // max(region.width, 1), _BAND_ROWS)
    return np.concatenate(
        [
            _spread([_summed(pixels, quality, params, band) for quality in qualities(params)])
            for band in region.bands(rows)
        ]
    )


def _summed(pixels: RgbU8, quality: int, params: GhostParams, region: Region) -> NDArray[np.int32]:
    """Squared differences to the save, summed over channels and window: (height, width)."""
    half = params.window // 2
    wide = region.grown(half, half).inside(Region.whole(pixels))
    saved = round_trip_region(pixels, quality, params.subsampling, wide)
    squares = np.zeros((wide.height, wide.width), np.float32)
    for difference in cv2.split(cv2.absdiff(wide.of(pixels), saved)):
        # At most 3 * 255 ** 2, which float32 holds exactly; whole numbers from here on.
        cv2.accumulateSquare(difference, squares)
    sums = cv2.boxFilter(
        squares.astype(np.int32),
        cv2.CV_32S,
        (params.window, params.window),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    return np.asarray(region.relative_to(wide).of(sums), dtype=np.int32)


def _spread(sums: list[NDArray[np.int32]]) -> NDArray[np.uint8]:
    least, largest = sums[0].copy(), sums[0].copy()
    for plane in sums[1:]:
        np.minimum(least, plane, out=least)
        np.maximum(largest, plane, out=largest)
    # numpy and not OpenCV: its last columns are computed by other instructions than the others,
    # and the last bit of a float must not depend on where a region ends.
    factor = np.float32(255) / np.maximum(largest - least, 1).astype(np.float32)
    nothing = largest == least
    planes = []
    for plane in sums:
        levels = np.rint((plane - least).astype(np.float32) * factor).astype(np.uint8)
        levels[nothing] = 255
        planes.append(levels)
    return np.asarray(cv2.merge(planes), dtype=np.uint8)


def _render(measured: MapArray, params: GhostParams) -> Rendering:
    known = qualities(params)
    if params.show == DARKEST:
        grey = _darkest(measured)
        low, high = f"quality {known[0]}", f"quality {known[-1]}"
        legend = Legend(low, high, "the quality with the least difference", params.colours)
    else:
        nearest = _nearest(params)
        grey = np.ascontiguousarray(measured[:, :, known.index(nearest)])
        note = f"saved at quality {nearest}"
        if nearest != params.quality:
            note += f", the nearest to {params.quality} that was measured"
        legend = Legend("least of all qualities", "largest", note, params.colours)
    return shade(grey, 1.0, legend, dark_matters=True)


def _darkest(measured: MapArray) -> NDArray[np.uint8]:
    """For each pixel the channel with the smallest value, the last of several equal ones.

    Returns:
        (height, width) uint8, 0 for the first channel and 255 for the last.
    """
    # One channel at a time: of a large picture, all of them at once are gigabytes.
    last = measured.shape[2] - 1
    least = cv2.extractChannel(measured, last)
    channel = np.full(measured.shape[:2], 255, np.uint8)
    for number in range(last - 1, -1, -1):
        plane = cv2.extractChannel(measured, number)
        # 255 where this channel is no smaller; the numbers fall, so the smaller one is the newer.
        others = cv2.compare(plane, least, cv2.CMP_GE)
        np.minimum(channel, np.maximum(others, np.uint8(round(255 * number / last))), out=channel)
        least = cv2.min(least, plane)
    return channel


def _nearest(params: GhostParams) -> int:
    return min(qualities(params), key=lambda quality: abs(quality - params.quality))


def _read_out(values: NDArray[Any], params: GhostParams) -> str:
    known = qualities(params)
    if values.min() == values.max():
        return "the same at every quality"
    least = known[int(values.argmin())]
    nearest = _nearest(params)
    level = float(values[known.index(nearest)]) / 255
    return f"least difference at quality {least}; at {nearest}: {level:.2f} of the largest"


def read_ghosts(
    record: DecodeRecord, jpeg: JpegFacts | None, params: GhostParams
) -> tuple[str, ...]:
    """Sentences for under the map, the most important one first."""
    known = qualities(params)
    sentences = [_history(record, jpeg, params)]
    if known[-1] - known[0] < 20:
        sentences.append(
            f"Only qualities {known[0]} to {known[-1]} are compared; "
            "the least of them need not be a ghost."
        )
    if dithered(record):
        sentences.append("Palette colours: dithering dots outweigh what a save leaves behind.")
    sentences += unusable_chroma(jpeg, params.subsampling)
    return (*sentences, *common_sentences(record))


def _history(record: DecodeRecord, jpeg: JpegFacts | None, params: GhostParams) -> str:
    known, one = qualities(params), params.show == ONE
    if jpeg is None and record.lossy == "JPEG":
        return (
            f"{no_jpeg_file(record)} Near it and above, the whole picture can change little, "
            "whatever its history."
        )
    if jpeg is None:
        return (
            f"{no_jpeg_file(record)} A ghost can still show one, as long as the picture was "
            "neither moved nor resized since."
        )
    if jpeg.quality is None:
        return UNKNOWN_SAVE
    last, words = jpeg.quality.quality, quality_words(jpeg.quality)
    if last <= known[0] + NEAR:
        return (
            f"The file's last save ({words}) is as coarse as the lowest quality measured: "
            "it hides ghosts of finer saves, so an even map allows no conclusion."
        )
    if known[-1] > last - NEAR:
        everywhere = "be dark" if one else "change least"
        return (
            f"Near the file's last save ({words}) and above, the whole picture can {everywhere}, "
            "whatever its history. Look at clearly lower qualities, or end the range below it."
        )
    if not one:
        return (
            "Each place shows the quality at which it changes least. A part with a lower one than "
            "its like is consistent with an earlier save of that part at that quality, and also "
            "with flat, dark or saturated areas."
        )
    return (
        "A part that is dark at a quality at which its like is not is consistent with an earlier "
        "save of that part at that quality, and also with flat, dark or saturated areas."
    )


GHOSTS = Analysis(
    id="ghosts",
    title="JPEG ghosts",
    params=GhostParams,
    measure=_measure,
    render=_render,
    read_out=_read_out,
    record=ELA.record,
    read=read_ghosts,
    shows="How much each part of the picture changes when it is saved at a number of qualities, "
    "compared with itself. A part that was once saved at one of them, at a lower quality than "
    "the rest, changes little there: it is dark at that quality while its surroundings are not.",
    shows_not="A change that was saved at the quality of the rest or at a higher one, or at a "
    "quality between the measured ones. An earlier save of a part is no proof that it came from "
    "another picture.",
    misleads="The earlier save is only found on its own 8x8 grid: a part that was moved, other "
    "than by multiples of 8 pixels, or resized, rotated or filtered since has no ghost. A last "
    "save as coarse as the earlier one hides it. Flat, very dark and saturated areas change "
    "little at any quality, so that chance decides which is the least. Tables and subsampling "
    "of another encoder blur a ghost or put it at a neighbouring quality.",
    source='H. Farid, "Exposing Digital Forgeries from JPEG Ghosts", IEEE Transactions on '
    "Information Forensics and Security 4(1), 2009.",
    resolve=ELA.resolve,
    presets=(
        ("Standard", GhostParams()),
        ("Coarse earlier saves", GhostParams(lowest=20, step=4, saves=12)),
        ("Fine earlier saves", GhostParams(lowest=70, step=2, saves=12)),
        ("Small parts", GhostParams(window=8)),
        ("One quality", GhostParams(show=ONE)),
    ),
)
