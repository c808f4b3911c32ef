"""Regions A and B and the sweep in the window: from the mouse to numbers and back."""

import math
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.analysis.region import Region
from app.gui.table.canvas import Canvas
from tests.gui.conftest import Examiner, pixels_of
from tests.pictures import pillow_residual

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def draw(pane: Canvas, key: Qt.KeyboardModifier, region: Region) -> None:
    """Drag over a region at actual size with a key held."""
    geometry = pane.current_geometry()
    assert geometry is not None
    # A pixel's own point lies at or after its corner, which may be half a device pixel.
    left, top, width, height = (math.ceil(at) for at in geometry.rectangle(region))
    first, last = QPoint(left, top), QPoint(left + width - 1, top + height - 1)
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, key, first)
    QTest.mouseMove(pane, last)
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, key, last)


def row(examiner: Examiner, title: str) -> list[str]:
    """The values of A and B in a row of the comparison's table."""
    table = examiner.window.regions_panel.table
    rows = [[table.item(at, column) for column in range(3)] for at in range(table.rowCount())]
    texts = [[item.text() if item else "" for item in items] for items in rows]
    (found,) = [values for name, *values in texts if name == title]
    return found


def test_drawn_regions_are_measured_and_follow_the_parameters(
    examiner: Examiner, folder: Path
) -> None:
    examiner.open(folder, "a.jpg")
    pane = examiner.window.table.right
    first, second = Region(16, 16, 48, 40), Region(64, 48, 104, 88)
    draw(pane, SHIFT, first)
    draw(pane, CONTROL, second)
    examiner.settle()
    assert examiner.window.regions_panel.regions == (first, second)
    pixels = pixels_of(folder / "a.jpg")
    for quality in (90, 60):
        examiner.window.map_panel.form.set_value("quality", quality)
        examiner.settle()
        levels = pillow_residual(pixels, quality, "4:2:0")
        luma = levels @ np.array([0.299, 0.587, 0.114])
        means = [f"{region.of(luma).mean():.2f}" for region in (first, second)]
        assert row(examiner, "Mean residual") == means


def test_regions_stay_on_an_image_of_the_same_size_and_are_cleared_on_demand(
    examiner: Examiner, folder: Path
) -> None:
    twin = folder / "twin.png"
    twin.write_bytes((folder / "a.jpg").read_bytes())
    examiner.open(folder, "a.jpg")
    draw(examiner.window.table.right, SHIFT, Region(16, 16, 48, 40))
    examiner.settle()
    examiner.show(twin)
    assert examiner.window.regions_panel.regions == (Region(16, 16, 48, 40), None)
    examiner.show(folder / "b.png")
    kept = examiner.window.regions_panel.regions[0]
    assert kept is None or kept.inside(Region(0, 0, 80, 64)) == kept
    examiner.trigger("Clear regions A and B")
    assert not any(examiner.window.regions_panel.regions)
    assert examiner.window.table.right._regions == {}


def test_a_quality_chosen_from_the_sweep_becomes_the_map(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.window.sweep.chosen.emit(58)
    examiner.settle()
    expected = pillow_residual(pixels_of(folder / "a.jpg"), 58, "4:2:0")
    assert np.array_equal(examiner.frame.measurement, expected)
