"""Plots: what is drawn is what was given, the files repeat, and names stay names."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from trainer.plots import (
    COLOURS,
    count_bars,
    count_histogram,
    inline_svg,
    intervals,
    png,
    size_scatter,
    svg,
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


def _axes(figure: Figure) -> Any:
    """Matplotlib's types do not say which artists a plot holds."""
    return figure.axes[0]


every_plot = pytest.mark.parametrize("draw", [_bars, _histogram, _scatter, _intervals])


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


@pytest.mark.parametrize("draw", [lambda: size_scatter("t", {}, _SERIES),
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
    if draw in (_bars, _intervals):
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
    axes = _axes(figure)
    texts = [*axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label, *axes.texts]
    for text in texts:
        box = text.get_window_extent(canvas.get_renderer())
        assert not text.get_text() or (box.x0 >= 0 and box.x1 <= figure.bbox.x1 + 1), text


def test_names_are_no_formulas_and_no_markup() -> None:
    names = {"$\\frac{": (1, 2), "<script>&": (3, 4), "line\nbreak": (1, 1)}
    text = svg(count_bars("$\\bad <b>", names, ("$a", "b$"))).decode("utf-8")
    assert "<script>" not in text and "<b>" not in text
    shown = "".join(ElementTree.fromstring(text).itertext())
    for name in ("$\\frac{", "<script>&", "line\\nbreak", "$\\bad <b>", "$a"):
        assert name in shown


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
        "import sys; from trainer.plots import count_bars, svg;"
        "svg(count_bars('t', {'a': (1,)}, ('s',)));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
