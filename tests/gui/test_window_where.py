"""Where something was found, in the window: asked for, shown, cancelled, dropped, saved."""

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTextBrowser,
    QWidget,
)

from app.analysis.localisation import Localisation, overlay
from app.analysis.region import Region
from app.detection.card import METADATA_KEY
from app.errors import BrokenImageError
from app.gui import appearance
from app.gui.appearance import Appearance, palette
from app.gui.main_window import MainWindow
from app.gui.table.canvas import Show
from app.gui.table.inspection import Inspection
from app.gui.table.light_table import Arrangement
from app.gui.where.panel import WherePanel
from tests.gui.conftest import Examiner, grabbed, pixels_of
from tests.gui.findings import Answering, copies, model_map, where_card
from tests.pictures import encoded, noise

STRONG, WEAK = Region(8, 16, 48, 56), Region(72, 24, 104, 48)
ASK, COPIES = "Where the model sees alterations", "Copy-move: parts that show the same"
SAVE_MAP, SAVE_REGIONS = "Save where, over the picture…", "Save the regions found…"


def found_by_model(inspection: Inspection) -> Localisation:
    """Two places in a picture of 128 x 96: one above the model's threshold, one below."""
    picture = inspection.picture
    return model_map(picture.width, picture.height, (STRONG, 204), (WEAK, 102))


