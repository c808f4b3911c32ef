"""The files of the folder in the wished order, with answers, marks and thumbnails."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QStringListModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPixmap

from app.gui.folder.listing import FolderEntry, Listing, listing_of
from app.gui.folder.order import (
    NO_ANSWER,
    NO_MARK,
    Answer,
    Answered,
    Filter,
    Marked,
    Order,
    answer_of,
    ordered,
    passing,
)
from app.gui.folder.pictures import FolderPictures
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.folder.words import description, detail
from app.gui.words import plain_tooltip
from app.scan.rows import Row

# While answers arrive, the list is put in order this often and not for each of them.
_ORDER_AGAIN_MS = 500

_AnyIndex = QModelIndex | QPersistentModelIndex


class FolderModel(QStringListModel):
    """All files are in ``paths``; the rows of the model are the shown ones in their order.

    Qt keeps the names, because it counts the rows twice for each file that it lays out: in
    Python that held up the window for as long as other threads were busy.

    Signals:
        questions_changed: answers to a new question have arrived.
        rearranging: other rows are about to be shown; these ones are still there.
        rearranged: they are shown now.
    """

    questions_changed = Signal()
    rearranging = Signal()
    rearranged = Signal()

    def __init__(
        self, source: ThumbnailSource | None = None, parent: QObject | None = None
    ) -> None:
        """``source`` makes the thumbnails; None decodes here and keeps none on disk."""
        super().__init__(parent)
        self.paths: list[Path] = []
        self.questions: list[str] = []
        self.order = Order()
        self.filter = Filter()
        self._question = ""
        self._listing = listing_of(())
        self._rows: dict[Path, Row] = {}
        self._answers: dict[Path, Answered] = {}
        self._outdated: set[Path] = set()
        self._marks: dict[Path, Marked] = {}
        self._ordered: list[int] = []
        self._visible: list[int] = []
        self._row_at: dict[int, int] = {}
        self.pictures = FolderPictures(source, self)
        self.pictures.made.connect(self._picture_made)
        self._later = QTimer(self, singleShot=True, interval=_ORDER_AGAIN_MS)
        self._later.timeout.connect(self._arrange)

    # Content ----------------------------------------------------------------------------------

    def set_listing(self, listing: Listing) -> None:
        """Show another list, unfiltered; answers, marks and pictures are forgotten."""
        self.rearranging.emit()
        self.filter, self._question = Filter(), ""
        for known in (self.questions, self._rows, self._answers, self._outdated, self._marks):
            known.clear()
        self.pictures.start_over(listing.roots)
        self._take_listing(listing)

    def update_entries(self, listing: Listing) -> bool:
        """Take over what a new listing of the same folders found; whether anything differs.

        A file that has changed loses its answer and its picture; all else stays.
        """
        before = self._listing
        if before.stamps == listing.stamps:
            return False
        self.rearranging.emit()
        for stamp in before.stamps - listing.stamps:
            path = Path(stamp[0])
            self._answers.pop(path, None)
            self._outdated.discard(path)
            if self._rows.pop(path, None) and path in listing.at:
                self._outdated.add(path)
        self._take_listing(listing)
        return True

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Add the answers of a scan to the list."""
        known, touched = len(self.questions), []
        for row in rows:
            at = self._listing.at.get(row.path)
            if at is None:
                continue
            touched.append(at)
            for verdict in row.verdicts:
                if verdict.question not in self.questions:
                    self.questions.append(verdict.question)
            self._rows[row.path] = row
            self._outdated.discard(row.path)
            self._answers[row.path] = answer_of(row, self.question)
        self._repaint(touched)
        if len(self.questions) > known:
            self.questions_changed.emit()
        waits = self._later.isActive()
        if touched and not waits and (self.order.by.needs_answers or self.filter.answer):
            self._later.start()

    def set_marks(self, marks: Mapping[Path, Marked]) -> None:
        """Show the analyst's marks: for a path the mark's word and whether there is a note."""
        before, self._marks = self._marks, dict(marks)
        changed = [p for p in before.keys() | marks.keys() if before.get(p) != marks.get(p)]
        self._repaint([at for path in changed if (at := self._listing.at.get(path)) is not None])
        if self.filter.mark is not None:
            self._choose()

    @property
    def question(self) -> str:
        """The question whose answers are shown first, sorted and filtered by."""
        return self._question or (self.questions[0] if self.questions else "")

    def set_question(self, question: str) -> None:
        """Choose the question."""
        self._question = question
        self._answers = {path: answer_of(row, question) for path, row in self._rows.items()}
        self._repaint(self._visible)
        self._arrange()

    # Order ------------------------------------------------------------------------------------

    def set_order(self, order: Order) -> None:
        """Show the files in another order."""
        self.order = order
        self._arrange()

    def set_filter(self, wanted: Filter) -> None:
        """Show other files of the list."""
        self.filter = wanted
        self._choose()

    def row_of(self, path: Path | None) -> int:
        """The row of a file; -1 if it is not shown."""
        at = self._listing.at.get(path) if path else None
        return -1 if at is None else self._row_at.get(at, -1)

    def rows_before(self, path: Path | None, unknown: int) -> int:
        """The number of rows before the place of a file, shown or not; else ``unknown``."""
        at = self._listing.at.get(path) if path else None
        if at is None:
            return unknown
        earlier = self._ordered[: self._ordered.index(at)]
        return sum(index in self._row_at for index in earlier)

    def _take_listing(self, listing: Listing) -> None:
        self._listing = listing
        self.paths = [entry.path for entry in listing.entries]
        self._ordered = ordered(listing.entries, self.order, self._answers)
        self._show(self._passing())

    def _arrange(self) -> None:
        self._later.stop()
        self._ordered = ordered(self._listing.entries, self.order, self._answers)
        self._choose()

    def _choose(self) -> None:
        visible = self._passing()
        if visible != self._visible:
            self.rearranging.emit()
            self._show(visible)

    def _passing(self) -> list[int]:
        entries = self._listing.entries
        return passing(entries, self._ordered, self.filter, self._answers, self._marks)

    def _show(self, visible: list[int]) -> None:
        self._visible = visible
        self._row_at = {at: row for row, at in enumerate(visible)}
        entries = self._listing.entries
        self.setStringList([entries[at].name for at in visible])
        self.rearranged.emit()

    def _repaint(self, touched: Sequence[int]) -> None:
        rows = [row for at in touched if (row := self._row_at.get(at, -1)) >= 0]
        if rows:
            self.dataChanged.emit(self.index(min(rows)), self.index(max(rows)))

    def _picture_made(self, entry: FolderEntry) -> None:
        if entry.stamp in self._listing.stamps:
            self._repaint([self._listing.at[entry.path]])

    # One row ----------------------------------------------------------------------------------

    def entry(self, row: int) -> FolderEntry:
        """The file of a row."""
        return self._listing.entries[self._visible[row]]

    def answer(self, row: int) -> Answer:
        """The answer to the chosen question."""
        return self._answers.get(self.entry(row).path, NO_ANSWER)[0]

    def marked(self, row: int) -> Marked:
        """The mark, and whether there is a note."""
        return self._marks.get(self.entry(row).path, NO_MARK)

    def detail(self, row: int) -> str:
        """The second line of a row: answers, or else date and size."""
        entry = self.entry(row)
        known, outdated = self._rows.get(entry.path), entry.path in self._outdated
        return detail(entry, known, self.question, outdated)

    def description(self, row: int, whole_path: bool) -> str:
        """Everything that is shown of a row, in lines."""
        return description(self.entry(row), self.detail(row), self.marked(row), whole_path)

    def picture(self, row: int) -> QPixmap | None:
        """The thumbnail; None if the file has none, a null one while it is being made."""
        return self.pictures.get(self.entry(row))

    # Qt ---------------------------------------------------------------------------------------

    def flags(self, index: _AnyIndex) -> Qt.ItemFlag:
        """Rows are there to be chosen, not to be written in."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Name, description and picture of one file."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.entry(row).name
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(self.description(row, whole_path=True))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.description(row, whole_path=False)
        return self.picture(row) if role == Qt.ItemDataRole.DecorationRole else None

    def close(self) -> None:
        """End the thumbnail thread."""
        self.pictures.close()
