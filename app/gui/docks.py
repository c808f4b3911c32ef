"""The panels around the light table: where they are at first, and bringing one to the front."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

from app.gui.scrolling import scrolling

_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_AREAS = {
    "folder": Qt.DockWidgetArea.LeftDockWidgetArea,
    "scan": Qt.DockWidgetArea.BottomDockWidgetArea,
    "overview": Qt.DockWidgetArea.BottomDockWidgetArea,
    "sweep": Qt.DockWidgetArea.BottomDockWidgetArea,
}
"""Where docks are at first; all others on the right."""

_ABOVE = "map"
"""On the right it stands above the others, which share one place."""

_SCROLLED = {"sweep"}
"""Scrolls when its place is low; it would keep all that share the place as high as it is."""

_FOLDER = 180
"""Pixels across in which names of files can be read beside their thumbnails."""

_BESIDE = 385
"""Pixels across in which the tabs on the right show their whole names."""

_ROOMY = 850
"""Pixels of height from which the window has room for the whole sweep below the picture."""


class Docks:
    """The docks of a window, by name. The names are kept in the user's layout.

    Args:
        window: that they belong to.
        panels: name to title and widget, in the order of the menu.
    """

    def __init__(self, window: QMainWindow, **panels: tuple[str, QWidget]) -> None:
        self._window = window
        self._sweep = panels["sweep"][1]
        self._arranged = False
        self._docks = {
            name: _dock(window, name, title, widget) for name, (title, widget) in panels.items()
        }
        for dock in self._docks.values():
            dock.visibilityChanged.connect(partial(self._seen_or_not, dock))
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)

    @property
    def all(self) -> tuple[QDockWidget, ...]:
        """Every dock, in the order of the menu."""
        return tuple(self._docks.values())

    def dock(self, name: str) -> QDockWidget:
        """The dock with this name."""
        return self._docks[name]

    def bring_up(self, name: str) -> None:
        """Show a dock, and bring it before those that share its place."""
        dock = self._docks[name]
        dock.show()
        dock.raise_()
        # At once, so that what is in it can be given the keyboard.
        dock.widget().show()

    def arrange_once(self, restore: Callable[[], bool]) -> None:
        """Put them where they were, or else where they are at first; only the first time it counts.

        Not before the window is shown: Qt 6.11 paints a second tab bar when two groups of docks
        are made, or restored, in a window that was never shown; and so it does when they are
        restored in one that is seen after they were arranged.

        Args:
            restore: puts them where they were; False when that is not known.
        """
        if self._arranged:
            return
        self._arranged = True
        if not restore():
            self.arrange()

    def arrange(self) -> None:
        """Put every dock where it is at the first start."""
        groups: dict[Qt.DockWidgetArea, QDockWidget] = {}
        for name, dock in self._docks.items():
            area = _AREAS.get(name, _RIGHT)
            dock.setFloating(False)
            dock.show()
            self._window.addDockWidget(area, dock)
            if name == _ABOVE:
                continue
            if area in groups:
                self._window.tabifyDockWidget(groups[area], dock)
            else:
                groups[area] = dock
        for first in groups.values():
            first.raise_()
        self._share_room()

    def _share_room(self) -> None:
        """Sizes of the first start; in a small window the picture comes first."""
        width, height = self._window.width(), self._window.height()
        folder, above, below, scan = (
            self._docks[name] for name in ("folder", _ABOVE, "verdict", "scan")
        )
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        sides = [min(250, max(width // 5, _FOLDER)), min(_BESIDE, 3 * width // 10)]
        self._window.resizeDocks([folder, above], sides, across)
        self._window.resizeDocks([above, below], [440, 410], down)
        title_and_tabs = 3 * self._window.fontMetrics().height()
        whole = self._sweep.minimumSizeHint().height() + title_and_tabs
        self._window.resizeDocks([scan], [whole if height >= _ROOMY else height // 5], down)

    def _seen_or_not(self, dock: QDockWidget, seen: bool) -> None:
        """Keep the keyboard out of what lies behind another tab.

        To Qt such a dock is visible, only far outside the screen: Tab would walk through it, and
        letters would go into its fields. What is hidden with the whole window stays as it is.
        """
        if not seen and (not dock.isVisible() or self._window.isMinimized()):
            return
        dock.widget().setVisible(seen)
        for bar in self._window.findChildren(
            QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly
        ):
            bar.setAccessibleName("Panels that share this place")


def _dock(window: QMainWindow, name: str, title: str, widget: QWidget) -> QDockWidget:
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    content = scrolling(widget) if name in _SCROLLED else widget
    if not content.accessibleName():
        content.setAccessibleName(title)
    # Docks that share a place keep their size, whichever of them is seen.
    policy = content.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    content.setSizePolicy(policy)
    dock.setWidget(content)
    return dock
