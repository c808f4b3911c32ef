"""Take the README's screenshot of the real window.

xvfb-run -a python docs/screenshots/take.py docs/screenshots/window.png
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtWidgets import QApplication

from app import paths
from app.gui.main_window import MainWindow


def main(target: Path) -> None:
    """Open the samples, scan them, select the splice, and save what the window shows."""
    application = QApplication([])
    application.setStyle("Fusion")
    window = MainWindow(paths.model_folders())
    window.show()

    def until(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not condition():
            application.processEvents()
            if time.monotonic() > end:
                sys.exit("The window did not get there in a minute.")

    # A folder of its own, so that no picture shows a path of the machine it was taken on.
    samples = Path(tempfile.mkdtemp(prefix="case-")) / "samples"
    shutil.copytree(paths.resources() / "samples", samples)
    window.open_paths([samples])
    until(lambda: bool(window.folder.model.paths))
    window.start_scan()
    until(lambda: "Finished" in window.scan_panel.status.text())
    window.folder.select(samples / "splice.jpg")
    until(lambda: window.windowTitle().startswith("splice.jpg"))
    settled = time.monotonic() + 1.5
    until(lambda: time.monotonic() > settled)
    window.grab().save(str(target))
    window.close()
    with Image.open(target) as picture:
        small = picture.convert("RGB")
    small.save(target, optimize=True)
    shutil.rmtree(samples.parent)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
