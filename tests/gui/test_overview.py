"""The overview of a scan: counts, scores and the contact sheet, and where a click on them leads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.detection.verdict import State
from app.gui.appearance import Appearance, palette
from app.gui.scan.columns import Answer, Columns
from app.gui.scan.contacts import MOST, most_conspicuous
from app.gui.scan.histogram import BARS, EDGES, Histogram, counted
from app.gui.scan.order import Filter, Wanted, passing
from app.gui.scan.overview import Counts, Overview
from app.gui.words import state_colour
from app.scan.results import conspicuous
from app.scan.rows import Row
from tests.gui.conftest import Examiner, grabbed
from tests.gui.scans import columns, judged, many, verdict
from tests.models import question
from tests.pictures import encoded, scene

PATHS = [Path(f"/case/{number:03}.jpg") for number in range(400)]
QUESTIONS = (question("tampered"), question("generated", text="Was it made by a generator?"))


@pytest.fixture
def overview(qtbot: QtBot) -> Overview:
    overview = Overview()
    qtbot.addWidget(overview)
    overview.resize(900, 420)
    overview.show()
    return overview


def begun(overview: Overview, rows: Sequence[Row]) -> tuple[Columns, list[Filter]]:
    """The rows as columns, and the filters that the overview asks for."""
    made, wanted = columns(rows), list[Filter]()
    overview.begin(made, QUESTIONS)
    overview.filter_wanted.connect(wanted.append)
    QApplication.processEvents()
    return made, wanted


# Histogram ------------------------------------------------------------------------------------


def test_a_histogram_counts_each_score_in_one_bar() -> None:
    scores = np.array([0.0, 0.049, 0.05, 0.15, 0.2999, 0.3, 0.95, 1.0, np.nan])
    expected = np.zeros(BARS, np.int64)
    for bar in (0, 0, 1, 3, 5, 6, 19, 19):
        expected[bar] += 1
    assert np.array_equal(counted(scores), expected)
    many_scores = np.random.default_rng(3).random(5000)
    assert np.array_equal(counted(many_scores), np.histogram(many_scores, BARS, (0, 1))[0])
    assert counted(np.array([])).sum() == 0


def test_a_bar_leads_to_exactly_the_rows_that_it_counts(overview: Overview) -> None:
    """Scores on the edges included."""
    edges = [float(edge) for edge in EDGES]
    rows = [judged(path, tampered=edges[n % BARS]) for n, path in enumerate(PATHS[:BARS])]
    rows += many(PATHS[BARS:])
    made, wanted = begun(overview, rows)
    histogram = overview.questions[0].histogram
    for bar in range(BARS):
        place = histogram.centre_of(bar).toPoint()
        QTest.mouseClick(
            histogram, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
        )
        shown = passing(made, wanted[-1])
        scores = made.answers["tampered"].score[shown]
        # The first bar leads to rows below its end, which need a score.
        assert not np.isnan(scores).any()
        assert shown.sum() == histogram.counts[bar], bar
        assert histogram.words(bar).endswith(f": {shown.sum()} rows") or shown.sum() == 1
    assert len(wanted) == BARS


def test_beside_the_bars_a_click_leads_nowhere(overview: Overview) -> None:
    _, wanted = begun(overview, many(PATHS))
    histogram = overview.questions[0].histogram
    assert histogram.bar_at(QPointF(1, 20)) == -1
    QTest.mouseClick(histogram, Qt.MouseButton.LeftButton, pos=QPoint(1, 20))
    assert wanted == []


def test_the_keyboard_goes_through_the_bars(overview: Overview) -> None:
    _, wanted = begun(overview, many(PATHS))
    histogram = overview.questions[1].histogram
    histogram.setFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        QTest.keyClick(histogram, key)
    assert "Score 0.90 to 0.95" in histogram.accessibleDescription()
    QTest.keyClick(histogram, Qt.Key.Key_Return)
    assert wanted == [Filter(answers={"generated": Wanted(None, 0.9, 0.95)})]


def test_bars_limits_and_zones_are_drawn(qtbot: QtBot) -> None:
    """Two bars more change the picture there alone, and the limits are seen."""
    histogram = Histogram(question())
    qtbot.addWidget(histogram)
    histogram.resize(400, 120)
    histogram.show()
    counts = np.zeros(BARS, np.int64)
    counts[19] = 5000
    histogram.show_counts(counts.copy())
    before = grabbed(histogram).astype(int)
    counts[3], counts[12] = 1, 5000
    histogram.show_counts(counts)
    drawn = np.abs(grabbed(histogram).astype(int) - before).sum(2) > 0
    touched = {histogram.bar_at(QPointF(x + 0.5, 30.0)) for x in np.flatnonzero(drawn.any(0))}
    assert touched == {3, 12}
    heights = [drawn[:, round(histogram.centre_of(bar).x()) + 6].sum() for bar in (3, 12)]
    assert 0 < heights[0] < heights[1]
    for limit in (0.2, 0.8):
        x = int(histogram._x(limit))
        column = before[:, x - 1 : x + 3].reshape(-1, 3)
        assert len(np.unique(column, axis=0)) > 3


# Counts ---------------------------------------------------------------------------------------


def test_counts_add_up_and_lead_to_their_rows(overview: Overview) -> None:
    made, wanted = begun(overview, many(PATHS))
    for shown in (overview.statuses, *(q.counts for q in overview.questions)):
        total = 0
        for button in shown.buttons.values():
            button.click()
            count = int(button.text().split()[0].replace(",", ""))
            assert passing(made, wanted[-1]).sum() == count, button.text()
            total += count
        assert total == len(PATHS)
    assert overview.heading.text() == "400 rows:"


def test_counts_say_state_and_word(overview: Overview) -> None:
    begun(overview, [judged(PATHS[0], tampered=0.9, generated=0.1)])
    texts = [[b.text() for b in q.counts.buttons.values()] for q in overview.questions]
    assert texts == [["1 positive"], ["1 negative"]]


def test_counts_that_arrive_later_take_their_place(overview: Overview) -> None:
    rows = [judged(path, tampered=0.1, generated=0.1) for path in PATHS[:2]]
    made, _ = begun(overview, rows)
    made.put(judged(PATHS[1], tampered=0.9, generated=0.9))
    overview.finish()
    keys = list(overview.questions[0].counts.buttons)
    assert keys == [Answer.POSITIVE, Answer.NEGATIVE]
    made.put(judged(PATHS[0], tampered=0.9, generated=0.9))
    overview.finish()
    assert list(overview.questions[0].counts.buttons) == [Answer.POSITIVE]


# Contact sheet --------------------------------------------------------------------------------


def test_the_sheet_has_positive_pictures_by_score_and_then_likely_ones() -> None:
    rows = many(PATHS, seed=9)
    expected = []
    for at, row in enumerate(rows):
        loud = [v for v in row.verdicts if conspicuous(v)]
        positive = [v.score for v in loud if v.state is State.POSITIVE and v.score is not None]
        likely = [v.score for v in loud if v.score is not None]
        if loud:
            expected.append((not positive, -max(positive or likely), at))
    expected.sort()
    found = most_conspicuous(columns(rows), most=1000)
    assert [contact.at for contact in found] == [at for _, _, at in expected]
    capped = most_conspicuous(columns(rows))
    assert capped == found[:MOST]
    for contact in found:
        given = next(v for v in rows[contact.at].verdicts if v.question == contact.question)
        assert (given.state, given.score) == (contact.state, contact.score)


def test_a_sure_but_unstable_answer_comes_after_positive_ones() -> None:
    """A score above the operating point that a mild change turns around is inconclusive."""
    unstable = verdict("tampered", 0.99, state=State.INCONCLUSIVE)
    rows = [Row(PATHS[0], "ok", verdicts=(unstable,)), judged(PATHS[1], tampered=0.81)]
    assert [contact.at for contact in most_conspicuous(columns(rows))] == [1, 0]


def test_an_empty_sheet_says_why(overview: Overview) -> None:
    assert "After a scan" in overview.sheet.accessibleDescription()
    begun(overview, [judged(PATHS[0], tampered=0.1, generated=0.1)])
    assert "No picture is conspicuous" in overview.sheet.accessibleDescription()
    overview.begin(columns([Row(PATHS[0], "ok")], ()), ())
    assert "No model was asked" in overview.sheet.accessibleDescription()


def test_the_sheet_shows_thumbnails_words_and_opens(
    qtbot: QtBot, overview: Overview, tmp_path: Path
) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "gone.png"]
    for path in paths[:2]:
        path.write_bytes(encoded(scene(60, 80, 5), "PNG"))
    scores = (0.85, 0.95, 0.6)
    rows = [judged(path, tampered=s, generated=0.1) for path, s in zip(paths, scores, strict=True)]
    begun(overview, rows)
    sheet, opened = overview.sheet, list[Path]()
    overview.opened.connect(opened.append)
    model = sheet.contacts

    def pictures() -> list[object]:
        role = Qt.ItemDataRole.DecorationRole
        return [model.data(model.index(row), role) for row in range(model.rowCount())]

    qtbot.waitUntil(
        lambda: all(p is None or (isinstance(p, QPixmap) and not p.isNull()) for p in pictures()),
        timeout=20_000,
    )
    assert pictures()[2] is None
    said = [str(model.data(model.index(n), Qt.ItemDataRole.AccessibleTextRole)) for n in range(3)]
    assert said == [
        "b.png\ntampered positive 0.95",
        "a.png\ntampered positive 0.85",
        "gone.png\ntampered inconclusive 0.60",
    ]
    place = sheet.visualRect(model.index(1)).center()
    QTest.mouseClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened == [paths[0]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    sheet.grab()
    overview.close_pictures()


# Live -----------------------------------------------------------------------------------------


def test_during_a_scan_it_is_drawn_at_a_bounded_rate(
    qtbot: QtBot, overview: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = begun(overview, [judged(PATHS[0], tampered=0.1, generated=0.1)])
    drawn: list[int] = []
    show = overview.sheet.show_of
    monkeypatch.setattr(overview.sheet, "show_of", lambda c: (drawn.append(made.count), show(c)))
    for _ in range(100):
        overview.refresh()
    assert drawn == []
    qtbot.waitUntil(lambda: len(drawn) == 1, timeout=10_000)
    overview.hide()
    overview.refresh()
    overview.show()
    assert len(drawn) == 2


def test_a_scan_fills_it_and_a_count_leads_to_the_table(examiner: Examiner, folder: Path) -> None:
    examiner.open(folder, "a.jpg")
    examiner.scan()
    window = examiner.window
    examiner.trigger("Show overview")
    overview = window.overview
    assert overview.isVisible()
    assert overview.heading.text() == "4 rows:"
    counts = {button.text() for button in overview.statuses.buttons.values()}
    assert counts == {"3 ok", "1 broken"}
    next(b for b in overview.statuses.buttons.values() if "broken" in b.text()).click()
    examiner.settle()
    assert window.scan_panel.isVisible()
    model = window.scan_panel.model
    assert [model.data(model.index(row, 0)) for row in range(model.rowCount())] == ["c.jpg"]
    assert window.scan_panel.filters.status.currentText() == "broken"


@pytest.mark.parametrize("appearance", [Appearance.LIGHT, Appearance.DARK, Appearance.CONTRAST])
def test_marks_follow_the_palette(qtbot: QtBot, qapp: QApplication, appearance: Appearance) -> None:
    counts = Counts()
    qtbot.addWidget(counts)
    counts.show_counts({Answer.POSITIVE: ("positive", 3, State.POSITIVE)})
    counts.setPalette(palette(appearance))
    qapp.processEvents()
    image = counts.buttons[Answer.POSITIVE].icon().pixmap(12, 12).toImage()
    expected = state_colour(State.POSITIVE, palette(appearance))
    assert image.pixelColor(image.width() // 2, image.height() // 2) == expected


def test_in_a_high_place_the_pictures_stand_below(qapp: QApplication, overview: Overview) -> None:
    begun(overview, [judged(PATHS[0], tampered=0.9, generated=0.9)])
    for size, below in (((900, 300), False), ((400, 800), True), ((900, 300), False)):
        overview.resize(*size)
        qapp.processEvents()
        left, sheet = overview.heading, overview.sheet
        top = sheet.mapTo(overview, QPoint(0, 0)).y()
        assert (top > left.mapTo(overview, QPoint(0, left.height())).y()) is below
        assert sheet.height() > 100
