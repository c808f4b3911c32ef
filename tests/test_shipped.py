"""What lies in the repository for the user: models, samples, README."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.detection.backbone import Backbones
from app.detection.detector import Detector
from app.detection.judging import judge
from app.detection.library import find_models, load_installed
from app.detection.verdict import State
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.paths import resources
from tests.pictures import encoded, in_memory, pillow_residual
from trainer.cli import main as trainer
from trainer.publishing.card_page import card_page

MODELS = find_models([resources() / "models"])
BACKBONES = Backbones([resources() / "backbones"])
SAMPLES = resources() / "samples"
MASKS = resources() / "sample_masks"


@pytest.mark.parametrize("name", MODELS)
def test_model_loads_is_named_after_its_folder_and_states_its_results(name: str) -> None:
    card = Detector(MODELS[name], BACKBONES).card
    assert card.name == name
    value, low, high = card.results["cross_validated"]["auc"]
    assert high > value > low > 0.5
    assert "research only" in card.licence
    page = (MODELS[name].parent / "CARD.md").read_text()
    assert page == card_page(card)
    changes = (resources() / "models" / "CHANGELOG.md").read_text()
    assert f"{card.name} {card.version}" in changes


def test_both_questions_are_answered_and_no_model_is_left_out() -> None:
    detectors, refusals = load_installed([resources() / "models"], BACKBONES)
    assert [q.id for d in detectors for q in d.card.questions] == ["generated", "tampered"]
    assert refusals == ()


@pytest.mark.parametrize("name", MODELS)
def test_verify_says_what_measures_a_model_on_a_backbone(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trainer(["verify", name]) == 1
    assert "elascope-trainer evaluate measures it again" in capsys.readouterr().err


def _shown(triple: list[float]) -> str:
    value, low, high = triple
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def test_readme_shows_the_numbers_of_the_cards(repository: Path) -> None:
    readme = (repository / "README.md").read_text()
    results = Detector(MODELS["generated"], BACKBONES).card.results
    assert _shown(results["against_photographs"]["auc"]) in readme
    assert _shown(results["against_photographs"]["tpr_at_1"]) in readme
    for generator in ("stable diffusion", "gpt4o", "midjourney"):
        assert _shown(results["groups"][generator.replace(" ", "_")]["auc"]) in readme
    results = Detector(MODELS["tampered"], BACKBONES).card.results
    for kind in ("splice", "copy-move"):
        assert _shown(results["test_groups"][f"casia1, {kind}"]["auc"]) in readme
        assert _shown(results["pixel"][kind]["altered_f1"]) in readme
    assert _shown(results["test"]["auc"]) in readme


def test_scan_of_the_samples_has_a_row_for_each(tmp_path: Path) -> None:
    report = tmp_path / "samples.csv"
    assert main(["scan", str(SAMPLES), "--csv", str(report)]) == 0
    rows = {Path(row["path"]).name: row for row in csv.DictReader(report.open(newline=""))}
    assert set(rows) == {path.name for path in SAMPLES.iterdir()}
    assert {name for name, row in rows.items() if row["status"] != "ok"} == {"damaged.jpg"}
    untouched = (
        "untouched.jpg",
        "untouched_resaved.jpg",
        "camera_original.jpg",
        "exif_orientation.jpg",
        "stored_as_png.png",
    )
    for name in untouched:
        # At one per cent of false alarms no model may accuse an untouched sample.
        for question in ("tampered", "generated"):
            row = rows[name]
            assert row[f"{question}_state"] in ("negative", "inconclusive"), name
            low, score, high = (float(row[f"{question}_{key}"]) for key in ("low", "score", "high"))
            assert low <= score <= high


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


def _some(folder: Path, count: int) -> list[Path]:
    paths = sorted(path for path in folder.rglob("*.*") if path.is_file())
    return paths[:: max(len(paths) // count, 1)][:count]


@pytest.mark.data
@pytest.mark.slow
def test_the_shipped_model_ranks_generated_pictures_above_camera_pictures(
    shared_data: Path,
) -> None:
    detector = Detector(MODELS["generated"], BACKBONES)
    scores: list[list[float]] = []
    for folder in ("camera", "ai"):
        images = [decode(open_evidence(path)) for path in _some(shared_data / folder, 25)]
        verdicts = [judge([detector], image, ())[0] for image in images]
        scores.append([v.score for v in verdicts if v.score is not None])
    assert min(map(len, scores)) > 15
    below = np.mean([[one < other for other in scores[1]] for one in scores[0]])
    assert below > 0.95


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("folder", ["ai", "casia1/Sp"])
def test_an_answer_never_turns_around_when_the_picture_is_saved_again(
    shared_data: Path, folder: str, number: int
) -> None:
    """A file saved at 75 or 95, or reduced to 90 %, keeps its state or becomes inconclusive."""
    detectors, _ = load_installed([resources() / "models"], BACKBONES)
    path = _some(shared_data / folder, 6)[number]
    pixels = decode(open_evidence(path)).pixels
    states = [_states(detectors, pixels)]
    with Image.fromarray(pixels) as picture:
        for quality in (75, 95):
            stream = io.BytesIO()
            picture.save(stream, "JPEG", quality=quality)
            states.append(_states(detectors, np.asarray(Image.open(stream))))
        size = round(0.9 * picture.width), round(0.9 * picture.height)
        states.append(_states(detectors, np.asarray(picture.resize(size, Image.Resampling.BOX))))
    for question in zip(*states, strict=True):
        assert not {State.POSITIVE, State.NEGATIVE} <= set(question), (path.name, question)


def _states(detectors: tuple[Detector, ...], pixels: np.ndarray) -> list[State]:
    image = decode(in_memory(encoded(np.ascontiguousarray(pixels), "PNG")))
    return [verdict.state for verdict in judge(detectors, image)]
