"""The menus: every command of the window with its key, in one place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from app.gui.appearance import Appearance
from app.gui.scrolling import PageKeys
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement
from app.names import one_line
from app.session import Mark

if TYPE_CHECKING:
    from app.gui.main_window import MainWindow

Key = str | QKeySequence.StandardKey

_MARK_KEYS = {Mark.FLAGGED: "G", Mark.UNSURE: "U", Mark.CLEARED: "C"}
_ARRANGEMENT_KEYS = {Arrangement.SINGLE: "4", Arrangement.WIPE: "5", Arrangement.SIDE: "6"}


class Menus:
    """Builds the menus of a window and keeps the actions whose state changes."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._file()
        self._edit()
        self._view()
        self._image()
        self._scan()
        self._help()
        PageKeys(window, besides=window.folder.list)

    def shortcuts(self) -> list[tuple[str, str]]:
        """(text, keys) of every command that has a key."""
        menus = self._window.menuBar().findChildren(QMenu)
        actions = [action for menu in menus for action in menu.actions()]
        native = QKeySequence.SequenceFormat.NativeText
        return [
            (action.text(), " or ".join(key.toString(native) for key in action.shortcuts()))
            for action in actions
            if action.shortcuts()
        ]

    def _file(self) -> None:
        window, menu = self._window, self._menu("&File")
        self._add(menu, "&Open folder…", window.folders.choose_folder, "Ctrl+O")
        self._add(menu, "Open &images…", window.folders.choose_images, "Ctrl+Shift+O")
        self._recent = menu.addMenu("&Recent folders")
        self._recent.aboutToShow.connect(self._fill_recent)
        self._fill_recent()
        menu.addSeparator()
        desk = window.sessions
        self._add(menu, "&New session", desk.begin, "Ctrl+Shift+N")
        self._add(menu, "Open &session…", desk.choose, "Ctrl+L")
        self._add(menu, "Sa&ve session", desk.save, QKeySequence.StandardKey.Save)
        self._add(menu, "Save session &as…", desk.save_as, "Ctrl+Shift+S")
        menu.addSeparator()
        self.export_view = self._add(menu, "Export vie&w…", window.exports.view, "Ctrl+E")
        self.save_map = self._add(menu, "Save whole &map as PNG…", window.exports.map, "Ctrl+M")
        self.save_where = self._add(
            menu, "Save wh&ere, over the picture…", window.exports.where_map, "Ctrl+Shift+M"
        )
        self.save_where_regions = self._add(
            menu, "Save the re&gions found…", window.exports.where_regions, "Ctrl+Shift+J"
        )
        self.export = self._add(menu, "Export scan re&port…", window.exports.report, "Ctrl+Shift+E")
        self.export_shown = self._add(
            menu, "Export the rows s&hown…", partial(window.exports.report, True)
        )
        menu.addSeparator()
        self._add(menu, "&Quit", window.close, QKeySequence.StandardKey.Quit)

    def _edit(self) -> None:
        window, menu = self._window, self._menu("&Edit")
        edits = window.sessions.edits
        menu.addAction(edits.undo_action)
        menu.addAction(edits.redo_action)
        menu.addSeparator()
        for mark, key in _MARK_KEYS.items():
            self._add(menu, f"Mark as {mark.value}", partial(window.notes.choose, mark), key)
        self._add(menu, "Write a &note", window.write_note, "N")
        menu.addSeparator()
        self._add(menu, "&Find in folder", self._find, QKeySequence.StandardKey.Find)
        self._add(menu, "Clear regions A and &B", window.regions.clear, "Ctrl+Backspace")

    def _view(self) -> None:
        window, menu = self._window, self._menu("&View")
        table = window.table
        for number, show in enumerate(Show, start=1):
            self._add(menu, show.value, partial(table.set_show, show), str(number))
        menu.addSeparator()
        for choice, key in _ARRANGEMENT_KEYS.items():
            self._add(menu, choice.value, partial(table.set_arrangement, choice), key)
        self._add(menu, "&Blink: swap what is compared", table.flip, "B")
        self.reference = self._add(
            menu, "&Keep as reference image", window.toggle_reference, "K", checkable=True
        )
        menu.addSeparator()
        self._add(menu, "Zoom &in", partial(table.right.zoom_by, 1.25), "Ctrl++")
        self._add(menu, "Zoom &out", partial(table.right.zoom_by, 0.8), "Ctrl+-")
        self._add(menu, "&Fit", table.right.fit, "F")
        self._add(menu, "&Actual size", table.actual_size, "A")
        grid = self._add(menu, "Block and pixel &grid when close", lambda: None, checkable=True)
        grid.setChecked(True)
        grid.toggled.connect(table.set_grid)
        menu.addSeparator()
        appearance = menu.addMenu("A&ppearance")
        group = QActionGroup(appearance)
        for entry in Appearance:
            action = self._add(
                appearance, entry.value, partial(window.set_appearance, entry), checkable=True
            )
            action.setChecked(entry is window.settings.appearance)
            group.addAction(action)
        panels = menu.addMenu("Pa&nels")
        for dock in window.docks.all:
            panels.addAction(dock.toggleViewAction())
        panels.addSeparator()
        self._add(panels, "As at the &first start", window.docks.arrange)

    def _image(self) -> None:
        window, menu = self._window, self._menu("&Image")
        # The second key works in texts as well, where the first one turns their pages.
        following = self._add(menu, "&Next", partial(window.folder.step, 1))
        following.setShortcuts([QKeySequence("PgDown"), QKeySequence("Ctrl+PgDown")])
        previous = self._add(menu, "&Previous", partial(window.folder.step, -1))
        previous.setShortcuts([QKeySequence("PgUp"), QKeySequence("Ctrl+PgUp")])
        self._add(menu, "&Open again", window.images.show_again, "F5")
        menu.addSeparator()
        for number, analysis in enumerate(window.analyses, start=1):
            choose = partial(window.map_panel.choose, analysis)
            self._add(menu, analysis.title, choose, f"Ctrl+{number}")
        self._add(menu, "&Reset parameters", window.map_panel.reset, "R")
        menu.addSeparator()
        self.ask_model = self._add(
            menu, "&Where the model sees alterations", window.show_where, "W"
        )
        self.look_for_copies = self._add(
            menu, "Copy-move: parts that show the &same", window.show_copies, "D"
        )
        self.over = self._add(
            menu, "Show what was &found over the picture", window.toggle_where, "H", checkable=True
        )
        self.stop_search = self._add(menu, "S&top the search", window.where.cancel)

    def _scan(self) -> None:
        window, menu = self._window, self._menu("&Scan")
        self.start_scan = self._add(menu, "&Scan folder", window.start_scan, "Ctrl+R")
        self.cancel_scan = self._add(menu, "&Cancel", window.batch.cancel, "Ctrl+.")
        menu.addSeparator()
        self.rescan = self._add(menu, "&Re-scan selected", window.rescan_selected, "Ctrl+Shift+R")
        self._add(menu, "Show &overview", partial(window.docks.bring_up, "overview"), "O")

    def _help(self) -> None:
        window, menu = self._window, self._menu("&Help")
        self._add(menu, "What does the map &show?", window.explain, "F1")
        self._add(menu, "&Keyboard and mouse", partial(window.explain, "window"), "Shift+F1")
        self._add(menu, "&Models", window.pages.show_cards)
        self._add(menu, "&About Elascope", window.pages.show_about)

    # Building ---------------------------------------------------------------------------------

    def _menu(self, title: str) -> QMenu:
        return self._window.menuBar().addMenu(title)

    def _add(
        self,
        menu: QMenu,
        text: str,
        slot: Callable[[], object],
        key: Key | None = None,
        *,
        checkable: bool = False,
    ) -> QAction:
        action = QAction(text, menu, checkable=checkable)
        action.triggered.connect(lambda _=False: slot())
        if key is not None:
            action.setShortcut(QKeySequence(key))
        menu.addAction(action)
        return action

    def _find(self) -> None:
        """Go to the folder's filter, also when its panel is closed."""
        self._window.docks.bring_up("folder")
        self._window.find_in_folder()

    def _fill_recent(self) -> None:
        """Recently opened folders; one that is gone stays in the list and cannot be chosen."""
        self._recent.clear()
        settings = self._window.settings
        for folder in settings.recent_folders:
            text = one_line(str(folder)).replace("&", "&&")
            action = self._add(self._recent, text, partial(self._window.open_paths, [folder]))
            action.setEnabled(folder.is_dir())
        self._recent.addSeparator()
        forget = self._add(self._recent, "&Forget these", settings.forget_recent_folders)
        forget.setEnabled(bool(settings.recent_folders))
