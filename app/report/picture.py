"""A map as a file: amplified as PNG for looking at, unamplified as NumPy array for computing."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from app.arrays import RgbU8
from app.atomic import write_bytes


def write_png(target: Path, picture: RgbU8) -> None:
    """Write (height, width, 3) uint8 RGB without loss.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    write_bytes(target, stream.getvalue())


def write_npy(target: Path, measurement: RgbU8) -> None:
    """Write a map in NumPy's own format.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, measurement, allow_pickle=False)
    write_bytes(target, stream.getvalue())
