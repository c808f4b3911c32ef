"""Rectangles of image pixels: what is looked at, and how it is cut for the codec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Region:
    """A half-open rectangle: columns ``left`` to ``right``, rows ``top`` to ``bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, pixels: NDArray[Any]) -> Region:
        """All of an array whose first two axes are rows and columns."""
        return cls(0, 0, pixels.shape[1], pixels.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """In pixels; 0 for a rectangle that is empty or inside out."""
        return max(self.width, 0) * max(self.height, 0)

    def of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The part of ``pixels`` inside, without copying it."""
        return pixels[self.top : self.bottom, self.left : self.right]

    def inside(self, other: Region) -> Region:
        """What both share; its area is 0 where they share nothing."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Region(left, top, max(left, right), max(top, bottom))

    def grown(self, columns: int, rows: int) -> Region:
        """Larger by ``columns`` on the left and right and ``rows`` above and below."""
        return Region(
            self.left - columns, self.top - rows, self.right + columns, self.bottom + rows
        )

    def snapped(self, columns: int, rows: int) -> Region:
        """The smallest rectangle around this one whose edges lie on a grid from the origin."""
        return Region(
            self.left // columns * columns,
            self.top // rows * rows,
            -(-self.right // columns) * columns,
            -(-self.bottom // rows) * rows,
        )

    def relative_to(self, other: Region) -> Region:
        """The same rectangle in coordinates that begin at ``other``'s corner."""
        return Region(
            self.left - other.left,
            self.top - other.top,
            self.right - other.left,
            self.bottom - other.top,
        )

    def bands(self, rows: int, grid: int = 1) -> Iterator[Region]:
        """Cut into bands of about ``rows`` rows that end on a grid from the picture's origin.

        Args:
            rows: at least ``grid``; the last band may be lower.
            grid: distance of its lines.
        """
        top = self.top
        while top < self.bottom:
            bottom = min((top + rows) // grid * grid, self.bottom)
            yield Region(self.left, top, self.right, bottom)
            top = bottom
