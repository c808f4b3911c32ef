"""Names for the arrays that travel through the program, in one place."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

RgbU8: TypeAlias = NDArray[np.uint8]
"""Pixels or a per-channel map: shape (height, width, 3), uint8, 0..255, order R, G, B."""

MapArray: TypeAlias = NDArray[Any]
"""A measured map: shape (height, width, channels), an unsigned integer type, or float32 after a
reduction by the mean. What the channels and their unit are, the analysis says."""

TensorF32: TypeAlias = NDArray[np.float32]
"""A model's input for one image: shape (channels, height, width), float32."""
