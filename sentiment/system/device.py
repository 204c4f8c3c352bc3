"""Choose what a run is computed on: device, precision and threads."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from sentiment.config import MachineSettings
from sentiment.errors import MachineError
from sentiment.system.processes import (
    ALONE,
    Processes,
    is_joint_training,
    local_count,
    local_rank,
    started_count,
)


@dataclass(frozen=True)
class Machine:
    """A device that is there, with the precision the network runs in."""

    device: torch.device
    precision: torch.dtype
    threads: int
    processes: Processes = ALONE
    """This process among those that train together; alone unless training has joined them."""

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the network runs forward."""
        if self.precision is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)


def available_cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_up_machine(settings: MachineSettings) -> Machine:
    """Check that the device asked for is there, and set the threads.

    Raises MachineError if the device or the precision is not to be had.
    """
    threads = settings.threads or available_cores()
    torch.set_num_threads(threads)
    device = _find_device(settings.device)
    machine = Machine(device, getattr(torch, settings.precision), threads)
    if machine.precision is not torch.float32:
        _probe(machine)
    return machine


def process_count(settings: MachineSettings, machine: Machine) -> int:
    """How many processes train together: as many as were started, or else as are asked for.

    Raises MachineError where so many cannot share the device.
    """
    together = local_count() if is_joint_training() else settings.processes
    if together > 1 and (machine.device.type == "mps" or ":" in settings.device):
        raise MachineError(
            f"{together} processes cannot share {machine.device}; use one, or a device that is called cpu or "
            "cuda"
        )
    if is_joint_training():
        return started_count()
    # An LSTM's steps are too small for two threads to share: on two cores two processes of one thread take
    # 0.6 to 0.8 of the time of one of two threads (docs/lab-notebook.md).
    fastest = 2 if machine.device.type == "cpu" and machine.threads >= 2 else 1
    return settings.processes or fastest


def threads_of_each(machine: Machine, count: int) -> int:
    """Threads of one of `count` processes that train together; `torchrun` may have them on other machines."""
    return max(1, machine.threads // (local_count() if is_joint_training() else count))


def set_up_training_arithmetic() -> None:
    """Allow only kernels that give the same bits each time, and keep a CPU's arithmetic fast."""
    # Through hundreds of steps a gradient fades to numbers below 1e-38, with which a CPU computes ten times
    # slower. Threads inherit this, so it comes before any of them starts.
    torch.set_flush_denormal(True)
    # cuBLAS reads this when it starts; without it two runs of one LSTM differ in their last bits.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Kernels write all of their output; to fill it beforehand, as torch does from here on, costs a fifth.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _find_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{local_rank()}"
    try:
        device = torch.device(name)
    except RuntimeError:  # a number that torch cannot hold
        raise MachineError(f"no device {name} here; use --device cpu or --device auto") from None
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise MachineError("no MPS device here; use --device cpu or --device auto")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            found = f"{count} CUDA device{'s' * (count != 1)} found"
            raise MachineError(f"no device {name} here ({found}); use --device cpu or --device auto")
    return device


def _probe(machine: Machine) -> None:
    """Run a small LSTM in the reduced precision before a long run relies on it."""
    if machine.device.type != "cuda" or not torch.cuda.is_bf16_supported():
        raise MachineError(f"bfloat16 needs a CUDA device that supports it, not {machine.device}")
    lstm = torch.nn.LSTM(8, 8, batch_first=True).to(machine.device)
    with machine.autocast():
        states, _ = lstm(torch.ones(2, 4, 8, device=machine.device))
    if not torch.isfinite(states).all():
        raise MachineError(f"bfloat16 gives wrong results on {machine.device}; use machine.precision=float32")


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory this process has held: on the GPU if it uses one, else in RAM."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
