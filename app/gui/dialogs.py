"""Help, models and about: text in a window of its own, beside the work."""

import html
import platform
from collections.abc import Sequence

import cv2
import numpy
import PIL
import PySide6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app import __version__
from app.analysis.base import Analysis
from app.analysis.recompress import encoder_identity
from app.detection.card import ModelCard
from app.detection.detector import Detector


def _show(parent: QWidget, title: str, text: str) -> QDialog:
    """Open a window with ``text`` (HTML); it does not block the main window."""
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    browser = QTextBrowser()
    browser.setHtml(text)
    browser.setOpenLinks(False)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    layout = QVBoxLayout(dialog)
    layout.addWidget(browser)
    layout.addWidget(buttons)
    dialog.resize(620, 520)
    dialog.show()
    return dialog


def analysis_help(parent: QWidget, analysis: Analysis) -> QDialog:
    """What an analysis shows, what it does not, when it misleads, and its parameters."""
    rows = "".join(
        f"<tr><td><b>{spec.name.replace('_', ' ')}</b>&nbsp;&nbsp;</td>"
        f"<td>{html.escape(spec.help)}</td></tr>"
        for spec in analysis.params.specs()
    )
    return _show(
        parent,
        analysis.title,
        f"<h2>{analysis.title}</h2>"
        f"<h3>What it shows</h3><p>{html.escape(analysis.shows)}</p>"
        f"<h3>What it does not show</h3><p>{html.escape(analysis.shows_not)}</p>"
        f"<h3>When it misleads</h3><p>{html.escape(analysis.misleads)}</p>"
        f"<h3>Parameters</h3><table>{rows}</table>"
        f"<h3>Source</h3><p>{html.escape(analysis.source)}</p>",
    )


def model_cards(parent: QWidget, detectors: Sequence[Detector], refusals: Sequence[str]) -> QDialog:
    """The cards of the loaded models, and why others are not used."""
    text = "<hr>".join(_card(d.card, d.sha256, d.provider) for d in detectors)
    text += "".join(f"<p>{html.escape(sentence)}</p>" for sentence in refusals)
    return _show(parent, "Models", text or "<p>No model is installed.</p>")


def _card(card: ModelCard, sha256: str, provider: str) -> str:
    questions = "".join(
        f"<h3>{html.escape(question.text)}</h3>"
        f"<p>Positive from a score of {question.operating_point.threshold:.3f}, set for "
        f"{question.operating_point.false_alarm_rate:.0%} false alarms; inconclusive from "
        f"{question.inconclusive_below:.3f}. "
        f"Reference: {html.escape(question.reference_population)}</p>"
        for question in card.questions
    )
    validity = card.validity
    limits = "".join(f"<li>{html.escape(limit)}</li>" for limit in card.limits)
    results = "".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}&nbsp;&nbsp;</td>"
        f"<td>{html.escape(_in_words(value))}</td></tr>"
        for name, value in card.results.items()
    )
    return (
        f"<h2>{html.escape(card.name)} {html.escape(card.version)}</h2>"
        f"<p>{html.escape(card.summary)}</p>{questions}"
        f"<h3>Valid for</h3><p>{', '.join(validity.formats)}; shorter side from "
        f"{validity.minimum_side} px, longer side to {validity.maximum_side} px, "
        f"sides to {validity.maximum_aspect:g}:1</p>"
        f"<h3>What it does not do</h3><ul>{limits}</ul>"
        f"<h3>Measured</h3><p>Brackets are 95 % intervals.</p><table>{results}</table>"
        f"<h3>Made from</h3><p>{html.escape(card.training.data)} "
        f"Split: {html.escape(card.training.split)}</p>"
        f"<p>Licence: {html.escape(card.licence)}</p>"
        f"<p><small>SHA-256 {sha256}<br>Runs on {provider}</small></p>"
    )


def _in_words(value: object) -> str:
    """A measured result for reading; triples are a value and its 95 % interval."""
    if isinstance(value, dict):
        parts = (f"{name.replace('_', ' ')} {_in_words(entry)}" for name, entry in value.items())
        return "; ".join(parts)
    if isinstance(value, list) and len(value) == 3 and all(isinstance(v, float) for v in value):
        return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
    if isinstance(value, list):
        return f"({', '.join(map(_in_words, value))})"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "none" if value is None else str(value)


def about(parent: QWidget) -> QDialog:
    """Versions of all that takes part in a result."""
    encoder = encoder_identity()
    versions = (
        ("Elascope", __version__),
        ("Python", platform.python_version()),
        ("System", platform.platform()),
        ("Qt for Python", PySide6.__version__),
        ("OpenCV", cv2.__version__),
        ("Pillow", PIL.__version__),
        ("NumPy", numpy.__version__),
        ("JPEG encoder", f"{encoder.library}, fingerprint {encoder.fingerprint}"),
    )
    rows = "".join(
        f"<tr><td>{name}&nbsp;&nbsp;</td><td>{value}</td></tr>" for name, value in versions
    )
    return _show(
        parent,
        "About Elascope",
        f"<h2>Elascope {__version__}</h2>"
        "<p>Error Level Analysis and calibrated verdicts for folders of images. It works "
        "offline, opens evidence read-only and writes nothing beside it.</p>"
        f"<table>{rows}</table><p>MIT licence. Qt is used under the LGPL v3.</p>",
    )
