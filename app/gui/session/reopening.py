"""A session that was opened: the window as it stood when the session was saved."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThreadPool

from app.analysis import ANALYSES
from app.evidence.guard import Guard
from app.gui.jobs import Channel
from app.gui.map_panel import MapPanel
from app.gui.notice import Notice
from app.gui.regions.desk import RegionDesk
from app.gui.table.inspection import Inspection, inspect
from app.gui.table.light_table import LightTable
from app.gui.window_state import take_up_regions, take_up_settings
from app.session import Session


class Reopening(QObject):
    """Takes up a session's settings at once, and the rest when its image is there.

    Args:
        table: that shows the images.
        map_panel: with analysis and parameters.
        regions: that were drawn.
        notice: says what did not work.
        open_paths: opens folders, beginning with an image.
        guard: decodes the reference image in a process of its own; None decodes here.
        pool: of the worker threads.
        parent: the window.
    """

    def __init__(
        self,
        table: LightTable,
        map_panel: MapPanel,
        regions: RegionDesk,
        notice: Notice,
        open_paths: Callable[[list[Path], Path | None], None],
        guard: Guard | None,
        pool: QThreadPool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._map_panel = map_panel
        self._regions = regions
        self._notice = notice
        self._open_paths = open_paths
        self._guard = guard
        self._waiting: dict[str, Any] = {}
        self._loading_reference = Channel(pool, self)

    def begin(self, session: Session) -> None:
        """Take up how the window stood when ``session`` was saved."""
        state = session.settings
        take_up_settings(state, ANALYSES, self._table, self._map_panel)
        self._waiting = dict(state)
        if session.roots:
            self._open_paths(list(session.roots), _path(state.get("image")))

    def go_on(self, inspection: Inspection) -> None:
        """Once the image of the session is there: its regions, and what it was compared with."""
        state, self._waiting = self._waiting, {}
        if _path(state.get("image")) != inspection.path:
            return
        take_up_regions(state, self._regions)
        reference = _path(state.get("reference"))
        if reference is not None:
            failed = partial(self._notice.say_error, "The reference image was not opened.")
            self._loading_reference.request(
                reference,
                lambda stop: inspect(reference, self._guard, stop),
                self._table.compare_with,
                failed,
            )


def _path(text: object) -> Path | None:
    return Path(text) if isinstance(text, str) and text else None
