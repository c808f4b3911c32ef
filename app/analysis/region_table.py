"""Two regions in a table: what, A, B, and B divided by A where that means something."""

from collections.abc import Callable

from app.analysis.compare import RegionsCompared
from app.analysis.region_statistics import RegionStatistics

HEADINGS = ("", "A", "B", "B / A")

Line = tuple[str, str, str, str]
_Value = Callable[[RegionStatistics], float]

_RESIDUALS: tuple[tuple[str, _Value], ...] = (
    ("Median residual", lambda r: r.luma.median),
    ("Mean residual", lambda r: r.luma.mean),
    ("5th percentile", lambda r: r.luma.p5),
    ("25th percentile", lambda r: r.luma.p25),
    ("75th percentile", lambda r: r.luma.p75),
    ("95th percentile", lambda r: r.luma.p95),
    ("Median R", lambda r: r.channels[0].median),
    ("Median G", lambda r: r.channels[1].median),
    ("Median B", lambda r: r.channels[2].median),
    ("Texture", lambda r: r.texture),
)

_EXPLANATIONS = {
    "Median residual": "Residual weighted as luma, in grey levels; half of the pixels lie below.",
    "5th percentile": "Of the residual weighted as luma: 5 % of the pixels lie below.",
    "25th percentile": "Of the residual weighted as luma: a quarter of the pixels lies below.",
    "75th percentile": "Of the residual weighted as luma: a quarter of the pixels lies above.",
    "95th percentile": "Of the residual weighted as luma: 5 % of the pixels lie above.",
    "Texture": "Mean of the standard deviation of luma within 8x8 blocks, in grey levels.",
    "Edges": "Pixels where luma changes by more than 8 grey levels per pixel (Sobel).",
    "Clipped": "Pixels with a channel at 0 or 255.",
    "Brightness": "Mean luma, 0 to 255.",
    "Measured": "Of regions above 8 million pixels, evenly spaced bands of rows are measured.",
}


def lines(compared: RegionsCompared) -> list[Line]:
    """The table without its headings; "" where a region is not set."""
    a, b = compared.a, compared.b
    numbers = [_numbers(name, a, b, value) for name, value in _RESIDUALS]
    return [
        *numbers,
        _texts("Edges", a, b, lambda r: f"{r.edges:.1%}"),
        _texts("Clipped", a, b, lambda r: f"{r.clipped:.1%}"),
        _texts("Brightness", a, b, lambda r: f"{r.brightness:.0f}"),
        _texts("Measured", a, b, lambda r: f"{r.measured / r.region.area:.0%}"),
    ]


def explanation(name: str) -> str:
    """What the line of this name means; "" where its name says it."""
    return _EXPLANATIONS.get(name, "")


def as_text(compared: RegionsCompared) -> str:
    """Where the regions lie, the table with tabs, and the sentences, for the clipboard."""
    a, b = compared.a, compared.b
    place = [
        _texts("Left, top", a, b, lambda r: f"{r.region.left}, {r.region.top}"),
        _texts("Width, height", a, b, lambda r: f"{r.region.width}, {r.region.height}"),
    ]
    table = ["\t".join(line) for line in (HEADINGS, *place, *lines(compared))]
    sentences = compared.comparison.sentences if compared.comparison else ()
    return "\n".join([compared.method, *table, *sentences])


def _numbers(
    name: str, a: RegionStatistics | None, b: RegionStatistics | None, value: _Value
) -> Line:
    line = _texts(name, a, b, lambda r: f"{value(r):.2f}")
    ratio = f"{value(b) / value(a):.2f}" if a and b and value(a) > 0 else ""
    return (*line[:3], ratio)


def _texts(
    name: str,
    a: RegionStatistics | None,
    b: RegionStatistics | None,
    text: Callable[[RegionStatistics], str],
) -> Line:
    return name, text(a) if a else "", text(b) if b else "", ""
