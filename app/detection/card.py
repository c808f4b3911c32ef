"""The model card: the JSON document inside a model's ONNX metadata.

It says what the model answers, how pixels become its input, how its output becomes a
calibrated score, where the operating point lies, and what was measured on which data. A model
without one is not used. docs/model-card.md describes every field for people who build models.
"""

import dataclasses
import json
import math
import re
import types
import typing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from app.analysis.recompress import SUBSAMPLINGS
from app.errors import ModelRefusedError

SCHEMA = 3
"""Version of the card's schema that this program writes, and the newest it reads."""

_POINTS_SCHEMA = 2
"""First schema with calibration points: a program that knows 1 only would overlook them."""

_BACKBONE_SCHEMA = 3
"""First schema with a backbone or a map; a program that knows 2 only has no input for such."""

METADATA_KEY = "elascope.card"
"""Key of the card in the ONNX file's metadata."""

_LARGEST_LOGIT = 1_000_000
"""Of a calibration point; differences of larger ones could be beyond any float."""

INPUT_NAME = "image"
"""Name of the input with prepared pixels: float32, (batch, channels, height, width)."""

FEATURE_NAMES = ("summary", "patches")
"""Names of the inputs with a backbone's features: float32, (batch, blocks, width) and (batch, taps,
patches, width); see `app.detection.backbone.Features`."""


PLANES = ("ela", "rgb", "noise")
"""What an input may hold, three channels each; see `app.detection.prepare.plane_of`."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How full-resolution pixels become the model's input; see `app.detection.prepare`.

    Attributes:
        planes: what the channels are, in order, of `PLANES`; three channels each.
        height: of the input, in its own pixels.
        width: of the input.
        quality: of the ELA round trip, 1..100.
        subsampling: of the ELA round trip.
        reduction: how full resolution is reduced; ``area_mean`` is the only one.
        encoder_fingerprint: `EncoderIdentity.fingerprint` of the encoder used in training.
    """

    planes: tuple[str, ...]
    height: int
    width: int
    quality: int
    subsampling: str
    reduction: str
    encoder_fingerprint: str

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return 3 * len(self.planes)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logit to score, by a sigmoid or by points.

    Without points it is Platt scaling, score = 1 / (1 + exp(-(slope * logit + offset))), or
    temperature scaling when the offset is 0. With points the score lies on the straight lines
    between them, beyond the ends it stays that of the end, and slope and offset only say what
    Platt scaling would have been.

    Sources: J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999; B. Zadrozny and
    C. Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates",
    2002; C. Guo et al., "On Calibration of Modern Neural Networks", 2017.

    Attributes:
        slope: above 0.
        offset: of the sigmoid's exponent.
        points: (logit, score) with rising logits and scores that never fall; empty for a sigmoid.
    """

    slope: float
    offset: float
    points: tuple[tuple[float, float], ...] = ()

    @property
    def method(self) -> str:
        """What it is called, for people."""
        if self.points:
            return "isotonic regression"
        return "Platt scaling" if self.offset else "temperature scaling"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on the calibrated score, and what it costs.

    Attributes:
        false_alarm_rate: the rate it was set for on the calibration data, 0..1.
        threshold: scores at or above it are positive.
    """

    false_alarm_rate: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Question:
    """One question that the model answers with one output.

    Attributes:
        id: word for columns and files, such as ``tampered`` or ``generated``.
        text: the question as the analyst reads it.
        output: name of the ONNX output with its logit, float32, (batch, 1).
        positive: what a positive answer says, in words.
        negative: what a negative answer says, in words.
        calibration: logit to score.
        operating_point: the threshold in force.
        inconclusive_below: scores from here up to the threshold are inconclusive; below are
            negative.
        miss_rate: share of positive calibration images below ``inconclusive_below``, 0..1.
        reference_population: the images for which the rates were measured, in words.
    """

    id: str
    text: str
    output: str
    positive: str
    negative: str
    calibration: Calibration
    operating_point: OperatingPoint
    inconclusive_below: float
    miss_rate: float
    reference_population: str


@dataclass(frozen=True, slots=True)
class Validity:
    """Which images the model may be asked about; it gives no score for others.

    Attributes:
        formats: containers it was validated on.
        minimum_side: shortest allowed side in pixels.
        maximum_side: longest allowed side in pixels.
        maximum_aspect: longest side divided by shortest, at most.
        photographs_only: drawings, screenshots and documents get no score; see
            `app.detection.content`.
    """

    formats: tuple[str, ...]
    minimum_side: int
    maximum_side: int
    maximum_aspect: float
    photographs_only: bool = False


@dataclass(frozen=True, slots=True)
class BackboneReference:
    """The backbone whose features are a model's input; see `app.detection.backbone`.

    Attributes:
        name: of its folder.
        sha256: of its file; with any other the model's numbers mean nothing.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Where:
    """How a model says where in a picture; see `app.detection.where`.

    Attributes:
        question: id of the question that the map belongs to.
        output: name of the model's output with the coarse map, logits (batch, 1, rows, columns)
            over the whole picture.
        network: SHA-256 of ``where.onnx`` beside the model, which refines the coarse map at native
            resolution; empty without one.
        planes: of that network's input, before the coarse map, which is its last plane.
        tile: side of its input in pixels.
        threshold: values of the map, 0..1, from here on are marked.
        smallest_share: marked regions below this share of the picture are left out.
    """

    question: str
    output: str
    network: str
    planes: tuple[str, ...]
    tile: int
    threshold: float
    smallest_share: float


@dataclass(frozen=True, slots=True)
class CopyMoveEvidence:
    """How much the search for copies counts in a score; see `app.analysis.copy_move`.

    Attributes:
        question: id of the question whose logit gets ``weight`` times the strength of the finding.
        weight: 0 or more, in logits.
        megapixels: that larger pictures are reduced to for the search.
        version: of the method; strengths of another one mean something else.
    """

    question: str
    weight: float
    megapixels: float
    version: int


@dataclass(frozen=True, slots=True)
class Training:
    """Where the weights came from.

    Attributes:
        recipe: name of the recipe.
        seed: of splits, save pipeline and initialisation.
        date: ISO 8601.
        data: the corpora with their licences, in words.
        data_manifest_sha256: over the sorted list of (file SHA-256, label, part).
        split: method and sizes, in words.
        versions: of the libraries.
        config: every field of the recipe as it ran.
    """

    recipe: str
    seed: int
    date: str
    data: str
    data_manifest_sha256: str
    split: str
    versions: dict[str, str]
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything a reader of a verdict may ask about the model.

    Attributes:
        schema: of this document.
        name: of the model, as ``--model`` takes it.
        version: of the model.
        summary: what it is, in a sentence.
        licence: of the weights and of the data they came from.
        preparation: pixels to input.
        questions: one or more.
        validity: what it may be asked about.
        limits: what it does not detect, a sentence each.
        training: where the weights came from.
        results: measured results by name of the data set; free form, numbers as measured.
        backbone: whose features the model takes in place of prepared pixels.
        where: how it says where; None for a model that does not.
        copy_move: how much copies count; None where they are not looked for.
    """

    schema: int
    name: str
    version: str
    summary: str
    licence: str
    preparation: Preparation
    questions: tuple[Question, ...]
    validity: Validity
    limits: tuple[str, ...]
    training: Training
    results: dict[str, Any] = field(default_factory=dict)
    backbone: BackboneReference | None = None
    where: Where | None = None
    copy_move: CopyMoveEvidence | None = None

    def to_json(self) -> str:
        """The document as it is stored."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)


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
