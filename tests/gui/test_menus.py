"""The menus: every entry does something, and every key is taken once."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMenu,
    QMessageBox,
    QTextBrowser,
    QTreeWidgetItem,
    QWidget,
)

from app.gui.appearance import Appearance
from app.gui.main_window import MainWindow
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement
from app.session import Mark
from tests.gui.conftest import Examiner, menu_actions


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What modal dialogs were opened; all are left without an answer."""
    names: list[str] = []

    def leave(name: str, nothing: Any) -> Callable[..., Any]:
        def dialog(*_: object, **__: object) -> Any:
            names.append(name)
            return nothing

        return dialog

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", leave("folder", ""))
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, leave(name, ("", "")))
    cancel = QMessageBox.StandardButton.Cancel
    monkeypatch.setattr(QMessageBox, "question", leave("question", cancel))
    monkeypatch.setattr(QInputDialog, "getText", leave("text", ("", False)))
    return names


def named(action: QAction) -> str:
    """Its text without marks of mnemonics; of undo and redo without what they concern."""
    text = action.text().replace("&", "")
    return text.split()[0] if text.startswith(("Undo", "Redo")) else text


def effects(window: MainWindow, asked: list[str]) -> dict[str, Any]:
    """All that a menu entry can change."""
    table = window.table
    return {
        "asked": len(asked),
        "view": (table.viewport.geometry, table.show_as, table.arrangement, table.flipped),
        "panes": (table.left.accessibleDescription(), table.right.accessibleDescription()),
        "grid": table.right._grid,
        "reference": table.reference,
        "image": table.subject,
        "params": (window.map_panel.analysis, window.map_panel.form.params),
        "opacity": window.map_panel.opacity.value(),
        "session": window.sessions.edits.session,
        "docks": [(dock.isVisible(), dock.pos()) for dock in window.docks.all],
        "help": window.help.topic,
        "focus": QApplication.focusWidget(),
        "appearance": window.settings.appearance,
        "recent": window.settings.recent_folders,
        "layer": table.layer,
        "where": window.where_panel.text.text(),
        "regions": window.regions._regions,
        "rows": [id(row) for row in window.batch.rows],
        "running": window.batch.running,
        "dialogs": len([d for d in window.findChildren(QDialog) if d.isVisible()]),
        "notice": window.notice.isVisible(),
        "visible": window.isVisible(),
    }


ONLY_WHEN_NEEDED = {"Cancel", "Stop the search"}
"""Entries that are enabled while something runs."""


SAVE_WHERE, SAVE_REGIONS = "Save where, over the picture…", "Save the regions found…"
SHOW_FOUND = "Show what was found over the picture"


def prepare(examiner: Examiner, text: str) -> None:
    """Bring the window into a state that the entry can change."""
    window, table = examiner.window, examiner.window.table
    table.right.fit()
    if text == "Fit":
        table.right.zoom_by(7.0)
    if text == "Actual size":
        table.right.zoom_by(3.0)
    if text in (Show.PICTURE.value, Show.OVERLAY.value):
        window.table.set_show(Show.MAP)
    if text == Arrangement.SINGLE.value:
        window.table.set_arrangement(Arrangement.WIPE)
    if text == window.map_panel.analysis.title:
        window.map_panel.choose(window.analyses[-1])
    if text == "Reset parameters":
        window.map_panel.form.reset()
        window.map_panel.opacity.setValue(5)
    if text == "Clear regions A and B":
        table.region_drawn.emit("A", table.visible_region)
    if text in ("Previous", "Next"):
        window.folder.select(window.folder.model.paths[1])
    if text == Appearance.SYSTEM.value:
        window.settings.appearance = Appearance.DARK
    if text == "As at the first start":
        window.docks.dock("folder").hide()
    if text == "What does the map show?":
        window.help.show_topic("evidence")
    if text == "Keyboard and mouse":
        window.help.show_topic("verdicts")
    if text in ("Write a note", "Find in folder"):
        table.right.setFocus()
    if text in ("Undo", "Redo"):
        window.notes.choose(Mark.FLAGGED)
        if text == "Redo":
            window.sessions.edits.undo_action.trigger()
    if text == "Open session…":
        window.sessions.edits.new(())
    if text in (SAVE_WHERE, SAVE_REGIONS, SHOW_FOUND) and window.where.shown is None:
        window.show_copies()
    if text == "Re-scan selected":
        window.scan_panel.table.selectAll()
    if text == "Show overview":
        window.docks.bring_up("scan")
    if text == "New session":
        window.sessions.edits.set_mark(window.folder.model.paths[0], Mark.UNSURE)
    examiner.settle()


