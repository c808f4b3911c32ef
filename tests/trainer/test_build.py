"""Building: the same again from the seed, refusals before hours of work, true cards."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from app.detection.detector import Detector
from tests.trainer.corpus import photograph, write_casia1
from trainer.build import Job, build
from trainer.cli import main
from trainer.comparing.trials import Trial, carry_out
from trainer.config import Recipe
from trainer.corpus.resave import ResaveRange
from trainer.data import gather
from trainer.errors import CorpusError, ExportError
from trainer.recipes import smoke
from trainer.runs.folder import fingerprint, finished_run


@pytest.fixture(scope="module")
def casia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_casia1(tmp_path_factory.mktemp("build") / "casia1", 24)


def quick(**changes: object) -> Recipe:
    base = dataclasses.replace(smoke(), epochs=2, draws=1, evaluation_draws=1)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def numbers_only(runs: Path) -> Job:
    return Job(runs, runs / "prepared", "m", "1.0.0", publish=False)


BUILD = """
import sys
from pathlib import Path
import dataclasses
from trainer.build import Job, build
from trainer.data import gather
from trainer.recipes import smoke
recipe = dataclasses.replace(smoke(), epochs=1, draws=1, evaluation_draws=1)
runs = Path(sys.argv[2])
job = Job(runs, runs / "prepared", "m", "1.0.0", publish=False)
build(recipe, gather(recipe, [Path(sys.argv[1])]), job, lambda _: None)
"""


@pytest.mark.slow
def test_another_process_builds_the_same_from_the_same_seed(casia: Path, tmp_path: Path) -> None:
    """Torch's own seed differs from process to process; the recipe's has to rule."""
    histories = []
    for number in range(2):
        runs = tmp_path / str(number)
        subprocess.run([sys.executable, "-c", BUILD, str(casia), str(runs)], check=True)
        (run,) = (path for path in runs.iterdir() if path.name != "prepared")
        histories.append((run / "history.csv").read_text())
    assert histories[0] == histories[1]


def test_model_that_learned_nothing_is_measured_but_not_exported(tmp_path: Path) -> None:
    """Labels by the toss of a coin: half of all seeds end with a logit that falls with them."""
    for number in range(40):
        folder = tmp_path / "coins" / ("tampered" if number % 2 else "authentic")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(number)).save(folder / f"{number}.jpg", quality=90)
    corpora = [tmp_path / "coins"]
    refused = 0
    for seed in range(12):
        recipe = quick(seed=seed, epochs=1, resave=ResaveRange(longer_side=(96, 160)))
        runs = tmp_path / f"runs{seed}"
        run = build(recipe, gather(recipe, corpora), numbers_only(runs), lambda _: None)
        stored = json.loads((run / "metrics.json").read_bytes())
        assert stored["sets"]["test"]["auc"]
        if "learned nothing" in stored["fault"]:
            refused += 1
            published = dataclasses.replace(numbers_only(runs), publish=True)
            with pytest.raises(ExportError, match="learned nothing"):
                build(recipe, gather(recipe, corpora), published, lambda _: None)
            newest = max(path for path in runs.iterdir() if path.name != "prepared")
            assert not (newest / "model.onnx").exists()
            page = (newest / "report.html").read_text()
            assert "No score could be calibrated." in page
            assert "fitted on the calibration part" not in page
            break
    assert refused


def test_finished_run_is_not_trained_again(
    casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = quick()
    run = build(recipe, gather(recipe, [casia]), numbers_only(tmp_path), lambda _: None)
    before = (run / "weights.pt").read_bytes()
    assert main(["resume", str(run), "--data", str(casia)]) == 1
    assert "is finished" in capsys.readouterr().err
    assert (run / "weights.pt").read_bytes() == before


def test_only_a_whole_run_of_the_same_counts_as_done(casia: Path, tmp_path: Path) -> None:
    recipe = quick()
    data = gather(recipe, [casia])
    run = build(recipe, data, numbers_only(tmp_path), lambda _: None)
    assert finished_run(tmp_path, recipe, data, {}) == run
    assert finished_run(tmp_path, recipe, data, {"CASIA 1.0": 2.0}) is None
    assert finished_run(tmp_path, quick(seed=1), data, {}) is None
    told: list[str] = []
    assert carry_out([Trial("x", recipe)], [casia], tmp_path, None, told.append) == [run]
    assert "done before" in told[0]
    (run / "predictions.csv").unlink()
    assert finished_run(tmp_path, recipe, data, {}) is None


def test_first_weights_and_masks_are_part_of_what_a_run_is(casia: Path, tmp_path: Path) -> None:
    data = gather(quick(), [casia])
    file = tmp_path / "first.pt"
    prints = set()
    for content in (b"a", b"b"):
        file.write_bytes(content)
        prints.add(fingerprint(quick(weights=str(file)), data, {}))
    assert len(prints) == 2


def test_card_speaks_of_the_pictures_that_trained(casia: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for number in range(6):
        for name in ("authentic", "tampered"):
            (other / name).mkdir(parents=True, exist_ok=True)
            pixels = photograph(700 + number + 50 * (name == "tampered"))
            Image.fromarray(pixels).save(other / name / f"{name}{number}.png")
    recipe = quick(leave_out="corpus:other", epochs=12, draws=2, batch=8, learning_rate=3e-3)
    data = gather(recipe, [casia, other])
    job = Job(tmp_path / "runs", tmp_path / "cache", "m", "1.0.0")
    card = Detector(build(recipe, data, job, lambda _: None) / "model.onnx").card
    trained = sum(not example.label for example in data.split.parts["train"])
    assert f"Trained on CASIA 1.0 ({trained} authentic" in card.training.data
    assert "First weights: Random." in card.training.data
    assert any("untouched pictures of its corpora: too few" in limit for limit in card.limits)
    for text in (card.training.data, card.licence, card.questions[0].reference_population):
        assert "other (" not in text
        assert "other:" not in text


@pytest.mark.parametrize("name", ["test", "train", "groups"])
def test_reference_that_hides_a_result_is_refused(casia: Path, name: str, tmp_path: Path) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    (tmp_path / name).mkdir()
    with pytest.raises(CorpusError, match="cannot be called"):
        gather(quick(references=(name,)), [corpus])


def test_reference_too_small_to_halve_is_refused(casia: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    (tmp_path / "camera").mkdir()
    Image.fromarray(photograph(1000)).save(tmp_path / "camera" / "one.jpg")
    with pytest.raises(CorpusError, match="too few"):
        gather(quick(references=("camera",)), [corpus])


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a b", "", ".hidden", "a\nb", "a/b"])
def test_name_that_is_no_folder_is_refused_before_training(
    name: str, casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data", str(casia), "--runs", str(tmp_path / "runs")]
    status = main(["train", "smoke", *where, f"--name={name}"])
    if not name:  # the recipe's name stands in
        assert status == 0
        return
    assert status == 1
    assert "is no name for a model" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [["ablate", "smoke", "--json"], ["protocols", "--json"],
                                   ["ablate", "smoke", "--plot"]])  # fmt: skip
def test_comparison_is_never_written_over_a_picture(
    words: list[str], casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = next((casia / "Sp").iterdir())
    before = picture.read_bytes()
    where = ["--data", str(casia), "--runs", str(tmp_path / "runs")]
    assert main([*words, str(picture), *where]) == 1
    assert picture.read_bytes() == before
    assert main([*words, str(tmp_path / "none" / "a"), *where]) == 1
    assert capsys.readouterr().err.count("\n") == 2
    assert not (tmp_path / "runs").exists()


def test_unknown_corpus_in_a_weight_leaves_no_run_behind(
    casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data", str(casia), "--runs", str(tmp_path / "runs")]
    assert main(["train", "smoke", *where, "--weight", "nothing=2"]) == 1
    assert "nothing" in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("2*"))


def test_other_runs_weights_keep_their_normalisation(casia: Path, tmp_path: Path) -> None:
    first = build(quick(), gather(quick(), [casia]), numbers_only(tmp_path / "a"), lambda _: None)
    recipe = quick(
        weights=str(first / "weights.pt"),
        resave=ResaveRange(longer_side=(96, 160), quality=(30, 40)),
        learning_rate=1e-9,
        epochs=1,
    )
    second = build(recipe, gather(recipe, [casia]), numbers_only(tmp_path / "b"), lambda _: None)
    means = [torch.load(run / "weights.pt", weights_only=True)["mean"] for run in (first, second)]
    assert torch.equal(*means)


@pytest.mark.parametrize("words", [["--runs", "runs"], ["--runs", "Au"], ["--cache", "Sp/cache"]])
def test_nothing_is_written_below_a_corpus(
    words: list[str], casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    before = sorted(corpus.rglob("*"))
    target = [words[0], str(corpus / words[1])]
    runs = [] if "--runs" in words else ["--runs", str(tmp_path / "runs")]
    assert main(["train", "smoke", "--data", str(corpus), *runs, *target]) == 1
    assert main(["ablate", "smoke", "--data", str(corpus), *runs, *target]) == 1
    assert capsys.readouterr().err.count("would lie in the corpus") == 2
    assert sorted(corpus.rglob("*")) == before


def test_sheet_is_never_written_among_the_pictures(
    casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = shutil.copytree(casia, tmp_path / "casia1")
    before = sorted(corpus.rglob("*"))
    sheet = str(corpus / "Au" / "sheet.png")
    assert main(["show-augment", str(corpus), "--output", sheet]) == 1
    words = ["forge", str(corpus / "Au"), "--to", str(tmp_path / "f"), "--count", "1"]
    assert main([*words, "--sheet", sheet]) == 1
    assert sorted(corpus.rglob("*")) == before
    assert capsys.readouterr().err.count("would lie in the corpus") == 2


def test_name_that_the_terminal_cannot_show_ends_nothing(casia: Path, tmp_path: Path) -> None:
    odd = shutil.copytree(casia, tmp_path / "Fälle")
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "audit", str(odd), "--no-near"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
