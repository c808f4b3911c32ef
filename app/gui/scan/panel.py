"""The scan's panel: its buttons, how it gets on, which rows are shown, and their table."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QThreadPool, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from app.gui.flow import FlowLayout
from app.gui.jobs import Channel
from app.gui.scan.choice import ModelsButton
from app.gui.scan.columns import Columns
from app.gui.scan.filter_bar import FilterBar
from app.gui.scan.model import RowsModel
from app.gui.scan.order import Filter
from app.gui.scan.progress import Progress
from app.gui.scan.table import RowsTable
from app.gui.scan.words import as_text, conspicuous_sentence, counts_sentence, paths_as_text
from app.scan.rows import Row

_SIDE = 6
"""Margin on the left and on the right."""


class ScanPanel(QWidget):
    """Buttons, progress and table of a scan. The window does the work that it asks for.

    Signals:
        scan_wanted: start a scan of the open folder.
        cancel_wanted: end the scan; its rows so far stay.
        rescan_wanted: judge the selected files again.
        export_wanted: write a report; whether of the shown rows only.
        opened: the path of a row to look at.
        changed: other rows are shown or selected.
    """

    scan_wanted = Signal()
    cancel_wanted = Signal()
    rescan_wanted = Signal()
    export_wanted = Signal(bool)
    opened = Signal(object)
    changed = Signal()

    def __init__(self, pool: QThreadPool, parent: QWidget | None = None) -> None:
        """``pool`` has the threads on which texts for the clipboard are put together."""
        super().__init__(parent)
        self._copying = Channel(pool, self)
        self.model = RowsModel(self)
        self.table = RowsTable(self.model)
        self.filters = FilterBar()
        self.progress = Progress()
        self.bar, self.status, self.counts = (
            self.progress.bar,
            self.progress.status,
            self.progress.counts,
        )
        self.start_button = QPushButton("Scan folder")
        self.cancel_button = QPushButton("Cancel")
        self.rescan_button = QPushButton("Re-scan selected")
        self.rescan_button.setToolTip("Judge the selected files again; their rows are replaced")
        self.models_button = ModelsButton()
        self.export_button = QPushButton("Export report")
        self._build_export()
        self._lay_out()
        self._connect()
        self._show_filters(False)

    def _build_export(self) -> None:
        menu = QMenu(self.export_button)
        self.export_all = menu.addAction("&All rows…", lambda: self.export_wanted.emit(False))
        self.export_shown = menu.addAction(
            "Rows &shown, in this order…", lambda: self.export_wanted.emit(True)
        )
        self.export_button.setMenu(menu)

    def _lay_out(self) -> None:
        buttons = FlowLayout()
        for button in (
            self.start_button,
            self.cancel_button,
            self.rescan_button,
            self.export_button,
            self.models_button,
        ):
            buttons.addWidget(button)
        buttons.addWidget(self.filters.all_button)
        buttons.addWidget(self.filters.shown)
        self._controls = QWidget()
        above = QVBoxLayout(self._controls)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(4)
        above.addLayout(buttons)
        above.addWidget(self.progress)
        above.addWidget(self.filters)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_SIDE, 4, _SIDE, 4)
        layout.setSpacing(4)
        layout.addWidget(self._controls)
        layout.addWidget(self.table, 1)
        for button in (
            self.start_button,
            self.cancel_button,
            self.rescan_button,
            self.export_button,
        ):
            button.setEnabled(False)

    def _connect(self) -> None:
        self.start_button.clicked.connect(self.scan_wanted)
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.rescan_button.clicked.connect(self.rescan_wanted)
        self.filters.changed.connect(self._filter)
        self.filters.left.connect(self._enter_table)
        self.table.opened.connect(self.opened)
        self.table.rescan_wanted.connect(self.rescan_wanted)
        self.table.copy_wanted.connect(self._copy)
        self.table.selection_changed.connect(self.changed)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._sorted)

    # A scan -----------------------------------------------------------------------------------

    def begin(self, title: str, columns: Columns) -> None:
        """A scan has started; ``title`` says where its files are."""
        self.model.start(columns)
        self.table.begin()
        self.filters.set_questions(list(columns.answers))
        self._show_filters(True)
        self._begin(title, len(columns.rows))

    def begin_again(self, title: str, total: int, questions: Sequence[str]) -> None:
        """``total`` of the files are judged again; their rows are replaced as they arrive."""
        if any(question not in self.model.columns.answers for question in questions):
            self.model.ask(questions)
            self.table.set_widths()
            self.filters.set_questions(list(self.model.columns.answers))
            self._filter(Filter())
        self._begin(title, total)

    def _begin(self, title: str, total: int) -> None:
        self.progress.begin(title, total)
        self.cancel_button.setEnabled(True)
        self._say_counts()

    def take(self, rows: Sequence[Row]) -> None:
        """Rows have arrived; `refresh` shows them."""
        self.model.put(rows)

    def refresh(self, done: int) -> None:
        """Show the rows that have arrived; ``done`` files are judged in this scan."""
        self.model.refresh()
        self.progress.reach(done)
        self._say_counts()

    def stop(self) -> None:
        """The scan has been asked to end; rows still arrive."""
        self.cancel_button.setEnabled(False)
        self.progress.stop()

    def finish(self, word: str) -> None:
        """The scan has ended, in the way that ``word`` says."""
        self.cancel_button.setEnabled(False)
        self.progress.finish(word)
        self._say_counts()

    def _show_filters(self, on: bool) -> None:
        filters = self.filters
        for widget in (filters, filters.shown, filters.all_button, self.rescan_button):
            widget.setVisible(on)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrower panel needs more lines for its controls."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        width = self.width() - 2 * _SIDE
        self._controls.setFixedHeight(self._controls.heightForWidth(width))

    # Rows -------------------------------------------------------------------------------------

    @property
    def selected(self) -> list[Path]:
        """The files of the selected rows, in the order in which they are shown."""
        paths = self.model.columns.files.paths
        return [paths[at] for at in self.table.selected.tolist()]

    def shown_rows(self) -> list[Row]:
        """The rows that pass the filter, in the order of the table."""
        return [self.model.columns.row(at) for at in self.model.visible.tolist()]

    def set_filter(self, wanted: Filter) -> None:
        """Show other rows."""
        self.filters.set_filter(wanted)

    def _filter(self, wanted: Filter) -> None:
        self.model.set_filter(wanted)
        self.table.show_top()
        self._say_shown()
        self.changed.emit()

    def _sorted(self) -> None:
        self.table.show_top()
        self.changed.emit()

    def _enter_table(self) -> None:
        self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if not self.table.currentIndex().isValid() and len(self.model.visible):
            self.table.selectRow(0)

    def _say_counts(self) -> None:
        columns = self.model.columns
        said = conspicuous_sentence(columns)
        self.counts.show_text(f"· {said}" if said else "", counts_sentence(columns))
        self._say_shown()

    def _say_shown(self) -> None:
        shown, total = len(self.model.visible), self.model.columns.count
        self.filters.say_shown(shown, total)
        nothing = total and not shown
        self.table.explain("No row has what is asked for above." if nothing else "")

    def _copy(self, paths_only: bool) -> None:
        """Put the selected rows on the clipboard; many of them take a while."""
        columns, places = self.model.columns, self.table.selected.tolist()
        shown = list(self.model.shown)
        put: Callable[[str], None] = QGuiApplication.clipboard().setText

        def text(_: object) -> str:
            return paths_as_text(columns, places) if paths_only else as_text(columns, places, shown)

        self._copying.request("copy", text, put, _nothing)


def _nothing(_: object) -> None:
    """Texts of rows do not fail; what does is a fault that the log names."""
