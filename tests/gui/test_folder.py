"""The folder: order, filter, place in the list, thumbnails asked for, changes on disk."""

import os
import random
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import pytest
from PIL import Image
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from app.detection.verdict import State, Verdict
from app.gui.appearance import Appearance, palette
from app.gui.folder import listing as folder_listing
from app.gui.folder import model as folder_model
from app.gui.folder.listing import FolderEntry, Listing, files_to_show, listing_of
from app.gui.folder.order import Filter, Order, Sort
from app.gui.folder.panel import FolderPanel
from app.gui.folder.thumbnails import Thumbnailer
from app.scan.rows import Row
from tests.pictures import encoded, scene

ROOT = Path("/case")


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[FolderPanel]:
    """A shown panel without a cache on disk."""
    panel = FolderPanel()
    panel.resize(260, 600)
    qtbot.addWidget(panel)
    panel.show()
    yield panel
    panel.model.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[FolderEntry]:
    """Every thumbnail that is asked for; none is made."""
    wishes: list[FolderEntry] = []
    monkeypatch.setattr(Thumbnailer, "want", lambda self, entry, side: wishes.append(entry))
    return wishes


def listing(*names: str, roots: Sequence[Path] = (ROOT,)) -> Listing:
    return listing_of([(ROOT / name, 10, 20) for name in names], roots)


def shown(panel: FolderPanel) -> list[str]:
    """Names in the list, as the view gets them."""
    model = panel.model
    return [str(model.data(model.index(row))) for row in range(model.rowCount())]


def row(path: Path, *answers: tuple[str, State, float | None]) -> Row:
    verdicts = (Verdict(q, state, score, "", "m", "", "cpu") for q, state, score in answers)
    return Row(path, "ok", verdicts=tuple(verdicts))


def heading(panel: FolderPanel) -> str:
    return panel.findChild(QLabel).text()


def choose(combo: QComboBox, text: str) -> None:
    """As the user does."""
    at = combo.findText(text)
    assert at >= 0, text
    combo.setCurrentIndex(at)


# Order ----------------------------------------------------------------------------------------


def test_names_are_ordered_as_people_count(panel: FolderPanel) -> None:
    natural = [
        "IMG1.jpg",
        "img1b.jpg",
        "img2.jpg",
        "img010.jpg",
        "img10.jpg",
        "Z 9 9",
        "Z 9 10",
        "é",
    ]
    mixed = natural[:]
    random.Random(1).shuffle(mixed)
    mixed.remove("img10.jpg")
    mixed.insert(mixed.index("img010.jpg") + 1, "img10.jpg")
    panel.show_paths("case", listing(*mixed))
    assert shown(panel) == mixed
    choose(panel.header.sort, "Name")
    assert shown(panel) == natural
    panel.header.direction.click()
    # Equal names (010 and 10) stay in the order of the folder.
    assert shown(panel) == ["é", "Z 9 10", "Z 9 9", "img010.jpg", "img10.jpg", *natural[2::-1]]
    assert panel.model.paths == [ROOT / name for name in mixed]


def test_a_name_of_thousands_of_digits_is_ordered(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("9" * 6000, "1" + "0" * 6000, "8"))
    choose(panel.header.sort, "Name")
    assert shown(panel) == ["8", "9" * 6000, "1" + "0" * 6000]


