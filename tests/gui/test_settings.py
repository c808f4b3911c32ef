"""What is remembered comes back; what is damaged or cannot be kept does no harm."""

import json
import os
import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow
from pytestqt.qtbot import QtBot

from app.analysis.ela import ELA, ElaParams
from app.errors import InvalidParameterError
from app.gui.appearance import Appearance
from app.gui.settings import Preset, Settings

RIGHT, BOTTOM = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    """A file in a folder that is not there yet."""
    return tmp_path / "user" / "window.ini"


def again(ini: Path, store: Settings) -> Settings:
    """What another start of the program reads. From a copy: Qt remembers files by their name."""
    assert store.sync()
    copy = ini.with_name(f"{secrets.token_hex(8)}.ini")
    copy.write_bytes(ini.read_bytes())
    return Settings(copy)


def is_default(store: Settings) -> bool:
    return (
        store.appearance is Appearance.SYSTEM
        and store.recent_folders == ()
        and store.presets("ela") == ()
        and store.folder_order == ""
        and store.directory("open") is None
        and store.directory("save") is None
    )


def test_nothing_is_written_before_something_is_kept(ini: Path) -> None:
    assert is_default(Settings(ini))
    assert not ini.parent.exists()


def test_words_and_folders_come_back(ini: Path) -> None:
    store = Settings(ini)
    store.appearance = Appearance.CONTRAST
    store.folder_order = "score"
    store.keep_directory("open", Path("/cases/17"))
    store.keep_directory("save", Path("/reports, and more"))
    store = again(ini, store)
    assert store.appearance is Appearance.CONTRAST
    assert store.folder_order == "score"
    assert store.directory("open") == Path("/cases/17")
    assert store.directory("save") == Path("/reports, and more")


def test_recent_folders_are_ten_newest_first_without_repetition(ini: Path) -> None:
    store = Settings(ini)
    for number in range(12):
        store.add_recent_folder(Path(f"/case/{number}"))
    store.add_recent_folder(Path("/case/5"))
    numbers = [int(path.name) for path in again(ini, store).recent_folders]
    assert numbers == [5, 11, 10, 9, 8, 7, 6, 4, 3, 2]


def test_recent_folders_can_be_forgotten(ini: Path) -> None:
    store = Settings(ini)
    store.add_recent_folder(Path("/witness-name"))
    store.forget_recent_folders()
    assert again(ini, store).recent_folders == ()
    assert b"witness" not in ini.read_bytes()


def test_a_relative_folder_is_kept_as_the_place_it_is(
    ini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Settings(ini)
    store.add_recent_folder(Path("evidence"))
    assert store.recent_folders == (tmp_path / "evidence",)


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9",
        b"\xff\xfe\x80",
        b"a,b; c=d",
        b"new\nline",
        b"<b>100%41</b>",
        b"@Invalid()",
        "ünï\U0001f4f7".encode(),
    ],
)
def test_any_name_survives(ini: Path, name: bytes) -> None:
    folder = Path(os.fsdecode(b"/evidence/" + name))
    store = Settings(ini)
    store.add_recent_folder(folder)
    store.keep_directory("open", folder)
    store = again(ini, store)
    assert [os.fsencode(path) for path in store.recent_folders] == [b"/evidence/" + name]
    assert os.fsencode(store.directory("open") or "") == b"/evidence/" + name


# Presets --------------------------------------------------------------------------------------


def test_presets_come_back_by_analysis_and_name(ini: Path) -> None:
    low = Preset("low", "ela", {"quality": 60, "scale": 20.0, "auto_gain": True})
    odd = Preset('Größe "x", [a]=b\n', "ela", {"subsampling": "4:4:4"})
    other = Preset("low", "ghosts", {"block": 16})
    store = Settings(ini)
    for preset in (low, odd, other):
        store.add_preset(preset)
    store = again(ini, store)
    assert store.presets("ela") == (odd, low)
    assert store.presets("ghosts") == (other,)
    assert low.params(ELA.params) == ElaParams(quality=60, scale=20.0, auto_gain=True)


def test_a_preset_of_the_same_name_is_replaced_and_removed(ini: Path) -> None:
    store = Settings(ini)
    store.add_preset(Preset("mine", "ela", {"quality": 60}))
    store.add_preset(Preset("mine", "ela", {"quality": 70}))
    store.add_preset(Preset("mine", "ghosts", {}))
    assert [preset.values for preset in store.presets("ela")] == [{"quality": 70}]
    store.remove_preset(Preset("mine", "ela", {}))
    store = again(ini, store)
    assert store.presets("ela") == ()
    assert len(store.presets("ghosts")) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"quality": 0},
        {"quality": "ninety"},
        {"quality": True},
        {"scale": float("nan")},
        {"scale": 10**400},
        {"subsampling": "4:1:1"},
        {"no_such_parameter": 1},
    ],
)
def test_a_preset_that_does_not_fit_is_refused_in_a_sentence(
    ini: Path, values: dict[str, object]
) -> None:
    store = Settings(ini)
    store.add_preset(Preset("old", "ela", values))  # type: ignore[arg-type]
    (preset,) = again(ini, store).presets("ela")
    with pytest.raises(InvalidParameterError, match=r"\.$"):
        preset.params(ELA.params)


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "null",
        "[1, null, [], {}]",
        '[{"name": 1, "analysis": "ela", "values": {}}]',
        '[{"name": "", "analysis": "ela", "values": {}}]',
        '[{"name": "a", "analysis": "ela", "values": {"quality": []}}]',
        '[{"name": "a", "analysis": "ela", "values": {"quality": null}}]',
        "[" * 100_000,
        "1" * 10_000,
    ],
)
def test_other_documents_are_no_presets(ini: Path, document: str) -> None:
    store = Settings(ini)
    store._store.setValue("analysis/presets", document)
    store._store.setValue("folder/recent", document)
    store = again(ini, store)
    assert store.presets("ela") == ()
    assert store.recent_folders == ()


