"""Plots: what is drawn is what was given, the files repeat, and names stay names."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from trainer.drawing.plots import (
    COLOURS,
    count_bars,
    count_histogram,
    inline_svg,
    intervals,
    png,
    size_scatter,
    svg,
)
from trainer.drawing.score_plots import (
    confusion,
    differences,
    history,
    point_at,
    precision_recall,
    reliability,
    roc,
)

_SERIES = ("negative", "positive")
_LONG = "a very long name that no row of a plot has room for, with $x^2$"


def _bars() -> Figure:
    return count_bars("Bars", {"JPEG": (3, 12_345), _LONG: (0, 7)}, _SERIES)


def _histogram() -> Figure:
    return count_histogram("Histogram", "quality", {75: (1, 2), 78: (4, 0)}, _SERIES)


def _scatter() -> Figure:
    return size_scatter("Sizes", {(384, 256): (100, 0), (1024, 768): (25, 5)}, _SERIES)


def _intervals() -> Figure:
    rows = {"format": (0.5, 0.5, 0.5), _LONG: (0.9, 0.85, 1.0)}
    return intervals("Intervals", "balanced accuracy", rows, chance=0.5)


_CURVE = np.array([[0, 0, 9], [0, 0.2, 8], [0.01, 0.5, 7], [0.04, 0.5, 6], [0.5, 0.9, 5],
                   [1, 1, 4]])  # fmt: skip
_BINS = np.array([[0.1, 0.0, 12.0], [0.45, 0.5, 1_234.0], [0.96, 0.9, 12.0]])


def _history() -> Figure:
    series = {"training": (0.9, 0.5, 0.2), "validation": (0.8, float("nan"), 0.7)}
    return history("Loss", "nats", series, kept=3)


def _confusion() -> Figure:
    rows = ("authentic", _LONG)
    return confusion("Answers", rows, ("no", "perhaps", "yes"), ((90, 9, 1), (0, 0, 0)))


def _roc() -> Figure:
    return roc("ROC", {"test": _CURVE, "a longer name $x^2$": _CURVE[::5]})


def _precision_recall() -> Figure:
    curve = np.array([[0.5, 1.0], [1.0, 0.6]])
    return precision_recall("Precision", {"test": curve}, {"test": 0.4})


def _reliability() -> Figure:
    return reliability("Reliability", _BINS, {"inconclusive from": 0.3, "positive from": 0.95})


def _differences() -> Figure:
    rows = {"ela - rgb": (0.04, -0.01, 0.09), _LONG: (-0.06, -0.1, -0.02)}
    return differences("Differences", rows)


def _axes(figure: Figure) -> Any:
    """Matplotlib's types do not say which artists a plot holds."""
    return figure.axes[0]


_NAMED = (_bars, _intervals, _confusion, _differences)
every_plot = pytest.mark.parametrize(
    "draw",
    [*_NAMED, _histogram, _scatter, _history, _roc, _precision_recall, _reliability],
)


def test_bars_are_as_long_as_their_counts() -> None:
    lengths = [bar.get_width() for bar in _axes(_bars()).patches]
    assert lengths == [3, 0, 12_345, 7]


def test_the_histogram_has_a_step_for_every_number() -> None:
    outlines = [patch.get_data() for patch in _axes(_histogram()).patches]
    assert [list(outline.values) for outline in outlines[::2]] == [[1, 0, 0, 4], [2, 0, 0, 0]]
    assert list(outlines[0].edges) == [74.5, 75.5, 76.5, 77.5, 78.5]


def test_marks_stand_at_their_size_and_grow_with_their_count() -> None:
    negative, positive = _axes(_scatter()).collections
    assert negative.get_offsets().tolist() == [[384, 256], [1024, 768]]
    assert positive.get_offsets().tolist() == [[1024, 768]]
    assert negative.get_sizes()[0] > 2 * negative.get_sizes()[1]


