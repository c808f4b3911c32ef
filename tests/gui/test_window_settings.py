"""What the window remembers: presets, recent folders, appearance, layout; and its help."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QInputDialog, QPushButton

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params
from app.analysis.ela import ELA
from app.gui.appearance import Appearance, Look
from app.gui.main_window import MainWindow
from app.gui.settings import Preset, Settings
from tests.gui.conftest import Examiner, menu_actions


def offered(window: MainWindow) -> list[str]:
    """The presets of the current analysis."""
    box = window.map_panel.presets
    return [box.itemText(index) for index in range(1, box.count())]


def choose_preset(window: MainWindow, name: str) -> None:
    """Choose an entry, as the mouse does."""
    box = window.map_panel.presets
    index = box.findText(name)
    assert index > 0
    box.setCurrentIndex(index)
    box.activated.emit(index)


def keep_as(window: MainWindow, monkeypatch: pytest.MonkeyPatch, name: str, kept: bool) -> None:
    """Press Keep… and answer with a name."""
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (name, kept))
    button = next(b for b in window.map_panel.findChildren(QPushButton) if b.text() == "Keep…")
    button.click()


# Presets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analysis", "name", "params"),
    [
        pytest.param(analysis, name, params, id=f"{analysis.id}-{name}")
        for analysis in ANALYSES
        for name, params in analysis.presets
    ],
)
def test_a_preset_sets_all_its_parameters(
    examiner: Examiner, folder: Path, analysis: Analysis, name: str, params: Params
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.map_panel.choose(analysis)
    for spec in params.specs():
        if spec.maximum is not None:
            window.map_panel.form.set_value(spec.name, type(spec.default)(spec.maximum))
    choose_preset(window, name)
    examiner.settle()
    assert window.map_panel.form.params == params
    assert examiner.frame.params == params
    assert window.map_panel.presets.currentIndex() == 0


def test_kept_parameters_are_there_in_the_next_window(
    examiner: Examiner,
    make_window: Callable[[], MainWindow],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.map_panel.form.set_value("quality", 64)
    window.map_panel.form.set_value("channel", "luma")
    kept = window.map_panel.form.params
    keep_as(window, monkeypatch, "  <b>Newspaper</b> ", True)
    assert "<b>Newspaper</b>" in offered(window)
    window.settings.sync()
    other = make_window()
    assert offered(other) == offered(window)
    choose_preset(other, "<b>Newspaper</b>")
    assert other.map_panel.form.params == kept
    other.map_panel.choose(ANALYSES[-1])
    assert "<b>Newspaper</b>" not in offered(other)
    other.map_panel.choose(ELA)
    assert "<b>Newspaper</b>" in offered(other)


@pytest.mark.parametrize(("name", "kept"), [("", True), ("  ", True), ("Name", False)])
def test_without_a_name_nothing_is_kept(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, name: str, kept: bool
) -> None:
    before = offered(window)
    keep_as(window, monkeypatch, name, kept)
    assert offered(window) == before
    assert window.settings.presets("ela") == ()


def test_a_preset_of_another_version_is_left_out(
    make_window: Callable[[], MainWindow], tmp_path: Path
) -> None:
    settings = Settings(tmp_path / "window.ini")
    settings.add_preset(Preset("From the future", "ela", {"quality": 500}))
    settings.add_preset(Preset("Other words", "ela", {"hologram": True}))
    settings.add_preset(Preset("Fine", "ela", {"quality": 77}))
    settings.sync()
    names = offered(make_window())
    assert "Fine" in names
    assert not {"From the future", "Other words"} & set(names)


# Folders, layout, appearance ------------------------------------------------------------------


def test_recent_folders_open_again_and_are_forgotten(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "R&D <b>"
    other.mkdir()
    gone = tmp_path / "gone"
    gone.mkdir()
    for opened in (gone, other, folder):
        examiner.open_folder(opened)
    gone.rmdir()
    assert not examiner.action(str(gone)).isEnabled()
    text = str(other)
    action = next(
        a for a in examiner.window.menus._recent.actions() if a.text().replace("&&", "&") == text
    )
    action.trigger()
    examiner.settle()
    assert examiner.window.folder.title == str(other) or "R&D <b>" in examiner.window.folder.title
    assert examiner.window.folder.model.paths == []
    examiner.trigger("Forget these")
    assert examiner.window.settings.recent_folders == ()


def test_layout_comes_back_and_can_be_reset(
    qapp: QApplication, make_window: Callable[[], MainWindow]
) -> None:
    window = make_window()
    hidden = next(dock for dock in window.docks.all if dock.objectName() == "folder")
    assert hidden.isVisible()
    hidden.hide()
    window.close()
    other = make_window()
    hidden = next(dock for dock in other.docks.all if dock.objectName() == "folder")
    assert not hidden.isVisible()
    other.docks.arrange()
    qapp.processEvents()
    assert hidden.isVisible()
    assert {dock.objectName() for dock in other.docks.all if dock.isHidden()} == set()


@pytest.fixture
def look(qapp: QApplication) -> Iterator[Look]:
    """The appearance of the application; its colours are put back afterwards."""
    before = qapp.palette()
    look = Look(qapp, Appearance.SYSTEM)
    yield look
    look.deleteLater()
    qapp.setStyleSheet("")
    qapp.setPalette(before)


def test_appearance_is_chosen_shown_and_remembered(
    qapp: QApplication, look: Look, make_window: Callable[..., MainWindow]
) -> None:
    window = make_window(look)
    system = qapp.palette()
    colours = set()
    for appearance in (Appearance.LIGHT, Appearance.DARK, Appearance.CONTRAST):
        action = next(a for a in menu_actions(window) if a.text() == appearance.value)
        action.trigger()
        assert action.isChecked()
        assert look.appearance is appearance
        colours.add(qapp.palette().window().color().name())
        window.grab()
    assert len(colours) == 3
    window.settings.sync()
    other = make_window(look)
    assert other.settings.appearance is Appearance.CONTRAST
    checked = [a.text() for a in menu_actions(other) if a.isChecked() and a.actionGroup()]
    assert checked == [Appearance.CONTRAST.value]
    other.set_appearance(Appearance.SYSTEM)
    assert qapp.palette() == system


# Help -----------------------------------------------------------------------------------------


def test_help_opens_at_the_current_analysis(examiner: Examiner) -> None:
    window = examiner.window
    for analysis in ANALYSES:
        window.map_panel.choose(analysis)
        examiner.trigger("What does the map show?")
        assert window.help.topic == analysis.id
        assert analysis.shows[:40] in window.help.page.toPlainText()
        assert not window.docks.dock("help").visibleRegion().isEmpty()
    examiner.trigger("Keyboard and mouse")
    assert window.help.topic == "window"


def test_every_help_topic_has_text_and_leads_nowhere_outside(window: MainWindow) -> None:
    topics = window.help.topics
    seen = set()
    for index in range(topics.count()):
        if topics.itemData(index) is None:
            continue
        topics.setCurrentIndex(index)
        text = window.help.page.toPlainText()
        assert len(text) > 200
        assert 'href="http' not in window.help.page.toHtml()
        seen.add(text)
    assert len(seen) == 4 + len(ANALYSES)
