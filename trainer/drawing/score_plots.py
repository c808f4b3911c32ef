"""Plots of how a model learned and of what it scored, in the style of `trainer.drawing.plots`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from app.names import one_line
from trainer.drawing.plots import COLOURS, INK, Interval, empty_axes, legend, name_rows, panels

Floats = NDArray[np.float64]

RATES = (0.01, 0.05)
"""False-alarm rates at which a ROC curve is read."""

_LINES = ("-", "--", "-.", ":")
_ZOOM = 0.1
_LEAST_REACH = 0.02


def history(title: str, axis: str, series: Mapping[str, Sequence[float]], kept: int) -> Figure:
    """One line for each series over the epochs.

    Args:
        title: of the plot.
        axis: what was measured.
        series: name, and a value for every epoch; what is not finite leaves a gap.
        kept: number of the epoch whose weights were kept, counted from 1; 0 for none.
    """
    figure, axes = empty_axes(title, 2.9)
    for number, (name, values) in enumerate(series.items()):
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=COLOURS[number],
            linestyle=_LINES[number],
            linewidth=1.8,
            marker="o",
            markersize=3.5,
            label=one_line(name),
        )
    if kept:
        axes.axvline(kept, color=INK, linewidth=1, linestyle=":", label="weights kept")
    axes.set_xlabel("epoch", color=INK, fontsize=9)
    axes.set_ylabel(axis, color=INK, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=(1, 2, 5, 10)))
    _grid(axes)
    legend(axes)
    return figure


def confusion(
    title: str, rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]
) -> Figure:
    """Counts of answers (columns) for each truth (rows); a cell is as dark as its share of the row.

    Args:
        title: of the plot.
        rows: what the pictures are.
        columns: what the model answered.
        counts: a row of counts for each truth.
    """
    figure, axes = empty_axes(title, 1.0 + 0.62 * len(rows))
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            share = count / max(sum(line), 1)
            axes.add_patch(_cell(row, column, share))
            axes.text(
                column, row, f"{count:,}\n{share:.1%}", ha="center", va="center", fontsize=9,
                color=INK,
            )  # fmt: skip
    name_rows(axes, rows)
    axes.set_xticks(range(len(columns)), [one_line(name) for name in columns], parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def roc(title: str, curves: Mapping[str, Floats]) -> Figure:
    """Detections over false alarms: the whole curve, and beside it its low end.

    Marks stand at the rates in `RATES`: the most detections with no more false alarms than that.

    Args:
        title: of the plot.
        curves: name to rows of false-alarm rate and detection rate, both rising from 0.
    """
    figure, (whole, low) = panels(title, 3.7, columns=(1, 1))
    for axes, end in ((whole, 1.0), (low, _ZOOM)):
        for number, (name, curve) in enumerate(curves.items()):
            colour = COLOURS[number]
            axes.step(
                curve[:, 0], curve[:, 1], where="post", color=colour, linestyle=_LINES[number],
                linewidth=1.8, label=one_line(name),
            )  # fmt: skip
            marks = [point_at(curve, rate) for rate in RATES]
            axes.plot(*zip(*marks, strict=True), "o", color=colour, markersize=5)
        for rate in RATES:
            axes.axvline(rate, color=INK, linewidth=0.8, linestyle=":")
        axes.plot((0, 1), (0, 1), color=INK, linewidth=1, linestyle="--")
        # Room for a line that runs along the edge.
        axes.set_xlim(-0.01 * end, end)
        axes.set_ylim(-0.01, 1.01)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("false alarms", color=INK, fontsize=9)
        _grid(axes)
    whole.set_ylabel("detections", color=INK, fontsize=9)
    if curves:
        name, curve = next(iter(curves.items()))
        readings = ", ".join(f"{point_at(curve, rate)[1]:.1%} at {rate:.0%}" for rate in RATES)
        low.set_xlabel(
            f"false alarms\n{one_line(name)}: {readings}", color=INK, fontsize=9, parse_math=False
        )
    legend(low)
    return figure


def point_at(curve: Floats, rate: float) -> tuple[float, float]:
    """The point of a ROC curve with the most detections at no more false alarms than ``rate``."""
    alarms, found = curve[np.flatnonzero(curve[:, 0] <= rate + 1e-9)[-1], :2]
    return float(alarms), float(found)


def precision_recall(
    title: str, curves: Mapping[str, Floats], shares: Mapping[str, float]
) -> Figure:
    """How many of the flagged pictures are positive, over how many of the positives are flagged.

    Args:
        title: of the plot.
        curves: name to rows of recall, which rises, and precision.
        shares: name to the share of positives, which is the precision of chance.
    """
    figure, axes = empty_axes(title, 3.2)
    for number, (name, curve) in enumerate(curves.items()):
        # Up to the first step the precision is that of the first.
        steps = np.concatenate([[[0.0, curve[0, 1]]], curve[:, :2]])
        axes.plot(
            steps[:, 0], steps[:, 1], color=COLOURS[number], linestyle=_LINES[number],
            linewidth=1.8, label=one_line(name), drawstyle="steps-pre",
        )  # fmt: skip
        axes.axhline(shares[name], color=COLOURS[number], linewidth=1, linestyle=":")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel("recall: flagged among the positives", color=INK, fontsize=9)
    axes.set_ylabel("precision: positives\namong the flagged", color=INK, fontsize=9)
    _grid(axes)
    legend(axes)
    return figure


def reliability(title: str, bins: Floats, marks: Mapping[str, float]) -> Figure:
    """What share of positives each score stands for, with the number of scores below.

    Args:
        title: of the plot.
        bins: (bins, 3) mean score, share of positives, number of scores; scores rising.
        marks: name to a score at which a line is drawn, such as a threshold.
    """
    figure, (axes, counts) = panels(title, 4.4, rows=(3, 1))
    places, shares, sizes = bins.reshape(-1, 3).T
    axes.plot((0, 1), (0, 1), color=INK, linewidth=1, linestyle="--", label="as it should be")
    axes.plot(
        places, shares, "o-", color=COLOURS[0], linewidth=1.6,
        markersize=5, label="measured",
    )  # fmt: skip
    counts.vlines(places, 0, sizes, color=COLOURS[0], linewidth=5, alpha=0.6)
    for place, size in zip(places, sizes, strict=True):
        counts.annotate(
            f"{size:,.0f}", (place, size), (0, 2), textcoords="offset points",
            ha="center", fontsize=7, color=INK,
        )  # fmt: skip
    for drawn in (axes, counts):
        for number, (name, score) in enumerate(marks.items()):
            drawn.axvline(
                score, color=COLOURS[1], linewidth=1.3, linestyle=_LINES[number + 1],
                label=one_line(name),
            )  # fmt: skip
        drawn.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of positives", color=INK, fontsize=9)
    axes.tick_params(labelbottom=False)
    counts.set_ylim(0, 1.35 * max(sizes, default=1))
    counts.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    counts.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    counts.set_ylabel("scores", color=INK, fontsize=9)
    counts.set_xlabel("score", color=INK, fontsize=9)
    _grid(axes)
    legend(axes)
    return figure


def differences(
    title: str, rows: Mapping[str, Interval], axis: str = "difference with 95 % interval"
) -> Figure:
    """A forest plot: differences with their intervals about a line at zero.

    An interval that holds zero is drawn hollow.

    Args:
        title: of the plot.
        rows: name to difference and interval; from top to bottom.
        axis: what is the difference of what.
    """
    figure, axes = empty_axes(title, 1.1 + 0.3 * len(rows))
    axes.axvline(0, color=INK, linewidth=1, linestyle="--")
    for place, (value, low, high) in enumerate(rows.values()):
        filled = COLOURS[0] if low > 0 or high < 0 else "none"
        axes.plot((low, high), (place, place), color=COLOURS[0], linewidth=2, zorder=1)
        axes.plot(
            value, place, "s", markersize=7, markeredgecolor=COLOURS[0], markerfacecolor=filled,
            markeredgewidth=1.6,
        )  # fmt: skip
        axes.annotate(
            f"{value:+.3f} [{low:+.3f}, {high:+.3f}]",
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=INK,
        )
    name_rows(axes, list(rows))
    reach = max((abs(end) for row in rows.values() for end in row), default=0.0)
    axes.set_xlim(-1.1 * max(reach, _LEAST_REACH), 1.1 * max(reach, _LEAST_REACH))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:+.2g}"))
    axes.set_xlabel(axis, color=INK, fontsize=9)
    return figure


def _cell(row: int, column: int, share: float) -> Rectangle:
    """Never so dark that its text, in the colour of any page's text, could not be read."""
    corner = column - 0.485, row - 0.47
    return Rectangle(corner, 0.97, 0.94, facecolor=COLOURS[0], alpha=0.06 + 0.5 * share)


def _grid(axes: Axes) -> None:
    axes.grid(color=INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)
