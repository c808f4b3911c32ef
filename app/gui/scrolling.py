"""Panels that scroll when their dock is too low for them, and the keys that page through them."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QScrollArea,
    QWidget,
)

_PAGED = (QAbstractScrollArea, QAbstractSlider, QAbstractSpinBox, QComboBox)
_PAGE_KEYS = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)

# What is only read and scrolled would not show that it has the keyboard.
_FOCUS_FRAME = """
QScrollArea { border: 2px solid transparent; }
QScrollArea:focus { border: 2px solid palette(highlight); }
"""


class FollowingArea(QScrollArea):
    """Scrolls to what gets the keyboard; Qt does so only when it comes from inside the area."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)

    def _follow(self, _: QWidget | None, now: QWidget | None) -> None:
        # What was clicked is seen, and must not move away under the mouse.
        clicked = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        content = self.widget()
        if content is not None and now is not None and not clicked and content.isAncestorOf(now):
            self.ensureWidgetVisible(now, 0, 4)


class _Scroller(FollowingArea):
    """Never narrower than its content: what is cut off at the side could not be reached."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tell those around when the content has become wider."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:
        """The content's width beside a scroll bar, and a low height."""
        own, content = super().minimumSizeHint(), self.widget()
        width = content.minimumSizeHint().width() if content is not None else 0
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(max(own.width(), width + bar + 4), own.height())


def scrolling(widget: QWidget) -> QScrollArea:
    """Wrap ``widget``; it scrolls up and down, never sideways.

    The keyboard goes to what is inside, which is scrolled to; where there is nothing to go to,
    the whole takes it, so that a text can be read to its end.
    """
    area = _Scroller()
    area.setWidget(widget)
    inside = widget.findChildren(QWidget)
    if any(child.focusPolicy() & Qt.FocusPolicy.TabFocus for child in inside):
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # A frame that the high contrast draws around every other area would only shut it in.
        area.setStyleSheet("QScrollArea { border: none; }")
    else:
        show_focus(area)
    return area


def show_focus(area: QScrollArea) -> None:
    """Draw a frame round an area of text while it has the keyboard."""
    area.setStyleSheet(_FOCUS_FRAME)


class PageKeys(QObject):
    """Leaves Page Up and Page Down to a text, tree, slider or number that has the keyboard.

    Everywhere else, ``besides`` included, the keys keep their meaning in the menus.

    Args:
        window: whose shortcuts they are.
        besides: scrolls as well, and yet is to follow the menus.
    """

    def __init__(self, window: QWidget, besides: QWidget) -> None:
        super().__init__(window)
        self._besides = besides
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the keys before they become shortcuts; Qt asks the window last."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        with_others = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() not in _PAGE_KEYS or with_others or not self._pages():
            return False
        event.accept()
        return True

    def _pages(self) -> bool:
        focused: QWidget | None = QApplication.focusWidget()
        if isinstance(focused, QLabel):
            # A text that can be selected scrolls with the area that it stands in.
            while focused is not None and not isinstance(focused, _PAGED):
                focused = focused.parentWidget()
        return isinstance(focused, _PAGED) and focused is not self._besides
