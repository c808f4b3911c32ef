"""Ablation and protocols: the same pictures, one thing changed, and no run done twice."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.trainer.corpus import write_casia1
from trainer.cli import main
from trainer.comparing import protocols
from trainer.comparing.protocols import compare_protocols, markdown
from trainer.recipes import smoke
from trainer.runs.files import read_predictions

pytestmark = pytest.mark.slow

QUICK = [
    "--epochs", "8", "--patience", "8", "--batch", "8", "--learning-rate", "0.003",
    "--evaluation-draws", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def casia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_casia1(tmp_path_factory.mktemp("compare") / "casia1", 40)


def test_ablation_compares_the_same_pictures(
    casia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data", str(casia), "--runs", str(tmp_path / "runs"), "--seeds", "2"]
    files = ["--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]
    assert main(["ablate", "smoke", *where, *files, *QUICK]) == 0
    told = json.loads((tmp_path / "a.json").read_bytes())
    assert {tuple(one["of"]) for one in told["differences"]} == {
        ("ELA", "RGB"),
        ("RGB+ELA", "RGB"),
        ("RGB+ELA", "ELA"),
    }
    reached: dict[str, list[float]] = {}
    tested: list[list[str]] = []
    for label, names in told["runs"].items():
        for name in names:
            rows = [one for one in read_predictions(tmp_path / "runs" / name) if one.set == "test"]
            labels, logits = [one.label for one in rows], [one.logit for one in rows]
            reached.setdefault(label, []).append(roc_auc_score(labels, logits))
            tested.append([one.sha256 for one in rows])
    # The same test pictures for all inputs of a seed, others for another seed.
    assert tested[0] == tested[2] == tested[4] != tested[1]
    for one in told["differences"]:
        first, second = one["of"]
        gaps = np.array(reached[first]) - np.array(reached[second])
        assert np.allclose(one["seeds"], gaps, atol=1e-6)
        low, high = one["difference"][1:]
        assert low <= one["difference"][0] <= high
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    # Again: nothing is trained, the answer is the same.
    first = capsys.readouterr().out.splitlines()[-4:]
    assert main(["ablate", "smoke", *where, *QUICK]) == 0
    second = capsys.readouterr().out
    assert second.count("done before") == 6
    assert "epoch" not in second
    assert second.splitlines()[-4:] == first


def test_protocols_stand_side_by_side(casia: Path, tmp_path: Path) -> None:
    """The forgeries were saved at 75, the others at 95: the lookup must see it, and no more after
    both were saved again.
    """
    recipe = dataclasses.replace(
        smoke(), epochs=6, patience=6, batch=8, learning_rate=3e-3, evaluation_draws=1
    )
    rows = compare_protocols({"tiny": recipe}, [casia], tmp_path, tmp_path / "c", lambda _: None)
    lookup = {row.protocol: row for row in rows if row.method.startswith("container")}
    published, random, honest = protocols.PROTOCOLS
    assert lookup[published].cells["accuracy"][0] == 1.0
    assert lookup[random].cells["accuracy"][0] < 0.9
    assert lookup[honest].cells["accuracy"][0] < 0.9
    assert len(rows) == 3 * (1 + 2)
    table = markdown(rows).splitlines()
    assert len(table) == 2 + len(rows)
    assert all(line.count("|") == table[0].count("|") for line in table)
    # What the table says is what the run's predictions give.
    run = max(path for path in tmp_path.iterdir() if path.name != "c")
    found = [one for one in read_predictions(run) if one.set == "test"]
    right = float(np.mean([(one.score >= 0.5) == (one.label == 1) for one in found]))
    values = [row.cells["accuracy"][0] for row in rows if not row.method.startswith("container")]
    assert any(abs(value - right) < 1e-4 for value in values)
