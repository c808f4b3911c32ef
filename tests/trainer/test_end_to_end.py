"""From a corpus on disk to a verdict in the program, and the same numbers again."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from app.cli import main as elascope
from app.detection.card import METADATA_KEY
from app.detection.card_document import parse_card
from app.detection.detector import Detector
from app.detection.prepare import prepare
from app.errors import ElascopeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from tests.trainer.corpus import photograph, write_casia1
from trainer.cli import main
from trainer.models.classic_cnn import ClassicCnn
from trainer.publishing import export


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the smoke recipe on forty synthetic pairs, through the command line."""
    root = tmp_path_factory.mktemp("trainer")
    write_casia1(root / "casia1")
    settings = ["--epochs", "30", "--patience", "30", "--batch", "8", "--learning-rate", "0.003"]
    where = ["--data", str(root / "casia1"), "--runs", str(root / "runs")]
    assert main(["train", "smoke", *where, "--name", "smoke-model", *settings]) == 0
    (found,) = (path for path in (root / "runs").iterdir() if path.name != "prepared")
    return found


def corpus_of(run: Path) -> Path:
    return run.parent.parent / "casia1"


def test_run_holds_everything_needed_to_question_it(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {
        "config.json",
        "job.json",
        "environment.json",
        "split.csv",
        "history.csv",
        "weights.pt",
        "predictions.csv",
        "metrics.json",
        "plots",
        "model.onnx",
        "CARD.md",
        "report.html",
    }
    rows = list(csv.DictReader((run / "split.csv").read_text().splitlines()))
    assert len(rows) == 80
    where: dict[str, str] = {}
    for row in rows:
        for source in row["sources"].split():
            assert where.setdefault(source, row["part"]) == row["part"]
    history = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert float(history[-1]["train_loss"]) < float(history[0]["train_loss"])


def test_every_held_out_draw_has_its_prediction(run: Path) -> None:
    """The accuracy in the card is what a reader of the table counts."""
    rows = list(csv.DictReader((run / "predictions.csv").read_text().splitlines()))
    parts = {row["path"]: row["part"] for row in csv.DictReader(
        (run / "split.csv").read_text().splitlines())}  # fmt: skip
    test = [row for row in rows if row["set"] == "test"]
    assert {row["path"] for row in test} == {path for path, part in parts.items() if part == "test"}
    right = [(float(row["score"]) >= 0.5) == (row["label"] == "1") for row in test]
    results = Detector(run / "model.onnx").card.results
    assert np.mean(right) == pytest.approx(results["test"]["accuracy"][0], abs=1e-4)
    assert {row["quality"] for row in test} <= {str(quality) for quality in range(75, 99)}


def test_run_tells_nothing_of_this_machine(run: Path) -> None:
    place = str(run.parent.parent).encode()
    for path in run.rglob("*"):
        if path.is_file() and path.suffix != ".png":
            assert place not in path.read_bytes(), path.name


def test_it_finds_an_obvious_forgery_on_unseen_sources(run: Path) -> None:
    results = Detector(run / "model.onnx").card.results
    assert results["test"]["auc"][0] > 0.9


def test_onnxruntime_and_torch_agree(run: Path) -> None:
    """Independent of the exporter's own check: the weights file against a bare session."""
    config = json.loads((run / "config.json").read_text())
    model = ClassicCnn(
        3,
        config["size"],
        filters=config["filters"],
        pool=config["pool"],
        dense=config["dense"],
        dropout=config["dropout"],
        dense_dropout=config["dense_dropout"],
    )
    model.load_state_dict(torch.load(run / "weights.pt", weights_only=True))
    session = onnxruntime.InferenceSession(str(run / "model.onnx"))
    for batch in (1, 2, 5):
        images = np.random.default_rng(batch).uniform(0, 30, (batch, 3, 32, 32))
        images = images.astype(np.float32)
        (actual,) = session.run(None, {"image": images})
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(images)).numpy()
        assert actual.shape == (batch, 1)
        assert np.abs(actual - expected).max() <= 1e-5


def test_card_is_complete_and_readable_by_the_program(run: Path) -> None:
    session = onnxruntime.InferenceSession(str(run / "model.onnx"))
    document = session.get_modelmeta().custom_metadata_map[METADATA_KEY]
    card = parse_card(document, "smoke-model")
    assert card.name == "smoke-model"
    assert [question.id for question in card.questions] == ["tampered"]
    assert {"validation", "test", "container_only"} <= set(card.results)
    assert card.results["container_only"]["balanced_accuracy"] == 1.0
    assert len(card.training.data_manifest_sha256) == 64
    assert str(corpus_of(run)) not in document


