"""What every analysis of the registry keeps: it is local, it repeats, and it explains itself."""

import dataclasses
import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.analysis import ANALYSES, ghosts, survey
from app.analysis.base import Analysis, Params, needs_measurement
from app.analysis.colormap import COLOUR_MAPS
from app.analysis.region import Region
from app.analysis.survey import Reduction, measure_reduced
from app.arrays import MapArray, RgbU8
from app.errors import CancelledError
from app.evidence.decode import decode
from app.evidence.jpeg import read_jpeg
from tests.pictures import encoded, in_memory, noise, scene

EACH = pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)

EACH_PRESET = pytest.mark.parametrize(
    ("analysis", "params"),
    [
        pytest.param(analysis, params, id=f"{analysis.id}-{name}")
        for analysis in ANALYSES
        for name, params in analysis.presets
    ],
)


def _variants(analysis: Analysis) -> Iterator[Params]:
    """The presets, and each choice, end and box that only changes what is shown."""
    for _, params in analysis.presets:
        yield params
        for spec in params.specs():
            if spec.needs_measurement:
                continue
            values: tuple[Any, ...] = spec.choices
            if isinstance(spec.default, bool):
                values = (True, False)
            elif not values:
                values = (spec.minimum, spec.maximum)
            for value in values:
                yield dataclasses.replace(params, **{spec.name: value})


@st.composite
def _pictures_with_regions(draw: st.DrawFn) -> tuple[NDArray[np.uint8], Region]:
    """Any size from one pixel on, and a region that often touches an edge."""
    height, width = draw(st.integers(1, 110)), draw(st.integers(1, 110))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
    make = draw(st.sampled_from((noise, scene)))
    return make(height, width, draw(st.integers(0, 9))), Region(left, top, right, bottom)


@EACH_PRESET
@settings(max_examples=40)
@given(case=_pictures_with_regions())
def test_the_map_of_a_region_is_that_part_of_the_whole_map(
    analysis: Analysis, params: Params, case: tuple[NDArray[np.uint8], Region]
) -> None:
    pixels, region = case
    params = analysis.resolve(params, None)
    whole = analysis.measure(pixels, params, Region.whole(pixels))
    part = analysis.measure(pixels, params, region)
    assert whole.shape[:2] == pixels.shape[:2]
    assert whole.ndim == 3
    assert (part.dtype, part.dtype.kind) == (whole.dtype, "u")
    assert part.flags.c_contiguous
    assert np.array_equal(part, region.of(whole))


@EACH_PRESET
def test_regions_of_a_larger_picture_touch_every_edge_and_none(
    analysis: Analysis, params: Params
) -> None:
    pixels = scene(331, 277)
    params = analysis.resolve(params, None)
    whole = analysis.measure(pixels, params, Region.whole(pixels))
    for region in (
        Region(0, 0, 91, 75),
        Region(186, 0, 277, 75),
        Region(0, 250, 91, 331),
        Region(200, 260, 277, 331),
        Region(101, 117, 190, 203),
        Region(133, 0, 134, 331),
        Region(0, 165, 277, 166),
        Region(276, 330, 277, 331),
    ):
        assert np.array_equal(analysis.measure(pixels, params, region), region.of(whole))