@pytest.fixture
def models(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Stands in for the models; answers at once."""
    stub = Answering(found_by_model)
    monkeypatch.setattr(window.models, "locate", stub)
    return stub


@pytest.fixture
def slow_models(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Stands in for the models; answers when its gate is opened."""
    stub = Answering(found_by_model, gated=True)
    monkeypatch.setattr(window.models, "locate", stub)
    return stub


@pytest.fixture
def forged(folder: Path) -> Path:
    """A part of 70x70 pixels copied within a picture that repeats nothing."""
    rough = Image.fromarray(noise(60, 84, 5)).resize((420, 300), Image.Resampling.BICUBIC)
    pixels = np.array(rough)
    pixels[40:110, 280:350] = pixels[180:250, 60:130]
    path = folder / "forged.png"
    path.write_bytes(encoded(pixels, "PNG"))
    return path


def rows(table: QTableWidget) -> list[list[str]]:
    """What a list says."""
    items = [
        [table.item(row, column) for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]
    return [[item.text() if item else "" for item in line] for line in items]


def said(panel: WherePanel) -> str:
    """Every label of the panel that is seen."""
    labels = panel.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.isVisible())


# Asked for and shown --------------------------------------------------------------------------


def test_the_models_map_lies_over_the_picture_with_its_regions(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    window, table = examiner.window, examiner.window.table
    assert models.asked == [(folder / "a.jpg", "")]
    assert table.show_as is Show.PICTURE
    assert table.right.accessibleDescription() == f"Picture · {ASK}"
    assert rows(window.where_panel.regions) == [["1", "1,600", "13.02%", "0.80", "28, 36"]]
    assert not window.where_panel.pairs.isVisible()
    text = said(window.where_panel)
    assert "1 region is marked at the threshold of 0.5, 13.0% of the picture." in text
    assert "grey-mean 1.0 · threshold 0.5 (its own 0.5)" in text
    # The legend under the picture is that of what is seen.
    assert "evidence, no probability" in table.words.legend.method.text()
    assert "not thereby untouched" in table.words.reading.text()
    assert table.layer is not None and table.layer.opacity == 0.6


def test_what_was_found_is_kept_while_the_image_is_shown(
    examiner: Examiner, forged: Path, models: Answering
) -> None:
    examiner.open(forged.parent, forged.name)
    for text in (ASK, COPIES, ASK, COPIES, ASK):
        examiner.trigger(text)
    assert len(models.asked) == 1
    assert set(examiner.window.where.known) == {"tampered", "copy-move"}
    assert ASK in said(examiner.window.where_panel)


def test_copies_are_listed_as_pairs_with_their_move(examiner: Examiner, forged: Path) -> None:
    examiner.open(forged.parent, forged.name)
    examiner.trigger(COPIES)
    panel = examiner.window.where_panel
    (pair,) = rows(panel.pairs)
    assert len(rows(panel.regions)) == 2
    first, second = (int(number) for number in pair[0].split(" – "))
    assert {first, second} == {1, 2}
    shift = [int(part) for part in pair[1].split(", ")]
    assert np.abs(np.abs(shift) - (220, 140)).max() <= 2
    assert (pair[2], pair[3]) == ("0°", "1.00")
    assert int(pair[4]) > 5
    assert "Which of two regions is the copy cannot be told." in said(panel)
    # The threshold of the search is a parameter of it; there is no second one.
    assert not panel.threshold.isVisible() and panel.form.isVisible()


def test_a_turned_mirrored_pair_is_told_as_such(
    examiner: Examiner, folder: Path, models: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copies(128, 96, STRONG, WEAK)
    monkeypatch.setattr("app.gui.where.found.copy_move", lambda *_: made)
    examiner.open(folder, "a.jpg")
    examiner.trigger(COPIES)
    (pair,) = rows(examiner.window.where_panel.pairs)
    assert pair == ["1 – 2", "+64, +8", "-12°, mirrored", "1.25", "37"]


def test_other_parameters_look_for_copies_again(
    examiner: Examiner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def search(pixels: object, params: object, *_: object) -> Localisation:
        seen.append(params.threshold)  # type: ignore[attr-defined]
        return copies(128, 96, STRONG, WEAK)

    monkeypatch.setattr("app.gui.where.found.copy_move", search)
    examiner.open(folder, "a.jpg")
    examiner.trigger(COPIES)
    form = examiner.window.where_panel.form
    form.set_value("threshold", 0.45)
    examiner.qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [0.75, 0.45]


def test_a_wipe_has_the_picture_alone_on_its_other_side(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    table = examiner.window.table
    examiner.trigger(Arrangement.SIDE.value)
    assert table.left.accessibleDescription() == "Picture"
    assert table.right.accessibleDescription() == f"Picture · {ASK}"
    pixels = pixels_of(folder / "a.jpg")
    inner = Region(20, 24, 40, 48)
    geometry = table.left.current_geometry()
    assert geometry is not None
    left, top, width, height = (round(at) for at in geometry.rectangle(inner))
    plain = grabbed(table.left)[top : top + height, left : left + width]
    assert np.array_equal(plain, inner.of(pixels))
    examiner.trigger(Arrangement.SINGLE.value)
    table.flip()
    assert table.right.accessibleDescription() == "Picture"


def test_over_another_map_the_outlines_stay(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    examiner.trigger(Show.MAP.value)
    table = examiner.window.table
    assert table.layer is not None
    assert table.right.accessibleDescription() == f"Map · {ASK}"
    assert "evidence" not in table.words.legend.method.text()


def test_opacity_changes_the_layer_alone(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    window = examiner.window
    window.where_panel.opacity.setValue(25)
    assert window.table.layer is not None and window.table.layer.opacity == 0.25
    assert len(models.asked) == 1
    assert window.table.opacity == pytest.approx(0.7)


def test_the_pointer_reads_the_map(examiner: Examiner, folder: Path, models: Answering) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    read: list[str] = []
    examiner.window.table.read_out.connect(read.append)
    examiner.point_at(examiner.window.table.right, 20, 30)
    assert "where 0.80" in read[-1]
    examiner.point_at(examiner.window.table.right, 120, 90)
    assert "where 0.00" in read[-1]


# Threshold ------------------------------------------------------------------------------------


def test_the_threshold_draws_the_same_map_again_without_asking(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    window, panel = examiner.window, examiner.window.where_panel
    assert not panel.own.isEnabled()
    for value, areas in ((300, ["1,600", "768"]), (450, ["1,600"]), (900, [])):
        panel.threshold.setValue(value)
        examiner.settle()
        assert [line[1] for line in rows(panel.regions)] == areas
        assert panel.number.value() == pytest.approx(value / 1000)
        assert window.table.layer is not None
        assert len(window.table.layer.outlines) == len(areas)
    assert "the strongest evidence is 0.80" in said(panel)
    assert not panel.regions.isVisible()
    assert len(models.asked) == 1
    panel.own.click()
    examiner.settle()
    assert panel.number.value() == 0.5
    assert [line[1] for line in rows(panel.regions)] == ["1,600"]


def test_what_speaks_for_what_keeps_to_the_models_own_threshold(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "b.png")
    window = examiner.window
    window.verdict.show_evidence({})
    examiner.trigger(ASK)
    before = window.verdict.views[0]._notes.text()
    assert "1 region is marked" in before
    window.where_panel.threshold.setValue(900)
    examiner.settle()
    assert window.verdict.views[0]._notes.text() == before


# Lists ----------------------------------------------------------------------------------------


def test_choosing_an_entry_brings_its_region_into_the_middle(
    examiner: Examiner, forged: Path
) -> None:
    examiner.open(forged.parent, forged.name)
    examiner.trigger(COPIES)
    window, panel = examiner.window, examiner.window.where_panel
    region = window.where.known["copy-move"].shown.regions[1].box
    cell = panel.regions.visualItemRect(panel.regions.item(1, 1)).center()
    QTest.mouseClick(panel.regions.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    geometry = window.table.right.current_geometry()
    assert geometry is not None
    assert (geometry.x, geometry.y) == (
        (region.left + region.right) / 2,
        (region.top + region.bottom) / 2,
    )
    assert window.table.layer is not None and window.table.layer.chosen == {1}
    assert region.inside(geometry.visible()) == region
    panel.pairs.selectRow(0)
    assert window.table.layer.chosen == {0, 1}
    assert panel.regions.selectedItems() == []
    both = window.table.right.current_geometry()
    assert both is not None
    for one in window.where.known["copy-move"].shown.regions:
        assert one.box.inside(both.visible()) == one.box


def test_the_keyboard_alone_reaches_a_region(
    examiner: Examiner, forged: Path, qapp: QApplication
) -> None:
    examiner.open(forged.parent, forged.name)
    window, panel = examiner.window, examiner.window.where_panel
    window.activateWindow()
    window.table.right.setFocus()
    QTest.keyClick(window.table.right, Qt.Key.Key_D)
    examiner.settle()

    def seen() -> tuple[float, float, float]:
        """What is looked at; the pane's own size follows the length of the texts below it."""
        geometry = window.table.right.current_geometry()
        return geometry.zoom, geometry.x, geometry.y

    before = seen()
    panel.regions.setFocus()
    qapp.processEvents()
    # Walking through the window moves nothing; only choosing does.
    assert seen() == before
    QTest.keyClick(panel.regions, Qt.Key.Key_Down)
    assert seen() != before
    QTest.keyClick(window.table.right, Qt.Key.Key_H)
    assert window.table.layer is None and not panel.over.isChecked()
    QTest.keyClick(window.table.right, Qt.Key.Key_H)
    assert window.table.layer is not None and panel.over.isChecked()


# Cancelled and dropped ------------------------------------------------------------------------


def test_a_search_says_how_far_it_is_and_escape_ends_it(
    examiner: Examiner, folder: Path, slow_models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    window, panel = examiner.window, examiner.window.where_panel
    window.activateWindow()
    stop = examiner.action("Stop the search")
    assert not stop.isEnabled()
    examiner.action(ASK).trigger()
    examiner.qtbot.waitUntil(lambda: "25%" in panel.progress.words.text())
    assert panel.progress.isVisible() and panel.progress.bar.value() == 250
    assert stop.isEnabled()
    examiner.qtbot.waitUntil(lambda: "left" in panel.progress.words.text(), timeout=5_000)
    QTest.keyClick(panel.model_button, Qt.Key.Key_Escape)
    examiner.qtbot.waitUntil(slow_models.stopped.is_set)
    examiner.settle()
    assert not panel.progress.isVisible() and not stop.isEnabled()
    assert window.table.layer is None
    assert panel.text.text().startswith("Cancelled.")
    slow_models.gate.set()
    examiner.trigger(ASK)
    assert window.table.layer is not None


def test_a_cancelled_search_leaves_what_was_found_before(
    examiner: Examiner, forged: Path, slow_models: Answering
) -> None:
    examiner.open(forged.parent, forged.name)
    examiner.trigger(COPIES)
    window = examiner.window
    layer = window.table.layer
    examiner.action(ASK).trigger()
    examiner.qtbot.waitUntil(lambda: bool(slow_models.asked))
    window.where_panel.progress.cancel.click()
    examiner.settle()
    assert window.table.layer is layer is not None
    assert rows(window.where_panel.pairs)


@pytest.mark.parametrize("finished", [True, False])
def test_another_image_has_nothing_of_the_one_before(
    examiner: Examiner, folder: Path, slow_models: Answering, finished: bool
) -> None:
    examiner.open(folder, "a.jpg")
    window, panel = examiner.window, examiner.window.where_panel
    if finished:
        slow_models.gate.set()
    examiner.action(ASK).trigger()
    examiner.qtbot.waitUntil(lambda: bool(slow_models.asked))
    if finished:
        examiner.settle()
        assert window.table.layer is not None
    window.folder.select(folder / "d.jpg")
    examiner.settle()
    assert slow_models.stopped.is_set() is not finished
    assert window.table.layer is None and window.where.shown is None
    assert dict(window.where.known) == {}
    assert not panel.progress.isVisible() and not panel.regions.isVisible()
    assert "tampered" not in said(panel)
    for text in (SAVE_MAP, SAVE_REGIONS, "Show what was found over the picture"):
        assert not examiner.action(text).isEnabled()
    assert window.verdict.views[0]._notes.isHidden()


def test_a_dropped_map_is_not_kept_in_memory(
    examiner: Examiner, folder: Path, models: Answering
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    shown = examiner.window.where.shown
    assert shown is not None
    kept = weakref.ref(shown.own.heat)
    del shown
    examiner.show(folder / "d.jpg")
    QApplication.processEvents()
    gc.collect()
    assert kept() is None


def test_an_empty_folder_forgets_what_was_found(
    examiner: Examiner, folder: Path, models: Answering, tmp_path: Path
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    empty = tmp_path / "empty"
    empty.mkdir()
    examiner.open_folder(empty)
    window = examiner.window
    assert window.table.layer is None and not window.where_panel.isEnabled()
    assert not examiner.action(ASK).isEnabled()


def test_a_search_that_fails_says_why(
    examiner: Examiner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BrokenImageError("It broke <b>here</b>.")

    examiner.open(folder, "a.jpg")
    monkeypatch.setattr(examiner.window.models, "locate", fail)
    examiner.trigger(ASK)
    assert "It broke <b>here</b>." in said(examiner.window.where_panel)
    assert examiner.window.where_panel.text.textFormat() == Qt.TextFormat.PlainText
    assert examiner.window.table.layer is None


# Models ---------------------------------------------------------------------------------------


def write_where_model(target: Path, document: str) -> None:
    """Its map of 2x2 cells is the mean of each quarter of the 8x8 input, (mean - 128) / 16."""
    sixteen, centre = (
        numpy_helper.from_array(np.float32(v), n) for v, n in ((16, "s"), (128, "c"))
    )
    pool = {"kernel_shape": [4, 4], "strides": [4, 4]}
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["quarters"], **pool),
        helper.make_node("Sub", ["quarters", "c"], ["centred"]),
        helper.make_node("Div", ["centred", "s"], ["where"]),
        helper.make_node("ReduceMean", ["where"], ["logit"], axes=[2, 3], keepdims=0),
    ]
    shapes = {"logit": ["batch", 1], "where": ["batch", 1, 2, 2]}
    outputs = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    graph = helper.make_graph(nodes, "quarters", [image], outputs, [sixteen, centre])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: document})
    target.parent.mkdir(parents=True)
    target.write_bytes(model.SerializeToString())
    onnx.checker.check_model(model)


def test_a_real_model_is_asked_from_the_verdict(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    """From the file of a model to the heat in the window, against the sigmoid by hand."""
    made = tmp_path / "models" / "a-quarters" / "model.onnx"
    write_where_model(made, where_card().to_json())
    bright = np.full((64, 64, 3), 60, np.uint8)
    bright[:32, 32:] = 180
    (folder / "bright.png").write_bytes(encoded(bright, "PNG"))
    examiner.open(folder, "bright.png")
    window = examiner.window
    view = window.verdict.views[0]
    view.where.click()
    examiner.settle()
    found = window.where.known["tampered"].own
    heat = found.heat.astype(float) / 255
    corner = 1 / (1 + np.exp(-(180 - 128) / 16))
    assert heat[2, -3] == pytest.approx(corner, abs=0.01)
    assert heat[-3, 2] == pytest.approx(1 / (1 + np.exp(-(60 - 128) / 16)), abs=0.01)
    (region,) = found.regions
    assert region.box.left > 20 and region.box.bottom < 44
    assert "1 region is marked" in view._notes.text()
    assert window.docks.dock("where").widget().isVisible()
    view.card.click()
    examiner.settle()
    (dialog,) = [d for d in window.findChildren(QDialog) if d.isVisible()]
    browser = dialog.findChild(QTextBrowser)
    assert browser is not None
    assert "For tampered it says where, coarsely; marked is what reaches 0.500" in (
        browser.toPlainText()
    )
    dialog.close()


def test_outside_validity_there_is_no_map_either(
    examiner: Examiner, folder: Path, tmp_path: Path
) -> None:
    made = tmp_path / "models" / "a-quarters" / "model.onnx"
    write_where_model(made, where_card().to_json())
    Image.new("RGB", (64, 64)).save(folder / "e.bmp")
    examiner.open(folder, "e.bmp")
    examiner.trigger(ASK)
    text = examiner.window.where_panel.text.text()
    assert text.startswith("There is no map of this picture. Outside the model's validity")
    assert examiner.window.table.layer is None


def test_without_a_model_that_says_where_a_sentence_says_so(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "b.png")
    examiner.trigger(ASK)
    assert "No installed model says where" in said(examiner.window.where_panel)


def test_the_card_of_one_model_is_a_button_away(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "b.png")
    examiner.window.verdict.views[0].card.click()
    examiner.settle()
    (dialog,) = [d for d in examiner.window.findChildren(QDialog) if d.isVisible()]
    browser = dialog.findChild(QTextBrowser)
    assert browser is not None and "grey-mean 1.0" in browser.toPlainText()
    dialog.close()


def test_the_verdict_becomes_final_with_its_range(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "b.png")
    labels = examiner.window.verdict.findChildren(QLabel)
    text = "\n".join(label.text() for label in labels if not label.isHidden())
    assert "Saved again, reduced or cropped, it" in text
    assert "reliminary" not in text


# Files ----------------------------------------------------------------------------------------


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """Answers the next file dialogs with a path; returns the list of names they propose."""

    def give(target: Path) -> list[str]:
        proposed: list[str] = []

        def dialog(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
            proposed.append(Path(name).name)
            return str(target), ""

        monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
        return proposed

    return give


def test_the_map_over_its_picture_is_saved_with_its_record(
    examiner: Examiner,
    folder: Path,
    models: Answering,
    tmp_path: Path,
    answer: Callable[[Path], list[str]],
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    examiner.window.where_panel.opacity.setValue(35)
    examiner.window.where_panel.threshold.setValue(300)
    examiner.settle()
    target = tmp_path / "where.png"
    assert answer(target) == []
    examiner.trigger(SAVE_MAP)
    assert examiner.notice == f"Saved: {target}"
    pixels = pixels_of(folder / "a.jpg")
    shown = examiner.window.where.shown
    assert shown is not None and len(shown.shown.regions) == 2
    with Image.open(target) as image:
        saved, record = np.array(image), json.loads(image.info["elascope.record"])
    assert np.array_equal(saved, overlay(pixels, shown.shown, 0.35))
    assert record["name"] == "a.jpg" and record["opacity"] == 0.35
    assert record["parameters"] == {"threshold": 0.3, "smallest_share": 0.0}


def test_the_regions_are_saved_as_json(
    examiner: Examiner,
    forged: Path,
    tmp_path: Path,
    answer: Callable[[Path], list[str]],
) -> None:
    examiner.open(forged.parent, forged.name)
    examiner.trigger(COPIES)
    proposed = answer(tmp_path / "regions.json")
    examiner.trigger(SAVE_REGIONS)
    assert proposed == ["forged-copy-move-regions.json"]
    written = json.loads((tmp_path / "regions.json").read_text())
    assert (written["width"], written["height"]) == (420, 300)
    assert len(written["regions"]) == 2 and len(written["pairs"]) == 1
    for region in written["regions"]:
        (polygon, *_) = region["polygons"]
        assert len(polygon) >= 3
    assert written["record"]["name"] == "forged.png"
    assert written["record"]["method"] == "copy-move"


@pytest.mark.parametrize("text", [SAVE_MAP, SAVE_REGIONS])
@pytest.mark.parametrize("name", ["a.jpg", "d.jpg"])
def test_no_examined_file_is_overwritten(
    examiner: Examiner,
    folder: Path,
    models: Answering,
    tmp_path: Path,
    answer: Callable[[Path], list[str]],
    text: str,
    name: str,
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    link = tmp_path / ("link.png" if text == SAVE_MAP else "link.json")
    link.symlink_to(folder / name)
    before = (folder / name).read_bytes()
    answer(link)
    examiner.trigger(text)
    assert "Not saved." in examiner.notice and "never overwritten" in examiner.notice
    assert (folder / name).read_bytes() == before


def test_an_exported_view_says_that_it_is_without_the_layer(
    examiner: Examiner,
    folder: Path,
    models: Answering,
    tmp_path: Path,
    answer: Callable[[Path], list[str]],
) -> None:
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    answer(tmp_path / "view.png")
    examiner.trigger("Export view…")
    assert "without what was found" in examiner.notice


# Room and colours -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1440, 900), (880, 580)], ids=str)
@pytest.mark.parametrize("text", [ASK, COPIES])
def test_nothing_of_the_panel_is_cut_off_at_the_side(
    examiner: Examiner, forged: Path, models: Answering, size: tuple[int, int], text: str
) -> None:
    window = examiner.window
    examiner.open(forged.parent, forged.name)
    window.resize(*size)
    QApplication.processEvents()
    window.docks.arrange()
    examiner.trigger(text)
    panel, area = window.where_panel, window.docks.dock("where").widget()
    assert isinstance(area, QScrollArea)
    for table in (panel.regions, panel.pairs):
        assert not table.isVisible() or table.horizontalScrollBar().maximum() == 0 or size[0] < 900
    window.resizeDocks([window.docks.dock("where")], [50], Qt.Orientation.Horizontal)
    QApplication.processEvents()
    seen = area.viewport().geometry()
    controls = [w for w in panel.findChildren(QWidget) if w.isVisible() and w.parent() is not None]
    inside_lists = (*panel.regions.findChildren(QWidget), *panel.pairs.findChildren(QWidget))
    for widget in controls:
        if widget in inside_lists:
            continue
        corner = panel.mapTo(area, widget.mapTo(panel, QPoint(0, 0)))
        place = QRect(corner, widget.size())
        assert seen.left() <= place.left() and place.right() <= seen.right(), widget
    for button in panel.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() > button.fontMetrics().horizontalAdvance(button.text()) + 8


@pytest.mark.parametrize("choice", [Appearance.LIGHT, Appearance.DARK, Appearance.CONTRAST])
def test_the_panel_follows_the_appearance(
    examiner: Examiner, folder: Path, models: Answering, qapp: QApplication, choice: Appearance
) -> None:
    before = qapp.palette()
    examiner.open(folder, "a.jpg")
    examiner.trigger(ASK)
    appearance.apply(qapp, choice)
    QApplication.processEvents()
    label = examiner.window.where_panel.meaning
    picture = grabbed(label)
    colours = palette(choice)
    ground, ink = colours.window().color(), colours.windowText().color()
    corner = np.abs(picture[0, -1].astype(int) - (ground.red(), ground.green(), ground.blue()))
    assert corner.max() <= 2
    distance = np.abs(picture.astype(int) - (ink.red(), ink.green(), ink.blue())).max(axis=2)
    assert distance.min() <= 40
    qapp.setStyleSheet("")
    qapp.setPalette(before)
