"""Localisations made by hand, and a stand-in for the models that answers when it is told to."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.analysis.copy_move import CopyMoveParams
from app.analysis.localisation import Correspondence, FoundRegion, HeatU8, Localisation
from app.analysis.region import Region
from app.detection.card import ModelCard, Where
from app.errors import CancelledError
from app.gui.table.inspection import Inspection
from app.gui.where.found import COPY_MOVE, Found
from tests.models import card

WHERE = Where("tampered", "where", "", (), 256, threshold=0.5, smallest_share=0.0)


def where_card() -> ModelCard:
    """Of a model that says where."""
    return card(schema=3, where=WHERE, validity={"formats": ("PNG", "JPEG")})


def box_region(box: Region, width: int, height: int, score: float) -> FoundRegion:
    """A rectangle."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    corners = ((left, top), (left, bottom), (right, bottom), (right, top))
    return FoundRegion((corners,), box.area, box.area / (width * height), score, box)


def boxes_heat(width: int, height: int, *boxes: tuple[Region, int]) -> HeatU8:
    """A map at full size: a value in each box, 0 elsewhere."""
    heat = np.zeros((height, width), np.uint8)
    for box, value in boxes:
        box.of(heat)[:] = value
    return heat


def model_map(width: int, height: int, *boxes: tuple[Region, int]) -> Localisation:
    """What a model might find, marked from 0.5 on."""
    regions = [
        box_region(box, width, height, value / 255) for box, value in boxes if value >= 127.5
    ]
    regions.sort(key=lambda region: -region.area)
    record = {"method": "where", "parameters": {"threshold": 0.5, "smallest_share": 0.0}}
    heat = boxes_heat(width, height, *boxes)
    return Localisation(heat, width, height, 0.5, tuple(regions), record=record)


def copies(width: int, height: int, one: Region, other: Region) -> Localisation:
    """A pair of regions that show the same."""
    regions = tuple(box_region(box, width, height, 1.0) for box in (one, other))
    across, down = other.left - one.left, other.top - one.top
    pair = Correspondence(
        source=0,
        target=1,
        transform=((1.0, 0.0, float(across)), (0.0, 1.0, float(down))),
        degrees=-12.4,
        scale=1.25,
        mirrored=True,
        shift=(float(across), float(down)),
        matches=37,
        correlation=0.91,
    )
    record = {
        "method": "copy-move",
        "version": 1,
        "parameters": CopyMoveParams().values(),
        "searched": {"width": width, "height": height, "key_points": 400},
    }
    heat = boxes_heat(width, height, (one, 255), (other, 255))
    return Localisation(heat, width, height, 0.75, regions, (pair,), 1.0, record)


def nothing_copied(width: int, height: int) -> Localisation:
    """A search without a result."""
    heat = np.zeros((height, width), np.uint8)
    record = {
        "method": "copy-move",
        "version": 1,
        "parameters": CopyMoveParams().values(),
        "searched": {"width": width, "height": height, "key_points": 400},
    }
    return Localisation(heat, width, height, 0.75, strength=0.1, record=record)


def as_found(inspection: Inspection, own: Localisation) -> Found:
    """A localisation on an image, as the window keeps it."""
    method = COPY_MOVE if own.record.get("method") == "copy-move" else "tampered"
    strongest = int(own.heat.max()) / 255
    return Found(
        inspection, method, "What was found", "maker 1.0", own, own, (own.heat,), strongest
    )


class Answering:
    """Stands in for `Models.locate`; with a gate it waits there, and heeds being stopped."""

    def __init__(self, answer: Callable[[Inspection], Localisation], gated: bool = False) -> None:
        self._answer = answer
        self.asked: list[tuple[Path, str]] = []
        self.gate = threading.Event()
        self.stopped = threading.Event()
        if not gated:
            self.gate.set()

    def __call__(
        self,
        inspection: Inspection,
        question: str,
        stop: threading.Event,
        progress: Callable[[float], None],
    ) -> tuple[ModelCard, Localisation]:
        self.asked.append((inspection.path, question))
        progress(0.25)
        end = time.monotonic() + 20
        while not self.gate.wait(0.005):
            if stop.is_set() or time.monotonic() > end:
                self.stopped.set()
                raise CancelledError("Cancelled.")
        return where_card(), self._answer(inspection)
