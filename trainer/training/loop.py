"""The training loop, from prepared images to the best weights; to be read from top to bottom.

No random generator lives from one step to the next: the order of images follows from (seed,
epoch), their augmentation from (seed, epoch, place in the order), dropout from (seed, epoch, step,
process). So a run goes on from a checkpoint exactly as if it had never stopped, and several
processes draw what one would.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.network import Network
from trainer.training import checkpoint as checkpoints
from trainer.training.distributed import join, unsynchronised
from trainer.training.losses import Outputs, losses
from trainer.training.order import EpochImages, class_weight, seed_of
from trainer.training.prepared import Images, Item


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch showed. Losses are means over images, in nats, as `losses` has them."""

    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


def train(
    model: Network,
    data: Images,
    validation: Images,
    recipe: Recipe,
    report: Callable[[Epoch], None],
    *,
    checkpoint: Path | None = None,
    weights: Sequence[float] | None = None,
    interval: float = 300.0,
) -> list[Epoch]:
    """Train ``model`` in place and leave it with the weights of the lowest validation loss.

    Each epoch sees every draw of every training image in random order, each changed at random.
    Classes weigh the same, whatever their sizes. Started by torchrun, all processes call this
    alike and end with the same weights; only the first writes and reports.

    Args:
        model: of `trainer.models`.
        data: to fit weights to.
        validation: to pick the epoch by.
        recipe: of the run.
        report: is told of each epoch when it is over.
        checkpoint: file to write now and then, and to go on from if it is there.
        weights: chance of each example to be drawn next, with replacement; an epoch is then as
            many draws as ``data`` has.
        interval: seconds between checkpoints within an epoch; there is one after each epoch.

    Returns:
        All epochs, also those before a checkpoint.

    Raises:
        CorpusError: a class is missing, the checkpoint belongs to another run, or the loss
            became infinite.
        NotWrittenError: the checkpoint cannot be written.
    """
    with _deterministic():
        run = _Run(model, data, validation, recipe, weights)
        run.resume(checkpoint)
        bar = tqdm(
            total=recipe.epochs * run.steps,
            initial=run.steps_behind(),
            unit="step",
            disable=None if run.process.first else True,
            leave=False,
        )
        with bar:
            while not run.finished:
                bar.set_description(f"epoch {run.progress.epoch} of {recipe.epochs} at most")
                saved = time.monotonic()
                for _ in run.epoch():
                    bar.update()
                    if checkpoint and run.process.agreed(time.monotonic() - saved >= interval):
                        run.save(checkpoint)
                        saved = time.monotonic()
                epoch = run.close_epoch()
                run.save(checkpoint)
                if run.process.first:
                    bar.clear()
                    report(epoch)
    model.load_state_dict(run.progress.best)
    return run.history()


