import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import __version__
from app.analysis.recompress import encoder_identity
from app.report import REPORTS
from app.report.json_report import JSON, row_object
from app.scan.results import Collected
from app.scan.rows import Row
from tests.report.rows import NO_MODEL, QUESTIONS, ROWS, written, written_rows


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def _read(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data, parse_constant=_refuse)
    return document


@pytest.mark.parametrize(
    ("rows", "questions", "name"),
    [(ROWS, QUESTIONS, "report.json"), (NO_MODEL, (), "no_model.json"), ((), (), "empty.json")],
)
def test_the_shared_rows_give_the_golden_file(
    repository: Path, rows: Sequence[Row], questions: Sequence[str], name: str
) -> None:
    """The golden files have fixed words where the program's and the encoder's versions stand."""
    golden = (repository / "tests" / "golden" / name).read_text("utf-8")
    found = written_rows(JSON, rows, questions).decode("utf-8")
    identity = encoder_identity()
    for version, word in (
        (f"elascope {__version__}", "PROGRAM"),
        (identity.library, "ENCODER"),
        (identity.fingerprint, "FINGERPRINT"),
    ):
        assert json.dumps(version) in found
        found = found.replace(json.dumps(version), json.dumps(word))
    assert found == golden


def test_the_document_names_the_program_and_the_encoder() -> None:
    document = _read(written_rows(JSON, ROWS, QUESTIONS))
    assert document["schema"] == 4
    assert document["program"] == f"elascope {__version__}"
    assert document["encoder"] == dataclasses.asdict(encoder_identity())
    assert document["questions"] == ["tampered", "generated"]


def test_rows_have_the_decode_record_the_providers_and_the_detail() -> None:
    rows = _read(written_rows(JSON, ROWS, QUESTIONS))["rows"]
    assert len(rows) == len(ROWS)
    assert rows[0]["decode"]["exif_orientation"] == 6
    assert rows[1]["decode"]["conversions"] == ["16 to 8 bits per sample", "grey to RGB"]
    assert rows[0]["providers"] == ["CPUExecutionProvider"]
    assert (rows[0]["detail"], rows[3]["detail"]) == (None, "OSError('image file is truncated')")
    assert (rows[0]["tampered_score"], rows[1]["tampered_score"]) == (0.912346, None)
    assert (rows[2]["decode"], rows[2]["sha256"], rows[2]["bytes"]) == (None, None, None)


def test_text_is_kept_as_it_is_because_json_needs_no_apostrophe() -> None:
    rows = _read(written_rows(JSON, ROWS, QUESTIONS))["rows"]
    assert rows[5]["path"] == "=cmd|' !A0"
    assert rows[11]["path"] == 'two\nlines, "and" a comma'
    assert rows[12]["path"] == r"caf\xe9.jpg"
    assert rows[13]["path"] == "größe 大小 🖼.jpg"


@given(st.binary(min_size=1).map(os.fsdecode).filter(lambda name: not set(name) & {"\0", "/"}))
def test_any_file_name_gives_utf_8_that_loads(name: str) -> None:
    (row,) = _read(
        written_rows(JSON, [Row(Path(name), "unsupported", name, detail=repr(name))], ())
    )["rows"]
    shown = os.fsencode(str(Path(name))).decode("utf-8", "backslashreplace")
    assert row["path"] == shown


@pytest.mark.parametrize(("rows", "questions"), [(ROWS, QUESTIONS), (ROWS[:1], ()), ((), ())])
def test_the_stream_is_what_the_json_module_makes_of_the_whole_document(
    rows: Sequence[Row], questions: Sequence[str]
) -> None:
    found = written_rows(JSON, rows, questions)
    whole = _read(found) | {"rows": [row_object(row, questions) for row in rows]}
    assert found == (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def test_report_formats_have_distinct_flags_and_write_what_they_stream(tmp_path: Path) -> None:
    results = Collected(ROWS, QUESTIONS)
    assert [report.id for report in REPORTS] == ["csv", "json", "jsonl", "html"]
    for report in REPORTS:
        target = tmp_path / f"out.{report.id}"
        report.write(target, results)
        assert target.read_bytes() == written(report, results)
