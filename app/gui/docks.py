"""The panels around the light table: where they are at first, and bringing one to the front."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_AREAS = {
    "folder": Qt.DockWidgetArea.LeftDockWidgetArea,
    "scan": Qt.DockWidgetArea.BottomDockWidgetArea,
    "sweep": Qt.DockWidgetArea.BottomDockWidgetArea,
}
"""Where docks are at first; all others on the right."""

_ABOVE = "map"
"""On the right it stands above the others, which share one place."""


class Docks:
    """The docks of a window, by name. The names are kept in the user's layout.

    Args:
        window: that they belong to.
        panels: name to title and widget, in the order of the menu.
    """

    def __init__(self, window: QMainWindow, **panels: tuple[str, QWidget]) -> None:
        self._window = window
        self._arranged = False
        self._docks = {
            name: _dock(window, name, title, widget) for name, (title, widget) in panels.items()
        }
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
        self._docks[name].show()
        self._docks[name].raise_()

    def arrange_once(self) -> bool:
        """Arrange them when the window is first shown; whether that was now.

        Not before: Qt 6.11 paints a second tab bar when two groups of docks are made, or
        restored, in a window that was never shown.
        """
        if self._arranged:
            return False
        self._arranged = True
        self.arrange()
        return True

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
        folder, above, below, scan = (
            self._docks[name] for name in ("folder", _ABOVE, "verdict", "scan")
        )
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self._window.resizeDocks([folder, above], [250, 350], across)
        self._window.resizeDocks([above, below], [440, 410], down)
        # A small window has more use for the picture than for an empty table.
        self._window.resizeDocks([scan], [min(200, self._window.height() // 5)], down)


def _dock(window: QMainWindow, name: str, title: str, widget: QWidget) -> QDockWidget:
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setWidget(widget)
    return dock