class _Run:
    """A training run under way: what changes from step to step, and how."""

    def __init__(
        self,
        model: Network,
        data: Images,
        validation: Images,
        recipe: Recipe,
        weights: Sequence[float] | None,
    ) -> None:
        self.process = join()
        self.recipe, self.data, self.validation, self.weights = recipe, data, validation, weights
        self.steps = math.ceil(len(data) / recipe.batch)
        self.model = model.to(self.process.device)
        self.network = self.process.wrapped(model)
        groups = model.parameter_groups(recipe)
        self.optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        self.peaks = [group["lr"] for group in self.optimiser.param_groups]
        gpu = self.process.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.process.device.type, enabled=gpu)
        self.criterion = partial(
            losses, positive=class_weight(data, weights), mask_weight=recipe.mask_weight
        )
        self.progress = checkpoints.Progress(best=_copied(model))
        self.pictures = checkpoints.fingerprint(data.labels, validation.labels, weights=weights)

    @property
    def finished(self) -> bool:
        """Whether the last epoch is over, or the validation loss has not fallen for too long."""
        history = self.history()
        if not history:
            return False
        lowest = min(history, key=lambda epoch: epoch.validation_loss)
        over = self.progress.epoch > self.recipe.epochs
        return over or len(history) - lowest.number >= self.recipe.patience

    def history(self) -> list[Epoch]:
        return [Epoch(int(number), *rest) for number, *rest in self.progress.history]

    def steps_behind(self) -> int:
        return (self.progress.epoch - 1) * self.steps + self.progress.step

    def epoch(self) -> Iterator[None]:
        """What is left of the present epoch; yields after each step of the optimiser."""
        self.network.train()
        plan = [self._pieces(step) for step in range(self.progress.step, self.steps)]
        loader = DataLoader(
            EpochImages(self.data, self.recipe, self.progress.epoch, self.weights),
            batch_size=None,
            sampler=[piece for pieces in plan for piece in pieces],
            num_workers=self.recipe.workers,
            pin_memory=self.process.device.type == "cuda",
        )
        batches = iter(loader)
        for pieces in plan:
            self._step([next(batches) for _ in pieces])
            yield

    def _pieces(self, step: int) -> list[list[int]]:
        """Places in the epoch's order that this process computes in ``step``, in pieces."""
        batch = self._batch(step)
        # A short last batch may leave a process without an image; see `_step`.
        share = batch[self.process.rank :: self.process.count] or batch[:1]
        size = math.ceil(len(share) / self.recipe.accumulate)
        return [list(share[start : start + size]) for start in range(0, len(share), size)]

    def _batch(self, step: int) -> range:
        return range(len(self.data))[step * self.recipe.batch : (step + 1) * self.recipe.batch]

    def _step(self, pieces: list[Item]) -> None:
        """One step of the optimiser, on this process's pieces of a batch."""
        progress, process, done = self.progress, self.process, self.steps_behind()
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"] = peak * rate(done, self.recipe.epochs * self.steps, self.recipe.warmup)
        torch.manual_seed(seed_of(self.recipe.seed, "dropout", done, process.rank))
        size = len(self._batch(progress.step))
        # The gradient is that of the mean over the whole batch: processes average theirs. One
        # without an image of its own takes part with a gradient of zero.
        counts = 1.0 if process.rank < size else 0.0
        for number, piece in enumerate(pieces, 1):
            images, labels, masks = (part.to(process.device) for part in piece)
            last = number == len(pieces)
            with contextlib.nullcontext() if last else unsynchronised(self.network):
                with torch.autocast(process.device.type, enabled=self.scaler.is_enabled()):
                    outputs = self.network(images)
                each, right = self.criterion(outputs, labels, masks)
                loss = each.sum() * counts
                self.scaler.scale(loss * (process.count / size)).backward()
            progress.loss_sum += float(loss.detach())
            progress.right += float(right.sum()) * counts
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad()
        progress.step += 1
        if not math.isfinite(progress.loss_sum):
            raise CorpusError(
                f"The loss became infinite in epoch {progress.epoch}; a lower learning rate or a "
                "longer warm-up may help."
            )

    def close_epoch(self) -> Epoch:
        """Validate, note the epoch, keep its weights if they are the best, begin the next."""
        progress, count = self.progress, len(self.data)
        train_loss, train_right = self._gathered()
        self.process.share_buffers(self.model)
        loss, accuracy = self._validated()
        epoch = Epoch(progress.epoch, train_loss / count, train_right / count, loss, accuracy)
        if all(loss < before.validation_loss for before in self.history()):
            progress.best = _copied(self.model)
        progress.history.append(astuple(epoch))
        progress.epoch, progress.step = progress.epoch + 1, 0
        progress.loss_sum, progress.right = 0.0, 0.0
        return epoch

    def _gathered(self) -> tuple[float, float]:
        """The running sums of all processes, which from here on the first one holds."""
        progress = self.progress
        loss, right = self.process.summed((progress.loss_sum, progress.right))
        progress.loss_sum, progress.right = (loss, right) if self.process.first else (0.0, 0.0)
        return loss, right

    @torch.no_grad()
    def _validated(self) -> tuple[float, float]:
        """Mean loss and accuracy over the validation images, shared among processes."""
        process, count = self.process, len(self.validation)
        own = Subset(self.validation, range(process.rank, count, process.count))
        # What has room in training has room here.
        size = math.ceil(self.recipe.batch / self.recipe.accumulate)
        loss, right = 0.0, 0.0
        for outputs, labels, masks in _answers(self.model, own, size, self.recipe.workers):
            each, correct = self.criterion(outputs, labels, masks)
            loss, right = loss + float(each.sum()), right + float(correct.sum())
        loss, right = process.summed((loss, right))
        return loss / count, right / count

    def resume(self, path: Path | None) -> None:
        """Go on from the checkpoint at ``path`` if there is one."""
        if path is None:
            return
        stored = self.process.from_first(lambda: checkpoints.load(path, self.recipe, self.pictures))
        if stored is None:
            return
        self.progress, states = stored
        for name, part in self._parts().items():
            part.load_state_dict(states[name])
        if not self.process.first:
            self.progress.loss_sum = self.progress.right = 0.0

    def save(self, path: Path | None) -> None:
        """Write the checkpoint; the same call in all processes."""
        if path is None:
            return
        self._gathered()
        if self.process.first:
            states = {name: part.state_dict() for name, part in self._parts().items()}
            checkpoints.save(path, self.recipe, self.pictures, self.progress, states)

    def _parts(self) -> dict[str, Any]:
        return {"model": self.model, "optimiser": self.optimiser, "scaler": self.scaler}


def rate(step: int, steps: int, warmup: float) -> float:
    """Learning rate of ``step`` of ``steps`` as a share of its peak: a line up, half a cosine down.

    Args:
        step: counted from 0.
        steps: of the whole run.
        warmup: share of ``steps`` on the way up.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


@torch.no_grad()
def predict(model: nn.Module, data: Images, batch: int = 128, workers: int = 0) -> Tensor:
    """Logits (n,) float32 on the CPU, in the order of ``data``."""
    answers = _answers(model, data, batch, workers)
    return torch.cat(
        [
            (outputs[0] if isinstance(outputs, tuple) else outputs).squeeze(1).cpu()
            for outputs, _, _ in answers
        ]
    )


@torch.no_grad()
def predict_masks(
    model: nn.Module, data: Images, batch: int = 32, workers: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of (probabilities, masks), each (n, height, width) float32 on the CPU, in order.

    Masks are those of `trainer.training.prepared.Item`; ``model`` has a mask head.
    """
    for outputs, _, masks in _answers(model, data, batch, workers):
        yield outputs[1].squeeze(1).sigmoid().cpu(), masks.float().cpu()


def _answers(
    model: nn.Module, data: Dataset[Item], batch: int, workers: int
) -> Iterator[tuple[Outputs, Tensor, Tensor]]:
    """Batch by batch what the network gives, the labels and the masks, where the network is."""
    model.eval()
    place = next(model.parameters()).device
    for parts in DataLoader(data, batch_size=batch, num_workers=workers):
        images, labels, masks = (part.to(place) for part in parts)
        yield model(images.float()), labels, masks


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """Deterministic algorithms where torch has them; what it has not, it warns of."""
    before = torch.are_deterministic_algorithms_enabled()
    gentle = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=gentle)