# Damage ---------------------------------------------------------------------------------------


def filled(ini: Path) -> bytes:
    """A file with something in each entry."""
    store = Settings(ini)
    store.appearance = Appearance.DARK
    store.folder_order = "name"
    store.add_recent_folder(Path("/case"))
    store.keep_directory("open", Path("/case"))
    store.add_preset(Preset("mine", "ela", {"quality": 70}))
    assert store.sync()
    return ini.read_bytes()


def read_everything(store: Settings) -> None:
    assert isinstance(store.appearance, Appearance)
    assert isinstance(store.folder_order, str)
    assert all(isinstance(path, Path) for path in store.recent_folders)
    assert all(isinstance(preset, Preset) for preset in store.presets("ela"))
    store.directory("open")


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_never_raises_and_can_be_written_again(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(filled(tmp_path / "window.ini"))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    ini = tmp_path / f"{secrets.token_hex(8)}.ini"
    ini.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    store = Settings(ini)
    read_everything(store)
    store.appearance = Appearance.LIGHT
    assert again(ini, store).appearance is Appearance.LIGHT


@pytest.mark.parametrize(
    "content",
    [
        b"[window\nappearance",
        b"\xff\xfe\x00 garbage \n[[[\n=\n",
        b"[window]\nappearance=a, b, c\nlayout=@Variant(\\0\\0\\0\\x7f)\ngeometry=@Rect(1 2)\n",
        b"[folder]\norder=@Invalid()\nrecent=@ByteArray(\\xff)\n[dialogs]\nopen=%00\nsave=, ,\n",
        b'[folder]\nrecent="[\\"%00\\", \\"\\", 7, null]"\n',
    ],
)
def test_values_of_other_kinds_are_defaults(ini: Path, content: bytes, qtbot: QtBot) -> None:
    ini.parent.mkdir()
    ini.write_bytes(content)
    store = Settings(ini)
    assert is_default(store)
    window = QMainWindow()
    qtbot.addWidget(window)
    assert not store.restore_layout(window)


def test_an_unwritable_place_is_silently_forgotten(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "window.ini"
    store = Settings(path)
    store.appearance = Appearance.DARK
    store.add_recent_folder(Path("/case"))
    assert not store.sync()
    # In force as long as the window is open.
    assert store.appearance is Appearance.DARK
    assert store.recent_folders == (Path("/case"),)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# Layout ---------------------------------------------------------------------------------------


def laid_out(qtbot: QtBot) -> tuple[QMainWindow, QDockWidget]:
    window = QMainWindow()
    qtbot.addWidget(window)
    dock = QDockWidget("Verdict")
    dock.setObjectName("Verdict")
    window.addDockWidget(RIGHT, dock)
    window.resize(500, 400)
    return window, dock


def test_the_layout_comes_back(ini: Path, qtbot: QtBot) -> None:
    window, dock = laid_out(qtbot)
    window.resize(612, 433)
    window.addDockWidget(BOTTOM, dock)
    store = Settings(ini)
    store.keep_layout(window)
    other, other_dock = laid_out(qtbot)
    kept = again(ini, store)
    kept.restore_geometry(other)
    assert kept.restore_layout(other)
    assert other.dockWidgetArea(other_dock) == BOTTOM
    assert (other.width(), other.height()) == (612, 433)


def test_a_layout_of_another_version_is_dropped(
    ini: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, dock = laid_out(qtbot)
    window.addDockWidget(BOTTOM, dock)
    window.resize(612, 433)
    store = Settings(ini)
    store.keep_layout(window)
    monkeypatch.setattr("app.gui.settings.LAYOUT_VERSION", 99)
    other, other_dock = laid_out(qtbot)
    assert not again(ini, store).restore_layout(other)
    assert other.dockWidgetArea(other_dock) == RIGHT
    assert (other.width(), other.height()) == (500, 400)


def test_a_layout_cut_short_is_restored_or_changes_nothing(ini: Path, qtbot: QtBot) -> None:
    window, dock = laid_out(qtbot)
    window.addDockWidget(BOTTOM, dock)
    store = Settings(ini)
    store.keep_layout(window)
    whole = str(store._store.value("window/layout"))
    for length in range(0, len(whole) - 4, 8):
        store._store.setValue("window/layout", whole[:length])
        other, other_dock = laid_out(qtbot)
        # Qt does without the end of it, which is on toolbars.
        restored = store.restore_layout(other)
        assert other.dockWidgetArea(other_dock) == (BOTTOM if restored else RIGHT), length
        assert not restored or length > len(whole) / 2


def test_the_file_is_text_that_a_person_can_read(ini: Path) -> None:
    text = filled(ini).decode("ascii")
    assert "appearance=dark" in text
    assert json.dumps(["/case"]).replace('"', '\\"') in text
