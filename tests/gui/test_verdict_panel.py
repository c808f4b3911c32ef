"""The verdict's words: state, range, what is preliminary, and which evidence speaks for what."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.analysis.localisation import Localisation
from app.analysis.region import Region
from app.detection.verdict import State, Verdict
from app.gui import appearance
from app.gui.appearance import Appearance, palette
from app.gui.score_scale import ScoreScale
from app.gui.table.inspection import inspect
from app.gui.verdict_panel import VerdictPanel, stability
from app.gui.where.found import COPY_MOVE
from app.gui.words import state_colour
from app.report.agreement import score_and_copies, score_and_map
from tests.gui.conftest import grabbed
from tests.gui.findings import as_found, copies, model_map, nothing_copied, where_card
from tests.models import card, question
from tests.pictures import encoded, scene

BOX, OTHER = Region(8, 8, 40, 32), Region(56, 8, 88, 32)
MARKED, UNMARKED = model_map(96, 72, (BOX, 200)), model_map(96, 72, (BOX, 90))
PAIR, NO_PAIR = copies(96, 72, BOX, OTHER), nothing_copied(96, 72)


def verdict(
    state: State = State.POSITIVE,
    score: float | None = 0.9,
    low: float | None = None,
    high: float | None = None,
    asked: str = "tampered",
) -> Verdict:
    return Verdict(asked, state, score, "A reason.", "m", "0" * 64, "CPU", low, high)


@pytest.fixture
def panel(qtbot: QtBot) -> VerdictPanel:
    panel = VerdictPanel()
    qtbot.addWidget(panel)
    panel.resize(340, 600)
    panel.show()
    return panel


def words(panel: VerdictPanel) -> str:
    """What is seen; labels that were taken away no longer count."""
    QApplication.processEvents()
    labels = panel.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.isVisible())


# States and ranges ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "score", "word"),
    [
        (State.POSITIVE, 0.9, "Positive"),
        (State.NEGATIVE, 0.05, "Negative"),
        (State.INCONCLUSIVE, 0.5, "Inconclusive"),
        (State.OUTSIDE_VALIDITY, None, "Outside validity"),
    ],
)
def test_every_state_is_a_word_with_its_reason(
    panel: VerdictPanel, state: State, score: float | None, word: str
) -> None:
    panel.show_verdicts([(card(), verdict(state, score))], ())
    said = words(panel)
    for expected in ("Was a part changed?", word, "A reason.", "grey-mean 1.0", "grey squares"):
        assert expected in said
    scales = [s for s in panel.findChildren(ScoreScale) if s.isVisible()]
    assert len(scales) == (score is not None)


def test_the_range_is_said_in_words_and_to_screen_readers(panel: VerdictPanel) -> None:
    panel.show_verdicts([(card(), verdict(score=0.9, low=0.124, high=0.93))], ())
    assert "Saved again, reduced or cropped, it scores 0.12 to 0.93." in words(panel)
    (scale,) = panel.findChildren(ScoreScale)
    assert "from 0.12 to 0.93 over mild changes" in scale.accessibleName()


def test_a_range_that_is_none_is_not_told_as_one() -> None:
    assert stability(verdict(low=None, high=None)) == ""
    assert stability(verdict(low=0.304, high=0.297)).endswith("it still scores 0.30.")


@pytest.mark.parametrize("choice", [Appearance.LIGHT, Appearance.DARK])
def test_the_range_is_drawn_between_its_ends_on_its_zone(
    qapp: QApplication, qtbot: QtBot, choice: Appearance
) -> None:
    before = qapp.palette()
    appearance.apply(qapp, choice)
    scale = ScoreScale(question(), verdict(State.NEGATIVE, 0.1, 0.05, 0.6))
    qtbot.addWidget(scale)
    scale.resize(408, scale.height())
    scale.show()
    picture = grabbed(scale)
    ink = palette(choice).windowText().color()
    # 4 pixels at each side, 400 for the score: its own row through the middle of the zones.
    top = scale.fontMetrics().height() + 8
    row = picture[top + 6]
    drawn = np.flatnonzero((row == (ink.red(), ink.green(), ink.blue())).all(axis=1))
    assert abs(drawn.min() - (4 + 0.05 * 400)) <= 2
    assert abs(drawn.max() - (4 + 0.6 * 400)) <= 2
    for score, state in ((0.02, State.NEGATIVE), (0.7, State.INCONCLUSIVE), (0.9, State.POSITIVE)):
        zone = state_colour(state, palette(choice))
        assert tuple(row[4 + round(score * 400)]) == (zone.red(), zone.green(), zone.blue())
    qapp.setStyleSheet("")
    qapp.setPalette(before)


def test_the_first_answer_is_called_preliminary_until_it_was_tried(panel: VerdictPanel) -> None:
    panel.show_verdicts([(where_card(), verdict())], (), preliminary=True)
    button = panel.views[0].card
    assert "preliminary" in words(panel)
    assert "is being tried" in words(panel)
    panel.show_verdicts([(where_card(), verdict(State.INCONCLUSIVE, 0.9, 0.1, 0.9))], ())
    said = words(panel)
    assert "reliminary" not in said and "Positive" not in said
    assert "Inconclusive" in said and "0.10 to 0.90" in said
    # What had the keyboard still has it.
    assert panel.views[0].card is button and button.isVisible()


def test_the_question_on_alterations_comes_first(panel: VerdictPanel) -> None:
    made = card([question("generated", text="Was it made by a generator?")], name="maker")
    panel.show_verdicts([(made, verdict(asked="generated")), (card(), verdict())], ())
    assert [view.key for view in panel.views] == [("grey-mean", "tampered"), ("maker", "generated")]


def test_without_models_it_says_so_and_names_the_refused(panel: VerdictPanel) -> None:
    panel.show_verdicts([], ("The model <x> is too new.",))
    assert "No model is installed" in words(panel)
    assert "The model &lt;x&gt; is too new." in words(panel)


# Buttons --------------------------------------------------------------------------------------


def test_where_and_card_are_a_key_press_away(panel: VerdictPanel, qtbot: QtBot) -> None:
    panel.show_verdicts([(where_card(), verdict())], ())
    words(panel)
    (view,) = panel.views
    wanted: list[str] = []
    panel.where_wanted.connect(wanted.append)
    panel.card_wanted.connect(wanted.append)
    for button in (view.where, view.card):
        assert button.isVisible() and button.accessibleName()
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
    assert wanted == ["tampered", "grey-mean"]


def test_a_model_without_a_map_and_a_picture_outside_validity_have_no_where(
    panel: VerdictPanel,
) -> None:
    panel.show_verdicts([(card(), verdict())], ())
    words(panel)
    assert panel.views[0].card.isVisible() and not panel.views[0].where.isVisible()
    panel.show_verdicts([(where_card(), verdict(State.OUTSIDE_VALIDITY, None))], ())
    assert not panel.views[0].where.isEnabled()


# Evidence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "found", "expected"),
    [
        (State.POSITIVE, MARKED, "Score and map point the same way: 1 region is marked, 11.1%"),
        (State.POSITIVE, UNMARKED, "Score and map disagree. The score speaks for an alteration"),
        (State.NEGATIVE, MARKED, "Score and map disagree. The score finds no sign"),
        (State.NEGATIVE, UNMARKED, "Score and map agree: neither shows a sign."),
        (State.INCONCLUSIVE, MARKED, "The score does not decide. On the map 1 region is marked"),
        (State.INCONCLUSIVE, UNMARKED, "does not decide, and the map marks no place"),
    ],
)
def test_score_and_map_are_weighed_in_words(
    state: State, found: Localisation, expected: str
) -> None:
    said = score_and_map(state, found)
    assert expected in said
    assert ("let neither stand alone" in said) == ("disagree" in said)


@pytest.mark.parametrize(
    ("state", "found", "expected"),
    [
        (State.POSITIVE, PAIR, "Copy-move and score point the same way"),
        (State.NEGATIVE, PAIR, "Copy-move and score disagree: 1 pair of regions shows the same"),
        (State.INCONCLUSIVE, PAIR, "found without the model"),
        (State.OUTSIDE_VALIDITY, PAIR, "found without the model"),
        (State.POSITIVE, NO_PAIR, "does not speak against the score"),
        (State.NEGATIVE, NO_PAIR, "Copies of smooth or very small parts are not found"),
    ],
)
def test_score_and_copies_are_weighed_in_words(
    state: State, found: Localisation, expected: str
) -> None:
    said = score_and_copies(state, found, counts=False)
    assert expected in said
    counted = score_and_copies(state, found, counts=True)
    agrees = bool(found.pairs) and state is not State.NEGATIVE
    assert ("counts copies, so the two are not independent" in counted) == agrees
    assert ("Pictures that repeat themselves" in said) == bool(found.pairs)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("found", [MARKED, UNMARKED, PAIR, NO_PAIR])
def test_no_evidence_is_called_certain(state: State, found: Localisation) -> None:
    said = (score_and_map(state, found) + score_and_copies(state, found, True)).lower()
    for word in ("fake", "proof", "proves", "certain", "is forged", "authentic"):
        assert word not in said


def test_what_was_found_stands_beside_the_question_that_it_concerns(
    panel: VerdictPanel, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(72, 96), "PNG"))
    image = inspect(path)
    made = card([question("generated")], name="maker")
    answers = [(where_card(), verdict(State.NEGATIVE, 0.1)), (made, verdict(asked="generated"))]
    panel.show_evidence({"tampered": as_found(image, MARKED), COPY_MOVE: as_found(image, PAIR)})
    panel.show_verdicts(answers, ())
    first, second = panel.views
    assert "Score and map disagree" in first._notes.text()
    assert "Copy-move and score disagree" in first._notes.text()
    assert second._notes.isHidden()
    panel.show_evidence({})
    assert first._notes.isHidden()
