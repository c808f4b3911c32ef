"""Several corpora as one, and how often each is drawn from."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from trainer.corpus import Example
from trainer.corpus.examine import without_conflicts
from trainer.corpus.read import Corpus
from trainer.errors import CorpusError


def mix(corpora: Sequence[Corpus]) -> tuple[tuple[Example, ...], list[str]]:
    """The examples of all corpora, each with its corpus's name, and what was left out.

    Files that two corpora share stay in both: every split keeps them in one part.

    Returns:
        The examples, sorted by path, and a sentence for equal files with different labels.

    Raises:
        CorpusError: two corpora have one name, so a table could not tell them apart.
    """
    names = Counter(corpus.name for corpus in corpora)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise CorpusError(f"Two of the corpora have the name {twice[0]!r}; rename one folder.")
    return without_conflicts(
        dataclasses.replace(example, corpus=example.corpus or corpus.name)
        for corpus in corpora
        for example in corpus.examples
    )


def draw_weights(examples: Sequence[Example], shares: Mapping[str, float]) -> tuple[float, ...]:
    """The chance of each example to be the next one drawn, adding up to 1.

    Args:
        examples: what is drawn from, such as the training part of a split.
        shares: relative weight of each corpus; alike within a corpus. A corpus that is not
            named has the weight 1, one with the weight 0 is never drawn.

    Raises:
        CorpusError: a weight is negative or for a corpus without an example, or all are 0.
    """
    counts = Counter(example.corpus for example in examples)
    for corpus, share in shares.items():
        if corpus not in counts:
            raise CorpusError(
                f"There is a weight for the corpus {corpus!r}, but no example of it; "
                f"there are {', '.join(sorted(counts)) or 'none'}."
            )
        if not 0 <= share < float("inf"):
            raise CorpusError(f"The weight of {corpus!r} is {share}; it must be 0 or more.")
    total = sum(shares.get(corpus, 1.0) for corpus in counts)
    if total == 0:
        raise CorpusError("Every corpus has the weight 0, so nothing could be drawn.")
    return tuple(
        shares.get(example.corpus, 1.0) / total / counts[example.corpus] for example in examples
    )
