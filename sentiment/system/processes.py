"""Several processes that train one model together: each takes a share of a batch.

The first one starts the others, or `torchrun` starts all of them.
Gradients are summed with torch.distributed (gloo on a CPU, NCCL on CUDA), so that every process makes the
same step, the one that a single process would make of the whole batch.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from subprocess import DEVNULL, Popen
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed import Store, TCPStore, rendezvous  # type: ignore[attr-defined]

from sentiment.errors import MachineError, RunError
from sentiment.system.interrupts import end_with

Item = TypeVar("Item")

SECONDS_TO_ARRIVE = 300  # of a process that was started, to the place where they meet
LEADER = "SENTIMENT_LEADER"  # the environment's name for the process that started this one to assist it


@dataclass(frozen=True)
class Processes:
    """This process among those that train together; alone by default."""

    rank: int = 0
    count: int = 1

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
        except RuntimeError as error:
            raise MachineError(
                "another process of this training has ended; if the run has begun, go on with --resume "
                f"({_reason(error)})"
            ) from error

    def require_same(self, value: str) -> None:
        """Come back when every process has got here with the same value; raises RunError if they differ."""
        own_X = torch.tensor([*hashlib.sha256(value.encode()).digest()], dtype=torch.float64)
        sums_X = own_X.clone()
        self.sum(sums_X)
        if not torch.equal(sums_X, own_X * self.count):
            raise RunError(
                "the processes have other reviews, recipes or checkpoints than each other: they need one run "
                "folder, one configuration and the same data"
            )

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
    return started_count() > 1


def leads() -> bool:
    """Whether this is the process that writes and speaks: the only one, or the first of those started."""
    return not is_joint_training() or os.environ.get("RANK", "0") == "0"


def local_rank() -> int:
    """The number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def started_count() -> int:
    """How many processes were started to train together, this one among them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_count() -> int:
    """How many of those share the machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextmanager
def join_processes(
    device: torch.device, count: int = 1, arguments: Sequence[str] = ()
) -> Iterator[Processes]:
    """Meet the processes that train together, and part from them at the end.

    They are those that `torchrun` started beside this one, if it did, else `count - 1` that are started here
    as `sentiment` with these arguments. Raises MachineError if they cannot be reached.
    """
    if is_joint_training():
        if LEADER in os.environ:
            end_with(int(os.environ[LEADER]))
        with _met(device, *_place_among_started()) as met:
            yield met
    elif count == 1:
        yield ALONE
    else:
        store = _new_store(count)
        with _started(arguments, count, store) as assistants, _met(device, store, 0, count) as met:
            try:
                yield met
            finally:
                for assistant in assistants:  # before the group is left, which they would take for a failure
                    assistant.kill()


@contextmanager
def _met(device: torch.device, store: Store, rank: int, count: int) -> Iterator[Processes]:
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    # One that was started here ends with the others, so a long silence only means that it is suspended.
    timeout = timedelta(days=30) if not is_joint_training() or LEADER in os.environ else None
    try:
        torch.distributed.init_process_group(
            backend, store=store, rank=rank, world_size=count, timeout=timeout
        )
    except (RuntimeError, ValueError) as error:
        raise _unreachable(error) from error
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
        raise _unreachable(error) from error
    store.set(_entry(rank), "")
    return store, rank, count


def _new_store(count: int) -> TCPStore:
    try:
        return TCPStore("127.0.0.1", 0, count, is_master=True, wait_for_workers=False)
    except RuntimeError as error:
        raise _unreachable(error) from error


def _entry(rank: int) -> str:
    return f"process {rank} is here"


def _unreachable(error: Exception) -> MachineError:
    return MachineError(f"cannot reach the other processes: {_reason(error)}")


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _started(arguments: Sequence[str], count: int, store: TCPStore) -> Iterator[list[Popen[bytes]]]:
    """Start the others, and wait until each has found the store; none of them outlives the block."""
    ranks = range(1, count)
    assistants: list[Popen[bytes]] = []
    try:
        for rank in ranks:
            assistants.append(_start(arguments, rank, count, store.port))
        end = time.monotonic() + SECONDS_TO_ARRIVE
        while not store.check([_entry(rank) for rank in ranks]):
            if any(assistant.poll() is not None for assistant in assistants) or time.monotonic() > end:
                raise MachineError("a process that was to train beside this one has not begun")
            time.sleep(0.05)
        yield assistants
    finally:
        for assistant in assistants:
            assistant.kill()
            assistant.wait()


def own_command(arguments: Sequence[str]) -> list[str]:
    """What starts `sentiment` with these arguments as a process that finds every module where this one does.

    `python -m` would look in the current folder first.
    """
    program = f"import sys; sys.path[:] = {sys.path!r}; from sentiment.cli import main; main()"
    return [sys.executable, "-c", program, *arguments]


def _start(arguments: Sequence[str], rank: int, count: int, port: int) -> Popen[bytes]:
    environment = os.environ | {
        LEADER: f"{os.getpid()}",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": f"{port}",
        "WORLD_SIZE": f"{count}",
        "LOCAL_WORLD_SIZE": f"{count}",
        "RANK": f"{rank}",
        "LOCAL_RANK": f"{rank}",
    }
    try:
        # In a session of its own, so that Ctrl-C reaches the process that leads alone, which ends it.
        return Popen(
            own_command(arguments),
            stdin=DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"cannot start a process that trains beside this one: {error}") from error
