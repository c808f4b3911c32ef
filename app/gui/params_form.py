"""Controls made from an analysis' declared parameters; no slider is written by hand."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QWidget,
)

from app.analysis.base import Params, ParamSpec


class ParamsForm(QWidget):
    """One row for each parameter: a slider with a number, a choice, or a box to tick.

    Signals:
        changed: the new `Params`.
    """

    changed = Signal(object)

    def __init__(self, params: type[Params], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._type = params
        self._values: dict[str, Any] = params().values()
        self._setters: dict[str, Any] = {}
        self._quiet = False
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for spec in params.specs():
            label = QLabel(spec.name.replace("_", " ").capitalize())
            label.setToolTip(spec.help)
            control = self._control(spec, label)
            self._rows[spec.name] = (label, control)
            layout.addRow(label, control)
        self._grey_out()

    @property
    def params(self) -> Params:
        """The current choice."""
        return self._type(**self._values)

    def reset(self) -> None:
        """Back to the defaults."""
        self.set_params(self._type())

    def set_params(self, params: Params) -> None:
        """Set all controls; one signal for all of them."""
        before = dict(self._values)
        self._quiet = True
        for name, value in params.values().items():
            self._setters[name](value)
        self._quiet = False
        if self._values != before:
            self.changed.emit(self.params)

    def set_value(self, name: str, value: Any) -> None:
        """Set one control."""
        self._setters[name](value)

    def _set(self, name: str, value: Any) -> None:
        if self._values[name] != value:
            self._values[name] = value
            self._grey_out()
            if not self._quiet:
                self.changed.emit(self.params)

    def _grey_out(self) -> None:
        """What has no effect beside the other choices cannot be changed."""
        for spec in self._type.specs():
            for widget in self._rows[spec.name]:
                widget.setEnabled(spec.counts(self._values))

    def _control(self, spec: ParamSpec, label: QLabel) -> QWidget:
        name = label.text()
        if spec.choices:
            combo = QComboBox()
            combo.addItems(spec.choices)
            combo.setCurrentText(str(spec.default))
            combo.currentTextChanged.connect(lambda text: self._set(spec.name, text))
            self._setters[spec.name] = combo.setCurrentText
            return self._named(combo, name, spec, label)
        if isinstance(spec.default, bool):
            box = QCheckBox()
            box.setChecked(spec.default)
            box.toggled.connect(lambda on: self._set(spec.name, on))
            self._setters[spec.name] = box.setChecked
            return self._named(box, name, spec, label)
        return self._slider_row(spec, name, label)

    def _slider_row(self, spec: ParamSpec, name: str, label: QLabel) -> QWidget:
        """A slider and a number that follow each other; the number decides."""
        low, high, step = float(spec.minimum or 0), float(spec.maximum or 0), float(spec.step or 1)
        kind: Any = type(spec.default)
        number = QSpinBox() if kind is int else QDoubleSpinBox(decimals=_decimals(step))
        number.setRange(kind(low), kind(high))
        number.setSingleStep(kind(step))
        number.setValue(kind(spec.default))
        number.setKeyboardTracking(False)
        if spec.unit:
            number.setSuffix(f" {spec.unit.strip()}")
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, round((high - low) / step))
        slider.setValue(round((float(spec.default) - low) / step))
        slider.setPageStep(5)
        slider.valueChanged.connect(lambda position: number.setValue(kind(low + position * step)))

        def follow(value: float) -> None:
            slider.blockSignals(True)
            slider.setValue(round((value - low) / step))
            slider.blockSignals(False)
            self._set(spec.name, kind(value))

        number.valueChanged.connect(follow)
        self._setters[spec.name] = number.setValue
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._named(slider, f"{name} slider", spec, label), 1)
        layout.addWidget(self._named(number, name, spec, label))
        return row

    def _named(self, widget: QWidget, name: str, spec: ParamSpec, label: QLabel) -> QWidget:
        widget.setAccessibleName(name)
        widget.setAccessibleDescription(spec.help)
        widget.setToolTip(spec.help)
        widget.setObjectName(f"{spec.name}_{type(widget).__name__}")
        label.setBuddy(widget)
        return widget


def _decimals(step: float) -> int:
    """Digits behind the point that every position of a slider needs; one at least."""
    return max(len(f"{step:g}".partition(".")[2]), 1)
