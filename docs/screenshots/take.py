"""Take the screenshots of the real window that the README uses.

xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots/take.py docs/screenshots
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app import paths
from app.analysis.region import Region
from app.gui.appearance import Appearance, Look
from app.gui.main_window import MainWindow
from app.gui.settings import Settings
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement
from app.session import Mark

_SIZE = (1440, 900)


class Photographer:
    """A window with the scanned samples, and where its pictures go."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.application = QApplication([])
        self.look = Look(self.application, Appearance.LIGHT)
        settings = Settings(folder / "window.ini")
        self.window = MainWindow(
            paths.model_folders(), settings, self.look, backbone_folders=paths.backbone_folders()
        )
        self.window.resize(*_SIZE)
        self.window.show()
        self.target = target
        # A folder of its own, so that no picture shows a path of the machine it was taken on.
        self.samples = folder / "samples"
        shutil.copytree(paths.resources() / "samples", self.samples)
        self.window.open_paths([self.samples])
        self.until(lambda: bool(self.window.folder.model.paths))
        self.window.start_scan()
        self.until(lambda: "Finished" in self.window.scan_panel.status.text())

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the window work until ``condition`` holds."""
        end = time.monotonic() + 300
        while not condition():
            self.application.processEvents()
            if time.monotonic() > end:
                sys.exit("The window did not get there in five minutes.")

    def open(self, name: str) -> None:
        """Select a sample."""
        self.window.folder.select(self.samples / name)
        self.until(lambda: self.window.windowTitle().startswith(name))

    def choose(self, analysis: str, preset: str = "") -> None:
        """Choose an analysis, and one of its presets."""
        chosen = next(a for a in self.window.analyses if a.id == analysis)
        params = dict(chosen.presets)[preset] if preset else chosen.params()
        self.window.map_panel.choose(chosen, params)

    def judged(self, name: str) -> None:
        """Open a sample and wait for its final verdict."""
        self.open(name)
        self.until(lambda: not self.window.images.judging.busy)

    def found(self, ask: Callable[[], None]) -> None:
        """Ask where, wait for the answer, and show the verdict beside it."""
        ask()
        self.until(lambda: not self.window.where.running)
        self.panel("verdict")

    def panel(self, *names: str) -> None:
        """Bring panels to the front."""
        for dock in self.window.docks.all:
            if dock.objectName() in names:
                dock.raise_()

    def aside(self, *names: str) -> None:
        """Close panels."""
        for name in names:
            self.window.docks.dock(name).close()

    def take(self, name: str, appearance: Appearance) -> None:
        """Save what the window shows once it has come to rest."""
        self.look.choose(appearance)
        settled = time.monotonic() + 1.5
        self.until(lambda: time.monotonic() > settled)
        raw = self.target / f"{name}.png"
        self.window.grab().save(str(raw))
        with Image.open(raw) as picture:
            picture.convert("RGB").save(raw.with_suffix(".webp"), quality=82, method=6)
        raw.unlink()


def main(target: Path) -> None:
    """Take all of them."""
    folder = Path(tempfile.mkdtemp(prefix="case-"))
    at = Photographer(folder, target)
    window = at.window
    light, dark = Appearance.LIGHT, Appearance.DARK

    at.open("splice.jpg")
    at.take("overlay-light", light)
    window.table.set_show(Show.PICTURE)
    at.panel("file")
    at.take("picture-light", light)
    window.table.set_show(Show.MAP)
    at.panel("help")
    window.explain()
    at.take("map-dark", dark)

    window.table.set_show(Show.OVERLAY)
    at.choose("ela", "Heat map")
    window.table.set_arrangement(Arrangement.WIPE)
    at.panel("sweep", "notes")
    window.notes.choose(Mark.FLAGGED)
    at.take("wipe-dark", dark)

    at.choose("ela")
    window.table.set_show(Show.MAP)
    window.table.set_arrangement(Arrangement.SIDE)
    window.regions_panel.set_region("A", Region(130, 258, 210, 330))
    window.regions_panel.set_region("B", Region(262, 250, 342, 322))
    at.panel("regions")
    at.take("side-by-side-light", light)
    window.regions.clear()

    window.table.set_arrangement(Arrangement.SINGLE)
    window.table.set_show(Show.OVERLAY)
    window.table.right.zoom_by(16)
    at.panel("verdict", "scan")
    at.take("close-up-dark", dark)

    window.table.right.fit()
    window.table.set_show(Show.MAP)
    at.choose("ghosts")
    at.take("ghosts-light", light)
    at.choose("noise")
    at.take("noise-dark", dark)

    at.choose("ela")
    at.open("untouched.jpg")
    window.toggle_reference()
    at.open("splice.jpg")
    at.take("reference-light", light)
    at.take("contrast", Appearance.CONTRAST)

    window.toggle_reference()
    window.table.set_arrangement(Arrangement.SINGLE)
    at.judged("splice.jpg")
    at.found(window.show_where)
    at.take("where-splice-light", light)
    at.judged("copy_move.jpg")
    at.found(window.show_where)
    at.found(window.show_copies)
    at.take("where-copy-move-dark", dark)
    at.judged("untouched.jpg")
    at.found(window.show_copies)
    at.found(window.show_where)
    at.take("where-untouched-light", light)
    at.judged("generated.jpg")
    at.found(window.show_where)
    at.take("verdict-generated-dark", dark)

    scan, overview = window.docks.dock("scan"), window.docks.dock("overview")
    at.aside("map", "verdict", "where", "file", "notes", "regions", "help", "sweep")
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, overview)
    window.resizeDocks([scan], [330], Qt.Orientation.Vertical)
    window.resizeDocks([overview], [410], Qt.Orientation.Horizontal)
    window.scan_panel.table.sortByColumn(7, Qt.SortOrder.DescendingOrder)
    at.open("splice.jpg")
    at.take("scan-light", light)

    window.sessions.edits.new([])
    window.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
