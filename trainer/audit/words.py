"""An audit in sentences and tables, the same for the terminal and for the page."""

from collections.abc import Mapping, Sequence

from trainer.audit.findings import Audit, Spread
from trainer.audit.readability import FOLDS, Readability
from trainer.drawing.tables import Table

READS = 0.75
"""From this lower end of its interval on, the container alone is said to give the label away."""

TELLS = 0.55
"""From here on it is said to tell something of the label; 0.5 is chance."""

_ROWS = 12
_GROUPS = 8

_FORMAT_FEATURES = ("format", "luma table", "quality", "subsampling", "progressive")
"""Parts of the container, which need no sentence of their own beside it."""


def verdicts(audit: Audit) -> list[str]:
    """What the reader must know before training on or testing with this corpus."""
    return [
        _container_verdict(audit),
        *_other_features(audit),
        *_duplicate_verdicts(audit),
        *_split_verdicts(audit),
    ]


def tables(audit: Audit) -> list[Table]:
    """Everything that was counted, in the order of reading."""
    return [
        *_common_table(audit.counts),
        *(_count_table(name, counts) for name, counts in audit.counts.items() if len(counts) > 1),
        _spread_table(audit.spreads),
        *([_readability_table(audit.readability)] if audit.readability else []),
        _source_table(audit),
        *_duplicate_tables(audit),
    ]


def left_out(audit: Audit) -> Table:
    """The sentences about what is not used, all of them."""
    return Table("Left out, and why", ("file",), tuple((line,) for line in audit.left_out))


def _container_verdict(audit: Audit) -> str:
    found = audit.container()
    if found is None:
        return "How well the container gives the label away needs two files of each label."
    figure = f"balanced accuracy {found.balanced_accuracy:.3f} [{found.low:.3f}, {found.high:.3f}]"
    if found.low >= READS:
        return (
            f"The label can be read from the container alone with {figure}: results on these "
            "files as they are measure save settings. Use the save pipeline for all classes."
        )
    if found.low >= TELLS:
        return (
            f"The container alone tells something of the label ({figure}): a part of any result "
            "on these files as they are measures save settings. Use the save pipeline for all "
            "classes."
        )
    return (
        f"No more than chance was read from the container alone ({figure}). That is no proof that "
        "save settings tell nothing."
    )


def _other_features(audit: Audit) -> list[str]:
    """Sizes and metadata that tell, most telling first."""
    telling = [
        found
        for found in audit.readability
        if found.low >= TELLS
        and found.feature not in _FORMAT_FEATURES
        and found != audit.container()
    ]
    telling.sort(key=lambda found: -found.balanced_accuracy)
    if not telling:
        return []
    named = ", ".join(f"{found.feature} ({found.balanced_accuracy:.3f})" for found in telling)
    return [f"Each of these alone tells of the label as well: {named}."]


def _duplicate_verdicts(audit: Audit) -> list[str]:
    found = audit.duplicates
    sentences = []
    faults = len(audit.conflicts) + len(found.contradicting)
    if faults:
        sentences.append(
            f"{_groups(faults)} of equal files with both labels: a fault of the corpus. Mend the "
            "labels, or leave these files out."
        )
    same = len(found.exact) - len(found.contradicting)
    if same:
        sentences.append(f"{_groups(same)} of equal files with one label: keep one of each.")
    if found.near:
        sentences.append(
            f"{_groups(len(found.near))} of nearly equal pictures that name no common source, "
            f"{found.near_across} of them across the labels: a split by source may divide them."
        )
    return sentences


def _split_verdicts(audit: Audit) -> list[str]:
    sources = audit.sources
    sentences = []
    if sources.random_shared:
        sentences.append(
            f"Under a random 80/20 split {sources.random_shared:.1%} of the positive test files "
            "share a source with training: what is right there says little about new pictures."
        )
    dropped = sum(sources.disjoint_dropped)
    if dropped:
        sentences.append(
            f"The source-disjoint split keeps {sum(sources.disjoint_train):,} files for training "
            f"and {sum(sources.disjoint_test):,} for the test, and drops {dropped:,} whose "
            "sources are on both sides."
        )
    if audit.left_out:
        count = len(audit.left_out)
        sentences.append(
            f"{count:,} {'remark' if count == 1 else 'remarks'} on files that are left out or "
            "used without their mask."
        )
    return sentences


