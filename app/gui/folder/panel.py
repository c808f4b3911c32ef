"""The folder: its images with thumbnails, answers and marks, sorted, filtered and watched."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QListView, QSizePolicy, QVBoxLayout, QWidget

from app.gui.folder.delegate import FolderDelegate
from app.gui.folder.header import FolderHeader
from app.gui.folder.listing import WATCHED_FOLDERS, Listing, listing_of
from app.gui.folder.listing import files_to_show as files_to_show
from app.gui.folder.model import FolderModel
from app.gui.folder.order import Filter, Order
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.folder.watch import FolderWatch
from app.gui.folder.words import count, nothing_shown
from app.gui.words import plain_tooltip
from app.names import one_line

_AnyIndex = QModelIndex | QPersistentModelIndex

_NARROWEST = 180
"""Width, in the window's units, at which names can still be told apart."""


class _List(QListView):
    """A list whose items never change their size, with a sentence in the place of no items."""

    def __init__(self) -> None:
        super().__init__()
        self._sentence = ""

    def explain(self, sentence: str) -> None:
        """Show ``sentence`` while there is no item."""
        self._sentence = sentence
        self.setAccessibleDescription(sentence)
        self.viewport().update()

    def dataChanged(self, first: _AnyIndex, last: _AnyIndex, roles: Sequence[int] = ()) -> None:
        """Paint again what is seen of it. Qt would measure all items for each thumbnail."""
        top, bottom = self.visualRect(first).top(), self.visualRect(last).bottom()
        width = self.viewport().width()
        changed = QRect(0, top, width, bottom - top + 1).intersected(self.viewport().rect())
        if not changed.isEmpty():
            self.viewport().update(changed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The items, or the sentence."""
        super().paintEvent(event)
        if self._sentence:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            room = self.viewport().rect().adjusted(12, 16, -12, -16)
            wrapped = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter
            painter.drawText(room, wrapped, self._sentence)
            painter.end()


class FolderPanel(QWidget):
    """The list with its heading, filter and order.

    The current file is the one that was last announced. It stays current while it is filtered out.

    Signals:
        selected: the path of the current file.
        changed_on_disk: the opened paths, in which something may have changed. List them again
            with `files_to_show` on a worker and hand the listing to `update_entries`.
    """

    selected = Signal(object)
    changed_on_disk = Signal(list)

    def __init__(
        self, source: ThumbnailSource | None = None, parent: QWidget | None = None
    ) -> None:
        """``source`` makes the thumbnails; None decodes here and keeps none on disk."""
        super().__init__(parent)
        self.model = FolderModel(source, self)
        self.title = ""
        self._current: Path | None = None
        self._last_row = 0
        self._anchors: list[tuple[Path, int]] = []
        self._roots: tuple[Path, ...] = ()
        self._watch = FolderWatch(self)
        self._watch.changed.connect(lambda: self.changed_on_disk.emit(list(self._roots)))
        self._heading = QLabel("No folder is open")
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self._heading.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._heading.setContentsMargins(6, 4, 6, 0)
        # A folder with a long name must not make the whole panel wide.
        self._heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.header = FolderHeader()
        self.filter_edit = self.header.filter_edit
        self.setMinimumWidth(_NARROWEST)
        self.list = self._build_list()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self._heading, self.header, self.list):
            layout.addWidget(widget)
        self._connect()

    def _build_list(self) -> _List:
        view = _List()
        view.setModel(self.model)
        view.setItemDelegate(FolderDelegate(self.model, view))
        view.setUniformItemSizes(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName("Images of the folder")
        return view

    def _connect(self) -> None:
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        self.list.clicked.connect(lambda index: self._announce(self.model.entry(index.row()).path))
        self.model.rearranging.connect(self._remember_place)
        self.model.rearranged.connect(self._restore_place)
        self.model.questions_changed.connect(
            lambda: self.header.set_questions(self.model.questions, self.model.question)
        )
        self.header.order_changed.connect(self._reorder)
        self.header.filter_changed.connect(self._refilter)
        self.header.question_changed.connect(self.model.set_question)
        self.header.left.connect(self._enter_list)

    # Content ----------------------------------------------------------------------------------

    def show_paths(self, title: str, paths: Listing | Sequence[Path]) -> None:
        """Show ``paths`` under ``title``, all of them, and select the first.

        Files given as mere paths have no date and no size, and their folders are not watched.
        """
        if not isinstance(paths, Listing):
            paths = listing_of((path, None, None) for path in paths)
        self.title = one_line(title)
        self._current, self._roots = None, paths.roots
        self.header.reset()
        self.model.set_listing(paths)
        self._watch_folders(paths)
        if self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(0))
        # Arrow keys go through the list at once, and no key ends up in the filter.
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def update_entries(self, listing: Listing) -> None:
        """Take over a new listing of the same paths; one of other paths came too late."""
        if listing.roots != self._roots:
            return
        self._watch_folders(listing)
        if self.model.update_entries(listing):
            self._watch.look_again()

    def _watch_folders(self, listing: Listing) -> None:
        unwatched = self._watch.watch(listing.folders)
        text = ""
        if listing.more_folders:
            text = f"There are more than {WATCHED_FOLDERS} folders; changes in the others show "
            text += "when the folder is opened again or the program comes back to the front."
        elif unwatched:
            text = f"{unwatched} of {len(listing.folders)} folders cannot be watched for changes."
        self._heading.setToolTip(plain_tooltip(f"{self.title}\n{text}".strip()))

    def set_marks(self, marks: Mapping[Path, tuple[str, bool]]) -> None:
        """Show the analyst's marks: for a path the mark's word and whether there is a note."""
        self.header.set_marks({mark for mark, _ in marks.values() if mark}, bool(marks))
        self.model.set_marks(marks)

    @property
    def current(self) -> Path | None:
        """The file that was last announced."""
        return self._current

    @property
    def roots(self) -> tuple[Path, ...]:
        """The opened folders and files."""
        return self._roots

    # Current file -----------------------------------------------------------------------------

    def select(self, path: Path) -> None:
        """Make ``path`` the current file; one that the list does not show is shown without it."""
        row = self.model.row_of(path)
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row))
            self.list.scrollTo(self.model.index(row))
        else:
            self.list.setCurrentIndex(QModelIndex())
        self._announce(path)

    def step(self, by: int) -> None:
        """Go ``by`` files down (or up) in the list as it is shown."""
        row = self.model.row_of(self._current)
        if row < 0:
            # Filtered out or vanished: its place is between two rows.
            row = self.model.rows_before(self._current, self._last_row) - (1 if by > 0 else 0)
        if 0 <= row + by < self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(row + by))

    def _current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self._announce(self.model.entry(current.row()).path)

    def _announce(self, path: Path) -> None:
        if path != self._current:
            self._current = path
            self._note_row()
            self.selected.emit(path)

    # Order and place --------------------------------------------------------------------------

    def _reorder(self, order: Order) -> None:
        self.model.set_order(order)
        self._show_current()

    def _refilter(self, wanted: Filter) -> None:
        self.model.set_filter(wanted)
        self._show_current()

    def _show_current(self) -> None:
        current = self.list.currentIndex()
        if current.isValid():
            self.list.scrollTo(current)
        else:
            self.list.scrollToTop()

    def _enter_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if not self.list.currentIndex().isValid() and self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(0))

    def _remember_place(self) -> None:
        """Note where the current file is, or else the first visible one."""
        view, current = self.list, self.list.currentIndex()
        inside = view.viewport().rect().intersects(view.visualRect(current))
        candidates = [current] if current.isValid() and inside else []
        candidates.append(view.indexAt(QPoint(view.viewport().width() // 2, 0)))
        self._anchors = [
            (self.model.entry(index.row()).path, view.visualRect(index).top())
            for index in candidates
            if index.isValid()
        ]
        self._note_row()

    def _note_row(self) -> None:
        """Note the current file's row for the case that it vanishes."""
        row = self.model.row_of(self._current)
        if row >= 0:
            self._last_row = row

    def _restore_place(self) -> None:
        row = self.model.row_of(self._current)
        self.list.doItemsLayout()
        # An index that is not valid is set as well: else the view makes its first file the
        # current one as soon as the keyboard comes to it.
        self.list.setCurrentIndex(self.model.index(row) if row >= 0 else QModelIndex())
        bar = self.list.verticalScrollBar()
        for path, top in self._anchors:
            row = self.model.row_of(path)
            if row >= 0:
                now = self.list.visualRect(self.model.index(row)).top()
                bar.setValue(bar.value() + now - top)
                break
        shown, total = self.model.rowCount(), len(self.model.paths)
        self._heading.setText(f"{self.title}\n{count(shown, total)}")
        self.list.explain(nothing_shown(shown, total))
