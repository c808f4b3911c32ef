"""The window's models: a quick answer first, then one that was tried, and none after a stop."""

import threading
from pathlib import Path

import pytest

from app.detection.verdict import State
from app.errors import CancelledError
from app.gui.models import Models
from app.gui.table.inspection import inspect
from tests.models import card, write_model
from tests.pictures import encoded, scene


@pytest.fixture
def models(tmp_path: Path) -> Models:
    write_model(tmp_path / "models" / "grey-mean" / "model.onnx", card().to_json())
    return Models([tmp_path / "models"])


def test_the_first_answer_has_no_range_and_the_second_one_around_the_same_score(
    models: Models, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(64, 80), "PNG"))
    quick, tried = models.judge(inspect(path), threading.Event())
    ((made, first),), ((_, second),) = quick.each, tried.each
    assert made.name == "grey-mean"
    assert quick.preliminary and not tried.preliminary
    assert (first.low, first.high) == (None, None)
    assert first.score == second.score is not None
    assert second.low is not None and second.high is not None
    assert second.low <= second.score <= second.high and second.low < second.high


def test_outside_validity_the_first_answer_is_the_last(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(scene(64, 80), "JPEG"))
    (only,) = models.judge(inspect(path), threading.Event())
    assert not only.preliminary
    assert [verdict.state for _, verdict in only.each] == [State.OUTSIDE_VALIDITY]


def test_nothing_more_is_computed_once_nobody_wants_it(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(64, 80), "PNG"))
    stop = threading.Event()
    answers = models.judge(inspect(path), stop)
    next(answers)
    stop.set()
    with pytest.raises(CancelledError):
        next(answers)
