"""Two rectangles, A and B, with their numbers and what their comparison allows to say."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.analysis.compare import RegionsCompared
from app.analysis.region import Region
from app.analysis.region_table import HEADINGS, as_text, explanation, lines
from app.gui.regions.editor import RegionEditor
from app.gui.scrolling import scrolling

_GUIDE = (
    "Set A and B: draw them on the picture, take the visible part, or type numbers. Choose parts "
    "of the same kind, one of which may have another history."
)

_MEASURING = "Measuring …"

_RATIO = 3
"""Column of B / A."""


class RegionsPanel(QWidget):
    """Numbers of A and B, their statistics, and the comparison in words.

    Signals:
        regions_changed: A and B after any change, each a `Region` or None.
        visible_wanted: ``A`` or ``B`` is to become the visible part; `set_region` answers.
    """

    regions_changed = Signal(object, object)
    visible_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._compared: RegionsCompared | None = None
        self.editors = {name: RegionEditor(name) for name in "AB"}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        for name, editor in self.editors.items():
            editor.changed.connect(self._edited)
            editor.visible.clicked.connect(lambda _=False, n=name: self.visible_wanted.emit(n))
            layout.addWidget(editor)
        self.table = _table()
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.method = QLabel()
        self.method.setTextFormat(Qt.TextFormat.PlainText)
        self.method.setWordWrap(True)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Numbers and sentences as text")
        self.copy.setAccessibleName("Copy numbers and sentences")
        self.copy.clicked.connect(self._copy)
        layout.addWidget(_one_below_the_other(self.text, self.method, self.table, self.copy), 1)
        self.set_limits(0, 0)

    @property
    def regions(self) -> tuple[Region | None, Region | None]:
        """A and B as they stand here."""
        return self.editors["A"].region, self.editors["B"].region

    def set_limits(self, width: int, height: int) -> None:
        """Take the size of another picture; regions that lie inside it stay. 0 for no picture."""
        before = self.regions
        for editor in self.editors.values():
            editor.set_limits(width, height)
        self.setEnabled(width > 0 and height > 0)
        if not self.isEnabled():
            self.show_text("No image is shown.")
        else:
            self.show_text(_GUIDE if self.regions == (None, None) else _MEASURING)
        if self.regions != before:
            self.regions_changed.emit(*self.regions)

    def set_region(self, name: str, region: Region | None) -> None:
        """Move ``A`` or ``B``, or forget it; what lies outside the picture is cut off."""
        before = self.regions
        self.editors[name].set_region(region)
        if self.regions != before:
            self._edited()

    def show_comparison(self, compared: RegionsCompared) -> None:
        """Show what `app.analysis.compare.compare_regions` returned."""
        self._compared = compared
        rows = lines(compared)
        refused = compared.comparison is not None and not compared.comparison.comparable
        self.table.setRowCount(len(rows))
        for row, line in enumerate(rows):
            for column, text in enumerate(line):
                # A ratio of what cannot be compared would be read all the same.
                shown = "" if refused and column == _RATIO else text
                self.table.setItem(row, column, _item(shown, column, explanation(line[0])))
        self._fit_table()
        comparison = compared.comparison
        if comparison is None:
            other = "A" if compared.a is None else "B"
            self._say(f"Set {other} too, to compare.")
        else:
            self._say("\n".join(comparison.sentences))
        self.method.setText(compared.method)
        self.table.setEnabled(True)
        self.copy.setEnabled(True)

    def show_text(self, text: str) -> None:
        """Show a sentence instead of numbers."""
        self._compared = None
        self.table.setRowCount(0)
        self._fit_table()
        self.method.clear()
        self.copy.setEnabled(False)
        self._say(text)

    def _fit_table(self) -> None:
        """As high as its lines; without lines it is not there."""
        table, count = self.table, self.table.rowCount()
        head = table.horizontalHeader().sizeHint().height() + 2 * table.frameWidth()
        table.setFixedHeight(count * table.verticalHeader().defaultSectionSize() + head)
        table.setVisible(count > 0)
        self.method.setVisible(count > 0)

    def _say(self, text: str) -> None:
        self.text.setText(text)
        self.text.setAccessibleName(text)

    def _edited(self) -> None:
        self._outdate()
        self.regions_changed.emit(*self.regions)

    def _outdate(self) -> None:
        """What is shown belongs to other regions; dim it until the new numbers come."""
        self.table.setEnabled(False)
        self.copy.setEnabled(False)
        if self.regions == (None, None):
            self.show_text(_GUIDE)
        elif self._compared is not None:
            self._say(_MEASURING)

    def _copy(self) -> None:
        if self._compared is not None:
            QGuiApplication.clipboard().setText(as_text(self._compared))


def _one_below_the_other(*widgets: QWidget) -> QScrollArea:
    """One below the other; in a low panel a scroll bar keeps sentences from being cut off."""
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return scrolling(inside)


def _table() -> QTableWidget:
    table = QTableWidget(0, len(HEADINGS))
    table.setHorizontalHeaderLabels(list(HEADINGS))
    table.verticalHeader().hide()
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setAccessibleName("Statistics of A and B")
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 4)
    return table


def _item(text: str, column: int, tooltip: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(tooltip)
    if column:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
