"""Make the sample images in resources/samples from freely licensed photographs.

    python packaging/make_samples.py PHOTOGRAPHS resources/samples

PHOTOGRAPHS holds the files named below; a generated one lies in ``ai`` beside it. Every edit has a
mask in ``sample_masks`` beside the samples, and its whole history in ``sample_masks/history.json``.
Same input, same files.
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIZE = 640
"""Longer side of the edited samples: inside the validity of the shipped model."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """One finished sample: file, history in words, and the mask of what was edited."""

    name: str
    sources: tuple[str, ...]
    history: tuple[str, ...]
    mask: Image.Image | None = None


def main(photographs: Path, target: Path) -> None:
    """Make every sample."""
    masks = target.parent / "sample_masks"
    for folder in (target, masks):
        folder.mkdir(parents=True, exist_ok=True)
    history = {}
    for make in SAMPLES:
        sample = make(photographs, target)
        entry: dict[str, object] = {"sources": sample.sources, "history": sample.history}
        if sample.mask is not None:
            name = f"{Path(sample.name).stem}_mask.png"
            sample.mask.save(masks / name, optimize=True)
            entry["mask"] = name
        history[sample.name] = entry
    (masks / "history.json").write_text(json.dumps(history, indent=1) + "\n")


def reduced(path: Path, longer: int = SIZE) -> Image.Image:
    """The photograph with its longer side reduced to ``longer``, without metadata."""
    with Image.open(path) as photograph:
        picture = photograph.convert("RGB")
    picture.thumbnail((longer, longer), Image.Resampling.LANCZOS)
    return picture


def saved(picture: Image.Image, path: Path, quality: int) -> Image.Image:
    """Save as JPEG (4:2:0) and read back what was saved."""
    picture.save(path, "JPEG", quality=quality, subsampling=2)
    with Image.open(path) as again:
        return again.convert("RGB")


def polygon(
    size: tuple[int, int], points: list[tuple[float, float]], feather: float
) -> Image.Image:
    """A filled polygon of relative coordinates as mask, its edge blurred by ``feather`` pixels."""
    mask = Image.new("L", size)
    width, height = size
    ImageDraw.Draw(mask).polygon([(x * width, y * height) for x, y in points], fill=255)
    return mask.filter(ImageFilter.GaussianBlur(feather))


def untouched(photographs: Path, target: Path) -> Sample:
    """A photograph that was only reduced and saved once."""
    name, source = "untouched.jpg", "cc0/oakland-zoo-otters.jpg"
    saved(reduced(photographs / source), target / name, 92)
    return Sample(name, (source,), (f"reduced to {SIZE} px", "saved as JPEG, quality 92"))


def untouched_twice(photographs: Path, target: Path) -> Sample:
    """A photograph that was reduced and saved twice, as a messenger would."""
    name, source = "untouched_resaved.jpg", "exif_orientation_mit/Landscape_0.jpg"
    once = saved(reduced(photographs / source), target / name, 90)
    saved(once, target / name, 70)
    steps = (f"reduced to {SIZE} px", "saved as JPEG, quality 90", "saved as JPEG, quality 70")
    return Sample(name, (source,), steps)


def splice(photographs: Path, target: Path) -> Sample:
    """Bananas on the otters' rock: the background has one more save behind it."""
    name = "splice.jpg"
    background, donor = "cc0/oakland-zoo-otters.jpg", "mit/DSC_0423.JPG"
    picture, mask = spliced(photographs, target / name, background, donor)
    saved(picture, target / name, 95)
    return Sample(name, (background, donor), (*SPLICE_STEPS, "saved as JPEG, quality 95"), mask)


def splice_resaved(photographs: Path, target: Path) -> Sample:
    """The same splice after a coarse last save, which evens out the error levels."""
    name = "splice_resaved.jpg"
    background, donor = "cc0/oakland-zoo-otters.jpg", "mit/DSC_0423.JPG"
    picture, mask = spliced(photographs, target / name, background, donor)
    saved(saved(picture, target / name, 95), target / name, 60)
    steps = (*SPLICE_STEPS, "saved as JPEG, quality 95", "saved as JPEG, quality 60")
    return Sample(name, (background, donor), steps, mask)


