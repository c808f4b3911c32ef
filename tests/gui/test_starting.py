"""The window from its empty frame to the whole: what is imported when, and what may happen."""

import configparser
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QTabBar

from app.gui.main_window import STARTING, MainWindow
from app.gui.settings import Settings
from tests.pictures import encoded, scene

HEAVY = {"numpy", "cv2", "PIL", "onnxruntime"}

# Watches the window of the program itself; `painted` and `titled` may do more.
_WATCH = """
import json, sys
from pathlib import Path
from app.gui import application, starting
from PySide6.QtCore import QEvent, QObject, QTimer
seen = {"titles": []}
def names():
    return sorted({name.partition(".")[0] for name in sys.modules})
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and "painted" not in seen:
            seen["painted"] = names()
            seen["titles"].append(watched.window().windowTitle())
            painted(watched.window())
        return False
class Watched(application.MainWindow):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.watch = Watch(self)
        self.centralWidget().installEventFilter(self.watch)
        self.windowTitleChanged.connect(lambda title: (seen["titles"].append(title), titled(self)))
application.MainWindow = Watched
def painted(window): pass
def titled(window): pass
def once(condition, do):
    def look():
        if condition(): do()
        else: QTimer.singleShot(20, look)
    QTimer.singleShot(0, look)
"""

_RUN = """
from app.cli import main
status = main(["open", *sys.argv[1:]])
print(json.dumps(seen))
sys.exit(status)
"""


