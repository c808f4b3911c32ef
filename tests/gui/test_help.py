"""The help says what the analyses declare; models and about say what is in use."""

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy
import PIL
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QTextBrowser, QWidget
from pytestqt.qtbot import QtBot

from app import __version__, paths
from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params, parameter
from app.analysis.ela import ELA
from app.analysis.recompress import encoder_identity
from app.detection.card import OperatingPoint
from app.detection.detector import Detector
from app.gui.dialogs import LIBRARIES, about, model_cards
from app.gui.help_panel import HelpPanel
from tests.models import card, question, write_model


@dataclass(frozen=True, slots=True)
class OddParams(Params):
    """One of each kind of parameter."""

    block: int = parameter(16, help="Side of a block.", minimum=8, maximum=64, step=8, unit="px")
    floor: float = parameter(0.5, help="Least <i>value</i>.", minimum=0.25)
    ceiling: float = parameter(9.0, help="Largest value.", maximum=10.0, unit="dB")
    free: float = parameter(1.5, help="Anything goes.")
    kernel: str = parameter("box", help="Shape & size.", choices=("box", "disc<3>"))
    label: str = parameter("none", help="A word.")
    fast: bool = parameter(True, help="Less exact.", needs_measurement=False)


ODD = dataclasses.replace(
    ELA,
    id="odd",
    title="Odd & <b>Bold</b>",
    params=OddParams,
    shows="<script>1 < 2</script>",
    presets=(("Coarse <1>", OddParams(block=32, fast=False)), ("Plain", OddParams())),
)


@pytest.fixture
def panel(qtbot: QtBot) -> HelpPanel:
    """With every analysis of the program and an odd one."""
    panel = HelpPanel((*ANALYSES, ODD))
    qtbot.addWidget(panel)
    panel.show()
    return panel


def text(panel: HelpPanel, topic: str) -> str:
    panel.show_topic(topic)
    return " ".join(panel.page.toPlainText().split())


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)
def test_an_analysis_is_explained_in_its_own_words(panel: HelpPanel, analysis: Analysis) -> None:
    page = text(panel, analysis.id)
    for passage in (
        analysis.title,
        analysis.shows,
        analysis.shows_not,
        analysis.misleads,
        analysis.source,
    ):
        assert " ".join(passage.split()) in page
    for spec in analysis.params.specs():
        assert " ".join(spec.help.split()) in page
        assert spec.name.replace("_", " ").capitalize() in page


def test_quality_of_ela_is_told_with_range_and_default(panel: HelpPanel) -> None:
    assert "1 to 100 in steps of 1. Default: 90. A change measures" in text(panel, "ela")


def test_every_kind_of_parameter_has_range_default_and_unit(panel: HelpPanel) -> None:
    page = text(panel, "odd")
    for sentence in (
        "8 to 64 px in steps of 8. Default: 16 px. A change measures",
        "At least 0.25. Default: 0.5.",
        "At most 10 dB. Default: 9 dB.",
        "Any number. Default: 1.5.",
        "One of box, disc<3>. Default: box.",
        "Text. Default: none.",
        "On or off. Default: on. A change only draws",
        "Coarse <1>: block 32 px, fast off",
        "Plain: all defaults",
    ):
        assert sentence in page


def test_texts_are_shown_as_they_are_written(panel: HelpPanel) -> None:
    page = text(panel, "odd")
    assert "Odd & <b>Bold</b>" in page
    assert "<script>1 < 2</script>" in page
    assert "Least <i>value</i>." in page
    assert "Shape & size." in page


def test_the_choice_lists_every_topic_and_shows_its_page(panel: HelpPanel) -> None:
    seen = set()
    for index in range(panel.topics.count()):
        if panel.topics.itemData(index):
            panel.topics.setCurrentIndex(index)
            seen.add(panel.topic)
            first = panel.page.toPlainText().splitlines()[0]
            assert first == panel.topics.itemText(index)
            assert panel.page.verticalScrollBar().value() == 0
    assert seen == {"window", "verdicts", "where", "evidence", "odd", *(a.id for a in ANALYSES)}


def test_an_unknown_topic_changes_nothing(panel: HelpPanel) -> None:
    panel.show_topic("verdicts")
    with pytest.raises(KeyError):
        panel.show_topic("no such topic")
    assert panel.topic == "verdicts"


def test_keys_are_those_of_the_menus(panel: HelpPanel) -> None:
    panel.show_topic("window")
    panel.set_shortcuts([("&Open folder…", "Ctrl+O"), ("Cut && &paste", "F9"), ("&About", "")])
    page = panel.page.toPlainText()
    assert "Open folder\nCtrl+O" in page
    assert "Cut & paste\nF9" in page
    assert "About" not in page
    panel.show_topic("verdicts")
    panel.set_shortcuts([("<Open>", "Ctrl+P")])
    page = text(panel, "window")
    assert "<Open> Ctrl+P" in page and "Ctrl+O" not in page


