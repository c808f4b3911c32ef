"""Draw the icon in the formats that systems want, from `resources/icons/elascope.svg`.

.venv/bin/python packaging/make_icons.py
"""

import io
import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtCore import QBuffer, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT = Path(__file__).resolve().parent.parent
SIDES = (16, 24, 32, 48, 64, 128, 256)


def main() -> None:
    """Write PNG for Linux, ICO for Windows and ICNS for macOS."""
    application = QGuiApplication([])
    renderer = QSvgRenderer(str(ROOT / "resources" / "icons" / "elascope.svg"))
    target = ROOT / "packaging" / "icons"
    target.mkdir(exist_ok=True)
    # Each size is drawn by itself: small ones that are made smaller are blurred.
    drawn = {side: draw(renderer, side) for side in (*SIDES, 512)}
    drawn[256].save(target / "elascope.png", optimize=True)
    largest = drawn[256]
    smaller = [drawn[side] for side in SIDES[:-1]]
    largest.save(target / "elascope.ico", sizes=[(s, s) for s in SIDES], append_images=smaller)
    drawn[512].save(
        target / "elascope.icns", append_images=[drawn[side] for side in (32, 128, 256)]
    )
    del application


def draw(renderer: QSvgRenderer, side: int) -> Image.Image:
    """The icon with ``side`` pixels on each side."""
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGBA")


if __name__ == "__main__":
    main()
