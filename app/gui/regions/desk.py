"""The regions A and B and the quality sweep in the window: from drawing to comparison."""

from functools import partial

from PySide6.QtCore import QObject, QThreadPool, Signal

from app.analysis.compare import compare_regions
from app.analysis.region import Region
from app.gui.jobs import Channel
from app.gui.regions.panel import RegionsPanel
from app.gui.regions.sweep_strip import SweepStrip
from app.gui.table.light_table import LightTable


class RegionDesk(QObject):
    """Keeps the rectangles of panel and table alike, and asks for what the panels show.

    Signals:
        quality_chosen: a quality of the sweep.
    """

    quality_chosen = Signal(int)

    def __init__(
        self,
        table: LightTable,
        panel: RegionsPanel,
        sweep: SweepStrip,
        pool: QThreadPool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._panel = panel
        self._sweep = sweep
        self._regions: dict[str, Region] = {}
        self._comparing = Channel(pool, self)
        table.region_drawn.connect(self.set)
        table.looked.connect(self._look_again)
        panel.regions_changed.connect(self._set)
        panel.visible_wanted.connect(self._take_visible)
        sweep.chosen.connect(self.quality_chosen)

    @property
    def regions(self) -> dict[str, Region]:
        """The regions that are set, by name."""
        return dict(self._regions)

    def set(self, name: str, region: Region) -> None:
        """Set ``A`` or ``B``; what lies outside the picture is cut off."""
        self._panel.set_region(name, region)

    def clear(self) -> None:
        """No regions."""
        for name in ("A", "B"):
            self._panel.set_region(name, None)

    def show_image(self, width: int, height: int) -> None:
        """Another image: regions that still lie inside stay."""
        self._panel.set_limits(width, height)
        self.compare()

    def _take_visible(self, name: str) -> None:
        if visible := self._table.visible_region:
            self._panel.set_region(name, visible)

    def _set(self, a: Region | None, b: Region | None) -> None:
        self._regions = {name: r for name, r in (("A", a), ("B", b)) if r is not None}
        self._table.set_regions(self._regions)
        self.compare()

    def compare(self) -> None:
        """Measure and compare what is drawn; a newer request stops one that is under way."""
        subject = self._table.subject
        if subject is None or not self._regions:
            self._comparing.drop()
            self._panel.show_text("Draw A with Shift and B with Ctrl held, or type their numbers.")
            return
        analysis = self._table.analysis
        params = analysis.resolve(self._table.params, subject.inspection.jpeg)
        work = partial(
            compare_regions,
            subject.inspection.image.pixels,
            analysis,
            params,
            self._regions.get("A"),
            self._regions.get("B"),
        )
        self._comparing.request(
            object(), work, self._panel.show_comparison, lambda e: self._panel.show_text(e.sentence)
        )

    def _look_again(self) -> None:
        table = self._table
        if table.subject is not None and (region := table.visible_region) and region.area:
            image = table.subject.inspection
            self._sweep.set_source(
                image.image.pixels, image.jpeg, table.analysis, table.params, region
            )
