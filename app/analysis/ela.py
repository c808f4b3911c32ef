"""Error Level Analysis (ELA): what one more JPEG save would change, and where.

Source: N. Krawetz, "A Picture's Worth: Digital Image Analysis and Forensics", Black Hat 2007.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from app.analysis.base import Analysis, Legend, Params, Rendering, parameter
from app.analysis.reading import read_ela
from app.analysis.recompress import SUBSAMPLINGS, encoder_identity, round_trip
from app.arrays import RgbU8


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
        "4:2:0", help="Chroma subsampling of the extra save.", choices=SUBSAMPLINGS
    )
    scale: float = parameter(
        15.0,
        help="Fixed gain of the picture of the map; the same for every image, so maps compare.",
        minimum=1.0,
        maximum=100.0,
        step=1.0,
        unit="x",
        needs_measurement=False,
    )
    auto_gain: bool = parameter(
        False,
        help="Set the gain from this image's own largest difference. "
        "Maps of two images then no longer compare.",
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
    return np.asarray(cv2.absdiff(pixels, round_trip(pixels, quality, subsampling)), dtype=np.uint8)


def gain(measured: RgbU8, scale: float, auto_gain: bool = False) -> float:
    """The factor that `amplify` uses: ``scale``, or with auto gain 255 / largest residual."""
    return 255.0 / max(int(measured.max()), 1) if auto_gain else scale


def amplify(measured: RgbU8, scale: float = 15.0, auto_gain: bool = False) -> RgbU8:
    """Make a residual visible: times a gain, rounded, saturating at 255.

    Args:
        measured: (height, width, 3) uint8 from `residual`.
        scale: fixed gain.
        auto_gain: use this image's own maximum instead; off, since one outlier pixel then sets
            the brightness of the whole map.
    """
    factor = gain(measured, scale, auto_gain)
    table = np.clip(np.rint(np.arange(256) * factor), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(measured, table), dtype=np.uint8)


def _measure(pixels: RgbU8, params: ElaParams) -> RgbU8:
    return residual(pixels, params.quality, params.subsampling)


def _render(measured: RgbU8, params: ElaParams) -> Rendering:
    factor = gain(measured, params.scale, params.auto_gain)
    picture = amplify(measured, params.scale, params.auto_gain)
    note = "auto gain: not comparable with other images" if params.auto_gain else ""
    return Rendering(picture, Legend("0", f"≥ {255 / factor:.1f} grey levels", note))


def _record() -> dict[str, str]:
    encoder = encoder_identity()
    return {"encoder": encoder.library, "encoder_fingerprint": encoder.fingerprint}


ELA = Analysis(
    id="ela",
    title="Error Level Analysis",
    params=ElaParams,
    measure=_measure,
    render=_render,
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
)
