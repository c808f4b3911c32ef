"""A tiny copy of CASIA 1.0's layout, made of synthetic pictures."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_CATEGORIES = ("ani", "arc", "nat", "pla")


def photograph(seed: int) -> NDArray[np.uint8]:
    """Smooth shapes with grain, (96, 128, 3) uint8."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(30, 220, (6, 8, 3)).astype(np.uint8)
    smooth = Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC)
    grain = random.normal(0, 5, (96, 128, 1))
    return np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)


def write_casia1(root: Path, count: int = 40) -> Path:
    """``count`` authentic pictures and as many forgeries of them, in the official layout.

    A forgery carries a hard chequered patch, which any working trainer must find.
    """
    (root / "Au").mkdir(parents=True)
    (root / "Sp").mkdir()
    chequers = ((np.indices((40, 40)) // 4).sum(axis=0) % 2 * 200 + 20).astype(np.uint8)
    for number in range(count):
        category = _CATEGORIES[number % len(_CATEGORIES)]
        pixels = photograph(number)
        name = f"Au_{category}_{number:04}.jpg"
        Image.fromarray(pixels).save(root / "Au" / name, quality=95)
        forged = pixels.copy()
        forged[20:60, 30:70] = chequers[:, :, None]
        source = f"{category}{number:04}"
        kind = "D" if number % 2 else "S"
        name = f"Sp_{kind}_NNN_A_{source}_{source}_{number:04}.jpg"
        Image.fromarray(forged).save(root / "Sp" / name, quality=75)
    return root