@pytest.mark.parametrize("descending", [False, True])
def test_sorting_agrees_with_python(panel: FolderPanel, descending: bool) -> None:
    chance = random.Random(2)
    facts = [
        (ROOT / f"{n}.jpg", chance.randrange(50), chance.randrange(50)) for n in range(300)
    ] + [(ROOT / "gone.jpg", None, None)]
    chance.shuffle(facts)
    panel.show_paths("case", listing_of(facts))
    states = {path: chance.choice(list(State)) for path, _, _ in facts[:250]}
    scores = {
        path: None if state is State.OUTSIDE_VALIDITY else chance.randrange(9) / 9
        for path, state in states.items()
    }
    panel.model.set_rows([row(p, ("q", states[p], scores[p])) for p in states])
    ranks = ["positive", "inconclusive", "negative", "outside_validity", None]
    keys = {
        Sort.FOLDER: lambda f: 0,
        Sort.SIZE: lambda f: f[1],
        Sort.DATE: lambda f: f[2],
        Sort.SCORE: lambda f: scores.get(f[0]),
        Sort.STATE: lambda f: ranks.index(states.get(f[0])),
    }
    for sort, key in keys.items():
        panel.model.set_order(Order(sort, descending))
        valued = [f for f in facts if key(f) is not None]
        if sort is Sort.FOLDER:
            expected = facts[::-1] if descending else facts
        else:
            expected = sorted(valued, key=key, reverse=descending)
            expected += [f for f in facts if key(f) is None]
        assert shown(panel) == [path.name for path, _, _ in expected], sort


def test_answers_that_arrive_later_find_their_place(qtbot: QtBot, panel: FolderPanel) -> None:
    names = [f"{n}.jpg" for n in range(40)]
    panel.show_paths("case", listing(*names))
    choose(panel.header.sort, "Score")
    panel.header.direction.click()
    for n, name in enumerate(names):
        panel.model.set_rows([row(ROOT / name, ("q", State.POSITIVE, n / 40))])
    qtbot.waitUntil(lambda: shown(panel) == names[::-1], timeout=5_000)


