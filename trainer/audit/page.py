"""An audit as one HTML page."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from trainer.audit.findings import Audit
from trainer.audit.words import left_out, tables, verdicts
from trainer.drawing.page import details, listing, page, paragraph, plot, table, text
from trainer.drawing.plots import count_bars, count_histogram, intervals, size_scatter

_SERIES = ("negative", "positive")
_BARS = 8


def audit_page(audit: Audit) -> bytes:
    """The whole page, UTF-8. Every text from the corpus is escaped."""
    negatives, positives = audit.files
    read = f"{audit.root}, read as {audit.layout}"
    parts = [
        paragraph(f"{read}: {negatives:,} negative and {positives:,} positive files", "quiet"),
        listing(verdicts(audit), "verdict"),
        *(plot(name, figure) for name, figure in audit_plots(audit).items()),
        *(table(content) for content in tables(audit)),
        *_left_out(audit),
    ]
    return page(f"Audit of {audit.corpus}", parts).encode("utf-8")


def audit_plots(audit: Audit) -> dict[str, Figure]:
    """Name to plot; what the corpus gives nothing for is not there."""
    plots: dict[str, Figure] = {}
    if audit.readability:
        plots["readability"] = intervals(
            "The label read from one feature of the file, without pixels",
            "balanced accuracy with 95 % interval; the line is chance",
            {r.feature: (r.balanced_accuracy, r.low, r.high) for r in audit.readability},
            chance=0.5,
        )
    for name, title in (
        ("kind", "Files by kind"),
        ("format", "Files by format"),
        ("luma table", "JPEG files by luma quantisation table, the most frequent"),
    ):
        if len(audit.counts.get(name, ())) > 1:
            rows = dict(list(audit.counts[name].items())[:_BARS])
            plots[name.replace(" ", "-")] = count_bars(title, rows, _SERIES)
    if "quality" in audit.counts:
        qualities = {int(quality): pair for quality, pair in audit.counts["quality"].items()}
        plots["quality"] = count_histogram(
            "Quality of the last save, estimated", "IJG quality", qualities, _SERIES
        )
    if audit.sizes:
        sizes = {(width, height): (n, p) for width, height, n, p in audit.sizes}
        plots["sizes"] = size_scatter(
            "Sizes; the area of a mark is its number of files", sizes, _SERIES
        )
    if audit.sources.files_per_source:
        plots["sources"] = _source_plot(audit.sources.files_per_source)
    return plots


def _source_plot(files_per_source: Mapping[str, int]) -> Figure:
    counts = {int(files): (number,) for files, number in files_per_source.items()}
    return count_histogram(
        "Files made from one source picture", "files of a source", counts, ("sources",), "sources"
    )


def _left_out(audit: Audit) -> list[str]:
    if not audit.left_out:
        return []
    lines = [row[0] for row in left_out(audit).rows]
    count = f"{len(lines):,} {'line' if len(lines) == 1 else 'lines'}"
    return [f"<h2>{text(left_out(audit).title)}</h2>", details(count, listing(lines))]
