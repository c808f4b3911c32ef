"""Batch scan: progress, cancel, the table of rows, and the report."""

import time
from pathlib import Path

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.gui.words import plain_tooltip, state_word
from app.names import one_line
from app.scan.rows import Row

_AnyIndex = QModelIndex | QPersistentModelIndex

_TITLE_LENGTH = 40
"""Characters of a folder's name beside the progress."""


class RowsModel(QAbstractTableModel):
    """The rows of the scan so far."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self._questions: tuple[str, ...] = ()

    def start(self, questions: tuple[str, ...]) -> None:
        """Empty the table and set its columns."""
        self.beginResetModel()
        self.rows = []
        self._questions = questions
        self.endResetModel()

    def add(self, rows: list[Row]) -> None:
        """Append rows."""
        first = len(self.rows)
        self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
        self.rows.extend(rows)
        self.endInsertRows()

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """File, status, two for each question, message."""
        return 0 if parent.isValid() else 3 + 2 * len(self._questions)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Column names."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        answers = [name for q in self._questions for name in (q.capitalize(), "Score")]
        return ["File", "Status", *answers, "Note"][section]

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Text of a cell."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(f"{one_line(str(row.path))}\n{self._note(row)}".strip())
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        column = index.column()
        if column == 0:
            return one_line(row.path.name)
        if column == 1:
            return row.status.replace("_", " ")
        if column == self.columnCount() - 1:
            return self._note(row)
        question = self._questions[(column - 2) // 2]
        verdict = next((v for v in row.verdicts if v.question == question), None)
        if verdict is None:
            return ""
        if column % 2 == 0:
            return state_word(verdict.state)
        return "" if verdict.score is None else f"{verdict.score:.3f}"

    def _note(self, row: Row) -> str:
        return row.message or " ".join(verdict.reason for verdict in row.verdicts)


class ScanPanel(QWidget):
    """Buttons, progress and table of a scan. The window does the work that it asks for.

    Signals:
        scan_wanted: start a scan of the open folder.
        cancel_wanted: end the scan; its rows so far stay.
        export_wanted: write a report of the rows.
        opened: the path of a row to look at.
    """

    scan_wanted = Signal()
    cancel_wanted = Signal()
    export_wanted = Signal()
    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RowsModel(self)
        self._started = 0.0
        self._title, self._total = "", 0
        self.start_button = QPushButton("Scan folder")
        self.cancel_button = QPushButton("Cancel")
        self.export_button = QPushButton("Export report…")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setMinimumWidth(40)
        self.bar.setAccessibleName("Progress of the scan")
        self.status = QLabel("No scan yet")
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        # Its text grows during a scan; it must not make the window wider.
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.setAccessibleName("Rows of the scan")
        self.table.activated.connect(self._activated)
        self.start_button.clicked.connect(self.scan_wanted)
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.export_button.clicked.connect(self.export_wanted)
        top = QHBoxLayout()
        for widget in (self.start_button, self.cancel_button, self.export_button):
            top.addWidget(widget)
        top.addWidget(self.bar, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addLayout(top)
        layout.addWidget(self.status)
        layout.addWidget(self.table)
        for button in (self.start_button, self.cancel_button, self.export_button):
            button.setEnabled(False)

    def begin(self, title: str, total: int, questions: tuple[str, ...]) -> None:
        """A scan of ``total`` files has started; ``title`` says where they are."""
        self.model.start(questions)
        widths = [200, 90, *[130, 60] * len(questions)]
        for column, width in enumerate(widths):
            self.table.setColumnWidth(column, width)
        self._title, self._total = one_line(title), total
        self._started = time.monotonic()
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(0)
        self.start_button.setEnabled(False)
        self.cancel_button.setEnabled(True)
        self.export_button.setEnabled(False)
        self._say("Rows of ", f": 0 of {total}")

    def add(self, rows: list[Row]) -> None:
        """Rows have arrived."""
        self.model.add(rows)
        done = len(self.model.rows)
        self.bar.setValue(done)
        seconds = time.monotonic() - self._started
        left = seconds / done * (self._total - done)
        if self.cancel_button.isEnabled():
            self._say("Rows of ", f": {done} of {self._total}, about {_duration(left)} left")

    def stop(self) -> None:
        """The scan has been asked to end; rows still arrive."""
        self.cancel_button.setEnabled(False)
        self._say("Rows of ", ": stopping…")

    def finish(self, word: str) -> None:
        """The scan has ended, in the way that ``word`` says."""
        self.start_button.setEnabled(True)
        self.cancel_button.setEnabled(False)
        self.export_button.setEnabled(bool(self.model.rows))
        self._say(f"{word}: {len(self.model.rows)} rows of ", "")

    def _say(self, before: str, after: str) -> None:
        """Name the folder of the rows: another one may have been opened since."""
        self.status.setText(before + _shortened(self._title) + after)
        self.status.setToolTip(plain_tooltip(before + self._title + after))

    def _activated(self, index: QModelIndex) -> None:
        self.opened.emit(Path(self.model.rows[index.row()].path))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _shortened(title: str) -> str:
    """A title without its middle, if it would make the panel wide."""
    half = _TITLE_LENGTH // 2
    return title if len(title) <= _TITLE_LENGTH else f"{title[:half]}…{title[-half:]}"
