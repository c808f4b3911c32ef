"""The quality strip: which maps it shows, when it measures, how one is chosen."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, QThreadPool
from pytestqt.qtbot import QtBot

from app.analysis import ANALYSES
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.sweep import SweepStep, quality_spec
from app.evidence.decode import decode
from app.evidence.jpeg import JpegFacts, read_jpeg
from app.gui.regions import sweep_strip
from app.gui.regions.sweep_row import MAP_SIZE, SweepCell, cell_size
from app.gui.regions.sweep_strip import SweepStrip
from tests.pictures import encoded, in_memory, pillow_residual, scene

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def strip(qtbot: QtBot) -> Iterator[SweepStrip]:
    pool = QThreadPool()
    strip = SweepStrip(pool)
    qtbot.addWidget(strip)
    strip.resize(900, 300)
    yield strip
    strip.hide()
    pool.waitForDone()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The qualities that were measured, in order."""
    asked: list[int] = []
    original = sweep_strip.sweep

    def counted(*arguments: object) -> Iterator[SweepStep]:
        for step in original(*arguments):  # type: ignore[arg-type]
            asked.append(step.quality)
            yield step

    monkeypatch.setattr(sweep_strip, "sweep", counted)
    return asked


def cells(strip: SweepStrip) -> list[SweepCell]:
    return [strip.row.item(i).data(Qt.ItemDataRole.UserRole) for i in range(strip.row.count())]


def finished(strip: SweepStrip) -> bool:
    return strip.row.count() > 0 and all(cell.image is not None for cell in cells(strip))


def show(
    strip: SweepStrip,
    pixels: NDArray[np.uint8],
    params: ElaParams | None = None,
    jpeg: JpegFacts | None = None,
    region: Region | None = None,
) -> None:
    region = region or Region.whole(pixels)
    strip.set_source(pixels, jpeg, ELA, params or ElaParams(), region)


def test_each_quality_has_its_map_and_number(qtbot: QtBot, strip: SweepStrip) -> None:
    pixels = scene(96, 128, 1)
    strip.show()
    show(strip, pixels, ElaParams(quality=80), region=Region(16, 16, 112, 80))
    qtbot.waitUntil(lambda: finished(strip))
    assert [cell.quality for cell in cells(strip)] == list(range(60, 101, 5))
    for cell in cells(strip):
        luma = pillow_residual(pixels, cell.quality, "4:2:0")[16:80, 16:112] @ LUMA
        assert cell.mean == pytest.approx(luma.mean())
        assert cell.median == pytest.approx(np.median(luma))
    assert [cell.quality for cell in cells(strip) if cell.current] == [80]
    assert "from 0 to ≥ 17 grey levels" in strip.note.text()


def test_the_last_save_is_among_them_and_marked(qtbot: QtBot, strip: SweepStrip) -> None:
    jpeg = read_jpeg(encoded(scene(32, 32), "JPEG", quality=83))
    strip.show()
    show(strip, scene(64, 64), ElaParams(quality=71), jpeg)
    qtbot.waitUntil(lambda: finished(strip))
    assert {c.quality: c.own for c in cells(strip) if c.own} == {83: "last save"}
    item = strip.row.item([c.quality for c in cells(strip)].index(83))
    assert "last save" in item.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "quality 71, which is shown, is not among them" in strip.note.text()


def test_another_quality_or_gain_is_not_measured_again(
    qtbot: QtBot, strip: SweepStrip, measured: list[int]
) -> None:
    pixels = scene(64, 64)
    strip.last.setValue(70)
    strip.show()
    show(strip, pixels, ElaParams(quality=60))
    qtbot.waitUntil(lambda: finished(strip))
    before = cells(strip)
    show(strip, pixels, ElaParams(quality=65, scale=30.0))
    after = cells(strip)
    assert [cell.current for cell in after] == [False, True, False]
    assert after[0].image is not None and before[0].image is not None
    assert after[0].image.mean() > 1.5 * before[0].image.mean()
    assert measured == [60, 65, 70]
    show(strip, pixels, ElaParams(subsampling="4:4:4"))
    qtbot.waitUntil(lambda: finished(strip))
    assert measured == [60, 65, 70] * 2


def test_nothing_is_measured_while_it_is_hidden(
    qtbot: QtBot, strip: SweepStrip, measured: list[int]
) -> None:
    show(strip, scene(64, 64))
    assert not strip.busy
    strip.show()
    qtbot.waitUntil(lambda: finished(strip))
    assert measured == list(range(60, 101, 5))


def test_the_last_of_many_changes_is_measured(
    qtbot: QtBot, strip: SweepStrip, measured: list[int]
) -> None:
    pixels = scene(96, 96, 5)
    strip.last.setValue(60)
    strip.show()
    for left in range(0, 33, 8):
        show(strip, pixels, region=Region(left, 0, left + 64, 64))
    qtbot.waitUntil(lambda: finished(strip))
    assert measured == [60]
    luma = pillow_residual(pixels, 60, "4:2:0")[:64, 32:96] @ LUMA
    assert cells(strip)[0].mean == pytest.approx(luma.mean())