def test_every_menu_entry_has_an_effect(examiner: Examiner, folder: Path, asked: list[str]) -> None:
    """With an image open and a finished scan; Quit comes last."""
    examiner.open(folder, "a.jpg")
    examiner.scan()
    window = examiner.window
    window.activateWindow()
    texts = [named(action) for action in menu_actions(window)]
    assert len(texts) > 50
    texts.sort(key=lambda text: (text == "Quit", text == "Forget these"))
    idle = []
    for text in texts:
        prepare(examiner, text)
        action = next(action for action in menu_actions(window) if named(action) == text)
        if text in ONLY_WHEN_NEEDED:
            assert not action.isEnabled()
            continue
        assert action.isEnabled(), text
        before = effects(window, asked)
        action.trigger()
        started = effects(window, asked)
        examiner.settle()
        if effects(window, asked) == before and started == before:
            idle.append(text)
    assert idle == []
    # Quit has asked about the unsaved marks.
    assert asked[-1] == "question"
    assert set(asked) == {
        "folder",
        "getOpenFileName",
        "getOpenFileNames",
        "getSaveFileName",
        "question",
    }


def test_without_an_image_nothing_fails(examiner: Examiner, asked: list[str]) -> None:
    """All that is enabled in an empty window can be chosen."""
    enabled = [
        action
        for action in menu_actions(examiner.window)
        if action.isEnabled() and action.text() != "&Quit"
    ]
    for action in enabled:
        action.trigger()
        examiner.settle()
    assert examiner.notice == ""
    for text in ("Export view…", "Save whole map as PNG…", "Export scan report…", "Scan folder"):
        assert not examiner.action(text).isEnabled()
    assert not examiner.action("Keep as reference image").isEnabled()


def test_no_key_is_taken_twice(window: MainWindow) -> None:
    keys = Counter(key.toString() for action in menu_actions(window) for key in action.shortcuts())
    assert {key: count for key, count in keys.items() if count > 1} == {}


