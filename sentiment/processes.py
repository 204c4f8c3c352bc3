"""Several processes that train one model together: each takes a share of a batch.

The first one starts the others, or `torchrun` starts all of them.
Gradients are summed with torch.distributed (gloo on a CPU, NCCL on CUDA), so that every process makes the
same step, the one that a single process would make of the whole batch.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed import Store, TCPStore, rendezvous  # type: ignore[attr-defined]

from sentiment.errors import MachineError

Item = TypeVar("Item")

SECONDS_TO_LEAVE = 10  # of a process that was told to end


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
    """Whether this process was started as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_led() -> bool:
    """Whether this process was started to take part in what another one leads."""
    return is_joint_training() and os.environ.get("RANK", "0") != "0"


def local_rank() -> int:
    """The number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_count() -> int:
    """How many processes of this training share the machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextmanager
def join_processes(device: torch.device, count: int = 1, command: Sequence[str] = ()) -> Iterator[Processes]:
    """Meet the processes that train together, and part from them at the end.

    They are those that `torchrun` started beside this one, if it did, else `count - 1` that are started here
    with `command`. Raises MachineError if they cannot be reached.
    """
    if is_joint_training():
        with _met(device, *_place_among_started()) as met:
            yield met
    elif count == 1:
        yield ALONE
    else:
        store = TCPStore("127.0.0.1", 0, count, is_master=True, wait_for_workers=False)
        with _started(command, count, store) as assistants, _met(device, store, 0, count) as met:
            try:
                yield met
            except BaseException:
                for assistant in assistants:  # before the group is left, which they would take for a failure
                    assistant.terminate()
                raise


@contextmanager
def _met(device: torch.device, store: Store, rank: int, count: int) -> Iterator[Processes]:
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=count)
    except (RuntimeError, ValueError) as error:
        raise MachineError(f"cannot reach the other processes: {error}") from None
    try:
        yield Processes(rank, count)
    finally:
        # A process that just ends while the group's threads run is aborted now and then.
        torch.distributed.destroy_process_group()


def _place_among_started() -> tuple[Store, int, int]:
    """Where the processes find each other, this one's number and how many they are, by the environment."""
    try:
        store, rank, count = next(rendezvous("env://"))
    except (RuntimeError, ValueError) as error:
        raise MachineError(f"cannot reach the other processes: {error}") from None
    store.set(_entry(rank), "")
    return store, rank, count


def _entry(rank: int) -> str:
    return f"process {rank} is here"


@contextmanager
def _started(command: Sequence[str], count: int, store: TCPStore) -> Iterator[list[Popen[bytes]]]:
    """Start the others, and wait until each has found the store; none of them outlives the block."""
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{store.port}"}
    told |= {"WORLD_SIZE": f"{count}", "LOCAL_WORLD_SIZE": f"{count}"}
    ranks = range(1, count)
    assistants: list[Popen[bytes]] = []
    try:
        for rank in ranks:
            own = {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}"}
            # In a session of its own, so that Ctrl-C reaches the process that leads alone, which ends it.
            assistants.append(
                Popen(command, stdin=DEVNULL, env={**os.environ, **told, **own}, start_new_session=True)
            )
        while not store.check([_entry(rank) for rank in ranks]):
            if any(assistant.poll() is not None for assistant in assistants):
                raise MachineError("a process that was to train beside this one has ended before it began")
            time.sleep(0.05)
    except BaseException:
        for assistant in assistants:
            assistant.kill()
        raise
    try:
        yield assistants
    finally:
        for assistant in assistants:
            _wait_or_kill(assistant)


def _wait_or_kill(process: Popen[bytes]) -> None:
    try:
        process.wait(SECONDS_TO_LEAVE)
    except TimeoutExpired:
        process.kill()
        process.wait()
