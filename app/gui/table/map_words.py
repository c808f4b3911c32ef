"""Under the picture: the map's legend and parameters, and what it allows to conclude."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.gui.table.frames import Frame
from app.gui.table.inspection import Inspection
from app.gui.table.legend_bar import LegendBar
from app.gui.where.layer import LEGEND, Layer


@dataclass(frozen=True, slots=True, eq=False)
class ShownMap:
    """A map on the screen, and the file that it belongs to."""

    name: str
    inspection: Inspection
    frame: Frame


class MapWords(QWidget):
    """Legend and reading of the maps that are shown now; never those of another file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.legend = LegendBar()
        self.reading = QLabel()
        self.reading.setWordWrap(True)
        self.reading.setTextFormat(Qt.TextFormat.PlainText)
        self.reading.setContentsMargins(8, 2, 8, 6)
        # Room for two lines, so that the picture stays where it is when the text changes.
        self.reading.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 8)
        self.reading.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.reading.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.reading.setAccessibleName("What the map allows to conclude")
        self._rows = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.reading)

    def show_sentence(self, sentence: str) -> None:
        """Say why there is no map."""
        self.legend.show_legend(None, sentence)
        self.reading.clear()

    def show_maps(self, maps: Sequence[ShownMap]) -> None:
        """Describe one map, or two that are compared; the first is in front."""
        front = maps[0].frame.rendering.legend
        captions = [(shown.name, _caption(shown.frame)) for shown in maps]
        caption = _one_or_each(captions, " | ")
        if len({shown.frame.rendering.legend for shown in maps}) > 1:
            ends = (f"{shown.name}: to {shown.frame.rendering.legend.high}" for shown in maps)
            caption = f"{caption} · two scales: {'; '.join(ends)}"
        self.legend.show_legend(front, caption)
        readings = [(shown.name, _reading(shown)) for shown in maps]
        self.reading.setText(_one_or_each(readings, "\n"))
        self._keep_height()

    def show_layer(self, layer: Layer) -> None:
        """Describe what lies over a picture that is shown without a map."""
        self.legend.show_legend(LEGEND, f"{layer.found.title} · {layer.found.caption}")
        self.reading.setText(layer.found.reading)
        self._keep_height()

    def _keep_height(self) -> None:
        """Grow with the text and do not shrink again: the picture must not move in a blink."""
        needed = self._rows.heightForWidth(self.width())
        self.setMinimumHeight(max(self.minimumHeight(), needed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.setMinimumHeight(0)
            self._keep_height()


def _one_or_each(texts: Sequence[tuple[str, str]], between: str) -> str:
    """The text if it is the same for all, else each with its name."""
    if len({text for _, text in texts}) == 1:
        return texts[0][1]
    return between.join(f"{name}: {text}" for name, text in texts)


def _reading(shown: ShownMap) -> str:
    frame, inspection = shown.frame, shown.inspection
    return " ".join(frame.analysis.read(inspection.image.record, inspection.jpeg, frame.params))


def _caption(frame: Frame) -> str:
    caption = frame.analysis.caption(frame.params)
    if frame.coarse:
        return f"{caption} · coarse preview"
    if frame.factor > 1 or frame.size[0] < frame.region.width:
        side = f"{frame.factor}x{frame.factor}" if frame.factor > 1 else "neighbouring"
        return f"{caption} · {frame.reduction.value} of {side} pixels"
    return caption
