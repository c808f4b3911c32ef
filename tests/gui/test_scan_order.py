"""Filter, order and counts of the scan's rows, against the same written out row by row."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.detection.verdict import State, Verdict
from app.gui.folder.listing import natural
from app.gui.scan.columns import Answer, Columns
from app.gui.scan.files import prepared
from app.gui.scan.order import (
    PROBLEMS,
    Column,
    Filter,
    Kind,
    Order,
    Wanted,
    arranged,
    in_words,
    passing,
)
from app.scan.results import conspicuous
from app.scan.rows import STATUSES, Row
from tests.gui.scans import columns, judged, many

PATHS = [Path(f"/case/{number % 7:02}/Img {number * 37 % 400}.jpg") for number in range(400)]
ROWS = many(PATHS)


def answer_to(row: Row, question: str) -> Verdict | None:
    return next((v for v in row.verdicts if v.question == question), None)


def found(wanted: Filter, order: Order = Order()) -> list[Path]:  # noqa: B008
    made = columns(ROWS)
    return [PATHS[at] for at in arranged(made, passing(made, wanted), order).tolist()]


Test = Callable[[Row], bool]
CASES: list[tuple[Filter, Test]] = [
    (Filter(), lambda row: True),
    (Filter(text="IMG 3"), lambda row: "img 3" in row.path.name.lower()),
    (Filter(text="02/im"), lambda row: row.path.parent.name == "02"),
    (Filter(status="broken"), lambda row: row.status == "broken"),
    (Filter(status=PROBLEMS), lambda row: row.status != "ok"),
    (
        Filter(answers={"tampered": Wanted(Answer.POSITIVE)}),
        lambda row: getattr(answer_to(row, "tampered"), "state", None) is State.POSITIVE,
    ),
    (
        Filter(answers={"generated": Wanted(Answer.NOT_ASKED)}),
        lambda row: row.status == "ok" and answer_to(row, "generated") is None,
    ),
    (
        Filter(answers={"generated": Wanted(None, 0.25, 0.5)}),
        lambda row: 0.25 <= (getattr(answer_to(row, "generated"), "score", None) or 0) < 0.5,
    ),
    (Filter(conspicuous=True), lambda row: any(map(conspicuous, row.verdicts))),
    (
        Filter("img", "ok", {"tampered": Wanted(Answer.INCONCLUSIVE, 0.5)}, conspicuous=True),
        lambda row: (
            getattr(answer_to(row, "tampered"), "state", None) is State.INCONCLUSIVE
            and (getattr(answer_to(row, "tampered"), "score", None) or 0) >= 0.5
        ),
    ),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_filter_shows_what_it_says(number: int) -> None:
    wanted, test = CASES[number]
    expected = [row.path for row in ROWS if test(row)]
    assert len(expected) > 0
    assert found(wanted) == expected


def score_of(row: Row, question: str) -> float | None:
    given = answer_to(row, question)
    return given.score if given else None


def spread_of(row: Row) -> float | None:
    given = answer_to(row, "tampered")
    if given is None or given.high is None or given.low is None:
        return None
    return given.high - given.low


KEYS: list[tuple[Column, Callable[[Row], object]]] = [
    (Column(Kind.FILE), lambda row: natural(row.path.name)),
    (Column(Kind.FOLDER), lambda row: row.path.parent.name),
    (Column(Kind.STATUS), lambda row: STATUSES.index(row.status)),
    (Column(Kind.SCORE, "generated"), lambda row: score_of(row, "generated")),
    (Column(Kind.RANGE, "tampered"), spread_of),
    (
        Column(Kind.NOTE),
        lambda row: row.message or " ".join(v.reason for v in row.verdicts),
    ),
]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("number", range(len(KEYS)))
def test_rows_are_sorted_stably_with_unknown_values_last(number: int, descending: bool) -> None:
    by, key = KEYS[number]
    known = [row for row in ROWS if key(row) is not None]
    known.sort(key=key, reverse=descending)  # type: ignore[arg-type]
    unknown = [row for row in ROWS if key(row) is None]
    assert found(Filter(), Order(by, descending)) == [row.path for row in known + unknown]


def test_sorted_by_state_the_conspicuous_come_first() -> None:
    made = columns(ROWS)
    places = arranged(made, made.present, Order(Column(Kind.STATE, "tampered")))
    answers = made.answers["tampered"].answer[places].tolist()
    assert answers == sorted(answers)
    assert answers[0] == Answer.POSITIVE


def test_rows_have_the_place_of_their_file_in_whatever_order_they_come() -> None:
    made = Columns(prepared(PATHS), ["tampered"])
    shuffled = list(ROWS)
    random.Random(2).shuffle(shuffled)
    for row in shuffled:
        made.put(row)
    assert list(made.present_rows()) == ROWS


def test_a_row_replaces_an_earlier_one_of_its_file_wholly() -> None:
    made = columns([judged(path, tampered=0.9, generated=0.9) for path in PATHS[:3]])
    made.put(Row(PATHS[1], "broken", "It is broken."))
    assert made.count == 3
    assert made.status_counts() == {"ok": 2, "broken": 1}
    assert made.answer_counts("tampered") == {Answer.POSITIVE: 2, Answer.NOT_ANALYSED: 1}
    assert np.isnan(made.answers["tampered"].score[1])
    assert made.conspicuous.tolist() == [True, False, True]


def test_counts_add_up_to_the_rows() -> None:
    made = columns(ROWS)
    assert sum(made.status_counts().values()) == len(ROWS)
    for question in ("tampered", "generated"):
        counts = made.answer_counts(question)
        assert sum(counts.values()) == len(ROWS)
        expected = Counter(v.state for row in ROWS if (v := answer_to(row, question)))
        assert {a.state: n for a, n in counts.items() if a.state} == expected
        assert counts[Answer.NOT_ANALYSED] == sum(row.status != "ok" for row in ROWS)


def test_a_question_that_is_asked_later_has_its_column() -> None:
    made = columns(ROWS, ["tampered"])
    made.ask(["tampered", "generated"])
    counts = made.answer_counts("generated")
    failed = sum(row.status != "ok" for row in ROWS)
    assert counts == {Answer.NOT_ANALYSED: failed, Answer.NOT_ASKED: len(ROWS) - failed}


def test_folders_are_named_from_where_all_files_are() -> None:
    files = prepared([Path("/a/b/x.jpg"), Path("/a/b/c/x.jpg"), Path("/a/b/d/e/x.jpg")])
    assert files.folders == ["", "c", "d/e"]
    assert files.in_folders
    assert not prepared([Path("/a/b/x.jpg"), Path("/a/b/y.jpg")]).in_folders
    assert prepared([]).folders == []


def test_a_filter_is_said_in_words() -> None:
    assert in_words(Filter()) == ""
    assert Filter().everything
    wanted = Filter("x", "too_large", {"tampered": Wanted(Answer.POSITIVE, 0.9, 0.95)}, True)
    said = in_words(wanted)
    assert said == (
        "name with “x”; status too large; "
        "tampered: positive, score from 0.90, score below 0.95; conspicuous only"
    )
