"""One look at all rows, for what stands above them: counts, scores, the most conspicuous."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app.scan.previews import SHOWN
from app.scan.results import Results, Totals, rank_of
from app.scan.rows import Row

BINS = 50
"""Bars of a histogram of scores."""

_NAMES = 10
"""Further names of one content that are listed."""


@dataclass(slots=True)
class Survey:
    """What one pass over the rows tells.

    Attributes:
        totals: counts.
        scores: question id to the number of scores in each of `BINS` equal parts of 0..1, the
            upper end belonging to the last.
        conspicuous: files with a conspicuous answer, without duplicates.
        shown: the most conspicuous of them first, `SHOWN` at most.
        names: path of a file that is shown to others with the same content, a few of them.
        named: path of a file that is shown to the number of all others.
    """

    totals: Totals = field(default_factory=Totals)
    scores: dict[str, list[int]] = field(default_factory=dict)
    conspicuous: int = 0
    shown: list[Row] = field(default_factory=list)
    names: dict[Path, list[Path]] = field(default_factory=dict)
    named: Counter[Path] = field(default_factory=Counter)


def survey(results: Results) -> Survey:
    """Count and choose; memory does not grow with the number of rows."""
    found = Survey()
    best: list[tuple[tuple[bool, float], int, Row]] = []
    for index, row in enumerate(results.rows()):
        found.totals.count(row)
        _count_scores(found.scores, row)
        rank = rank_of(row)
        if rank is None or row.duplicate_of is not None:
            continue
        found.conspicuous += 1
        # Of equals the earlier file is the greater one; an index is never met twice.
        add = heapq.heappush if len(best) < SHOWN else heapq.heappushpop
        add(best, (rank, -index, row))
    found.shown = [row for _, _, row in sorted(best, reverse=True)]
    if found.totals.duplicates:
        _collect_names(found, results)
    return found


def _count_scores(scores: dict[str, list[int]], row: Row) -> None:
    for verdict in row.verdicts:
        if verdict.score is not None:
            part = max(0, min(int(verdict.score * BINS), BINS - 1))
            scores.setdefault(verdict.question, [0] * BINS)[part] += 1


def _collect_names(found: Survey, results: Results) -> None:
    shown = {row.path for row in found.shown}
    for row in results.rows():
        if row.duplicate_of in shown:
            assert row.duplicate_of is not None
            found.named[row.duplicate_of] += 1
            names = found.names.setdefault(row.duplicate_of, [])
            if len(names) < _NAMES:
                names.append(row.path)
