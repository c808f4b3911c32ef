"""Tiny data sets in every layout that is read, made of synthetic pictures."""

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


def write_mask(path: Path, size: tuple[int, int] = (128, 96)) -> Path:
    """A mask of (width, height) pixels with a white square."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros(size[::-1], np.uint8)
    mask[20:60, 30:70] = 255
    Image.fromarray(mask).save(path)
    return path


def write_casia2(root: Path) -> Path:
    """Four authentic pictures, a copy-move, a splice and their masks, in the official layout.

    The formats are those of the official set: TIFF and JPEG forgeries, one BMP among the others.
    """
    for folder in ("Au", "Tp", "Groundtruth"):
        (root / folder).mkdir(parents=True)
    names = (
        "Au/Au_ani_00001.jpg",
        "Au/Au_ani_10002.jpg",
        "Au/Au_sec_30724.bmp",
        "Au/Au_txt_00071.jpg",
        "Tp/Tp_D_CRN_M_N_ani00001_ani10002_00148.tif",
        "Tp/Tp_S_CnN_S_N_txt00071_txt00071_01297.jpg",
    )
    for number, name in enumerate(names):
        Image.fromarray(photograph(200 + number)).save(root / name)
        if name.startswith("Tp"):
            write_mask(root / "Groundtruth" / f"{Path(name).stem}_gt.png")
    return root


def write_lists(root: Path, folder: Path) -> Path:
    """The three official lists of names for the copy in ``root``, with its stray entry."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, name in (("Au", "au"), ("Tp", "tp"), ("Groundtruth", "groundtruth")):
        lines = sorted(path.name for path in (root / part).iterdir())
        if name == "groundtruth":
            lines.append("dataset\\CASIA2.0_revised\\Tp\\tp_list_gt.png")
        (folder / f"{name}_list.txt").write_bytes("\r\n".join([*lines, ""]).encode())
    return folder


def write_tree(root: Path) -> Path:
    """A folder per class: three authentic, two tampered with masks, two generators."""
    names = (
        "authentic/beach.jpg",
        "authentic/street/1.png",
        "authentic/street/2.png",
        "tampered/beach.jpg",
        "tampered/street/1.png",
        "ai/diffusion/a.png",
        "ai/diffusion/b.webp",
        "ai/adversarial/a.png",
    )
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(300 + number)).save(root / name)
    write_mask(root / "masks" / "beach_gt.png")
    write_mask(root / "masks" / "street" / "1.png")
    return root
