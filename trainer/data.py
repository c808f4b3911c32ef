"""From corpora on disk to the parts of a run: read, mix, keep what the recipe asks for, divide."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import ElascopeError
from app.evidence.file import open_evidence
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.examine import both_classes, on_all_cores
from trainer.corpus.folder import read_references
from trainer.corpus.leave_out import Divide, leave_corpus_out, leave_generator_out
from trainer.corpus.mixture import mix
from trainer.corpus.read import read_corpus
from trainer.corpus.splits import (
    PARTS,
    Split,
    halves,
    manifest_sha256,
    split_by_components,
    split_by_source_dropping,
    split_random,
)
from trainer.errors import CorpusError

METHODS: Mapping[str, Divide] = {
    "components": split_by_components,
    "dropping": split_by_source_dropping,
    "random": split_random,
}


_TAKEN = {*PARTS, "groups", "container_only", "pixel", "float32"}
"""Names that results have."""


@dataclass(frozen=True, slots=True)
class Data:
    """The pictures of a run.

    Attributes:
        corpora: names, in the order of the command line.
        roots: folder (or the manifest's folder) of each corpus and of the references; file names
            in a run are relative to the first that holds the file.
        split: of the mixed corpora.
        references: name to untouched pictures from elsewhere, of which none trains.
        left_out: a sentence for everything that is not used.
    """

    corpora: tuple[str, ...]
    roots: tuple[Path, ...]
    split: Split
    references: Mapping[str, Sequence[Example]]
    left_out: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash over content, label and part of every file that the run uses."""
        return manifest_sha256({**self.split.parts, **self.references})

    def held_out(self, seed: int) -> dict[str, tuple[Example, ...]]:
        """What may be measured: validation and test, and half of each reference folder."""
        found = {part: self.split.parts[part] for part in ("validation", "test")}
        return found | {
            name: tuple(halves(pictures, seed)["test"])
            for name, pictures in self.references.items()
        }

    def calibrating(self, seed: int) -> dict[str, tuple[Example, ...]]:
        """What sets score and thresholds: the calibration part, and the references' other half."""
        found = {"calibration": self.split.parts["calibration"]}
        return found | {
            name: tuple(halves(pictures, seed)["calibration"])
            for name, pictures in self.references.items()
        }

    def name_of(self, example: Example) -> str:
        """Where an example lies in its corpus, without a place on this machine."""
        for root in self.roots:
            if example.path.is_relative_to(root):
                return example.path.relative_to(root).as_posix()
        return example.path.name


def gather(recipe: Recipe, corpora: Sequence[Path]) -> Data:
    """Read what ``recipe`` trains on, and divide it.

    Raises:
        CorpusError: a corpus is laid out otherwise, a class is missing, or a part stays empty.
    """
    read = [read_corpus(root, positive=recipe.positive) for root in corpora]
    examples, conflicts = mix(read)
    left_out = [sentence for corpus in read for sentence in corpus.left_out] + conflicts
    if recipe.formats:
        examples, sentence = _of_formats(examples, recipe.formats)
        left_out += sentence
    split = divide(recipe, examples)
    for part, held in split.parts.items():
        both_classes(held, f"The part {part!r} of the split", recipe.positive)
    if taken := sorted(_TAKEN & set(recipe.references)):
        raise CorpusError(f"A reference folder cannot be called {taken[0]!r}; rename it.")
    references = read_references(corpora[0], recipe.references)
    used = {example.sha256 for example in examples}
    fresh = {
        name: [example for example in pictures if example.sha256 not in used]
        for name, pictures in references.items()
    }
    for name, pictures in references.items():
        if same := len(pictures) - len(fresh[name]):
            left_out.append(f"{name}: {same} pictures are in the corpus, too.")
    for name, pictures in fresh.items():
        if not all(halves(pictures, recipe.seed).values()):
            raise CorpusError(
                f"The reference folder {name!r} has {len(pictures)} pictures that are not in the "
                "corpus, too few to set the operating point with one half and measure the other."
            )
    roots = [root.parent if root.is_file() else root for root in corpora]
    roots += [corpora[0].parent / name for name in references]
    names = tuple(corpus.name for corpus in read)
    return Data(names, tuple(roots), split, fresh, tuple(left_out))


def divide(recipe: Recipe, examples: Sequence[Example]) -> Split:
    """Divide ``examples`` as ``recipe`` says, into `PARTS`."""
    shares = dataclasses.asdict(recipe.shares)
    method = METHODS[recipe.split]
    what, _, name = recipe.leave_out.partition(":")
    leave: Callable[[Sequence[Example], str, Mapping[str, float], int, Divide], Split]
    if what == "corpus":
        leave = leave_corpus_out
    elif what == "generator":
        leave = leave_generator_out
    else:
        return method(examples, shares, recipe.seed)
    split = leave(examples, name, shares, recipe.seed, method)
    return dataclasses.replace(split, parts={part: split.parts[part] for part in PARTS})


def _of_formats(
    examples: Sequence[Example], formats: Sequence[str]
) -> tuple[tuple[Example, ...], list[str]]:
    """Examples whose content is of one of ``formats``, and a sentence about the others."""

    def format_of(example: Example) -> str | None:
        try:
            return open_evidence(example.path).format
        except ElascopeError:
            return None

    wanted = {name.casefold() for name in formats}
    found = on_all_cores(format_of, examples, "reading formats")
    kept = tuple(
        example
        for example, one in zip(examples, found, strict=True)
        if one is not None and one.casefold() in wanted
    )
    if not kept:
        raise CorpusError(f"No file of the corpus is of the format {' or '.join(formats)}.")
    away = len(examples) - len(kept)
    return kept, [f"{away} files are not {' or '.join(formats)}."] if away else []
