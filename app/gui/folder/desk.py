"""The opened folder: listing it off the GUI thread, and again when something changes on disk."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.gui.batch import Batch
from app.gui.folder.listing import Listing, files_to_show
from app.gui.folder.panel import FolderPanel
from app.gui.image_desk import ImageDesk
from app.gui.jobs import Channel
from app.gui.notice import Notice
from app.gui.session.desk import SessionDesk
from app.gui.settings import Settings


class FolderDesk(QObject):
    """Brings what lies in opened folders to the list, the session and the image.

    Signals:
        listed: the list has other entries now.
    """

    listed = Signal()

    def __init__(
        self,
        folder: FolderPanel,
        desks: tuple[ImageDesk, SessionDesk, Batch],
        notice: Notice,
        settings: Settings,
        pool: QThreadPool,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._folder = folder
        self._images, self._sessions, self._batch = desks
        self._notice = notice
        self._settings = settings
        self._listing = Channel(pool, self)
        self._listing_again = Channel(pool, self)

    def open(self, roots: list[Path], image: Path | None = None) -> None:
        """Show the files of folders, or the given files; begin with ``image`` if it is there."""
        absolute = [root.absolute() for root in roots]

        def done(listing: tuple[Path, str, Listing]) -> None:
            folder, title, entries = listing
            self._settings.keep_directory("open", folder)
            self._settings.add_recent_folder(folder)
            self._sessions.edits.look_at(absolute)
            self._folder.show_paths(title, entries)
            self._folder.set_marks(self._sessions.edits.marks())
            self._batch.announce_rows()
            if not self._folder.model.paths:
                self._images.show_nothing()
            if image is not None and image in self._folder.model.paths:
                self._folder.select(image)
            self.listed.emit()

        failed = partial(self._notice.say_error, "The folder could not be listed.")
        self._listing.request(object(), lambda stop: files_to_show(absolute, stop), done, failed)

    def choose_folder(self) -> None:
        """Ask for a folder and show it."""
        folder = self._settings.directory("open") or Path.home()
        chosen = QFileDialog.getExistingDirectory(self._window, "Open folder", str(folder))
        if chosen:
            self.open([Path(chosen)])

    def choose_images(self) -> None:
        """Ask for images and show them."""
        folder = self._settings.directory("open") or Path.home()
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Open images", str(folder))
        if chosen:
            self.open([Path(name) for name in chosen])

    def list_again(self, roots: list[Path]) -> None:
        """Take up what has changed on disk."""

        def done(listing: tuple[Path, str, Listing]) -> None:
            self._folder.update_entries(listing[2])
            self.listed.emit()
            self._images.compare_with_disk(listing[2])

        failed = partial(self._notice.say_error, "The folder could not be listed again.")
        self._listing_again.request("again", lambda stop: files_to_show(roots, stop), done, failed)
