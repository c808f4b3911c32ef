import dataclasses
from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from app.analysis.colormap import COLOUR_MAPS, table
from app.analysis.overlay import blend, premultiplied
from app.analysis.rendering import Legend, Rendering, shade
from app.arrays import RgbU8
from tests.pictures import noise

OPACITIES = (0.0, 0.004, 0.25, 0.5, 0.6, 0.999, 1.0)


@dataclasses.dataclass(frozen=True)
class Given:
    """What `blend` looks at, with any picture and weight."""

    picture: RgbU8
    weight: NDArray[np.uint8]
    light: bool


def shaded(height: int, width: int, colours: str, channels: int = 1) -> Rendering:
    values = noise(height, width, seed=5)
    values[: height // 4] = 0
    legend = Legend("", "", "", colours)
    return shade(values if channels == 3 else values[:, :, 0].copy(), 1.0, legend)


def formula(picture: RgbU8, map_: Rendering, opacity: float) -> NDArray[np.float64]:
    """Not rounded."""
    weight = map_.weight[:, :, None].astype(np.float64) / 255
    share = opacity * weight
    own = opacity if map_.legend.colours == "grey" else share
    return picture * (1 - share) + own * map_.picture.astype(np.float64)


def inverted(height: int, width: int) -> Rendering:
    """Grey, and what is dark weighs most, as in a map of ghosts."""
    return dataclasses.replace(shaded(height, width, "grey"), dark_matters=True)


MAPS = [(colours, 1) for colours in COLOUR_MAPS] + [("grey", 3)]


@pytest.mark.parametrize(("colours", "channels"), MAPS)
@pytest.mark.parametrize("opacity", OPACITIES)
def test_a_blend_is_the_formula_rounded(colours: str, channels: int, opacity: float) -> None:
    picture, map_ = noise(40, 50), shaded(40, 50, colours, channels)
    apart = np.abs(blend(picture, map_, opacity) - formula(picture, map_, opacity))
    assert apart.max() <= 0.5 + 1e-9


@pytest.mark.parametrize("colours", ["grey", "inferno"])
def test_a_half_is_rounded_up_in_exact_fractions(colours: str) -> None:
    """Every combination of 18 values of photograph, map and weight, and two opacities."""
    values = [0, 1, 2, 84, 85, 86, 127, 128, 129, 169, 170, 171, 200, 252, 253, 254, 255, 51]
    light = colours == "grey"
    ties = 0
    for thousandths in (500, 600):
        for under, over, weight in product(values, repeat=3):
            if light and weight < over:
                continue
            share = Fraction(thousandths * weight, 255_000)
            own = Fraction(thousandths, 1000) if light else share
            exact = under * (1 - share) + own * over
            ties += exact.denominator == 2
            pixel = np.full((1, 1, 3), under, np.uint8)
            # The weight of light is its largest channel; the first one is looked at.
            shown = np.array([[[over, weight if light else over, over]]], np.uint8)
            map_ = Given(shown, np.full((1, 1), weight, np.uint8), light)
            expected = floor(exact + Fraction(1, 2))
            assert blend(pixel, map_, thousandths / 1000)[0, 0, 0] == expected
    assert ties > 100


@pytest.mark.parametrize("opacity", OPACITIES)
def test_a_grey_map_whose_dark_parts_weigh_replaces_by_its_share(opacity: float) -> None:
    picture, map_ = noise(40, 50), inverted(40, 50)
    share = opacity * map_.weight[:, :, None].astype(np.float64) / 255
    expected = picture * (1 - share) + share * map_.picture
    shown = blend(picture, map_, opacity)
    assert np.abs(shown - expected).max() <= 0.5 + 1e-9
    layer = premultiplied(map_)
    assert (layer[:, :, :3] <= layer[:, :, 3:]).all()
    painted = painted_by_qt(picture, layer, opacity).astype(np.int16)
    assert np.abs(painted - shown).max() <= 2


@pytest.mark.parametrize(("colours", "channels"), MAPS)
def test_where_the_map_is_0_the_photograph_stays(colours: str, channels: int) -> None:
    picture, map_ = noise(40, 50), shaded(40, 50, colours, channels)
    assert not map_.weight[:10].any()
    assert np.array_equal(blend(picture, map_, 1.0)[:10], picture[:10])
    assert np.array_equal(blend(picture, map_, 0.0), picture)


def test_a_large_picture_is_blended_in_bands_without_a_seam() -> None:
    picture, map_ = noise(1100, 1900), shaded(1100, 1900, "viridis")
    whole = blend(picture, map_, 0.3)
    assert np.abs(whole - formula(picture, map_, 0.3)).max() <= 0.5 + 1e-9
    assert whole.dtype == np.uint8


def test_nothing_given_is_changed() -> None:
    picture, map_ = noise(20, 30), shaded(20, 30, "inferno")
    before = [array.copy() for array in (picture, map_.picture, map_.weight)]
    blend(picture, map_, 0.6)
    premultiplied(map_)
    after = [picture, map_.picture, map_.weight]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_layer_holds_blue_green_red_and_the_weight() -> None:
    picture = np.array([[[10, 20, 30], [255, 128, 0]]], np.uint8)
    light = premultiplied(Rendering(picture, Legend("", "")))
    assert light.tolist() == [[[30, 20, 10, 30], [0, 128, 255, 255]]]
    grey = premultiplied(Rendering(np.array([[7, 255]], np.uint8), Legend("", "")))
    assert grey.tolist() == [[[7, 7, 7, 7], [255, 255, 255, 255]]]
    # 51 / 255 is a fifth of the colour.
    values = np.array([[51, 255]], np.uint8)
    colour = premultiplied(Rendering(values, Legend("", "", "", "inferno")))
    red, green, blue = table("inferno")[51, 0].tolist()
    assert colour[0, 0].tolist() == [round(blue / 5), round(green / 5), round(red / 5), 51]
    assert colour[0, 1].tolist() == [*table("inferno")[255, 0, ::-1].tolist(), 255]
    # Where dark matters 51 weighs 204, four fifths.
    dark = premultiplied(Rendering(values, Legend("", ""), dark_matters=True))
    assert dark.tolist() == [[[41, 41, 41, 204], [0, 0, 0, 0]]]


@pytest.mark.parametrize(("colours", "channels"), MAPS)
def test_no_colour_of_a_layer_is_above_its_alpha(colours: str, channels: int) -> None:
    layer = premultiplied(shaded(64, 64, colours, channels))
    assert (layer[:, :, :3] <= layer[:, :, 3:]).all()


@pytest.mark.parametrize(("colours", "channels"), MAPS)
@pytest.mark.parametrize("opacity", OPACITIES)
def test_painting_the_layer_gives_the_blend(colours: str, channels: int, opacity: float) -> None:
    """Source-over (Porter and Duff 1984) in float64, and as Qt's painter does it."""
    picture, map_ = noise(64, 96), shaded(64, 96, colours, channels)
    expected = blend(picture, map_, opacity).astype(np.int16)
    layer = premultiplied(map_)
    alpha = layer[:, :, 3:].astype(np.float64) / 255
    over = layer[:, :, 2::-1] * opacity + picture * (1 - alpha * opacity)
    assert np.abs(over - expected).max() <= 1.0 + 1e-9
    painted = np.abs(painted_by_qt(picture, layer, opacity).astype(np.int16) - expected)
    assert painted.max() <= 2


def painted_by_qt(picture: RgbU8, layer: NDArray[np.uint8], opacity: float) -> RgbU8:
    height, width = layer.shape[:2]
    under = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    canvas = under.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    form = QImage.Format.Format_ARGB32_Premultiplied
    painter = QPainter(canvas)
    painter.setOpacity(opacity)
    painter.drawImage(0, 0, QImage(layer.data, width, height, 4 * width, form))
    painter.end()
    shown = canvas.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(shown.constBits(), np.uint8).reshape(height, shown.bytesPerLine())
    return rows[:, : 3 * width].reshape(height, width, 3).copy()
