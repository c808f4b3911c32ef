"""The visible part of the picture at a row of qualities, one small map beside the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QSize, Qt, QThreadPool, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from app.analysis.base import Analysis, Params, ParamSpec
from app.analysis.region import Region
from app.analysis.sweep import SweepStep, picture, qualities, quality_spec, sweep
from app.arrays import RgbU8
from app.errors import ElascopeError
from app.evidence.jpeg import JpegFacts
from app.gui.jobs import Channel
from app.gui.regions.sweep_row import MAP_SIZE, SweepCell, SweepRow

_PAUSE = 150
"""Milliseconds without a change after which the maps are made: panning asks for none."""

_FIRST, _LAST, _STEP = 60, 100, 5


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """What the strip shows.

    Attributes:
        params: resolved.
        quality: that the window shows.
    """

    pixels: RgbU8
    jpeg: JpegFacts | None
    analysis: Analysis
    params: Params
    region: Region
    spec: ParamSpec
    quality: int

    def same_measurements(self, other: _Source | None) -> bool:
        """Whether the maps measured for ``other`` are those of this source, too."""
        if other is None or self.pixels is not other.pixels or self.region != other.region:
            return False
        if self.analysis is not other.analysis or self.jpeg is not other.jpeg:
            return False
        mine, theirs = self.params.values(), other.params.values()
        measured = [spec.name for spec in self.params.specs() if spec.needs_measurement]
        return all(mine[name] == theirs[name] for name in measured if name != "quality")


class SweepStrip(QWidget):
    """Small maps of the visible part at the qualities from, to and step; computed while visible.

    Signals:
        chosen: the quality of the map that was clicked, or left with Enter.
    """

    chosen = Signal(int)

    def __init__(self, pool: QThreadPool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source: _Source | None = None
        self._steps: dict[int, SweepStep] = {}
        self._wanted: tuple[int, ...] = ()
        self._channel = Channel(pool, self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._measure)
        self.first = _quality_box("Lowest quality of the strip", _FIRST)
        self.last = _quality_box("Highest quality of the strip", _LAST)
        self.step = _quality_box("Distance between two qualities of the strip", _STEP)
        self.step.setRange(1, 20)
        self.row = SweepRow()
        self.row.chosen.connect(self.chosen)
        self.note = QLabel()
        self.note.setAccessibleName("About the quality strip")
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        controls = QHBoxLayout()
        for name, box in (("Quality &from", self.first), ("&to", self.last), ("&step", self.step)):
            label = QLabel(name)
            label.setBuddy(box)
            controls.addWidget(label)
            controls.addWidget(box)
            box.valueChanged.connect(self._restart)
        controls.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addLayout(controls)
        layout.addWidget(self.note)
        layout.addWidget(self.row)
        layout.addStretch()
        self.clear("No image is shown.")

    @property
    def busy(self) -> bool:
        """Whether maps are being measured, or soon will be."""
        return self._pause.isActive() or self._channel.busy

    def set_source(
        self,
        pixels: RgbU8,
        jpeg: JpegFacts | None,
        analysis: Analysis,
        params: Params,
        region: Region,
    ) -> None:
        """Show another picture, part of it, analysis or parameters.

        Only what measures anew is waited for; another quality or gain is shown at once.

        Args:
            pixels: (height, width, 3) uint8 RGB at full resolution.
            jpeg: the file's own last save, to be marked.
            analysis: one without a quality is answered with a sentence.
            params: as the window has them; "as in file" is resolved here.
            region: the visible part of the picture.
        """
        spec = quality_spec(analysis)
        region = region.inside(Region.whole(pixels))
        if spec is None or not region.area:
            what = f"{analysis.title} has no single quality to go through; Error Level Analysis has"
            self.clear(f"{what}." if spec is None else "No part of the image is visible.")
            return
        before, resolved = self._source, analysis.resolve(params, jpeg)
        quality = int(resolved.values()["quality"])
        self._source = _Source(pixels, jpeg, analysis, resolved, region, spec, quality)
        self._enable(True)
        complete = 0 < len(self._wanted) == len(self._steps)
        if self._source.same_measurements(before) and (complete or self.busy):
            self._show_all()
        else:
            self._restart()

    def clear(self, sentence: str) -> None:
        """Show nothing but ``sentence``."""
        self._source = None
        self._forget()
        self._pause.stop()
        self.note.setText(sentence)
        self._enable(False)

    def _enable(self, on: bool) -> None:
        for widget in (self.first, self.last, self.step, self.row):
            widget.setEnabled(on)

    def sizeHint(self) -> QSize:
        """One row of maps below a line of controls."""
        lines = 2 * self.first.sizeHint().height() + 2 * self.fontMetrics().height()
        return QSize(700, self.row.sizeHint().height() + lines)

    def showEvent(self, event: QShowEvent) -> None:
        """Compute what is missing."""
        super().showEvent(event)
        if self._source and len(self._steps) < max(len(self._wanted), 1):
            self._restart()

    def hideEvent(self, event: QHideEvent) -> None:
        """Compute no further."""
        super().hideEvent(event)
        self._pause.stop()
        self._channel.drop()

    # Measuring --------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._channel.drop()
        self._steps, self._wanted = {}, ()
        self.row.show_cells([])

    def _restart(self) -> None:
        """Ask for all maps anew after a pause."""
        if not self._source:
            return
        self._channel.drop()
        self._steps = {}
        source, own = self._source, self._own()
        first, last = sorted((self.first.value(), self.last.value()))
        self._wanted = tuple(qualities(source.spec, first, last, self.step.value(), own))
        self._show_all()
        if self.isVisible():
            self._pause.start()

    def _measure(self) -> None:
        source, wanted = self._source, self._wanted
        if source is None:
            return
        side = round(MAP_SIZE.width() * self.devicePixelRatioF())

        def work(stop: Any) -> Any:
            return sweep(
                source.pixels, source.analysis, source.params, source.region, wanted, side, stop
            )

        # Every request has a key of its own: what an older one still brings is dropped.
        self._channel.request(object(), work, self._add, self._fail)

    def _add(self, step: SweepStep) -> None:
        self._steps[step.quality] = step
        self._show_all()

    def _fail(self, error: ElascopeError) -> None:
        self.note.setText(error.sentence)

    # Showing ----------------------------------------------------------------------------------

    def _own(self) -> int | None:
        jpeg = self._source.jpeg if self._source else None
        return jpeg.quality.quality if jpeg and jpeg.quality else None

    def _show_all(self) -> None:
        source, own = self._source, self._own()
        assert source
        cells, legend = [], ""
        for quality in self._wanted:
            step = self._steps.get(quality)
            rendering = picture(source.analysis, source.params, step) if step else None
            legend = rendering.legend.high if rendering else legend
            cells.append(
                SweepCell(
                    quality=quality,
                    image=rendering.picture if rendering else None,
                    mean=step.spread.mean if step else None,
                    median=step.spread.median if step else None,
                    own=self._own_words() if quality == own else "",
                    current=quality == source.quality,
                )
            )
        self.row.show_cells(cells)
        self.note.setText(self._about(source, legend))

    def _own_words(self) -> str:
        jpeg = self._source.jpeg if self._source else None
        exact = jpeg is not None and jpeg.quality is not None and jpeg.quality.exact
        return "last save" if exact else "near last save"

    def _about(self, source: _Source, legend: str) -> str:
        if len(self._steps) < len(self._wanted):
            return f"{len(self._steps)} of {len(self._wanted)} qualities measured"
        sampled = any(step.sampled for step in self._steps.values())
        parts = ["Visible part, evenly sampled" if sampled else "Visible part"]
        parts.append(f"every map from 0 to {legend}; below it the mean residual")
        if source.quality not in self._wanted:
            parts.append(f"quality {source.quality}, which is shown, is not among them")
        return " · ".join(parts)


def _quality_box(name: str, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 100)
    box.setValue(value)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(name)
    return box
