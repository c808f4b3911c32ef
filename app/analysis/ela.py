"""Error Level Analysis (ELA): what one more JPEG save would change, and where.

Source: N. Krawetz, "A Picture's Worth: Digital Image Analysis and Forensics", Black Hat 2007.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.base import Analysis, Params, parameter
from app.analysis.colormap import COLOUR_MAPS
from app.analysis.reading import read_ela
from app.analysis.recompress import SUBSAMPLINGS, encoder_identity, round_trip_region
from app.analysis.region import Region
from app.analysis.rendering import Legend, Rendering, amplified, largest, shade
from app.analysis.survey import measure_banded
from app.arrays import MapArray, RgbU8
from app.evidence.jpeg import JpegFacts

AS_IN_FILE = "as in file"
"""The subsampling of the file's own last save; 4:2:0 where it has none that a save can use."""

_LUMA = np.array([[0.299, 0.587, 0.114]], dtype=np.float32)
"""Weights of R, G, B in luma (ITU-T T.871, JFIF)."""


@dataclass(frozen=True, slots=True)
class ElaParams(Params):
    """Parameters of ELA. Quality and subsampling run the codec; the others are a lookup."""

    quality: int = parameter(
        90,
        help="JPEG quality of the extra save. Near the file's own last quality the map turns dark.",
        minimum=1,
        maximum=100,
        step=1,
    )
    subsampling: str = parameter(
        "4:2:0",
        help="Chroma subsampling of the extra save. The same for all images keeps maps comparable. "
        "As in file is 4:2:0 where a save cannot have that of the file.",
        choices=(*SUBSAMPLINGS, AS_IN_FILE),
    )
    scale: float = parameter(
        15.0,
        help="Fixed gain of the picture of the map; the same for every image, so maps compare.",
        minimum=1.0,
        maximum=100.0,
        step=1.0,
        unit="x",
        needs_measurement=False,
        only_with=("auto_gain", False),
    )
    channel: str = parameter(
        "RGB",
        help="The three differences as they are, weighted as luma, or the largest of them.",
        choices=("RGB", "luma", "maximum"),
        needs_measurement=False,
    )
    colours: str = parameter(
        "grey",
        help="Colour map of luma or of the largest difference; with RGB, of the largest.",
        choices=COLOUR_MAPS,
        needs_measurement=False,
    )
    auto_gain: bool = parameter(
        False,
        help="Set the gain from the largest difference in what is measured. "
        "Maps then no longer compare, not even two views of one image.",
        needs_measurement=False,
    )


def residual(pixels: RgbU8, quality: int, subsampling: str = "4:2:0") -> RgbU8:
    """Absolute difference between ``pixels`` and their own JPEG round trip.

    Args:
        pixels: (height, width, 3) uint8 RGB at full resolution. Resizing first destroys
            the 8x8 signal.
        quality: IJG quality 1..100.
        subsampling: ``4:4:4``, ``4:2:2`` or ``4:2:0``.

    Returns:
        (height, width, 3) uint8, grey levels 0..255 per channel, not amplified.
    """
    params = ElaParams(quality=quality, subsampling=subsampling)
    return measure_banded(ELA.measuring(params), pixels, Region.whole(pixels))


def gain(measured: MapArray, scale: float, auto_gain: bool = False) -> float:
    """The factor that `amplify` uses: ``scale``, or with auto gain 255 / largest residual."""
    return 255.0 / max(float(measured.max()), 1.0) if auto_gain else scale


def amplify(measured: MapArray, scale: float = 15.0, auto_gain: bool = False) -> RgbU8:
    """Make a residual visible: times a gain, rounded, saturating at 255.

    Args:
        measured: (height, width, 3) uint8 from `residual`.
        scale: fixed gain.
        auto_gain: use this image's own maximum instead; off, since one outlier pixel then sets
            the brightness of the whole map.
    """
    return amplified(measured, gain(measured, scale, auto_gain))


def _measure(pixels: RgbU8, params: ElaParams, region: Region) -> RgbU8:
    saved = round_trip_region(pixels, params.quality, params.subsampling, region)
    return np.asarray(cv2.absdiff(region.of(pixels), saved), dtype=np.uint8)


def _render(measured: MapArray, params: ElaParams) -> Rendering:
    factor = gain(measured, params.scale, params.auto_gain)
    note = "auto gain: not comparable with other images or views" if params.auto_gain else ""
    legend = Legend("0", f"≥ {255 / factor:.3g} grey levels", note, params.colours)
    if params.channel == "luma":
        return shade(cv2.transform(measured, _LUMA * factor), 1.0, legend)
    if params.channel == "maximum" or params.colours != "grey":
        return shade(largest(measured), factor, legend)
    return shade(measured, factor, legend)


def _read_out(values: NDArray[Any], _: ElaParams) -> str:
    red, green, blue = values.tolist()
    return f"residual R {red:g} G {green:g} B {blue:g}"


def _resolve(params: ElaParams, jpeg: JpegFacts | None) -> ElaParams:
    if params.subsampling != AS_IN_FILE:
        return params
    own = jpeg.subsampling if jpeg and jpeg.subsampling in SUBSAMPLINGS else "4:2:0"
    return dataclasses.replace(params, subsampling=own)


def _record() -> dict[str, str]:
    encoder = encoder_identity()
    return {"encoder": encoder.library, "encoder_fingerprint": encoder.fingerprint}


ELA = Analysis(
    id="ela",
    title="Error Level Analysis",
    params=ElaParams,
    measure=_measure,
    render=_render,
    read_out=_read_out,
    record=_record,
    read=read_ela,
    shows="How much each part of the picture would change in one more JPEG save. Parts with "
    "another save history can stand out against parts of the same kind: compare edges with "
    "edges, textures with textures, flat areas with flat areas.",
    shows_not="Editing as such. A bright part is no proof of a change and a dark map is no proof "
    "of its absence; the map never names a cause.",
    misleads="Contrasty edges, text, logos, saturated red and blue, sharpening and HDR look bright "
    "in untouched pictures. A uniform last save at low quality, resizing after an edit, a "
    "screenshot, a platform's resave or a fully generated picture look even. A picture that "
    "never was a JPEG only shows its edges.",
    source='N. Krawetz, "A Picture\'s Worth: Digital Image Analysis and Forensics", '
    "Black Hat 2007.",
    resolve=_resolve,
    presets=(
        ("Standard", ElaParams()),
        ("Fine differences", ElaParams(quality=95, scale=25.0)),
        ("Coarse saves", ElaParams(quality=75, scale=10.0)),
        ("Heat map", ElaParams(channel="maximum", colours="inferno")),
    ),
)
