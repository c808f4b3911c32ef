from pathlib import Path

from app.detection.verdict import State, Verdict
from app.scan.previews import Previews
from app.scan.results import Preview
from app.scan.rows import Row


def _row(name: str, state: State, score: float) -> Row:
    return Row(Path(name), "ok", verdicts=(Verdict("q", state, score, "", "m", "", "CPU"),))


def _preview(name: str) -> Preview:
    return Preview(name.encode())


def test_the_most_conspicuous_are_kept_in_whatever_order_they_come() -> None:
    previews = Previews(limit=3)
    rows = [
        _row("a", State.INCONCLUSIVE, 0.9),
        _row("b", State.POSITIVE, 0.7),
        _row("c", State.INCONCLUSIVE, 0.6),
        _row("d", State.POSITIVE, 0.8),
        _row("e", State.INCONCLUSIVE, 0.7),
        _row("f", State.NEGATIVE, 0.1),
    ]
    for row in rows:
        previews.add(row, _preview(row.path.name))
    assert {str(path): p.thumbnail for path, p in previews.all().items()} == {
        "a": b"a",
        "b": b"b",
        "d": b"d",
    }


def test_a_file_that_is_judged_again_has_its_last_preview_or_none() -> None:
    previews = Previews(limit=2)
    previews.add(_row("a", State.POSITIVE, 0.9), _preview("old"))
    previews.add(_row("a", State.POSITIVE, 0.8), _preview("new"))
    assert previews.all()[Path("a")].thumbnail == b"new"
    previews.add(_row("a", State.NEGATIVE, 0.1), None)
    assert not previews.all()
