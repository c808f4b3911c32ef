"""The most conspicuous pictures of a scan side by side, the first ones first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.detection.verdict import State
from app.gui.folder.delegate import paint_picture, text_colours
from app.gui.folder.listing import FolderEntry, listing_of
from app.gui.folder.pictures import FolderPictures
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.scan.columns import Answer, Columns
from app.gui.state_mark import is_filled, paint_mark
from app.gui.words import plain_tooltip, state_colour, state_word
from app.names import one_line

MOST = 60
"""Pictures at most."""

PICTURE = QSize(132, 84)
"""Room for one, in the window's units."""

_MARGIN = 5
_SYMBOL = 12

_AnyIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Contact:
    """One picture of the sheet.

    Attributes:
        at: the place of its file.
        question: that it is conspicuous for.
        state: positive or inconclusive.
        score: calibrated.
    """

    at: int
    question: str
    state: State
    score: float


def most_conspicuous(columns: Columns, most: int = MOST) -> list[Contact]:
    """Positive ones by their highest score, then those that are more likely so than not."""
    size = len(columns.rows)
    best, question_of = np.full(size, -1.0), np.zeros(size, np.int64)
    names = list(columns.answers)
    for number, answers in enumerate(columns.answers.values()):
        # One more for positive ones: every one of them comes before the others.
        rank = answers.score + (answers.answer == Answer.POSITIVE)
        better = answers.conspicuous & (rank > best)
        best[better], question_of[better] = rank[better], number
    places = np.flatnonzero(best >= 0)
    if len(places) > most:
        places = places[best[places] >= np.partition(best[places], -most)[-most]]
    places = places[np.argsort(-best[places], kind="stable")][:most]
    found = []
    for at in places.tolist():
        question = names[question_of[at]]
        answers = columns.answers[question]
        positive = answers.answer[at] == Answer.POSITIVE
        state = State.POSITIVE if positive else State.INCONCLUSIVE
        found.append(Contact(at, question, state, float(answers.score[at])))
    return found