@EACH
@pytest.mark.parametrize("threads", [1, 3])
def test_bands_on_threads_give_the_same_map(
    analysis: Analysis, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, params = scene(419, 133), analysis.params()
    expected = analysis.measure(pixels, params, Region.whole(pixels))
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    monkeypatch.setattr(ghosts, "_BAND_PIXELS", 1)
    monkeypatch.setattr(ghosts, "_BAND_ROWS", 37)
    assert np.array_equal(analysis.run(pixels, params, threads=threads).measurement, expected)
    part = Region(17, 5, 130, 402)
    found = analysis.run(pixels, params, part, threads=threads).measurement
    assert np.array_equal(found, part.of(expected))


@EACH
def test_measuring_changes_neither_the_pixels_nor_its_own_result_on_another_run(
    analysis: Analysis,
) -> None:
    pixels = noise(70, 90)
    pixels.flags.writeable = False
    first = analysis.run(pixels, analysis.params())
    second = analysis.run(pixels.copy(), analysis.params())
    assert np.array_equal(first.measurement, second.measurement)
    assert np.array_equal(first.rendering.picture, second.rendering.picture)
    assert first.record == second.record


@EACH
def test_a_stop_that_is_set_ends_a_run_before_it_measures(analysis: Analysis) -> None:
    def forbidden(*_: object) -> MapArray:
        raise AssertionError("measured")

    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        dataclasses.replace(analysis, measure=forbidden).run(
            scene(20, 20), analysis.params(), stop=stop
        )


@EACH
@pytest.mark.parametrize("threads", [1, 2])
def test_a_stop_is_honoured_between_bands(
    analysis: Analysis, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_BAND_PIXELS", 1)
    stop, measured = threading.Event(), []

    def first_then_stop(pixels: RgbU8, params: Params, region: Region) -> MapArray:
        measured.append(region)
        stop.set()
        return analysis.measure(pixels, params, region)

    changed = dataclasses.replace(analysis, measure=first_then_stop)
    with pytest.raises(CancelledError):
        changed.run(scene(1000, 20), analysis.params(), stop=stop, threads=threads)
    assert len(measured) == 1


@EACH
def test_every_variant_renders_measured_and_reduced_maps_alike(analysis: Analysis) -> None:
    pixels = scene(67, 93)
    region = Region.whole(pixels)
    for params in _variants(analysis):
        measure = analysis.measuring(params)
        maps = [
            measure(pixels, region),
            measure_reduced(measure, pixels, region, 4, Reduction.MEAN),
            measure_reduced(measure, pixels, region, 4, Reduction.MAXIMUM),
            measure(pixels, Region(3, 4, 4, 5)),
        ]
        assert maps[1].dtype == np.float32
        for measured in maps:
            kept = measured.copy()
            rendering = analysis.render(measured, params)
            assert rendering.picture.shape == (*measured.shape[:2], 3)
            assert rendering.weight.shape == measured.shape[:2]
            assert rendering.picture.dtype == rendering.weight.dtype == np.uint8
            assert rendering.legend.colours in COLOUR_MAPS
            assert rendering.legend.low
            assert rendering.legend.high
            assert np.array_equal(measured, kept)
            text = analysis.read_out(measured[0, 0], params)
            assert text
            assert text.isprintable()


@EACH
def test_a_map_reduced_by_1_looks_like_the_map(analysis: Analysis) -> None:
    """The same values as float32 must give the same picture as the integers they came from."""
    measured = analysis.run(scene(80, 96), analysis.params()).measurement
    for params in _variants(analysis):
        if needs_measurement(analysis.params(), params):
            continue
        exact = analysis.render(measured, params)
        reduced = analysis.render(measured.astype(np.float32), params)
        difference = exact.picture.astype(int) - reduced.picture
        assert np.abs(difference).max() <= 1
        assert exact.legend == reduced.legend


@EACH
def test_what_is_only_shown_does_not_change_the_measurement(analysis: Analysis) -> None:
    pixels, default = scene(40, 56), analysis.params()
    expected = analysis.run(pixels, default).measurement
    for params in _variants(analysis):
        if not needs_measurement(default, params):
            assert np.array_equal(analysis.run(pixels, params).measurement, expected)


@EACH
def test_the_record_is_json_and_makes_the_same_parameters_again(analysis: Analysis) -> None:
    for params in _variants(analysis):
        record = analysis.describe(params)
        again = json.loads(json.dumps(record, allow_nan=False))
        assert again == record
        assert again["method"] == analysis.id
        assert analysis.params(**again["parameters"]) == params


@EACH
def test_a_caption_names_the_analysis_and_every_value_that_counts(analysis: Analysis) -> None:
    for params in _variants(analysis):
        caption = analysis.caption(params)
        assert caption.startswith(f"{analysis.title}: ")
        conditions = {spec.name: spec.only_with for spec in params.specs()}
        for name, value in params.values().items():
            condition = conditions[name]
            if condition and params.values()[condition[0]] != condition[1]:
                assert f"{name.replace('_', ' ')} " not in caption.replace("quality with", "")
            elif isinstance(value, bool):
                assert (name.replace("_", " ") in caption) == value
            else:
                text = f"{value:g}" if isinstance(value, float) else value
                assert f"{name.replace('_', ' ')} {text}" in caption


@EACH
def test_presets_have_names_of_their_own_and_begin_with_the_defaults(analysis: Analysis) -> None:
    names = [name for name, _ in analysis.presets]
    assert len(set(names)) == len(names) >= 2
    assert analysis.presets[0][1] == analysis.params()
    assert len({params for _, params in analysis.presets}) == len(names)
    assert all(type(params) is analysis.params for _, params in analysis.presets)


@EACH
def test_every_analysis_reads_a_jpeg_and_a_png_in_whole_sentences(analysis: Analysis) -> None:
    for data in (
        encoded(scene(80, 80), "JPEG", quality=90),
        encoded(scene(80, 80), "JPEG", quality=35),
        encoded(scene(80, 80), "PNG"),
        encoded(scene(20, 20), "GIF"),
    ):
        jpeg = read_jpeg(data) if data.startswith(b"\xff\xd8") else None
        for params in _variants(analysis):
            resolved = analysis.resolve(params, jpeg)
            sentences = analysis.read(decode(in_memory(data)).record, jpeg, resolved)
            assert sentences
            for sentence in sentences:
                assert sentence.endswith(".")
                assert "fake" not in sentence.lower()
                assert "prove" not in sentence.lower()


@EACH
def test_resolved_parameters_depend_on_the_file_no_more(analysis: Analysis) -> None:
    for subsampling in (0, 1, 2):
        jpeg = read_jpeg(encoded(scene(32, 32), "JPEG", subsampling=subsampling))
        for params in _variants(analysis):
            resolved = analysis.resolve(params, jpeg)
            assert analysis.resolve(resolved, None) == resolved
    assert analysis.resolve(analysis.params(), None) == analysis.params()


def test_analyses_have_distinct_names() -> None:
    assert [analysis.id for analysis in ANALYSES] == ["ela", "ghosts", "noise"]
    assert len({analysis.title for analysis in ANALYSES}) == len(ANALYSES)


@EACH
def test_every_analysis_explains_itself_and_its_parameters(analysis: Analysis) -> None:
    for text in (analysis.shows, analysis.shows_not, analysis.misleads, analysis.source):
        assert len(text) > 20
        assert text.endswith(".")
        assert "fake" not in text.lower()
    for spec in analysis.params.specs():
        assert spec.help.endswith(".")
        if isinstance(spec.default, bool):
            assert not spec.choices
        elif isinstance(spec.default, str):
            assert spec.default in spec.choices
        else:
            assert spec.minimum is not None
            assert spec.maximum is not None
            assert spec.minimum <= spec.default <= spec.maximum
            assert spec.step
            assert (spec.maximum - spec.minimum) % spec.step == 0
