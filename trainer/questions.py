"""What a model is asked, in words, and its score: calibration and operating point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.detection.card import Question
from trainer.config import Recipe
from trainer.corpus.examine import GENERATED
from trainer.measures.calibrate import MISS_RATE, fit_calibration, fit_thresholds
from trainer.measures.metrics import Scores, probabilities_of


@dataclass(frozen=True, slots=True)
class Wording:
    """A question and its answers; fields as in `Question`."""

    id: str
    text: str
    positive: str
    negative: str
    classes: tuple[str, str]


TAMPERED = Wording(
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
    return MADE if recipe.positive == GENERATED else TAMPERED


def calibrated_question(
    recipe: Recipe, corpora: Sequence[str], scores: Scores, references: Mapping[str, Scores]
) -> Question:
    """Calibrate on ``scores``; set the operating point on these and on all ``references``.

    Args:
        recipe: names the question and the method.
        corpora: names of the data sets, for the reference population.
        scores: of the calibration part.
        references: of the calibration halves of the reference folders.

    Raises:
        ExportError: higher logits do not go with the positive class.
    """
    words = wording_of(recipe)
    calibration = fit_calibration(scores, recipe.calibration)
    probabilities = probabilities_of(scores.logits, calibration)
    untouched = [probabilities[scores.labels == 0]]
    untouched += [probabilities_of(one.logits, calibration) for one in references.values()]
    point, below = fit_thresholds(untouched, probabilities[scores.labels == 1])
    sets = ", ".join((*corpora, *references))
    negatives, positives = words.classes
    saved = "resized and saved again once or twice" if recipe.resave is not None else "as published"
    return Question(
        id=words.id,
        text=words.text,
        output=f"{words.id}_logit",
        positive=words.positive,
        negative=words.negative,
        calibration=calibration,
        operating_point=point,
        inconclusive_below=below,
        miss_rate=MISS_RATE,
        reference_population=f"{negatives} ({sets}) and {positives} ({', '.join(corpora)}) that "
        f"trained nothing, {saved}.",
    )
