"""Where something was found, in the window: from the question to the layer over the picture."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from app.analysis.copy_move import CopyMoveParams
from app.analysis.region import Region
from app.errors import ElascopeError
from app.gui.jobs import Channel
from app.gui.models import Models
from app.gui.table.canvas import Show
from app.gui.table.inspection import Inspection
from app.gui.table.light_table import LightTable
from app.gui.where.found import (
    COPY_MOVE,
    Found,
    Progress,
    ask_model,
    search_copies,
    with_threshold,
)
from app.gui.where.layer import Layer, layer_of
from app.gui.where.panel import GUIDE, WherePanel

_PAUSE = 400
"""Milliseconds without a change of parameters after which copies are looked for again."""


class WhereDesk(QObject):
    """Keeps what was found on the current image, and drops it with the image.

    Signals:
        changed: something else is known, runs, or is shown.
    """

    changed = Signal()

    def __init__(
        self,
        table: LightTable,
        panel: WherePanel,
        models: Models,
        pool: QThreadPool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._table, self.panel, self._models = table, panel, models
        self._inspection: Inspection | None = None
        self._known: dict[str, Found] = {}
        self.shown: Found | None = None
        self._asked = ""
        self._searching = Channel(pool, self)
        self._outlining = Channel(pool, self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._search_copies)
        panel.model_wanted.connect(self.ask_model)
        panel.copies_wanted.connect(self.look_for_copies)
        panel.params_changed.connect(lambda _: self._pause.start())
        panel.cancelled.connect(self.cancel)
        panel.over_changed.connect(self.set_over)
        panel.opacity_changed.connect(self._set_opacity)
        panel.threshold_changed.connect(self._set_threshold)
        panel.chosen.connect(self._choose)
        panel.setEnabled(False)

    @property
    def known(self) -> Mapping[str, Found]:
        """What was found on the current image: by question of a model, and copy-move."""
        return self._known

    @property
    def running(self) -> bool:
        """Whether a search is under way whose result is wanted."""
        return bool(self._asked)

    @property
    def over(self) -> bool:
        """Whether what was found is seen over the picture."""
        return self.panel.over.isChecked()

    @property
    def opacity(self) -> float:
        """Of the map over the picture, 0..1."""
        return self.panel.opacity.value() / 100

    # Images -----------------------------------------------------------------------------------

    def show_image(self, inspection: Inspection | None) -> None:
        """Another image, or none: what was found on the one before is forgotten."""
        self._pause.stop()
        self._searching.drop()
        self._outlining.drop()
        self._end()
        self._inspection, self._known, self.shown = inspection, {}, None
        self._table.set_layer(None)
        self.panel.show_text(GUIDE)
        self.panel.setEnabled(inspection is not None)
        self.changed.emit()

    # Searching --------------------------------------------------------------------------------

    def ask_model(self, question: str = "") -> None:
        """Show where the model sees what it was asked for; of the first that says where."""
        known = (f for name, f in self._known.items() if name != COPY_MOVE)
        found = next((f for f in known if question in ("", f.method)), None)
        if found is not None:
            self._show(found)
        elif self._inspection is not None:
            work = partial(ask_model, self._models, self._inspection, question)
            self._search(f"model {question}", "The model is asked", work)

    def look_for_copies(self) -> None:
        """Show parts of the picture that show the same."""
        found = self._known.get(COPY_MOVE)
        if found is not None and not self._pause.isActive():
            self._show(found)
        else:
            self._search_copies()

    def _search_copies(self) -> None:
        self._pause.stop()
        params = self.panel.form.params
        assert isinstance(params, CopyMoveParams)
        if self._inspection is not None:
            work = partial(search_copies, self._inspection, params)
            self._search(f"{COPY_MOVE} {params}", "Copies are looked for", work)

    def _search(
        self, asked: str, title: str, work: Callable[[threading.Event, Progress], Found]
    ) -> None:
        if asked == self._asked:
            return
        self._searching.drop()
        self._asked = asked
        share = self.panel.progress.begin(title)
        # Each request has a key of its own: another one, or another image, ends it.
        self._searching.request(
            object(), lambda stop: work(stop, share.tell), self._take, self._fail
        )
        self.changed.emit()

    def cancel(self) -> None:
        """End the search that runs; what was found before stays."""
        self._searching.drop()
        self._end()
        if self.shown is None:
            self.panel.show_text(f"Cancelled. {GUIDE}")
        self.changed.emit()

    def _end(self) -> None:
        self._asked = ""
        self.panel.progress.end()

    def _take(self, found: Found) -> None:
        self._end()
        self._known = {**self._known, found.method: found}
        self._show(found)

    def _fail(self, error: ElascopeError) -> None:
        self._end()
        self._lay(None)
        self.panel.show_text(error.sentence)
        self.changed.emit()

    # Showing ----------------------------------------------------------------------------------

    def _show(self, found: Found) -> None:
        """Bring it over the picture, without any other map."""
        self.panel.show_found(found)
        self.panel.over.setChecked(True)
        self._lay(found)
        self._table.set_show(Show.PICTURE)
        self.changed.emit()

    def _lay(self, found: Found | None) -> None:
        """Put it over the picture, if it is to be seen."""
        self.shown = found
        layer = layer_of(found, self.opacity) if found is not None else None
        self._table.set_layer(layer if self.over else None)

    def set_over(self, over: bool) -> None:
        """Show what was found over the picture, or hide it."""
        self.panel.over.setChecked(over)
        self._lay(self.shown)
        self.changed.emit()

    def _set_opacity(self, opacity: float) -> None:
        self._change(lambda layer: dataclasses.replace(layer, opacity=opacity))

    def _choose(self, regions: frozenset[int]) -> None:
        """Let regions stand out, and look at them."""
        if self.shown is None:
            return
        self._change(lambda layer: dataclasses.replace(layer, chosen=regions))
        boxes = [self.shown.shown.regions[index].box for index in regions]
        self._table.look_at(
            Region(
                min(box.left for box in boxes),
                min(box.top for box in boxes),
                max(box.right for box in boxes),
                max(box.bottom for box in boxes),
            )
        )

    def _change(self, change: Callable[[Layer], Layer]) -> None:
        if self._table.layer is not None:
            self._table.set_layer(change(self._table.layer))

    def _set_threshold(self, threshold: float | None) -> None:
        """Find the regions of the map again; the last threshold wins."""
        found = self.shown
        if found is None:
            return
        wanted = found.own.threshold if threshold is None else threshold
        self._outlining.request(
            found.own, lambda _: with_threshold(found, wanted), self._take_regions, self._fail
        )

    def _take_regions(self, found: Found) -> None:
        if self.shown is None or self.shown.own is not found.own:
            return
        self._known = {**self._known, found.method: found}
        self.panel.show_found(found)
        self._lay(found)
