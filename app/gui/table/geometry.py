"""Where a picture lies in a pane. Plain numbers, no Qt: every pane and every request uses it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from app.analysis.region import Region

LARGEST_ZOOM = 64.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """A picture in a pane, both in whole pixels; the screen's own pixels, not Qt's.

    Attributes:
        width: of the pane, in device pixels.
        height: of the pane.
        image_width: of the picture, in its own pixels.
        image_height: of the picture.
        zoom: device pixels for each image pixel, so 1 is exact on high-density screens.
        x: image coordinate at the middle of the pane.
        y: image coordinate at the middle of the pane.
    """

    width: int
    height: int
    image_width: int
    image_height: int
    zoom: float
    x: float
    y: float

    def fitted(self, largest: float) -> Geometry:
        """The whole picture in the pane, not enlarged beyond ``largest``."""
        zoom = min(self.fitting_zoom, largest)
        return dataclasses.replace(self, zoom=zoom, x=self.image_width / 2, y=self.image_height / 2)

    @property
    def fitting_zoom(self) -> float:
        """At which the whole picture just fits."""
        return min(max(self.width, 1) / self.image_width, max(self.height, 1) / self.image_height)

    def zoomed(self, zoom: float, x: float, y: float) -> Geometry:
        """Zoomed so that what lies under the pane's point (x, y) stays there."""
        zoom = min(max(zoom, min(self.fitting_zoom, 1.0) / 2), LARGEST_ZOOM)
        before_x, before_y = self.to_image(x, y)
        moved = dataclasses.replace(self, zoom=zoom)
        after_x, after_y = moved.to_image(x, y)
        return moved.moved(before_x - after_x, before_y - after_y)

    def moved(self, x: float, y: float) -> Geometry:
        """With another point of the picture in the middle, never off the picture."""
        return dataclasses.replace(
            self,
            x=min(max(self.x + x, 0.0), float(self.image_width)),
            y=min(max(self.y + y, 0.0), float(self.image_height)),
        )

    def for_image(self, width: int, height: int) -> Geometry:
        """The same framing of another picture: both fill the pane's width alike."""
        ratio = width / self.image_width
        return dataclasses.replace(
            self,
            image_width=width,
            image_height=height,
            zoom=self.zoom / ratio,
            x=self.x * ratio,
            y=self.y * ratio,
        )

    @property
    def corner(self) -> tuple[float, float]:
        """Where the picture's upper left corner lies in the pane.

        On whole device pixels, so that a picture at actual size stays as sharp as it is.
        """
        return (
            float(round(self.width / 2 - self.x * self.zoom)),
            float(round(self.height / 2 - self.y * self.zoom)),
        )

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Image coordinates of a point of the pane."""
        return (
            (x - self.width / 2) / self.zoom + self.x,
            (y - self.height / 2) / self.zoom + self.y,
        )

    def drawn_at(self, x: float, y: float) -> tuple[float, float]:
        """Image coordinates of what is drawn at a point of the pane, by the rounded `corner`."""
        left, top = self.corner
        return (x - left) / self.zoom, (y - top) / self.zoom

    def pixel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """The image pixel drawn at a point of the pane, or None beside the picture."""
        column, row = (int(at // 1) for at in self.drawn_at(x, y))
        inside = 0 <= column < self.image_width and 0 <= row < self.image_height
        return (column, row) if inside else None

    def rectangle(self, region: Region) -> tuple[float, float, float, float]:
        """Left, top, width and height of an image region in the pane."""
        left, top = self.corner
        return (
            left + region.left * self.zoom,
            top + region.top * self.zoom,
            region.width * self.zoom,
            region.height * self.zoom,
        )

    def visible(self) -> Region:
        """The part of the picture that is seen, in whole pixels outward; it may be empty."""
        left, top = self.corner
        seen = Region(
            int(-left // self.zoom),
            int(-top // self.zoom),
            -int(-(self.width - left) // self.zoom),
            -int(-(self.height - top) // self.zoom),
        )
        return seen.inside(Region(0, 0, self.image_width, self.image_height))
