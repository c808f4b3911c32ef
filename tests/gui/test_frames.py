"""Maps for the screen: exact at actual size, faithful when reduced, and no measurement in vain."""

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.arrays import RgbU8
from app.errors import CancelledError
from app.gui.table.frames import Frame, Wish, make_frames
from app.gui.table.geometry import Geometry
from tests.pictures import noise, pillow_residual, scene

PICTURE = scene(150, 190, 5)
RESIDUALS = {
    (quality, subsampling): pillow_residual(PICTURE, quality, subsampling)
    for quality in (75, 90)
    for subsampling in ("4:2:0", "4:2:2", "4:4:4")
}
MEAN, MAXIMUM = Reduction


def fitted(pixels: RgbU8, width: int, height: int) -> Geometry:
    """The whole picture in a pane of this size."""
    rows, columns = pixels.shape[:2]
    return Geometry(width, height, columns, rows, 1.0, 0.0, 0.0).fitted(1.0)


def wish(pixels: RgbU8, geometry: Geometry, **changes: Any) -> Wish:
    """A wish for a plain error level map."""
    plain = Wish(pixels, ELA, ElaParams(), geometry, MEAN, overlay=False, kept=None)
    return dataclasses.replace(plain, **changes)


def frames(wanted: Wish) -> list[Frame]:
    """All frames that a wish gives."""
    return list(make_frames(wanted, threading.Event(), threads=2))


def only(wanted: Wish) -> Frame:
    """The frame of a wish that needs no coarse one."""
    (frame,) = frames(wanted)
    return frame


def counting(analysis: Analysis) -> tuple[Analysis, list[Region]]:
    """The analysis, and a list of what it has measured so far."""
    measured: list[Region] = []

    def measure(pixels: RgbU8, params: Params, region: Region) -> Any:
        measured.append(region)
        return analysis.measure(pixels, params, region)

    return dataclasses.replace(analysis, measure=measure), measured


# Exactness ------------------------------------------------------------------------------------


@given(
    zoom=st.sampled_from([1.0, 1.5, 2.0, 3.7, 16.0]),
    pane=st.tuples(st.integers(1, 260), st.integers(1, 220)),
    middle=st.tuples(st.floats(0, 190), st.floats(0, 150)),
    kind=st.sampled_from(sorted(RESIDUALS)),
)
def test_at_actual_size_and_closer_a_frame_is_the_part_of_the_whole_map(
    zoom: float, pane: tuple[int, int], middle: tuple[float, float], kind: tuple[int, str]
) -> None:
    geometry = Geometry(*pane, 190, 150, zoom, *middle)
    if not geometry.visible().area:
        return
    quality, subsampling = kind
    params = ElaParams(quality=quality, subsampling=subsampling)
    frame = only(wish(PICTURE, geometry, params=params))
    region = frame.region
    whole = RESIDUALS[kind]
    expected = whole[region.top : region.bottom, region.left : region.right]
    assert np.array_equal(frame.measurement, expected)
    assert frame.size == (region.width, region.height)
    assert (frame.factor, frame.coarse) == (1, False)


@pytest.mark.parametrize("pane", [(95, 75), (60, 60), (50, 150), (31, 29), (7, 5)])
def test_reduced_by_the_mean_a_frame_keeps_the_mean_of_the_residual(pane: tuple[int, int]) -> None:
    frame = only(wish(PICTURE, fitted(PICTURE, *pane)))
    whole = RESIDUALS[90, "4:2:0"].mean(axis=(0, 1))
    assert frame.region == Region(0, 0, 190, 150)
    assert frame.measurement.dtype == np.float32
    assert frame.measurement.shape[:2] == frame.size[::-1]
    assert max(frame.size[0] - pane[0], frame.size[1] - pane[1]) <= 0
    # Squares that the picture's edge cuts off weigh as much as whole ones.
    assert frame.measurement.mean(axis=(0, 1)) == pytest.approx(whole, rel=0.03)


def test_the_mean_is_not_rounded_to_grey_levels() -> None:
    """Reduced in eight bits, differences below one grey level would be gone."""
    flat = np.full((256, 256, 3), 128, np.uint8)
    flat[:, 128:, 0] += np.random.default_rng(1).integers(0, 2, (256, 128), dtype=np.uint8)
    whole = pillow_residual(flat, 90, "4:4:4")
    params = ElaParams(subsampling="4:4:4")
    frame = only(wish(flat, fitted(flat, 64, 64), params=params))
    expected = whole.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert 0 < expected.max() < 1
    assert np.allclose(frame.measurement, expected, atol=1e-5)


