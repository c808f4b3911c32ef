"""Colours: readable by measure in every palette, following the system only when asked to."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.detection.verdict import State, Verdict
from app.gui import appearance
from app.gui.appearance import Appearance, Look, palette, system_appearance
from app.gui.notice import Notice
from app.gui.verdict_panel import VerdictPanel
from app.gui.words import state_colour
from tests.models import card

Role = QPalette.ColorRole
Group = QPalette.ColorGroup
EXPLICIT = (Appearance.LIGHT, Appearance.DARK, Appearance.CONTRAST)

PAIRS = [
    (Role.WindowText, Role.Window),
    (Role.WindowText, Role.Base),
    (Role.Text, Role.Base),
    (Role.Text, Role.AlternateBase),
    (Role.Text, Role.Window),
    (Role.PlaceholderText, Role.Base),
    (Role.ButtonText, Role.Button),
    (Role.ButtonText, Role.Window),
    (Role.BrightText, Role.Dark),
    (Role.HighlightedText, Role.Highlight),
    (Role.HighlightedText, Role.Accent),
    (Role.Link, Role.Base),
    (Role.Link, Role.Window),
    (Role.LinkVisited, Role.Base),
    (Role.LinkVisited, Role.Window),
    (Role.ToolTipText, Role.ToolTipBase),
]


def luminance(colour: QColor) -> float:
    """Relative luminance as WCAG 2.2 defines it."""

    def linear(level: int) -> float:
        share = level / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue, _ = colour.getRgb()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: QColor, other: QColor) -> float:
    """1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    """The application; its colours are put back afterwards."""
    before = qapp.palette()
    yield qapp
    for look in qapp.findChildren(Look):
        look.deleteLater()
    qapp.setStyleSheet("")
    qapp.setPalette(before)
    qapp.processEvents()


def test_contrast_itself_knows_published_values() -> None:
    assert contrast(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21)
    # The grey that WCAG's material names as the lightest one that passes on white.
    assert contrast(QColor("#767676"), QColor("#ffffff")) == pytest.approx(4.54, abs=0.01)
    assert contrast(QColor("#ff0000"), QColor("#ffffff")) == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("choice", EXPLICIT)
def test_texts_are_readable(choice: Appearance) -> None:
    colours = palette(choice)
    wanted = 7.0 if choice is Appearance.CONTRAST else 4.5
    for group in (Group.Active, Group.Inactive):
        for text, ground in PAIRS:
            measured = contrast(colours.color(group, text), colours.color(group, ground))
            assert measured >= wanted, f"{text.name} on {ground.name}: {measured:.2f}"


@pytest.mark.parametrize("choice", EXPLICIT)
def test_disabled_texts_can_be_read_and_told_apart(choice: Appearance) -> None:
    colours = palette(choice)
    for text, ground in PAIRS[:8]:
        disabled = contrast(
            colours.color(Group.Disabled, text), colours.color(Group.Disabled, ground)
        )
        active = contrast(colours.color(Group.Active, text), colours.color(Group.Active, ground))
        assert disabled >= (7.0 if choice is Appearance.CONTRAST else 3.0), text.name
        if text is not Role.PlaceholderText:
            assert disabled < 0.7 * active, text.name


@pytest.mark.parametrize("choice", EXPLICIT)
def test_palettes_are_complete(choice: Appearance) -> None:
    colours = palette(choice)
    roles = [role for role in Role if role not in (Role.NoRole, Role.NColorRoles)]
    for group in (Group.Active, Group.Inactive, Group.Disabled):
        missing = [role.name for role in roles if not colours.isBrushSet(group, role)]
        assert missing == []


@pytest.mark.parametrize("choice", EXPLICIT)
def test_selection_stands_out_from_lists(choice: Appearance) -> None:
    colours = palette(choice)
    assert contrast(colours.color(Role.Highlight), colours.color(Role.Base)) >= 3


@pytest.mark.parametrize("choice", EXPLICIT)
def test_states_are_readable_and_orange_is_not_blue(choice: Appearance) -> None:
    colours = palette(choice)
    wanted = 7.0 if choice is Appearance.CONTRAST else 4.5
    for state in State:
        for ground in (Role.Window, Role.Base):
            assert contrast(state_colour(state, colours), colours.color(ground)) >= wanted
    positive, negative = (
        state_colour(state, colours).hue() for state in (State.POSITIVE, State.NEGATIVE)
    )
    assert 15 < positive < 45 and 195 < negative < 225


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (Qt.ColorScheme.Unknown, Appearance.LIGHT),
        (Qt.ColorScheme.Light, Appearance.LIGHT),
        (Qt.ColorScheme.Dark, Appearance.DARK),
    ],
)
def test_the_system_is_asked(scheme: Qt.ColorScheme, expected: Appearance) -> None:
    # As Qt before 6.10 answers, which knows no wish for contrast.
    assert system_appearance(SimpleNamespace(colorScheme=lambda: scheme)) is expected