def _groups(count: int) -> str:
    return f"{count:,} group" if count == 1 else f"{count:,} groups"


_HEADER = ("negative", "positive", "positive of these")


def _common_table(counts: Mapping[str, Mapping[str, tuple[int, int]]]) -> list[Table]:
    """Properties with one value only, which tell nothing of the label."""
    rows = tuple(
        (f"{name}: {value}", f"{sum(pair):,}")
        for name, values in counts.items()
        for value, pair in values.items()
        if len(values) == 1
    )
    return [Table("With one value only", ("property", "files"), rows)] if rows else []


def _count_table(title: str, counts: Mapping[str, tuple[int, int]]) -> Table:
    shown = list(counts.items())[:_ROWS]
    rest = list(counts.values())[_ROWS:]
    rows = [_count_row(value, *pair) for value, pair in shown]
    if rest:
        negatives, positives = (sum(column) for column in zip(*rest, strict=True))
        rows.append(_count_row(f"{len(rest):,} others", negatives, positives))
    return Table(title[0].upper() + title[1:], (title, *_HEADER), tuple(rows))


def _count_row(value: str, negatives: int, positives: int) -> tuple[str, ...]:
    share = positives / (negatives + positives)
    return value, f"{negatives:,}", f"{positives:,}", f"{share:.0%}"


def _spread_table(spreads: Mapping[str, tuple[Spread | None, Spread | None]]) -> Table:
    rows = [
        (f"{title}, {label}", *(f"{value:,.4g}" for value in _values(spread)))
        for title, pair in spreads.items()
        for label, spread in zip(("negative", "positive"), pair, strict=True)
        if spread is not None
    ]
    header = ("property", "lowest", "quarter", "median", "three quarters", "highest")
    return Table("Sizes and quality", header, tuple(rows))


def _values(spread: Spread) -> Sequence[float]:
    return (
        spread.lowest,
        spread.quarter,
        spread.median,
        spread.three_quarters,
        spread.highest,
    )


def _readability_table(found: Sequence[Readability]) -> Table:
    rows = [
        (
            entry.feature,
            f"{entry.balanced_accuracy:.3f}",
            f"[{entry.low:.3f}, {entry.high:.3f}]",
            f"{entry.accuracy:.3f}",
            f"{entry.values:,}",
        )
        for entry in found
    ]
    note = (
        f"A lookup without pixels, {FOLDS} folds; no file is asked about by a lookup that saw one "
        "of its sources. 0.5 is chance. Brackets: 95 % bootstrap interval over files. "
        "Container: format, luma table and subsampling together."
    )
    header = ("feature", "balanced accuracy", "interval", "accuracy", "values")
    return Table("The label read from one feature of the file", header, tuple(rows), note)


def _source_table(audit: Audit) -> Table:
    sources = audit.sources
    shared = "-" if sources.random_shared is None else f"{sources.random_shared:.1%}"
    rows = (
        ("source pictures", f"{sources.sources:,}"),
        ("most files of one source", f"{max(map(int, sources.files_per_source), default=0):,}"),
        ("groups that hang together", f"{sources.components:,}"),
        ("largest of them: files", f"{sources.largest_files:,}"),
        ("largest of them: sources", f"{sources.largest_sources:,}"),
        ("random 80/20 split: positive test files that share a source", shared),
        ("source-disjoint split: training, negative + positive", _sum(sources.disjoint_train)),
        ("source-disjoint split: test, negative + positive", _sum(sources.disjoint_test)),
        ("source-disjoint split: dropped, negative + positive", _sum(sources.disjoint_dropped)),
    )
    return Table("Sources and splits", ("what", "number"), rows)


def _sum(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,} + {pair[1]:,}"


def _duplicate_tables(audit: Audit) -> list[Table]:
    found = audit.duplicates
    conflicts = (*((sentence,) for sentence in audit.conflicts), *found.contradicting)
    kinds = (
        ("Equal files with both labels", conflicts),
        ("Equal files", found.exact),
        ("Nearly equal pictures without a common source", found.near or ()),
    )
    result = []
    for title, groups in kinds:
        if not groups:
            continue
        rows = [(", ".join(group),) for group in groups[:_GROUPS]]
        if len(groups) > _GROUPS:
            rows.append((f"and {_groups(len(groups) - _GROUPS)} more; all are in the JSON file",))
        result.append(Table(title, ("files of a group",), tuple(rows)))
    return result
