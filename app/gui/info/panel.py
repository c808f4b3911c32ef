"""All that is known of the file itself, on four pages; everything can be copied."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QTabWidget, QVBoxLayout, QWidget

from app.gui.info.facts import InfoDetails, facts_of, info_text
from app.gui.info.pages import JpegPage, MetadataPage, ThumbnailPage
from app.gui.info.widgets import Page, facts_form
from app.gui.table.inspection import Inspection

_READING = "Being read…"


class InfoPanel(QWidget):
    """File facts and JPEG header at once; metadata and thumbnail when they have been read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspection: Inspection | None = None
        self._details: InfoDetails | None = None
        self.file = Page("About the file")
        self.metadata = MetadataPage()
        self.jpeg = JpegPage("JPEG header")
        self.thumbnail = ThumbnailPage("Embedded thumbnail")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.tabBar().setAccessibleName("Pages about the file")
        self.tabs.addTab(self.file, "File")
        self.tabs.addTab(self.metadata, "Metadata")
        self.tabs.addTab(self.jpeg, "JPEG")
        self.tabs.addTab(self.thumbnail, "Thumbnail")
        self.copy_button = QPushButton("Copy all")
        self.copy_button.setToolTip("Copies all four pages as text")
        self.copy_button.setEnabled(False)
        self.copy_button.clicked.connect(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.addWidget(self.tabs)
        layout.addWidget(self.copy_button)

    def show_inspection(self, inspection: Inspection) -> None:
        """Show what is known at once of a newly opened file."""
        self._inspection, self._details = inspection, None
        self.file.start().addLayout(facts_form(facts_of(inspection), fields=("File", "SHA-256")))
        self.jpeg.show_inspection(inspection)
        self.metadata.show_text(_READING)
        self.thumbnail.show_text(_READING)
        self.copy_button.setEnabled(True)

    def show_details(self, details: InfoDetails) -> None:
        """Show what `read_details` read of the shown file."""
        self._details = details
        self.metadata.show_details(details)
        self.thumbnail.show_details(details)

    def show_failure(self, sentence: str) -> None:
        """Say why the details could not be read; the other pages stay."""
        self.metadata.show_text(sentence)
        self.thumbnail.show_text(sentence)

    def text(self) -> str:
        """All four pages as text; empty before the first file."""
        return info_text(self._inspection, self._details) if self._inspection else ""

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
