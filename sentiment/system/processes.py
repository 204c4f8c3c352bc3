"""Several processes that train one model together: each takes a share of every batch.

The first one starts the others, or `torchrun` starts all of them.
Gradients are summed with torch.distributed (gloo on a CPU, NCCL on CUDA). Every process then makes the same
step, the one that a single process would make of the whole batch.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed import FileStore, Store, Work, rendezvous  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import _set_pg_timeout

from sentiment.errors import MachineError, RunError
from sentiment.system.console import say
from sentiment.system.interrupts import StopRequest, end_if_orphaned, end_with
from sentiment.system.meeting import loopback_only, meeting_file, remove_meeting
from sentiment.system.own_command import own_command, own_environment
from sentiment.system.place import Place, assistant_environment

Item = TypeVar("Item")

SECONDS_TO_ARRIVE = 300  # seconds until a started process must have arrived
SECONDS_TO_BE_ORPHANED = 5.0  # from the loss of the connection to a leader
TO_CONNECT = timedelta(seconds=120)  # from its arrival until it has connected
ENDLESS = timedelta(days=30)
BETWEEN_SIGNALS = timedelta(seconds=0.5)  # while torch waits, Python sees no signal


@dataclass(frozen=True)
class Processes:
    """This process among those that compute together; by default the only one."""

    rank: int = 0
    count: int = 1
    stop: StopRequest | None = None
    """A request to stop; if it is urgent, this process does not wait for one that does not answer."""

    def heeding(self, stop: StopRequest) -> "Processes":
        """The same processes; this one heeds a request to stop while it waits for the others."""
        return replace(self, stop=stop)

    def share(self, items: list[Item]) -> list[Item]:
        """The items that this process takes."""
        return items[self.rank :: self.count]

    def wait(self) -> None:
        """Return when every process is here; raises MachineError if one of them has ended."""
        self.sum(torch.zeros(1))

    def sum(self, values_X: Tensor) -> None:
        """Replace the values by their sum over all processes; raises MachineError if one has ended.

        Raises Interrupted if another one does not answer and the request to stop is urgent.
        """
        if self.count == 1:
            return
        try:
            work = torch.distributed.all_reduce(values_X, async_op=True)
            if values_X.device.type == "cpu":
                self._wait_for(work)
            else:
                work.wait()  # with a limit, NCCL would give up the group
        except RuntimeError as error:
            raise MachineError(
                "another process of this training has ended; if the run has a checkpoint, continue it with "
                f"--resume ({_reason(error)})"
            ) from error

    def _wait_for(self, work: Work) -> None:
        """Wait for the other processes, and return to Python now and then, which handles signals."""
        while True:
            try:
                work.wait(BETWEEN_SIGNALS)
                return
            except RuntimeError:
                if work.is_completed():
                    work.wait()  # it may have been completed after that wait
                    return
            if self.stop is not None and self.stop.is_urgent:
                say("another process of this training does not answer; stopped at the newest checkpoint")
                self.stop.check()

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
        with _joined_group(device, place) as group:
            yield group
    elif count == 1:
        yield ALONE
    else:
        with (
            meeting_file() as file,
            _assistants(arguments, count, file) as (assistants, store),
            _loopback_group(device, store, 0, count) as group,
        ):
            try:
                yield group
            finally:
                # Kill them before leaving the group: they would report that as a failure.
                for assistant in assistants:
                    assistant.kill()


@contextmanager
def _joined_group(device: torch.device, place: Place) -> Iterator[Processes]:
    """Meet the others in a process that `torchrun` or a leader has started."""
    if place.started_by is None:
        with _process_group(device, *_meet_by_environment()) as group:
            yield group
        return
    clean_up = partial(remove_meeting, place.meeting)
    end_if_orphaned(place.started_by, clean_up)
    # While torch opens the file, no other thread runs: one that watches could not end this process.
    store = _open_store(place.meeting, place.count)
    end_with(place.started_by, clean_up)
    store.set(_arrival(place.rank), "")
    try:
        with _loopback_group(device, store, place.rank, place.count) as group:
            yield group
    except MachineError:
        # A killed leader closes its connections a moment before the system calls this process an orphan.
        end_if_orphaned(place.started_by, clean_up, seconds=SECONDS_TO_BE_ORPHANED)
        raise
    finally:
        end_if_orphaned(place.started_by, clean_up)  # before the watching thread looks again


@contextmanager
def _loopback_group(device: torch.device, store: Store, rank: int, count: int) -> Iterator[Processes]:
    """Connect processes of this machine; then wait for them without a limit.

    A process that a leader started ends with it, so a long silence only means that it is suspended.
    """
    with loopback_only(), _process_group(device, store, rank, count, TO_CONNECT) as group:
        _set_pg_timeout(ENDLESS)
        yield group


@contextmanager
def _process_group(
    device: torch.device, store: Store, rank: int, count: int, patience: timedelta | None = None
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


def _meet_by_environment() -> tuple[Store, int, int]:
    """Meet where the variables of `torchrun` say: the store, this process's number, and their count."""
    try:
        store, rank, count = next(rendezvous("env://"))
        return store, rank, count
    except (RuntimeError, ValueError) as error:
        raise _unreachable(error) from error


def _open_store(file: Path, count: int) -> FileStore:
    try:
        store = FileStore(str(file), count)
        store.set_timeout(TO_CONNECT)
        return store
    except RuntimeError as error:
        raise _unreachable(error) from error


def _arrival(rank: int) -> str:
    return f"process {rank} is here"


def _unreachable(error: Exception) -> MachineError:
    return MachineError(f"cannot reach the other processes: {_reason(error)}")


def _reason(error: Exception) -> str:
    """The first sentence of an error of torch, without the line of its source."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"^\[[^]]*\] ", "", line).partition(". ")[0]


@contextmanager
def _assistants(
    arguments: Sequence[str], count: int, file: Path
) -> Iterator[tuple[list[Popen[bytes]], FileStore]]:
    """Start the other processes and wait until each has arrived; none of them outlives the block."""
    ranks, store = range(1, count), _open_store(file, count)
    assistants: list[Popen[bytes]] = []
    try:
        for rank in ranks:
            assistants.append(_start_assistant(arguments, assistant_environment(rank, count, file)))
        end = time.monotonic() + SECONDS_TO_ARRIVE
        while not store.check([_arrival(rank) for rank in ranks]):
            if any(assistant.poll() is not None for assistant in assistants) or time.monotonic() > end:
                raise MachineError("a second process for this training did not start; try --processes 1")
            time.sleep(0.05)
        yield assistants, store
    finally:
        for assistant in assistants:
            assistant.kill()
            assistant.wait()


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