SPLICE_STEPS = (
    f"background reduced to {SIZE} px and saved as JPEG, quality 75",
    "donor reduced to 260 px, its object cut out with a feathered edge",
    "object pasted onto the background",
)
BANANAS = [
    (0.15, 0.48), (0.30, 0.45), (0.47, 0.40), (0.57, 0.28), (0.61, 0.21), (0.65, 0.23),
    (0.67, 0.33), (0.71, 0.45), (0.69, 0.58), (0.62, 0.71), (0.50, 0.78), (0.36, 0.76),
    (0.35, 0.68), (0.22, 0.62), (0.17, 0.56),
]  # fmt: skip


def spliced(
    photographs: Path, trial: Path, background: str, donor: str
) -> tuple[Image.Image, Image.Image]:
    """The composite before its last save, and its mask."""
    base = saved(reduced(photographs / background), trial, 75)
    insert = reduced(photographs / donor, 260)
    cut = polygon(insert.size, BANANAS, 1.0)
    at = (60, 205)
    base.paste(insert, at, cut)
    mask = Image.new("L", base.size)
    mask.paste(cut, at)
    return base, mask.point(lambda level: 255 * (level > 127))


def copy_move(photographs: Path, target: Path) -> Sample:
    """A part of the aerial picture copied over another part of it."""
    name, source = "copy_move.jpg", "bsd/DJI_0025.JPG"
    picture = saved(reduced(photographs / source), target / name, 85)
    # The planted island at the right, copied over the drive at the left of it.
    box, at = (440, 95, 560, 215), (205, 140)
    patch = picture.crop(box)
    points = [
        (0.08, 0.3),
        (0.4, 0.03),
        (0.8, 0.1),
        (0.97, 0.5),
        (0.8, 0.9),
        (0.4, 0.97),
        (0.1, 0.75),
    ]
    cut = polygon(patch.size, points, 1.5)
    picture.paste(patch, at, cut)
    mask = Image.new("L", picture.size)
    mask.paste(cut, at)
    saved(picture, target / name, 93)
    steps = (
        f"reduced to {SIZE} px and saved as JPEG, quality 85",
        f"region {box} copied to {at} with a feathered edge",
        "saved as JPEG, quality 93",
    )
    return Sample(name, (source,), steps, mask.point(lambda level: 255 * (level > 127)))


def never_jpeg(photographs: Path, target: Path) -> Sample:
    """A photograph reduced and stored as PNG: ELA shows its edges only."""
    name, source = "stored_as_png.png", "cc0/piazza-gae-aulenti.jpg"
    reduced(photographs / source).save(target / name, "PNG", optimize=True)
    return Sample(name, (source,), (f"reduced to {SIZE} px", "stored as PNG"))


def camera_file(photographs: Path, target: Path) -> Sample:
    """A file as the camera wrote it, too large for the shipped model."""
    name, source = "camera_original.jpg", "mit/DSC_0423.JPG"
    shutil.copyfile(photographs / source, target / name)
    return Sample(name, (source,), ("copied unchanged",))


def turned(photographs: Path, target: Path) -> Sample:
    """A file whose EXIF data ask for a rotation; the analysed pixels stay as stored."""
    name, source = "exif_orientation.jpg", "exif_orientation_mit/Portrait_6.jpg"
    shutil.copyfile(photographs / source, target / name)
    return Sample(name, (source,), ("copied unchanged",))


def damaged(photographs: Path, target: Path) -> Sample:
    """The first third of a JPEG file, as a broken download leaves it."""
    name, source = "damaged.jpg", "cc0/blue-periwinkle.jpg"
    path = target / name
    saved(reduced(photographs / source), path, 90)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    steps = (f"reduced to {SIZE} px", "saved as JPEG, quality 90", "cut after a third of its bytes")
    return Sample(name, (source,), steps)


def generated(photographs: Path, target: Path) -> Sample:
    """The last of four pictures on a sheet that Stable Diffusion made."""
    name, source = "generated.jpg", "stable_diffusion/Gregory-Crewdson.webp"
    with Image.open(photographs.parent / "ai" / source) as sheet:
        width, height = sheet.size
        picture = sheet.convert("RGB").crop((width // 2, height // 2, width, height))
    saved(picture, target / name, 92)
    steps = (
        "made by Stable Diffusion 1.5 or SDXL; the shipped model trained on it",
        "the fourth quarter of a sheet of four",
        "saved as JPEG, quality 92",
    )
    return Sample(name, (source,), steps)


SAMPLES: tuple[Callable[[Path, Path], Sample], ...] = (
    untouched,
    untouched_twice,
    splice,
    splice_resaved,
    copy_move,
    never_jpeg,
    camera_file,
    turned,
    damaged,
    generated,
)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
