"""Reading a model card: from the JSON document to a `ModelCard`, or a refusal in words."""

import dataclasses
import json
import math
import re
import types
import typing
from itertools import pairwise
from typing import Any, TypeVar

from app.analysis.recompress import SUBSAMPLINGS
from app.detection.card import PLANES, SCHEMA, ModelCard, Where
from app.errors import ModelRefusedError

_POINTS_SCHEMA = 2
"""First schema with calibration points: a program that knows 1 only would overlook them."""

_BACKBONE_SCHEMA = 3
"""First schema with a backbone or a map; a program that knows 2 only has no input for such."""

_LARGEST_LOGIT = 1_000_000
"""Of a calibration point; differences of larger ones could be beyond any float."""


def parse_card(document: str | None, model: str) -> ModelCard:
    """Read the card of the model called ``model``.

    Raises:
        ModelRefusedError: no card, a newer schema, or a card that does not make sense.
    """
    if not document:
        raise ModelRefusedError(
            f"The model {model} carries no model card, so its output has no known meaning. "
            "Export it with elascope-trainer."
        )
    try:
        raw = json.loads(document)
        schema = raw["schema"]
        if not isinstance(schema, int) or schema < 1:
            raise _CardError("schema is not a version")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelRefusedError(
            f"The card of the model {model} cannot be read.", repr(error)
        ) from error
    if schema > SCHEMA:
        raise ModelRefusedError(
            f"The card of the model {model} has schema {schema}; this program knows up to "
            f"{SCHEMA}. A newer Elascope is needed for it."
        )
    try:
        card = _build(ModelCard, raw, "card")
        _check(card)
        _check_representable(raw)
    except (_CardError, RecursionError) as error:
        raise ModelRefusedError(
            f"The card of the model {model} is not valid: {error}.", repr(error)
        ) from error
    return card


class _CardError(ValueError):
    """What is wrong with a card, in words."""


def _check(card: ModelCard) -> None:
    preparation = card.preparation
    if not preparation.planes or set(preparation.planes) - set(PLANES):
        raise _CardError(f"unknown input planes {', '.join(preparation.planes) or '(none)'}")
    if preparation.reduction != "area_mean":
        raise _CardError(f"unknown reduction {preparation.reduction}")
    if not 1 <= preparation.quality <= 100 or preparation.subsampling not in SUBSAMPLINGS:
        raise _CardError("the ELA settings are out of range")
    if not (8 <= preparation.height <= 4096 and 8 <= preparation.width <= 4096):
        raise _CardError("the input size is out of range")
    if not card.questions:
        raise _CardError("it names no question")
    if (card.backbone or card.where or card.copy_move) and card.schema < _BACKBONE_SCHEMA:
        raise _CardError(f"a backbone, a map or copies need schema {_BACKBONE_SCHEMA}")
    if copies := card.copy_move:
        if copies.question not in [question.id for question in card.questions]:
            raise _CardError("copies count for no question")
        if not (0 <= copies.weight <= 100 and 0.25 <= copies.megapixels <= 8):
            raise _CardError("the settings of the search for copies are out of range")
    if card.backbone and not re.fullmatch(r"[0-9a-f]{64}", card.backbone.sha256):
        raise _CardError("the hash of its backbone is no SHA-256")
    if card.where:
        _check_where(card.where, card)
    identifiers = [question.id for question in card.questions]
    if len(set(identifiers)) != len(identifiers):
        raise _CardError("a question is named twice")
    for question in card.questions:
        if not (question.id.isascii() and question.id.isidentifier()):
            raise _CardError(f"{question.id!r} is not a name for a question")
        if not 0 <= question.inconclusive_below <= question.operating_point.threshold <= 1:
            raise _CardError(f"the thresholds of {question.id} are not in order")
        rates = question.miss_rate, question.operating_point.false_alarm_rate
        if not all(0 <= rate <= 1 for rate in rates):
            raise _CardError(f"the rates of {question.id} are not between 0 and 1")
        if question.calibration.slope <= 0:
            raise _CardError(f"the calibration of {question.id} turns the score around")
        if points := question.calibration.points:
            if card.schema < _POINTS_SCHEMA:
                raise _CardError(f"calibration points need schema {_POINTS_SCHEMA}")
            _check_points(points, question.id)


