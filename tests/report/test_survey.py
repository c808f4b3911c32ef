from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.detection.verdict import State, Verdict
from app.report.html_report import HTML
from app.report.page import survey as survey_module
from app.report.page.survey import BINS, survey
from app.scan.results import Account, Collected, Preview
from app.scan.rows import Row
from tests.report.rows import ROWS, written


def _row(name: str, state: State, score: float | None, **changes: object) -> Row:
    verdict = Verdict("tampered", state, score, "A reason.", "toy", "ab" * 32, "CPU")
    return replace(Row(Path(name), "ok", verdicts=(verdict,)), **changes)  # type: ignore[arg-type]


def test_positive_comes_before_inconclusive_then_the_score_then_the_order_of_files() -> None:
    rows = [
        _row("low", State.INCONCLUSIVE, 0.4),
        _row("doubtful", State.INCONCLUSIVE, 0.99),
        _row("sure", State.POSITIVE, 0.95),
        _row("first of two", State.POSITIVE, 0.97),
        _row("second of two", State.POSITIVE, 0.97),
        _row("no", State.NEGATIVE, 0.1),
        _row("out", State.OUTSIDE_VALIDITY, None),
    ]
    found = survey(Collected(rows, ("tampered",)))
    names = [row.path.name for row in found.shown]
    assert names == ["first of two", "second of two", "sure", "doubtful"]
    assert found.conspicuous == 4


def test_a_duplicate_is_named_with_the_file_that_was_judged() -> None:
    judged = _row("judged", State.POSITIVE, 0.9)
    copies = [
        _row(f"copy {n}", State.POSITIVE, 0.9, duplicate_of=Path("judged")) for n in range(25)
    ]
    found = survey(Collected([judged, *copies], ("tampered",)))
    assert [row.path.name for row in found.shown] == ["judged"]
    assert (found.conspicuous, found.totals.duplicates) == (1, 25)
    assert found.named[Path("judged")] == 25
    assert found.names[Path("judged")] == [Path(f"copy {n}") for n in range(10)]
    assert "and 15 more" in written(HTML, Collected([judged, *copies], ("tampered",))).decode()


def test_scores_at_both_ends_are_counted() -> None:
    rows = [_row("a", State.NEGATIVE, 0.0), _row("b", State.POSITIVE, 1.0)]
    bins = survey(Collected(rows, ("tampered",))).scores["tampered"]
    assert (bins[0], bins[-1], sum(bins), len(bins)) == (1, 1, 2, BINS)


def test_only_the_most_conspicuous_are_shown_and_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(survey_module, "SHOWN", 3)
    rows = [_row(f"{n}.jpg", State.POSITIVE, n / 10) for n in (1, 9, 3, 7, 5)]
    found = survey(Collected(rows, ("tampered",)))
    assert [row.path.name for row in found.shown] == ["9.jpg", "7.jpg", "5.jpg"]
    asked: list[Path] = []

    class Watched:
        account = Account()
        questions = ("tampered",)

        def rows(self) -> Iterator[Row]:
            return iter(rows)

        def preview(self, path: Path) -> Preview | None:
            asked.append(path)
            return None

    page = written(HTML, Watched()).decode()
    assert "Only the 3 most conspicuous of 5 are shown" in page
    assert [path.name for path in asked] == ["9.jpg", "7.jpg", "5.jpg"]


def test_the_shared_rows_are_counted() -> None:
    found = survey(Collected(ROWS, ("tampered", "generated")))
    assert found.totals.files == sum(found.totals.statuses.values()) == len(ROWS)
    assert (found.totals.archives, found.totals.duplicates) == (1, 1)