@pytest.mark.skipif(not hasattr(Qt, "ContrastPreference"), reason="Qt before 6.10")
def test_a_system_in_high_contrast_is_followed() -> None:
    def hints(preference: Qt.ContrastPreference) -> SimpleNamespace:
        answer = SimpleNamespace(contrastPreference=lambda: preference)
        return SimpleNamespace(
            colorScheme=lambda: Qt.ColorScheme.Dark, accessibility=lambda: answer
        )

    assert system_appearance(hints(Qt.ContrastPreference.HighContrast)) is Appearance.CONTRAST
    assert system_appearance(hints(Qt.ContrastPreference.NoPreference)) is Appearance.DARK


def painted(widget: QWidget, x: int, y: int) -> QColor:
    return widget.grab().toImage().pixelColor(x, y)


def test_each_choice_reaches_the_screen_and_can_be_taken_back(
    application: QApplication, qtbot: QtBot
) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    look = Look(application, Appearance.SYSTEM)
    for choice in (*EXPLICIT, Appearance.DARK, Appearance.LIGHT):
        look.choose(choice)
        assert look.appearance is choice
        application.processEvents()
        assert painted(widget, 5, 5) == palette(choice).color(Role.Window)
    assert application.styleSheet() == ""


def test_the_system_is_followed_only_while_it_is_the_choice(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look(application, Appearance.SYSTEM)
    assert application.palette().color(Role.Window) == palette(Appearance.LIGHT).color(Role.Window)
    monkeypatch.setattr(appearance, "system_appearance", lambda _: Appearance.DARK)
    application.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert application.palette().color(Role.Window) == palette(Appearance.DARK).color(Role.Window)
    look.choose(Appearance.LIGHT)
    application.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert application.palette().color(Role.Window) == palette(Appearance.LIGHT).color(Role.Window)


def test_focus_is_framed_in_high_contrast(application: QApplication, qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    button = QPushButton("Scan", holder)
    other = QPushButton("Else", holder)
    other.move(0, 60)
    appearance.apply(application, Appearance.CONTRAST)
    with qtbot.waitActive(holder):
        holder.show()
        holder.activateWindow()
    for wanted in (button, other):
        wanted.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(wanted.hasFocus)
        framed = [painted(b, 1, b.height() // 2) == QColor("#ffff00") for b in (button, other)]
        assert framed == [wanted is button, wanted is other]


@pytest.mark.parametrize("choice", [Appearance.DARK, Appearance.CONTRAST])
def test_a_button_held_in_differs_and_stays_readable(
    application: QApplication, qtbot: QtBot, choice: Appearance
) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    buttons = [QPushButton(holder, checkable=True, checked=on) for on in (True, False)]
    for at, button in enumerate(buttons):
        button.setGeometry(0, 60 * at, 120, 40)
    appearance.apply(application, choice)
    holder.show()
    held, free = (painted(button, 60, 20) for button in buttons)
    assert held.hue() != free.hue()
    text = QColor("#000000") if choice is Appearance.CONTRAST else palette(choice).color(Role.Text)
    top = painted(buttons[0], 60, 4)
    assert min(contrast(text, held), contrast(text, top)) >= 4.5


def test_a_shown_state_follows_the_palette(application: QApplication, qtbot: QtBot) -> None:
    verdict = Verdict("tampered", State.POSITIVE, 0.9, "A reason.", "m", "0" * 64, "CPU")
    appearance.apply(application, Appearance.LIGHT)
    panel = VerdictPanel()
    qtbot.addWidget(panel)
    panel.show_verdicts([(card(), verdict)], ())
    panel.show()

    def markup() -> str:
        return next(
            label.text() for label in panel.findChildren(QLabel) if "Positive" in label.text()
        )

    for choice in (Appearance.LIGHT, Appearance.DARK, Appearance.LIGHT):
        appearance.apply(application, choice)
        application.processEvents()
        assert state_colour(State.POSITIVE, palette(choice)).name() in markup()


@pytest.mark.parametrize("choice", EXPLICIT)
def test_a_notice_is_readable(application: QApplication, qtbot: QtBot, choice: Appearance) -> None:
    appearance.apply(application, choice)
    notice = Notice()
    qtbot.addWidget(notice)
    notice.resize(400, 60)
    notice.say("Something did not work.")
    picture = notice.label.grab().toImage()
    colours = [
        picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())
    ]
    ground = notice.grab().toImage().pixelColor(200, 6)
    assert ground == palette(choice).color(Role.ToolTipBase)
    assert max(contrast(colour, ground) for colour in colours) >= 7


def test_escape_closes_a_notice_from_each_of_its_parts(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    notice = Notice(holder)
    with qtbot.waitActive(holder):
        holder.show()
        holder.activateWindow()
    parts = [notice.label, notice.findChild(QPushButton), notice.findChild(QToolButton)]
    for part in parts:
        notice.say("Something did not work.", "details")
        part.setFocus()
        qtbot.waitUntil(part.hasFocus)
        QTest.keyClick(part, Qt.Key.Key_A)
        assert notice.isVisible()
        QTest.keyClick(part, Qt.Key.Key_Escape)
        assert not notice.isVisible()
