"""A folder per class: ``authentic/``, ``tampered/``, ``ai/`` and the like, with ``masks/`` beside.

Pictures lie in the class folders at any depth. Two of different classes that have the same path
below their class folders (without suffix) are taken for one picture and its altered version, so
they share a source and stay in one part of a split. Below ``ai/`` a folder is the generator.
A mask has its picture's path or name below ``masks/``, also with ``_gt`` or ``_mask`` added.
"""

from collections.abc import Mapping
from pathlib import Path

from trainer.corpus import casia, casia2
from trainer.corpus.examine import ALTERED, AUTHENTIC, GENERATED, TAMPERED, Listed, Listing
from trainer.errors import CorpusError

_FOLDERS: Mapping[str, str] = {
    **dict.fromkeys(("authentic", "original", "pristine", "real", "untouched"), AUTHENTIC),
    **dict.fromkeys(("altered", "forged", "manipulated"), TAMPERED),
    **{kind: kind for kind in ALTERED},
    **dict.fromkeys(("ai", "generated", "synthetic"), GENERATED),
}
"""Lower-case name of a class folder to its kind."""

_MASKS = "masks"
_NOT_LISTED = (".txt", ".md", ".csv", ".json", ".pdf")


def is_tree(root: Path) -> bool:
    """Whether there is a folder of authentic pictures and one of another class."""
    return root.is_dir() and _are_classes(_classes(root))


def list_tree(root: Path, classes: tuple[str, str] | None = None, positive: str = "") -> Listing:
    """What the class folders hold.

    Args:
        root: of the tree.
        classes: the folders of authentic and of positive pictures; found by name without it.
        positive: kind of the second folder of ``classes``; tampered if empty.

    Raises:
        CorpusError: a class folder is missing.
    """
    if classes is None:
        kinds = _classes(root) if root.is_dir() else {}
        if not _are_classes(kinds):
            raise CorpusError(
                f"{root} is not a folder per class: expected authentic/ and tampered/ or ai/ "
                "in it, or the names of two class folders."
            )
    else:
        if classes[0] == classes[1]:
            raise CorpusError("Name two different class folders, the authentic one first.")
        kinds = dict(zip(classes, (AUTHENTIC, positive or TAMPERED), strict=True))
        for name in kinds:
            if not (root / name).is_dir():
                raise CorpusError(f"{root} has no folder {name!r}, which was named as a class.")
    masks = _masks(root)
    pictures = []
    unread: list[tuple[Path, str]] = []
    for name, kind in sorted(kinds.items()):
        for path in sorted(p for p in (root / name).rglob("*") if p.is_file()):
            if path.name.startswith(".") or path.suffix.lower() in _NOT_LISTED:
                unread.append((path, "not a picture by its name"))
                continue
            pictures.append(_listed(path, root, root / name, kind, masks))
    return Listing(tuple(pictures), tuple(unread))


def _classes(root: Path) -> dict[str, str]:
    return {
        path.name: _FOLDERS[path.name.lower()]
        for path in sorted(root.iterdir())
        if path.name.lower() in _FOLDERS and path.is_dir()
    }


def _are_classes(kinds: Mapping[str, str]) -> bool:
    return AUTHENTIC in kinds.values() and len(set(kinds.values())) > 1


def _listed(path: Path, root: Path, folder: Path, kind: str, masks: Mapping[str, Path]) -> Listed:
    below = path.relative_to(folder).with_suffix("").as_posix()
    named = casia.parse_name(path.name) or casia2.parse_name(path.name)
    mask = None if kind in (AUTHENTIC, GENERATED) else masks.get(below) or masks.get(path.stem)
    generator = below.split("/")[0] if kind == GENERATED and "/" in below else ""
    return Listed(
        path,
        kind,
        named[1] if named else frozenset({below}),
        corpus=root.resolve().name,
        generator=generator,
        mask=mask,
    )


def _masks(root: Path) -> dict[str, Path]:
    """Masks by path below ``masks/`` and by name, both without suffix and ``_gt``."""
    found: dict[str, Path] = {}
    folder = root / _MASKS
    for path in sorted(folder.rglob("*.png")):
        stem = path.stem.removesuffix("_gt").removesuffix("_mask")
        found.setdefault(path.relative_to(folder).with_name(stem).as_posix(), path)
        found.setdefault(stem, path)
    return found
