"""A run's files are read as they were written, and its plots show their numbers."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_curve

from app.errors import NotWrittenError
from tests.pictures import pillow_residual, scene
from tests.trainer.run_folder import BELOW, ODD_NAME, THRESHOLD, write_run
from trainer.errors import CorpusError
from trainer.runs.files import (
    confident_errors,
    identities_of,
    read_history,
    read_metrics,
    read_predictions,
    read_run,
    scores_of,
)
from trainer.runs.plots import GAIN, Case, ela_sheet, errors_sheet, run_figures, write_plots
from trainer.runs.scores import pictures_of, question_of, upper_false_alarms

_NAMES = {
    "history-loss",
    "history-accuracy",
    "confusion",
    "answers",
    "roc",
    "precision-recall",
    "reliability",
    "groups-kind",
    "groups-corpus",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path)


def rows_of(run: Path) -> list[dict[str, str]]:
    text = (run / "predictions.csv").read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def change_metrics(run: Path, **changes: Any) -> None:
    found = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(found | changes))


def test_every_plot_is_written_as_png_and_svg(run: Path) -> None:
    written = write_plots(run)
    assert {path.name for path in written} == {
        name + suffix for name in _NAMES for suffix in (".png", ".svg")
    }
    assert sorted((run / "plots").iterdir()) == sorted(written)
    for path in written:
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.verify()
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
    before = {path: path.read_bytes() for path in written}
    assert {path: path.read_bytes() for path in write_plots(run)} == before


def test_the_roc_curve_is_that_of_the_predictions(run: Path) -> None:
    own = [row for row in rows_of(run) if row["set"] == "test"]
    alarms, found, _ = roc_curve(
        [int(row["label"]) for row in own],
        [float(row["logit"]) for row in own],
        drop_intermediate=False,
    )
    lines: Any = run_figures(read_run(run))["roc"].axes[0].lines
    assert np.allclose(lines[0].get_xydata(), np.stack([alarms, found], axis=1))
    assert lines[0].get_label() == "test"


def test_sets_that_chose_something_get_no_curve(run: Path) -> None:
    """Neither does a set with one class; a set that was left out of everything does."""
    axes: Any = run_figures(read_run(run))["roc"].axes[1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["test"]
    content = (run / "predictions.csv").read_bytes().replace(b"\r\nvalidation,", b"\r\nelsewhere,")
    (run / "predictions.csv").write_bytes(content)
    axes = run_figures(read_run(run))["roc"].axes[1]
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown == ["test", "elsewhere"]


def test_counts_and_thresholds_are_those_of_the_metrics(run: Path) -> None:
    figures: Any = run_figures(read_run(run))
    stored = json.loads((run / "metrics.json").read_text())["sets"]["test"]
    counts = [text.get_text().split("\n")[0] for text in figures["confusion"].axes[0].texts]
    assert counts == [str(count) for row in stored["confusion"] for count in row]
    answers = [text.get_text().split("\n")[0] for text in figures["answers"].axes[0].texts]
    assert sum(map(int, answers)) == stored["images"] * stored["draws"]
    assert int(answers[0]) == stored["states"]["authentic positive"]
    marks = figures["reliability"].axes[0].lines[2:]
    assert [line.get_xdata()[0] for line in marks] == [BELOW, THRESHOLD]
    assert figures["history-loss"].axes[0].lines[-1].get_xdata()[0] == 7


def test_the_epoch_that_was_kept_has_the_lowest_validation_loss(run: Path) -> None:
    history = read_history(run)
    assert list(history["number"]) == list(range(1, 13))
    assert read_run(run).kept_epoch() == 1 + int(np.argmin(history["validation_loss"]))
    (run / "history.csv").write_text("number,validation_loss\n1,nan\n2,0.5\n3,0.5\n")
    assert read_run(run).kept_epoch() == 2


def test_what_is_missing_is_left_out(run: Path) -> None:
    for name in ("metrics.json", "predictions.csv"):
        (run / name).unlink()
    assert {path.stem for path in write_plots(run)} == {"history-loss", "history-accuracy"}
    (run / "history.csv").unlink()
    assert write_plots(run) == []
    assert read_predictions(run) == () and read_metrics(run) == {} and read_history(run) == {}
    files = read_run(run)
    assert files.main_set == "" and files.kept_epoch() == 0 and question_of(files) is None


def test_an_older_run_without_the_newer_measures(run: Path) -> None:
    stored = json.loads((run / "metrics.json").read_text())
    for measures in stored["sets"].values():
        for name in ("average_precision", "tpr_at_1", "tpr_at_5", "ece", "states"):
            del measures[name]
    change_metrics(run, sets=stored["sets"], groups=None, pixel=None)
    assert set(run_figures(read_run(run))) == {
        name for name in _NAMES if not name.startswith(("groups", "answers"))
    }


def test_names_survive_the_files(run: Path) -> None:
    found = read_predictions(run)
    assert ODD_NAME in {one.path for one in found}
    assert len(found) == len(rows_of(run)) == 4 * (120 + 240 + 39)
    assert found[0].set == "validation"


def test_scores_are_in_the_order_of_their_pictures(run: Path) -> None:
    files = read_run(run)
    scores, identities = scores_of(files, "test"), identities_of(files, "test")
    assert scores.logits.shape == (240, 4) and len(identities) == 240
    for row in rows_of(run):
        if row["set"] == "test":
            place = identities.index(row["sha256"])
            assert scores.logits[place, int(row["draw"])] == float(row["logit"])
            assert scores.labels[place] == int(row["label"])


def test_the_worst_errors_are_the_furthest_from_the_truth(run: Path) -> None:
    rows = [row for row in rows_of(run) if row["set"] == "test"]
    by_distance = sorted(rows, key=lambda row: -abs(float(row["score"]) - int(row["label"])))
    expected = list(dict.fromkeys(row["sha256"] for row in by_distance))[:10]
    errors = confident_errors(read_run(run), 10)
    assert [one.sha256 for one in errors] == expected
    assert errors[0].path == ODD_NAME
    assert all(one.wrong_by > 0.5 for one in confident_errors(read_run(run), 1000))


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("metrics.json", b"{", "is not JSON"),
        ("metrics.json", b"[]", "holds no object"),
        ("metrics.json", b"[" * 100_000, "is not JSON"),
        ("metrics.json", b'{"sets": 3}', "sets is not an object"),
        ("metrics.json", b'{"notes": "x"}', "notes is not a list"),
        ("metrics.json", b'{"question": {"id": "tampered"}}', "question"),
        ("config.json", b"\xff\xfe", "is not JSON"),
        ("history.csv", b"number,loss\n1,high\n", "table of numbers"),
        ("history.csv", b"number,loss\n1\n", "table of numbers"),
        ("predictions.csv", b"path\na\n", "table of predictions"),
        ("predictions.csv", b"\x00\xff\n\x00", "table of predictions"),
        ("split.csv", b"part,label\ntest,1\n", "split"),
    ],
)
def test_broken_files_are_told_in_a_sentence(
    run: Path, name: str, content: bytes, part: str
) -> None:
    (run / name).write_bytes(content)
    with pytest.raises(CorpusError) as refusal:
        write_plots(run)
    assert part in refusal.value.sentence and name in refusal.value.sentence
    assert not (run / "plots").exists()


@pytest.mark.parametrize("score", ["1.5", "nan", "-1"])
def test_a_score_is_between_0_and_1(run: Path, score: str) -> None:
    first = rows_of(run)[0]
    with (run / "predictions.csv").open("a", newline="") as stream:
        csv.DictWriter(stream, list(first)).writerow({**first, "score": score})
    with pytest.raises(CorpusError):
        read_predictions(run)


def test_odd_values_inside_the_metrics_are_passed_over(run: Path) -> None:
    change_metrics(
        run,
        sets={"test": {"auc": "high", "confusion": [[1], 2], "states": {"authentic positive": 1}}},
        groups={"test": {"../kind": {"a": {"auc": [0.5, 0.4, 0.6]}, "b": 3}, "corpus": []}},
    )
    written = {path.stem for path in write_plots(run)}
    assert "confusion" not in written and "answers" not in written
    assert "groups--kind" in written  # no name leads out of the folder
    assert not [path for path in run.rglob("*kind*") if path.parent != run / "plots"]


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="not the folder of a run"):
        write_plots(tmp_path)
    with pytest.raises(CorpusError, match="not the folder of a run"):
        write_plots(tmp_path / "missing")


def test_pictures_with_different_numbers_of_draws_are_refused(run: Path) -> None:
    lines = (run / "predictions.csv").read_bytes().split(b"\r\n")
    (run / "predictions.csv").write_bytes(b"\r\n".join(lines[:-2]) + b"\r\n")
    with pytest.raises(CorpusError, match="same number of draws"):
        scores_of(read_run(run), "camera")


def test_no_false_alarm_seen_is_no_rate_of_zero(run: Path) -> None:
    camera = json.loads((run / "metrics.json").read_text())["sets"]["camera"]
    assert camera["false_alarms"] == [0, 0, 0]
    assert pictures_of(camera) == (39, 0)
    assert upper_false_alarms(camera) == pytest.approx(3 / 39)
    assert upper_false_alarms({"false_alarms": [0.1, 0.0, 0.2]}) == 0.2
    assert upper_false_alarms({"false_alarms": None}) is None


def test_sheets_show_picture_and_amplified_error_levels() -> None:
    pixels = np.full((220, 220, 3), (200, 30, 40), np.uint8)
    levels = np.full((220, 220, 3), (4, 2, 1), np.uint8)
    cases = [Case(pixels, levels, 0.98, "authentic", "<b>\n.jpg") for _ in range(3)]
    sheet = errors_sheet(cases)
    assert int((sheet == (200, 30, 40)).all(axis=2).sum()) == 3 * 220 * 220
    assert int((sheet == np.multiply((4, 2, 1), GAIN)).all(axis=2).sum()) == 3 * 220 * 220
    assert errors_sheet([]).shape[2] == 3


def test_error_levels_may_be_reduced_floats() -> None:
    pixels = scene(110, 220)
    levels = pillow_residual(pixels, 90, "4:2:0").astype(np.float32)
    assert np.array_equal(
        ela_sheet([Case(pixels, levels, 0.1, "splice", "a.jpg")]),
        ela_sheet([Case(pixels, levels.astype(np.uint8), 0.1, "splice", "a.jpg")]),
    )


def test_a_run_that_cannot_be_written_to(run: Path) -> None:
    (run / "plots").mkdir()
    (run / "plots" / "roc.png").mkdir()
    with pytest.raises(NotWrittenError):
        write_plots(run)
