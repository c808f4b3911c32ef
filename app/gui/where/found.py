"""What was found on one image, and how it is put. No Qt here: it is made on worker threads."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from app.analysis.copy_move import CopyMoveParams, copy_move
from app.analysis.copy_move_reading import MEANING as COPY_MEANING
from app.analysis.copy_move_reading import parameters_line, sentences
from app.analysis.localisation import HeatU8, Localisation, find_regions
from app.analysis.memory import memory_translated
from app.gui.models import Models
from app.gui.table.inspection import Inspection
from app.report.agreement import counted, share_of

COPY_MOVE = "copy-move"
"""Stands where a map of a model has the id of its question."""

Progress = Callable[[float], None]

_TOP = 256
_MEANING = (
    "A marked place is consistent with an alteration there. Untouched pictures have such places "
    "too: texture, writing and hard edges draw them. What is not marked is not thereby untouched."
)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A localisation of one image, with what the window needs to show it.

    Attributes:
        inspection: the image.
        method: id of the question that a model answered, or `COPY_MOVE`.
        title: what the map shows, in a few words.
        by: the method with its version.
        own: as the method gave it.
        shown: the same with another threshold, or ``own``.
        levels: the map at full, half, quarter … size, for painting it small.
        strongest: largest value of the map, 0..1.
    """

    inspection: Inspection
    method: str
    title: str
    by: str
    own: Localisation
    shown: Localisation
    levels: tuple[HeatU8, ...]
    strongest: float

    @property
    def caption(self) -> str:
        """Which method with which parameters, in one line."""
        if self.method == COPY_MOVE:
            return f"{self.by} · {parameters_line(self.shown).removesuffix('.')}"
        parameters = self.shown.record["parameters"]
        smallest = parameters["smallest_share"]
        return (
            f"{self.by} · threshold {self.shown.threshold:.3g} (its own "
            f"{self.own.threshold:.3g}) · regions from {smallest:.2%} of the picture"
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, what it may mean and may not, the most important first."""
        if self.method == COPY_MOVE:
            return sentences(self.shown)
        return (self._marked(), _MEANING)

    @property
    def reading(self) -> str:
        """The first of the sentences, with what must not be missing beside them."""
        if self.method == COPY_MOVE:
            return " ".join([sentences(self.shown)[0], COPY_MEANING if self.shown.regions else ""])
        return f"{self._marked()} {_MEANING}"

    def _marked(self) -> str:
        regions, threshold = self.shown.regions, self.shown.threshold
        if not regions:
            return (
                f"No region reaches the threshold of {threshold:.3g}; the strongest evidence is "
                f"{self.strongest:.2f}."
            )
        return (
            f"{counted(len(regions))} marked at the threshold of {threshold:.3g}, "
            f"{share_of(self.shown)} of the picture."
        )


@memory_translated()
def search_copies(
    inspection: Inspection,
    params: CopyMoveParams,
    stop: threading.Event,
    progress: Progress,
) -> Found:
    """Look for parts of the picture that are there twice.

    Raises:
        CancelledError: ``stop`` was set.
        TooLargeError: memory ran out.
    """
    own = copy_move(inspection.image.pixels, params, stop, progress)
    by = f"Copy-move, version {own.record['version']}"
    return _found(inspection, COPY_MOVE, "Parts that show the same", by, own)


@memory_translated()
def ask_model(
    models: Models,
    inspection: Inspection,
    question: str,
    stop: threading.Event,
    progress: Progress,
) -> Found:
    """Ask a model where in the picture it sees what it was asked for.

    Args:
        models: the installed ones.
        inspection: the image.
        question: id; empty for the first model that says where.
        stop: looked at between steps.
        progress: told the share of the work that is done, 0..1.

    Raises:
        CancelledError: ``stop`` was set.
        ModelRefusedError: no model says where, or the picture is outside its validity.
        TooLargeError: the picture cannot be prepared.
    """
    card, own = models.locate(inspection, question, stop, progress)
    assert card.where is not None
    title = (
        "Where the model sees alterations"
        if card.where.question == "tampered"
        else f"Where the model finds: {card.where.question}"
    )
    return _found(inspection, card.where.question, title, f"{card.name} {card.version}", own)


def with_threshold(found: Found, threshold: float) -> Found:
    """The regions of a model's map at another threshold; the map stays as it is."""
    if threshold == found.own.threshold:
        return dataclasses.replace(found, shown=found.own)
    own = found.own
    parameters: Mapping[str, Any] = own.record["parameters"]
    smallest = max(int(parameters["smallest_share"] * own.width * own.height), 1)
    shown = dataclasses.replace(
        own,
        threshold=threshold,
        regions=find_regions(own.heat, own.width, own.height, threshold, smallest),
        record={**own.record, "parameters": {**parameters, "threshold": threshold}},
    )
    return dataclasses.replace(found, shown=shown)


def _found(inspection: Inspection, method: str, title: str, by: str, own: Localisation) -> Found:
    levels = _levels(own.heat)
    return Found(inspection, method, title, by, own, own, levels, int(own.heat.max()) / 255)


def _levels(heat: HeatU8) -> tuple[HeatU8, ...]:
    levels = [heat]
    while max(heat.shape) > _TOP:
        half = max(heat.shape[1] // 2, 1), max(heat.shape[0] // 2, 1)
        heat = np.asarray(cv2.resize(heat, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        levels.append(heat)
    return tuple(levels)
