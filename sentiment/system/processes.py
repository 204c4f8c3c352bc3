"""Several processes that train one model together: each takes a share of every batch.

The first one starts the others, or `torchrun` starts all of them.
Gradients are summed with torch.distributed (gloo on a CPU, NCCL on CUDA). Every process then makes the same
step, the one that a single process would make of the whole batch.
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
from sentiment.system.place import Place, assistant_environment

Item = TypeVar("Item")

SECONDS_TO_ARRIVE = 300  # seconds until a started process must have arrived
ENDLESS = timedelta(days=30)


@dataclass(frozen=True)
class Processes:
    """This process among those that compute together; by default the only one."""

    rank: int = 0
    count: int = 1

    def share(self, items: list[Item]) -> list[Item]:
        """The items that this process takes."""
        return items[self.rank :: self.count]

    def wait(self) -> None:
        """Return when every process is here; raises MachineError if one of them has ended."""
        self.sum(torch.zeros(1))

    def sum(self, values_X: Tensor) -> None:
        """Replace the values by their sum over all processes; raises MachineError if one has ended."""
        if self.count == 1:
            return
        try:
            torch.distributed.all_reduce(values_X)
        except RuntimeError as error:
            raise MachineError(
                "another process of this training has ended; if the run has a checkpoint, continue it with "
                f"--resume ({_first_line(error)})"
            ) from error

    def require_same(self, value: str) -> None:
        """Return when every process is here with the same value; raises RunError if the values differ."""
        own_X = torch.tensor([*hashlib.sha256(value.encode()).digest()], dtype=torch.float64)
        sums_X = own_X.clone()
        self.sum(sums_X)
        if not torch.equal(sums_X, own_X * self.count):
            raise RunError(
                "the processes have different reviews, recipes or checkpoints; they need the same run, "
                "configuration and data"
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


@contextmanager
def join_processes(
    device: torch.device, place: Place, count: int = 1, arguments: Sequence[str] = ()
) -> Iterator[Processes]:
    """Meet the processes that train together, and part from them at the end.

    If several were started with this one, these are the processes. Else this one starts `count - 1` of
    them, as `sentiment` with these arguments. Raises MachineError if they cannot be reached.
    """
    if place.is_joint:
        if place.started_by is not None:
            end_with(place.started_by)
        # A process that a leader started ends with it, so a long silence only means that it is suspended.
        patience = None if place.started_by is None else ENDLESS
        with _process_group(device, *_meet_started_processes(), patience) as group:
            yield group
    elif count == 1:
        yield ALONE
    else:
        store = _open_meeting_point(count)
        with (
            _assistants(arguments, count, store) as assistants,
            _process_group(device, store, 0, count, ENDLESS) as group,
        ):
            try:
                yield group
            finally:
                # Kill them before leaving the group: they would report that as a failure.
                for assistant in assistants:
                    assistant.kill()


@contextmanager
def _process_group(
    device: torch.device, store: Store, rank: int, count: int, patience: timedelta | None
) -> Iterator[Processes]:
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        torch.distributed.init_process_group(
            backend, store=store, rank=rank, world_size=count, timeout=patience
        )
    except (RuntimeError, ValueError) as error:
        raise _unreachable(error) from error
    try:
        yield Processes(rank, count)
    finally:
        # A process that ends while the threads of the group run is sometimes aborted.
        torch.distributed.destroy_process_group()


def _meet_started_processes() -> tuple[Store, int, int]:
    """Meet where the environment says: the store, this process's number, and how many there are."""
    try:
        store, rank, count = next(rendezvous("env://"))
    except (RuntimeError, ValueError) as error:
        raise _unreachable(error) from error
    store.set(_arrival(rank), "")
    return store, rank, count


def _open_meeting_point(count: int) -> TCPStore:
    try:
        return TCPStore("127.0.0.1", 0, count, is_master=True, wait_for_workers=False)
    except RuntimeError as error:
        raise _unreachable(error) from error


def _arrival(rank: int) -> str:
    return f"process {rank} is here"


def _unreachable(error: Exception) -> MachineError:
    return MachineError(f"cannot reach the other processes: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _assistants(arguments: Sequence[str], count: int, store: TCPStore) -> Iterator[list[Popen[bytes]]]:
    """Start the other processes and wait until each has arrived; none of them outlives the block."""
    ranks = range(1, count)
    assistants: list[Popen[bytes]] = []
    try:
        for rank in ranks:
            assistants.append(_start_assistant(arguments, assistant_environment(rank, count, store.port)))
        end = time.monotonic() + SECONDS_TO_ARRIVE
        while not store.check([_arrival(rank) for rank in ranks]):
            if any(assistant.poll() is not None for assistant in assistants) or time.monotonic() > end:
                raise MachineError("a second process for this training did not start; try --processes 1")
            time.sleep(0.05)
        yield assistants
    finally:
        for assistant in assistants:
            assistant.kill()
            assistant.wait()


def own_command(arguments: Sequence[str]) -> list[str]:
    """The command that starts `sentiment` with these arguments; run it with `own_environment`.

    -P keeps the current folder out of the path: a file there must not take the place of a library.
    """
    return [sys.executable, "-P", "-m", "sentiment", *arguments]


def own_environment() -> dict[str, str]:
    """The environment in which `own_command` finds every module where this process finds it."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _start_assistant(arguments: Sequence[str], variables: dict[str, str]) -> Popen[bytes]:
    try:
        # In a new session, Ctrl-C reaches the leading process alone. That process then ends this one.
        return Popen(
            own_command(arguments),
            stdin=DEVNULL,
            env=own_environment() | variables,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"cannot start a second process for this training: {error}") from error
