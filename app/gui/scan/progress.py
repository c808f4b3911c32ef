"""How a scan gets on: a bar, how fast, how long still, what was found, and how it ended."""

import time
from collections import deque

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from app.gui.scan.words import amount, duration, speed
from app.gui.words import plain_tooltip
from app.names import one_line

_TITLE_LENGTH = 40
"""Characters of a folder's name beside the progress."""

_WINDOW = 20.0
"""Seconds over which the speed is measured: files differ, and so do parts of a folder."""


class Pace:
    """How many files a second, over the last while."""

    def __init__(self, now: float) -> None:
        self._seen: deque[tuple[float, int]] = deque([(now, 0)])

    def reach(self, now: float, done: int) -> None:
        """``done`` files are judged at ``now``."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """0 while it is not known."""
        (first, before), (last, done) = self._seen[0], self._seen[-1]
        return (done - before) / (last - first) if last > first else 0.0


class ElidedLabel(QLabel):
    """A line of plain text that ends with dots where there is no room; its tooltip has it all."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def whole(self) -> str:
        """The text as it was given."""
        return self._whole

    def show_text(self, text: str, more: str = "") -> None:
        """Show ``text``, as far as there is room; the tooltip says ``more``, or else the same."""
        self.setToolTip(plain_tooltip(more or text) if text else "")
        if text != self._whole:
            self._whole = text
            self.setAccessibleName(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more or less of it."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        right = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._whole, right, self.width()))


class Progress(QWidget):
    """One line below the buttons of the scan."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedWidth(110)
        self.bar.setFixedHeight(self.fontMetrics().height())
        self.bar.setAccessibleName("Progress of the scan")
        self.bar.hide()
        self.status = QLabel("No scan yet")
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        # Its text grows during a scan; it must not make the window wider.
        self.status.setMinimumWidth(40)
        self.counts = ElidedLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addWidget(self.counts, 1)
        layout.setSpacing(10)
        self._title, self._total, self._done = "", 0, 0
        self._started = 0.0
        self._pace = Pace(0.0)
        self._stopping = False

    def begin(self, title: str, total: int) -> None:
        """A scan of ``total`` files has started; ``title`` says where they are."""
        self._title, self._total, self._done = one_line(title), total, 0
        self._started = time.monotonic()
        self._pace = Pace(self._started)
        self._stopping = False
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(0)
        self.bar.show()
        self._say("Rows of ", f": 0 of {total:,}")

    def reach(self, done: int) -> None:
        """``done`` files are judged."""
        self._done = done
        self.bar.setValue(done)
        self._pace.reach(time.monotonic(), done)
        if self._stopping:
            return
        after, rate = f": {done:,} of {self._total:,}", self._pace.per_second
        if rate > 0:
            left = duration((self._total - done) / rate)
            after += f", {speed(rate)}, about {left} left"
        self._say("Rows of ", after)

    def stop(self) -> None:
        """The scan has been asked to end; rows still arrive."""
        self._stopping = True
        self._say("Rows of ", ": stopping…")

    def finish(self, word: str) -> None:
        """The scan has ended, in the way that ``word`` says."""
        missing = self._total - self._done
        took = duration(time.monotonic() - self._started)
        after = f" in {took}" if not missing else f", {amount(missing, 'file')} not reached"
        self.bar.hide()
        self._say(f"{word}: {amount(self._done, 'row')} of ", after)

    def _say(self, before: str, after: str) -> None:
        """Name the folder of the rows: another one may have been opened since."""
        self.status.setText(before + _shortened(self._title) + after)
        self.status.setToolTip(plain_tooltip(before + self._title + after))


def _shortened(title: str) -> str:
    """A title without its middle, if it would make the panel wide."""
    half = _TITLE_LENGTH // 2
    return title if len(title) <= _TITLE_LENGTH else f"{title[:half]}…{title[-half:]}"
