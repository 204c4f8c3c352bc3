"""Several processes that train one model together, as `torchrun` starts them: each takes a share of a batch.

Gradients are summed with torch.distributed (gloo on a CPU, NCCL on CUDA), so that every process makes the
same step, the one that a single process would make of the whole batch.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn

from sentiment.errors import MachineError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """This process among those that train together; alone by default."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, items: list[Item]) -> list[Item]:
        """What of the items this process takes."""
        return items[self.rank :: self.count]

    def wait(self) -> None:
        """Come back when every process has got here; raises MachineError if one of them is gone."""
        self.sum(torch.zeros(1))

    def sum(self, values_X: Tensor) -> None:
        """Replace the values by their sum over all processes; raises MachineError if one of them is gone."""
        if self.count == 1:
            return
        try:
            torch.distributed.all_reduce(values_X)
        except RuntimeError:
            raise MachineError(
                "another process of this training has ended; if the run has begun, go on with --resume"
            ) from None

    def sum_gradients(self, parameters: Iterable[nn.Parameter], *figures: float) -> list[float]:
        """Sum every gradient in place, and the figures, over all processes; return the figures' sums."""
        if self.count == 1:
            return list(figures)
        parameters = list(parameters)
        gradients = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for parameter in parameters
        ]
        values = [gradient.flatten() for gradient in gradients]
        message_X = torch.cat([*values, values[0].new_tensor(figures)])
        self.sum(message_X)
        *sums, figures_F = torch.split(message_X, [*map(len, values), len(figures)])
        for parameter, summed in zip(parameters, sums, strict=True):
            parameter.grad = summed.view_as(parameter)
        return [float(figure) for figure in figures_F]


ALONE = Processes()


def is_joint_training() -> bool:
    """Whether `torchrun` has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def local_rank() -> int:
    """The number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_count() -> int:
    """How many processes of this training share the machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextmanager
def join_processes(device: torch.device) -> Iterator[Processes]:
    """Meet the processes that `torchrun` started beside this one, if it did, and part from them at the end.

    Raises MachineError if they cannot be reached.
    """
    if not is_joint_training():
        yield ALONE
        return
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    try:
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise MachineError(f"cannot reach the other processes: {error}") from None
    try:
        yield Processes(rank, count)
    finally:
        # A process that just ends while the group's threads run is aborted now and then.
        torch.distributed.destroy_process_group()
