"""Testing on what no part of the training knows: another corpus, another generator."""

from collections.abc import Callable, Mapping, Sequence

from trainer.corpus import Example
from trainer.corpus.splits import Split, ordered, split_by_source_dropping
from trainer.errors import CorpusError

Divide = Callable[[Sequence[Example], Mapping[str, float], int], Split]
"""A method that divides examples by shares and a seed."""


def leave_corpus_out(
    examples: Sequence[Example],
    corpus: str,
    shares: Mapping[str, float],
    seed: int,
    divide: Divide = split_by_source_dropping,
) -> Split:
    """Test on one whole corpus, divide the others into the remaining parts.

    Args:
        examples: of several corpora.
        corpus: name of the one to test on.
        shares: part to share; that of ``test`` is dealt out to the others.
        seed: of the split.
        divide: method for the other corpora.

    Raises:
        CorpusError: it is not among the examples, or it is all there is.
    """
    held = [example for example in examples if example.corpus == corpus]
    rest = [example for example in examples if example.corpus != corpus]
    if not held or not rest:
        names = ", ".join(sorted({example.corpus or "(unnamed)" for example in examples}))
        raise CorpusError(
            f"The corpus {corpus!r} cannot be left out: there must be it and another one, "
            f"and the examples are of {names}."
        )
    others = {part: share for part, share in shares.items() if part != "test"}
    total = sum(others.values())
    base = divide(rest, {part: share / total for part, share in others.items()}, seed)
    return _with_test(f"corpus, {corpus} left out for the test", base, held)


def leave_generator_out(
    examples: Sequence[Example],
    generator: str,
    shares: Mapping[str, float],
    seed: int,
    divide: Divide = split_by_source_dropping,
) -> Split:
    """Test on all pictures of one generator and on authentic ones, train on other generators.

    The other examples are divided by ``divide``; what its test part holds of other generators
    is dropped.

    Raises:
        CorpusError: no picture is by it, or all generated ones are.
    """
    held = [example for example in examples if example.generator == generator]
    rest = [example for example in examples if example.generator != generator]
    known = sorted({example.generator for example in examples if example.generator})
    if not held or len(known) < 2:
        raise CorpusError(
            f"The generator {generator!r} cannot be left out: there must be it and another one, "
            f"and the examples name {', '.join(known) or 'none'}."
        )
    base = divide(rest, shares, seed)
    untouched = [example for example in base.parts["test"] if example.label == 0]
    others = tuple(example for example in base.parts["test"] if example.label)
    base = Split(base.method, base.parts, base.dropped + others, seed)
    return _with_test(f"generator, {generator} left out for the test", base, held + untouched)


def _with_test(method: str, base: Split, test: Sequence[Example]) -> Split:
    """Replace the test part, and drop what shares a source or its content with the new one."""
    tested = {key for example in test for key in (*example.sources, example.sha256)}
    parts: dict[str, tuple[Example, ...]] = {}
    dropped = list(base.dropped)
    for part, held in base.parts.items():
        if part == "test":
            continue
        tied = [not tested.isdisjoint((*example.sources, example.sha256)) for example in held]
        parts[part] = tuple(e for e, is_tied in zip(held, tied, strict=True) if not is_tied)
        dropped += [e for e, is_tied in zip(held, tied, strict=True) if is_tied]
    parts["test"] = tuple(ordered(test))
    return Split(f"{method}; the rest by {base.method}", parts, tuple(ordered(dropped)), base.seed)
