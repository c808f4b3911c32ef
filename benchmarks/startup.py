"""How soon the frozen program is there, as a share of a bare window frozen in the same way.

    build/cpu/venv/bin/python benchmarks/startup.py [ROUNDS]

`make freeze` must have been run. The bare program is a QMainWindow with a QLabel, made by the same
PyInstaller in the same environment, with the same files left out. Both are started in turn on a
virtual screen and watched from outside: from the start of the process until a window is on the
screen with something painted in it, and for Elascope until its title says that it is no longer
starting, which is when every panel is there. The first round is not counted; files are in the
system's cache. Ends with one JSON line.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "packaging"))

import release  # noqa: E402
from screen import Screen, Window, virtual_screen  # noqa: E402

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

application = QApplication(sys.argv[:1])
window = QMainWindow()
window.setWindowTitle("bare")
window.setCentralWidget(QLabel("A window"))
window.resize(1440, 900)
window.show()
sys.exit(application.exec())
"""

SPEC = """
import sys
sys.path.insert(0, {packaging!r})
import contents

analysis = Analysis(["bare.py"], excludes=list(contents.EXCLUDED_MODULES))
analysis.binaries = contents.select(analysis.binaries)
analysis.datas = contents.select(analysis.datas)
program = EXE(PYZ(analysis.pure), analysis.scripts, exclude_binaries=True, name="bare")
COLLECT(program, analysis.binaries, analysis.datas, name="bare")
"""

WINDOW_GOAL, VERSION_GOAL = 1.5, 0.35


def main() -> int:
    """Print what was measured; the exit status is 0 when both goals are met."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    elascope = release.executable(release.folder("cpu"))
    if not elascope.exists():
        sys.exit(f"{elascope} is not there; make freeze makes it.")
    taken: dict[str, list[float]] = {"bare": [], "window": [], "ready": [], "version": []}
    with tempfile.TemporaryDirectory() as name, virtual_screen() as screen:
        folder = Path(name)
        bare = freeze_bare(folder)
        for _ in range(rounds + 1):
            taken["bare"] += until([bare], screen, folder, shown)
            window, ready = until([elascope], screen, folder, shown, finished)
            taken["window"].append(window)
            taken["ready"].append(ready)
            taken["version"].append(of_version(elascope))
    medians = {what: statistics.median(seconds[1:]) for what, seconds in taken.items()}
    shares = {what: seconds / medians["bare"] for what, seconds in medians.items()}
    for what, title in (
        ("bare", "a bare window on the screen"),
        ("window", f"Elascope's window on the screen (goal {WINDOW_GOAL})"),
        ("ready", "Elascope with all its panels"),
        ("version", f"elascope --version (goal {VERSION_GOAL})"),
    ):
        print(f"{title:50} {1000 * medians[what]:6.0f} ms  {shares[what]:5.2f}")
    result = {f"{what}_over_bare": round(share, 3) for what, share in shares.items()}
    print(json.dumps({"benchmark": "startup", "rounds": rounds, **result}))
    return int(shares["window"] > WINDOW_GOAL or shares["version"] > VERSION_GOAL)


def freeze_bare(folder: Path) -> Path:
    """Make the bare program."""
    (folder / "bare.py").write_text(BARE, "utf-8")
    (folder / "bare.spec").write_text(SPEC.format(packaging=str(ROOT / "packaging")), "utf-8")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    subprocess.run([*command, "bare.spec"], cwd=folder, check=True)
    return folder / "dist" / "bare" / "bare"


def until(
    command: list[Path], screen: Screen, home: Path, *events: Callable[[Screen, Window], bool]
) -> list[float]:
    """Seconds from the start of a program until each of several things has happened."""
    environment = {**os.environ, "DISPLAY": screen.display, "HOME": str(home)}
    environment.pop("QT_QPA_PLATFORM", None)
    seconds = []
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for event in events:
            while not any(event(screen, window) for window in screen.windows()):
                if process.poll() is not None or time.perf_counter() - began > 60:
                    sys.exit(f"{command[0]} shows nothing.")
                time.sleep(0.001)
            seconds.append(time.perf_counter() - began)
    finally:
        process.kill()
        process.wait()
    while screen.windows():
        time.sleep(0.01)
    return seconds


def shown(screen: Screen, window: Window) -> bool:
    """Whether something is painted in a window: a text, so more than one colour."""
    part = screen.picture()[
        window.top : window.top + window.height, window.left : window.left + window.width
    ]
    return bool(part.size and (part != part[0, 0]).any())


def finished(_screen: Screen, window: Window) -> bool:
    """Whether Elascope has brought in its panels."""
    return "starting" not in window.title


def of_version(elascope: Path) -> float:
    """Seconds that ``elascope --version`` takes."""
    began = time.perf_counter()
    subprocess.run([elascope, "--version"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
