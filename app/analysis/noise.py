"""Noise: what a small median takes away, and how strong the grain is around each pixel.

Sources: J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding
64(2), 1996, for the operator; D. Donoho and I. Johnstone, "Ideal Spatial Adaptation by Wavelet
Shrinkage", Biometrika 81(3), 1994, for the median as a robust estimate; B. Mahdian and S. Saic,
"Using Noise Inconsistencies for Blind Image Forensics", Image and Vision Computing 27(10), 2009,
for its use.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Analysis, Params, parameter
from app.analysis.colormap import COLOUR_MAPS
from app.analysis.reading import common_sentences, dithered, no_jpeg_file, quality_words
from app.analysis.region import Region
from app.analysis.rendering import Legend, Rendering, shade
from app.arrays import MapArray, RgbU8
from app.evidence.decode import DecodeRecord
from app.evidence.jpeg import JpegFacts

RESIDUAL, LEVEL = "residual", "level"

UNIT = 100
"""The map counts in hundredths of a grey level."""

_MEDIANS = {"3x3": 3, "5x5": 5, "7x7": 7}
_WINDOWS = {"9x9": 9, "17x17": 17, "33x33": 33, "65x65": 65}

_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])
"""Twice, along rows and columns, it is Immerkær's operator: deaf to ramps and to straight edges
along the grid. On noise of standard deviation s its response has one of 6 s."""

_MEDIAN_OF_NORMAL = 0.674490
"""Median of the absolute value of a normal variable of standard deviation 1."""

_COARSE = 75
"""Last saves below this quality have taken most of the fine noise away."""


@dataclass(frozen=True, slots=True)
class NoiseParams(Params):
    """Parameters of the noise maps."""

    measure: str = parameter(
        RESIDUAL,
        help="What the median takes away from each pixel, or the level of noise around it.",
        choices=(RESIDUAL, LEVEL),
    )
    median: str = parameter(
        "3x3",
        help="For the residual: size of the median; a larger one takes texture for noise.",
        choices=tuple(_MEDIANS),
        only_with=("measure", RESIDUAL),
    )
    window: str = parameter(
        "33x33",
        help="For the level: the square of pixels that it is taken from. "
        "Larger is calmer, but blurs the outline.",
        choices=tuple(_WINDOWS),
        only_with=("measure", LEVEL),
    )
    scale: float = parameter(
        8.0,
        help="Fixed gain of the picture of the map; the same for every image, so maps compare.",
        minimum=1.0,
        maximum=100.0,
        step=1.0,
        unit="x",
        needs_measurement=False,
    )
    colours: str = parameter(
        "grey",
        help="Colour map.",
        choices=COLOUR_MAPS,
        needs_measurement=False,
    )


def _measure(pixels: RgbU8, params: NoiseParams, region: Region) -> NDArray[np.uint16]:
    """Either map, (region.height, region.width, 1) uint16 in hundredths of a grey level."""
    # Beyond the picture's edge the filters repeat or mirror it; elsewhere they need the margin.
    residual = params.measure == RESIDUAL
    margin = _MEDIANS[params.median] // 2 if residual else _WINDOWS[params.window] // 2 + 1
    wide = region.grown(margin, margin).inside(Region.whole(pixels))
    luma = np.asarray(cv2.cvtColor(wide.of(pixels), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if residual:
        values = _removed(luma, _MEDIANS[params.median])
    else:
        values = _level(luma, _WINDOWS[params.window])
    return np.ascontiguousarray(region.relative_to(wide).of(values)[:, :, None])


def _removed(luma: NDArray[np.uint8], size: int) -> NDArray[np.uint16]:
    difference = cv2.absdiff(luma, cv2.medianBlur(luma, size))
    return np.asarray(cv2.LUT(difference, _table(1.0)), dtype=np.uint16)


def _level(luma: NDArray[np.uint8], size: int) -> NDArray[np.uint16]:
    """Standard deviation of the noise in the window around each pixel, at most 63 grey levels.

    The median makes it robust: edges and other structure in less than half of the window have
    little say. Its steps are a quarter of a grey level.
    """
    response = cv2.sepFilter2D(luma, cv2.CV_16S, _SECOND_DIFFERENCE, _SECOND_DIFFERENCE)
    # Responses above 255 become 255, which leaves a median below that as it is. By itself the
    # median repeats the outermost pixels, so that a single one would decide a whole corner.
    half = size // 2
    mirrored = cv2.copyMakeBorder(
        cv2.convertScaleAbs(response), half, half, half, half, cv2.BORDER_REFLECT_101
    )
    middle = cv2.medianBlur(mirrored, size)[half:-half, half:-half]
    factor = 1 / (6 * _MEDIAN_OF_NORMAL)
    return np.asarray(cv2.LUT(middle, _table(factor)), dtype=np.uint16)


def _table(factor: float) -> NDArray[np.uint16]:
    return np.asarray(np.rint(np.arange(256) * factor * UNIT), dtype=np.uint16)


def _render(measured: MapArray, params: NoiseParams) -> Rendering:
    legend = Legend("0", f"≥ {255 / params.scale:.3g} grey levels", colours=params.colours)
    return shade(np.ascontiguousarray(measured[:, :, 0]), params.scale / UNIT, legend)


def _read_out(values: NDArray[Any], params: NoiseParams) -> str:
    return f"noise {params.measure} {float(values[0]) / UNIT:.2f} grey levels"


def read_noise(
    record: DecodeRecord, jpeg: JpegFacts | None, params: NoiseParams
) -> tuple[str, ...]:
    """Sentences for under the map, the most important one first."""
    sentences = []
    if jpeg and jpeg.quality and jpeg.quality.quality < _COARSE:
        sentences.append(
            f"The last save ({quality_words(jpeg.quality)}) took away most of the fine noise and "
            "left 8x8 blocks; an even map allows no conclusion."
        )
    like = "flat areas with flat areas" if params.measure == RESIDUAL else "like with like"
    sentences.append(
        f"Compare {like}, of the same brightness and sharpness. A part that stands out against "
        "its like is consistent with another origin or treatment, and also with focus, texture, "
        "sharpening or the light."
    )
    if jpeg is None:
        sentences.append(f"{no_jpeg_file(record)} A save with loss evens out noise.")
    if dithered(record):
        sentences.append("Palette colours: dithering dots are counted as noise.")
    return (*sentences, *common_sentences(record))


def _record() -> dict[str, str]:
    return {"filters": f"OpenCV {cv2.__version__}"}


NOISE = Analysis(
    id="noise",
    title="Noise",
    params=NoiseParams,
    measure=_measure,
    render=_render,
    read_out=_read_out,
    record=_record,
    read=read_noise,
    shows="The finest detail of the brightness: for each pixel what a small median takes away "
    "from it (residual), or how strong the noise is around it (level, the standard deviation "
    "that noise alone would need). A part from another camera, at another sensitivity, or "
    "treated differently can have more or less of it than its like.",
    shows_not="Where noise comes from. Equal noise is no proof of one origin, and noise that was "
    "added afterwards looks like noise of the sensor.",
    misleads="Texture, hair, leaves and text count as noise. Blur, defocus, motion, a denoiser and "
    "clipped black or white leave none. Sharpening raises it, most of all at edges; enlarging "
    "smooths it and reducing sharpens it. Noise grows with brightness and in lifted shadows. JPEG "
    "saves take it away unevenly, block by block, the more the coarser they are.",
    source='J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image '
    'Understanding 64(2), 1996; B. Mahdian and S. Saic, "Using Noise Inconsistencies for Blind '
    'Image Forensics", Image and Vision Computing 27(10), 2009.',
    presets=(
        ("Residual", NoiseParams()),
        ("Local level", NoiseParams(measure=LEVEL, colours="viridis")),
        ("Small parts", NoiseParams(measure=LEVEL, window="17x17", colours="viridis")),
    ),
)
