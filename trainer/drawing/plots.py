"""Plots for reports in one plain style: two colours that colour-blind readers tell apart.

Every function returns a figure of its own; `png`, `svg` and `inline_svg` make bytes or text of
it. The same figure gives the same file each time: no date, no random identifier. The plots of
what a model scored are in `trainer.drawing.score_plots`.
"""

import html
import io
import re
import warnings
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from app.names import one_line

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
"""Of the series, in order; from the palette of M. Okabe and K. Ito, "Color Universal Design"."""

_MARKERS = ("o", "^", "s", "D")
INK = "#23262b"
"""Of lines and text; on a page it becomes the colour of the page's text."""

_WIDTH = 7.2
_NAME_LENGTH = 34
_DOTS_PER_INCH = 150

Interval = tuple[float, float, float]
"""A value, and the lower and upper end of its interval."""


def count_bars(title: str, rows: Mapping[str, Sequence[int]], series: Sequence[str]) -> Figure:
    """Horizontal bars: for every row one for each series, with the count at its end.

    Args:
        title: of the plot.
        rows: name, and a count for each series; from top to bottom.
        series: names for the legend.
    """
    figure, axes = empty_axes(title, 1.15 + 0.22 * len(rows) * len(series) + 0.15 * len(rows))
    thickness = 0.8 / len(series)
    for number, name in enumerate(series):
        places = np.arange(len(rows)) + (number - (len(series) - 1) / 2) * thickness
        counts = [row[number] for row in rows.values()]
        bars = axes.barh(places, counts, thickness * 0.92, color=COLOURS[number], label=name)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8, color=INK)
    name_rows(axes, list(rows))
    axes.set_xlabel("files", color=INK, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=(1, 2, 5, 10)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.margins(x=0.12)
    legend(axes)
    return figure


def count_histogram(
    title: str,
    axis: str,
    values: Mapping[int, Sequence[int]],
    series: Sequence[str],
    counted: str = "files",
) -> Figure:
    """Counts over whole numbers, one outline for each series.

    Args:
        title: of the plot.
        axis: what the numbers are.
        values: number, and a count for each series.
        series: names for the legend, which one alone does not need.
        counted: what the counts are of.
    """
    figure, axes = empty_axes(title, 2.8)
    low, high = (min(values), max(values)) if values else (0, 0)
    edges = np.arange(low, high + 2) - 0.5
    for number, name in enumerate(series):
        counts = [values[at][number] if at in values else 0 for at in range(low, high + 1)]
        axes.stairs(counts, edges, fill=True, color=COLOURS[number], alpha=0.45)
        axes.stairs(
            counts,
            edges,
            color=COLOURS[number],
            linewidth=1.6,
            linestyle=("-", "--", "-.", ":")[number],
            label=name,
        )
    axes.set_xlabel(axis, color=INK, fontsize=9)
    axes.set_ylabel(counted, color=INK, fontsize=9)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if len(series) > 1:
        legend(axes)
    return figure


def size_scatter(
    title: str, sizes: Mapping[tuple[int, int], Sequence[int]], series: Sequence[str]
) -> Figure:
    """Widths and heights on logarithmic axes; the area of a mark grows with its count.

    Args:
        title: of the plot.
        sizes: (width, height) in pixels, and a count for each series.
        series: names for the legend.
    """
    figure, axes = empty_axes(title, 4.4)
    most = max((max(counts) for counts in sizes.values()), default=1)
    for number, name in enumerate(series):
        there = [(*size, counts[number]) for size, counts in sizes.items() if counts[number]]
        widths, heights, counts = np.array(there, dtype=np.float64).reshape(-1, 3).T
        axes.scatter(
            widths,
            heights,
            s=18 + 220 * counts / most,
            marker=_MARKERS[number],
            facecolors="none",
            edgecolors=COLOURS[number],
            linewidths=1.4,
            label=name,
        )
    if sizes:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        for side in (axes.xaxis, axes.yaxis):
            side.set_major_locator(LogLocator(base=2, subs=(1, 1.5)))
            side.set_major_formatter(StrMethodFormatter("{x:.0f}"))
            side.set_minor_locator(NullLocator())
    axes.set_xlabel("width in pixels", color=INK, fontsize=9)
    axes.set_ylabel("height in pixels", color=INK, fontsize=9)
    axes.grid(color=INK, alpha=0.12, linewidth=0.6)
    legend(axes)
    return figure


def intervals(
    title: str, axis: str, rows: Mapping[str, Interval], chance: float | None = None
) -> Figure:
    """Values between 0 and 1 with their intervals, and a line where chance would be."""
    figure, axes = empty_axes(title, 1.1 + 0.28 * len(rows))
    for place, (value, low, high) in enumerate(rows.values()):
        axes.plot((low, high), (place, place), color=COLOURS[0], linewidth=2)
        axes.plot(value, place, "o", color=COLOURS[0], markersize=6)
        axes.annotate(
            f"{value:.3f}",
            (max(high, value), place),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )
    if chance is not None:
        axes.axvline(chance, color=INK, linewidth=1, linestyle="--")
    name_rows(axes, list(rows))
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_xlabel(axis, color=INK, fontsize=9)
    return figure


def png(figure: Figure) -> bytes:
    """The figure on white, for documents that take no vector drawing."""
    return _saved(figure, "png", transparent=False)


def svg(figure: Figure) -> bytes:
    """The figure on white as a file of its own, with its text as text."""
    return _saved(figure, "svg", transparent=False)


def inline_svg(figure: Figure, name: str) -> str:
    """The figure as an element for an HTML page, without background.

    Its lines and text take the colour of the page's text, so that it reads on a dark page as
    well. It refers to nothing outside of itself.

    Args:
        figure: to draw.
        name: letters, digits and hyphens; keeps its identifiers apart from other plots' ones.
    """
    text = _saved(figure, "svg", transparent=True).decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href=", "href=")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace(INK, "currentColor")
    title = html.escape(figure.get_suptitle())
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def _saved(figure: Figure, kind: str, transparent: bool) -> bytes:
    stream = io.BytesIO()
    described = dict.fromkeys(("Creator", "Date", "Format", "Type")) if kind == "svg" else None
    with (
        matplotlib.rc_context({"svg.hashsalt": "elascope", "svg.fonttype": "none"}),
        warnings.catch_warnings(),
    ):
        # Names of a corpus may be in any script; what the font lacks becomes a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(
            stream,
            format=kind,
            dpi=_DOTS_PER_INCH,
            facecolor="none" if transparent else "white",
            metadata=described,
        )
    return stream.getvalue()