def test_other_spin_boxes_give_other_maps(qtbot: QtBot, strip: SweepStrip) -> None:
    strip.show()
    show(strip, scene(64, 64))
    strip.first.setValue(90)
    strip.last.setValue(80)
    strip.step.setValue(3)
    qtbot.waitUntil(lambda: finished(strip))
    assert [cell.quality for cell in cells(strip)] == [80, 83, 86, 89]


def test_keys_and_clicks_choose(qtbot: QtBot, strip: SweepStrip) -> None:
    strip.show()
    show(strip, scene(64, 64), ElaParams(quality=75))
    qtbot.waitUntil(lambda: finished(strip))
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    qtbot.keyClick(strip.row, Qt.Key.Key_Right)
    assert chosen == []
    qtbot.keyClick(strip.row, Qt.Key.Key_Return)
    qtbot.keyClick(strip.row, Qt.Key.Key_Left)
    qtbot.keyClick(strip.row, Qt.Key.Key_Left)
    qtbot.keyClick(strip.row, Qt.Key.Key_Space)
    assert chosen == [80, 70]
    where = strip.row.visualItemRect(strip.row.item(1)).topLeft() + QPoint(20, 20)
    qtbot.mouseClick(strip.row.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert chosen == [80, 70, 65]
    # What was chosen and comes back as the window's quality leaves the keyboard where it is.
    strip.row.setCurrentRow(4)
    show(strip, scene(64, 64), ElaParams(quality=65))
    assert strip.row.currentRow() == 4


def test_it_scrolls_sideways_when_narrow(qtbot: QtBot, strip: SweepStrip) -> None:
    strip.resize(400, 300)
    strip.show()
    show(strip, scene(64, 64), ElaParams(quality=60))
    qtbot.waitUntil(lambda: finished(strip))
    bar = strip.row.horizontalScrollBar()
    last = strip.row.item(strip.row.count() - 1)
    view = strip.row.viewport().rect()
    assert bar.isVisible() and not view.intersects(strip.row.visualItemRect(last))
    qtbot.keyClick(strip.row, Qt.Key.Key_End)
    shown = view.intersected(strip.row.visualItemRect(last))
    assert shown.width() >= MAP_SIZE.width() and shown.height() == cell_size(strip.row).height()


def test_the_curve_is_lowest_at_the_least_residual(qtbot: QtBot, strip: SweepStrip) -> None:
    data = encoded(scene(96, 96, 2), "JPEG", quality=75)
    strip.show()
    show(strip, decode(in_memory(data)).pixels, jpeg=read_jpeg(data))
    qtbot.waitUntil(lambda: finished(strip))
    means = {cell.quality: cell.mean for cell in cells(strip)}
    points = dict(zip(means, strip.row._curve(), strict=True))
    for quality in (70, 80):
        assert means[75] < means[quality]
        assert points[75].y() > points[quality].y()


def test_an_analysis_without_a_quality_is_answered_in_words(strip: SweepStrip) -> None:
    other = next((a for a in ANALYSES if quality_spec(a) is None), None)
    if other is None:
        pytest.fail("every analysis has a quality")
    pixels = scene(64, 64)
    strip.show()
    strip.set_source(pixels, None, other, other.params(), Region.whole(pixels))
    assert strip.row.count() == 0 and not strip.row.isEnabled()
    assert other.title in strip.note.text()
    show(strip, pixels)
    assert strip.row.isEnabled() and strip.row.count() == 9


def test_a_failure_is_a_sentence(
    qtbot: QtBot, strip: SweepStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[SweepStep]:
        raise MemoryError

    monkeypatch.setattr(sweep_strip, "sweep", broken)
    strip.show()
    show(strip, scene(64, 64))
    qtbot.waitUntil(lambda: strip.note.text() == "Memory ran out.")


def test_hiding_ends_the_measurement(
    qtbot: QtBot, strip: SweepStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, stopped = threading.Event(), threading.Event()

    def endless(*arguments: object) -> Iterator[SweepStep]:
        stop = arguments[-1]
        assert isinstance(stop, threading.Event)
        started.set()
        if stop.wait(10):
            stopped.set()
        yield from ()

    monkeypatch.setattr(sweep_strip, "sweep", endless)
    strip.show()
    show(strip, scene(64, 64))
    qtbot.waitUntil(started.is_set)
    strip.hide()
    assert stopped.wait(5)
    qtbot.waitUntil(lambda: not strip.busy)


def test_what_comes_after_clearing_is_not_shown(
    qtbot: QtBot, strip: SweepStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, gate = threading.Event(), threading.Event()
    original = sweep_strip.sweep

    def late(*arguments: object) -> Iterator[SweepStep]:
        step = next(original(*arguments))  # type: ignore[arg-type]
        started.set()
        gate.wait(10)
        yield step

    monkeypatch.setattr(sweep_strip, "sweep", late)
    strip.show()
    show(strip, scene(64, 64))
    qtbot.waitUntil(started.is_set)
    strip.clear("No image is shown.")
    gate.set()
    qtbot.waitUntil(lambda: not strip.busy)
    assert strip.row.count() == 0 and strip.note.text() == "No image is shown."
