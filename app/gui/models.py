"""The models of the window: loaded when first needed, on whichever thread needs them."""

import threading
from collections.abc import Sequence
from pathlib import Path

from app.detection.card import ModelCard
from app.detection.detector import Detector
from app.detection.library import load_detectors
from app.detection.verdict import Verdict
from app.gui.inspection import Inspection


class Models:
    """Loads the installed models once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._detectors: tuple[Detector, ...] | None = None

    def load(self) -> tuple[Detector, ...]:
        """All detectors; blocks while they load.

        Raises:
            ModelRefusedError: a model is unusable.
        """
        with self._lock:
            if self._detectors is None:
                self._detectors = load_detectors([], self._folders)
            return self._detectors

    def judge(self, inspection: Inspection) -> list[tuple[ModelCard, Verdict]]:
        """Every answer on an opened image, with the card of the model that gave it."""
        return [
            (detector.card, verdict)
            for detector in self.load()
            for verdict in detector.judge(inspection.image)
        ]
