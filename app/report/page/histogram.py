"""The scores of one question as a histogram, with the operating point and the band below it."""

from collections.abc import Sequence
from math import log10

from app.detection.card import Question
from app.report.page.markup import count, details, table, text

_WIDTH, _HEIGHT = 720, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 44, 34
_PLOT_WIDTH = _WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = _HEIGHT - _TOP - _BOTTOM


def histogram(name: str, bins: Sequence[int], question: Question | None) -> str:
    """An inline SVG and the same numbers as a table.

    Heights grow with the logarithm of the count: the few high scores among many low ones are what
    an examiner looks for.

    Args:
        name: of the question, as text.
        bins: counts in equal parts of 0..1, at least one of them above 0.
        question: with the thresholds; None where its card is not known.
    """
    highest = max(bins)
    top = log10(1 + highest)
    parts = [_zones(question) if question else "", _grid(highest, top)]
    width = _PLOT_WIDTH / len(bins)
    for index, number in enumerate(bins):
        if number:
            height = _PLOT_HEIGHT * log10(1 + number) / top
            low, high = index / len(bins), (index + 1) / len(bins)
            parts.append(
                f'<rect class="bar" x="{_LEFT + index * width + 0.5:.1f}" '
                f'y="{_TOP + _PLOT_HEIGHT - height:.1f}" width="{width - 1:.1f}" '
                f'height="{height:.1f}"><title>{low:.2f} to {high:.2f}: {count(number)}</title>'
                "</rect>"
            )
    parts += [_limits(question) if question else "", _axis()]
    label = f"Histogram of the scores for {name}; the table below has its numbers"
    drawing = (
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{text(label)}">{"".join(parts)}</svg>'
    )
    rows = [
        (f"{index / len(bins):.2f} to {(index + 1) / len(bins):.2f}", count(number))
        for index, number in enumerate(bins)
        if number
    ]
    numbers = details("The numbers of this histogram", table("", ("Score", "Files"), rows))
    return f"<figure>{drawing}</figure>{numbers}"


def _x(score: float) -> float:
    return _LEFT + _PLOT_WIDTH * max(0.0, min(score, 1.0))


def _zones(question: Question) -> str:
    low, high = question.inconclusive_below, question.operating_point.threshold
    zones = (("negative", 0.0, low), ("inconclusive", low, high), ("positive", high, 1.0))
    return "".join(
        f'<rect class="zone {name}" x="{_x(start):.1f}" y="{_TOP}" '
        f'width="{max(_x(end) - _x(start), 0):.1f}" height="{_PLOT_HEIGHT}"></rect>'
        for name, start, end in zones
    )


def _limits(question: Question) -> str:
    low, high = question.inconclusive_below, question.operating_point.threshold
    lines = ((low, f"inconclusive from {low:.3f}", 32), (high, f"positive from {high:.3f}", 16))
    parts = []
    for score, label, y in lines:
        x = _x(score)
        anchor, step = ("end", -4) if score > 0.5 else ("start", 4)
        parts.append(
            f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 12}" '
            f'y2="{_TOP + _PLOT_HEIGHT}"></line>'
            f'<text x="{x + step:.1f}" y="{y}" text-anchor="{anchor}">{label}</text>'
        )
    return "".join(parts)


def _grid(highest: int, top: float) -> str:
    """Lines at 1, 10, 100 … files."""
    parts = []
    number = 1
    while number <= highest:
        y = _TOP + _PLOT_HEIGHT * (1 - log10(1 + number) / top)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}">'
            f'</line><text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{count(number)}</text>'
        )
        number *= 10
    return "".join(parts)


def _axis() -> str:
    bottom = _TOP + _PLOT_HEIGHT
    ticks = "".join(
        f'<text x="{_x(tenth / 10):.1f}" y="{bottom + 16}" text-anchor="middle">{tenth / 10:g}'
        "</text>"
        for tenth in range(0, 11, 2)
    )
    return (
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}">'
        f'</line>{ticks}<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 3}" text-anchor="end">score'
        f'</text><text x="4" y="{_TOP - 8}">files</text>'
    )
