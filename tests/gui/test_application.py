"""The program with its window, as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.pictures import encoded, scene

_OPEN = "import sys; from app.cli import main; sys.exit(main(['open', sys.argv[1]]))"


def test_ctrl_c_closes_a_window_at_rest(tmp_path: Path) -> None:
    """It once waited for the next event that Python took part in."""
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.jpg").write_bytes(encoded(scene(90, 120), "JPEG"))
    home = {name: str(tmp_path / name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
    process = subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(evidence)],
        env={**os.environ, **home, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        cached = tmp_path / "XDG_CACHE_HOME" / "elascope" / "thumbnails"
        until = time.monotonic() + 60
        while not (cached.is_dir() and any(cached.iterdir())):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1)  # nothing is under way any more: that is what is tested
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
    assert sorted(path.name for path in evidence.iterdir()) == ["a.jpg"]
    assert (tmp_path / "XDG_DATA_HOME" / "elascope" / "window.ini").is_file()
