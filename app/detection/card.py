"""The model card: the JSON document inside a model's ONNX metadata.

It says what the model answers, how pixels become its input, how its output becomes a
calibrated score, where the operating point lies, and what was measured on which data. A model
without one is not used. docs/model-card.md describes every field for people who build models.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 3
"""Version of the card's schema that this program writes, and the newest it reads."""

METADATA_KEY = "elascope.card"
"""Key of the card in the ONNX file's metadata."""

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