def test_the_chosen_question_decides(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a", "b"))
    assert panel.header.question.isHidden()
    for name, first, second in (("a", 0.9, 0.1), ("b", 0.2, 0.8)):
        answers = ("one", State.POSITIVE, first), ("two", State.NEGATIVE, second)
        panel.model.set_rows([row(ROOT / name, *answers)])
    choose(panel.header.sort, "Score")
    assert shown(panel) == ["b", "a"]
    assert panel.model.detail(0) == "one: positive 0.20 · two: negative 0.80"
    choose(panel.header.question, "two")
    assert shown(panel) == ["a", "b"]
    assert panel.model.detail(0) == "two: negative 0.10 · one: positive 0.90"
    choose(panel.header.answer, "positive")
    assert shown(panel) == []
    assert heading(panel) == "case\n0 of 2 files"


# Filter ---------------------------------------------------------------------------------------


def test_filtering_by_name_agrees_with_python(panel: FolderPanel) -> None:
    names = [f"{word}{n}.JPG" for n in range(50) for word in ("Straße", "x[1]", "é")]
    panel.show_paths("case", listing(*names))
    for text in ("strasse", "X[1]2", ".jpg", "[", "É", "*", "  "):
        panel.filter_edit.setText(text)
        assert shown(panel) == [n for n in names if text.casefold() in n.casefold()]
    panel.filter_edit.setText("straße1")
    assert heading(panel) == "case\n11 of 150 files"
    panel.filter_edit.clear()
    assert heading(panel) == "case\n150 files"


def test_filtering_by_state(panel: FolderPanel) -> None:
    names = ["pos", "neg", "inc", "out", "err", "new", "nothing asked"]
    panel.show_paths("case", listing(*names))
    for name, state, score in (
        ("pos", State.POSITIVE, 0.9),
        ("neg", State.NEGATIVE, 0.1),
        ("inc", State.INCONCLUSIVE, 0.5),
        ("out", State.OUTSIDE_VALIDITY, None),
    ):
        panel.model.set_rows([row(ROOT / name, ("q", state, score))])
    panel.model.set_rows([Row(ROOT / "err", "broken", "Broken."), row(ROOT / "nothing asked")])
    for text, expected in {
        "positive": ["pos"],
        "negative": ["neg"],
        "inconclusive": ["inc"],
        "outside validity": ["out"],
        "not analysed": ["err"],
        "not scanned": ["new", "nothing asked"],
        "All states": names,
    }.items():
        choose(panel.header.answer, text)
        assert shown(panel) == expected
    assert panel.model.detail(4) == "not analysed: broken"


def test_filtering_by_mark(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a", "b", "c", "d"))
    assert panel.header.mark.isHidden()
    marks = {ROOT / "a": ("flagged", False), ROOT / "b": ("cleared", True), ROOT / "c": ("", True)}
    panel.set_marks(marks)
    assert not panel.header.mark.isHidden()
    for text, expected in {
        "marked": ["a", "b"],
        "flagged": ["a"],
        "cleared": ["b"],
        "with a note": ["b", "c"],
        "All marks": ["a", "b", "c", "d"],
    }.items():
        choose(panel.header.mark, text)
        assert shown(panel) == expected
    choose(panel.header.mark, "flagged")
    panel.set_marks({ROOT / "d": ("flagged", False)})
    assert shown(panel) == ["d"]
    panel.set_marks({})
    assert shown(panel) == []
    assert panel.header.mark.currentText() == "flagged"


def test_another_folder_is_shown_whole(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a", "b"))
    panel.set_marks({ROOT / "a": ("flagged", False)})
    panel.filter_edit.setText("b")
    choose(panel.header.answer, "positive")
    choose(panel.header.sort, "Name")
    panel.show_paths("other", listing("a", "c"))
    assert shown(panel) == ["a", "c"]
    assert panel.filter_edit.text() == ""
    assert panel.model.filter == Filter()
    assert panel.model.order.by is Sort.NAME
    assert not any(panel.model.marked(0))


# Place in the list ----------------------------------------------------------------------------


def test_stepping_follows_the_shown_order(panel: FolderPanel) -> None:
    gone: list[str] = []
    panel.selected.connect(lambda path: gone.append(path.name))
    panel.show_paths("case", listing("a1", "b1", "a3", "b2", "a2"))
    panel.filter_edit.setText("a")
    choose(panel.header.sort, "Name")
    for by in (1, 1, 1, -1, -1, -1):
        panel.step(by)
    assert gone == ["a1", "a2", "a3", "a2", "a1"]


@pytest.mark.parametrize(("by", "next_"), [(1, "d"), (-1, "b"), (2, "e"), (-2, None)])
def test_stepping_from_a_hidden_file_goes_to_the_nearest(
    qtbot: QtBot, panel: FolderPanel, by: int, next_: str | None
) -> None:
    panel.show_paths("case", listing("a-", "b", "c-", "d", "e"))
    panel.select(ROOT / "c-")
    panel.set_marks({ROOT / name: ("keep", False) for name in "bde"})
    seen: list[str] = []
    panel.selected.connect(lambda path: seen.append(path.name))
    choose(panel.header.mark, "keep")
    assert shown(panel) == ["b", "d", "e"]
    assert seen == []
    assert not panel.list.currentIndex().isValid()
    panel.step(by)
    assert seen == ([next_] if next_ else [])


@pytest.mark.parametrize(("gone", "by", "next_"), [(2, 1, "d"), (2, -1, "b"), (0, 1, "b")])
def test_stepping_from_a_vanished_file_goes_to_its_neighbour(
    panel: FolderPanel, gone: int, by: int, next_: str
) -> None:
    names = list("abcde")
    panel.show_paths("case", listing(*names))
    panel.select(ROOT / "e")
    panel.select(ROOT / names.pop(gone))
    panel.update_entries(listing(*names))
    seen: list[str] = []
    panel.selected.connect(lambda path: seen.append(path.name))
    panel.step(by)
    assert seen == [next_]


def test_a_hidden_file_comes_back_as_the_current_one(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a", "b", "c"))
    panel.select(ROOT / "b")
    seen: list[Path] = []
    panel.selected.connect(seen.append)
    panel.filter_edit.setText("c")
    panel.list.setFocus()
    panel.filter_edit.setText("")
    assert panel.list.currentIndex().row() == 1
    assert seen == []


def test_a_file_that_is_not_shown_can_be_selected(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a", "b"))
    panel.filter_edit.setText("a")
    seen: list[Path] = []
    panel.selected.connect(seen.append)
    panel.select(ROOT / "b")
    panel.select(Path("/elsewhere/x"))
    panel.select(ROOT / "a")
    assert seen == [ROOT / "b", Path("/elsewhere/x"), ROOT / "a"]
    assert panel.list.currentIndex().row() == 0


def test_keys_lead_from_the_filter_to_the_list(qtbot: QtBot, panel: FolderPanel) -> None:
    panel.show_paths("case", listing("apple", "banana", "bread"))
    panel.activateWindow()
    panel.filter_edit.setFocus()
    qtbot.keyClicks(panel.filter_edit, "b")
    assert shown(panel) == ["banana", "bread"]
    qtbot.keyClick(panel.filter_edit, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.list.hasFocus, timeout=5_000)
    assert panel.list.currentIndex().row() == 0
    qtbot.keyClicks(panel.list, "br")
    assert panel.list.currentIndex().row() == 1
    panel.filter_edit.setFocus()
    qtbot.keyClick(panel.filter_edit, Qt.Key.Key_Escape)
    assert panel.filter_edit.text() == ""
    assert shown(panel) == ["apple", "banana", "bread"]
    qtbot.keyClick(panel.filter_edit, Qt.Key.Key_Down)
    qtbot.waitUntil(panel.list.hasFocus, timeout=5_000)


def test_every_input_has_a_name(panel: FolderPanel) -> None:
    inputs = [w for kind in (QComboBox, QLineEdit, QToolButton) for w in panel.findChildren(kind)]
    own = [w for w in inputs if not isinstance(w.parent(), QLineEdit)]
    assert len(own) == 6
    assert all(widget.accessibleName() for widget in (*own, panel.list))


# Thumbnails -----------------------------------------------------------------------------------


def test_only_what_is_looked_at_is_asked_for(
    qtbot: QtBot, panel: FolderPanel, asked: list[FolderEntry]
) -> None:
    panel.show_paths("case", listing(*(f"{n:05}.jpg" for n in range(10_000))))
    qtbot.waitUntil(lambda: len(asked) > 0, timeout=5_000)
    screen = panel.list.viewport().height() // panel.list.sizeHintForRow(0) + 2
    panel.list.viewport().repaint()
    assert {entry.name for entry in asked} <= {f"{n:05}.jpg" for n in range(3 * screen)}
    asked.clear()
    panel.list.scrollToBottom()
    panel.list.viewport().repaint()
    names = [entry.name for entry in asked]
    assert names[-1] == "09999.jpg"
    assert set(names) <= {f"{n:05}.jpg" for n in range(10_000 - 3 * screen, 10_000)}


def test_thumbnails_are_as_sharp_as_the_screen(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(600, 800), "PNG"))
    panel.hide()
    panel.show_paths("case", [path])
    pictures, (entry,) = panel.model.pictures, listing_of([(path, None, None)]).entries
    for ratio in (1.0, 2.0, 1.25):
        pictures.set_pixel_ratio(ratio)
        with qtbot.waitSignal(pictures.made, timeout=10_000):
            assert pictures.get(entry).isNull()
        made = pictures.get(entry)
        assert (made.width(), made.height()) == (80 * ratio, 60 * ratio)
        assert made.deviceIndependentSize().toTuple() == (80, 60)


@pytest.mark.parametrize("size", [(3000, 2), (2, 3000), (300, 900), (5, 4), (1, 1)])
def test_every_shape_fits_into_its_room(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(*size), "PNG"))
    panel.show_paths("case", [path])

    def made() -> bool:
        return not panel.model.picture(0).isNull()

    qtbot.waitUntil(made, timeout=10_000)
    picture = panel.model.picture(0)
    assert 1 <= picture.width() <= 80
    assert 1 <= picture.height() <= 60


def test_the_list_is_painted_with_pictures_answers_and_marks(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path
) -> None:
    red = tmp_path / "red.png"
    red.write_bytes(encoded(Image.new("RGB", (80, 60), (200, 10, 10)), "PNG"))
    (tmp_path / "text.png").write_text("no picture")
    with qtbot.waitSignals([panel.model.pictures.made] * 2, timeout=10_000):
        panel.show_paths("case", [red, tmp_path / "text.png"])

    def colours(row: int) -> set[str]:
        image = panel.list.viewport().grab(panel.list.visualRect(panel.model.index(row))).toImage()
        points = ((x, y) for x in range(image.width()) for y in range(image.height()))
        return {QColor(image.pixel(x, y)).name() for x, y in points}

    assert "#c80a0a" in colours(0)
    plain = colours(1)
    panel.set_marks({tmp_path / "text.png": ("flagged", True)})
    assert colours(1) - plain
    tip = str(panel.model.data(panel.model.index(1), Qt.ItemDataRole.ToolTipRole))
    assert "flagged, with a note" in tip
    text = str(panel.model.data(panel.model.index(1), Qt.ItemDataRole.AccessibleTextRole))
    assert text.startswith("text.png\n")


def region_of(panel: FolderPanel, row: int) -> QImage:
    """One row as it is painted."""
    index = panel.model.index(row)
    return panel.list.viewport().grab(panel.list.visualRect(index)).toImage()


@pytest.mark.parametrize("appearance", [Appearance.LIGHT, Appearance.DARK, Appearance.CONTRAST])
def test_the_warning_is_seen_on_a_selected_row(
    qtbot: QtBot, qapp: QApplication, panel: FolderPanel, tmp_path: Path, appearance: Appearance
) -> None:
    """Where the triangle is, something differs from the row by 3 to 1 in luminance (WCAG)."""
    path = tmp_path / "text.png"
    path.write_text("no picture")
    panel.setPalette(palette(appearance))
    with qtbot.waitSignal(panel.model.pictures.made, timeout=10_000):
        panel.show_paths("case", [path])
    for select in (True, False):
        panel.list.setCurrentIndex(panel.model.index(0) if select else QModelIndex())
        image = region_of(panel, 0)
        background = luminance(image.pixelColor(6, 6))
        ink = [
            luminance(image.pixelColor(x, y))
            for x in range(20, 80)
            for y in range(10, image.height() - 10)
        ]
        assert max(contrast(background, value) for value in ink) > 3


def luminance(colour: QColor) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_the_picture_of_a_selected_row_keeps_its_colours(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path
) -> None:
    red = tmp_path / "red.png"
    red.write_bytes(encoded(Image.new("RGB", (80, 60), (200, 10, 10)), "PNG"))
    panel.setPalette(palette(Appearance.CONTRAST))
    with qtbot.waitSignal(panel.model.pictures.made, timeout=10_000):
        panel.show_paths("case", [red])
    assert panel.list.currentIndex().row() == 0
    image = region_of(panel, 0)
    inside = {
        image.pixelColor(x, y).name() for x in range(10, 78) for y in range(10, image.height() - 10)
    }
    assert inside == {"#c80a0a"}


@pytest.mark.parametrize("appearance", [Appearance.LIGHT, Appearance.CONTRAST])
def test_names_can_be_told_apart_in_a_narrow_panel(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path, appearance: Appearance
) -> None:
    """At 160 units, with both marks, names that differ at their ends look different."""
    paths = [tmp_path / f"{end}a photograph with a long name{end}.png" for end in "im"]
    for path in paths:
        path.write_bytes(encoded(scene(60, 80), "PNG"))
    panel.setPalette(palette(appearance))
    panel.setMinimumWidth(0)
    panel.resize(160, 400)
    with qtbot.waitSignals([panel.model.pictures.made] * 2, timeout=10_000):
        panel.show_paths("case", paths)
    panel.set_marks(dict.fromkeys(paths, ("flagged", True)))
    panel.list.setCurrentIndex(QModelIndex())
    first, second = region_of(panel, 0), region_of(panel, 1)
    assert first != second
    elided = QFontMetrics(panel.list.font()).horizontalAdvance("ia…i.png")
    ink = [
        x
        for x in range(first.width())
        if any(first.pixelColor(x, y) != first.pixelColor(2, 2) for y in range(12, 34))
    ]
    name = [x for x in ink if 50 < x < first.width() - 24]
    assert max(name) - min(name) > 0.8 * elided


def test_the_panel_does_not_get_narrower_than_its_names_allow(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a"))
    panel.set_marks({ROOT / "a": ("flagged", True)})
    panel.resize(10, 400)
    assert panel.width() == 180
    header = panel.header.minimumSizeHint().width()
    assert header <= 180, header


def test_an_empty_list_says_why(panel: FolderPanel) -> None:
    def painted() -> QImage:
        return panel.list.viewport().grab().toImage()

    def plain(image: QImage) -> bool:
        colours = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
        return len(colours) == 1

    assert plain(painted())
    panel.show_paths("case", listing())
    assert panel.list.accessibleDescription() == "This folder holds no images."
    assert not plain(painted())
    panel.show_paths("case", listing("a"))
    assert panel.list.accessibleDescription() == ""
    panel.filter_edit.setText("b")
    assert panel.list.accessibleDescription() == "No file has what is asked for above."
    assert not plain(painted())
    panel.filter_edit.setText("")
    assert panel.list.accessibleDescription() == ""


# Many files -----------------------------------------------------------------------------------


def test_a_list_of_ten_thousand_is_laid_out_without_asking_for_each_file(
    panel: FolderPanel, monkeypatch: pytest.MonkeyPatch, asked: list[FolderEntry]
) -> None:
    """Each question of Qt to Python waits for the other threads of the program."""
    calls: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == folder_model.__file__:
            calls.append(frame.f_code.co_name)

    many = listing(*(f"{n:05}.jpg" for n in range(10_000)))
    sys.setprofile(watch)
    try:
        panel.show_paths("case", many)
        panel.model.set_order(Order(Sort.NAME, True))
    finally:
        sys.setprofile(None)
    assert panel.list.currentIndex().row() == 9_999
    assert "set_listing" in calls
    assert len(calls) < 500


def test_answers_to_files_that_are_not_seen_paint_nothing(
    qtbot: QtBot, panel: FolderPanel, asked: list[FolderEntry]
) -> None:
    """A row that is painted asks for its picture, as long as it has none."""
    names = [f"{n:04}" for n in range(1000)]
    panel.show_paths("case", listing(*names))
    qtbot.waitUntil(lambda: bool(asked), timeout=10_000)
    panel.list.viewport().repaint()
    QApplication.processEvents()
    asked.clear()
    panel.model.set_rows([row(ROOT / name, ("q", State.POSITIVE, 0.9)) for name in names[500:]])
    QApplication.processEvents()
    assert asked == []
    panel.model.set_rows([row(ROOT / names[2], ("q", State.POSITIVE, 0.9))])
    qtbot.waitUntil(lambda: bool(asked), timeout=5_000)
    assert {entry.name for entry in asked} == {names[2]}


def test_the_files_of_the_list_cannot_be_renamed_in_it(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a"))
    flags = panel.model.flags(panel.model.index(0))
    assert flags == Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"line\nend\t.jpg", "line\\nend\\t.jpg"),
        (b"\xff\xfe.jpg", "\\xff\\xfe.jpg"),
        ("a\u202egpj.exe".encode(), "a\\u202egpj.exe"),
        (b"<b>&amp;", "<b>&amp;"),
        ("שלום".encode(), "שלום"),
        (b"x" * 300, "x" * 300),
    ],
)
def test_odd_names_are_shown_on_one_line(
    panel: FolderPanel, asked: list[FolderEntry], name: bytes, expected: str
) -> None:
    path = ROOT / os.fsdecode(name)
    panel.show_paths(path.name, [path])
    panel.set_marks({path: (os.fsdecode(name), True)})
    panel.grab()
    assert shown(panel) == [expected]
    tip = str(panel.model.data(panel.model.index(0), Qt.ItemDataRole.ToolTipRole))
    assert "<b>" not in tip
    assert panel.minimumSizeHint().width() < 260
    panel.filter_edit.setText(expected[:5].upper())
    assert shown(panel) == [expected]


# Changes on disk ------------------------------------------------------------------------------


def test_a_listing_tells_size_and_date_and_loses_no_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, size in (("b", 5), ("a", 7), ("sub/c", 0)):
        (tmp_path / name).write_bytes(bytes(size))
    os.utime(tmp_path / "a", ns=(1, 1_600_000_000_123_456_789))
    (tmp_path / "dangling").symlink_to("nowhere")
    missing = tmp_path / ("x" * 300)
    folder, title, found = files_to_show([tmp_path, missing], threading.Event())
    assert (folder, title) == (tmp_path, f"{tmp_path.name} and 1 more")
    facts = {entry.path: (entry.size, entry.modified) for entry in found.entries}
    names = ["a", "b", "dangling", "sub/c", "x" * 300]
    assert list(facts) == [tmp_path / name for name in names]
    assert facts[tmp_path / "a"] == (7, 1_600_000_000_123_456_789)
    assert facts[tmp_path / "dangling"] == facts[missing] == (None, None)
    assert set(found.folders) == {tmp_path, tmp_path / "sub"}


def test_a_stopped_listing_looks_at_no_file(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    (tmp_path / "a").write_bytes(b"a")
    _, _, found = files_to_show([tmp_path / "a"], stop)
    assert all(entry.size is None for entry in found.entries)
    assert found.folders == ()


def test_more_folders_than_are_watched_are_mentioned(
    panel: FolderPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    monkeypatch.setattr(folder_listing, "WATCHED_FOLDERS", 3)
    _, title, found = files_to_show([tmp_path], threading.Event())
    assert len(found.folders) == 3
    panel.show_paths(title, found)
    assert "more than" in panel.findChild(QLabel).toolTip()


def test_changes_on_disk_are_reported_and_taken_over(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path
) -> None:
    def again() -> Listing:
        return files_to_show([tmp_path], threading.Event())[2]

    (tmp_path / "empty").mkdir()
    (tmp_path / "a.jpg").write_bytes(encoded(scene(20, 30), "JPEG"))
    panel.show_paths("case", again())
    with qtbot.waitSignal(panel.changed_on_disk, timeout=10_000) as caught:
        (tmp_path / "b.jpg").write_bytes(b"b")
    assert caught.args == [[tmp_path]]
    panel.update_entries(again())
    assert shown(panel) == ["a.jpg", "b.jpg"]
    # The new file may still be written; without news this ends.
    with qtbot.waitSignal(panel.changed_on_disk, timeout=10_000):
        pass
    with qtbot.waitSignal(panel.changed_on_disk, timeout=10_000):
        (tmp_path / "empty" / "c.jpg").write_bytes(b"c")
    panel.update_entries(again())
    assert shown(panel) == ["a.jpg", "b.jpg", "c.jpg"]
    (tmp_path / "a.jpg").unlink()
    with qtbot.waitSignal(panel.changed_on_disk, timeout=10_000):
        pass
    panel.update_entries(again())
    assert shown(panel) == ["b.jpg", "c.jpg"]
    assert panel.list.currentIndex().row() == -1
    panel.step(1)
    assert panel.list.currentIndex().row() == 0


def test_coming_back_to_the_program_looks_again(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path, qapp: QApplication
) -> None:
    panel.show_paths("case", files_to_show([tmp_path], threading.Event())[2])
    with qtbot.waitSignal(panel.changed_on_disk, timeout=10_000):
        qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)


def test_a_new_listing_keeps_what_has_not_changed(
    qtbot: QtBot, panel: FolderPanel, asked: list[FolderEntry]
) -> None:
    names = [f"{n:03}" for n in range(200)]
    panel.show_paths("case", listing(*names))
    panel.model.set_rows([row(ROOT / name, ("q", State.POSITIVE, 0.9)) for name in names])
    panel.set_marks({ROOT / "150": ("flagged", False)})
    panel.select(ROOT / "150")
    before = panel.list.visualRect(panel.list.currentIndex()).top()
    assert 0 <= before < panel.list.viewport().height()
    seen: list[Path] = []
    panel.selected.connect(seen.append)
    facts = [(ROOT / name, 10, 20) for name in names if name != "003"]
    facts[facts.index((ROOT / "100", 10, 20))] = (ROOT / "100", 11, 20)
    facts.insert(0, (ROOT / "0 new", 1, 1))
    facts.insert(1, (ROOT / "0 newer", 1, 1))
    panel.update_entries(listing_of(facts, [ROOT]))
    assert shown(panel) == [path.name for path, _, _ in facts]
    assert heading(panel) == "case\n201 files"
    current = panel.list.currentIndex()
    assert panel.model.entry(current.row()).name == "150"
    assert panel.list.visualRect(current).top() == before
    assert seen == []
    details = {name: panel.model.detail(at) for at, name in enumerate(shown(panel))}
    assert details["150"] == details["099"] == "positive 0.90"
    assert details["100"] == "changed since the scan"
    assert details["0 new"] == "1970-01-01 · 1 B"
    assert panel.model.marked(current.row()) == ("flagged", False)
    choose(panel.header.answer, "not scanned")
    assert shown(panel) == ["0 new", "0 newer", "100"]
    panel.model.set_rows([row(ROOT / "100", ("q", State.NEGATIVE, 0.1))])
    assert panel.model.detail(2) == "negative 0.10"


def test_the_first_visible_file_stays_in_place_when_the_current_is_elsewhere(
    panel: FolderPanel, asked: list[FolderEntry]
) -> None:
    names = [f"{n:03}" for n in range(200)]
    panel.show_paths("case", listing(*names))
    panel.list.verticalScrollBar().setValue(3333)
    place = {
        name: panel.list.visualRect(panel.model.index(at)).top() for at, name in enumerate(names)
    }
    visible = next(name for name in names if place[name] > -panel.list.sizeHintForRow(0))
    panel.update_entries(listing("000 a", *names))
    at = shown(panel).index(visible)
    assert panel.list.visualRect(panel.model.index(at)).top() == place[visible]


def test_a_changed_file_gets_a_new_thumbnail_and_others_keep_theirs(
    qtbot: QtBot, panel: FolderPanel, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encoded(scene(60, 80), "PNG"))

    def again() -> Listing:
        return files_to_show([tmp_path], threading.Event())[2]

    def both() -> bool:
        return not any(panel.model.picture(at).isNull() for at in (0, 1))

    panel.show_paths("case", again())
    qtbot.waitUntil(both, timeout=10_000)
    kept = panel.model.picture(1).cacheKey()
    (tmp_path / "a.png").write_bytes(encoded(scene(80, 60), "PNG"))
    panel.update_entries(again())
    assert panel.model.picture(0).isNull()
    assert panel.model.picture(1).cacheKey() == kept
    qtbot.waitUntil(both, timeout=10_000)
    assert panel.model.picture(0).width() == 45


def test_a_listing_of_another_folder_comes_too_late(panel: FolderPanel) -> None:
    panel.show_paths("case", listing("a"))
    panel.update_entries(listing("b", roots=[Path("/earlier")]))
    assert shown(panel) == ["a"]
