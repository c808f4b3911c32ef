"""The verdict on the current image: state, score on its scale, model, and the ground."""

from html import escape

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.detection.card import ModelCard, Question
from app.detection.verdict import State, Verdict
from app.gui.words import state_colour, state_word


class ScoreScale(QWidget):
    """The calibrated score from 0 to 1 with the three zones of the operating point."""

    def __init__(self, question: Question, score: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question = question
        self._score = score
        self.setFixedHeight(2 * self.fontMetrics().height() + 20)
        threshold = question.operating_point.threshold
        self.setAccessibleName(
            f"Score {score:.2f}; negative below {question.inconclusive_below:.2f}, "
            f"positive from {threshold:.2f}"
        )

    def sizeHint(self) -> QSize:
        """As wide as the panel allows."""
        return QSize(220, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the zones, their limits and the score."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        line = metrics.height()
        left, width = 4.0, self.width() - 8.0
        top, height = line + 8.0, 10.0
        low = self._question.inconclusive_below
        high = self._question.operating_point.threshold
        zones = (
            (0.0, low, State.NEGATIVE),
            (low, high, State.INCONCLUSIVE),
            (high, 1.0, State.POSITIVE),
        )
        for start, end, state in zones:
            zone = QRectF(left + start * width, top, (end - start) * width, height)
            painter.fillRect(zone, state_colour(state, self.palette()))
        text = self.palette().color(QPalette.ColorRole.WindowText)
        x = left + self._score * width
        mark = QRectF(round(x) - 1, top - 3, 2, height + 6)
        # A rim in the window's colour keeps the mark apart from every zone.
        painter.fillRect(mark.adjusted(-2, 0, 2, 0), self.palette().window())
        painter.fillRect(mark, text)
        painter.setPen(text)
        label = f"{self._score:.2f}"
        half = metrics.horizontalAdvance(label) / 2
        at = min(max(x - half, left), left + width - 2 * half)
        painter.drawText(round(at), metrics.ascent() + 2, label)
        below = round(top + height + 2 + metrics.ascent())
        for limit in (low, high):
            limit_text = f"{limit:.2f}"
            half = metrics.horizontalAdvance(limit_text) / 2
            at = min(max(left + limit * width - half, left), left + width - 2 * half)
            painter.drawText(round(at), below, limit_text)


class _RichLabel(QLabel):
    """A line of HTML that wraps and can be selected."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )


class _StateLabel(_RichLabel):
    """The word for a state, in the state's colour on whatever palette is in force."""

    def __init__(self, state: State) -> None:
        super().__init__("")
        self._state = state
        self._colour()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        colour = state_colour(self._state, self.palette()).name()
        word = state_word(self._state).capitalize()
        self.setText(f'<span style="font-size:large; color:{colour}"><b>{word}</b></span>')


class VerdictPanel(QWidget):
    """All answers on the current image, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_text("Select an image.")

    def show_text(self, text: str) -> None:
        """Show a sentence instead of a verdict."""
        self._clear()
        self._add(escape(text))

    def show_verdicts(
        self, answers: list[tuple[ModelCard, Verdict]], refusals: tuple[str, ...]
    ) -> None:
        """Show the answers of all models, and which models are not used."""
        self._clear()
        if not answers:
            self._add("No model is installed, so there is no verdict.")
        for card, verdict in answers:
            question = next(q for q in card.questions if q.id == verdict.question)
            self._add(f"<b>{escape(question.text)}</b>")
            self._layout.addWidget(_StateLabel(verdict.state))
            if verdict.score is not None:
                self._layout.addWidget(ScoreScale(question, verdict.score))
            self._add(escape(verdict.reason))
            model = escape(f"Model {card.name} {card.version}.")
            reference = escape(f"Reference: {question.reference_population}")
            self._add(f"<small>{model} {reference}</small>")
        for sentence in refusals:
            self._add(f"<small>{escape(sentence)}</small>")

    def _add(self, text: str) -> None:
        """Add a line of HTML."""
        self._layout.addWidget(_RichLabel(text))

    def _clear(self) -> None:
        while item := self._layout.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
