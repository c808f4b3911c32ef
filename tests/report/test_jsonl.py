import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.report.json_report import JSON
from app.report.jsonl_report import JSONL
from app.scan.rows import Row
from tests.report.rows import NO_MODEL, QUESTIONS, ROWS, written_rows


def test_the_shared_rows_give_the_golden_file(repository: Path) -> None:
    golden = (repository / "tests" / "golden" / "report.jsonl").read_bytes()
    assert written_rows(JSONL, ROWS, QUESTIONS) == golden


@pytest.mark.parametrize(("rows", "questions"), [(ROWS, QUESTIONS), (NO_MODEL, ()), ((), ())])
def test_lines_are_the_rows_of_the_json_report(
    rows: tuple[Row, ...], questions: tuple[str, ...]
) -> None:
    lines = written_rows(JSONL, rows, questions).decode().split("\n")
    assert lines.pop() == ""
    document = json.loads(written_rows(JSON, rows, questions))
    assert [json.loads(line) for line in lines] == document["rows"]


_NAMES = st.one_of(
    st.binary(min_size=1).map(os.fsdecode),
    st.text("a\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", min_size=1),
).filter(lambda name: not set(name) & {"\0", "/"})


@given(_NAMES)
def test_no_name_ends_a_line_whatever_is_taken_for_an_end(name: str) -> None:
    text = written_rows(JSONL, [Row(Path(name), "error", name, detail=name)] * 2).decode()
    first, second = text.splitlines()
    assert first == second
    shown = os.fsencode(str(Path(name))).decode("utf-8", "backslashreplace")
    assert json.loads(first)["path"] == shown