def _check_where(where: Where, card: ModelCard) -> None:
    if where.question not in [question.id for question in card.questions]:
        raise _CardError("its map belongs to no question")
    if where.network and not re.fullmatch(r"[0-9a-f]{64}", where.network):
        raise _CardError("the hash of its network for the map is no SHA-256")
    if set(where.planes) - set(PLANES) or (where.network and not where.planes):
        raise _CardError("the planes of its map are unknown")
    if not (128 <= where.tile <= 1024 and where.tile % 32 == 0):
        raise _CardError("the tiles of its map have no usable size")
    if not (0 < where.threshold < 1 and 0 <= where.smallest_share < 1):
        raise _CardError("the threshold of its map is out of range")


def _check_points(points: tuple[tuple[float, float], ...], identifier: str) -> None:
    logits, scores = zip(*points, strict=True)
    if any(abs(logit) > _LARGEST_LOGIT for logit in logits):
        raise _CardError(f"a calibration point of {identifier} lies beyond {_LARGEST_LOGIT:,}")
    if any(after <= before for before, after in pairwise(logits)):
        raise _CardError(f"the calibration points of {identifier} are not in order of their logits")
    if not all(0 <= score <= 1 for score in scores):
        raise _CardError(f"a calibration point of {identifier} has no score between 0 and 1")
    if any(after < before for before, after in pairwise(scores)):
        raise _CardError(f"the calibration of {identifier} turns the score around")
    if scores[0] == scores[-1]:
        raise _CardError(f"the calibration of {identifier} gives the same score to all")


def _check_representable(raw: Any) -> None:
    """Refuse what JSON escapes can say but no screen or report can: NaN, lone surrogates."""
    try:
        json.dumps(raw, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise _CardError("it holds text or numbers that cannot be written down") from error


_T = TypeVar("_T")


def _build(wanted: type[_T], raw: Any, where: str) -> _T:
    """Make the dataclass ``wanted`` from JSON values, refusing wrong types.

    Unknown fields are ignored: a later version may add some without a new schema.
    """
    if not isinstance(raw, dict):
        raise _CardError(f"{where} is not an object")
    hints = typing.get_type_hints(wanted)
    values = {}
    for item in dataclasses.fields(wanted):  # type: ignore[arg-type]
        if item.name in raw:
            values[item.name] = _value(hints[item.name], raw[item.name], f"{where}.{item.name}")
        elif item.default is item.default_factory is dataclasses.MISSING:
            raise _CardError(f"{where}.{item.name} is missing")
    return wanted(**values)


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:  # X | None
        inner = next(one for one in typing.get_args(hint) if one is not type(None))
        return None if raw is None else _value(inner, raw, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise _CardError(f"{where} is not a list")
        inner, *rest = typing.get_args(hint)
        if Ellipsis not in rest and len(raw) != 1 + len(rest):
            raise _CardError(f"{where} is not a list of {1 + len(rest)}")
        return tuple(_value(inner, entry, f"{where}[{i}]") for i, entry in enumerate(raw))
    if origin is dict:
        if not isinstance(raw, dict):
            raise _CardError(f"{where} is not an object")
        inner = typing.get_args(hint)[1]
        return raw if inner is Any else {k: _value(inner, v, where) for k, v in raw.items()}
    if hint is float and isinstance(raw, int | float) and not isinstance(raw, bool):
        return _finite(raw, where)
    if not isinstance(raw, hint) or (isinstance(raw, bool) and hint is not bool):
        raise _CardError(f"{where} is not of the type {hint.__name__}")
    return raw


def _finite(raw: float, where: str) -> float:
    """JSON as Python reads it knows integers beyond any float, and 1e999 as infinity."""
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _CardError(f"{where} is not a finite number")
    return number
