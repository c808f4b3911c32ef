"""Sessions of onnxruntime. This is the only module of the program that imports it.

It does so when the first model is loaded: a window is there before any is asked.
"""

from __future__ import annotations

import sys
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from app.errors import ModelRefusedError

if TYPE_CHECKING:
    import onnxruntime

    Session: TypeAlias = onnxruntime.InferenceSession
    """A loaded graph."""


_FATAL = 4
"""The severity above which onnxruntime logs nothing."""


def open_session(source: bytes | Path, name: str) -> Session:
    """Load a graph.

    Args:
        source: content of the ONNX file; of a large one its path, which takes less memory.
        name: of the model, for the sentence.

    Raises:
        ModelRefusedError: onnxruntime cannot load it.
    """
    import onnxruntime

    # What cannot be loaded for the GPU is told to the default log, whatever a session's says.
    onnxruntime.set_default_logger_severity(_FATAL)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL  # the analyst gets sentences, not the library's log
    # Callers run several images at once; one thread each keeps the cores from contending.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    error: Exception | None = None
    for providers in _providers():
        try:
            # Its own way back to the CPU prints on standard output.
            return onnxruntime.InferenceSession(
                source, options, providers=providers, enable_fallback=0
            )
        except Exception as raised:
            # onnxruntime raises a class of its own for each kind of malformed model.
            error = raised
    raise ModelRefusedError(f"The model {name} is not a usable ONNX file.", repr(error)) from error


def metadata(session: Session) -> dict[str, str]:
    """The texts that the ONNX file carries, by key."""
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def provider_of(session: Session) -> str:
    """The execution provider that really computes; what onnxruntime offers may not work here."""
    return str(session.get_providers()[0])


def runtime_version() -> str:
    """The version of onnxruntime."""
    import onnxruntime

    return str(onnxruntime.__version__)


def providers_offered() -> tuple[str, ...]:
    """The execution providers that onnxruntime was built with, whether or not they work here."""
    import onnxruntime

    return tuple(onnxruntime.get_available_providers())


def _providers() -> list[list[str]]:
    """Lists of execution providers to try, one after the other.

    The GPU wheel claims CUDA on any machine, so CUDA is asked for only where a driver can be
    seen. If its libraries are missing, onnxruntime computes on the CPU; if the GPU itself fails, no
    session is made, and one for the CPU alone is next.
    """
    if "CUDAExecutionProvider" in providers_offered() and _nvidia_driver():
        return [["CUDAExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]]
    return [["CPUExecutionProvider"]]


def _nvidia_driver() -> bool:
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists()
