"""The verdict on the current image: each question's answer, its ground, and what else speaks."""

from collections.abc import Mapping, Sequence
from html import escape

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.detection.card import ModelCard
from app.detection.verdict import State, Verdict
from app.gui.score_scale import ScoreScale
from app.gui.where.found import COPY_MOVE, Found
from app.gui.words import state_colour, state_word
from app.report.agreement import score_and_copies, score_and_map

ALTERED = "tampered"
"""The question that a search for copies speaks about too."""

_ORDER = (ALTERED, "generated")
"""Questions that stand first."""

_TRYING = (
    "Preliminary: how far the score moves when the picture is saved again, reduced or cropped is "
    "being tried."
)


class _RichLabel(QLabel):
    """A line of HTML that wraps and can be selected."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )


class _StateLabel(_RichLabel):
    """The word for a state, in the state's colour on whatever palette is in force."""

    def __init__(self, state: State, preliminary: bool) -> None:
        super().__init__()
        self._state = state
        self._more = " <small>(preliminary)</small>" if preliminary else ""
        self._colour()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        colour = state_colour(self._state, self.palette()).name()
        word = state_word(self._state).capitalize()
        self.setText(
            f'<span style="font-size:large; color:{colour}"><b>{word}</b></span>{self._more}'
        )


class AnswerView(QWidget):
    """One question with its answer. The buttons stay while the answer becomes final.

    Signals:
        where_wanted: id of the question.
        card_wanted: name of the model.
    """

    where_wanted = Signal(str)
    card_wanted = Signal(str)

    def __init__(self, card: ModelCard, question: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card = card
        self._question = next(q for q in card.questions if q.id == question)
        self._state: State | None = None
        self._answer = QVBoxLayout()
        self._notes = _RichLabel()
        self._notes.hide()
        self.where = QPushButton("Show where")
        self.where.setAccessibleName(f"Show where: {self._question.text}")
        self.where.setToolTip("The model's map over the picture, with the regions that it marks")
        if card.where is None or card.where.question != question:
            self.where.hide()
        self.where.clicked.connect(lambda: self.where_wanted.emit(question))
        self.card = QPushButton("Model card…")
        self.card.setAccessibleName(f"Model card of {card.name}")
        self.card.setToolTip("What the model was trained on, how it was measured, what it misses")
        self.card.clicked.connect(lambda: self.card_wanted.emit(card.name))
        buttons = QHBoxLayout()
        buttons.addWidget(self.where)
        buttons.addWidget(self.card)
        buttons.addStretch()
        model = escape(f"Model {card.name} {card.version}.")
        reference = escape(f"Reference: {self._question.reference_population}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.addWidget(_RichLabel(f"<b>{escape(self._question.text)}</b>"))
        layout.addLayout(self._answer)
        layout.addWidget(self._notes)
        layout.addWidget(_RichLabel(f"<small>{model} {reference}</small>"))
        layout.addLayout(buttons)

    @property
    def key(self) -> tuple[str, str]:
        """Model and question."""
        return self._card.name, self._question.id

    def show_answer(self, verdict: Verdict, preliminary: bool) -> None:
        """Show the answer."""
        _clear(self._answer)
        self._state = verdict.state
        self._answer.addWidget(_StateLabel(verdict.state, preliminary))
        if verdict.score is not None:
            self._answer.addWidget(ScoreScale(self._question, verdict))
        self._answer.addWidget(_RichLabel(escape(verdict.reason)))
        moved = _TRYING if preliminary else stability(verdict)
        if moved:
            self._answer.addWidget(_RichLabel(escape(moved)))
        outside = verdict.state is State.OUTSIDE_VALIDITY
        self.where.setEnabled(not outside)

    def show_evidence(self, known: Mapping[str, Found]) -> None:
        """Say which of what was found on this image speaks for what."""
        sentences = []
        if self._state is not None:
            found, copies = known.get(self._question.id), known.get(COPY_MOVE)
            if found is not None and self._state is not State.OUTSIDE_VALIDITY:
                sentences.append(score_and_map(self._state, found.own))
            if copies is not None and self._question.id == ALTERED:
                counts = self._card.copy_move is not None
                sentences.append(score_and_copies(self._state, copies.shown, counts))
        self._notes.setText("".join(f"<p>{escape(sentence)}</p>" for sentence in sentences))
        self._notes.setVisible(bool(sentences))


def stability(verdict: Verdict) -> str:
    """How far the score moves over mild variations of the picture; empty where none were tried."""
    if verdict.low is None or verdict.high is None:
        return ""
    low, high = f"{verdict.low:.2f}", f"{verdict.high:.2f}"
    if low == high:
        return f"Saved again, reduced or cropped, it still scores {low}."
    return f"Saved again, reduced or cropped, it scores {low} to {high}."


class VerdictPanel(QWidget):
    """All answers on the current image, one below the other.

    Signals:
        where_wanted: id of a question whose model says where.
        card_wanted: name of a model.
    """

    where_wanted = Signal(str)
    card_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: Mapping[str, Found] = {}
        self.views: list[AnswerView] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_text("Select an image.")

    def show_text(self, text: str) -> None:
        """Show a sentence instead of a verdict."""
        self._start()
        self._layout.addWidget(_RichLabel(escape(text)))

    def show_verdicts(
        self,
        answers: Sequence[tuple[ModelCard, Verdict]],
        refusals: tuple[str, ...],
        preliminary: bool = False,
    ) -> None:
        """Show the answers of all models, and which models are not used."""
        ordered = sorted(answers, key=lambda answer: _rank(answer[1].question))
        keys = [(card.name, verdict.question) for card, verdict in ordered]
        if not keys or [view.key for view in self.views] != keys:
            self._build(ordered, refusals)
        for view, (_, verdict) in zip(self.views, ordered, strict=True):
            view.show_answer(verdict, preliminary and verdict.score is not None)
        self.show_evidence(self._known)

    def show_evidence(self, known: Mapping[str, Found]) -> None:
        """Say beside each answer what else was found on this image."""
        self._known = known
        for view in self.views:
            view.show_evidence(known)

    def _build(
        self, answers: Sequence[tuple[ModelCard, Verdict]], refusals: tuple[str, ...]
    ) -> None:
        self._start()
        if not answers:
            self._layout.addWidget(_RichLabel("No model is installed, so there is no verdict."))
        for card, verdict in answers:
            view = AnswerView(card, verdict.question)
            view.where_wanted.connect(self.where_wanted)
            view.card_wanted.connect(self.card_wanted)
            self.views.append(view)
            self._layout.addWidget(view)
        for sentence in refusals:
            self._layout.addWidget(_RichLabel(f"<small>{escape(sentence)}</small>"))

    def _start(self) -> None:
        self.views = []
        _clear(self._layout)


def _rank(question: str) -> int:
    return _ORDER.index(question) if question in _ORDER else len(_ORDER)


def _clear(layout: QVBoxLayout) -> None:
    while item := layout.takeAt(0):
        if widget := item.widget():
            widget.hide()
            widget.deleteLater()
