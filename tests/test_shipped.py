"""What lies in the repository for the user: models, samples, README."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.detection.detector import Detector
from app.detection.library import find_models
from app.paths import resources
from tests.pictures import pillow_residual
from trainer.cli import main as trainer

MODELS = find_models([resources() / "models"])
SAMPLES = resources() / "samples"
MASKS = resources() / "sample_masks"


@pytest.mark.parametrize("name", MODELS)
def test_model_loads_is_named_after_its_folder_and_states_its_results(name: str) -> None:
    card = Detector(MODELS[name]).card
    assert card.name == name
    assert card.results["test"]["auc"][0] > card.results["test"]["auc"][1] > 0.5
    assert 0 <= card.results["container_only"]["balanced_accuracy"] <= 1
    assert "research only" in card.licence
    page = (MODELS[name].parent / "CARD.md").read_text()
    assert card.training.data_manifest_sha256 in page or card.training.split in page
    changes = (resources() / "models" / "CHANGELOG.md").read_text()
    assert f"{card.name} {card.version}" in changes


def test_readme_shows_the_numbers_of_the_card(repository: Path) -> None:
    readme = (repository / "README.md").read_text()
    results = Detector(MODELS["ela-cnn-casia1"]).card.results
    for part in ("test", "validation"):
        for measure in ("auc", "accuracy"):
            value, low, high = results[part][measure]
            assert f"{value:.3f} [{low:.3f}, {high:.3f}]" in readme
    for part in ("camera", "web", "pristine"):
        value, low, high = results[part]["accuracy"]
        assert f"{value:.3f} [{low:.3f}, {high:.3f}]" in readme
    assert f"**{results['container_only']['accuracy']:.3f}**" in readme
    (negative, _), (_, positive) = results["test"]["confusion"]
    assert re.search(rf"{negative} of\s+480 authentic and {positive} of\s+540", readme)


def test_scan_of_the_samples_has_a_row_for_each(tmp_path: Path) -> None:
    report = tmp_path / "samples.csv"
    assert main(["scan", str(SAMPLES), "--csv", str(report)]) == 0
    rows = {Path(row["path"]).name: row for row in csv.DictReader(report.open(newline=""))}
    assert set(rows) == {path.name for path in SAMPLES.iterdir()}
    assert {name for name, row in rows.items() if row["status"] != "ok"} == {"damaged.jpg"}
    outside = {name for name, r in rows.items() if r["tampered_state"] == "outside_validity"}
    assert outside == {"camera_original.jpg", "exif_orientation.jpg", "stored_as_png.png"}
    # At one per cent of false alarms this model must not accuse an untouched sample.
    assert rows["untouched.jpg"]["tampered_state"] != "positive"
    assert rows["untouched_resaved.jpg"]["tampered_state"] != "positive"


def test_samples_have_a_history_and_the_edited_ones_a_mask() -> None:
    history = json.loads((MASKS / "history.json").read_text())
    assert set(history) == {path.name for path in SAMPLES.iterdir()}
    for name, entry in history.items():
        assert entry["sources"]
        assert entry["history"]
        if "mask" in entry:
            with Image.open(SAMPLES / name) as picture, Image.open(MASKS / entry["mask"]) as mask:
                assert picture.size == mask.size
                assert set(np.unique(np.asarray(mask))) == {0, 255}
    assert sum("mask" in entry for entry in history.values()) == 3


def test_splice_stands_out_in_its_error_levels_until_it_is_saved_coarsely() -> None:
    """The lesson that the two samples are there to teach, computed with Pillow alone."""
    ratios = {}
    mask = np.asarray(Image.open(MASKS / "splice_mask.png")) > 0
    for name in ("splice.jpg", "splice_resaved.jpg"):
        residual = pillow_residual(np.asarray(Image.open(SAMPLES / name)), 90, "4:2:0")
        ratios[name] = residual[mask].mean() / residual[~mask].mean()
    assert ratios["splice.jpg"] > 2
    assert ratios["splice_resaved.jpg"] < ratios["splice.jpg"] / 1.5


@pytest.mark.data
@pytest.mark.slow
def test_evaluate_reprints_the_numbers_of_the_shipped_model(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trainer(["evaluate", "ela-cnn-casia1", "--data", str(shared_data / "casia1")]) == 0
    printed = capsys.readouterr().out
    assert "test: equal to the card" in printed
    assert "DIFFERENT" not in printed
    assert "will differ" not in printed