def test_every_entry_has_a_mnemonic_of_its_own_or_none(window: MainWindow) -> None:
    """Two entries of one menu with the same letter would need two presses."""

    def letters(actions: list[QAction]) -> list[str]:
        texts = [a.text().replace("&&", "") for a in actions if not a.isSeparator()]
        return [text[text.index("&") + 1].lower() for text in texts if "&" in text]

    waiting = [list(window.menuBar().actions())]
    while waiting:
        actions = waiting.pop()
        found = Counter(letters(actions))
        assert max(found.values(), default=0) <= 1, (found, [a.text() for a in actions])
        menus = [action.menu() for action in actions]
        waiting += [list(menu.actions()) for menu in menus if isinstance(menu, QMenu)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_number_keys_choose_what_is_shown(examiner: Examiner, folder: Path, number: int) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.table.set_show(list(Show)[number % 3])
    action = next(a for a in menu_actions(window) if a.shortcut().toString() == str(number))
    action.trigger()
    examiner.settle()
    show = list(Show)[number - 1]
    assert window.table.show_as is show
    assert window.table.right.accessibleDescription() == show.value
    assert window.map_panel._buttons[show].isChecked()


def test_the_help_lists_every_key_of_the_menus(window: MainWindow) -> None:
    window.explain("window")
    page = window.help.page.toPlainText()
    missing = [
        (action.text(), key.toString())
        for action in menu_actions(window)
        for key in action.shortcuts()
        if key.toString() not in page
    ]
    assert missing == []


# Keys -----------------------------------------------------------------------------------------


def test_find_shows_the_folder_first(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    window.docks.dock("folder").close()
    examiner.settle()
    QTest.keyClick(window.table.right, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    field = window.folder.filter_edit
    assert field.hasFocus() and not field.visibleRegion().isEmpty()
    QTest.keyClicks(field, "d.j")
    examiner.settle()
    assert window.folder.model.rowCount() == 1


DOWN, UP = Qt.Key.Key_PageDown, Qt.Key.Key_PageUp


def paged(window: MainWindow) -> dict[str, tuple[QWidget, Callable[[], int]]]:
    """Widgets that the page keys work in, and what they change there."""
    note, metadata = window.notes.note, window.info.metadata.tree
    return {
        "help": (window.help.page, window.help.page.verticalScrollBar().value),
        "notes": (note, lambda: note.textCursor().position()),
        "metadata": (metadata, metadata.verticalScrollBar().value),
        "slider": (window.map_panel.opacity, window.map_panel.opacity.value),
        "number": (window.map_panel._percent, window.map_panel._percent.value),
        "choice": (window.help.topics, window.help.topics.currentIndex),
    }


@pytest.mark.parametrize("what", ["help", "notes", "metadata", "slider", "number", "choice"])
def test_page_keys_turn_the_pages_of_what_has_the_keyboard(
    examiner: Examiner, folder: Path, what: str
) -> None:
    examiner.open(folder, "b.png")
    window = examiner.window
    window.activateWindow()
    front = {"notes": "notes", "metadata": "file"}.get(what, "help")
    window.docks.bring_up(front)
    window.info.tabs.setCurrentWidget(window.info.metadata)
    tree = window.info.metadata.tree
    tree.addTopLevelItems([QTreeWidgetItem([f"row {number}"]) for number in range(200)])
    window.notes.note.setPlainText("line\n" * 200)
    window.map_panel.opacity.setValue(50)
    examiner.settle()
    widget, state = paged(window)[what]
    widget.setFocus()
    before = state()
    QTest.keyClick(widget, DOWN)
    examiner.settle()
    assert state() != before
    assert examiner.inspection.path.name == "b.png"
    QTest.keyClick(widget, UP)
    examiner.settle()
    assert state() == before
    assert examiner.inspection.path.name == "b.png"


@pytest.mark.parametrize("what", ["help", "notes", "metadata", "slider", "number", "choice"])
def test_next_and_previous_have_a_key_that_works_everywhere(
    examiner: Examiner, folder: Path, what: str
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    window.docks.bring_up({"notes": "notes", "metadata": "file"}.get(what, "help"))
    window.info.tabs.setCurrentWidget(window.info.metadata)
    widget, _ = paged(window)[what]
    widget.setFocus()
    QTest.keyClick(widget, DOWN, Qt.KeyboardModifier.ControlModifier)
    examiner.settle()
    assert examiner.inspection.path.name == "b.png"
    QTest.keyClick(widget, UP, Qt.KeyboardModifier.ControlModifier)
    examiner.settle()
    assert examiner.inspection.path.name == "a.jpg"


def test_page_keys_change_the_image_where_nothing_has_pages(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    button = window.map_panel._buttons[Show.MAP]
    for widget, key, name in (
        (window.folder.list, DOWN, "b.png"),
        (window.folder.filter_edit, UP, "a.jpg"),
        (window.table.right, DOWN, "b.png"),
        (button, UP, "a.jpg"),
    ):
        widget.setFocus()
        QTest.keyClick(widget, key)
        examiner.settle()
        assert examiner.inspection.path.name == name


def test_letters_in_fields_are_letters(examiner: Examiner, folder: Path) -> None:
    """They are keys of the menus everywhere else."""
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.activateWindow()
    before = (window.sessions.edits.session, window.table.show_as, window.table.reference)
    letters = "gucnkbfarwdh123456"
    window.docks.bring_up("file")
    window.info.tabs.setCurrentWidget(window.info.metadata)
    for field in (window.folder.filter_edit, window.info.metadata.filter):
        field.setFocus()
        QTest.keyClicks(field, letters)
        assert field.text() == letters
    window.folder.filter_edit.clear()
    examiner.settle()
    after = (window.sessions.edits.session, window.table.show_as, window.table.reference)
    assert after == before
    window.write_note()
    QTest.keyClicks(window.notes.note, letters)
    assert window.notes.note.toPlainText() == letters
    assert window.table.show_as is before[1]
    window.notes.flush()


def test_models_and_about_are_windows_of_their_own_with_text(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger("Models")
    examiner.trigger("About Elascope")
    dialogs = [d for d in examiner.window.findChildren(QDialog) if d.isVisible()]
    assert {dialog.windowTitle() for dialog in dialogs} == {"Models", "About Elascope"}
    for dialog in dialogs:
        browser = dialog.findChild(QTextBrowser)
        assert browser is not None
        assert len(browser.toPlainText()) > 100


def test_every_control_of_the_window_has_a_name(window: MainWindow) -> None:
    """What a screen reader says of a control that is not labelled by its own text."""
    unnamed = [
        f"{type(widget).__name__} {widget.objectName()}"
        for kind in (QComboBox, QCheckBox)
        for widget in window.findChildren(kind)
        if not widget.accessibleName() and not (isinstance(widget, QCheckBox) and widget.text())
    ]
    assert unnamed == []
