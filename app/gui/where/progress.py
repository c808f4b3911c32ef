"""How far a search is: the share, the time that is left, and a way to end it."""

import time

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

_SOON = 1.0
"""Seconds of work before which nothing is said of the time that is left."""


class Share:
    """The part of the work that is done. The thread that works sets it, the window looks at it."""

    def __init__(self) -> None:
        self.value = 0.0

    def tell(self, value: float) -> None:
        """Set it, 0..1."""
        self.value = value


class ProgressRow(QWidget):
    """A bar with words and a Cancel button; hidden until a search runs.

    Signals:
        cancelled: the user does not want to wait.
    """

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share, self._title, self._began = Share(), "", 0.0
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.words.setWordWrap(True)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setRange(0, 1000)
        self.bar.setMinimumWidth(40)
        self.bar.setAccessibleName("Progress of the search")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the search")
        self.cancel.setToolTip("End the search; what was found before stays (Esc)")
        self.cancel.setShortcut("Esc")
        self.cancel.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words)
        layout.addLayout(row)
        self._timer = QTimer(self, interval=100)
        self._timer.timeout.connect(self.look)
        self.hide()

    def begin(self, title: str) -> Share:
        """A search begins; what is returned is to be told how far it is."""
        self._share, self._title, self._began = Share(), title, time.monotonic()
        self._timer.start()
        self.look()
        self.show()
        return self._share

    def end(self) -> None:
        """The search has ended, in whatever way."""
        self._timer.stop()
        self.hide()

    def look(self) -> None:
        """Say how far it is."""
        share, passed = self._share.value, time.monotonic() - self._began
        # Nothing is known yet: a bar that moves without saying how far.
        self.bar.setRange(0, 1000 if share > 0 else 0)
        self.bar.setValue(round(1000 * share))
        parts = [self._title]
        if share > 0:
            parts.append(f"{share:.0%}")
        if share > 0 and passed > _SOON:
            parts.append(f"{_duration(passed * (1 - share) / share)} left")
        self.words.setText(" · ".join(parts))


def _duration(seconds: float) -> str:
    """Rounded up, so that nobody is promised too little."""
    whole = max(int(seconds) + 1, 1)
    return f"about {whole} s" if whole < 90 else f"about {-(-whole // 60)} min"
