"""Reference vectors: small pictures in the ONNX file with what the network gave for them.

Whoever has the file can recompute the whole way from a picture to the logit on another machine,
and see whether it is the way of the training.
"""

import functools
import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.analysis.recompress import encoder_identity
from app.arrays import RgbU8, TensorF32
from app.detection.card import Preparation
from app.detection.detector import Detector
from app.detection.prepare import prepare
from app.errors import ElascopeError, ModelRefusedError
from app.evidence.decode import decode
from app.evidence.file import EvidenceFile, sniff
from trainer.publishing.reference_document import GRID, Answer, ReferencePicture, read_reference

MEAN_TOLERANCE = 1e-4
"""Allowed for the means of a prepared input, in grey levels: its sums are in float32."""

ANSWER_TOLERANCE = 1e-4
"""Allowed for logits, as a share of the largest of a picture, or of 1 if that is larger. Ten times
what the export allows on one machine: others add up in another order."""

INT8_TOLERANCE = 2e-2
"""The same for a quantised model, where a value between two steps may go to either."""

_PIXEL_LIMIT = 32_000_000  # the largest input that a card allows, and a quarter more each way

Run = Callable[[TensorF32], tuple[Mapping[str, float], NDArray[Any] | None]]
"""Prepared (1, channels, height, width) to logits by question and the mask's logits (h, w)."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one thing came out as it is recorded.

    Attributes:
        subject: what was recomputed, of which picture.
        agrees: within what is allowed.
        difference: the largest one; None where only equality counts.
        allowed: difference; None where only equality counts.
    """

    subject: str
    agrees: bool
    difference: float | None = None
    allowed: float | None = None

    def sentence(self) -> str:
        """For the terminal."""
        if self.difference is None:
            return f"{self.subject}: {'equal' if self.agrees else 'DIFFERENT'}"
        word = "agrees" if self.agrees else "DIFFERENT"
        return f"{self.subject}: {word} (by {self.difference:.2g}, allowed {self.allowed:.2g})"


def make_reference(preparation: Preparation, run: Run) -> tuple[ReferencePicture, ...]:
    """The reference pictures with what ``run``, the trained network, gives for them."""
    found = []
    for name, pixels in reference_pixels(preparation.height, preparation.width).items():
        tensor = prepare(pixels, preparation)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG", optimize=True)
        digest, means = _sha256_of(pixels), _means_of(tensor)
        found.append(
            ReferencePicture(name, stream.getvalue(), digest, means, answer_of(run, tensor))
        )
    return tuple(found)


