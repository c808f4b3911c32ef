"""The colours of the window: those of the system, light, dark, or high contrast.

Every palette is complete and explicit, because some platforms tell Qt nothing about themselves
and then ignore a wish for dark. Texts have a contrast of at least 4.5 to 1 (WCAG 2.2, AA), in
high contrast 7 to 1 (AAA); the tests compute it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QToolTip

_Role = QPalette.ColorRole


class Appearance(StrEnum):
    """What the user can choose."""

    SYSTEM = "Follow the system"
    LIGHT = "Light"
    DARK = "Dark"
    CONTRAST = "High contrast"


_LIGHT = {
    _Role.Window: "#f0f0f0",
    _Role.WindowText: "#1a1a1a",
    _Role.Base: "#ffffff",
    _Role.AlternateBase: "#f5f5f5",
    _Role.Text: "#1a1a1a",
    _Role.PlaceholderText: "#666666",
    _Role.Button: "#eaeaea",
    _Role.ButtonText: "#1a1a1a",
    _Role.BrightText: "#ffffff",
    _Role.Light: "#ffffff",
    _Role.Midlight: "#f7f7f7",
    _Role.Mid: "#b4b4b4",
    _Role.Dark: "#707070",
    _Role.Shadow: "#4a4a4a",
    _Role.Highlight: "#2563a8",
    _Role.HighlightedText: "#ffffff",
    _Role.Accent: "#2563a8",
    _Role.Link: "#1d5fb0",
    _Role.LinkVisited: "#6b3fa0",
    _Role.ToolTipBase: "#fff6d5",
    _Role.ToolTipText: "#1a1a1a",
}

_DARK = {
    _Role.Window: "#353535",
    _Role.WindowText: "#e8e8e8",
    _Role.Base: "#1c1c1c",
    _Role.AlternateBase: "#262626",
    _Role.Text: "#e8e8e8",
    _Role.PlaceholderText: "#a0a0a0",
    _Role.Button: "#444444",
    _Role.ButtonText: "#e8e8e8",
    _Role.BrightText: "#ffffff",
    _Role.Light: "#6a6a6a",
    _Role.Midlight: "#565656",
    _Role.Mid: "#2c2c2c",
    _Role.Dark: "#1c1c1c",
    _Role.Shadow: "#000000",
    _Role.Highlight: "#2f76be",
    _Role.HighlightedText: "#ffffff",
    _Role.Accent: "#2f76be",
    _Role.Link: "#7db4f0",
    _Role.LinkVisited: "#c3a5f2",
    _Role.ToolTipBase: "#4a451f",
    _Role.ToolTipText: "#f7f2de",
}

_CONTRAST = {
    _Role.Window: "#000000",
    _Role.WindowText: "#ffffff",
    _Role.Base: "#000000",
    _Role.AlternateBase: "#1a1a1a",
    _Role.Text: "#ffffff",
    _Role.PlaceholderText: "#d0d0d0",
    _Role.Button: "#000000",
    _Role.ButtonText: "#ffffff",
    _Role.BrightText: "#ffff00",
    _Role.Light: "#ffffff",
    _Role.Midlight: "#c0c0c0",
    _Role.Mid: "#808080",
    _Role.Dark: "#404040",
    _Role.Shadow: "#ffffff",
    _Role.Highlight: "#ffff00",
    _Role.HighlightedText: "#000000",
    _Role.Accent: "#ffff00",
    _Role.Link: "#ffff00",
    _Role.LinkVisited: "#ffc0ff",
    _Role.ToolTipBase: "#000000",
    _Role.ToolTipText: "#ffffff",
}

_TEXTS = (_Role.WindowText, _Role.Text, _Role.PlaceholderText, _Role.ButtonText, _Role.BrightText)

# Appearance: its colours, and the one of texts and selections that do not apply at the moment.
_COLOURS: Mapping[Appearance, tuple[Mapping[QPalette.ColorRole, str], str]] = {
    Appearance.LIGHT: (_LIGHT, "#7a7a7a"),
    Appearance.DARK: (_DARK, "#a9a9a9"),
    Appearance.CONTRAST: (_CONTRAST, "#a8a8a8"),
}

# Fusion marks a pressed-in button by a shade that is hardly seen on a dark one.
_DARK_STYLE = "QPushButton:checked, QToolButton:checked { background-color: #174a80; }"

# Fusion derives its outlines from the window's colour, and there is nothing darker than black.
# So high contrast draws them itself: white for what can be used, yellow for what has the focus.
_CONTRAST_STYLE = """
QPushButton, QToolButton { border: 1px solid #ffffff; padding: 4px 10px; background: #000000; }
QToolButton { padding: 2px 5px; }
QPushButton:hover, QToolButton:hover { background: #404040; }
QPushButton:checked, QToolButton:checked { background: #ffff00; color: #000000; }
QPushButton:pressed, QToolButton:pressed { background: #ffffff; color: #000000; }
QPushButton:disabled, QToolButton:disabled { border-color: #a8a8a8; border-style: dotted; }
QPushButton:focus, QToolButton:focus { border: 3px solid #ffff00; padding: 2px 8px; }
QToolButton:focus { padding: 0px 3px; }
QPushButton:checked:focus, QToolButton:checked:focus { border: 3px dashed #000000; }
QLineEdit, QAbstractItemView, QTextEdit, QScrollArea { border: 1px solid #ffffff; }
QLineEdit:focus, QAbstractItemView:focus, QTextEdit:focus, QScrollArea:focus {
    border: 3px solid #ffff00; }
QGroupBox { border: 1px solid #ffffff; margin-top: 1.2em; padding-top: 4px; }
QGroupBox::title { subcontrol-origin: margin; }
QAbstractSpinBox, QComboBox { border: 1px solid #ffffff; padding: 1px 20px 1px 2px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button, QComboBox::drop-down {
    width: 18px; border: none; background: #000000; }
QAbstractSpinBox::up-arrow, QAbstractSpinBox::down-arrow, QComboBox::down-arrow {
    width: 0; height: 0; border-left: 4px solid #000000; border-right: 4px solid #000000; }
QAbstractSpinBox::up-arrow { border-bottom: 5px solid #ffffff; }
QAbstractSpinBox::down-arrow, QComboBox::down-arrow { border-top: 5px solid #ffffff; }
QAbstractSpinBox:focus, QComboBox:focus { border: 3px solid #ffff00; }
QCheckBox::indicator, QRadioButton::indicator {
    width: 11px; height: 11px; border: 2px solid #ffffff; background: #000000; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:checked, QRadioButton::indicator:checked { background: #ffff00; }
QCheckBox:focus, QRadioButton:focus { border: 3px solid #ffff00; }
QSlider::groove:horizontal { height: 4px; background: #ffffff; }
QSlider::handle:horizontal { width: 10px; margin: -7px 0; background: #000000;
    border: 2px solid #ffffff; }
QSlider::handle:horizontal:focus { background: #ffff00; border-color: #ffff00; }
QSlider::groove:horizontal:disabled { background: #a8a8a8; }
QProgressBar { border: 1px solid #ffffff; background: #000000; }
QProgressBar::chunk { background: #ffff00; }
QScrollBar { background: #000000; }
QScrollBar:vertical { width: 14px; }
QScrollBar:horizontal { height: 14px; }
QScrollBar::handle { background: #ffffff; border: 3px solid #000000; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QHeaderView::section { border: 1px solid #ffffff; background: #000000; padding: 2px 4px; }
QTabBar::tab { border: 1px solid #ffffff; padding: 4px 8px; background: #000000; }
QTabBar::tab:selected, QMenu::item:selected, QMenuBar::item:selected {
    background: #ffff00; color: #000000; }
QTabBar:focus { border: 3px solid #ffff00; }
QMenu { border: 1px solid #ffffff; }
QMenu::item:disabled { color: #a8a8a8; }
QMenu::separator { height: 1px; background: #ffffff; }
QMenuBar { border-bottom: 1px solid #ffffff; }
QDockWidget::title { border: 1px solid #ffffff; padding: 3px 6px; }
QDockWidget::close-button, QDockWidget::float-button { background: #ffffff; }
QMainWindow::separator { background: #ffffff; width: 3px; height: 3px; }
QMainWindow::separator:hover { background: #ffff00; }
QToolTip { border: 1px solid #ffffff; }
Notice { border: 2px solid #ffffff; }
"""


def palette(appearance: Appearance) -> QPalette:
    """The complete palette of ``LIGHT``, ``DARK`` or ``CONTRAST``."""
    colours, muted = _COLOURS[appearance]
    made = QPalette()
    for role, name in colours.items():
        made.setColor(QPalette.ColorGroup.All, role, QColor(name))
    disabled = QPalette.ColorGroup.Disabled
    for role in _TEXTS:
        made.setColor(disabled, role, QColor(muted))
    for role in (_Role.Highlight, _Role.Accent):
        made.setColor(disabled, role, QColor(muted))
    made.setColor(disabled, _Role.HighlightedText, QColor("#000000"))
    return made


def system_appearance(hints: Any) -> Appearance:
    """What the system asks for; light where it does not say.

    Args:
        hints: the application's `QStyleHints`.
    """
    # QStyleHints.accessibility is there from Qt 6.10 on.
    accessibility = getattr(hints, "accessibility", None)
    if accessibility and accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return Appearance.CONTRAST
    dark = hints.colorScheme() == Qt.ColorScheme.Dark
    return Appearance.DARK if dark else Appearance.LIGHT


def apply(application: QApplication, appearance: Appearance) -> None:
    """Give every window of ``application`` the colours of ``appearance``, once.

    `Look` also follows the system when it changes later.
    """
    hints = application.styleHints()
    # Title bars and the system's own dialogs follow where the platform can do it.
    hints.setColorScheme(_SCHEMES[appearance])
    if appearance is Appearance.SYSTEM:
        appearance = system_appearance(hints)
    colours = palette(appearance)
    application.setStyle("Fusion")
    application.setPalette(colours)
    QToolTip.setPalette(colours)
    application.setStyleSheet(_STYLES.get(appearance, ""))


_STYLES = {Appearance.DARK: _DARK_STYLE, Appearance.CONTRAST: _CONTRAST_STYLE}

_SCHEMES = {
    Appearance.SYSTEM: Qt.ColorScheme.Unknown,
    Appearance.LIGHT: Qt.ColorScheme.Light,
    Appearance.DARK: Qt.ColorScheme.Dark,
    Appearance.CONTRAST: Qt.ColorScheme.Dark,
}


class Look(QObject):
    """The appearance in force. While it is the system's, it changes with the system."""

    def __init__(self, application: QApplication, appearance: Appearance) -> None:
        super().__init__(application)
        self._application = application
        self._appearance = appearance
        hints: Any = application.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)
        if hasattr(hints, "accessibility"):
            hints.accessibility().contrastPreferenceChanged.connect(self._system_changed)
        apply(application, appearance)

    @property
    def appearance(self) -> Appearance:
        """What was chosen."""
        return self._appearance

    def choose(self, appearance: Appearance) -> None:
        """Change the colours of every window."""
        self._appearance = appearance
        apply(self._application, appearance)

    def _system_changed(self) -> None:
        if self._appearance is Appearance.SYSTEM:
            apply(self._application, Appearance.SYSTEM)
