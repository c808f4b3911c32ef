"""The help, in a dock beside the work: each analysis, the window, verdicts, where, evidence."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QComboBox, QTextBrowser, QVBoxLayout, QWidget

from app import paths
from app.analysis.base import Analysis
from app.gui.help_pages import (
    VERDICTS_PAGE,
    Shortcut,
    analysis_page,
    evidence_page,
    where_page,
    window_page,
)


class HelpPanel(QWidget):
    """A choice of topics and the page of the chosen one.

    Topics are ``window``, ``verdicts``, ``where``, ``evidence``, and the id of each analysis.
    """

    def __init__(self, analyses: Sequence[Analysis], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts: tuple[Shortcut, ...] = ()
        self._pages: dict[str, Callable[[], str]] = {
            "window": lambda: window_page(self._shortcuts),
            "verdicts": lambda: VERDICTS_PAGE,
            "where": where_page,
            "evidence": lambda: evidence_page(paths.user_data()),
            **{analysis.id: partial(analysis_page, analysis) for analysis in analyses},
        }
        self.topics = QComboBox()
        self.topics.setAccessibleName("Help topic")
        self.topics.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.topics.addItem("Reading the window", "window")
        self.topics.addItem("Verdicts", "verdicts")
        self.topics.addItem("Where in the picture", "where")
        self.topics.addItem("Evidence", "evidence")
        if analyses:
            self.topics.insertSeparator(self.topics.count())
        for analysis in analyses:
            self.topics.addItem(analysis.title, analysis.id)
        self.page = QTextBrowser()
        self.page.setAccessibleName("Help page")
        # The program opens no socket, and no other program either.
        self.page.setOpenLinks(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addWidget(self.topics)
        layout.addWidget(self.page, 1)
        self.setFocusProxy(self.page)
        self.topics.currentIndexChanged.connect(self._show_page)
        self._show_page()

    @property
    def topic(self) -> str:
        """The topic that is shown."""
        return str(self.topics.currentData())

    def show_topic(self, topic: str) -> None:
        """Show the page of ``topic``.

        Raises:
            KeyError: there is no such topic.
        """
        if topic not in self._pages:
            raise KeyError(topic)
        self.topics.setCurrentIndex(self.topics.findData(topic))

    def set_shortcuts(self, shortcuts: Sequence[Shortcut]) -> None:
        """Set the keys that the page on the window lists.

        Args:
            shortcuts: (text of the action, its key in words); actions without a key are left
                out, the marks of mnemonics are removed.
        """
        self._shortcuts = tuple((_without_mnemonic(text), key) for text, key in shortcuts)
        if self.topic == "window":
            self._show_page()

    def _show_page(self) -> None:
        self.page.setHtml(self._pages[self.topic]())


def _without_mnemonic(text: str) -> str:
    """``&Open folder…`` as it is read: ``Open folder``."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").removesuffix("…")
