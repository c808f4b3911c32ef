"""What the program says of itself, for the report of a fault."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import cv2
import numpy
import onnxruntime
import PIL
import PySide6
import pytest

from app import __version__
from app.cli import main
from app.cli.version import details
from tests.models import card, write_model

# Before the program is imported: a library is missing, or breaks in a way of its own.
_WITHOUT = "import sys; sys.modules[{name!r}] = None; from app.cli import main; sys.exit(main())"
_BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise OSError("lib{name}.so.1: cannot open shared object file\\nat all")
sys.meta_path.insert(0, Broken())
from app.cli import main
sys.exit(main())
"""


def _lines(text: str) -> dict[str, str]:
    found = dict(line.split(": ", 1) for line in text.splitlines())
    assert len(found) == text.count("\n")
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder, which is empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data" / "elascope"


def test_version_alone_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr() == (f"elascope {__version__}\n", "")


@pytest.mark.parametrize("order", [["--version", "--verbose"], ["--verbose", "--version"]])
def test_details_name_every_part(
    order: list[str], repository: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(order) == 0
    out, err = capfd.readouterr()
    found = _lines(out)
    assert err == ""
    assert found["elascope"] == __version__
    assert (found["installed as"], found["installed in"]) == ("checkout", str(repository / "app"))
    assert found["python"] == f"{platform.python_version()} (CPython)"
    assert found["machine"] == platform.machine()
    assert found["glibc"] == os.confstr("CS_GNU_LIBC_VERSION").split()[1]  # type: ignore[union-attr]
    assert found["qt"].startswith(f"PySide6 {PySide6.__version__}, Qt 6.")
    assert found["numpy"] == numpy.__version__
    assert found["opencv"] == cv2.__version__
    assert found["pillow"] == PIL.__version__
    assert found["pillow's libjpeg-turbo"][0].isdecimal()
    assert found["jpeg encoder"].startswith(f"OpenCV {cv2.__version__} (libjpeg")
    assert found["onnxruntime"] == onnxruntime.__version__
    offered = ", ".join(onnxruntime.get_available_providers())
    assert found["execution providers offered"] == offered
    assert found["execution provider in use"] in offered
    assert found["data folder"] == str(home)
    assert found["cores"] == str(len(os.sched_getaffinity(0)))
    for kind, file in (("model", "model.onnx"), ("backbone", "backbone.onnx")):
        for path in (repository / "resources" / f"{kind}s").glob(f"*/{file}"):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            assert f"SHA-256 {digest}, runs on " in found[f"{kind} {path.parent.name}"]


def test_a_model_that_is_refused_says_why_in_its_line(home: Path) -> None:
    write_model(home / "models" / "mine" / "model.onnx", card().to_json())
    junk = home / "models" / "junk" / "model.onnx"
    junk.parent.mkdir(parents=True)
    junk.write_bytes(b"junk")
    found = dict(details())
    assert found["model junk"] == "The model junk is not a usable ONNX file."
    digest = hashlib.sha256((home / "models" / "mine" / "model.onnx").read_bytes()).hexdigest()
    assert found["model mine"].startswith(f"version 1.0, SHA-256 {digest[:12]}, runs on ")


@pytest.mark.parametrize("fault", [_WITHOUT, _BROKEN], ids=["missing", "broken"])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("numpy", "numpy"),
        ("cv2", "opencv"),
        ("PIL", "pillow"),
        ("onnxruntime", "onnxruntime"),
        ("PySide6", "qt"),
    ],
)
def test_a_library_that_cannot_be_used_costs_a_line_and_no_traceback(
    name: str, key: str, fault: str, home: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", fault.format(name=name), "--version", "--verbose"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = _lines(done.stdout)
    assert found[key].startswith("cannot be used (")
    assert {"elascope", "python", "data folder"} <= set(found)
    if name == "onnxruntime":
        assert found["execution provider in use"] == "none could be tried"
        assert found["model generated"].startswith("cannot be used (")


def test_verbose_alone_is_an_error_in_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--verbose"])
    assert caught.value.code == 2
    assert capfd.readouterr().err.endswith("elascope: error: --verbose is for --version\n")


def test_version_imports_neither_qt_nor_numpy_nor_what_starts_processes() -> None:
    code = (
        "import sys; from app.cli import main; main(['--version']);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    names = set(done.stdout.splitlines()[1].split())
    assert not names & {"PySide6", "numpy", "cv2", "PIL", "onnxruntime", "tqdm"}
    assert not names & {"multiprocessing", "ctypes", "importlib.metadata"}
