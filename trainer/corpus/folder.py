"""Folders of untouched pictures: what a false alarm is measured on."""

from pathlib import Path

from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus import Example
from trainer.corpus.examine import on_all_cores
from trainer.errors import CorpusError


def read_authentic(folder: Path) -> list[Example]:
    """Every readable picture below ``folder`` as an untouched one.

    Raises:
        CorpusError: there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found = on_all_cores(_sha256_if_readable, paths, f"reading {folder.name}")
    examples = []
    seen: set[str] = set()
    for path, sha256 in zip(paths, found, strict=True):
        if sha256 is None or sha256 in seen:
            continue
        seen.add(sha256)
        examples.append(Example(path, sha256, 0, "authentic", frozenset({path.name})))
    if not examples:
        raise CorpusError(f"{folder} holds no usable picture.")
    return examples


def read_references(corpus: Path, names: tuple[str, ...]) -> dict[str, list[Example]]:
    """The recipe's reference folders, which lie beside ``corpus``.

    Raises:
        CorpusError: one is missing or empty.
    """
    for name in names:
        if not (corpus.parent / name).is_dir():
            raise CorpusError(
                f"The recipe sets its operating point with the folder {name!r} beside "
                f"{corpus.name}, and {corpus.parent} has none."
            )
    return {name: read_authentic(corpus.parent / name) for name in names}


def _sha256_if_readable(path: Path) -> str | None:
    try:
        evidence = open_evidence(path)
        decode(evidence)
    except ElascopeError:
        return None
    return evidence.sha256
