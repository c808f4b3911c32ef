"""The lists of regions and pairs; choosing an entry says which regions it is about."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from app.analysis.localisation import Correspondence, FoundRegion, middle

_MOST_ROWS = 7
"""Rows that are seen at once; longer lists scroll."""

REGION_HEADINGS = ("No.", "Pixels", "Share", "Evidence", "Place")
PAIR_HEADINGS = ("Pair", "Shift", "Turn", "Scale", "Matches")

_Line = tuple[Sequence[str], frozenset[int], str]
"""Cells, indices of the regions that it is about, and a tooltip."""


class FoundList(QTableWidget):
    """A list whose entries stand for regions.

    Signals:
        chosen: indices of the regions of the entry that was chosen, by mouse or key.
    """

    chosen = Signal(object)

    def __init__(self, headings: Sequence[str], name: str) -> None:
        super().__init__(0, len(headings))
        self._regions: list[frozenset[int]] = []
        self.setHorizontalHeaderLabels(list(headings))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 4)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAccessibleName(name)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(20)
        header.setHighlightSections(False)
        self.itemSelectionChanged.connect(self._choose)
        # A second click on the same entry goes there again.
        self.cellClicked.connect(self._choose)
        self.cellActivated.connect(self._choose)

    def show_regions(self, regions: Sequence[FoundRegion]) -> None:
        """List regions."""
        self._show([_region_line(index, region) for index, region in enumerate(regions)])

    def show_pairs(self, pairs: Sequence[Correspondence]) -> None:
        """List pairs of regions."""
        self._show([_pair_line(pair) for pair in pairs])

    def clear_choice(self) -> None:
        """Choose nothing, and say nothing."""
        self.blockSignals(True)
        self.clearSelection()
        self.blockSignals(False)

    def _show(self, lines: Sequence[_Line]) -> None:
        self.blockSignals(True)
        self._regions = [regions for _, regions, _ in lines]
        self.clearSelection()
        self.setRowCount(len(lines))
        for row, (cells, _, tooltip) in enumerate(lines):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(tooltip)
                last = column == len(cells) - 1
                side = Qt.AlignmentFlag.AlignLeft if last else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
        self.blockSignals(False)
        head = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth()
        rows = min(len(lines), _MOST_ROWS)
        self.setFixedHeight(rows * self.verticalHeader().defaultSectionSize() + head)
        self.setVisible(bool(lines))

    def _choose(self, *_: object) -> None:
        rows = self.selectionModel().selectedRows()
        if rows:
            self.chosen.emit(self._regions[rows[0].row()])


def _region_line(index: int, region: FoundRegion) -> _Line:
    x, y = middle(region)
    box = region.box
    cells = (
        str(index + 1),
        f"{region.area:,}",
        f"{region.share:.2%}",
        f"{region.score:.2f}",
        f"{x:.0f}, {y:.0f}",
    )
    tooltip = (
        f"x {box.left} to {box.right}, y {box.top} to {box.bottom}; the score is the mean of the "
        "map within, and no probability"
    )
    return cells, frozenset({index}), tooltip


def _pair_line(pair: Correspondence) -> _Line:
    across, down = pair.shift
    mirrored = ", mirrored" if pair.mirrored else ""
    cells = (
        f"{pair.source + 1} – {pair.target + 1}",
        f"{across:+.0f}, {down:+.0f}",
        f"{pair.degrees:.0f}°{mirrored}",
        f"{pair.scale:.2f}",
        f"{pair.matches:,}",
    )
    tooltip = (
        f"From region {pair.source + 1} to region {pair.target + 1}: shift in pixels, rotation "
        f"clockwise{mirrored}, scale of lengths; {pair.matches:,} key points agree, correlation "
        f"{pair.correlation:.2f}. Which of the two is the copy cannot be told."
    )
    return cells, frozenset({pair.source, pair.target}), tooltip
