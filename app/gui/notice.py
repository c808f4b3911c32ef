"""A notice above the picture: what did not work, in a sentence, with details to copy."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.errors import ElascopeError


class Notice(QFrame):
    """Hidden until something is to be said; it never blocks the work."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("Notice")
        # The colours of a tooltip stand out from the window in every palette.
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self._details = ""
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setForegroundRole(QPalette.ColorRole.ToolTipText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._copy = QPushButton("Copy details")
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details))
        close = QToolButton()
        close.setText("×")
        close.setAccessibleName("Close the notice")
        close.setToolTip("Close (Esc)")
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 4, 4)
        layout.addWidget(self.label, 1)
        layout.addWidget(self._copy)
        layout.addWidget(close)
        self.hide()

    def say(self, sentence: str, details: str = "") -> None:
        """Show ``sentence``."""
        self.label.setText(sentence)
        self._details = f"{sentence}\n{details}".strip()
        self._copy.setVisible(bool(details))
        self.show()

    def say_error(self, what: str, error: ElascopeError) -> None:
        """Show what failed, and why."""
        self.say(f"{what} {error.sentence}", error.detail)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Escape, wherever inside the notice the focus is."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
