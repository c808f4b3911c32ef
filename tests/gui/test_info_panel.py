"""The info panel as its reader meets it: four pages, a filter, and text that can be copied."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTreeWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.gui.info.facts import SEGMENT_ROWS, InfoDetails, read_details
from app.gui.info.pages import PicturePair
from app.gui.info.panel import InfoPanel
from app.gui.info.widgets import CopyTree, Page, facts_form
from app.gui.table.inspection import Inspection, inspect
from tests.exif_files import (
    EXIF_MARK,
    exif_stream,
    gps,
    jpeg_with_thumbnail,
    reduced,
    segment,
    text,
    texture,
    with_segments,
)
from tests.pictures import encoded, scene

PICTURE = texture(120, 180, 1)
GPS = gps("N", [(47, 1), (30, 1), (36, 1)], "E", [(8, 1), (0, 1), (0, 1)])


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[InfoPanel]:
    panel = InfoPanel()
    qtbot.addWidget(panel)
    panel.resize(330, 600)
    panel.show()
    yield panel
    panel.close()


def inspected(folder: Path, data: bytes, name: str = "a.jpg") -> Inspection:
    path = folder / name
    path.write_bytes(data)
    return inspect(path)


def show(panel: InfoPanel, inspection: Inspection) -> InfoDetails:
    details = read_details(inspection)
    panel.show_inspection(inspection)
    panel.show_details(details)
    return details


def labels(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def rows(panel: InfoPanel) -> dict[tuple[str, str], str]:
    """(group, name) to value of all rows that the filter leaves."""
    found = {}
    for item in panel.metadata.tree.rows():
        parent = item.parent()
        if isinstance(parent, QTreeWidgetItem):
            found[parent.text(0), item.text(0)] = item.text(1)
    return found


def with_metadata(position: bool = True) -> bytes:
    stream = exif_stream(
        [text(0x10F, "Maker"), text(0x131, "<b>Editor</b>")],
        position=GPS if position else (),
    )
    return with_segments(encoded(PICTURE, "JPEG", quality=85), segment(0xE1, EXIF_MARK + stream))


def test_file_page_has_hash_size_and_name(panel: InfoPanel, tmp_path: Path) -> None:
    inspection = inspected(tmp_path, with_metadata())
    panel.show_inspection(inspection)
    fields = {
        field.accessibleName(): field.toPlainText()
        for field in panel.file.findChildren(QPlainTextEdit)
    }
    assert fields == {"File": str(inspection.path), "SHA-256": inspection.evidence.sha256}
    assert f"{inspection.evidence.size:,} bytes" in labels(panel.file)
    assert "180 x 120 (0.02 MP)" in labels(panel.file)


def test_details_come_later_and_a_new_file_takes_the_old_ones_away(
    panel: InfoPanel, tmp_path: Path
) -> None:
    first = inspected(tmp_path, with_metadata())
    panel.show_inspection(first)
    assert [item.text(0) for item in panel.metadata.tree.rows()] == ["Being read…"]
    assert "Being read…" in labels(panel.thumbnail)
    panel.show_details(read_details(first))
    assert rows(panel)["EXIF IFD0", "Make"] == "Maker"
    panel.show_inspection(inspected(tmp_path, encoded(PICTURE, "PNG"), "b.png"))
    assert rows(panel) == {}
    assert "Maker" not in panel.text()


def test_failure_is_a_sentence_on_the_pages_that_need_the_details(
    panel: InfoPanel, tmp_path: Path
) -> None:
    panel.show_inspection(inspected(tmp_path, with_metadata()))
    panel.show_failure("The picture does not fit into memory.")
    assert [item.text(0) for item in panel.metadata.tree.rows()] == [
        "The picture does not fit into memory."
    ]
    assert "does not fit" in labels(panel.thumbnail)
    assert "exactly the IJG tables" in labels(panel.jpeg)


def test_metadata_is_grouped_and_says_what_is_not_there(panel: InfoPanel, tmp_path: Path) -> None:
    show(panel, inspected(tmp_path, with_metadata()))
    found = rows(panel)
    assert found["In this file", "GPS position"] == "47.510000, 8.000000 (from EXIF GPS)"
    assert found["In this file", "XMP"] == "none before the picture's data"
    assert found["In this file", "Software (EXIF)"] == "<b>Editor</b>"
    assert found["EXIF GPS", "GPSLatitudeRef"] == "N"


def test_filter_leaves_rows_whose_name_or_value_has_the_text(
    panel: InfoPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    show(panel, inspected(tmp_path, with_metadata()))
    qtbot.keyClicks(panel.metadata.filter, "EDITOR")
    assert set(rows(panel)) == {("In this file", "Software (EXIF)"), ("EXIF IFD0", "Software")}
    panel.metadata.filter.setText("latitude")
    assert set(rows(panel)) == {("EXIF GPS", "GPSLatitudeRef"), ("EXIF GPS", "GPSLatitude")}
    show(panel, inspected(tmp_path, with_metadata(position=False)))
    assert rows(panel) == {}
    panel.metadata.filter.clear()
    assert rows(panel)["EXIF IFD0", "Make"] == "Maker"


def test_whole_value_of_the_current_row_can_be_read(panel: InfoPanel, tmp_path: Path) -> None:
    show(panel, inspected(tmp_path, with_metadata()))
    tree = panel.metadata.tree
    tree.setCurrentItem(next(item for item in tree.rows() if item.text(0) == "Software"))
    assert panel.metadata.row_text.toPlainText() == "<b>Editor</b>"
    panel.show_inspection(inspected(tmp_path, encoded(PICTURE, "PNG"), "b.png"))
    assert panel.metadata.row_text.toPlainText() == ""


def test_control_c_copies_the_selected_rows_in_their_order(
    panel: InfoPanel, qtbot: QtBot, qapp: object, tmp_path: Path
) -> None:
    show(panel, inspected(tmp_path, with_metadata()))
    panel.tabs.setCurrentWidget(panel.metadata)
    tree = panel.metadata.tree
    wanted = [item for item in tree.rows() if item.text(0) in ("EXIF IFD0", "Software", "Make")]
    for item in reversed(wanted):
        item.setSelected(True)
    panel.activateWindow()
    tree.setFocus()
    qtbot.waitUntil(tree.hasFocus)
    qtbot.keyClick(tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard(qapp) == "EXIF IFD0\nMake\tMaker\nSoftware\t<b>Editor</b>"


def clipboard(application: object) -> str:
    return application.clipboard().text()  # type: ignore[attr-defined, no-any-return]


def test_copy_all_has_every_page(
    panel: InfoPanel, qtbot: QtBot, qapp: object, tmp_path: Path
) -> None:
    assert not panel.copy_button.isEnabled()
    inspection = inspected(tmp_path, jpeg_with_thumbnail(PICTURE, reduced(PICTURE, 60, 40)))
    show(panel, inspection)
    qtbot.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    copied = clipboard(qapp)
    assert f"SHA-256: {inspection.evidence.sha256}" in copied
    assert "Make: Maker" in copied
    assert "Estimated quality: 90: exactly the IJG tables of this quality" in copied
    assert "Segment\tOffset\tLength\nSOI\t0\t0\nAPP" in copied
    assert "consistent with the picture as a whole" in copied
    assert "Stored: 60 x 40 pixels" in copied


def test_copy_before_the_details_says_that_they_are_missing(
    panel: InfoPanel, tmp_path: Path
) -> None:
    panel.show_inspection(inspected(tmp_path, with_metadata()))
    assert "Metadata and thumbnail: not read yet" in panel.text()


def test_quantisation_tables_are_those_that_pillow_reports(
    panel: InfoPanel, tmp_path: Path
) -> None:
    data = encoded(PICTURE, "JPEG", quality=37, subsampling=1, progressive=True)
    show(panel, inspected(tmp_path, data))
    with Image.open(io.BytesIO(data)) as image:
        theirs = [list(table) for _, table in sorted(image.quantization.items())]
    grids = [grid.toPlainText() for grid in panel.jpeg.findChildren(QPlainTextEdit)]
    assert [[int(number) for number in grid.split()] for grid in grids] == theirs
    assert {len(line) for line in grids[0].splitlines()} == {len(grids[0].splitlines()[0])}
    assert len(grids[0].splitlines()) == 8
    assert all(word in labels(panel.jpeg) for word in ("37: exactly", "4:2:2", "progressive"))


def test_tables_of_an_encoders_own_are_called_near(panel: InfoPanel, tmp_path: Path) -> None:
    own = [[2 + i // 2 for i in range(64)], [3 + i // 2 for i in range(64)]]
    show(panel, inspected(tmp_path, encoded(PICTURE, "JPEG", qtables=own)))
    assert "tables of the encoder's own" in labels(panel.jpeg)


def test_segments_are_listed_with_their_offsets(panel: InfoPanel, tmp_path: Path) -> None:
    data = with_segments(encoded(PICTURE, "JPEG"), *[segment(0xFE, b"x")] * 800)
    show(panel, inspected(tmp_path, data))
    (tree,) = panel.jpeg.findChildren(CopyTree)
    listed = [tuple(item.text(column) for column in range(3)) for item in tree.rows()]
    assert listed[:3] == [("SOI", "0", "0"), ("COM", "2", "1"), ("COM", "7", "1")]
    assert len(listed) == SEGMENT_ROWS
    assert f"the first {SEGMENT_ROWS} are listed" in labels(panel.jpeg)


def test_file_that_is_no_jpeg_is_told(panel: InfoPanel, tmp_path: Path) -> None:
    show(panel, inspected(tmp_path, encoded(scene(20, 20), "PNG"), "a.png"))
    assert "The format is PNG; it has no JPEG header of its own." in labels(panel.jpeg)
    assert "Embedded thumbnail: none in EXIF." in labels(panel.thumbnail)
    assert "The format is PNG; it has no JPEG header of its own." in panel.text()


def test_thumbnail_page_paints_both_and_tells_the_difference(
    panel: InfoPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    green, red = np.zeros((2, 90, 135, 3), np.uint8)
    green[..., 1] = red[..., 0] = texture(90, 135, 5)[..., 0] // 8 + 200
    show(panel, inspected(tmp_path, jpeg_with_thumbnail(red, reduced(green, 60, 40))))
    panel.tabs.setCurrentWidget(panel.thumbnail)
    (pair,) = panel.thumbnail.findChildren(PicturePair)
    qtbot.waitUntil(pair.isVisible)
    shown = pair.grab().toImage()
    left = QColor(shown.pixel(shown.width() // 4, shown.height() * 2 // 3))
    right = QColor(shown.pixel(shown.width() * 3 // 4, shown.height() * 2 // 3))
    assert left.green() > 150 > 80 > left.red()
    assert right.red() > 150 > 80 > right.green()
    text = labels(panel.thumbnail)
    assert "Stored" in text
    assert "60 x 40 pixels" in text
    assert "grey levels of luma" in text


def test_thumbnail_that_cannot_be_compared_is_shown_alone(panel: InfoPanel, tmp_path: Path) -> None:
    blank = np.full((40, 60, 3), 255, np.uint8)
    show(panel, inspected(tmp_path, jpeg_with_thumbnail(PICTURE, blank)))
    (pair,) = panel.thumbnail.findChildren(PicturePair)
    assert pair.accessibleName() == "Thumbnail"
    assert "cannot be compared" in labels(panel.thumbnail)
    assert "Correlation" not in labels(panel.thumbnail)


def test_text_of_the_file_is_never_read_as_html(panel: InfoPanel, tmp_path: Path) -> None:
    show(panel, inspected(tmp_path, with_metadata(), "<img src=x>&amp;.jpg"))
    panel.show_failure("<b>x</b>")
    for label in panel.findChildren(QLabel):
        assert label.textFormat() != Qt.TextFormat.RichText
    values = [label for label in panel.file.findChildren(QLabel) if label.wordWrap()]
    assert values
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in values)


def test_name_with_invalid_bytes_is_shown_and_copied(panel: InfoPanel, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    show(panel, inspected(tmp_path, with_metadata(), name))
    assert r"caf\xe9.jpg" in panel.text()


def test_every_input_has_a_name_and_all_text_can_be_selected(
    panel: InfoPanel, tmp_path: Path
) -> None:
    show(panel, inspected(tmp_path, jpeg_with_thumbnail(PICTURE, reduced(PICTURE, 60, 40))))
    inputs = [
        *panel.findChildren(QLineEdit),
        *panel.findChildren(QPlainTextEdit),
        *panel.findChildren(CopyTree),
    ]
    assert len(inputs) > 5
    assert all(widget.accessibleName() for widget in inputs)
    values = [label for label in panel.findChildren(QLabel) if label.wordWrap()]
    keyboard = Qt.TextInteractionFlag.TextSelectableByKeyboard
    assert all(label.textInteractionFlags() & keyboard for label in values)


@pytest.mark.parametrize(("window", "words"), [("#ffffff", "#000000"), ("#202020", "#ffffff")])
def test_captions_follow_the_palette(
    panel: InfoPanel, qtbot: QtBot, tmp_path: Path, window: str, words: str
) -> None:
    palette = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Window, window),
        (QPalette.ColorRole.WindowText, words),
    ):
        palette.setColor(role, QColor(colour))
    show(panel, inspected(tmp_path, jpeg_with_thumbnail(PICTURE, reduced(PICTURE, 60, 40))))
    (pair,) = panel.thumbnail.findChildren(PicturePair)
    pair.setPalette(palette)
    shown = pair.grab().toImage()
    line = range(pair.fontMetrics().height())
    levels = {QColor(shown.pixel(x, y)).lightness() for x in range(60) for y in line}
    assert max(levels) - min(levels) > 150


@pytest.mark.parametrize("width", [420, 240])
def test_lines_that_wrap_are_seen_whole_at_every_width(qtbot: QtBot, width: int) -> None:
    page = Page("Facts")
    qtbot.addWidget(page)
    page.resize(width, 100)
    page.show()
    path, words = f"/tmp/{'a' * 34}/b.jpg", "words " * 20
    facts = [("File", path), ("Format", "JPEG, RGB, 8 bits per sample"), ("Long", words)]
    page.start().addLayout(facts_form(facts, fields=("File",)))

    def whole() -> bool:
        labels = [label for label in page.findChildren(QLabel) if label.isVisible()]
        heights = [label.height() >= label.heightForWidth(label.width()) for label in labels]
        return len(heights) == 5 and all(heights)

    qtbot.waitUntil(whole)
    (field,) = page.findChildren(QPlainTextEdit)
    last = field.document().lastBlock()
    bottom = field.blockBoundingGeometry(last).translated(field.contentOffset()).bottom()
    assert bottom <= field.viewport().height() + 1
