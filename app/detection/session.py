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


def open_session(source: bytes | Path, name: str) -> Session:
    """Load a graph.

    Args:
        source: content of the ONNX file; of a large one its path, which takes less memory.
        name: of the model, for the sentence.

    Raises:
        ModelRefusedError: onnxruntime cannot load it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the analyst gets sentences, not the library's log
    # Callers run several images at once; one thread each keeps the cores from contending.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(source, options, providers=_providers())
    except Exception as error:
        # onnxruntime raises a class of its own for each kind of malformed model.
        raise ModelRefusedError(
            f"The model {name} is not a usable ONNX file.", repr(error)
        ) from error


def metadata(session: Session) -> dict[str, str]:
    """The texts that the ONNX file carries, by key."""
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def provider_of(session: Session) -> str:
    """The execution provider that really computes; what onnxruntime offers may not work here."""
    return str(session.get_providers()[0])


def _providers() -> list[str]:
    """Execution providers to ask for, best first.

    The GPU wheel claims CUDA on any machine and prints errors when the driver is missing, so
    CUDA is asked for only where a driver can be seen. onnxruntime itself falls back to the CPU.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in available and _nvidia_driver():
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _nvidia_driver() -> bool:
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists()
