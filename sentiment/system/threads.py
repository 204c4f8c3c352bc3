"""How many CPU threads to compute with, also in a process that was forked from one with threads."""

import os
import sys
from collections.abc import Mapping, MutableMapping

from sentiment.system.place import ONLY_PROCESS, Place

OMP_NUM_THREADS = "OMP_NUM_THREADS"
MOST_THREADS = 1_024  # as in `machine.threads`; with many more, torch crashes


class ForkedThreads:
    """Remembers whether torch's threads stayed behind in the process that this one was forked from.

    A fork copies the calling thread only. OpenMP does not notice: it would wait for ever for the others.
    """

    def __init__(self) -> None:
        self.lost = False

    def lose(self) -> None:
        """Note that this process was forked after an import of torch; torch then computes in one thread.

        The thread count of a program that has imported `sentiment`, but has not used it, stays as it is.
        """
        if "torch" in sys.modules:
            self.lost = True
            if "sentiment.system.device" in sys.modules:
                sys.modules["torch"].set_num_threads(1)


_forked = ForkedThreads()


def watch_forks() -> None:
    """Keep every process that is forked from this one from waiting for threads it does not have."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked.lose)


def threads_are_lost() -> bool:
    """Whether this process was forked from one whose threads it cannot use."""
    return _forked.lost


def usable_threads(wanted: int) -> int:
    """Return `wanted`, or 1 if threads are lost."""
    return 1 if _forked.lost else wanted


def available_cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads numpy and torch each start: OMP_NUM_THREADS, else one for each core."""
    return _read_threads(environment) or available_cores()


def default_threads(place: Place = ONLY_PROCESS, environment: Mapping[str, str] = os.environ) -> int:
    """Return the threads to use by default: OMP_NUM_THREADS, else the number that torch uses now.

    `torchrun` sets OMP_NUM_THREADS by itself: its processes share every core.
    """
    import torch

    if place.is_joint and place.started_by is None:
        return available_cores()
    return _read_threads(environment) or torch.get_num_threads()


def use_every_core(environment: MutableMapping[str, str] = os.environ) -> None:
    """Make every core the default of this process, unless OMP_NUM_THREADS is set."""
    if not _read_threads(environment):
        environment[OMP_NUM_THREADS] = f"{available_cores()}"


def _read_threads(environment: Mapping[str, str]) -> int:
    """The first number of OMP_NUM_THREADS, which may be a list; 0 if it is not one from 1 to MOST_THREADS."""
    text = environment.get(OMP_NUM_THREADS, "").split(",")[0].strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return number if number <= MOST_THREADS else 0
