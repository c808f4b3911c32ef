"""The models of the window: loaded when first needed, on whichever thread needs them."""

import threading
from collections.abc import Sequence
from pathlib import Path

from app.detection.backbone import Backbones
from app.detection.card import ModelCard
from app.detection.detector import Detector
from app.detection.judging import judge
from app.detection.library import load_installed
from app.detection.verdict import Verdict
from app.gui.table.inspection import Inspection


class Models:
    """Loads the installed models once.

    Attributes:
        refusals: sentences on models that are not used; empty before `load`.
    """

    def __init__(self, folders: Sequence[Path], backbones: Sequence[Path] = ()) -> None:
        self._folders = folders
        self._backbones = backbones
        self._lock = threading.Lock()
        self._detectors: tuple[Detector, ...] | None = None
        self.refusals: tuple[str, ...] = ()

    def load(self) -> tuple[Detector, ...]:
        """All usable detectors; blocks while they load. Then ``refusals`` says what is not."""
        with self._lock:
            if self._detectors is None:
                self._detectors, refused = load_installed(self._folders, Backbones(self._backbones))
                self.refusals = tuple(error.sentence for error in refused)
            return self._detectors

    def judge(self, inspection: Inspection) -> list[tuple[ModelCard, Verdict]]:
        """Every answer on an opened image, with the card of the model that gave it."""
        detectors = self.load()
        cards = [detector.card for detector in detectors for _ in detector.card.questions]
        return list(zip(cards, judge(detectors, inspection.image), strict=True))