def test_the_terms_of_the_field_are_explained(panel: HelpPanel) -> None:
    verdicts, evidence = text(panel, "verdicts"), text(panel, "evidence")
    for words in ("false-alarm rate", "equally frequent", "Inconclusive", "Outside validity"):
        assert words in verdicts
    for words in ("SHA-256", "decode record", "parameter record", str(paths.user_data())):
        assert words in evidence


def test_the_mouse_and_keys_of_the_picture_are_told(panel: HelpPanel) -> None:
    page = text(panel, "window")
    for told in (
        "Wheel on the picture, or pinch on a touch pad or screen zoom about the pointer",
        "Shift and drag draw region A",
        "Ctrl and drag draw region B",
        "Drag the white line of a wipe",
        "Alt and the left or right arrow key",
        "The same mark once more takes it away",
        "A reference image",
        "Blink",
    ):
        assert told in page


def test_the_example_of_the_verdicts_is_right(panel: HelpPanel) -> None:
    # Bayes: odds of 4 from equally frequent classes, one altered image in a hundred.
    odds = (0.8 / 0.2) * (1 / 99)
    assert round(100 * odds / (1 + odds)) == 4
    assert "four chances in a hundred" in text(panel, "verdicts")


@pytest.mark.parametrize("topic", ["window", "verdicts", "where", "evidence", "odd", "ela"])
def test_words_that_say_too_much_are_not_used(panel: HelpPanel, topic: str) -> None:
    page = text(panel, topic).lower()
    for word in ("fake", "real image", "doctored", "forged", "guarantee", "confidence"):
        assert word not in page


def test_links_open_nothing(panel: HelpPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    before = panel.page.toPlainText()
    panel.page.anchorClicked.emit(QUrl("https://example.org"))
    assert not panel.page.openLinks() and not panel.page.openExternalLinks()
    assert opened == [] and panel.page.toPlainText() == before


def test_the_help_works_by_keyboard(panel: HelpPanel, qtbot: QtBot) -> None:
    with qtbot.waitActive(panel):
        panel.activateWindow()
    panel.topics.setFocus()
    QTest.keyClick(panel.topics, Qt.Key.Key_Down)
    assert panel.topic == "verdicts"
    QTest.keyClick(panel.topics, Qt.Key.Key_Tab)
    qtbot.waitUntil(panel.page.hasFocus)
    QTest.keyClick(panel.page, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(panel.page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == panel.page.toPlainText()
    assert panel.topics.accessibleName() and panel.page.accessibleName()


# Dialogs --------------------------------------------------------------------------------------


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    """A main window's stand-in."""
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


def detector(tmp_path: Path, **changes: object) -> Detector:
    document = card(**changes).to_json()  # type: ignore[arg-type]
    return Detector(write_model(tmp_path / "grey-mean" / "model.onnx", document))


def page_of(dialog: QDialog) -> str:
    assert dialog.isVisible() and not dialog.isModal()
    return dialog.findChild(QTextBrowser).toPlainText()


def test_about_names_versions_encoder_and_the_models_in_use(
    parent: QWidget, tmp_path: Path
) -> None:
    model = detector(tmp_path)
    dialog = about(parent, [model])
    page = page_of(dialog)
    copy = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy")
    copy.click()
    copied = QGuiApplication.clipboard().text()
    for part in (
        __version__,
        numpy.__version__,
        PIL.__version__,
        cv2.__version__,
        encoder_identity().fingerprint,
        "CPUExecutionProvider",
        model.sha256,
        "LGPL-3.0-only",
    ):
        assert part in page.replace("\n", "") and part in copied, part
    assert "<" not in copied


def test_about_without_models_says_so(parent: QWidget) -> None:
    assert "none loaded" in page_of(about(parent))


def test_about_lists_the_licence_of_every_dependency() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    declared = {
        requirement.split(">")[0].strip().lower() for requirement in project["dependencies"]
    }
    listed = {name.lower() for library in LIBRARIES for name in library.distributions}
    assert listed == declared


def test_a_card_is_shown_as_text(parent: QWidget, tmp_path: Path) -> None:
    model = detector(
        tmp_path,
        questions=[
            question(
                text="Was <b>it</b> changed?",
                operating_point=OperatingPoint(false_alarm_rate=0.001, threshold=0.8),
            )
        ],
        validity={"formats": ("PNG", "<i>JPEG</i>")},
    )
    page = page_of(model_cards(parent, [model], ["No <u>such</u> model."]))
    assert "Was <b>it</b> changed?" in page
    assert "PNG, <i>JPEG</i>" in page
    assert "0.1% false alarms" in page
    assert "No <u>such</u> model." in page


def test_no_model_is_said(parent: QWidget) -> None:
    assert page_of(model_cards(parent, [], [])) == "No model is installed."
