"""The pages of the info panel: metadata with a filter, the JPEG header, the thumbnail."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.arrays import RgbU8
from app.gui.info.facts import (
    SEGMENT_ROWS,
    InfoDetails,
    jpeg_facts,
    metadata_groups,
    no_jpeg,
    segments_title,
    table_grid,
    table_title,
    thumbnail_facts,
    thumbnail_sentence,
)
from app.gui.info.widgets import CopyTree, Page, facts_form, text_grid, text_label
from app.gui.table.inspection import Inspection

_GAP = 8


class MetadataPage(QWidget):
    """All metadata in groups, a filter over them, and the whole text of the current row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name or value")
        self.filter.setAccessibleName("Filter the metadata")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._apply_filter)
        self.tree = CopyTree("Metadata", ("Name", "Value"))
        self.tree.setColumnWidth(0, 150)
        self.tree.currentItemChanged.connect(self._show_row)
        self.row_text = QPlainTextEdit()
        self.row_text.setReadOnly(True)
        self.row_text.setTabChangesFocus(True)
        self.row_text.setAccessibleName("Whole value of the current row")
        self.row_text.setPlaceholderText("Select a row to read its whole value.")
        self.row_text.setFixedHeight(4 * self.fontMetrics().lineSpacing() + 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for widget in (self.filter, self.tree, self.row_text):
            layout.addWidget(widget)

    def show_text(self, text: str) -> None:
        """Show a sentence instead of metadata."""
        self._clear()
        row = QTreeWidgetItem([text])
        self.tree.addTopLevelItem(row)
        row.setFirstColumnSpanned(True)

    def show_details(self, details: InfoDetails) -> None:
        """Show all groups, open, with the filter still in force."""
        self._clear()
        for title, pairs in metadata_groups(details.metadata):
            group = QTreeWidgetItem([title])
            font = group.font(0)
            font.setBold(True)
            group.setFont(0, font)
            rows = [QTreeWidgetItem(list(pair)) for pair in pairs]
            group.addChildren(rows)
            self.tree.addTopLevelItem(group)
            group.setExpanded(True)
            self._groups.append((group, rows))
        self._apply_filter(self.filter.text())

    def _clear(self) -> None:
        self._groups.clear()
        self.tree.clear()
        self.row_text.clear()

    def _apply_filter(self, text: str) -> None:
        wanted = text.casefold()
        for group, rows in self._groups:
            for row in rows:
                row.setHidden(wanted not in f"{row.text(0)}\n{row.text(1)}".casefold())
            group.setHidden(all(row.isHidden() for row in rows))

    def _show_row(self, current: QTreeWidgetItem | None) -> None:
        self.row_text.setPlainText(current.text(1) if current else "")


class JpegPage(Page):
    """Quality, subsampling, quantisation tables and segments."""

    def show_inspection(self, inspection: Inspection) -> None:
        """Show the header of the file, or that it is no JPEG."""
        layout = self.start()
        jpeg = inspection.jpeg
        if jpeg is None:
            layout.addWidget(text_label(no_jpeg(inspection)))
            return
        layout.addLayout(facts_form(jpeg_facts(jpeg)))
        for identifier, table in sorted(jpeg.tables.items()):
            layout.addWidget(text_label(table_title(identifier)))
            layout.addWidget(text_grid(table_title(identifier), table_grid(table)))
        layout.addWidget(text_label(segments_title(jpeg)))
        tree = CopyTree("Segments", ("Segment", "Offset", "Length"))
        tree.setRootIsDecorated(False)
        tree.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for part in jpeg.segments[:SEGMENT_ROWS]:
            row = QTreeWidgetItem([part.name, str(part.offset), str(part.length)])
            for column in (1, 2):
                row.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
            tree.addTopLevelItem(row)
        tree.setMinimumHeight(12 * self.fontMetrics().lineSpacing())
        layout.addWidget(tree)


class PicturePair(QWidget):
    """One or two small pictures side by side, each as large as half the width allows."""

    def __init__(
        self, pictures: Sequence[tuple[str, RgbU8]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._captions = [caption for caption, _ in pictures]
        self._images = [_image(pixels) for _, pixels in pictures]
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(", ".join(self._captions))

    def sizeHint(self) -> QSize:
        """For a dock."""
        return QSize(300, self.heightForWidth(300))

    def hasHeightForWidth(self) -> bool:
        """Its pictures keep their shape."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The caption and the higher of the two pictures."""
        side = max((width - _GAP) // 2, 1)
        heights = [self._fitted(image, side).height() for image in self._images]
        return self.fontMetrics().height() + 4 + max(heights)

    def _fitted(self, image: QImage, side: int) -> QSize:
        """At most three times as large as stored, and no higher than one and a half widths."""
        largest = (image.size() * 3).boundedTo(QSize(side, side * 3 // 2))
        return image.size().scaled(largest, Qt.AspectRatioMode.KeepAspectRatio)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both with their captions."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        side = max((self.width() - _GAP) // 2, 1)
        line = self.fontMetrics().height()
        for number, image in enumerate(self._images):
            left = number * (side + _GAP)
            caption = QRect(left, 0, side, line)
            painter.drawText(caption, Qt.AlignmentFlag.AlignLeft, self._captions[number])
            size = self._fitted(image, side)
            painter.drawImage(QRectF(left, line + 4, size.width(), size.height()), image)


class ThumbnailPage(Page):
    """The embedded thumbnail beside the picture, the sentence and the numbers."""

    def show_text(self, text: str) -> None:
        """Show a sentence instead of a thumbnail."""
        self.start().addWidget(text_label(text))

    def show_details(self, details: InfoDetails) -> None:
        """Show the comparison, or why there is none."""
        layout = self.start()
        thumbnail, comparison = details.metadata.thumbnail, details.thumbnail_comparison
        if thumbnail is not None and comparison is not None:
            pictures = [("Thumbnail", thumbnail.pixels)]
            if comparison.reduced is not None:
                pictures.append(("Picture, reduced", comparison.reduced))
            layout.addWidget(PicturePair(pictures))
        layout.addWidget(text_label(thumbnail_sentence(details)))
        layout.addLayout(facts_form(thumbnail_facts(details)))


def _image(pixels: RgbU8) -> QImage:
    """A copy of (height, width, 3) uint8 RGB for painting."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
