"""What is known of the file itself: hash, format, how it was decoded, its last save."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.analysis.reading import last_save
from app.evidence.decode import DecodeRecord
from app.gui.inspection import Inspection
from app.gui.words import plain_tooltip
from app.report.base import printable

_ORIENTATIONS = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored, turned by 180°",
    5: "mirrored, turned by 90°",
    6: "turned by 90°",
    7: "mirrored, turned by 270°",
    8: "turned by 270°",
}


class FactsPanel(QWidget):
    """Label and value pairs; every value can be selected, all can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._facts: list[tuple[str, str]] = []

    def show_inspection(self, inspection: Inspection) -> None:
        """Show the facts of ``inspection``."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self._facts = facts_of(inspection)
        for name, value in self._facts:
            self._layout.addRow(f"{name}:", _value(name, value))
        button = QPushButton("Copy all")
        button.clicked.connect(self._copy)
        self._layout.addRow(button)

    def _copy(self) -> None:
        text = "\n".join(f"{name}: {value}" for name, value in self._facts)
        QGuiApplication.clipboard().setText(text)


def _value(name: str, value: str) -> QWidget:
    """A label that wraps; for what has no spaces a field that scrolls, so that a copy is exact."""
    if name in ("File", "SHA-256"):
        field = QLineEdit(value)
        field.setReadOnly(True)
        field.setFrame(False)
        field.setCursorPosition(0)
        field.setAccessibleName(name)
        field.setToolTip(plain_tooltip(value))
        return field
    label = QLabel(value)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def facts_of(inspection: Inspection) -> list[tuple[str, str]]:
    """The facts as (name, value) in the order of the panel."""
    evidence, record = inspection.evidence, inspection.image.record
    modified = evidence.modified
    facts = [
        ("File", printable(str(evidence.path))),
        ("SHA-256", evidence.sha256),
        ("Size", f"{evidence.size:,} bytes"),
        ("Modified", modified.strftime("%Y-%m-%d %H:%M:%S UTC") if modified else "no date"),
        ("Format", f"{record.format}, {record.mode}, {record.bit_depth} bits per sample"),
        (
            "Pixels",
            f"{record.width} x {record.height} ({record.width * record.height / 1e6:.2f} MP)",
        ),
        ("JPEG", last_save(inspection.jpeg)),
        ("Decoder", record.decoder),
        ("Decoding", _decoding(record)),
    ]
    if record.exif_orientation not in (None, 1):
        turned = _ORIENTATIONS[record.exif_orientation or 1]
        facts.append(
            (
                "Orientation",
                f"EXIF {record.exif_orientation} ({turned}); not applied, pixels as stored",
            )
        )
    return facts


def _decoding(record: DecodeRecord) -> str:
    steps = list(record.conversions)
    if record.alpha == "dropped":
        steps.append("alpha dropped")
    if record.icc_profile:
        steps.append("ICC profile not applied")
    if record.frames > 1:
        steps.append(f"first of {record.frames} pictures")
    return "; ".join(steps) or "pixels as stored"
