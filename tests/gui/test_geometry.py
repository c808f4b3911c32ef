"""Where a picture lies in a pane, compared with counting single pixels."""

import dataclasses

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.analysis.region import Region
from app.gui.table.geometry import LARGEST_ZOOM, Geometry

SIDES = st.integers(1, 300)
ZOOMS = st.one_of(
    st.sampled_from([1.0, 2.0, 0.5, 0.25, 8.0, LARGEST_ZOOM]), st.floats(0.02, LARGEST_ZOOM)
)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Any view of any picture, its middle on the picture."""
    width, height = draw(SIDES), draw(SIDES)
    return Geometry(
        width=draw(SIDES),
        height=draw(SIDES),
        image_width=width,
        image_height=height,
        zoom=draw(ZOOMS),
        x=draw(st.floats(0, width)),
        y=draw(st.floats(0, height)),
    )


def seen(length: int, corner: float, zoom: float, count: int, least: float) -> set[int]:
    """The pixels along one side of which more than ``least`` lies between 0 and ``length``."""
    starts = [corner + at * zoom for at in range(count)]
    return {
        at for at, start in enumerate(starts) if min(start + zoom, length) - max(start, 0.0) > least
    }


@given(geometries(), st.floats(0.1, 4))
def test_fitted_shows_the_whole_picture_as_large_as_allowed(
    geometry: Geometry, largest: float
) -> None:
    fitted = geometry.fitted(largest)
    left, top, width, height = fitted.rectangle(
        Region(0, 0, fitted.image_width, fitted.image_height)
    )
    # The corner lies on a whole device pixel, so half a pixel may stand over.
    assert left >= -0.5
    assert top >= -0.5
    assert left + width <= fitted.width + 0.5 + 1e-6
    assert top + height <= fitted.height + 0.5 + 1e-6
    fills = width == pytest.approx(fitted.width) or height == pytest.approx(fitted.height)
    assert fitted.zoom == largest or (fills and fitted.zoom < largest)
    assert (fitted.x, fitted.y) == (fitted.image_width / 2, fitted.image_height / 2)


@given(geometries(), st.floats(0.001, 1000), st.data())
def test_zooming_about_a_point_keeps_it_in_place(
    geometry: Geometry, zoom: float, data: st.DataObject
) -> None:
    x = data.draw(st.floats(0, geometry.width))
    y = data.draw(st.floats(0, geometry.height))
    before = geometry.to_image(x, y)
    after = geometry.zoomed(zoom, x, y)
    # Where the middle must be if the point stays; it never leaves the picture.
    wanted = [
        at + (middle - at) * geometry.zoom / after.zoom
        for at, middle in zip(before, (geometry.x, geometry.y), strict=True)
    ]
    sides = (geometry.image_width, geometry.image_height)
    allowed = [min(max(w, 0), side) for w, side in zip(wanted, sides, strict=True)]
    assert (after.x, after.y) == pytest.approx(allowed, abs=1e-6)
    if allowed == wanted:
        assert after.to_image(x, y) == pytest.approx(before, abs=1e-6)
    assert after.zoom <= LARGEST_ZOOM
    assert after.zoom >= min(geometry.fitting_zoom, 1.0) / 2 * (1 - 1e-9)


@given(geometries(), st.data())
def test_zooming_in_on_a_pixel_never_loses_it(geometry: Geometry, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, geometry.width - 1)) + 0.5
    y = data.draw(st.integers(0, geometry.height - 1)) + 0.5
    column, row = geometry.to_image(x, y)
    assume(0 <= column <= geometry.image_width and 0 <= row <= geometry.image_height)
    closer = geometry.zoomed(geometry.zoom * 1.25, x, y)
    assert closer.to_image(x, y) == pytest.approx((column, row), abs=1e-6)


@given(geometries())
def test_visible_is_what_the_pane_shows(geometry: Geometry) -> None:
    """Every pixel of which something is seen, and no other.

    At whole zooms the arithmetic is exact; at others a millionth may be rounded.
    """
    rounded = 0.0 if geometry.zoom.is_integer() else 1e-6
    visible = geometry.visible()
    columns, rows = range(visible.left, visible.right), range(visible.top, visible.bottom)
    sides = (
        (columns, geometry.width, geometry.corner[0], geometry.image_width),
        (rows, geometry.height, geometry.corner[1], geometry.image_height),
    )
    surely = [seen(length, at, geometry.zoom, count, rounded) for _, length, at, count in sides]
    if not all(surely):
        assert visible.area == 0 or min(visible.width, visible.height) == 1
        return
    for (span, length, at, count), sure in zip(sides, surely, strict=True):
        assert sure <= set(span) <= seen(length, at, geometry.zoom, count, -rounded)


@given(geometries(), st.data())
def test_pixel_at_is_the_pixel_whose_rectangle_holds_the_point(
    geometry: Geometry, data: st.DataObject
) -> None:
    x = data.draw(st.integers(0, geometry.width - 1)) + 0.5
    y = data.draw(st.integers(0, geometry.height - 1)) + 0.5
    pixel = geometry.pixel_at(x, y)
    left, top, width, height = geometry.rectangle(
        Region(0, 0, geometry.image_width, geometry.image_height)
    )
    if pixel is None:
        assert not (left < x < left + width and top < y < top + height)
        return
    column, row = pixel
    left, top, width, height = geometry.rectangle(Region(column, row, column + 1, row + 1))
    assert left - 1e-6 <= x <= left + width + 1e-6
    assert top - 1e-6 <= y <= top + height + 1e-6
    assert 0 <= column < geometry.image_width
    assert 0 <= row < geometry.image_height


def test_beside_the_picture_there_is_no_pixel() -> None:
    geometry = Geometry(100, 80, 20, 10, 1.0, 10.0, 5.0)
    # The picture lies at 40..60, 35..45.
    assert geometry.pixel_at(40.0, 35.0) == (0, 0)
    assert geometry.pixel_at(59.9, 44.9) == (19, 9)
    for beside in ((39.9, 40.0), (60.0, 40.0), (50.0, 34.9), (50.0, 45.0)):
        assert geometry.pixel_at(*beside) is None


def test_at_actual_size_a_picture_lies_on_whole_device_pixels() -> None:
    geometry = Geometry(101, 80, 20, 10, 1.0, 10.25, 5.0)
    left, top, width, height = geometry.rectangle(Region(0, 0, 20, 10))
    assert (left % 1, top % 1, width, height) == (0, 0, 20, 10)


@given(geometries(), SIDES)
def test_a_picture_of_another_size_is_framed_alike(geometry: Geometry, width: int) -> None:
    """The same picture at another size: every point of it lies at the same place in the pane."""
    ratio = width / geometry.image_width
    other = geometry.for_image(width, max(round(geometry.image_height * ratio), 1))
    for x, y in ((0.0, 0.0), (geometry.width / 3, geometry.height / 2)):
        column, row = geometry.to_image(x, y)
        assert other.to_image(x, y) == pytest.approx(
            (column * ratio, row * ratio), rel=1e-6, abs=1e-6
        )
    back = other.for_image(geometry.image_width, geometry.image_height)
    assert dataclasses.astuple(back) == pytest.approx(dataclasses.astuple(geometry), abs=1e-6)


@given(geometries(), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_picture_cannot_be_lost_by_panning(geometry: Geometry, x: float, y: float) -> None:
    """Its middle never leaves the pane, so some of the picture stays within a pixel of it."""
    moved = geometry.moved(x, y)
    assert 0 <= moved.x <= moved.image_width
    assert 0 <= moved.y <= moved.image_height
    assert moved.zoom == geometry.zoom
