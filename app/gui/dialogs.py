"""Models and about: text in a window of its own, beside the work."""

import html
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app import __version__
from app.analysis.recompress import encoder_identity
from app.detection.card import ModelCard
from app.detection.detector import Detector
from app.detection.verdict import percent
from app.paths import licences


@dataclass(frozen=True, slots=True)
class Library:
    """A library that the program is made with.

    Attributes:
        name: as its makers write it.
        licence: SPDX expression.
        distributions: names on the package index; one of them is installed.
        module: that knows the version, too.
    """

    name: str
    licence: str
    distributions: tuple[str, ...]
    module: str


LIBRARIES = (
    Library("Qt for Python (Essentials)", "LGPL-3.0-only", ("PySide6-Essentials",), "PySide6"),
    Library("NumPy", "BSD-3-Clause", ("numpy",), "numpy"),
    Library("OpenCV, with libjpeg-turbo", "Apache-2.0", ("opencv-python-headless",), "cv2"),
    Library("Pillow", "MIT-CMU", ("pillow",), "PIL"),
    Library("ONNX Runtime", "MIT", ("onnxruntime-gpu", "onnxruntime"), "onnxruntime"),
    Library("tqdm", "MPL-2.0 AND MIT", ("tqdm",), "tqdm"),
)
"""Every library that is installed with the program."""

_PURPOSE = (
    "Error Level Analysis and calibrated verdicts for folders of images. It works offline, opens "
    "evidence read-only and writes nothing beside it."
)


def _show(parent: QWidget, title: str, text: str, plain: str = "") -> QDialog:
    """Open a window that does not block the main window.

    Args:
        parent: the main window.
        title: of the window.
        text: HTML.
        plain: the same for the clipboard; without it there is no Copy button.
    """
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    browser = QTextBrowser()
    browser.setAccessibleName(title)
    browser.setHtml(text)
    browser.setOpenLinks(False)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    # Its usual picture is black whatever the palette.
    buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
    buttons.rejected.connect(dialog.close)
    if plain:
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(plain))
    layout = QVBoxLayout(dialog)
    layout.addWidget(browser)
    layout.addWidget(buttons)
    dialog.resize(620, 520)
    dialog.show()
    return dialog


def model_cards(parent: QWidget, detectors: Sequence[Detector], refusals: Sequence[str]) -> QDialog:
    """The cards of the loaded models, and why others are not used."""
    text = "<hr>".join(_card(d.card, d.sha256, d.provider) for d in detectors)
    text += "".join(f"<p>{html.escape(sentence)}</p>" for sentence in refusals)
    return _show(parent, "Models", text or "<p>No model is installed.</p>")


def _card(card: ModelCard, sha256: str, provider: str) -> str:
    questions = "".join(
        f"<h3>{html.escape(question.text)}</h3>"
        f"<p>Positive from a score of {question.operating_point.threshold:.3f}, set for "
        f"{percent(question.operating_point.false_alarm_rate)} false alarms; inconclusive from "
        f"{question.inconclusive_below:.3f}. "
        f"Reference: {html.escape(question.reference_population)}</p>"
        for question in card.questions
    )
    validity = card.validity
    only = "; photographs only" if validity.photographs_only else ""
    limits = "".join(f"<li>{html.escape(limit)}</li>" for limit in card.limits)
    results = "".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}&nbsp;&nbsp;</td>"
        f"<td>{html.escape(_in_words(value))}</td></tr>"
        for name, value in card.results.items()
    )
    return (
        f"<h2>{html.escape(card.name)} {html.escape(card.version)}</h2>"
        f"<p>{html.escape(card.summary)}</p>{questions}"
        f"<h3>Valid for</h3><p>{html.escape(', '.join(validity.formats))}; shorter side from "
        f"{validity.minimum_side} px, longer side to {validity.maximum_side} px, "
        f"sides to {validity.maximum_aspect:g}:1{only}</p>{_where(card)}"
        f"<h3>What it does not do</h3><ul>{limits}</ul>"
        f"<h3>Measured</h3><p>Brackets are 95 % intervals.</p>"
        f'<table cellpadding="2">{results}</table>'
        f"<h3>Made from</h3><p>{html.escape(card.training.data)} "
        f"Split: {html.escape(card.training.split)}</p>"
        f"<p>Licence: {html.escape(card.licence)}</p>"
        f"<p><small>SHA-256 {sha256}<br>Runs on {html.escape(provider)}</small></p>"
    )


def _where(card: ModelCard) -> str:
    """What the map marks, and whose features the model takes."""
    parts = []
    if card.where is not None:
        grain = "at full resolution" if card.where.network else "coarsely"
        parts.append(
            f"<h3>Where</h3><p>For {html.escape(card.where.question)} it says where, {grain}; "
            f"marked is what reaches {card.where.threshold:.3f} of its map and has "
            f"{percent(card.where.smallest_share)} of the picture.</p>"
        )
    if card.backbone is not None:
        parts.append(
            f"<p>It takes features of the network {html.escape(card.backbone.name)}, "
            f"<small>SHA-256 {html.escape(card.backbone.sha256)}</small></p>"
        )
    return "".join(parts)


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


# About ----------------------------------------------------------------------------------------


def about(parent: QWidget, detectors: Sequence[Detector] = ()) -> QDialog:
    """Versions and licences of all that takes part in a result.

    Args:
        parent: the main window.
        detectors: the loaded models, to be named with the provider that each really runs on.
    """
    parts, libraries = _parts(detectors), _libraries()
    title = f"Elascope {__version__}"
    table = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in parts
    )
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in libraries
    )
    lines = [title, "", *(f"{name}: {value}" for name, value in parts), ""]
    lines += [f"{name} {version}, {licence}" for name, version, licence in libraries]
    return _show(
        parent,
        "About Elascope",
        f"<h2>{title}</h2><p>{_PURPOSE}</p>"
        f'<table cellpadding="3">{table}</table>'
        f"<h3>Licences</h3><p>Elascope is under the MIT licence. It is made with these libraries, "
        "each under its own licence:</p>"
        '<table cellpadding="3"><tr><th align="left">Library</th><th align="left">Version</th>'
        f'<th align="left">Licence</th></tr>{rows}</table>',
        "\n".join(lines),
    )


def _parts(detectors: Sequence[Detector]) -> list[tuple[str, str]]:
    """(name, value) of what a result depends on besides the libraries."""
    encoder = encoder_identity()
    models = [
        (
            f"Model {detector.card.name} {detector.card.version}",
            f"runs on {detector.provider}; SHA-256 {detector.sha256}",
        )
        for detector in detectors
    ]
    return [
        ("System", platform.platform()),
        ("Licences", str(licences())),
        ("JPEG encoder", f"{encoder.library}, fingerprint {encoder.fingerprint}"),
        *(models or [("Models", "none loaded")]),
    ]


def _libraries() -> list[tuple[str, str, str]]:
    """(name, version, SPDX licence), Python first."""
    rows = [("Python", platform.python_version(), "PSF-2.0")]
    return rows + [(lib.name, _version(lib), lib.licence) for lib in LIBRARIES]


def _version(library: Library) -> str:
    from importlib import metadata  # takes longer to import than the rest of this module

    for distribution in library.distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    # A built program may come without the packages' own records.
    return str(getattr(sys.modules.get(library.module), "__version__", "not recorded"))
