"""Running a model. This is the only module that imports onnxruntime."""

import hashlib
import math
import sys
from collections.abc import Sequence
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import onnxruntime

from app.detection.card import INPUT_NAME, METADATA_KEY, ModelCard, Question, parse_card
from app.detection.prepare import prepare
from app.detection.verdict import (
    State,
    Verdict,
    calibrated,
    explain,
    reasons_against,
    state_of,
)
from app.errors import ModelRefusedError
from app.evidence.decode import DecodedImage


class Detector:
    """A loaded model and its card. Thread-safe: one session serves all threads.

    Attributes:
        card: the model's card.
        path: the ONNX file.
        sha256: of the ONNX file.
        provider: the execution provider that the session really uses.
    """

    def __init__(self, path: Path) -> None:
        """Load the model at ``path``.

        Raises:
            ModelRefusedError: unreadable, no ONNX model, no card, newer schema, or tensors
                that do not fit the card.
        """
        name = path.parent.name if path.name == "model.onnx" else path.name
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelRefusedError(f"The model {path} cannot be read: {reason}.") from error
        self.path = path
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session = _session(content, name)
        self.card: ModelCard = parse_card(
            self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), name
        )
        self._check_tensors(name)
        self.provider: str = self._session.get_providers()[0]

    def logits(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Run the model.

        Args:
            batch: (n, channels, height, width) float32 from `prepare`.

        Returns:
            Question id to logits, (n,) float32.
        """
        names = [question.output for question in self.card.questions]
        outputs: Sequence[np.ndarray] = self._session.run(names, {INPUT_NAME: batch})
        return {
            question.id: np.asarray(output, dtype=np.float32).reshape(len(batch))
            for question, output in zip(self.card.questions, outputs, strict=True)
        }

    def judge(self, image: DecodedImage) -> tuple[Verdict, ...]:
        """Answer every question of the card about one image, in the card's order.

        Raises:
            TooLargeError: the image cannot be prepared.
        """
        against = reasons_against(self.card, image.record)
        if against:
            reason = f"Outside the model's validity: {'; '.join(against)}."
            return tuple(self._refusal(question, reason) for question in self.card.questions)
        logits = self.logits(prepare(image.pixels, self.card.preparation)[None])
        return tuple(
            self._answer(question, float(logits[question.id][0]))
            for question in self.card.questions
        )

    def _answer(self, question: Question, logit: float) -> Verdict:
        if not math.isfinite(logit):
            return self._refusal(question, "The model gave no number for this image.")
        score = calibrated(question.calibration, logit)
        state = state_of(question, score)
        reason = explain(question, state)
        return Verdict(
            question.id, state, score, reason, self.card.name, self.sha256, self.provider
        )

    def _refusal(self, question: Question, reason: str) -> Verdict:
        return Verdict(
            question.id, State.OUTSIDE_VALIDITY, None, reason, self.card.name, self.sha256, ""
        )

    def _check_tensors(self, name: str) -> None:
        inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        outputs = {tensor.name: tensor for tensor in self._session.get_outputs()}
        wanted = self.card.preparation
        if list(inputs) != [INPUT_NAME] or inputs[INPUT_NAME].type != "tensor(float)":
            raise ModelRefusedError(
                f"The model {name} must have one float32 input called {INPUT_NAME}; "
                f"it has {', '.join(inputs) or 'none'}."
            )
        shape = inputs[INPUT_NAME].shape
        expected = [wanted.channels, wanted.height, wanted.width]
        # Named (dynamic) dimensions come as text and fit anything.
        fits = len(shape) == 4 and all(
            isinstance(has, str) or has == needs
            for has, needs in zip(shape[1:], expected, strict=True)
        )
        if not fits or isinstance(shape[0], int):
            raise ModelRefusedError(
                f"The input of the model {name} has the shape {shape}; its card describes "
                f"[batch, {', '.join(map(str, expected))}]."
            )
        for question in self.card.questions:
            output = outputs.get(question.output)
            shape = output.shape if output and output.type == "tensor(float)" else []
            if shape[1:] != [1] or isinstance(shape[0], int):
                raise ModelRefusedError(
                    f"The model {name} has no float32 output {question.output} of shape "
                    f"[batch, 1], which its card names for the question {question.id}."
                )


def _session(content: bytes, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the analyst gets sentences, not the library's log
    # Callers run several images at once; one thread each keeps the cores from contending.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(content, options, providers=_providers())
    except Exception as error:
        # onnxruntime raises a class of its own for each kind of malformed model.
        raise ModelRefusedError(
            f"The model {name} is not a usable ONNX file.", repr(error)
        ) from error


def _providers() -> list[str]:
    """Execution providers to ask for, best first.

    The GPU wheel claims CUDA on any machine and prints errors when the driver is missing, so
    CUDA is asked for only where a driver can be seen. onnxruntime itself falls back to the CPU.
    """
    available = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in available and _nvidia_driver():
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _nvidia_driver() -> bool:
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists()