class ContactModel(QAbstractListModel):
    """The pictures of the sheet."""

    def __init__(self, source: ThumbnailSource | None, parent: QObject) -> None:
        super().__init__(parent)
        self.contacts: list[Contact] = []
        self.columns: Columns | None = None
        self._entries: list[FolderEntry] = []
        self.pictures = FolderPictures(source, self, PICTURE)
        self.pictures.made.connect(self._made)

    def start(self, columns: Columns, roots: Sequence[Path]) -> None:
        """Show other files; ``roots`` are the opened folders, in which nothing is cached."""
        self.beginResetModel()
        self.columns, self.contacts, self._entries = columns, [], []
        self.pictures.start_over(roots)
        self.endResetModel()

    def show(self, contacts: list[Contact]) -> None:
        """Show these."""
        assert self.columns is not None
        rows = [self.columns.row(contact.at) for contact in contacts]
        listing = listing_of((row.path, row.size, row.modified_ns) for row in rows)
        self.beginResetModel()
        self.contacts, self._entries = contacts, list(listing.entries)
        self.endResetModel()

    def words(self, row: int) -> str:
        """State and score."""
        contact = self.contacts[row]
        return f"{state_word(contact.state)} {contact.score:.2f}"

    def question(self, row: int) -> str:
        """The question that is answered, where there are several."""
        return self.contacts[row].question if self.several else ""

    @property
    def several(self) -> bool:
        """Whether there are several questions."""
        return self.columns is not None and len(self.columns.answers) > 1

    def name(self, row: int) -> str:
        """The file's name as it is shown."""
        return self._entries[row].name

    def path(self, row: int) -> Path:
        """The file."""
        return self._entries[row].path

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Pictures."""
        return 0 if parent.isValid() else len(self.contacts)

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Name, and everything that is shown of a picture."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.name(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(f"{one_line(str(self.path(row)))}\n{self._said(row)}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.name(row)}\n{self._said(row)}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self.pictures.get(self._entries[row])
        return None

    def _said(self, row: int) -> str:
        return f"{self.question(row)} {self.words(row)}".strip()

    def _made(self, entry: FolderEntry) -> None:
        for row, shown in enumerate(self._entries):
            if shown.stamp == entry.stamp:
                self.dataChanged.emit(self.index(row), self.index(row))


class _ContactDelegate(QStyledItemDelegate):
    """A picture with its name and answer below."""

    def __init__(self, model: ContactModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        """The same for all."""
        lines = (3 if self._model.several else 2) * QFontMetrics(option.font).height() + 4
        return PICTURE + QSize(4 * _MARGIN, 3 * _MARGIN + lines)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        """Draw one."""
        row = index.row()
        self._model.pictures.set_pixel_ratio(option.widget.devicePixelRatioF())
        painter.save()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        option.widget.style().drawPrimitive(panel, option, painter, option.widget)
        inner = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        name_colour, faint = text_colours(option, selected)
        picture = self._model.data(index, Qt.ItemDataRole.DecorationRole)
        room = QRect(inner.topLeft(), QSize(inner.width(), PICTURE.height()))
        room = room.adjusted(_MARGIN, 0, -_MARGIN, 0)
        paint_picture(painter, room, picture, name_colour)  # type: ignore[arg-type]
        painter.setFont(option.font)
        metrics = QFontMetrics(option.font)
        line = QRect(inner.left(), room.bottom() + _MARGIN, inner.width(), metrics.height())
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        middle, right = Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight
        painter.setPen(name_colour)
        name = metrics.elidedText(self._model.name(row), middle, line.width())
        painter.drawText(line, flags | int(Qt.TextFlag.TextSingleLine), name)
        line.translate(0, metrics.height() + 2)
        state = self._model.contacts[row].state
        ink = name_colour if selected else state_colour(state, option.palette)
        centre = QPointF(line.left() + _SYMBOL / 2, line.center().y() + 0.5)
        paint_mark(painter, centre, is_filled(state), ink)
        line.setLeft(line.left() + _SYMBOL + 2)
        painter.setPen(ink)
        words = metrics.elidedText(self._model.words(row), right, line.width())
        painter.drawText(line, flags, words)
        if question := self._model.question(row):
            line.translate(0, metrics.height())
            painter.setPen(faint)
            painter.drawText(line, flags, metrics.elidedText(question, right, line.width()))
        painter.restore()


class ContactSheet(QListView):
    """Click, Enter or arrow keys open a picture.

    Signals:
        opened: path of a picture to look at.
    """

    opened = Signal(object)

    def __init__(self, source: ThumbnailSource | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.contacts = ContactModel(source, self)
        self._sentence = ""
        self.setModel(self.contacts)
        self.setItemDelegate(_ContactDelegate(self.contacts, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("The most conspicuous pictures")
        self.setMinimumSize(PICTURE.width() + 60, 60)
        self.activated.connect(self._open)

    def show_of(self, columns: Columns) -> None:
        """Show the most conspicuous pictures of these rows."""
        found = most_conspicuous(columns)
        if found == self.contacts.contacts:
            return
        current, place = self.currentIndex(), self.verticalScrollBar().value()
        at = self.contacts.contacts[current.row()].at if current.isValid() else -1
        self.contacts.show(found)
        self.doItemsLayout()
        row = next((row for row, contact in enumerate(found) if contact.at == at), -1)
        if row >= 0:
            self.setCurrentIndex(self.contacts.index(row))
        self.verticalScrollBar().setValue(place)

    def explain(self, sentence: str) -> None:
        """Show ``sentence`` while there is no picture."""
        if sentence != self._sentence:
            self._sentence = sentence
            self.setAccessibleDescription(sentence)
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._open(self.indexAt(event.position().toPoint()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pictures, or why there are none."""
        super().paintEvent(event)
        if self._sentence and not self.contacts.contacts:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            room = self.viewport().rect().adjusted(12, 12, -12, -12)
            wrapped = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter
            painter.drawText(room, wrapped, self._sentence)
            painter.end()

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.contacts.path(index.row()))