def test_model_file_holds_no_path_of_this_machine(run: Path) -> None:
    content = (run / "model.onnx").read_bytes()
    for needle in (b"site-packages", b"/home/", str(Path(__file__).parents[2]).encode()):
        assert needle not in content


def test_evaluate_reprints_the_numbers_of_the_card(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(run / "model.onnx"), "--data", str(corpus_of(run))]
    for number in range(3):
        (tmp_path / "other").mkdir(exist_ok=True)
        Image.fromarray(photograph(400 + number)).save(tmp_path / "other" / f"{number}.jpg")
    shutil.copy(next((corpus_of(run) / "Au").iterdir()), tmp_path / "other" / "known.jpg")
    folder = tmp_path / "other"
    assert main([*arguments, "--authentic", str(folder)]) == 0
    printed = capsys.readouterr().out
    auc = Detector(run / "model.onnx").card.results["test"]["auc"]
    assert f"{auc[0]:.3f} [{auc[1]:.3f}, {auc[2]:.3f}]" in printed
    assert "test: equal to the card" in printed
    assert f"authentic: {folder} | 3 x 2 | -" in printed
    assert f"{folder}: 1 pictures are in the corpus" in printed
    assert "container-only lookup" in printed


def test_folder_named_like_a_part_replaces_no_result(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(corpus_of(run) / "Au", tmp_path / "test")
    arguments = ["evaluate", str(run / "model.onnx"), "--data", str(corpus_of(run))]
    assert main([*arguments, "--authentic", str(folder)]) == 0
    assert "test: equal to the card" in capsys.readouterr().out


def test_runs_folder_that_cannot_be_made_is_one_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    where = ["--data", str(corpus_of(run)), "--runs", str(tmp_path / "file")]
    assert main(["train", "smoke", *where]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_evaluate_says_when_the_corpus_is_another(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(corpus_of(run), tmp_path / "casia1")
    for path in sorted((other / "Au").iterdir())[:3]:
        path.unlink()
    main(["evaluate", str(run / "model.onnx"), "--data", str(other)])
    assert "is not the one in the card" in capsys.readouterr().out


def test_program_scans_with_the_installed_model(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    models = tmp_path / "data" / "elascope" / "models"
    assert main(["export", str(run), "--to", str(models)]) == 0
    report = tmp_path / "report.csv"
    arguments = ["scan", str(corpus_of(run) / "Sp"), "--csv", str(report), "--model", "smoke-model"]
    assert elascope(arguments) == 0
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert len(rows) == 40
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["tampered_score"] for row in rows)
    # A score in the report is what the model gives for the same file prepared by hand.
    detector = Detector(models / "smoke-model" / "model.onnx")
    pixels = decode(open_evidence(Path(rows[0]["path"]))).pixels
    tensor = prepare(pixels, detector.card.preparation)[None]
    logit = float(detector.logits(tensor)["tampered"][0])
    fitted = detector.card.questions[0].calibration
    score = 1 / (1 + np.exp(-(fitted.slope * logit + fitted.offset)))
    assert float(rows[0]["tampered_score"]) == pytest.approx(score, abs=1e-5)


def test_export_is_refused_when_onnx_differs_from_torch(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(run / "model.onnx")
    model = ClassicCnn(3, 32, filters=8, pool=4, dense=16, dropout=0.1, dense_dropout=0.2)
    monkeypatch.setattr(export, "parity", lambda *_: 1e-3)
    with pytest.raises(ElascopeError, match=r"differs from the trained one by 0\.001"):
        export.export(model, detector.card, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_finished_model_can_be_verified(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run / "model.onnx")]) == 0
    assert "agree" in capsys.readouterr().out


def test_report_is_made_again_from_the_folder_alone(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["report", str(run), "--output", str(page)]) == 0
    assert page.read_bytes() == (run / "report.html").read_bytes()


def test_run_is_not_resumed_with_other_pictures(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(corpus_of(run), tmp_path / "casia1")
    next(iter(sorted((other / "Au").iterdir()))).unlink()
    assert main(["resume", str(run), "--data", str(other)]) == 1
    assert "began with other pictures" in capsys.readouterr().err


def test_corpus_that_cannot_train_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "set"
    corpus.mkdir()
    words = ["train", "smoke", "--data", str(corpus), "--runs", str(tmp_path / "runs")]
    assert main(words) == 1
    assert "expected the folders Au/ and Sp/" in capsys.readouterr().err
    (corpus / "Au").mkdir()
    (corpus / "Sp").mkdir()
    Image.new("RGB", (32, 32)).save(corpus / "Au" / "Au_ani_0001.jpg")
    assert main(words) == 1
    assert "both classes are needed" in capsys.readouterr().err
