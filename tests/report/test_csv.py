import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotWrittenError
from app.report.csv_report import CSV
from app.scan.results import Collected
from app.scan.rows import Row
from tests.report.rows import NO_MODEL, QUESTIONS, ROWS, written_rows

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def _read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def _plain(cell: str) -> str:
    """What a program reads: a leading apostrophe marks text and is taken away."""
    return cell.removeprefix("'")


@pytest.mark.parametrize(
    ("rows", "questions", "name"),
    [(ROWS, QUESTIONS, "report.csv"), (NO_MODEL, (), "no_model.csv"), ((), (), "empty.csv")],
)
def test_the_shared_rows_give_the_golden_file(
    repository: Path, rows: Sequence[Row], questions: Sequence[str], name: str
) -> None:
    golden = (repository / "tests" / "golden" / name).read_bytes()
    assert written_rows(CSV, rows, questions) == golden


def test_the_csv_module_reads_every_value_back() -> None:
    read = _read(written_rows(CSV, ROWS, QUESTIONS))
    assert len(read) == len(ROWS)
    for cells, row in zip(read, ROWS, strict=True):
        assert None not in cells
        assert cells["schema"] == "4"
        shown = os.fsencode(row.path).decode("utf-8", "backslashreplace")
        assert _plain(cells["path"]) == shown
        assert (cells["status"], cells["sha256"]) == (row.status, row.sha256)
        assert _plain(cells["message"]) == row.message
        assert cells["bytes"] == ("" if row.size is None else str(row.size))
        assert cells["width"] == ("" if row.record is None else str(row.record.width))
        for question in QUESTIONS:
            verdict = next((v for v in row.verdicts if v.question == question), None)
            if verdict is None:
                assert cells[f"{question}_state"] == cells[f"{question}_score"] == ""
                continue
            assert cells[f"{question}_state"] == verdict.state.value
            assert _plain(cells[f"{question}_reason"]) == verdict.reason
            assert cells[f"{question}_provider"] == verdict.provider
            if verdict.score is None:
                assert cells[f"{question}_score"] == ""
            else:
                assert float(cells[f"{question}_score"]) == pytest.approx(verdict.score, abs=5e-7)


def test_a_byte_that_is_not_utf_8_is_shown_by_its_number() -> None:
    paths = [_plain(cells["path"]) for cells in _read(written_rows(CSV, ROWS, QUESTIONS))]
    assert r"caf\xe9.jpg" in paths


def test_lines_end_as_rfc_4180_says() -> None:
    data = written_rows(CSV, ROWS[:5], QUESTIONS)
    assert data.endswith(b"\r\n")
    assert data.count(b"\r\n") == data.count(b"\n") == 6
    assert not data.startswith(b"\xef\xbb\xbf")


def test_columns_follow_the_questions() -> None:
    header = written_rows(CSV, (), ("b", "a")).decode().removesuffix("\r\n").split(",")
    assert header[:10] == [
        "schema", "path", "sha256", "bytes", "format", "width", "height", "status", "message",
        "duplicate_of",
    ]  # fmt: skip
    assert header[10:] == [
        "b_state", "b_score", "b_low", "b_high", "b_model", "b_model_sha256", "b_provider",
        "b_reason",
        "a_state", "a_score", "a_low", "a_high", "a_model", "a_model_sha256", "a_provider",
        "a_reason",
    ]  # fmt: skip


_NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1),
    st.binary(min_size=1).map(os.fsdecode).filter(lambda n: not set(n) & {"\0", "/"}),
    st.tuples(
        st.sampled_from([*_DANGEROUS, "'", '"', ",", "\n", "'=", " ="]),
        st.text("ab=\r\n'", max_size=4),
    ).map("".join),
)


@given(name=_NAMES, message=_NAMES)
def test_no_cell_begins_like_a_formula_and_every_name_comes_back(name: str, message: str) -> None:
    row = Row(Path(name), "unsupported", message)
    (cells,) = _read(written_rows(CSV, [row], ()))
    assert not [cell for cell in cells.values() if cell.startswith(_DANGEROUS)]
    shown = os.fsencode(str(Path(name))).decode("utf-8", "backslashreplace")
    assert _plain(cells["path"]) == shown
    assert cells["path"] in (shown, "'" + shown)
    assert _plain(cells["message"]) == os.fsencode(message).decode("utf-8", "backslashreplace")


def test_the_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    CSV.write(target, Collected(ROWS, QUESTIONS))
    assert target.read_bytes() == written_rows(CSV, ROWS, QUESTIONS)
    with pytest.raises(NotWrittenError):
        CSV.write(tmp_path / "missing" / "report.csv", Collected(ROWS, QUESTIONS))
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]
