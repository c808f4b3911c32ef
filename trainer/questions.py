"""What a model is asked, in words, and its score: calibration and operating point."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.detection.card import Calibration, OperatingPoint, Question
from trainer.config import Recipe
from trainer.corpus.examine import GENERATED, TAMPERED
from trainer.data import Data
from trainer.measures.calibrate import MISS_RATE, fit_thresholds
from trainer.measures.metrics import Scores, probabilities_of


@dataclass(frozen=True, slots=True)
class Wording:
    """A question and its answers; fields as in `Question`."""

    id: str
    text: str
    positive: str
    negative: str
    classes: tuple[str, str]

    def question(
        self, calibration: Calibration, point: OperatingPoint, below: float, population: str
    ) -> Question:
        """The question with its calibration, operating point and reference population."""
        return Question(
            id=self.id,
            text=self.text,
            output=f"{self.id}_logit",
            positive=self.positive,
            negative=self.negative,
            calibration=calibration,
            operating_point=point,
            inconclusive_below=below,
            miss_rate=MISS_RATE,
            reference_population=population,
        )


ALTERED_AT_ALL = Wording(
    id="tampered",
    text="Was this picture altered?",
    positive="Consistent with an alteration.",
    negative="Consistent with a picture that was not altered.",
    classes=("untouched pictures", "altered ones"),
)
MADE = Wording(
    id="generated",
    text="Was this picture made by a generator?",
    positive="Consistent with a picture that a generator made.",
    negative="Consistent with a picture that a camera took.",
    classes=("camera pictures", "generated ones"),
)


def wording_of(recipe: Recipe) -> Wording:
    """The question that a recipe's positive class asks."""
    if recipe.positive == GENERATED:
        return MADE
    if recipe.positive == TAMPERED:
        return ALTERED_AT_ALL
    kind = recipe.positive
    return Wording(
        id=kind.replace("-", "_"),
        text=f"Was this picture altered by {_MEANS[kind]}?",
        positive=f"Consistent with an alteration by {_MEANS[kind]}.",
        negative=f"No sign of {_MEANS[kind]}; other alterations were not asked for.",
        classes=("untouched pictures", f"pictures altered by {_MEANS[kind]}"),
    )


_MEANS = {
    "splice": "a splice",
    "copy-move": "copy-move",
    "removal": "a removal",
    "retouch": "retouching",
    "overlay": "an overlay",
}


def question_with(
    calibration: Calibration,
    recipe: Recipe,
    data: Data,
    scores: Scores,
    references: Mapping[str, Scores],
) -> Question:
    """Set the operating point on ``scores`` and on all ``references``.

    Args:
        calibration: of the logits.
        recipe: names the question.
        data: of the run, for the reference population.
        scores: of the calibration part.
        references: of the calibration halves of the reference folders.
    """
    words = wording_of(recipe)
    probabilities = probabilities_of(scores.logits, calibration)
    untouched = [probabilities[scores.labels == 0]]
    untouched += [probabilities_of(one.logits, calibration) for one in references.values()]
    point, below = fit_thresholds(untouched, probabilities[scores.labels == 1])
    corpora = sorted({example.corpus for example in data.split.parts["calibration"]})
    negatives, positives = words.classes
    saved = "resized and saved again once or twice" if recipe.resave is not None else "as published"
    return words.question(
        calibration,
        point,
        below,
        f"{negatives} ({', '.join((*corpora, *references))}) and {positives} "
        f"({', '.join(corpora)}) that trained nothing, {saved}.",
    )