def test_intervals_reach_from_low_to_high() -> None:
    lines = [line.get_xdata() for line in _axes(_intervals()).lines]
    assert [tuple(np.atleast_1d(line)) for line in lines[2:4]] == [(0.85, 1.0), (0.9,)]


def test_epochs_count_from_one_and_the_kept_one_is_marked() -> None:
    training, validation, kept = _axes(_history()).lines
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert list(training.get_ydata()) == [0.9, 0.5, 0.2]
    assert np.isnan(validation.get_ydata()[1])
    assert list(kept.get_xdata()) == [3, 3]
    assert len(_axes(history("t", "x", {"a": (1.0,)}, kept=0)).lines) == 1


def test_a_confusion_cell_has_its_count_and_is_as_dark_as_its_share() -> None:
    axes = _axes(_confusion())
    first = [text.get_text().split("\n") for text in axes.texts[:3]]
    assert first == [["90", "90.0%"], ["9", "9.0%"], ["1", "1.0%"]]
    shades = [cell.get_alpha() for cell in axes.patches]
    assert shades[0] > shades[1] > shades[2] > shades[3] == shades[5]
    assert axes.yaxis_inverted()  # the first row is on top
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "perhaps", "yes"]


def test_a_roc_curve_is_read_at_the_last_step_within_the_rate() -> None:
    assert point_at(_CURVE, 0.0) == (0, 0.2)
    assert point_at(_CURVE, 0.01) == (0.01, 0.5)
    assert point_at(_CURVE, 0.05) == (0.04, 0.5)
    assert point_at(_CURVE[::5], 0.05) == (0, 0)
    figure = _roc()
    for axes in figure.axes:
        lines: Any = axes.lines
        assert lines[0].get_xydata().tolist() == _CURVE[:, :2].tolist()
        assert lines[1].get_xydata().tolist() == [[0.01, 0.5], [0.04, 0.5]]
    assert figure.axes[1].get_xlim()[1] == 0.1
    assert figure.axes[1].get_xlabel().endswith("test: 50.0% at 1%, 50.0% at 5%")


def test_precision_is_compared_with_chance() -> None:
    curve, chance = _axes(_precision_recall()).lines
    assert curve.get_xydata().tolist() == [[0, 1.0], [0.5, 1.0], [1.0, 0.6]]
    assert list(chance.get_ydata()) == [0.4, 0.4]


def test_reliability_has_the_count_of_each_bin() -> None:
    upper, lower = (cast(Any, axes) for axes in _reliability().axes)
    assert upper.lines[1].get_xydata().tolist() == _BINS[:, :2].tolist()
    assert [text.get_text() for text in lower.texts] == ["12", "1,234", "12"]
    ends = [line[1].tolist() for line in lower.collections[0].get_segments()]
    assert ends == [[0.1, 12], [0.45, 1234], [0.96, 12]]
    assert [line.get_xdata()[0] for line in upper.lines[2:]] == [0.3, 0.95]


def test_a_difference_that_may_be_none_is_hollow() -> None:
    axes = _axes(_differences())
    marks = [line for line in axes.lines if line.get_marker() == "s"]
    assert [mark.get_markerfacecolor() for mark in marks] == ["none", COLOURS[0]]
    assert axes.lines[0].get_xdata() == [0, 0]
    low, high = axes.get_xlim()
    assert low == -high and high >= 0.1
    assert [text.get_text() for text in axes.texts] == [
        "+0.040 [-0.010, +0.090]",
        "-0.060 [-0.100, -0.020]",
    ]


@pytest.mark.parametrize("draw", [lambda: size_scatter("t", {}, _SERIES),
                                  lambda: history("t", "x", {}, 0),
                                  lambda: roc("t", {}),
                                  lambda: reliability("t", np.empty((0, 3)), {}),
                                  lambda: differences("t", {}),
                                  lambda: count_histogram("t", "x", {}, _SERIES),
                                  lambda: count_bars("t", {}, _SERIES)])  # fmt: skip
