"""The panel on where something was found: asking, the layer's controls, words and lists."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.analysis.copy_move import CopyMoveParams
from app.gui.params_form import ParamsForm
from app.gui.table.legend_bar import ColourScale
from app.gui.where.found import COPY_MOVE, Found
from app.gui.where.layer import LEGEND
from app.gui.where.lists import PAIR_HEADINGS, REGION_HEADINGS, FoundList
from app.gui.where.progress import ProgressRow

OPACITY = 60
"""Percent at first."""

GUIDE = (
    "Ask a model where in the picture it sees alterations, or look for parts that are there twice."
)

_THOUSAND = 1000

_BESIDE_TEXT = 26
"""Pixels of a button beside its text, in the appearance that needs the most."""


class WherePanel(QWidget):
    """What was found on the current image, and what is shown of it.

    Signals:
        model_wanted: ask the model where it sees alterations.
        copies_wanted: look for parts that show the same.
        params_changed: the `CopyMoveParams` to look with.
        cancelled: end the search that runs.
        over_changed: whether the layer is seen over the picture.
        opacity_changed: of the map, 0..1.
        threshold_changed: of a model's map, 0..1; None for the model's own.
        chosen: indices of the regions that an entry of a list is about.
        map_export_wanted: the layer over its picture as a file.
        regions_export_wanted: regions and pairs as a file.
    """

    model_wanted = Signal()
    copies_wanted = Signal()
    params_changed = Signal(object)
    cancelled = Signal()
    over_changed = Signal(bool)
    opacity_changed = Signal(float)
    threshold_changed = Signal(object)
    chosen = Signal(object)
    map_export_wanted = Signal()
    regions_export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_button = QPushButton("Ask the model")
        self.model_button.setToolTip("Where the model sees alterations (W)")
        self.model_button.clicked.connect(self.model_wanted)
        self.copies_button = QPushButton("Copy-move")
        self.copies_button.setToolTip("Parts of the picture that show the same (D)")
        self.copies_button.clicked.connect(self.copies_wanted)
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self.cancelled)
        self.title, self.text = _label(), _label()
        self.meaning, self.method = _label(), _label()
        self.title.setStyleSheet("font-weight: bold;")
        self.over = QCheckBox("Show over the picture")
        self.over.setToolTip("Key H")
        self.over.setChecked(True)
        self.over.toggled.connect(self.over_changed)
        self.form = ParamsForm(CopyMoveParams)
        self.form.changed.connect(self.params_changed)
        self._build_sliders()
        self.regions = FoundList(REGION_HEADINGS, "Regions that were found")
        self.pairs = FoundList(PAIR_HEADINGS, "Pairs of regions that show the same")
        self.regions.chosen.connect(self._choose_region)
        self.pairs.chosen.connect(self._choose_pair)
        self._build_exports()
        self._lay_out()
        self.show_text(GUIDE)

    # Construction -----------------------------------------------------------------------------

    def _build_sliders(self) -> None:
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setAccessibleName("Opacity of the map")
        self.opacity.setToolTip("Opacity of the map over the picture; the outlines stay")
        self.opacity.setValue(OPACITY)
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(1, _THOUSAND - 1)
        self.threshold.setPageStep(50)
        self.threshold.setSingleStep(10)
        self.threshold.setAccessibleName("Threshold slider")
        self.number = QDoubleSpinBox(decimals=3)
        self.number.setRange(1 / _THOUSAND, 1 - 1 / _THOUSAND)
        self.number.setSingleStep(0.05)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName("Threshold")
        for widget in (self.threshold, self.number):
            widget.setToolTip(
                "Parts of the map that reach it become regions; nothing is asked again"
            )
        self.own = QPushButton("Own")
        self.own.setMinimumWidth(self.fontMetrics().horizontalAdvance("Own") + _BESIDE_TEXT)
        self.own.setToolTip("Back to the threshold that the model came with")
        self.own.setAccessibleName("The model's own threshold")
        self.threshold.valueChanged.connect(lambda value: self.number.setValue(value / _THOUSAND))
        self.number.valueChanged.connect(self._set_threshold)
        self.own.clicked.connect(lambda: self.threshold_changed.emit(None))

    def _build_exports(self) -> None:
        self.export_map = QPushButton("Save map…")
        self.export_map.setAccessibleName("Save where, over the picture")
        self.export_map.setToolTip("The map with its outlines over the whole picture, as PNG")
        self.export_map.clicked.connect(self.map_export_wanted)
        self.export_regions = QPushButton("Save regions…")
        self.export_regions.setAccessibleName("Save the regions")
        self.export_regions.setToolTip("Outlines, areas and pairs as JSON")
        self.export_regions.clicked.connect(self.regions_export_wanted)

    def _lay_out(self) -> None:
        asking, exports = QHBoxLayout(), QHBoxLayout()
        for button in (self.model_button, self.copies_button):
            asking.addWidget(button, 1)
        for button in (self.export_map, self.export_regions):
            exports.addWidget(button, 1)
        threshold = QHBoxLayout()
        threshold.addWidget(self.threshold, 1)
        threshold.addWidget(self.number)
        threshold.addWidget(self.own)
        self._rows = QFormLayout()
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.addRow("Opacity", self.opacity)
        self._rows.addRow("Threshold", threshold)
        self._threshold_row = 1
        self._shown = QWidget()
        shown = QVBoxLayout(self._shown)
        shown.setContentsMargins(0, 0, 0, 0)
        shown.addWidget(self.over)
        shown.addLayout(_legend())
        shown.addLayout(self._rows)
        shown.addWidget(self.form)
        shown.addWidget(self.regions)
        shown.addWidget(self.pairs)
        shown.addWidget(self.meaning)
        shown.addWidget(self.method)
        shown.addLayout(exports)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addLayout(asking)
        layout.addWidget(self.progress)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addWidget(self._shown)
        layout.addStretch()

    # Showing ----------------------------------------------------------------------------------

    def show_text(self, text: str) -> None:
        """Show a sentence instead of what was found."""
        self.title.hide()
        self._say(text)
        self._shown.hide()

    def show_found(self, found: Found) -> None:
        """Show what was found; a choice in the lists is forgotten."""
        copies = found.method == COPY_MOVE
        self.title.setText(found.title)
        self.title.show()
        first, *others = found.sentences
        self._say(first)
        self.meaning.setText("\n".join(others))
        self.method.setText(f"{found.caption}.")
        self._rows.setRowVisible(self._threshold_row, not copies)
        self.form.setVisible(copies)
        self.own.setEnabled(found.shown.threshold != found.own.threshold)
        for widget in (self.threshold, self.number):
            widget.blockSignals(True)
        self.threshold.setValue(round(found.shown.threshold * _THOUSAND))
        self.number.setValue(found.shown.threshold)
        for widget in (self.threshold, self.number):
            widget.blockSignals(False)
        self.regions.show_regions(found.shown.regions)
        self.pairs.show_pairs(found.shown.pairs)
        self._shown.show()

    def _say(self, text: str) -> None:
        self.text.setText(text)
        self.text.setAccessibleName(text)

    # Choosing ---------------------------------------------------------------------------------

    def _set_threshold(self, value: float) -> None:
        self.threshold.blockSignals(True)
        self.threshold.setValue(round(value * _THOUSAND))
        self.threshold.blockSignals(False)
        self.threshold_changed.emit(value)

    def _choose_region(self, regions: frozenset[int]) -> None:
        self.pairs.clear_choice()
        self.chosen.emit(regions)

    def _choose_pair(self, regions: frozenset[int]) -> None:
        self.regions.clear_choice()
        self.chosen.emit(regions)


def _legend() -> QHBoxLayout:
    """The ends of the map's scale; under the picture there may be the legend of another map."""
    scale = ColourScale()
    scale.show_colours(LEGEND.colours)
    scale.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    row = QHBoxLayout()
    row.addWidget(QLabel(LEGEND.low))
    row.addWidget(scale, 1)
    row.addWidget(QLabel(LEGEND.high))
    return row


def _label() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
