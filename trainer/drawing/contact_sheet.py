"""Contact sheets: rows of small pictures with a label under each."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.arrays import RgbU8
from app.names import one_line

_GAP = 12
_BACKGROUND = (250, 250, 250)
_INK = (30, 30, 30)
_FAINT = (110, 110, 110)
_TITLE, _LABEL = 20, 13
"""Sizes of the type in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One picture of a sheet.

    Attributes:
        picture: (height, width, 3) uint8 RGB of any size; shown reduced, or enlarged by repeating
            pixels.
        label: what it shows; line breaks are kept, longer lines are broken.
    """

    picture: RgbU8
    label: str


def contact_sheet(
    title: str, rows: Sequence[Sequence[Cell]], notes: Sequence[str] = (), side: int = 200
) -> RgbU8:
    """Lay out rows of cells under a title, with notes at the foot.

    Args:
        title: of the sheet.
        rows: of cells, from left to right; they may differ in length.
        notes: paragraphs for the foot.
        side: of the square that a picture is fitted into, in pixels.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    columns = max((len(row) for row in rows), default=1)
    width = _GAP + max(columns, 3) * (side + _GAP)
    small, large = ImageFont.load_default(_LABEL), ImageFont.load_default(_TITLE)
    line = _LABEL + 4
    labels = [[_broken(cell.label, small, side) for cell in row] for row in rows]
    pictures = [[Image.fromarray(fitted(cell.picture, side)) for cell in row] for row in rows]
    tallest = [max((picture.height for picture in row), default=0) for row in pictures]
    heights = [
        below + 4 + line * max(map(len, texts), default=0) + _GAP
        for below, texts in zip(tallest, labels, strict=True)
    ]
    foot = [part for note in notes for part in _broken(note, small, width - 2 * _GAP)]
    head = 2 * _GAP + _TITLE + 4
    sheet = Image.new("RGB", (width, head + sum(heights) + line * len(foot) + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP), one_line(title), _INK, large)
    top = head
    for row, texts, below, height in zip(pictures, labels, tallest, heights, strict=True):
        for column, (picture, lines) in enumerate(zip(row, texts, strict=True)):
            left = _GAP + column * (side + _GAP)
            sheet.paste(picture, (left, top + below - picture.height))
            for number, text in enumerate(lines):
                ink = _FAINT if number else _INK
                draw.text((left, top + below + 4 + number * line), text, ink, small)
        top += height
    for number, text in enumerate(foot):
        draw.text((_GAP, top + number * line), text, _FAINT, small)
    return np.asarray(sheet)


def fitted(picture: RgbU8, side: int) -> RgbU8:
    """The picture with its longer side brought to ``side``: by the mean, or by repetition."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)


def png(sheet: RgbU8) -> bytes:
    """The sheet as content of a PNG file."""
    return cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes()


def _broken(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Lines no wider than ``width`` pixels; words that are too long lose their middle."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        current = ""
        for word in one_line(paragraph).split(" "):
            fitting = _shortened(word, font, width)
            longer = f"{current} {fitting}" if current else fitting
            if current and font.getlength(longer) > width:
                lines.append(current)
                current = fitting
            else:
                current = longer
        lines.append(current)
    return lines


def _shortened(word: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    kept = len(word)
    shown = word
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = f"{word[: kept - kept // 2]}…{word[len(word) - kept // 2 :]}"
    return shown
