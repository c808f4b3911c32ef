"""Above the rows of a scan: which of them are shown, and how many that are."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.gui.flow import FlowLayout
from app.gui.scan.columns import Answer
from app.gui.scan.order import PROBLEMS, Filter, Wanted, in_words
from app.gui.scan.words import shown_of
from app.gui.words import plain_tooltip
from app.scan.rows import STATUSES

_NARROWEST = 76
"""Width of a combo box, in the window's units, with room for half a word."""


class QuestionFilter:
    """The answers and scores to one question that are wanted."""

    def __init__(self, question: str, alone: bool) -> None:
        self.question = question
        self._below: float | None = None
        self.answer = QComboBox()
        self.answer.setAccessibleName(f"Show only rows with this answer: {question}")
        self.answer.addItem("All states" if alone else f"{question}: all", None)
        for answer in Answer:
            text = answer.word if alone else f"{question}: {answer.word}"
            self.answer.addItem(text, answer)
        self.answer.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.answer.setMinimumContentsLength(12 if alone else 10)
        self.answer.setMinimumWidth(_NARROWEST)
        self.least = QDoubleSpinBox(
            minimum=0.0, maximum=1.0, singleStep=0.05, decimals=2, prefix="from "
        )
        self.least.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.least.setSpecialValueText("any score")
        self.least.setAccessibleName(f"Smallest score: {question}")
        for widget in (self.answer, self.least):
            widget.setToolTip(plain_tooltip(widget.accessibleName()))

    @property
    def wanted(self) -> Wanted:
        """What is set."""
        # Rounded: 0.15 on the screen is to be 0.15 in the comparison.
        return Wanted(self.answer.currentData(), round(self.least.value(), 2), self._below)

    def show(self, wanted: Wanted) -> None:
        """Set it, without telling."""
        with QSignalBlocker(self.answer), QSignalBlocker(self.least):
            place = 0 if wanted.answer is None else 1 + list(Answer).index(wanted.answer)
            self.answer.setCurrentIndex(place)
            self.least.setValue(wanted.least)
            self._show_below(wanted.below)

    def forget_below(self) -> None:
        """Another smallest score was set by hand: there is no highest one any more."""
        self._show_below(None)

    def _show_below(self, below: float | None) -> None:
        self._below = below
        with QSignalBlocker(self.least):
            self.least.setSuffix("" if below is None else f" to {below:.2f}")
            # Of scores below 0.05 the smallest is none: the text must not say “any score”.
            self.least.setSpecialValueText("any score" if below is None else "")


class FilterBar(QWidget):
    """Filter by name, status, answers and scores.

    Attributes:
        shown: a label that says how many rows are shown, to be placed by the panel.
        all_button: takes every condition away, to be placed by the panel.

    Signals:
        changed: a `Filter`.
        left: the keyboard wants to go on to the rows.
    """

    changed = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLineEdit(placeholderText="Part of a name", clearButtonEnabled=True)
        self.text.setAccessibleName("Show only rows with this in their name or folder")
        self.text.setFixedWidth(100)
        self.status = QComboBox()
        self.status.setAccessibleName("Show only rows with this status")
        self.status.addItem("All statuses", "")
        self.status.addItem(PROBLEMS, PROBLEMS)
        for status in STATUSES:
            self.status.addItem(status.replace("_", " "), status)
        self.status.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.status.setMinimumContentsLength(6)
        self.status.setMinimumWidth(_NARROWEST)
        self.conspicuous = QCheckBox("Conspicuous")
        self.conspicuous.setToolTip(
            plain_tooltip(
                "Only rows that are positive, or inconclusive with a score of at least 0.5"
            )
        )
        self.questions: dict[str, QuestionFilter] = {}
        self.all_button = QPushButton("Show all")
        self.all_button.setToolTip("Take every condition away")
        self.shown = QLabel()
        self.shown.setTextFormat(Qt.TextFormat.PlainText)
        self._flow = FlowLayout(self)
        self._flow.setSpacing(4)
        for widget in (self.text, self.status):
            self._flow.addWidget(widget)
        self._last = (self.conspicuous,)
        for last in self._last:
            self._flow.addWidget(last)
        self.text.textChanged.connect(self._tell)
        self.text.returnPressed.connect(self.left)
        self.status.currentIndexChanged.connect(self._tell)
        self.conspicuous.toggled.connect(self._tell)
        self.all_button.clicked.connect(lambda: self.set_filter(Filter()))
        self._say_conditions()

    def set_questions(self, questions: Sequence[str]) -> None:
        """Have conditions for these questions; all of them are taken away."""
        for old in self.questions.values():
            for widget in (old.answer, old.least):
                self._flow.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self.questions = {q: QuestionFilter(q, len(questions) == 1) for q in questions}
        for last in self._last:
            self._flow.removeWidget(last)
        for of_question in self.questions.values():
            self._flow.addWidget(of_question.answer)
            self._flow.addWidget(of_question.least)
            of_question.answer.currentIndexChanged.connect(self._tell)
            of_question.least.valueChanged.connect(of_question.forget_below)
            of_question.least.valueChanged.connect(self._tell)
        for last in self._last:
            self._flow.addWidget(last)
        self._set_tab_order()
        self.show_filter(Filter())

    @property
    def filter(self) -> Filter:
        """What is set."""
        answers = {name: q.wanted for name, q in self.questions.items() if q.wanted != Wanted()}
        return Filter(
            self.text.text(), self.status.currentData(), answers, self.conspicuous.isChecked()
        )

    def set_filter(self, wanted: Filter) -> None:
        """Set all conditions, and tell."""
        self.show_filter(wanted)
        self.changed.emit(self.filter)

    def show_filter(self, wanted: Filter) -> None:
        """Set all conditions, without telling."""
        with (
            QSignalBlocker(self.text),
            QSignalBlocker(self.status),
            QSignalBlocker(self.conspicuous),
        ):
            self.text.setText(wanted.text)
            self.status.setCurrentIndex(max(self.status.findData(wanted.status), 0))
            self.conspicuous.setChecked(wanted.conspicuous)
        for name, of_question in self.questions.items():
            of_question.show(wanted.answers.get(name, Wanted()))
        self._say_conditions()

    def say_shown(self, shown: int, total: int) -> None:
        """Say how many rows are shown."""
        text = shown_of(shown, total)
        if text != self.shown.text():
            self.shown.setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What a field leaves over: down goes to the rows, Escape empties the text first."""
        if not self.text.hasFocus():
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape and self.text.text():
            self.text.clear()
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Down):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _tell(self) -> None:
        self._say_conditions()
        self.changed.emit(self.filter)

    def _say_conditions(self) -> None:
        conditions = in_words(self.filter)
        self.all_button.setEnabled(bool(conditions))
        self.shown.setToolTip(plain_tooltip(conditions) if conditions else "")

    def _set_tab_order(self) -> None:
        chain: list[QWidget] = [self.text, self.status]
        for of_question in self.questions.values():
            chain += [of_question.answer, of_question.least]
        chain.append(self.conspicuous)
        for first, second in pairwise(chain):
            QWidget.setTabOrder(first, second)