def test_nothing_to_draw_is_drawn_empty(draw: Callable[[], Figure]) -> None:
    assert png(draw()).startswith(b"\x89PNG")


@every_plot
def test_the_same_figure_gives_the_same_files(draw: Callable[[], Figure]) -> None:
    assert svg(draw()) == svg(draw())
    assert png(draw()) == png(draw())
    assert b"<dc:date>" not in svg(draw())


@every_plot
def test_svg_is_xml_with_its_text_as_text(draw: Callable[[], Figure]) -> None:
    figure = draw()
    root = ElementTree.fromstring(svg(figure))
    text = "".join(root.itertext())
    assert figure.get_suptitle() in text
    if draw in _NAMED:
        assert "a very long name that no row of a…" in text


@every_plot
def test_png_is_on_white_and_large_enough_to_read(draw: Callable[[], Figure]) -> None:
    with Image.open(io.BytesIO(png(draw()))) as image:
        assert image.width > 1000
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@every_plot
def test_no_text_is_cut_off(draw: Callable[[], Figure]) -> None:
    figure = draw()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    texts: list[Any] = [*figure.texts]
    for axes in figure.axes:
        parts: Any = axes
        texts += [*parts.texts, parts.xaxis.label, parts.yaxis.label]
        texts += parts.get_legend().get_texts() if parts.get_legend() else []
        for side, ends in ((0, parts.get_xlim()), (1, sorted(parts.get_ylim()))):
            labels = (parts.get_xticklabels, parts.get_yticklabels)[side]()
            # There are labels beyond the axes, which are not drawn.
            texts += [one for one in labels if ends[0] <= one.get_position()[side] <= ends[1]]
    for text in filter(lambda text: text.get_text(), texts):
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, text
        assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, text


def test_names_are_no_formulas_and_no_markup() -> None:
    names = {"$\\frac{": (1, 2), "<script>&": (3, 4), "line\nbreak": (1, 1)}
    text = svg(count_bars("$\\bad <b>", names, ("$a", "b$"))).decode("utf-8")
    assert "<script>" not in text and "<b>" not in text
    shown = "".join(ElementTree.fromstring(text).itertext())
    for name in ("$\\frac{", "<script>&", "line\\nbreak", "$\\bad <b>", "$a"):
        assert name in shown
    odd = "$\\frac{<b>\n"
    for figure in (
        confusion(odd, (odd, odd), (odd,), ((1,), (2,))),
        history(odd, "x", {odd: (1.0, 2.0)}, 1),
        roc(odd, {odd: _CURVE}),
        precision_recall(odd, {odd: _CURVE}, {odd: 0.5}),
        reliability(odd, _BINS, {odd: 0.5}),
        differences(odd, {odd: (0.0, 0.0, 0.0)}),
    ):
        assert "$\\frac{<b>\\n" in "".join(ElementTree.fromstring(svg(figure)).itertext())
        assert png(figure)


@every_plot
def test_inline_svg_refers_to_nothing_outside_and_follows_the_page(
    draw: Callable[[], Figure],
) -> None:
    text = inline_svg(draw(), "one")
    assert text.startswith("<svg ")
    assert "http" not in text
    assert "currentColor" in text and "#23262b" not in text
    identifiers = re.findall(r'\bid="([^"]*)"', text)
    assert all(identifier.startswith("one-") for identifier in identifiers)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', text)) <= set(identifiers)
    assert f'aria-label="{draw().get_suptitle()}"' in text


def test_the_series_differ_in_brightness_too() -> None:
    """Whoever sees no hue still tells the first two apart (relative luminance, WCAG 2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted(map(luminance, COLOURS[:2]))
    assert (bright + 0.05) / (dark + 0.05) > 2


def test_drawing_needs_no_pyplot() -> None:
    code = (
        "import sys; from trainer.drawing.plots import count_bars, svg;"
        "svg(count_bars('t', {'a': (1,)}, ('s',)));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
