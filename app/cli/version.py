"""``elascope --version --verbose``: what a report of a fault should name, a line for each.

A library that is missing or broken is the very thing that is asked about, so each of them is tried
by itself and costs one line at most.
"""

import contextlib
import io
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from app import __version__
from app.cli.terminal import decoders_silenced
from app.errors import ElascopeError
from app.isolation import cores, memory_of_the_machine
from app.names import one_line
from app.paths import backbone_folders, frozen, model_folders, user_cache, user_data

_DIGITS = 12
"""Of a SHA-256 that are shown: enough to tell files apart."""

Line = tuple[str, str]


def print_details() -> None:
    """Print everything as ``key: value``.

    What libraries print themselves when they miss each other goes nowhere.
    """
    with decoders_silenced(), contextlib.redirect_stdout(io.StringIO()):
        found = list(details())
    for key, value in found:
        print(f"{key}: {one_line(value)}")


def details() -> Iterator[Line]:
    """Each key with its value; what cannot be found out is said in the value."""
    yield "elascope", __version__
    yield "installed as", _kind()
    yield "installed in", str(_place())
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "executable", sys.executable or "unknown"
    yield "platform", platform.platform()
    yield "machine", platform.machine()
    yield "glibc", " ".join(platform.libc_ver()).removeprefix("glibc ").strip() or "none"
    yield "cores", str(cores())
    yield "memory", f"{memory_of_the_machine() / (1 << 30):.1f} GiB"
    for key, ask in _LIBRARIES:
        yield key, _answer(ask)
    yield from _models()
    yield "data folder", str(user_data())
    yield "cache folder", str(user_cache())


def _kind() -> str:
    if frozen():
        return "frozen program"
    return "checkout" if (_place().parent / "pyproject.toml").is_file() else "installed package"


def _place() -> Path:
    """The folder of the built program, or that of the package."""
    return Path(sys.executable).parent if frozen() else Path(__file__).resolve().parent.parent


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except ElascopeError as error:
        return error.sentence
    except Exception as error:
        # A library that is missing or broken fails in its own way.
        return f"cannot be used ({type(error).__name__}: {error})"


# Libraries ------------------------------------------------------------------------------------


def _qt() -> str:
    from app.gui.versions import qt_versions

    return qt_versions()


def _numpy() -> str:
    import numpy

    return numpy.__version__


def _opencv() -> str:
    import cv2

    return str(cv2.__version__)


def _pillow() -> str:
    import PIL.Image  # with the part that is compiled

    return PIL.__version__


def _libjpeg_of_pillow() -> str:
    from PIL import features

    return str(features.version("libjpeg_turbo") or "not libjpeg-turbo")


def _encoder() -> str:
    from app.analysis.recompress import encoder_identity

    identity = encoder_identity()
    return f"{identity.library}, fingerprint {identity.fingerprint}"


def _onnxruntime() -> str:
    from app.detection.session import runtime_version

    return runtime_version()


def _providers() -> str:
    from app.detection.session import providers_offered

    return ", ".join(providers_offered())


_LIBRARIES: tuple[tuple[str, Callable[[], str]], ...] = (
    ("qt", _qt),
    ("numpy", _numpy),
    ("opencv", _opencv),
    ("pillow", _pillow),
    ("pillow's libjpeg-turbo", _libjpeg_of_pillow),
    ("jpeg encoder", _encoder),
    ("onnxruntime", _onnxruntime),
    ("execution providers offered", _providers),
)


# Models ---------------------------------------------------------------------------------------


def _models() -> Iterator[Line]:
    """Where models are looked for, what is there, and on what it runs when it is opened."""
    yield "model folders", ", ".join(map(str, model_folders()))
    try:
        yield from _opened(model_folders(), backbone_folders())
    except Exception as error:
        yield "execution provider in use", "none could be tried"
        yield "models", f"cannot be looked for ({type(error).__name__}: {error})"


def _opened(folders: Sequence[Path], shared: Sequence[Path]) -> Iterator[Line]:
    from app.detection.backbone import FILE, Backbone, Backbones
    from app.detection.detector import Detector
    from app.detection.library import find_models

    used: dict[str, None] = {}
    lines: list[Line] = []
    backbones = Backbones(shared)

    def model(path: Path) -> str:
        opened = Detector(path, backbones)
        used[opened.provider] = None
        return (
            f"version {opened.card.version}, SHA-256 {opened.sha256[:_DIGITS]}, "
            f"runs on {opened.provider}"
        )

    def backbone(path: Path) -> str:
        opened = Backbone(path)
        used[opened.provider] = None
        return f"SHA-256 {opened.sha256[:_DIGITS]}, runs on {opened.provider}"

    for name, path in find_models(folders).items():
        lines.append((f"model {one_line(name)}", _answer(partial(model, path))))
    for path in (file for folder in shared for file in sorted(folder.glob(f"*/{FILE}"))):
        name = one_line(path.parent.name)
        lines.append((f"backbone {name}", _answer(partial(backbone, path))))
    yield "execution provider in use", ", ".join(used) or "none could be tried"
    yield from lines or [("models", "none found")]
