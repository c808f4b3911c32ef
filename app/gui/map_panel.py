"""The controls of the map: which analysis, how it is shown, its parameters, and the opacity."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.analysis.base import Analysis, Params
from app.analysis.survey import Reduction
from app.gui.params_form import ParamsForm
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement

_OPACITY = 70
_PRESETS = "Presets"

_BESIDE_TEXT = 26
"""Pixels of a button beside its text, in the appearance that needs the most."""


class MapPanel(QWidget):
    """Choice of analysis, view buttons, generated parameter controls, presets, opacity.

    Signals:
        changed: `Analysis` and its `Params`.
        show_changed: `Show`.
        arrangement_changed: `Arrangement`.
        reduction_changed: `Reduction`.
        opacity_changed: 0..1.
        help_wanted: the analysis' help page.
        preset_saving: the user wants to keep the parameters under a name.
    """

    changed = Signal(object, object)
    show_changed = Signal(object)
    arrangement_changed = Signal(object)
    reduction_changed = Signal(object)
    opacity_changed = Signal(float)
    help_wanted = Signal()
    preset_saving = Signal()

    def __init__(self, analyses: Sequence[Analysis], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._analyses = tuple(analyses)
        self._own_presets: dict[str, Params] = {}
        self._build_views()
        self._build_parameters()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addLayout(self._view_row)
        layout.addLayout(self._comparing)
        layout.addWidget(self.choice)
        layout.addWidget(self._forms)
        layout.addWidget(self.last_save)
        layout.addLayout(self._below)
        layout.addLayout(self._buttons_row)
        layout.addStretch()
        self.mark(Show.OVERLAY, Arrangement.SINGLE)
        self.opacity.setValue(_OPACITY)
        self._take_room()
        self._fill_presets()

    # Construction -----------------------------------------------------------------------------

    def _build_views(self) -> None:
        self._buttons: dict[Show, QPushButton] = {}
        self._view_row = QHBoxLayout()
        group = QButtonGroup(self)
        for number, show in enumerate(Show, start=1):
            button = QPushButton(show.value)
            button.setCheckable(True)
            button.setToolTip(f"Show this (key {number})")
            button.clicked.connect(lambda _=False, show=show: self.show_changed.emit(show))
            group.addButton(button)
            _narrow(button)
            self._view_row.addWidget(button)
            self._buttons[show] = button
        self.arrangement = QComboBox()
        self.arrangement.addItems([choice.value for choice in Arrangement])
        self.arrangement.setAccessibleName("Arrangement")
        self.arrangement.setToolTip(
            "One view, or a comparison with the picture or with the reference image"
        )
        self.arrangement.currentTextChanged.connect(
            lambda text: self.arrangement_changed.emit(Arrangement(text))
        )
        self.reduction = QComboBox()
        self.reduction.addItems([choice.value for choice in Reduction])
        self.reduction.setAccessibleName("Reduction of large maps")
        self.reduction.setToolTip(
            "Where several pixels share one of the screen: their mean, or the largest of them"
        )
        self.reduction.currentTextChanged.connect(
            lambda text: self.reduction_changed.emit(Reduction(text))
        )
        self._comparing = QFormLayout()
        self._comparing.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._comparing.addRow("Arrangement", self.arrangement)
        self._comparing.addRow("When small", self.reduction)

    def _build_parameters(self) -> None:
        self.choice = QComboBox()
        self.choice.addItems([analysis.title for analysis in self._analyses])
        self.choice.setAccessibleName("Analysis")
        self._forms = QStackedWidget()
        for analysis in self._analyses:
            form = ParamsForm(analysis.params)
            form.changed.connect(lambda _: self._emit_changed())
            self._forms.addWidget(form)
        self.choice.currentIndexChanged.connect(self._choose)
        self.last_save = QLabel()
        self.last_save.setWordWrap(True)
        self.last_save.setTextFormat(Qt.TextFormat.PlainText)
        self.last_save.setAccessibleName("The file's own last save")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity slider")
        self._percent = QSpinBox(suffix=" %", maximum=100)
        self._percent.setAccessibleName("Opacity")
        self.opacity.valueChanged.connect(self._percent.setValue)
        self._percent.valueChanged.connect(self.opacity.setValue)
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        row = QHBoxLayout()
        row.addWidget(self.opacity, 1)
        row.addWidget(self._percent)
        self.presets = QComboBox()
        # The user's own names can be long.
        self.presets.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.presets.setMinimumContentsLength(5)
        self.presets.setAccessibleName("Presets")
        self.presets.activated.connect(self._choose_preset)
        keep = QPushButton("Keep…")
        keep.setToolTip("Keep these parameters under a name")
        keep.clicked.connect(self.preset_saving)
        presets = QHBoxLayout()
        presets.addWidget(self.presets, 1)
        presets.addWidget(keep)
        self._below = QFormLayout()
        self._below.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._below.addRow("Opacity", row)
        self._below.addRow("Presets", presets)
        reset = QPushButton("Reset")
        reset.setToolTip("All parameters back to their defaults")
        reset.clicked.connect(self.reset)
        explain = QPushButton("What does it show?")
        explain.clicked.connect(self.help_wanted)
        for button in (keep, reset, explain):
            _narrow(button)
        self._buttons_row = QHBoxLayout()
        self._buttons_row.addWidget(reset)
        self._buttons_row.addWidget(explain)

    # State ------------------------------------------------------------------------------------

    @property
    def analysis(self) -> Analysis:
        """The chosen analysis."""
        return self._analyses[self.choice.currentIndex()]

    @property
    def form(self) -> ParamsForm:
        """The controls of the chosen analysis."""
        form = self._forms.currentWidget()
        assert isinstance(form, ParamsForm)
        return form

    def mark(self, show: Show, arrangement: Arrangement) -> None:
        """Mark what is shown and how it is arranged."""
        self._buttons[show].setChecked(True)
        self.arrangement.blockSignals(True)
        self.arrangement.setCurrentText(arrangement.value)
        self.arrangement.blockSignals(False)

    def choose(self, analysis: Analysis, params: Params | None = None) -> None:
        """Choose an analysis, and set its parameters if given."""
        self.choice.setCurrentIndex(self._analyses.index(analysis))
        if params is not None:
            self.form.set_params(params)

    def set_presets(self, presets: Mapping[str, Params]) -> None:
        """Set the user's own presets, of all analyses."""
        self._own_presets = dict(presets)
        self._fill_presets()

    def reset(self) -> None:
        """All parameters back to their defaults."""
        self.form.reset()
        self.opacity.setValue(_OPACITY)

    def _choose(self, index: int) -> None:
        self._forms.setCurrentIndex(index)
        self._take_room()
        self._fill_presets()
        self._emit_changed()

    def _take_room(self) -> None:
        """Let the shown form alone say how high it is; a stack is as high as its highest page."""
        shown = self._forms.currentWidget()
        for form in self._forms.findChildren(ParamsForm):
            policy = QSizePolicy.Policy.Preferred if form is shown else QSizePolicy.Policy.Ignored
            form.setSizePolicy(QSizePolicy.Policy.Preferred, policy)

    def _emit_changed(self) -> None:
        self.changed.emit(self.analysis, self.form.params)

    def _fill_presets(self) -> None:
        analysis = self.analysis
        self.presets.clear()
        self.presets.addItem(_PRESETS)
        for name, params in analysis.presets:
            self.presets.addItem(name, params)
        for name, params in self._own_presets.items():
            if isinstance(params, analysis.params):
                self.presets.addItem(name, params)

    def _choose_preset(self, index: int) -> None:
        params = self.presets.itemData(index)
        if params is not None:
            self.form.set_params(params)
        self.presets.setCurrentIndex(0)


def _narrow(button: QPushButton) -> None:
    """Let a button become as narrow as its text, for small screens."""
    button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + _BESIDE_TEXT)