def reference_pixels(height: int, width: int) -> dict[str, RgbU8]:
    """Four pictures by name, from whole numbers only, so that every machine makes the same.

    Two are larger than an input of ``height`` x ``width`` by a quarter, since pictures are
    reduced to it as a rule; PNG packs these two well. The others are small, whatever the input.
    """
    rows, columns = np.mgrid[: height * 5 // 4 + 3, : width * 5 // 4 + 5]
    ramps = (rows * 255 // rows[-1, 0], columns * 255 // columns[0, -1], (rows + columns) // 2)
    tiles = (rows // 21 * 5 + columns // 27 * 3) * 89
    rows, columns = np.mgrid[:120, :152]
    disc = (rows - 55) ** 2 + (columns - 70) ** 2 < 45**2
    edges = (disc * 210, rows // 11 % 2 * 90 + 40, (columns > 83) * 255)
    rows, columns = np.mgrid[:72, :88]
    mixed = (rows * 7919 + columns * 104729 + rows * columns * 31) % 8191
    grain = (mixed % 64 + columns, mixed // 3 % 200, mixed // 7 % 128 + rows)
    pictures = {"ramps": ramps, "tiles": (tiles, tiles * 3 // 2, tiles * 7), "edges": edges}
    return {
        name: np.stack([plane % 256 for plane in planes], axis=2).astype(np.uint8)
        for name, planes in {**pictures, "grain": grain}.items()
    }


def answer_of(run: Run, tensor: TensorF32) -> Answer:
    """What ``run`` gives for one prepared input (channels, height, width)."""
    logits, mask = run(tensor[None])
    if mask is None:
        return Answer(dict(logits), None)
    rows, columns = ([(2 * i + 1) * side // (2 * GRID) for i in range(GRID)] for side in mask.shape)
    return Answer(dict(logits), tuple(float(point) for point in mask[np.ix_(rows, columns)].flat))


def verify(model: Path) -> tuple[Check, ...]:
    """Recompute the reference vectors of ``model`` as the program would.

    Raises:
        ModelRefusedError: unusable, or without usable reference vectors.
    """
    detector = Detector(model)
    name = detector.card.name
    pictures = read_reference(model.read_bytes(), name)
    encoder = detector.card.preparation.encoder_fingerprint == encoder_identity().fingerprint
    checks = [Check("JPEG encoder", encoder)]
    for picture in pictures:
        checks += _checks(detector, picture, name)
    return tuple(checks)


def run_detector(detector: Detector, tensor: TensorF32) -> tuple[dict[str, float], Any]:
    """What the program gets for one prepared input; see `Run`."""
    logits = {name: float(values[0]) for name, values in detector.logits(tensor).items()}
    masks = detector.masks(tensor)
    return logits, None if masks is None else masks[0]


def _checks(detector: Detector, picture: ReferencePicture, model: str) -> Iterator[Check]:
    pixels = picture_pixels(picture, model)
    tensor = prepare(pixels, detector.card.preparation)
    found, expected = answer_of(functools.partial(run_detector, detector), tensor), picture.expected
    if (
        len(picture.means) != len(tensor)
        or found.logits.keys() != expected.logits.keys()
        or (found.mask is None) != (expected.mask is None)
    ):
        raise ModelRefusedError(
            f"The reference vectors of the model {model} are those of a model with other inputs "
            "or outputs."
        )
    yield Check(f"{picture.name}: pixels", _sha256_of(pixels) == picture.sha256)
    yield _close(
        f"{picture.name}: preparation", _means_of(tensor), picture.means, MEAN_TOLERANCE, 1.0
    )
    tolerance = ANSWER_TOLERANCE if picture.int8 is None else INT8_TOLERANCE
    for question, logit in expected.logits.items():
        subject = f"{picture.name}: logit of {question}"
        yield _close(subject, [found.logits[question]], [logit], tolerance, abs(logit))
    if found.mask is not None and expected.mask is not None:
        largest = max(map(abs, expected.mask))
        yield _close(f"{picture.name}: mask", found.mask, expected.mask, tolerance, largest)


def _close(
    subject: str, found: Sequence[float], expected: Sequence[float], share: float, largest: float
) -> Check:
    differences = [abs(a - b) for a, b in zip(found, expected, strict=True)]
    # max() would pass over a NaN that is not the first.
    difference = math.nan if any(map(math.isnan, differences)) else max(differences)
    allowed = share * max(1.0, largest)
    return Check(subject, difference <= allowed, difference, allowed)


def picture_pixels(picture: ReferencePicture, model: str) -> RgbU8:
    """Decode with the program's own decoder, whatever the file holds."""
    data = picture.png
    refusal = f"The reference vectors of the model {model} hold a picture that"
    if sniff(data) != "PNG":
        raise ModelRefusedError(f"{refusal} is not a PNG file.")
    digest = hashlib.sha256(data).hexdigest()
    held = EvidenceFile(Path(picture.name), digest, len(data), None, "PNG", "", data)
    try:
        return decode(held, _PIXEL_LIMIT).pixels
    except ElascopeError as error:
        raise ModelRefusedError(f"{refusal} cannot be decoded: {error.sentence}") from error


def _sha256_of(pixels: RgbU8) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _means_of(tensor: TensorF32) -> tuple[float, ...]:
    return tuple(float(mean) for mean in tensor.mean(axis=(1, 2), dtype=np.float64))
