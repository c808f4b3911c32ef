"""A run that was killed goes on as if nothing had happened; a wrong checkpoint is refused."""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.classic_cnn import ClassicCnn
from trainer.training import checkpoint as checkpoints
from trainer.training.loop import Epoch, train
from trainer.training.prepared import MemorySet

# Everything random is on: flips, shifts, dropout, a mixture, more than one group of draws.
RECIPE = Recipe("test", epochs=3, batch=4, accumulate=2, warmup=0.2, patience=3, learning_rate=3e-3)


def network() -> ClassicCnn:
    torch.manual_seed(0)
    return ClassicCnn(3, 32, filters=8, pool=4, dense=16, dropout=0.25, dense_dropout=0.5)


def images(count: int, seed: int) -> MemorySet:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.rand(count, 2, 3, 32, 32, generator=generator) * 8
    return MemorySet(levels, torch.tensor([0.0, 1.0]).repeat(count // 2))


def run(checkpoint: Path | None, recipe: Recipe = RECIPE, **changes: Any) -> tuple[Any, ...]:
    model = network()
    seen: list[Epoch] = []
    arguments: dict[str, Any] = {"weights": [1 / 24] * 24, "interval": 0.0} | changes
    data, validation = images(24, 1), images(8, 2)
    epochs = train(model, data, validation, recipe, seen.append, checkpoint=checkpoint, **arguments)
    return model.state_dict(), epochs, seen


def same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    assert found.keys() == expected.keys()
    return all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The subprocess has one as well, so that sums are in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_killed_within_an_epoch_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    command = [sys.executable, "-m", "tests.trainer.test_resume", str(file)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, cwd=root, text=True
    ) as child:
        assert child.stdout is not None
        # It stands still within the second epoch, and not at its end.
        assert child.stdout.readline() == "here\n"
        child.kill()
    assert child.returncode == -9
    state = torch.load(file, weights_only=True)
    assert (state["progress"]["epoch"], state["progress"]["step"]) == (2, 5)
    found, epochs, seen = run(file)
    expected, uninterrupted, _ = run(None)
    assert epochs == uninterrupted
    assert [epoch.number for epoch in seen] == [2, 3]
    assert same(found, expected)


@pytest.mark.parametrize("workers", [0, 1])
def test_stopped_after_any_step_it_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """After a step, at the end of an epoch, and at the end of all."""
    recipe = dataclasses.replace(RECIPE, workers=workers)
    expected, uninterrupted, _ = run(None, recipe)
    file = tmp_path / "checkpoint.pt"
    save = checkpoints.save
    for stops in (1, 12, 13, 11, 1):
        left = stops

        def saved(*arguments: Any) -> None:
            nonlocal left
            save(*arguments)
            left -= 1
            if not left:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, "save", saved)
            with pytest.raises(KeyboardInterrupt):
                run(file, recipe)
    found, epochs, _ = run(file, recipe)
    assert epochs == uninterrupted
    assert same(found, expected)
    # Once more: all is done.
    found, epochs, seen = run(file, recipe)
    assert epochs == uninterrupted
    assert seen == []
    assert same(found, expected)


def test_without_time_passing_there_is_one_checkpoint_for_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, int]] = []

    def noted(path: Path, recipe: Recipe, data: str, progress: Any, parts: object) -> None:
        written.append((progress.epoch, progress.step))

    monkeypatch.setattr(checkpoints, "save", noted)
    run(tmp_path / "checkpoint.pt", interval=3600.0)
    assert written == [(2, 0), (3, 0), (4, 0)]


def test_a_run_that_ended_early_stays_ended(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=40, patience=1)
    file = tmp_path / "checkpoint.pt"
    found, epochs, _ = run(file, recipe, interval=3600.0)
    assert len(epochs) < 40
    again, repeated, seen = run(file, recipe)
    assert seen == []
    assert repeated == epochs
    assert same(found, again)


def test_a_checkpoint_of_another_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    run(file, interval=3600.0)
    before = file.read_bytes()
    with pytest.raises(CorpusError, match=r"another recipe \(epochs, seed\)"):
        run(file, dataclasses.replace(RECIPE, epochs=4, seed=1))
    with pytest.raises(CorpusError, match="other pictures"):
        run(file, weights=None)
    with pytest.raises(CorpusError, match="other pictures"):
        train(network(), images(24, 1), images(10, 2), RECIPE, lambda _: None, checkpoint=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "cut", "pickle", "other"])
def test_what_is_no_checkpoint_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes | str
) -> None:
    file = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "cut":
        run(file, interval=3600.0)
        file.write_bytes(file.read_bytes()[:-1000])
    elif content == "pickle":
        torch.save({"format": tmp_path}, file)
    else:
        torch.save({"format": "something else"}, file)
    sentence = "another version" if content == "other" else "not a checkpoint"
    with pytest.raises(CorpusError, match=sentence):
        run(file)


def main() -> None:
    """Train until the fifth checkpoint of the second epoch is written, and stand still."""
    torch.set_num_threads(1)
    save = checkpoints.save

    def saved(path: Path, recipe: Recipe, data: str, progress: Any, parts: Any) -> None:
        save(path, recipe, data, progress, parts)
        if (progress.epoch, progress.step) == (2, 5):
            print("here", flush=True)
            time.sleep(600)

    checkpoints.save = saved
    run(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
