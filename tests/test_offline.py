"""The program opens no socket and never opens evidence for writing.

Watched through Python's audit events (PEP 578) in a process of its own; what C libraries do by
themselves is not seen here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import encoded, scene

_WATCH = """
import json, os, sys
seen = {"sockets": [], "written": [], "read": []}
def hook(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        seen["sockets"].append(event)
    elif event == "open" and isinstance(arguments[0], str) and "evidence" in arguments[0]:
        writing = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        seen["written" if writing else "read"].append(arguments[0])
sys.addaudithook(hook)
"""

_SCAN = """
from app.cli import main
main(["scan", sys.argv[1], "--csv", sys.argv[2]])
"""

_WINDOW = """
import time
from pathlib import Path
from PySide6.QtWidgets import QApplication
from app.gui.main_window import MainWindow
from app.gui.settings import Settings
from app.paths import backbone_folders, model_folders
application = QApplication([])
settings = Settings(Path(sys.argv[2]).with_suffix(".ini"))
window = MainWindow(model_folders(), settings, backbone_folders=backbone_folders())
window.show()
window.open_paths([Path(sys.argv[1])])
end = time.monotonic() + 90
def judged():
    subject = window.table.subject
    return subject is not None and subject.frame is not None and not window.images.judging.busy
while time.monotonic() < end and not judged():
    application.processEvents()
assert judged()
window.start_scan()
while time.monotonic() < end and "Finished" not in window.scan_panel.status.text():
    application.processEvents()
assert "Finished" in window.scan_panel.status.text()
report = Path(sys.argv[2])
window.saving.write(window.batch.report_writer(report, "csv"), report)
while time.monotonic() < end and not Path(sys.argv[2]).exists():
    application.processEvents()
window.close()
"""


@pytest.mark.parametrize("work", [_SCAN, _WINDOW], ids=["scan", "window"])
def test_no_socket_and_no_writing_to_evidence(work: str, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.jpg").write_bytes(encoded(scene(400, 500), "JPEG"))
    (evidence / "b.png").write_bytes(encoded(scene(40, 50), "PNG"))
    report = tmp_path / "report.csv"
    done = subprocess.run(
        [sys.executable, "-c", f"{_WATCH}{work}\nprint(json.dumps(seen))", evidence, report],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["sockets"] == []
    assert seen["written"] == []
    assert len(set(seen["read"])) >= 2
    assert report.exists()
    assert sorted(path.name for path in evidence.iterdir()) == ["a.jpg", "b.png"]