def _run(tmp_path: Path, change: str, *arguments: object) -> tuple[int, dict[str, Any], str]:
    """The program with its window in a process of its own: status, what was seen, stderr."""
    home = {name: str(tmp_path / name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", _WATCH + change + _RUN, *map(str, arguments)],
        env={**os.environ, **home, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else {}, _said(done.stderr)


def _said(stderr: str) -> str:
    """Without what Qt's offscreen platform says of itself."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if "This plugin does not support" not in line)


_SHOW_FOLDER = """
def titled(window):
    if window.windowTitle() == "Elascope" and "ready" not in seen:
        seen["ready"] = names()
        def there():
            seen["paths"] = [path.name for path in window.folder.model.paths]
            window.close()
        once(lambda: bool(window.folder.model.paths), there)
"""


def test_nothing_heavy_is_imported_before_the_frame_is_painted(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.jpg").write_bytes(encoded(scene(90, 120), "JPEG"))
    status, seen, said = _run(tmp_path, _SHOW_FOLDER, evidence)
    assert (status, said) == (0, "")
    assert not HEAVY & set(seen["painted"])
    assert seen["titles"][:2] == [STARTING, "Elascope"]
    # Then the rest is there, and what was asked for is opened; models wait until one is asked.
    assert HEAVY - {"onnxruntime"} <= set(seen["ready"])
    assert "onnxruntime" not in seen["ready"]
    assert seen["paths"] == ["a.jpg"]


_REST = """
def titled(window):
    def rest():
        seen["rested"] = names()
        window.close()
    once(lambda: window.folder.title and not window.folders._listing.busy, rest)
"""


def test_an_opened_folder_without_images_loads_no_model(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    status, seen, said = _run(tmp_path, _REST, evidence)
    assert (status, said) == (0, "")
    assert "numpy" in seen["rested"]
    assert "onnxruntime" not in seen["rested"]


_HANDED_OVER = """
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
def painted(window):
    # As macOS does with what is chosen under "Open with".
    QApplication.sendEvent(QApplication.instance(), QFileOpenEvent(QUrl.fromLocalFile(%r)))
"""


def test_a_file_that_the_system_hands_over_is_opened(tmp_path: Path) -> None:
    image = tmp_path / "a b ü.jpg"
    image.write_bytes(encoded(scene(90, 120), "JPEG"))
    status, seen, said = _run(tmp_path, _SHOW_FOLDER + _HANDED_OVER % str(image))
    assert (status, said) == (0, "")
    assert seen["paths"] == [image.name]


_CLOSE_AT_ONCE = """
def painted(window):
    QTimer.singleShot(0, window.close)
"""

_CLOSE_DURING_THE_IMPORT = """
import time
known = starting.Start._import
def slow(self):
    seen["importing"] = True
    time.sleep(1)
    known(self)
starting.Start._import = slow
def painted(window):
    window.resize(611, 444)
    once(lambda: "importing" in seen, window.close)
"""


@pytest.mark.parametrize("when", [_CLOSE_AT_ONCE, _CLOSE_DURING_THE_IMPORT])
def test_the_frame_can_be_closed_before_it_is_furnished(tmp_path: Path, when: str) -> None:
    data = tmp_path / "XDG_DATA_HOME" / "elascope"
    data.mkdir(parents=True)
    (data / "window.ini").write_text("[window]\nlayout=abcd\n")
    began = time.monotonic()
    status, seen, said = _run(tmp_path, when)
    assert (status, said) == (0, "")
    assert seen["titles"] == [STARTING]
    assert time.monotonic() - began < 30
    kept = configparser.ConfigParser()
    kept.read(data / "window.ini")
    # Size and place are kept; the layout is still that of the furnished window.
    assert kept["window"]["geometry"]
    assert kept["window"]["layout"] == "abcd"


_LOOK_AND_CLOSE = """
def titled(window):
    QTimer.singleShot(50, lambda: (seen.update(word=window.centralWidget().text()), window.close()))
"""

_MISSING = "sys.modules['cv2'] = None\n"

_FAULT = """
import app.gui.main_window
def fault(self, *arguments): raise ValueError("no such panel")
app.gui.main_window.MainWindow._connect = fault
"""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_MISSING, "A part of it is missing or damaged; install it again. import of cv2 halted"),
        (_FAULT, "This failed unexpectedly: ValueError('no such panel')"),
    ],
)
def test_a_start_that_fails_is_one_sentence_and_a_status(
    tmp_path: Path, fault: str, reason: str
) -> None:
    status, seen, said = _run(tmp_path, fault + _LOOK_AND_CLOSE, tmp_path)
    assert status == 1
    assert said.startswith(f"elascope: Elascope could not start. {reason}")
    assert said.count("\n") == 1
    assert seen["titles"] == [STARTING, "Elascope – not started"]
    assert said == f"elascope: {seen['word']}\n"


def test_a_window_that_says_why_it_failed_does_not_stay_for_ever(tmp_path: Path) -> None:
    status, _, said = _run(tmp_path, _MISSING + "starting._READING_MS = 300\n")
    assert status == 1
    assert said.startswith("elascope: Elascope could not start.")


_UNSEEN = """
known = application.MainWindow.show
application.MainWindow.show = lambda self: self.showMinimized()
def titled(window):
    QTimer.singleShot(0, window.close)
"""


def test_a_window_that_starts_minimised_is_furnished_too(tmp_path: Path) -> None:
    status, seen, said = _run(tmp_path, _UNSEEN)
    assert (status, said) == (0, "")
    assert seen["titles"][-1] == "Elascope"


# Layout ---------------------------------------------------------------------------------------


def _places(qapp: QApplication, window: MainWindow) -> dict[str, tuple[int, int, int, int]]:
    """Where the seen docks and tab bars are, once the layout rests."""
    for _ in range(20):
        qapp.processEvents()
    docks = [dock for dock in window.docks.all if dock.isVisible() and dock.geometry().right() >= 0]
    places = {dock.objectName(): dock.geometry() for dock in docks}
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible()]
    places |= {f"bar {bar.tabText(0)}": bar.geometry() for bar in bars}
    assert len(places) == len(docks) + len(bars)
    return {name: (at.x(), at.y(), at.width(), at.height()) for name, at in places.items()}


@pytest.fixture
def make_late(qapp: QApplication, tmp_path: Path) -> Any:
    """Makes windows that are seen first and furnished then, or at once; they share settings."""
    made: list[MainWindow] = []

    def make(late: bool) -> MainWindow:
        window = MainWindow([], Settings(tmp_path / "late.ini"), furnished=not late)
        made.append(window)
        window.resize(780, 640)  # fits the offscreen screen
        window.show()
        if late:
            for _ in range(5):
                qapp.processEvents()
            window.furnish()
        return window

    yield make
    for window in made:
        window.close()
        window.deleteLater()
    qapp.processEvents()


def test_docks_are_the_same_whether_furnished_before_or_after_the_window_is_seen(
    qapp: QApplication, make_late: Callable[[bool], MainWindow]
) -> None:
    early, late = make_late(False), make_late(True)
    places = _places(qapp, early)
    assert {"folder", "map", "verdict", "scan", "bar Verdict", "bar Scan"} == set(places)
    assert _places(qapp, late) == places


def test_a_kept_layout_comes_back_in_a_window_that_is_furnished_late(
    qapp: QApplication, make_late: Callable[[bool], MainWindow]
) -> None:
    first = make_late(False)
    first.docks.dock("folder").close()
    first.docks.bring_up("notes")
    first.docks.bring_up("overview")
    places = _places(qapp, first)
    assert {"map", "notes", "overview", "bar Verdict", "bar Scan"} == set(places)
    first.close()
    assert _places(qapp, make_late(True)) == places


def test_what_was_dropped_last_is_opened_when_it_is_furnished(
    qapp: QApplication, tmp_path: Path, qtbot: Any
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").write_bytes(encoded(scene(20, 20), "PNG"))
    window = MainWindow([], Settings(tmp_path / "late.ini"), furnished=False)
    window.show()
    window.open_paths([tmp_path / "one"])
    window.open_paths([tmp_path / "two"])
    assert window.windowTitle() == STARTING
    window.furnish()
    qtbot.waitUntil(lambda: bool(window.folder.model.paths), timeout=20_000)
    assert [path.name for path in window.folder.model.paths] == ["two.png"]
    window.close()
    window.deleteLater()
    qapp.processEvents()
