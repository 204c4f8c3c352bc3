"""Choose what a run is computed on: device, precision, threads and number of processes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch

from sentiment.config import MachineSettings
from sentiment.errors import MachineError
from sentiment.system import gpu
from sentiment.system.place import ONLY_PROCESS, Place
from sentiment.system.processes import ALONE, Processes
from sentiment.system.threads import default_threads, threads_are_lost, usable_threads

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # as `torch.cpu.get_capabilities` calls them


@dataclass(frozen=True)
class Machine:
    """An existing device, the precision the network runs in, and the threads it may use."""

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

    def in_float32(self) -> "Machine":
        """The same machine for judging and labelling, which stay exact in whatever precision it trains."""
        return replace(self, precision=torch.float32)

    def on_one_core(self) -> "Machine":
        """The same machine with one thread."""
        return replace(self, threads=1)

    @contextmanager
    def using_threads(self) -> Iterator[None]:
        """Let torch use this machine's threads inside the block, and the caller's afterwards."""
        before = torch.get_num_threads()
        torch.set_num_threads(usable_threads(self.threads))
        try:
            yield
        finally:
            torch.set_num_threads(before)


def find_machine(settings: MachineSettings, place: Place = ONLY_PROCESS) -> Machine:
    """Check that the device asked for is there, and settle the number of threads.

    Raises MachineError if the device, or the precision on it, is missing.
    """
    settings = settle_precision(settings)
    device = _find_device(settings.device, place)
    threads = usable_threads(settings.threads or default_threads(place))
    if threads_are_lost():
        torch.set_num_threads(1)  # for what is computed outside of `using_threads`
    machine = Machine(device, getattr(torch, settings.precision), threads)
    if machine.precision is not torch.float32:
        _try_precision(machine)
    return machine


def settle_precision(settings: MachineSettings) -> MachineSettings:
    """Return the settings with the precision that `auto` stands for on this machine.

    With AVX-512's instructions for bfloat16 a training step takes 0.75 to 0.8 of the time
    (docs/lab-notebook.md); without such instructions it takes longer. On a GPU it was not measured. Raises
    MachineError if the device is missing.
    """
    if settings.precision != "auto":
        return settings
    is_faster = _computes_bfloat16(_find_device(settings.device, ONLY_PROCESS))
    return settings.model_copy(update={"precision": "bfloat16" if is_faster else "float32"})


def prefer_bfloat16(machine: Machine) -> Machine:
    """Return the same machine in bfloat16 if its device has instructions for it, else unchanged."""
    faster = replace(machine, precision=torch.bfloat16)
    try:
        _try_precision(faster)
    except MachineError:
        return machine
    return faster


def process_count(settings: MachineSettings, machine: Machine, place: Place = ONLY_PROCESS) -> int:
    """How many processes train together: those that were started, else as many as the settings ask for.

    Raises MachineError if so many cannot share the device.
    """
    together = place.local_count if place.is_joint else settings.processes
    if together > 1 and (machine.device.type == "mps" or ":" in settings.device):
        raise MachineError(
            f"{together} processes cannot share {machine.device}; use --processes 1, or --device cpu or cuda"
        )
    if place.is_joint:
        return place.count
    # An LSTM's steps are too small for two threads to share: on two cores two processes of one thread take
    # 0.6 to 0.8 of the time of one process with two threads (docs/lab-notebook.md).
    fastest = 2 if machine.device.type == "cpu" and machine.threads >= 2 else 1
    return settings.processes or fastest


def threads_of_each(machine: Machine, count: int, place: Place = ONLY_PROCESS) -> int:
    """Threads for each of `count` processes; those that `torchrun` started may be on other machines."""
    return max(1, machine.threads // (place.local_count if place.is_joint else count))


@contextmanager
def training_arithmetic() -> Iterator[None]:
    """Inside the block, allow only kernels that give the same bits each time, and flush denormal numbers.

    Afterwards the caller's settings are back, with one exception: threads that torch has started inside the
    block keep flushing numbers below 1e-38 to zero.
    """
    determinism = torch.utils.deterministic
    determinism_level = torch.get_deterministic_debug_mode()
    filled_memory = determinism.fill_uninitialized_memory  # type: ignore[attr-defined]
    flushed = flushes_denormals()
    # Through hundreds of steps a gradient fades to numbers below 1e-38, with which a CPU computes ten times
    # slower. Threads inherit this from the one that starts them.
    torch.set_flush_denormal(True)
    torch.set_deterministic_debug_mode("error")  # `use_deterministic_algorithms` imports torch's compiler
    # Kernels write all of their output. To fill it beforehand, as torch does by default here, costs a fifth.
    determinism.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)
        torch.set_deterministic_debug_mode(determinism_level)
        determinism.fill_uninitialized_memory = filled_memory  # type: ignore[attr-defined]


def flushes_denormals() -> bool:
    """Whether this thread computes with zero in place of numbers below 1e-38."""
    return float(torch.tensor(1e-30) * 1e-10) == 0


def _find_device(name: str, place: Place) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{place.local_rank}"
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


def _try_precision(machine: Machine) -> None:
    """Run a small LSTM in the reduced precision before a long run relies on it."""
    on_gpu = machine.device.type == "cuda"
    if not _computes_bfloat16(machine.device):
        needed = "instructions for it and cuDNN 9.13" if on_gpu else "instructions for it"
        raise MachineError(
            f"bfloat16 needs a device with {needed}; {machine.device} has none; "
            "use --set machine.precision=float32"
        )
    # As models/lstm.py calls them: on a GPU with its own casts, since autocast would choose float16.
    given = machine.precision if on_gpu else torch.float32
    lstm = torch.nn.LSTM(8, 8, batch_first=True).to(machine.device, given)
    try:
        with nullcontext() if on_gpu else machine.autocast():
            states, _ = lstm(torch.ones(2, 4, 8, device=machine.device, dtype=given))
        works = bool(torch.isfinite(states).all())
    except RuntimeError:  # a library that torch uses may know less than the device
        works = False
    if not works:
        raise MachineError(f"bfloat16 does not work on {machine.device}; use --set machine.precision=float32")


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether a device, with its libraries, computes LSTMs in bfloat16."""
    if device.type == "cuda":
        return gpu.computes_bfloat16()
    found = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(found.get(name, False) for name in BFLOAT16_INSTRUCTIONS)


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory this process has held: on the GPU if it uses one, else in RAM."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
