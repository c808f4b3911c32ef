"""The rows that every report format is tested with; golden files hold what becomes of them."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from app.detection.verdict import State, Verdict
from app.evidence.decode import DecodeRecord
from app.report.base import Report
from app.scan.results import Account, Collected, ModelFacts, Preview, Results
from app.scan.rows import Row
from tests.models import card, question

QUESTIONS = ("tampered", "generated")

_RECORD = DecodeRecord(
    decoder="Pillow 12.1 (libjpeg_turbo 3.1)",
    format="JPEG",
    width=4000,
    height=3000,
    mode="RGB",
    bit_depth=8,
    frames=1,
    exif_orientation=6,
    alpha="none",
    icc_profile=True,
    conversions=(),
)
_DEEP = DecodeRecord(
    decoder="Pillow 12.1 (zlib 1.3)",
    format="PNG",
    width=16,
    height=8,
    mode="I;16",
    bit_depth=16,
    frames=1,
    exif_orientation=None,
    alpha="none",
    icc_profile=False,
    conversions=("16 to 8 bits per sample", "grey to RGB"),
)


def _verdict(
    question: str,
    state: State,
    score: float | None,
    reason: str,
    low: float | None = None,
    high: float | None = None,
) -> Verdict:
    outside = state is State.OUTSIDE_VALIDITY
    provider = "" if outside else "CPUExecutionProvider"
    return Verdict(question, state, score, reason, "grey-mean", "ab" * 32, provider, low, high)


_BEACH = (
    _verdict("tampered", State.POSITIVE, 0.912345678, "Consistent with a change.", 0.85, 0.95),
    _verdict("generated", State.NEGATIVE, 0.0000004, "No sign of a generator."),
)

ROWS = (
    Row(
        Path("holiday/beach.jpg"),
        "ok",
        sha256="01" * 32,
        size=4_194_304,
        record=_RECORD,
        verdicts=_BEACH,
    ),
    Row(
        Path("holiday/deep.png"),
        "ok",
        sha256="02" * 32,
        size=321,
        record=_DEEP,
        verdicts=(
            _verdict("tampered", State.OUTSIDE_VALIDITY, None, "Outside: it is a PNG file."),
            _verdict("generated", State.INCONCLUSIVE, 0.5, "Inconclusive."),
        ),
    ),
    Row(Path("gone.jpg"), "unreadable", "The file cannot be read: No such file or directory."),
    Row(
        Path("half.png"),
        "broken",
        "The PNG data is broken: image file is truncated.",
        sha256="03" * 32,
        size=99,
        detail="OSError('image file is truncated')",
    ),
    Row(
        Path("fault.jpg"),
        "error",
        "The analysis failed unexpectedly (ValueError).",
        sha256="04" * 32,
        size=7,
        record=_RECORD,
        detail="ValueError()",
    ),
    Row(
        Path("=cmd|' !A0"),
        "unsupported",
        "=HYPERLINK() in a sentence",
        sha256="05" * 32,
        size=0,
        detail="=1+1",
    ),
    Row(Path("+1.jpg"), "unsupported", "-1", sha256="06" * 32, size=1),
    Row(Path("-2.jpg"), "unsupported", "@x", sha256="07" * 32, size=1),
    Row(Path("@3.jpg"), "unsupported", "\tx", sha256="08" * 32, size=1),
    Row(Path("\r4.jpg"), "unsupported", "\rx", sha256="09" * 32, size=1),
    Row(Path("'quoted"), "unsupported", "''", sha256="0a" * 32, size=1),
    Row(Path('two\nlines, "and" a comma'), "unsupported", "x", sha256="0b" * 32, size=1),
    Row(Path(os.fsdecode(b"caf\xe9.jpg")), "unsupported", "x", sha256="0c" * 32, size=1),
    Row(Path("größe 大小 🖼.jpg"), "unsupported", "größe", sha256="0d" * 32, size=1),
    Row(
        Path("holiday/copy of\u2028beach.jpg"),
        "ok",
        sha256="01" * 32,
        size=4_194_304,
        record=_RECORD,
        verdicts=_BEACH,
        duplicate_of=Path("holiday/beach.jpg"),
    ),
    Row(
        Path("bomb.png"),
        "crashed",
        "Reading this file ended the process that read it.",
        sha256="0e" * 32,
        size=70_000,
    ),
    Row(
        Path("slow.tif"),
        "timed_out",
        "This file was not done within 60 seconds.",
        sha256="0f" * 32,
        size=8_000,
    ),
    Row(
        Path("parcel.zip"),
        "unsupported",
        "It is a ZIP archive, which is left alone.",
        sha256="10" * 32,
        size=22,
        kind="a ZIP archive",
    ),
    Row(
        Path("</script><img src=x onerror=alert(1)>\u202egnp.jpg"),
        "ok",
        sha256="11" * 32,
        size=5,
        record=_RECORD,
        verdicts=(
            _verdict("tampered", State.INCONCLUSIVE, 0.75, "Inconclusive: <b>&amp; odd."),
            _verdict("generated", State.NEGATIVE, 0.01, "No sign of a generator."),
        ),
    ),
)
"""Ok, every kind of failure, and the names that have broken other people's reports."""

NO_MODEL = (
    Row(Path("holiday/beach.jpg"), "ok", sha256="01" * 32, size=4_194_304, record=_RECORD),
    ROWS[2],
)
"""What a scan without any model gives: decoded files and failures, no verdicts."""


def account(complete: bool = True) -> Account:
    """Of a scan that gave `ROWS`, by a model whose card holds markup."""
    questions = (question(text="Was a <part> changed?"), question("generated", "other"))
    results = {
        "test": {
            "images": 40,
            "auc": [0.91, 0.85, 0.96],
            "confusion": [[18, 2], [3, 17]],
            "states": {"authentic_negative": 18, "tampered_positive": 17},
        },
        "groups": {"<camera>": {"auc": None, "balanced": True}},
        "remark": "small",
    }
    asked = card(questions, results=results, limits=("Colour & <light>.",))
    return Account(
        roots=("holiday", "</title><script>alert(1)</script>"),
        models=(ModelFacts(asked, "ab" * 32, "CPUExecutionProvider"),),
        parameters={"Subfolders": "searched", "<Threads>": '"2"'},
        started="2026-11-30T10:00:00+00:00",
        ended="2026-11-30T10:01:05+00:00",
        found=len(ROWS) + (0 if complete else 3),
        complete=complete,
    )


def results(complete: bool = True) -> Collected:
    """`ROWS` with all that may stand beside them."""
    previews = {Path("holiday/beach.jpg"): Preview(b"thumbnail", {"tampered": b"map"})}
    return Collected(ROWS, QUESTIONS, account(complete), previews)


def written(report: Report, results: Results) -> bytes:
    """The whole report."""
    stream = BytesIO()
    report.write_to(stream, results)
    return stream.getvalue()


def written_rows(report: Report, rows: Sequence[Row], questions: Sequence[str] = ()) -> bytes:
    """The whole report of rows alone."""
    return written(report, Collected(rows, questions))
