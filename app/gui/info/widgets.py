"""The parts that the pages of the info panel are made of; all of their text can be copied."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QAction,
    QFontDatabase,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QTextOption,
)
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from app.gui.scrolling import FollowingArea, show_focus
from app.gui.words import plain_tooltip


def text_label(text: str) -> QLabel:
    """A label that wraps, shows its text as it is, and can be selected."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label


def text_field(name: str, value: str) -> QPlainTextEdit:
    """Text without spaces, wrapped anywhere: what is copied has no added line breaks."""
    field = _WrappedField(value)
    field.setAccessibleName(name)
    field.setToolTip(plain_tooltip(value))
    return field


class _WrappedField(QPlainTextEdit):
    """As high as its lines."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setTabChangesFocus(True)
        for set_policy in (self.setVerticalScrollBarPolicy, self.setHorizontalScrollBarPolicy):
            set_policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the height that the text needs at this width."""
        super().resizeEvent(event)
        lines = round(self.document().size().height())
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 4)


def text_grid(name: str, text: str) -> QPlainTextEdit:
    """Lines in a monospaced font, as high as they need, read-only."""
    grid = QPlainTextEdit(text)
    grid.setReadOnly(True)
    grid.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    grid.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    grid.setAccessibleName(name)
    grid.setTabChangesFocus(True)
    margins = 2 * (grid.frameWidth() + round(grid.document().documentMargin()))
    lines = text.count("\n") + 1
    bar = grid.horizontalScrollBar().sizeHint().height()
    grid.setFixedHeight(lines * grid.fontMetrics().lineSpacing() + margins + bar)
    return grid


def facts_form(facts: Sequence[tuple[str, str]], fields: Sequence[str] = ()) -> QGridLayout:
    """Names and values below each other; those named in ``fields`` wrap anywhere.

    A grid, because a `QFormLayout` of Qt 6.11 gives a line the height that it needed at another
    width, and cuts its text off.
    """
    form = QGridLayout()
    form.setColumnStretch(1, 1)
    for row, (name, value) in enumerate(facts):
        content = text_field(name, value) if name in fields else text_label(value)
        form.addWidget(QLabel(f"{name}:"), row, 0, Qt.AlignmentFlag.AlignTop)
        form.addWidget(content, row, 1)
    # What room is left belongs below the last line, not between the lines.
    form.setRowStretch(len(facts), 1)
    return form


class Page(FollowingArea):
    """A page that scrolls up and down; its content is made anew for each file."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        show_focus(self)
        self.start()

    def start(self) -> QVBoxLayout:
        """Throw the content away, and return the layout for the new one."""
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(content)
        return layout


class CopyTree(QTreeWidget):
    """Rows in groups or without; Ctrl+C copies the selected rows as tab-separated text."""

    def __init__(self, name: str, columns: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setHeaderLabels(list(columns))
        self.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.setUniformRowHeights(True)
        self.setIndentation(12)
        self.setAlternatingRowColors(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        copy = QAction("Copy rows", self)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy_rows)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def sizeHint(self) -> QSize:
        """Narrow enough for a dock."""
        return QSize(280, super().sizeHint().height())

    def rows(self) -> list[QTreeWidgetItem]:
        """All rows that the filter leaves, in the order of the screen."""
        found = []
        walk = QTreeWidgetItemIterator(self)
        while item := walk.value():
            parent = item.parent()
            if not item.isHidden() and not (parent and parent.isHidden()):
                found.append(item)
            walk += 1
        return found

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard."""
        lines = [
            "\t".join(item.text(column) for column in range(self.columnCount())).rstrip("\t")
            for item in self.rows()
            if item.isSelected()
        ]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