@pytest.mark.parametrize("pane", [(95, 75), (60, 60), (31, 29), (7, 5)])
def test_reduced_by_the_maximum_a_frame_holds_the_largest_of_each_square(
    pane: tuple[int, int],
) -> None:
    frame = only(wish(PICTURE, fitted(PICTURE, *pane), reduction=MAXIMUM))
    side = frame.factor
    assert side >= max(190 / pane[0], 150 / pane[1])
    columns, rows = -(-190 // side), -(-150 // side)
    padded = np.zeros((rows * side, columns * side, 3), np.int16)
    padded[:150, :190] = RESIDUALS[90, "4:2:0"]
    expected = padded.reshape(rows, side, columns, side, 3).max(axis=(1, 3))
    assert np.array_equal(frame.measurement, expected)


def test_the_image_of_a_map_is_the_amplified_residual_in_the_order_of_the_screen() -> None:
    geometry = Geometry(100, 80, 190, 150, 1.0, 95.0, 75.0)
    frame = only(wish(PICTURE, geometry, params=ElaParams(scale=7.0)))
    expected = np.clip(frame.measurement.astype(np.int16) * 7, 0, 255)
    assert np.array_equal(frame.image[:, :, 2::-1], expected)
    assert (frame.image[:, :, 3] == 255).all()
    assert frame.rendering.legend.high == "≥ 36.4 grey levels"


# What is kept ---------------------------------------------------------------------------------


def lookups() -> list[Any]:
    """(analysis, parameter, another value of it) of every parameter that is a lookup."""
    found = []
    for analysis in ANALYSES:
        for spec in analysis.params.specs():
            if spec.needs_measurement:
                continue
            number = not spec.default if isinstance(spec.default, bool) else spec.maximum
            value = spec.choices[-1] if spec.choices else number
            found.append(
                pytest.param(analysis, {spec.name: value}, id=f"{analysis.id}-{spec.name}")
            )
    return found


@pytest.mark.parametrize("zoomed_out", [False, True])
@pytest.mark.parametrize(("analysis", "change"), lookups())
def test_a_lookup_measures_nothing(
    analysis: Analysis, change: dict[str, Any], zoomed_out: bool
) -> None:
    counted, measured = counting(analysis)
    geometry = fitted(PICTURE, 64, 50) if zoomed_out else fitted(PICTURE, 190, 150)
    before = only(wish(PICTURE, geometry, analysis=counted, params=counted.params()))
    measured.clear()
    params = counted.params(**change)
    after = only(wish(PICTURE, geometry, analysis=counted, params=params, kept=before))
    assert measured == []
    assert after.measurement is before.measurement
    assert after.params == params
    anew = only(wish(PICTURE, geometry, analysis=counted, params=params))
    assert np.array_equal(after.image, anew.image)


def test_scale_channel_colours_gain_and_overlay_run_no_codec(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    geometry = fitted(PICTURE, 190, 150)
    kept = only(wish(PICTURE, geometry))

    def refuse(*arguments: object) -> None:
        raise AssertionError("the codec ran for a lookup")

    monkeypatch.setattr("app.analysis.recompress.cv2.imencode", refuse)
    changes: list[dict[str, Any]] = [
        {"scale": 40.0},
        {"channel": "luma"},
        {"colours": "inferno"},
        {"auto_gain": True},
    ]
    for change in changes:
        shown = only(wish(PICTURE, geometry, params=ElaParams(**change), kept=kept))
        assert not np.array_equal(shown.image, kept.image)
        kept = shown
    overlay = only(wish(PICTURE, geometry, overlay=True, kept=kept))
    kept = only(wish(PICTURE, geometry, kept=overlay))
    assert not np.array_equal(overlay.image, kept.image)
    with pytest.raises(AssertionError, match="codec"):
        only(wish(PICTURE, geometry, params=ElaParams(quality=89), kept=kept))


@pytest.mark.parametrize(
    "change",
    [
        {"params": ElaParams(quality=60)},
        {"params": ElaParams(subsampling="4:4:4")},
        {"analysis": ANALYSES[-1], "params": ANALYSES[-1].params()},
        {"reduction": MAXIMUM},
        {"geometry": Geometry(64, 50, 190, 150, 1.0, 95.0, 75.0)},
        {"geometry": Geometry(64, 50, 190, 150, 0.5, 60.0, 75.0)},
    ],
    ids=["quality", "subsampling", "analysis", "reduction", "zoom", "place"],
)
def test_what_changes_the_measurement_is_measured_anew(change: dict[str, Any]) -> None:
    geometry = Geometry(64, 50, 190, 150, 0.5, 95.0, 75.0)
    kept = only(wish(PICTURE, geometry))
    wanted = wish(
        PICTURE, geometry, kept=kept, **{k: v for k, v in change.items() if k != "geometry"}
    )
    wanted = dataclasses.replace(wanted, geometry=change.get("geometry", geometry))
    again = only(wanted)
    assert again.measurement is not kept.measurement
    assert np.array_equal(again.image, only(dataclasses.replace(wanted, kept=None)).image)


# Large regions --------------------------------------------------------------------------------

LARGE = np.tile(scene(300, 400, 6), (7, 6, 1))
"""5 megapixels: more than is measured at once without a coarse picture."""


def test_of_a_large_region_a_coarse_frame_comes_first() -> None:
    coarse, exact = frames(wish(LARGE, fitted(LARGE, 400, 350)))
    assert (coarse.coarse, exact.coarse) == (True, False)
    assert exact.region == Region.whole(LARGE)
    assert exact.size == (400, 350)
    covered = coarse.region
    assert covered.inside(exact.region) == covered
    assert covered.area > 0.9 * LARGE.shape[0] * LARGE.shape[1]
    whole = pillow_residual(LARGE, 90, "4:2:0").mean()
    assert coarse.measurement.mean() == pytest.approx(whole, rel=0.15)
    assert exact.measurement.mean() == pytest.approx(whole, rel=0.01)


def test_a_coarse_frame_is_never_kept_as_the_measurement() -> None:
    """Not even where it happens to have the size of the exact one."""
    geometry = fitted(PICTURE, 190, 150)
    exact = only(wish(PICTURE, geometry))
    coarse = dataclasses.replace(exact, coarse=True, measurement=exact.measurement * 0)
    again = only(wish(PICTURE, geometry, kept=coarse, params=ElaParams(scale=30.0)))
    assert np.array_equal(again.measurement, exact.measurement)
    wanted = wish(LARGE, fitted(LARGE, 400, 350))
    first = next(make_frames(wanted, threading.Event(), threads=2))
    assert [frame.coarse for frame in frames(dataclasses.replace(wanted, kept=first))] == [
        True,
        False,
    ]


def test_a_large_picture_seen_closely_needs_no_coarse_frame() -> None:
    geometry = Geometry(640, 480, LARGE.shape[1], LARGE.shape[0], 1.0, 1200.0, 900.0)
    frame = only(wish(LARGE, geometry))
    assert frame.region.area <= 641 * 481


# Cancelling -----------------------------------------------------------------------------------


def test_a_stop_before_the_start_gives_nothing() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        list(make_frames(wish(PICTURE, fitted(PICTURE, 190, 150)), stop, threads=1))


def test_a_stop_after_the_coarse_frame_leaves_out_the_exact_one() -> None:
    counted, measured = counting(ELA)
    stop = threading.Event()
    made = make_frames(wish(LARGE, fitted(LARGE, 400, 350), analysis=counted), stop, threads=1)
    assert next(made).coarse
    stop.set()
    measured.clear()
    with pytest.raises(CancelledError):
        next(made)
    assert measured == []


def test_a_stop_between_bands_ends_the_measurement() -> None:
    """Pictures of 25 megapixels are measured in bands; after the first no other begins."""
    pixels = np.tile(noise(50, 50), (100, 100, 1))
    stop = threading.Event()
    bands: list[Region] = []

    def measure(pixels: RgbU8, params: Params, region: Region) -> Any:
        if region.area > 1_000_000:
            bands.append(region)
            stop.set()
        return np.zeros((region.height, region.width, 3), np.uint8)

    stopped = dataclasses.replace(ELA, measure=measure)
    with pytest.raises(CancelledError):
        list(make_frames(wish(pixels, fitted(pixels, 500, 500), analysis=stopped), stop, threads=1))
    assert len(bands) == 1
