"""CASIA ITDE 1.0 in its official layout: ``Au/`` and ``Sp/`` (and ``masks/``, not used yet).

Source: J. Dong, W. Wang, T. Tan, "CASIA Image Tampering Detection Evaluation Database",
ChinaSIP 2013. The name of a forgery ends in the ids of its two source pictures, for example
``Sp_D_CND_A_pla0005_pla0023_0281.jpg``.
"""

import re
from pathlib import Path

from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus import Example
from trainer.errors import CorpusError

# Some authentic pictures end in .JPG; two forgeries have a dot where the others have an underscore.
_FORGED = re.compile(
    r"Sp_(?P<origin>[DS])_[A-Z]{3}_[A-Z]_(?P<a>[a-z]{3}\d{4})_(?P<b>[a-z]{3}\d{4})"
    r"[_.]\d{4}\.(?:jpg|JPG)"
)
_AUTHENTIC = re.compile(r"Au_(?P<category>[a-z]{3})_(?P<number>\d{4})\.(?:jpg|JPG)")
_ORIGINS = {"D": "splice", "S": "copy-move"}
_SMALLEST_SIDE = 16


def read_casia1(root: Path) -> tuple[list[Example], list[str]]:
    """List the examples of a copy of CASIA 1.0.

    Returns:
        The examples, sorted by path, and a sentence for every file that was left out.

    Raises:
        CorpusError: the layout is another, or a class is empty.
    """
    authentic, forged = root / "Au", root / "Sp"
    if not authentic.is_dir() or not forged.is_dir():
        raise CorpusError(
            f"{root} is not a copy of CASIA 1.0: expected the folders Au/ and Sp/ in it."
        )
    examples: list[Example] = []
    left_out: list[str] = []
    for path in sorted([*authentic.iterdir(), *forged.iterdir()]):
        try:
            examples.append(_example(path))
        except ElascopeError as error:
            left_out.append(f"{path.name}: {error.sentence}")
    for label, folder in ((0, "Au"), (1, "Sp")):
        if not any(example.label == label for example in examples):
            raise CorpusError(f"{root}/{folder} holds no usable picture; both classes are needed.")
    return examples, left_out


def _example(path: Path) -> Example:
    if match := _AUTHENTIC.fullmatch(path.name):
        label, kind = 0, "authentic"
        sources = frozenset({match["category"] + match["number"]})
    elif match := _FORGED.fullmatch(path.name):
        label, kind = 1, _ORIGINS[match["origin"]]
        sources = frozenset({match["a"], match["b"]})
    else:
        raise CorpusError("the name does not follow CASIA 1.0's pattern")
    evidence = open_evidence(path)
    shape = decode(evidence).pixels.shape
    if min(shape[:2]) < _SMALLEST_SIDE:
        raise CorpusError(f"the picture has only {shape[1]} x {shape[0]} pixels")
    return Example(path, evidence.sha256, label, kind, sources)
