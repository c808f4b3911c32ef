"""The controls of the map: what is shown, the analysis' parameters, and the opacity."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.analysis.base import Analysis
from app.gui.canvas import View
from app.gui.params_form import ParamsForm

_OPACITY = 60
"""Percent: the picture stays recognisable and the map readable."""


class MapPanel(QWidget):
    """View buttons, generated parameter controls, opacity, reset.

    Signals:
        view_changed: `View`.
        opacity_changed: 0..1.
        help_wanted: the analysis' help page.
    """

    view_changed = Signal(object)
    opacity_changed = Signal(float)
    help_wanted = Signal()

    def __init__(self, analysis: Analysis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = ParamsForm(analysis.params)
        self._buttons: dict[View, QPushButton] = {}
        views = QHBoxLayout()
        group = QButtonGroup(self)
        for number, view in enumerate(View, start=1):
            button = QPushButton(view.value)
            button.setCheckable(True)
            button.setToolTip(f"Show this (key {number})")
            button.clicked.connect(lambda _=False, view=view: self.view_changed.emit(view))
            group.addButton(button)
            views.addWidget(button)
            self._buttons[view] = button
        self.last_save = QLabel()
        self.last_save.setWordWrap(True)
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
        overlay = QFormLayout()
        overlay.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        overlay.addRow("Opacity", row)
        reset = QPushButton("Reset")
        reset.setToolTip("All parameters back to their defaults")
        reset.clicked.connect(self.reset)
        explain = QPushButton("What does it show?")
        explain.clicked.connect(self.help_wanted)
        buttons = QHBoxLayout()
        buttons.addWidget(reset)
        buttons.addWidget(explain)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addLayout(views)
        layout.addWidget(self.form)
        layout.addWidget(self.last_save)
        layout.addLayout(overlay)
        layout.addLayout(buttons)
        layout.addStretch()
        self.show_view(View.OVERLAY)
        self.opacity.setValue(_OPACITY)

    def show_view(self, view: View) -> None:
        """Mark ``view`` as the current one."""
        self._buttons[view].setChecked(True)

    def reset(self) -> None:
        """All parameters back to their defaults."""
        self.form.reset()
        self.opacity.setValue(_OPACITY)
