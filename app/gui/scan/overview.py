"""The overview of a scan: counts and scores of all rows, and the most conspicuous pictures."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.detection.card import Question
from app.detection.verdict import State
from app.gui.flow import FlowLayout
from app.gui.folder.thumbnails import ThumbnailSource
from app.gui.scan.columns import Answer, Columns
from app.gui.scan.contacts import MOST, ContactSheet
from app.gui.scan.histogram import Histogram, counted
from app.gui.scan.order import Filter, Wanted
from app.gui.scan.progress import ElidedLabel
from app.gui.scan.words import amount
from app.gui.scrolling import FollowingArea
from app.gui.state_mark import mark_icon
from app.gui.words import plain_tooltip

_LEFT, _RIGHT = 430, 330
"""How counts and pictures share the width, or the height, at first."""

_AGAIN_MS = 500
"""During a scan it is drawn this often at most."""


class Counts(QWidget):
    """A row of counts; each is a button that shows its rows.

    Signals:
        chosen: what a pressed count stands for.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self)
        self._flow.setSpacing(2)
        self.buttons: dict[object, QToolButton] = {}

    def show_counts(self, counts: Mapping[object, tuple[str, int, State | None]]) -> None:
        """Show (word, count, state) under what they stand for."""
        for key in [key for key in self.buttons if key not in counts]:
            gone = self.buttons.pop(key)
            self._flow.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for key, (word, count, state) in counts.items():
            if key not in self.buttons:
                button = QToolButton()
                button.setAutoRaise(True)
                button.setProperty("state", state.name if state else "")
                if isinstance(key, Answer):
                    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
                    button.setIconSize(QSize(12, 12))
                    button.setIcon(mark_icon(state, self.palette()))
                button.setToolTip(plain_tooltip(f"Show these rows: {word}"))
                button.clicked.connect(partial(self.chosen.emit, key))
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                self.buttons[key] = button
                self._flow.addWidget(button)
            self.buttons[key].setText(f"{count:,} {word}")
        if list(self.buttons) != list(counts):
            # In their order, whatever came first.
            self.buttons = {key: self.buttons[key] for key in counts}
            for button in self.buttons.values():
                self._flow.removeWidget(button)
                self._flow.addWidget(button)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for button in self.buttons.values():
                name = button.property("state")
                if name and not button.icon().isNull():
                    button.setIconSize(QSize(12, 12))
                    button.setIcon(mark_icon(State[name], self.palette()))


class QuestionOverview(QWidget):
    """Counts and scores for one question.

    Signals:
        wanted: a `Filter` for the table.
    """

    wanted = Signal(object)

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = question
        heading = ElidedLabel()
        heading.show_text(f"{question.id.capitalize()}: {question.text}")
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.counts = Counts()
        self.histogram = Histogram(question)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(1)
        layout.addWidget(heading)
        layout.addWidget(self.counts)
        layout.addWidget(self.histogram, 1)
        self.counts.chosen.connect(self._answer_chosen)
        self.histogram.chosen.connect(self._bar_chosen)

    def show_of(self, columns: Columns) -> None:
        """Show these rows."""
        counts = columns.answer_counts(self.question.id)
        self.counts.show_counts(
            {answer: (answer.word, count, answer.state) for answer, count in counts.items()}
        )
        answers = columns.answers[self.question.id]
        self.histogram.show_counts(counted(answers.score[columns.present]))

    def _answer_chosen(self, answer: Answer) -> None:
        self.wanted.emit(Filter(answers={self.question.id: Wanted(answer)}))

    def _bar_chosen(self, least: float, below: float | None) -> None:
        self.wanted.emit(Filter(answers={self.question.id: Wanted(None, least, below)}))


class Overview(QWidget):
    """Counts and scores, and beside or below them the contact sheet.

    Signals:
        filter_wanted: a `Filter` for the table.
        opened: path of a picture to look at.
    """

    filter_wanted = Signal(object)
    opened = Signal(object)

    def __init__(
        self, source: ThumbnailSource | None = None, parent: QWidget | None = None
    ) -> None:
        """``source`` makes the thumbnails; None decodes here and keeps none on disk."""
        super().__init__(parent)
        self._columns: Columns | None = None
        self.questions: list[QuestionOverview] = []
        self.heading = QLabel("No scan yet")
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setContentsMargins(0, 3, 0, 0)
        self.statuses = Counts()
        self.statuses.chosen.connect(lambda name: self.filter_wanted.emit(Filter(status=name)))
        self.sheet = ContactSheet(source)
        self.sheet.opened.connect(self.opened)
        self._left = QWidget()
        self._column = QVBoxLayout(self._left)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(2)
        top = QHBoxLayout()
        top.addWidget(self.heading, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.statuses, 1)
        self._column.addLayout(top)
        area = FollowingArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # A frame that the high contrast draws around every other area would only shut it in.
        area.setStyleSheet("QScrollArea { border: none; }")
        area.setWidget(self._left)
        self.splitter = QSplitter()
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(area)
        self.splitter.addWidget(self.sheet)
        self.splitter.setSizes([_LEFT, _RIGHT])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.splitter)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._show)
        self._outdated = False
        self._show()

    def begin(
        self, columns: Columns, questions: Sequence[Question], roots: Sequence[Path] = ()
    ) -> None:
        """Show the rows of another scan.

        Args:
            columns: of the table.
            questions: with the operating points to draw.
            roots: opened folders and files, in which no thumbnail is cached.
        """
        if columns is not self._columns:
            self._columns = columns
            self.sheet.contacts.start(columns, roots)
            self._drop(self.questions)
            self.questions = []
        known = {shown.question.id for shown in self.questions}
        for question in questions:
            if question.id not in known:
                shown = QuestionOverview(question)
                shown.wanted.connect(self.filter_wanted)
                self.questions.append(shown)
                self._column.addWidget(shown, 1)
        self._show()

    def refresh(self) -> None:
        """Rows have arrived: show them soon."""
        self._outdated = True
        if self.isVisible() and not self._again.isActive():
            self._again.start()

    def finish(self) -> None:
        """The scan has ended: show all of it now."""
        self._again.stop()
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """What arrived while it was not seen."""
        super().showEvent(event)
        if self._outdated:
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a high place the pictures stand below the counts."""
        super().resizeEvent(event)
        high = self.height() > self.width()
        wanted = Qt.Orientation.Vertical if high else Qt.Orientation.Horizontal
        if self.splitter.orientation() != wanted:
            self.splitter.setOrientation(wanted)
            self.splitter.setSizes([_LEFT, _RIGHT])

    def close_pictures(self) -> None:
        """End the thumbnail thread."""
        self.sheet.contacts.pictures.close()

    def _show(self) -> None:
        self._outdated = False
        columns = self._columns
        if columns is None:
            self.sheet.explain("After a scan the most conspicuous pictures stand here.")
            return
        self.heading.setText(f"{amount(columns.count, 'row')}:")
        self.statuses.show_counts(
            {
                name: (name.replace("_", " "), count, None)
                for name, count in columns.status_counts().items()
            }
        )
        for shown in self.questions:
            shown.show_of(columns)
        self.sheet.show_of(columns)
        self.sheet.explain(_nothing(columns))

    def _drop(self, widgets: Sequence[QWidget]) -> None:
        for widget in widgets:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()


def _nothing(columns: Columns) -> str:
    """Why the sheet is empty."""
    if not columns.answers:
        return "No model was asked, so no picture is conspicuous."
    return (
        "No picture is conspicuous: positive, or inconclusive with a score of at least 0.5. "
        f"Up to {MOST} of them stand here."
    )
