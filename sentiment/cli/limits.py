"""Limits of the system under which torch fails in many ways, or hangs; found before it is imported."""

import os
import resource
import threading

from sentiment.errors import MachineError
from sentiment.system.threads import usual_threads

LEAST_ADDRESS_SPACE = 2_000 * 2**20  # bytes; below, libraries end the program, or hang in an import
THREADS_AND_PROCESSES = 4  # of numpy, of torch, and of the processes that tokenize, for each thread asked for
FURTHER_THREADS = 4  # of progress bars and of the executor of these processes


def check_limits() -> None:
    """Raise MachineError if the system allows too little to import torch."""
    _require_current_folder()
    _require_address_space()
    _require_threads()


def _require_current_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError as error:
        raise MachineError(f"the current folder is gone ({error.strerror}); go to another: cd ~") from None


def _require_address_space() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_ADDRESS_SPACE:
        raise MachineError(
            f"the address space is limited to {limit / 2**20:,.0f} MiB, too little to load torch; "
            f"allow {LEAST_ADDRESS_SPACE / 2**20:,.0f} MiB with ulimit -v"
        )


def _require_threads() -> None:
    """Start as many threads as may be needed; numpy and torch end the program if they cannot start theirs."""
    wanted = THREADS_AND_PROCESSES * usual_threads() + FURTHER_THREADS
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(wanted)]
    started = 0
    try:
        for thread in threads:
            thread.start()
            started += 1
    except RuntimeError:
        raise MachineError(
            f"the system lets this program start {started} threads, too few; allow {wanted} more with "
            "ulimit -u, or set OMP_NUM_THREADS=1"
        ) from None
    finally:
        done.set()
        for thread in threads[:started]:
            thread.join()
