"""What the kernel is asked for: no socket, and nothing that could change evidence.

`tests/test_offline.py` sees what Python does; strace sees every process and every library.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.models import card, write_model
from tests.pictures import encoded, scene
from tests.test_offline import _WINDOW

_NETWORK = ("socket", "connect", "bind", "listen", "sendto", "sendmsg")
_OPENING = ("open", "openat", "openat2", "creat")
_CHANGING = (
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"),
    *("truncate", "ftruncate", "fallocate", "link", "linkat", "symlink", "symlinkat", "mknodat"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "fsetxattr", "removexattr"),
)
_FOR_WRITING = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b")
_CALL = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)")


@functools.cache
def _why_not() -> str:
    """Why nothing can be traced here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(
        ["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True
    )
    return f"strace may not trace here: {done.stderr.strip()}" if done.returncode else ""


@pytest.fixture(autouse=True)
def _strace() -> None:
    if reason := _why_not():
        pytest.skip(reason)


@dataclass
class Seen:
    """Calls of all processes.

    Attributes:
        processes: how many there were, threads among them.
        network: calls about sockets.
        read: in which evidence was opened.
        changed: in which evidence could have been changed.
    """

    processes: set[str] = field(default_factory=set)
    network: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def take(self, line: str, evidence: str) -> None:
        """Sort in one line of what strace wrote; arguments of an unfinished call are in it."""
        self.processes.add(line.partition(" ")[0])
        call = _CALL.match(line)
        if call is None:
            return  # the end of such a call, a signal, or the end of a process
        name, arguments = call["name"], call["arguments"]
        if name in _NETWORK:
            self.network.append(line)
        elif evidence in arguments:
            if name in _OPENING and name != "creat" and not _FOR_WRITING.search(arguments):
                self.read.append(line)
            else:
                self.changed.append(line)


def _traced(command: list[object], evidence: Path, log: Path) -> Seen:
    """What ``command`` asked of the kernel; it must end with 0."""
    # A question mark: not every architecture has each of them.
    calls = ",".join(f"?{name}" for name in (*_NETWORK, *_OPENING, *_CHANGING))
    home = {
        name: str(log.parent / "home" / name)
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME")
    }
    # What the program itself sets must be set by it here, too.
    inherited = {name: v for name, v in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        # -y writes the path beside each descriptor.
        ["strace", "-f", "-y", "-q", "-e", f"trace={calls}", "-o", log, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**inherited, **home, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    seen = Seen()
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            seen.take(line, str(evidence))
    return seen


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded(scene(400, 500), "JPEG"))
    (folder / "b.png").write_bytes(encoded(scene(40, 50), "PNG"))
    (folder / "c.tif").write_bytes(encoded(scene(64, 64), "TIFF", compression="tiff_lzw"))
    (folder / "d.webp").write_bytes(encoded(scene(64, 64), "WebP")[:300])
    return folder


def test_what_is_planted_is_seen(evidence: Path, tmp_path: Path) -> None:
    """The tracer follows processes, and each kind of trespass is noticed."""
    trespasses = (
        "echo x >> a.jpg; mv b.png e.png; rm c.tif; touch d.webp; chmod 600 a.jpg; "
        f"{sys.executable} -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)'"
    )
    command = ["sh", "-c", f"cd {evidence}; {trespasses}; cat {evidence}/e.png > {os.devnull}"]
    seen = _traced(command, evidence, tmp_path / "log")
    assert any("AF_INET" in line for line in seen.network)
    for part in ('"a.jpg", O_WRONLY', '"b.png", ', '"c.tif"', '"d.webp", O_WRONLY', "chmod"):
        assert any(part in line for line in seen.changed), part
    assert any("e.png" in line for line in seen.read)


@pytest.mark.parametrize(
    "opening",
    [
        "from app.detection.session import open_session; open_session(Path(sys.argv[1]), 'it')",
        "import trainer.publishing.quantise as q; q.onnxruntime.InferenceSession(sys.argv[1])",
    ],
    ids=["program", "trainer"],
)
def test_onnxruntime_reports_nothing(opening: str, tmp_path: Path) -> None:
    """It would keep an identifier and a queue in the user's cache, and later send that."""
    model = write_model(tmp_path / "model.onnx", card().to_json())
    code = f"import sys; from pathlib import Path; {opening}"
    seen = _traced([sys.executable, "-c", code, model], tmp_path / "none", tmp_path / "log")
    assert seen.network == []
    assert "onnxruntime.db" not in (tmp_path / "log").read_text(encoding="utf-8")
    assert [*(tmp_path / "home").rglob("*onnxruntime*")] == []


def test_a_scan_opens_no_socket_and_changes_no_evidence(evidence: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "models" / "grey-mean" / "model.onnx", card().to_json())
    report = tmp_path / "report.csv"
    before = _facts(evidence)
    command = [
        *(sys.executable, "-m", "app", "scan", evidence, "--model", model, "--csv", report),
        *("--jobs", "2"),
    ]
    seen = _traced(command, evidence, tmp_path / "log")
    assert report.exists()
    assert len(seen.processes) > 3  # the program, its workers, and their threads
    assert seen.network == []
    assert seen.changed == []
    assert [*(tmp_path / "home").rglob("*")] == []
    for name in ("a.jpg", "b.png", "c.tif", "d.webp"):
        assert any(name in line for line in seen.read)
    assert _facts(evidence) == before


def test_the_window_opens_no_connection_and_changes_no_evidence(
    evidence: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    before = _facts(evidence)
    seen = _traced(
        [sys.executable, "-c", f"import sys\n{_WINDOW}", evidence, report],
        evidence,
        tmp_path / "log",
    )
    assert report.exists()
    # Qt may speak to the desktop of this machine.
    abroad = [line for line in seen.network if "AF_INET" in line or "AF_PACKET" in line]
    assert abroad == []
    assert seen.changed == []
    assert any("a.jpg" in line for line in seen.read)
    assert _facts(evidence) == before


def _facts(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Content, time of last change and inode of each file."""
    facts = {}
    for path in sorted(folder.iterdir()):
        state = path.stat()
        facts[path.name] = path.read_bytes(), state.st_mtime_ns, state.st_ino
    return facts
