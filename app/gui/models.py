"""The models of the window: loaded when first needed, on whichever thread needs them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.analysis.localisation import Localisation
from app.analysis.survey import heed
from app.detection.card import ModelCard
from app.detection.detector import Detector
from app.detection.judging import judge_in_steps, refusal_of
from app.detection.library import ModelChoice
from app.detection.verdict import Verdict
from app.errors import ModelRefusedError
from app.gui.table.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Answers:
    """What the models say about one image.

    Attributes:
        each: every answer with the card of the model that gave it.
        preliminary: how steady they are is still being tried; they may become inconclusive.
    """

    each: tuple[tuple[ModelCard, Verdict], ...]
    preliminary: bool = False


class Models:
    """Loads the installed models once.

    Attributes:
        choice: all that are installed, for processes that load them, too.
        refusals: sentences on models that are not used; empty before `load`.
    """

    def __init__(self, folders: Sequence[Path], backbones: Sequence[Path] = ()) -> None:
        self.choice = ModelChoice(tuple(folders), tuple(backbones))
        self._lock = threading.Lock()
        self._detectors: tuple[Detector, ...] | None = None
        self.refusals: tuple[str, ...] = ()

    def load(self) -> tuple[Detector, ...]:
        """All usable detectors; blocks while they load. Then ``refusals`` says what is not."""
        with self._lock:
            if self._detectors is None:
                self._detectors, refused = self.choice.load()
                self.refusals = tuple(error.sentence for error in refused)
            return self._detectors

    def judge(self, inspection: Inspection, stop: threading.Event) -> Iterator[Answers]:
        """Every answer on an opened image: quickly first, then tried with variations of it.

        Raises:
            CancelledError: ``stop`` was set.
            TooLargeError: the image cannot be prepared.
        """
        detectors = self.load()
        cards = [detector.card for detector in detectors for _ in detector.card.questions]
        heed(stop)
        steps = judge_in_steps(detectors, inspection.image)
        quick = next(steps)
        scored = any(verdict.score is not None for verdict in quick)
        yield Answers(tuple(zip(cards, quick, strict=True)), preliminary=scored)
        heed(stop)
        for tried in steps:
            yield Answers(tuple(zip(cards, tried, strict=True)))

    def locate(
        self,
        inspection: Inspection,
        question: str,
        stop: threading.Event,
        progress: Callable[[float], None],
    ) -> tuple[ModelCard, Localisation]:
        """Where a model finds what it was asked for, and its card.

        Args:
            inspection: the image.
            question: id; empty for the first model that says where.
            stop: looked at between steps.
            progress: told the share of the work that is done, 0..1.

        Raises:
            CancelledError: ``stop`` was set.
            ModelRefusedError: no model says where, or the picture is outside its validity.
            TooLargeError: the image cannot be prepared.
        """
        for detector in self.load():
            where = detector.card.where
            if where is None or question not in ("", where.question):
                continue
            heed(stop)
            if refusal := refusal_of(detector, inspection.image):
                raise ModelRefusedError(f"There is no map of this picture. {refusal}")
            return detector.card, detector.locate(inspection.image.pixels, stop, progress)
        raise ModelRefusedError("No installed model says where in a picture it sees something.")
