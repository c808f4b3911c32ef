"""The JSON with reference vectors inside an ONNX file; see `trainer.publishing.reference`."""

import base64
import binascii
import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from app.errors import ModelRefusedError
from app.foreign_json import FaultError, NotJsonError, deeper_than, parse, typed, typed_digest

SCHEMA = 1
"""Version of the document that this trainer writes, and the newest it reads."""

REFERENCE_KEY = "elascope.reference"
"""Key of the document in the ONNX file's metadata."""

GRID = 4
"""Masks are recorded at the centres of this many rows and columns of equal parts."""

_LARGEST_DOCUMENT = 32 << 20
_MOST_PICTURES = 16
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network gave for one picture.

    Attributes:
        logits: by the question's id.
        mask: logits at the centres of `GRID` x `GRID` equal parts, row by row; None without mask.
    """

    logits: Mapping[str, float]
    mask: tuple[float, ...] | None

    def numbers(self) -> tuple[float, ...]:
        """All of them, logits first."""
        return (*self.logits.values(), *(self.mask or ()))


@dataclass(frozen=True, slots=True)
class ReferencePicture:
    """One picture, and what becomes of it.

    Attributes:
        name: for people.
        png: the picture as a PNG file.
        sha256: over height x width x 3 bytes of RGB, row by row.
        means: of each channel of the prepared input, grey levels.
        torch: what the trained network gave, in float32.
        int8: what onnxruntime gave after quantisation; None in a model that was not quantised.
    """

    name: str
    png: bytes
    sha256: str
    means: tuple[float, ...]
    torch: Answer
    int8: Answer | None = None

    @property
    def expected(self) -> Answer:
        """What the model that holds this picture gives for it."""
        return self.int8 or self.torch


def to_json(pictures: tuple[ReferencePicture, ...]) -> str:
    """The document as it is stored."""
    listed = [
        {**dataclasses.asdict(picture), "png": base64.b64encode(picture.png).decode()}
        for picture in pictures
    ]
    return json.dumps({"schema": SCHEMA, "pictures": listed}, indent=1, allow_nan=False)


def read_reference(content: bytes, model: str) -> tuple[ReferencePicture, ...]:
    """The reference pictures in the ONNX file ``content`` of the model called ``model``.

    Raises:
        ModelRefusedError: no ONNX file, no reference vectors, a newer schema, or a document that
            does not make sense. Whether it fits the model is not looked at.
    """
    try:
        entries = onnx.load_from_string(content).metadata_props
    except Exception as error:
        # protobuf raises classes of its own, which differ between its versions.
        raise ModelRefusedError(f"The model {model} is not a usable ONNX file.") from error
    found = [entry.value for entry in entries if entry.key == REFERENCE_KEY]
    if not found:
        raise ModelRefusedError(
            f"The model {model} carries no reference vectors, so it cannot be verified: an older "
            "elascope-trainer or another tool exported it."
        )
    try:
        if len(found) > 1:
            raise FaultError("there are two of them")
        if len(found[0]) > _LARGEST_DOCUMENT:
            raise FaultError(f"they are longer than {_LARGEST_DOCUMENT >> 20} MiB")
        return _pictures(parse(found[0].encode()))
    except NotJsonError as error:
        raise ModelRefusedError(
            f"The reference vectors of the model {model} cannot be read.", repr(error)
        ) from error
    except FaultError as error:
        raise ModelRefusedError(
            f"The reference vectors of the model {model} are not valid: {error}."
        ) from error


def _pictures(raw: Any) -> tuple[ReferencePicture, ...]:
    if not isinstance(raw, dict) or deeper_than(6, raw):
        raise FaultError("they are not an object of known shape")
    schema = typed(raw, "schema", int)
    if schema != SCHEMA:
        raise FaultError(f"they have the schema {schema}, this trainer knows {SCHEMA}")
    listed = typed(raw, "pictures", list)
    if not 1 <= len(listed) <= _MOST_PICTURES:
        raise FaultError(f"there are {len(listed)} pictures, not 1 to {_MOST_PICTURES}")
    return tuple(_picture(entry, f"pictures[{i}]") for i, entry in enumerate(listed))


def _picture(raw: Any, where: str) -> ReferencePicture:
    if not isinstance(raw, dict):
        raise FaultError(f"{where} is not an object")
    name = typed(raw, "name", str, where)
    if not (name.isprintable() and 1 <= len(name) <= _LONGEST_NAME):
        raise FaultError(f"{where}.name is no name")
    text = typed(raw, "png", str, where)
    try:
        png = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FaultError(f"{where}.png is not in base64") from error
    int8 = raw.get("int8")
    return ReferencePicture(
        name,
        png,
        typed_digest(raw, "sha256", where),
        _numbers(typed(raw, "means", list, where), f"{where}.means"),
        _answer(raw.get("torch"), f"{where}.torch"),
        None if int8 is None else _answer(int8, f"{where}.int8"),
    )


def _answer(raw: Any, where: str) -> Answer:
    if not isinstance(raw, dict):
        raise FaultError(f"{where} is not an object")
    logits = typed(raw, "logits", dict, where)
    numbers = _numbers(list(logits.values()), f"{where}.logits")
    mask = None
    if raw.get("mask") is not None:
        mask = _numbers(typed(raw, "mask", list, where), f"{where}.mask")
        if len(mask) != GRID * GRID:
            raise FaultError(f"{where}.mask has {len(mask)} numbers, not {GRID * GRID}")
    return Answer(dict(zip(logits, numbers, strict=True)), mask)


def _numbers(raw: list[Any], where: str) -> tuple[float, ...]:
    """Finite ones: JSON as Python reads it knows 1e999, and integers beyond any float."""
    try:
        if any(isinstance(number, bool) or not isinstance(number, int | float) for number in raw):
            raise FaultError(f"{where} holds something that is not a number")
        numbers = tuple(float(number) for number in raw)
    except OverflowError as error:
        raise FaultError(f"{where} holds a number beyond all measure") from error
    if not all(map(math.isfinite, numbers)):
        raise FaultError(f"{where} holds a number beyond all measure")
    return numbers
