"""The light table: panes that look at the same place, the legend, and what the map allows."""

import dataclasses
import threading
from enum import StrEnum
from functools import partial

from PySide6.QtCore import Qt, QThreadPool, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.analysis.base import Analysis, Params
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.errors import ElascopeError
from app.gui.jobs import Channel
from app.gui.table.canvas import Canvas, Content, Show, Viewport
from app.gui.table.frames import grid
from app.gui.table.geometry import Geometry
from app.gui.table.inspection import Inspection
from app.gui.table.map_words import MapWords, ShownMap
from app.gui.table.subject import Subject
from app.gui.where.layer import Layer
from app.report.view import Show as Shown
from app.report.view import ViewSpec


class Arrangement(StrEnum):
    """How two contents are compared."""

    SINGLE = "Single"
    WIPE = "Wipe"
    SIDE = "Side by side"


class LightTable(QWidget):
    """Shows the current image, alone or against its own picture or a reference image.

    What is compared: without a reference image the picture (left) with what is shown of it; with
    one, the reference image (left) with the current image, both shown alike.

    Signals:
        failed: no map could be made; the error.
        framed: a frame of the current image has arrived.
        looked: the view or the image has changed.
        arranged: something else is shown, or it is arranged in another way.
        read_out: text on the pixel under the cursor.
        region_drawn: ``A`` or ``B``, and the `Region` drawn with the mouse.
    """

    failed = Signal(object)
    framed = Signal()
    looked = Signal()
    arranged = Signal()
    read_out = Signal(str)
    region_drawn = Signal(str, object)

    def __init__(
        self,
        analysis: Analysis,
        params: Params,
        pool: QThreadPool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._pool = pool
        self.analysis, self.params = analysis, params
        self.show_as = Show.OVERLAY
        self.arrangement = Arrangement.SINGLE
        self.reduction = Reduction.MEAN
        self.opacity = 0.0
        self.subject: Subject | None = None
        self.reference: Subject | None = None
        self.layer: Layer | None = None
        self.flipped = False
        self._probing = Channel(pool, self)
        self._under_cursor: Canvas | None = None
        self.viewport = Viewport(self)
        self.left = Canvas(self.viewport)
        self.right = Canvas(self.viewport)
        self.left.setAccessibleName("Left pane")
        self.left.hide()
        self.words = MapWords()
        panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setChildrenCollapsible(False)
        for pane in (self.left, self.right):
            panes.addWidget(pane)
            pane.resized.connect(self._wish)
            pane.hovered.connect(partial(self._hover, pane))
            pane.region_drawn.connect(self.region_drawn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(panes, 1)
        layout.addWidget(self.words)
        self.viewport.changed.connect(self._wish)
        self.set_opacity(0.7)

    # Images -----------------------------------------------------------------------------------

    def show_inspection(self, inspection: Inspection) -> None:
        """Put another image on the table; the view stays when it has the same size."""
        before = self.subject
        self.subject = self._subject(inspection)
        self.layer, self.flipped = None, False
        same = before is not None and _size(before) == _size(self.subject)
        self._arrange()
        if not same or self.viewport.fitted:
            width, height = self.right.device_size()
            picture = inspection.picture
            start = Geometry(width, height, picture.width, picture.height, 1.0, 0.0, 0.0)
            self.viewport.set(start.fitted(self.devicePixelRatioF()), fitted=True)
        if before is not None and before is not self.reference:
            before.close()
        self._wish()

    def clear(self) -> None:
        """No image."""
        closing = {subject for subject in (self.subject, self.reference) if subject is not None}
        self.subject = self.reference = self.layer = None
        for pane in (self.left, self.right):
            pane.set_contents(None)
        for subject in closing:
            subject.close()
        self.words.show_sentence("")

    def compare_with(self, inspection: Inspection) -> None:
        """Keep an image for comparison with others that was not on the table."""
        self._set_reference(self._subject(inspection))

    def set_reference(self, on: bool) -> None:
        """Keep the current image for comparison with others, or forget the one that was kept."""
        self._set_reference(self.subject if on else None)

    def _set_reference(self, subject: Subject | None) -> None:
        on = subject is not None
        before, self.reference = self.reference, subject
        if on and self.arrangement is Arrangement.SINGLE:
            self.arrangement = Arrangement.SIDE
        elif not on and self._is_plain:
            self.arrangement = Arrangement.SINGLE
        self.flipped = False
        self._arrange()
        if before is not None and before is not self.subject:
            before.close()

    def _subject(self, inspection: Inspection) -> Subject:
        subject = Subject(inspection, self._pool, self)
        subject.framed.connect(partial(self._framed, subject))
        subject.failed.connect(self._failed)
        subject.waited.connect(self._look_again)
        return subject

    # What is shown ----------------------------------------------------------------------------

    def set_show(self, show: Show) -> None:
        """Show the picture, the map over it, or the map alone.

        A picture is not compared with itself: without a reference it is shown alone.
        """
        self.show_as, self.flipped = show, False
        if self._is_plain and self.reference is None:
            self.arrangement = Arrangement.SINGLE
        self._arrange()

    def set_layer(self, layer: Layer | None) -> None:
        """Lay something over the current image; it is compared with the picture without it."""
        self.layer = layer
        if self._is_plain and self.reference is None:
            self.arrangement = Arrangement.SINGLE
        self._arrange()

    @property
    def _is_plain(self) -> bool:
        """Whether the picture is shown, and nothing else."""
        return self.show_as is Show.PICTURE and self.layer is None

    def set_arrangement(self, arrangement: Arrangement) -> None:
        """Show one content, or compare two; what is compared with its own picture is the map."""
        self.arrangement, self.flipped = arrangement, False
        alone = arrangement is Arrangement.SINGLE or self.reference is not None
        if self._is_plain and not alone:
            self.show_as = Show.MAP
        self._arrange()

    def flip(self) -> None:
        """Change places: see what it is compared with instead, in the same place (blink)."""
        self.flipped = not self.flipped
        self._arrange()

    def set_params(self, analysis: Analysis, params: Params) -> None:
        """Show the map of this analysis with these parameters."""
        self.analysis, self.params = analysis, params
        self._wish()

    def set_reduction(self, reduction: Reduction) -> None:
        """Choose how pixels share a pixel of the screen."""
        self.reduction = reduction
        self._wish()

    def set_opacity(self, opacity: float) -> None:
        """Set the map's opacity in the overlay, 0..1."""
        self.opacity = opacity
        self.left.set_opacity(opacity)
        self.right.set_opacity(opacity)

    def set_banner(self, banner: str) -> None:
        """Say something across the picture; an empty text takes it away."""
        self.left.set_banner(banner)
        self.right.set_banner(banner)
        self.words.setEnabled(not banner)

    def set_grid(self, on: bool) -> None:
        """Draw the block and pixel grid at high zoom."""
        self.left.set_grid(on)
        self.right.set_grid(on)

    def actual_size(self) -> None:
        """One image pixel on one screen pixel."""
        if self.viewport.geometry is not None:
            self.right.zoom_by(1 / self.viewport.geometry.zoom)

    def set_regions(self, regions: dict[str, Region]) -> None:
        """Draw the regions A and B."""
        self.left.set_regions(regions)
        self.right.set_regions(regions)

    def look_at(self, region: Region) -> None:
        """Bring a part of the current image into the middle, close enough to be seen well.

        It takes at most half of the pane's width and height; the view is not enlarged beyond
        actual size for it, and made smaller only where the part would not fit.
        """
        geometry = self.right.current_geometry()
        if geometry is None:
            return
        across, down = region.width + 1, region.height + 1
        half = min(geometry.width / across, geometry.height / down) / 2
        closer = max(geometry.zoom, min(half, self.devicePixelRatioF()))
        zoom = max(min(closer, 2 * half), min(geometry.fitting_zoom, 1.0))
        middle = (region.left + region.right) / 2, (region.top + region.bottom) / 2
        self.viewport.set(dataclasses.replace(geometry, zoom=zoom, x=middle[0], y=middle[1]))

    @property
    def visible_region(self) -> Region | None:
        """The part of the current image that is seen."""
        geometry = self.right.current_geometry()
        return geometry.visible() if geometry and self.subject else None

    def shown(self) -> tuple[Inspection, ViewSpec] | None:
        """What the right pane shows, for an export; left of a divider only the same image."""
        if self.subject is None:
            return None
        left, right = self._contents()
        geometry = self.right.geometry_of(right)
        if geometry is None or not geometry.visible().area:
            return None
        region, factor, _ = grid(geometry, self.reduction)
        divided = self.arrangement is Arrangement.WIPE and left.subject is right.subject
        # On the screen the divider belongs to the pane, in the exported view to the region.
        column, _ = geometry.drawn_at(self.right.divider * geometry.width, 0)
        divider = min(max((column - region.left) / region.width, 0.0), 1.0)
        spec = ViewSpec(
            region=region,
            factor=factor,
            reduction=self.reduction,
            show=Shown[right.show.name],
            left=Shown[left.show.name] if divided else None,
            opacity=self.opacity,
            divider=divider,
        )
        return right.subject.inspection, spec

    def _contents(self) -> tuple[Content, Content]:
        """Left and right of a comparison, as they are now."""
        left, right = self._compared()
        return (right, left) if self.flipped else (left, right)

    def _compared(self) -> tuple[Content, Content]:
        """What is compared with the current image, and the current image."""
        assert self.subject
        label = self._label(self.subject, self.show_as)
        if self.layer is not None:
            label = f"{label} · {self.layer.found.title}"
        current = Content(self.subject, self.show_as, label, self.layer)
        if self.reference is not None:
            label = f"Reference · {self._label(self.reference, self.show_as)}"
            return Content(self.reference, self.show_as, label), current
        other = Show.MAP if self._is_plain else Show.PICTURE
        return Content(self.subject, other, self._label(self.subject, other)), current

    def _label(self, subject: Subject, show: Show) -> str:
        return f"{show.value} · {subject.name}" if self.reference else show.value

    def _arrange(self) -> None:
        """Bring the contents into the panes."""
        if self.subject is None:
            return
        left, right = self._contents()
        side = self.arrangement is Arrangement.SIDE
        self.left.set_contents(left if side else None)
        self.right.set_contents(right, left if self.arrangement is Arrangement.WIPE else None)
        self.left.setVisible(side)
        self._wish()
        self._describe()
        self.arranged.emit()

    def _wish(self) -> None:
        """Ask for the maps that the panes need."""
        if self.subject is None:
            return
        left, right = self._contents()
        wanted = [(right, self.right)]
        if self.arrangement is Arrangement.SIDE:
            wanted.append((left, self.left))
        elif self.arrangement is Arrangement.WIPE:
            wanted.append((left, self.right))
        wishes: dict[Subject, tuple[Geometry, bool]] = {}
        for content, pane in wanted:
            geometry = pane.geometry_of(content)
            if geometry is None or content.show is Show.PICTURE:
                continue
            # Two panes of one image look at the same place; the wider one sees all of it.
            known = wishes.get(content.subject)
            if known is None or geometry.width > known[0].width:
                wishes[content.subject] = geometry, content.show is Show.OVERLAY
        for subject, (geometry, overlay) in wishes.items():
            subject.wish(self.analysis, self.params, geometry, self.reduction, overlay)
        if self._under_cursor is not None:
            self._under_cursor.hover_again()
        self.looked.emit()

    # Replies ----------------------------------------------------------------------------------

    def _framed(self, subject: Subject) -> None:
        self._look_again()
        if subject is self.subject:
            self.framed.emit()

    def _failed(self, error: ElascopeError) -> None:
        self._look_again()
        self.failed.emit(error)

    def _look_again(self) -> None:
        self.left.update()
        self.right.update()
        self._describe()

    def _describe(self) -> None:
        """Put under the picture what belongs to the maps that are seen, and nothing else."""
        if self.subject is None:
            return
        left, right = self._contents()
        seen = [right] if self.arrangement is Arrangement.SINGLE else [right, left]
        wanted = [content for content in seen if content.show is not Show.PICTURE]
        maps = [
            ShownMap(content.subject.name, content.subject.inspection, frame)
            for content in wanted
            if (frame := content.frame) is not None
        ]
        error = next((c.subject.error for c in wanted if c.subject.error), None)
        if maps:
            self.words.show_maps(maps)
        elif not wanted and self.layer is not None:
            self.words.show_layer(self.layer)
        elif error is not None:
            self.words.show_sentence(f"No map: {error.sentence}")
        else:
            self.words.show_sentence("The map is being measured…" if wanted else "No map is shown.")

    def _hover(self, pane: Canvas, subject: Subject | None, x: int, y: int) -> None:
        self._under_cursor = pane if subject is not None else None
        self._probe(subject, x, y)

    def _probe(self, subject: Subject | None, x: int, y: int) -> None:
        """Say what lies under the cursor: the residual exact, whatever the zoom."""
        if subject is None or x < 0:
            self._probing.drop()
            self.read_out.emit("")
            return
        analysis, pixels = self.analysis, subject.inspection.image.pixels
        params = analysis.resolve(self.params, subject.inspection.jpeg)

        name = f"{subject.name}   " if self.reference else ""
        layer = self.layer if subject is self.subject else None
        evidence = f"   where {layer.value_at(x, y):.2f}" if layer is not None else ""

        def work(_: threading.Event) -> str:
            values = analysis.measure(pixels, params, Region(x, y, x + 1, y + 1))[0, 0]
            red, green, blue = pixels[y, x].tolist()
            place = f"x {x}  y {y}   RGB {red} {green} {blue}"
            measured = analysis.read_out(values, params)
            return f"{name}{place}   {measured}{evidence}   block {x // 8}, {y // 8}"

        self._probing.request(subject, work, self.read_out.emit, lambda _: None)


def _size(subject: Subject) -> tuple[int, int]:
    return subject.inspection.picture.width, subject.inspection.picture.height
