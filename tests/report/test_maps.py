import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.cli.where import sentences
from app.detection.backbone import Backbones
from app.detection.card import Where
from app.detection.detector import Detector
from app.detection.library import ModelChoice
from app.detection.verdict import State, Verdict
from app.evidence.file import open_evidence
from app.report.maps import MapFolder
from app.scan.results import conspicuous
from app.scan.work import Outcome, Setup, judge_evidence
from tests.backbones import head_card, write_backbone, write_head
from tests.pictures import encoded


def _verdict(state: State, score: float | None) -> Verdict:
    return Verdict("tampered", state, score, "A reason.", "toy", "ab" * 32, "CPU")


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    """Positive above a level of about 166; its map marks what is brighter than 128."""
    where = Where("tampered", "where", "", (), 128, 0.5, 0.0)
    made = head_card(write_backbone(tmp_path / "backbones"), where, name="toy")
    model = write_head(tmp_path / "models" / "toy" / "model.onnx", made)
    return Detector(model, Backbones((tmp_path / "backbones",)))


@pytest.mark.parametrize(
    ("state", "score", "expected"),
    [
        (State.POSITIVE, 0.9, True),
        (State.INCONCLUSIVE, 0.5, True),
        (State.INCONCLUSIVE, 0.49, False),
        (State.NEGATIVE, 0.1, False),
        (State.OUTSIDE_VALIDITY, None, False),
    ],
)
def test_what_asks_for_a_look(state: State, score: float | None, expected: bool) -> None:
    assert conspicuous(_verdict(state, score)) is expected


def _folder(folder: Path) -> list[Path]:
    folder.mkdir()
    bright = np.full((64, 96, 3), 90, np.uint8)
    bright[:, 48:] = 250
    for name, pixels in (("bright", bright + 5), ("dark", np.full((64, 96, 3), 20, np.uint8))):
        (folder / f"{name}.png").write_bytes(encoded(pixels, "PNG"))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return sorted(folder.iterdir())


def _judged(paths: list[Path], detector: Detector, maps: MapFolder) -> list[Outcome]:
    setup = Setup(ModelChoice(), write_map=maps.write)
    return [judge_evidence(open_evidence(path), [detector], setup) for path in paths]


def test_maps_are_written_for_conspicuous_pictures_only(tmp_path: Path, detector: Detector) -> None:
    paths = _folder(tmp_path / "evidence")
    target = tmp_path / "maps"
    target.mkdir()
    outcomes = _judged(paths, detector, MapFolder(target))
    rows = [outcome.row for outcome in outcomes]
    assert [row.status for row in rows] == ["ok", "broken", "ok"]
    assert [(outcome.maps, outcome.complaints) for outcome in outcomes] == [
        (1, ()),
        (0, ()),
        (0, ()),
    ]
    stem = f"{rows[0].sha256[:16]}.tampered"
    assert sorted(path.name for path in target.iterdir()) == [f"{stem}.json", f"{stem}.png"]
    document = json.loads((target / f"{stem}.json").read_text())
    assert (document["width"], document["height"]) == (96, 64)
    (region,) = document["regions"]
    assert abs(region["area"] - 48 * 64) < 12 * 64
    assert document["record"]["sha256"] == rows[0].sha256
    assert document["record"]["model"] == "toy"
    with Image.open(target / f"{stem}.png") as picture:
        assert picture.size == (96, 64)
        assert json.loads(picture.info["elascope.record"])["sha256"] == rows[0].sha256


def test_a_map_that_cannot_be_written_costs_no_row(tmp_path: Path, detector: Detector) -> None:
    paths = _folder(tmp_path / "evidence")
    outcomes = _judged(paths, detector, MapFolder(tmp_path / "gone"))
    assert [outcome.row.status for outcome in outcomes] == ["ok", "broken", "ok"]
    assert sum(outcome.maps for outcome in outcomes) == 0
    (sentence,) = outcomes[0].complaints
    assert "gone" in sentence


def test_a_map_is_not_written_through_a_link(tmp_path: Path, detector: Detector) -> None:
    """It could lead to evidence."""
    (path, *_) = _folder(tmp_path / "evidence")
    evidence, target = open_evidence(path), tmp_path / "maps"
    target.mkdir()
    (target / f"{evidence.sha256[:16]}.tampered.json").symlink_to(path)
    (outcome,) = _judged([path], detector, MapFolder(target))
    assert (outcome.maps, outcome.row.status) == (0, "ok")
    assert outcome.complaints[0].endswith("is a link, so nothing is written to it.")
    assert open_evidence(path).sha256 == evidence.sha256


def test_score_and_map_that_disagree_are_told_apart(detector: Detector) -> None:
    marked = detector.locate(np.full((64, 64, 3), 240, np.uint8))
    nothing = detector.locate(np.full((64, 64, 3), 10, np.uint8))
    assert marked.regions and not nothing.regions
    for state, found, words in (
        (State.POSITIVE, marked, "point the same way"),
        (State.POSITIVE, nothing, "the map marks no place"),
        (State.NEGATIVE, marked, "Score and map disagree"),
        (State.NEGATIVE, nothing, "neither shows a sign"),
        (State.INCONCLUSIVE, marked, "does not decide"),
    ):
        assert words in "\n".join(sentences(_verdict(state, 0.5), found))
    text = "\n".join(sentences(_verdict(State.POSITIVE, 0.9), marked))
    assert "in 1 region, 100.0%" in text
    assert text.endswith("not what happened there.")


def test_the_commands_end_to_end(
    tmp_path: Path,
    detector: Detector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``scan --maps`` and ``where`` with a model and backbone of the user's own folder."""
    data = tmp_path / "data" / "elascope"
    data.mkdir(parents=True)
    for name in ("models", "backbones"):
        (tmp_path / name).rename(data / name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("app.paths.resources", lambda: tmp_path / "nothing")
    _folder(tmp_path / "evidence")
    picture, target = tmp_path / "evidence" / "bright.png", tmp_path / "maps"
    assert main(["scan", str(tmp_path / "evidence"), "--maps", str(target)]) == 0
    assert "Maps of 1 conspicuous images" in capsys.readouterr().out
    assert len(list(target.iterdir())) == 2
    outputs = ["--png", str(tmp_path / "w.png"), "--json", str(tmp_path / "w.json")]
    assert main(["where", str(picture), *outputs]) == 0
    text = capsys.readouterr().out
    assert "tampered: " in text and "in 1 region" in text
    assert json.loads((tmp_path / "w.json").read_text())["regions"]
    small = tmp_path / "small.png"
    small.write_bytes(encoded(np.full((8, 8, 3), 90, np.uint8), "PNG"))
    target = tmp_path / "none.png"
    assert main(["where", str(small), "--png", str(target)]) != 0
    assert "There is no map of this picture. Outside" in capsys.readouterr().err
    assert not target.exists()
    before = picture.read_bytes()
    assert main(["where", str(picture), "--png", str(picture)]) != 0
    assert picture.read_bytes() == before
    assert main(["scan", str(tmp_path / "evidence"), "--maps", str(picture)]) != 0
    assert "lies in an examined folder" in capsys.readouterr().err
    assert main(["scan", str(tmp_path / "evidence"), "--maps", str(tmp_path / "w.png")]) != 0
    assert "cannot be made" in capsys.readouterr().err
