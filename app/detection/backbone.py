"""A large pretrained network that several models share: stored once, run once for each picture.

docs/adr/0010 says why it is a file of its own. Its numbers are features without a meaning; the
models that build on it name it by the hash of its file.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.arrays import RgbU8
from app.detection.prepare import reduce_area_mean, reduce_to
from app.detection.session import metadata, open_session, provider_of
from app.errors import ModelRefusedError

METADATA_KEY = "elascope.backbone"
"""Key of the description in the ONNX file's metadata."""

SCHEMA = 1
"""Version of that description."""

LARGEST = 4_000_000
"""Pixels of a picture that is reduced with fractions of a grey level; larger ones are first reduced
to this many in 8 bits, which takes a fifth of the time and of the memory."""

FILE = "backbone.onnx"
"""Name of the file in the backbone's folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a backbone gives for one picture.

    Attributes:
        summary: (blocks, width) float32, the class token behind each block.
        patches: (taps, rows * columns, width) float32, the tokens of the picture's parts, row by
            row, behind some of the blocks.
    """

    summary: NDArray[np.float32]
    patches: NDArray[np.float32]


class Backbone:
    """A loaded backbone. Thread-safe: one session serves all threads.

    Attributes:
        name: as models name it.
        path: the ONNX file.
        sha256: of the ONNX file.
        side: pixels of its square input.
        origin: where its weights came from, and their licence.
        provider: the execution provider that the session really uses.
    """

    def __init__(self, path: Path) -> None:
        """Load the backbone at ``path``.

        Raises:
            ModelRefusedError: unreadable, or not a backbone that this program knows.
        """
        name = path.parent.name
        try:
            with path.open("rb") as stream:
                self.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelRefusedError(f"The backbone {path} cannot be read: {reason}.") from error
        self.path = path
        self._session = open_session(path, name)
        self.provider = provider_of(self._session)
        described = _described(metadata(self._session).get(METADATA_KEY), name)
        self.name: str = described["name"]
        self.side: int = described["side"]
        self.origin: str = described["origin"]
        inputs = [(tensor.name, tensor.shape) for tensor in self._session.get_inputs()]
        outputs = [tensor.name for tensor in self._session.get_outputs()]
        if inputs != [("image", [1, 3, self.side, self.side])] or outputs != ["summary", "patches"]:
            raise ModelRefusedError(
                f"The backbone {name} has other inputs or outputs than it says."
            )

    def features(self, pixels: RgbU8) -> Features:
        """Run the backbone on a picture, reduced whole to its input.

        One picture at a time: the scales of its 8-bit numbers are taken from the input, so beside
        another picture the same one would give slightly other features.

        Args:
            pixels: (height, width, 3) uint8 RGB at full resolution.
        """
        image = reduce_area_mean(reduce_to(pixels, LARGEST), self.side, self.side)[None]
        summary, patches = self._session.run(["summary", "patches"], {"image": image})
        return Features(np.asarray(summary)[0], np.asarray(patches)[0])


class Backbones:
    """The backbones in some folders, each loaded when a model first asks for it."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._loaded: dict[str, Backbone] = {}

    def get(self, sha256: str, name: str, model: str) -> Backbone:
        """The backbone with this hash.

        Args:
            sha256: of its file.
            name: what the model calls it.
            model: that asks, for the sentence.

        Raises:
            ModelRefusedError: there is none, or it cannot be used.
        """
        if sha256 not in self._loaded:
            for path in (file for folder in self._folders for file in folder.glob(f"*/{FILE}")):
                if path.parent.name == name and _hash_of(path) == sha256:
                    self._loaded[sha256] = Backbone(path)
                    break
            else:
                raise ModelRefusedError(
                    f"The model {model} needs the backbone {name} with the SHA-256 "
                    f"{sha256[:12]}…, which is not installed."
                )
        return self._loaded[sha256]


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _described(document: str | None, name: str) -> dict[str, Any]:
    try:
        raw = json.loads(document or "")
        known = raw["schema"] == SCHEMA
        right = all(isinstance(raw[key], str) for key in ("name", "origin"))
        side = raw["side"]
        right = right and isinstance(side, int) and 32 <= side <= 1024
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelRefusedError(f"{name} is not a backbone of Elascope.", repr(error)) from error
    if not known or not right:
        raise ModelRefusedError(f"The description of the backbone {name} is not one it can use.")
    return dict(raw)
