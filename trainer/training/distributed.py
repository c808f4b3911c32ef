"""One training run in several processes, on one machine or many, as torchrun starts them."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

_T = TypeVar("_T")

_PATIENCE = timedelta(hours=12)
"""How long one process waits for another: preparing a large set takes hours."""


@dataclass(frozen=True, slots=True)
class Process:
    """One of the processes of a run; alone it is number 0 of 1.

    Attributes:
        rank: its number.
        count: of all processes.
        device: that it computes on.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """``model`` with gradients averaged over all processes, and equal weights from here on."""
        if self.count == 1:
            return model
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=devices)

    def summed(self, values: Sequence[float]) -> list[float]:
        """The sum of each value over all processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return [float(value) for value in total]

    def agreed(self, wish: bool) -> bool:
        """What the first process wishes."""
        return self.summed((float(wish and self.first),))[0] > 0

    def from_first(self, make: Callable[[], _T]) -> _T:
        """What ``make`` gives in the first process, in all of them."""
        if self.count == 1:
            return make()
        holder = [make() if self.first else None]
        dist.broadcast_object_list(holder, device=self.device)
        return holder[0]  # type: ignore[return-value]

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the buffers of the first, such as running means."""
        if self.count > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.count > 1:
            dist.barrier()


def device() -> torch.device:
    """The GPU of this process if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def rank_and_count() -> tuple[int, int]:
    """Number of this process and count of all, as torchrun told; does not wait for the others."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def join() -> Process:
    """Meet the processes that torchrun started; without torchrun there is only this one.

    May be called any number of times.
    """
    place = device()
    rank, count = rank_and_count()
    if count == 1:
        return Process(0, 1, place)
    if not dist.is_initialized():
        if place.type == "cuda":
            torch.cuda.set_device(place)
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=_PATIENCE)
    return Process(rank, count, place)


def leave() -> None:
    """Close what `join` opened."""
    if dist.is_initialized():
        dist.destroy_process_group()


def unsynchronised(network: nn.Module) -> contextlib.AbstractContextManager[None]:
    """While it is open, gradients add up in each process and are not exchanged."""
    if isinstance(network, DistributedDataParallel):
        return network.no_sync()
    return contextlib.nullcontext()
