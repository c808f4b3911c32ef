"""Peak memory, in MiB, of a window without an image or with the one given. For viewport.py.

python benchmarks/window_memory.py FOLDER [IMAGE]
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtWidgets import QApplication

from app import paths
from app.gui.main_window import MainWindow
from app.gui.memory import share_arenas
from app.gui.settings import Settings


def main() -> None:
    """Open, look around, and print the peak."""
    share_arenas()
    application = QApplication([])
    folder = Path(sys.argv[1])
    settings = Settings(folder / "window.ini")
    window = MainWindow(paths.model_folders(), settings, backbone_folders=paths.backbone_folders())
    window.resize(1920, 1080)
    window.show()

    def wait_for(condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not condition():
            application.processEvents()
            time.sleep(0.002)
            if time.monotonic() > until:
                raise TimeoutError

    def settled() -> bool:
        subject = window.table.subject
        return subject is not None and subject.frame is not None and not subject.busy

    if len(sys.argv) > 2:
        window.open_paths([Path(sys.argv[2])])
        wait_for(lambda: settled() and not window.images.judging.busy)
        for actual_size in (False, True):
            if actual_size:
                window.table.actual_size()
            for quality in (60, 70, 80):
                window.map_panel.form.set_value("quality", quality)
                wait_for(settled)
    else:
        for _ in range(20):
            application.processEvents()
    print(_peak_mib())
    window.close()


def _peak_mib() -> float:
    """The largest resident size so far (proc(5), VmHWM)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not tell VmHWM")


if __name__ == "__main__":
    main()
