"""Two processes compute what one does: losses, weights, history, resume."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainer.config import Recipe
from trainer.models.network import Network
from trainer.training.distributed import join, leave
from trainer.training.loop import train
from trainer.training.prepared import MemorySet

# 30 draws in batches of 7: a last batch of two, and in the second recipe of one, so that a
# process has no image of its own. Without dropout, whose numbers differ between processes.
RECIPES = (
    Recipe("test", size=16, pool=2, epochs=3, batch=7, accumulate=2, warmup=0.2, shift=0.1),
    Recipe("test", size=16, pool=2, epochs=2, batch=29, mask_weight=0.5, weight_decay=0.0),
)


class TwoHeads(Network):
    """A label and a mask, with a frozen layer and a buffer that training changes."""

    def __init__(self) -> None:
        super().__init__(3, ("ela",))
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.frozen = nn.Conv2d(4, 4, 1).requires_grad_(False)
        self.draw = nn.Conv2d(4, 1, 1)
        self.head = nn.Linear(4, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        found = self.frozen(self.first(self.normalised(images)).tanh())
        return self.head(found.mean(dim=(2, 3))), self.draw(found)


def images(count: int, seed: int) -> MemorySet:
    """One mask in three is unknown."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.rand(count, 2, 3, 16, 16, generator=generator) * 8
    masks = (torch.rand(count, 2, 16, 16, generator=generator) < 0.3).float()
    masks[::3] = float("nan")
    return MemorySet(levels, torch.tensor([0.0, 1.0, 0.0]).repeat(count // 3), masks)


def run(recipe: Recipe, checkpoint: Path | None = None) -> dict[str, Any]:
    torch.manual_seed(0)
    model = TwoHeads()
    seen: list[int] = []
    epochs = train(
        model,
        images(15, 1),
        images(9, 2),
        recipe,
        lambda epoch: seen.append(epoch.number),
        checkpoint=checkpoint,
        interval=0.0,
    )
    history = [
        (e.train_loss, e.train_accuracy, e.validation_loss, e.validation_accuracy) for e in epochs
    ]
    return {"model": model.state_dict(), "history": history, "seen": seen}


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "tests.trainer.test_distributed", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for number, recipe in enumerate(RECIPES):
        alone = run(recipe)
        assert len(alone["history"]) == recipe.epochs
        for rank in (0, 1):
            found = torch.load(tmp_path / f"{number}-{rank}.pt", weights_only=True)
            for values, expected in zip(found["history"], alone["history"], strict=True):
                assert values == pytest.approx(expected, rel=1e-4)
            for name, value in alone["model"].items():
                assert torch.allclose(found["model"][name], value, atol=2e-4), name
            # Only the first process reports; both resume from its checkpoint.
            assert found["seen"] == (alone["seen"] if rank == 0 else [])
            assert found["again"] == found["history"]
        assert (tmp_path / f"{number}.checkpoint").is_file()


def test_alone_there_is_nothing_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    process = join()
    model = nn.Linear(2, 2)
    assert (process.rank, process.count, process.first) == (0, 1, True)
    assert process.wrapped(model) is model
    assert process.summed((1.5, 2.0)) == [1.5, 2.0]
    assert process.agreed(True)
    assert not process.agreed(False)
    assert process.from_first(lambda: 3) == 3
    assert not torch.distributed.is_initialized()


def main() -> None:
    """What each of the processes does."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    process = join()
    for number, recipe in enumerate(RECIPES):
        checkpoint = folder / f"{number}.checkpoint"
        found = run(recipe, checkpoint)
        found["again"] = run(recipe, checkpoint)["history"]
        torch.save(found, folder / f"{number}-{process.rank}.pt")
    assert process.agreed(process.first)
    assert not process.agreed(not process.first)
    assert process.from_first(lambda: os.getpid()) == int(
        process.summed((os.getpid() if process.first else 0,))[0]
    )
    leave()


if __name__ == "__main__":
    main()
