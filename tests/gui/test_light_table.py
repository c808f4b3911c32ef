"""The map of the shown image: exact, the last value wins, and words that fit the file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QSlider

from app.analysis.noise import NOISE
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.gui.jobs import Channel
from app.gui.main_window import MainWindow
from app.gui.table.canvas import Show
from tests.gui.conftest import Examiner, grabbed, pixels_of
from tests.pictures import encoded, noise, pillow_residual, scene


def drag(window: MainWindow, name: str, value: float) -> None:
    """Move a parameter's slider, as the mouse does."""
    slider = window.map_panel.form.findChild(QSlider, f"{name}_QSlider")
    assert slider is not None
    slider.setValue(round(value) - 1)


# The map --------------------------------------------------------------------------------------


def test_map_equals_an_independent_round_trip(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    expected = pillow_residual(pixels_of(folder / "a.jpg"), 90, "4:2:0")
    assert np.array_equal(examiner.frame.measurement, expected)
    assert examiner.notice == ""


def test_dragging_the_quality_slider_ends_with_the_last_value(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    for quality in (95, 80, 70, 61, 55):
        drag(examiner.window, "quality", quality)
    examiner.settle()
    expected = pillow_residual(pixels_of(folder / "a.jpg"), 55, "4:2:0")
    assert examiner.frame.params.values()["quality"] == 55
    assert np.array_equal(examiner.frame.measurement, expected)


def test_scale_is_a_lookup_on_the_same_measurement(
    examiner: Examiner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examiner.open(folder, "a.jpg")
    before = examiner.frame.measurement

    def refuse(*arguments: object) -> None:
        raise AssertionError("the codec ran for a change of scale")

    monkeypatch.setattr("app.analysis.recompress.round_trip", refuse)
    drag(examiner.window, "scale", 40)
    examiner.settle()
    assert examiner.frame.params.values()["scale"] == 40.0
    assert examiner.frame.measurement is before
    examiner.window.table.set_show(Show.MAP)
    examiner.settle()
    assert examiner.frame.measurement is before
    assert examiner.notice == ""


def test_opacity_needs_no_new_map(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    frame, seen = examiner.frame, grabbed(examiner.window.table.right)
    examiner.window.map_panel.opacity.setValue(10)
    examiner.settle()
    assert examiner.frame is frame
    assert not np.array_equal(grabbed(examiner.window.table.right), seen)
    assert examiner.window.table.opacity == pytest.approx(0.1)


def test_painted_pixels_at_actual_size_are_those_of_the_file(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "b.png")
    examiner.window.table.set_show(Show.PICTURE)
    examiner.window.table.actual_size()
    examiner.settle()
    geometry = examiner.window.table.viewport.geometry
    assert geometry is not None
    left, top, width, height = (round(at) for at in geometry.rectangle(Region(0, 0, 80, 64)))
    painted = grabbed(examiner.window.table.right)[top : top + height, left : left + width]
    assert np.array_equal(painted, pixels_of(folder / "b.png"))


def test_zoom_follows_the_view_and_is_told(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    assert window._zoom.text() == "100%"
    window.table.right.zoom_by(4.0, QPointF(10, 10))
    examiner.settle()
    assert window._zoom.text() == "400%"
    assert examiner.frame.region == window.table.visible_region
    window.table.right.fit()
    examiner.settle()
    assert window._zoom.text() == "100%"
    assert examiner.frame.region == Region(0, 0, 128, 96)


def test_reduction_decides_what_several_pixels_become(examiner: Examiner, tmp_path: Path) -> None:
    pixels = np.tile(scene(300, 400, 3), (3, 4, 1))
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "x.png").write_bytes(encoded(pixels, "PNG", compress_level=1))
    examiner.open(tmp_path / "large", "x.png")
    expected = pillow_residual(pixels, 90, "4:2:0")
    assert examiner.frame.measurement.mean() == pytest.approx(expected.mean(), rel=0.01)
    assert "mean of" in examiner.window.table.words.legend.method.text()
    examiner.window.map_panel.reduction.setCurrentText(Reduction.MAXIMUM.value)
    examiner.settle()
    side = examiner.frame.factor
    rows, columns = -(-900 // side), -(-1600 // side)
    padded = np.zeros((rows * side, columns * side, 3), np.int16)
    padded[:900, :1600] = expected
    largest = padded.reshape(rows, side, columns, side, 3).max(axis=(1, 3))
    assert np.array_equal(examiner.frame.measurement, largest)
    assert f"maximum of {side}x{side} pixels" in examiner.window.table.words.legend.method.text()


@pytest.mark.parametrize("size", [(33_000, 1), (1, 33_000), (70_000, 2), (1, 1)])
def test_extreme_shapes_are_shown(
    examiner: Examiner, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Qt draws no image longer than 32767 pixels; a level that fits must remain."""
    folder = tmp_path / "extreme"
    folder.mkdir()
    Image.new("RGB", size, (200, 30, 40)).save(folder / "long.png")
    examiner.open_folder(folder)
    assert examiner.inspection.path.name == "long.png"
    table = examiner.window.table
    table.actual_size()
    examiner.settle()
    examiner.window.table.set_show(Show.PICTURE)
    painted = grabbed(table.right)
    assert (painted == (200, 30, 40)).all(axis=2).any()
    for zoom in (0.3, 100.0, 0.001):
        table.right.zoom_by(zoom)
        table.grab()
        examiner.settle()


# Words beside the map -------------------------------------------------------------------------


def test_line_under_the_map_follows_the_file_and_the_quality(
    examiner: Examiner, folder: Path
) -> None:
    reading = examiner.window.table.words.reading
    examiner.open(folder, "b.png")
    assert "edge strength only" in reading.text()
    assert "no JPEG save of its own" in examiner.window.map_panel.last_save.text()
    examiner.show(folder / "a.jpg")
    assert "Compare edges with edges" in reading.text()
    assert "last save: quality 75, 4:2:0" in examiner.window.map_panel.last_save.text()
    drag(examiner.window, "quality", 75)
    examiner.settle()
    assert "Try another" in reading.text()


def test_legend_says_how_the_map_was_made_and_what_its_end_means(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    legend = examiner.window.table.words.legend
    drag(examiner.window, "scale", 51)
    examiner.settle()
    assert legend.method.text().startswith("Error Level Analysis: quality 90, subsampling 4:2:0")
    assert "scale 51x" in legend.method.text()
    assert "≥ 5 grey levels" in legend.accessibleDescription()
    examiner.window.map_panel.form.set_value("auto_gain", True)
    examiner.settle()
    assert "not comparable" in legend.method.text()


def test_another_analysis_has_its_own_controls_map_and_words(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    window.map_panel.choice.setCurrentText(NOISE.title)
    examiner.settle()
    assert examiner.frame.analysis is NOISE
    assert examiner.frame.measurement.shape == (96, 128, 1)
    assert window.table.words.legend.method.text().startswith("Noise")
    assert window.map_panel.form.findChild(QSlider, "quality_QSlider") is None
    assert window.docks.dock("map").windowTitle() == NOISE.title


def test_cursor_reads_coordinates_pixel_and_residual(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    examiner.point_at(window.table.right, 10, 20)
    pixels = pixels_of(folder / "a.jpg")
    red, green, blue = pixels[20, 10]
    levels = pillow_residual(pixels, 90, "4:2:0")[20, 10]
    text = window._cursor.text()
    assert f"x 10  y 20   RGB {red} {green} {blue}" in text
    assert f"residual R {levels[0]} G {levels[1]} B {levels[2]}" in text
    assert "block 1, 2" in text
    examiner.point_at(window.table.right, -3, 20)
    assert window._cursor.text() == ""


def test_cursor_reads_the_exact_residual_also_when_the_map_is_reduced(
    examiner: Examiner, tmp_path: Path
) -> None:
    (tmp_path / "large").mkdir()
    pixels = np.tile(scene(300, 400, 2), (4, 4, 1))
    (tmp_path / "large" / "x.png").write_bytes(encoded(pixels, "PNG", compress_level=1))
    examiner.open(tmp_path / "large", "x.png")
    assert examiner.frame.size[0] < 1600
    x, y = examiner.point_at(examiner.window.table.right, 801, 603)
    levels = pillow_residual(pixels, 90, "4:2:0")[y, x]
    assert f"x {x}  y {y} " in examiner.window._cursor.text()
    assert f"residual R {levels[0]} G {levels[1]} B {levels[2]}" in examiner.window._cursor.text()


# Failures -------------------------------------------------------------------------------------


def test_a_map_that_cannot_be_made_is_explained_and_the_next_is_made(
    examiner: Examiner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examiner.open(folder, "a.jpg")

    def fail(*arguments: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("app.analysis.recompress.round_trip", fail)
        drag(examiner.window, "quality", 60)
        examiner.settle()
    assert "Memory ran out" in examiner.notice
    assert "No map: Memory ran out" in examiner.window.table.words.legend.method.text()
    assert examiner.window.table.words.reading.text() == ""
    assert examiner.window.table.subject is not None
    assert examiner.window.table.subject.frame is None
    examiner.window.table.grab()
    drag(examiner.window, "quality", 61)
    examiner.settle()
    expected = pillow_residual(pixels_of(folder / "a.jpg"), 61, "4:2:0")
    assert np.array_equal(examiner.frame.measurement, expected)


def test_words_from_outside_are_never_read_as_html(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    window = examiner.window
    plain = Qt.TextFormat.PlainText
    labels = (
        window.notice.label,
        window.table.words.legend.method,
        window.map_panel.last_save,
        window.scan_panel.status,
    )
    assert [label.textFormat() for label in labels] == [plain] * len(labels)


# Speed of one request -------------------------------------------------------------------------


def test_an_exact_view_costs_what_is_seen_and_not_the_whole_picture(
    examiner: Examiner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").mkdir()
    tiled = Image.fromarray(np.tile(noise(50, 50), (40, 60, 1)))
    (tmp_path / "large" / "x.jpg").write_bytes(encoded(tiled, "JPEG", quality=80))
    examiner.open(tmp_path / "large", "x.jpg")
    sizes: list[int] = []

    def counted(pixels: np.ndarray, quality: int, subsampling: str) -> np.ndarray:
        sizes.append(pixels.shape[0] * pixels.shape[1])
        return pixels

    monkeypatch.setattr("app.analysis.recompress.round_trip", counted)
    examiner.window.table.actual_size()
    examiner.settle()
    visible = examiner.window.table.visible_region
    assert visible is not None
    assert max(sizes) < visible.area * 1.3
    assert sum(sizes) < 6_000_000 / 5


def test_channels_end_with_their_images(examiner: Examiner, folder: Path) -> None:
    """An image that is left takes its channel with it."""
    examiner.open(folder, "a.jpg")
    before = len(examiner.window.findChildren(Channel))
    for _ in range(3):
        for name in ("b.png", "d.jpg", "a.jpg"):
            examiner.show(folder / name)
    assert len(examiner.window.findChildren(Channel)) == before
