"""Above the list of files: which ones, and in which order."""

from collections.abc import Iterable, Sequence
from enum import Enum

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.gui.folder.order import Answer, Filter, MarkChoice, Order, Sort

_NARROWEST = 76
"""Width of a combo box, in the window's units, with room for half a word."""


class FolderHeader(QWidget):
    """Filter by name, state and mark; order and its direction; the question that is meant.

    Signals:
        filter_changed: a `Filter`.
        order_changed: an `Order`.
        question_changed: the id of the question.
        left: the keyboard wants to go on to the list.
    """

    filter_changed = Signal(object)
    order_changed = Signal(object)
    question_changed = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter_edit = QLineEdit(placeholderText="Part of a name", clearButtonEnabled=True)
        self.filter_edit.setAccessibleName("Show only files with this in their name")
        self.sort = _combo("Order of the files", Sort)
        self.direction = QToolButton()
        self.direction.setCheckable(True)
        self.answer = _combo("Show only files with this state", Answer, "All states")
        self.mark = _combo("Show only files with this mark", (), "All marks")
        self.question = _combo("Question whose state and score are meant", ())
        for hidden in (self.mark, self.question):
            hidden.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.setSpacing(4)
        layout.addWidget(self.filter_edit)
        layout.addLayout(_side_by_side(self.sort, self.direction))
        layout.addLayout(_side_by_side(self.answer, self.mark))
        layout.addWidget(self.question)
        self._turn(False)
        self.filter_edit.textChanged.connect(self._filter)
        self.filter_edit.returnPressed.connect(self.left)
        self.answer.currentIndexChanged.connect(self._filter)
        self.mark.currentIndexChanged.connect(self._filter)
        self.sort.currentIndexChanged.connect(self._order)
        self.direction.toggled.connect(self._turn)
        self.direction.toggled.connect(self._order)
        self.question.currentTextChanged.connect(self.question_changed)

    def reset(self) -> None:
        """Show all files, without telling; the order stays."""
        for widget in (self.filter_edit, self.answer, self.mark, self.question):
            with QSignalBlocker(widget):
                if isinstance(widget, QLineEdit):
                    widget.clear()
                else:
                    widget.setCurrentIndex(0)
        self.set_marks((), False)
        self.set_questions((), "")

    def set_questions(self, questions: Sequence[str], current: str) -> None:
        """Offer ``questions``; a choice of one is none."""
        with QSignalBlocker(self.question):
            self.question.clear()
            self.question.addItems(questions)
            self.question.setCurrentText(current)
        self.question.setVisible(len(questions) > 1)

    def set_marks(self, words: Iterable[str], any_marked: bool) -> None:
        """Offer the marks that are there, and the one that is chosen."""
        chosen = self.mark.currentData()
        offered = set(words) | ({chosen} if isinstance(chosen, str) else set())
        with QSignalBlocker(self.mark):
            while self.mark.count() > 1:
                self.mark.removeItem(1)
            for choice in MarkChoice:
                self.mark.addItem(choice.value, choice)
            for word in sorted(offered):
                self.mark.addItem(word, word)
            self.mark.setCurrentIndex(max(_place(self.mark, chosen), 0))
        self.mark.setVisible(any_marked or chosen is not None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What the filter leaves over: down goes to the list, Escape empties the filter first."""
        if not self.filter_edit.hasFocus():
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape and self.filter_edit.text():
            self.filter_edit.clear()
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Down):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _filter(self) -> None:
        text, answer = self.filter_edit.text(), self.answer.currentData()
        self.filter_changed.emit(Filter(text, answer, self.mark.currentData()))

    def _order(self) -> None:
        self.order_changed.emit(Order(self.sort.currentData(), self.direction.isChecked()))

    def _turn(self, descending: bool) -> None:
        word = "Descending" if descending else "Ascending"
        arrow = Qt.ArrowType.DownArrow if descending else Qt.ArrowType.UpArrow
        self.direction.setArrowType(arrow)
        self.direction.setAccessibleName(f"{word} order")
        self.direction.setToolTip(f"{word}; press to turn the order round")


def _side_by_side(*widgets: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, QComboBox) else 0)
    return layout


def _combo(name: str, choices: Iterable[Enum], everything: str = "") -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    combo.setSizeAdjustPolicy(policy)
    combo.setMinimumWidth(_NARROWEST)
    if everything:
        combo.addItem(everything, None)
    for choice in choices:
        combo.addItem(str(choice.value), choice)
    return combo


def _place(combo: QComboBox, data: object) -> int:
    """The item with ``data``; QComboBox.findData compares objects by their address."""
    return next((at for at in range(combo.count()) if combo.itemData(at) == data), -1)
