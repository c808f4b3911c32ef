"""A model with its card, and where needed its backbone and its network for the map."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.analysis.localisation import Localisation
from app.analysis.recompress import encoder_identity
from app.arrays import RgbU8, TensorF32
from app.detection.backbone import Backbone, Backbones, Features
from app.detection.card import FEATURE_NAMES, INPUT_NAME, METADATA_KEY, ModelCard
from app.detection.card_document import parse_card
from app.detection.prepare import prepare
from app.detection.session import metadata, open_session, provider_of
from app.detection.where import FILE as WHERE_FILE
from app.detection.where import WhereNetwork, locate
from app.errors import ModelRefusedError

MASK_SUFFIX = "_mask"
"""Added to the name of a question's output, it names the output with the mask's logits."""


class Detector:
    """A loaded model and its card. Thread-safe: one session serves all threads.

    Attributes:
        card: the model's card.
        path: the ONNX file.
        sha256: of the ONNX file.
        backbone: that gives the model's features; None where it takes pixels.
    """

    def __init__(self, path: Path, backbones: Backbones | None = None) -> None:
        """Load the model at ``path``.

        Args:
            path: of the ONNX file.
            backbones: where the model's backbone is looked for, if it has one.

        Raises:
            ModelRefusedError: unreadable, no ONNX model, no card, newer schema, tensors that do
                not fit the card, or a file that belongs to it is missing.
        """
        name = path.parent.name if path.name == "model.onnx" else path.name
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelRefusedError(f"The model {path} cannot be read: {reason}.") from error
        self.path = path
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session = open_session(content, name)
        self.card: ModelCard = parse_card(metadata(self._session).get(METADATA_KEY), name)
        self._check_tensors(name)
        self.backbone: Backbone | None = None
        if wanted := self.card.backbone:
            self.backbone = (backbones or Backbones(())).get(wanted.sha256, wanted.name, name)
        where = self.card.where
        self._network: WhereNetwork | None = None
        if where is not None and where.network:
            self._network = WhereNetwork(path.parent / WHERE_FILE, self.card, where)

    @property
    def provider(self) -> str:
        """The execution provider that really computes; both where the backbone has another."""
        own = provider_of(self._session)
        shared = self.backbone.provider if self.backbone else own
        return ", ".join(dict.fromkeys((shared, own)))

    def logits(self, batch: TensorF32) -> dict[str, NDArray[np.float32]]:
        """Run a model without a backbone.

        Args:
            batch: (n, channels, height, width) float32 from `prepare`.

        Returns:
            Question id to logits, (n,) float32.
        """
        return self._logits({INPUT_NAME: batch}, len(batch))

    def masks(self, batch: TensorF32) -> NDArray[np.float32] | None:
        """Logits (n, height, width) of the mask for the first question; None without one.

        Args:
            batch: as for `logits`.

        Raises:
            ModelRefusedError: the output of that name is no mask.
        """
        name = self.card.questions[0].output + MASK_SUFFIX
        if name not in [output.name for output in self._session.get_outputs()]:
            return None
        mask = np.asarray(self._session.run([name], {INPUT_NAME: batch})[0], dtype=np.float32)
        if mask.ndim != 4 or mask.shape[:2] != (len(batch), 1) or 0 in mask.shape:
            raise ModelRefusedError(
                f"The output {name} has the shape {list(mask.shape)}; a mask has "
                "[batch, 1, height, width]."
            )
        return mask[:, 0]

    def logits_of(self, pixels: RgbU8, features: Features | None = None) -> dict[str, float]:
        """Question id to the logit of one picture.

        Args:
            pixels: (height, width, 3) uint8 RGB at full resolution.
            features: what the model's backbone gives for them, if that is known already.

        Raises:
            TooLargeError: the image cannot be prepared.
        """
        found = self._logits(self._inputs(pixels, features), 1)
        return {question: float(logits[0]) for question, logits in found.items()}

    def locate(
        self,
        pixels: RgbU8,
        stop: threading.Event | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Localisation:
        """Where in one picture the model finds what it was asked for.

        Args:
            pixels: (height, width, 3) uint8 RGB at full resolution.
            stop: looked at between tiles.
            progress: gets the share that is done, 0..1.

        Raises:
            CancelledError: ``stop`` was set.
            ModelRefusedError: the model does not say where.
        """
        where = self.card.where
        if where is None:
            raise ModelRefusedError(f"The model {self.card.name} does not say where.")
        inputs = self._inputs(pixels, None)
        coarse = np.asarray(self._session.run([where.output], inputs)[0], dtype=np.float32)
        record = {
            "method": "where",
            "question": where.question,
            "model": self.card.name,
            "model_version": self.card.version,
            "model_sha256": self.sha256,
            "network_sha256": where.network,
            "backbone_sha256": self.backbone.sha256 if self.backbone else "",
            "provider": self.provider,
            "encoder": encoder_identity().fingerprint,
            "parameters": {"threshold": where.threshold, "smallest_share": where.smallest_share},
        }
        return locate(self.card, coarse[0, 0], pixels, self._network, record, stop, progress)

    def _inputs(self, pixels: RgbU8, features: Features | None) -> dict[str, NDArray[Any]]:
        """The graph's inputs for one picture."""
        inputs: dict[str, NDArray[Any]] = {}
        wanted = [tensor.name for tensor in self._session.get_inputs()]
        if INPUT_NAME in wanted:
            inputs[INPUT_NAME] = prepare(pixels, self.card.preparation)[None]
        if self.backbone is not None:
            found = features or self.backbone.features(pixels)
            known = dict(zip(FEATURE_NAMES, (found.summary, found.patches), strict=True))
            inputs |= {name: known[name][None] for name in FEATURE_NAMES if name in wanted}
        return inputs

    def _logits(
        self, inputs: Mapping[str, NDArray[Any]], count: int
    ) -> dict[str, NDArray[np.float32]]:
        names = [question.output for question in self.card.questions]
        outputs: Sequence[NDArray[Any]] = self._session.run(names, dict(inputs))
        return {
            question.id: np.asarray(output, dtype=np.float32).reshape(count)
            for question, output in zip(self.card.questions, outputs, strict=True)
        }

    def _check_tensors(self, name: str) -> None:
        inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        outputs = {tensor.name: tensor for tensor in self._session.get_outputs()}
        if self.card.backbone is None:
            self._check_image(name, inputs)
        elif set(inputs) - {INPUT_NAME, *FEATURE_NAMES} or not set(inputs) & set(FEATURE_NAMES):
            raise ModelRefusedError(
                f"The inputs of the model {name} must be of {', '.join(FEATURE_NAMES)}; it has "
                f"{', '.join(inputs) or 'none'}."
            )
        elif any(tensor.type != "tensor(float)" for tensor in inputs.values()):
            raise ModelRefusedError(f"The inputs of the model {name} must be float32.")
        where = self.card.where
        if where and (
            where.output not in outputs
            or outputs[where.output].type != "tensor(float)"
            or len(outputs[where.output].shape) != 4
        ):
            raise ModelRefusedError(
                f"The model {name} has no float32 output {where.output} of shape "
                "[batch, 1, rows, columns], which its card names for the map."
            )
        for question in self.card.questions:
            output = outputs.get(question.output)
            shape = output.shape if output and output.type == "tensor(float)" else []
            if shape[1:] != [1] or isinstance(shape[0], int):
                raise ModelRefusedError(
                    f"The model {name} has no float32 output {question.output} of shape "
                    f"[batch, 1], which its card names for the question {question.id}."
                )

    def _check_image(self, name: str, inputs: Mapping[str, Any]) -> None:
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