def empty_axes(title: str, height: float) -> tuple[Figure, Axes]:
    """A figure of the common width, in inches, with one plain pair of axes."""
    figure, (axes,) = panels(title, height)
    return figure, axes


def panels(
    title: str, height: float, rows: Sequence[float] = (1,), columns: Sequence[float] = (1,)
) -> tuple[Figure, list[Axes]]:
    """A figure with several plain pairs of axes, row by row.

    Args:
        title: of the whole.
        height: in inches.
        rows: relative heights.
        columns: relative widths.
    """
    figure = Figure((_WIDTH, height), layout="constrained")
    figure.suptitle(one_line(title), x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)
    grid = figure.add_gridspec(
        len(rows), len(columns), height_ratios=list(rows), width_ratios=list(columns)
    )
    made = [figure.add_subplot(grid[place]) for place in range(len(rows) * len(columns))]
    for axes in made:
        axes.patch.set_alpha(0)
        axes.tick_params(colors=INK, labelsize=9)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(INK)
    return figure, made


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom; a dollar sign in a name begins no formula."""
    axes.set_yticks(range(len(names)), [_short(name) for name in names], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)


def legend(axes: Axes) -> None:
    """The names of the series above the axes, if any; a dollar sign begins no formula."""
    if not axes.get_legend_handles_labels()[1]:
        return
    drawn = axes.legend(
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        loc="lower right",
        # Above the axes, where it never covers what was counted.
        bbox_to_anchor=(1, 0.995),
        borderaxespad=0,
        ncols=4,
        markerscale=0.7,
    )
    for text in drawn.get_texts():
        text.set_parse_math(False)


def _short(name: str) -> str:
    shown = one_line(name) or "(none)"
    return shown if len(shown) <= _NAME_LENGTH else shown[: _NAME_LENGTH - 1] + "…"
