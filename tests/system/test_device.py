"""The machine: existing devices, threads, and fast arithmetic."""

import contextlib
from unittest.mock import Mock

import pytest
import torch

from sentiment.config import MachineSettings
from sentiment.errors import MachineError
from sentiment.system.device import (
    Machine,
    find_machine,
    flushes_denormals,
    peak_memory_bytes,
    prefer_bfloat16,
    process_count,
    settle_precision,
    threads_of_each,
    training_arithmetic,
)
from sentiment.system.place import Place


@pytest.mark.parametrize("name", ["cuda:63", "mps"])
def test_a_missing_device_is_a_machine_error(name):
    with pytest.raises(MachineError, match="--device cpu"):
        find_machine(MachineSettings(device=name, threads=1))


def test_auto_takes_an_existing_device():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert find_machine(MachineSettings(threads=1)).device.type == expected


@pytest.mark.parametrize(
    ("device", "threads", "asked", "found"),
    [
        ("cpu", 1, 0, 1),
        ("cpu", 2, 0, 2),
        ("cpu", 16, 0, 2),
        ("cuda", 16, 0, 1),
        ("cpu", 16, 1, 1),
        ("cpu", 1, 3, 3),
        ("cuda", 2, 4, 4),
    ],
)
def test_two_processes_are_taken_where_they_are_faster(device, threads, asked, found):
    machine = Machine(torch.device(device), torch.float32, threads)
    assert process_count(MachineSettings(processes=asked), machine) == found


def test_already_started_processes_decide_the_count():
    machine = Machine(torch.device("cpu"), torch.float32, 8)
    assert process_count(MachineSettings(processes=2), machine, Place(count=3)) == 3


def test_processes_share_the_threads():
    machines = [find_machine(MachineSettings(device="cpu", threads=threads)) for threads in (1, 3, 4)]
    assert [threads_of_each(machine, 2) for machine in machines] == [1, 1, 2]
    on_two_machines = Place(count=4, local_count=2)
    assert [threads_of_each(machine, 4, on_two_machines) for machine in machines] == [1, 1, 2]


@pytest.mark.parametrize("name", ["mps", "cuda:1"])
def test_processes_do_not_share_one_gpu(name):
    machine = Machine(torch.device(name), torch.float32, 8)
    with pytest.raises(MachineError, match=f"^2 processes cannot share {name}; use --processes 1"):
        process_count(MachineSettings(device=name, processes=2), machine)
    assert process_count(MachineSettings(device=name, processes=1), machine) == 1
    each_on_its_own_machine = Place(count=4, local_count=1)
    assert process_count(MachineSettings(device=name), machine, each_on_its_own_machine) == 4
    with pytest.raises(MachineError, match=f"^2 processes cannot share {name}"):
        process_count(MachineSettings(device=name), machine, Place(count=4, local_count=2))


@pytest.fixture
def capabilities(monkeypatch):
    """What torch finds out about the CPU; empty at first."""
    found = {}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    return found


def test_bfloat16_needs_instructions_for_it(capabilities):
    with pytest.raises(
        MachineError, match=r"instructions for it; cpu has none; use --set machine.precision="
    ):
        find_machine(MachineSettings(device="cpu", precision="bfloat16"))


def test_bfloat16_is_tried_before_a_long_run_relies_on_it(capabilities, monkeypatch):
    capabilities["amx_bf16"] = True
    asked = MachineSettings(device="cpu", precision="bfloat16")
    for fault in (RuntimeError("no primitive"), None):
        with monkeypatch.context() as patch:
            answer = Mock(side_effect=fault, return_value=(torch.tensor([float("nan")]), None))
            patch.setattr(torch.nn.LSTM, "forward", answer)
            with pytest.raises(MachineError, match=r"^bfloat16 does not work on cpu; use --set machine"):
                find_machine(asked)
    monkeypatch.setattr(torch.nn.LSTM, "forward", Mock(return_value=(torch.ones(1), None)))
    machine = find_machine(asked)
    assert machine.precision is torch.bfloat16 and machine.in_float32().precision is torch.float32


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({}, "float32"), ({"avx512_bf16": False, "avx2": True}, "float32"), ({"avx512_bf16": True}, "bfloat16")],
)
def test_auto_is_the_precision_that_is_faster(capabilities, flags, expected):
    capabilities.update(flags)
    settings = MachineSettings(device="cpu", precision="auto")
    assert settle_precision(settings) == MachineSettings(device="cpu", precision=expected)
    assert settle_precision(MachineSettings(device="cpu")).precision == "float32"


def test_bfloat16_is_preferred_where_it_works(capabilities, monkeypatch):
    machine = Machine(torch.device("cpu"), torch.float32, 2)
    assert prefer_bfloat16(machine) is machine
    capabilities["avx512_bf16"] = True
    monkeypatch.setattr(torch.nn.LSTM, "forward", Mock(side_effect=RuntimeError("no primitive")))
    assert prefer_bfloat16(machine) is machine
    monkeypatch.setattr(torch.nn.LSTM, "forward", Mock(return_value=(torch.ones(1), None)))
    assert prefer_bfloat16(machine) == Machine(torch.device("cpu"), torch.bfloat16, 2)


def test_training_arithmetic_flushes_denormal_numbers():
    if not torch.set_flush_denormal(False):
        pytest.skip("skipped: this CPU cannot flush denormal numbers")
    assert not flushes_denormals()
    with training_arithmetic():
        assert flushes_denormals()
    assert not flushes_denormals()


@pytest.mark.parametrize("warns", [True, False])
def test_training_arithmetic_puts_back_what_it_changes(warns, monkeypatch):
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(warns, warn_only=warns)
    try:
        with contextlib.suppress(LookupError), training_arithmetic():
            assert torch.are_deterministic_algorithms_enabled()
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            assert not torch.utils.deterministic.fill_uninitialized_memory
            raise LookupError
        assert torch.are_deterministic_algorithms_enabled() == warns
        assert torch.is_deterministic_algorithms_warn_only_enabled() == warns
        assert torch.utils.deterministic.fill_uninitialized_memory
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_machine_uses_its_threads_and_restores_the_callers():
    torch.set_num_threads(1)
    machine = find_machine(MachineSettings(device="cpu", threads=3))
    assert torch.get_num_threads() == 1
    with contextlib.suppress(LookupError), machine.using_threads():
        assert torch.get_num_threads() == 3
        raise LookupError
    assert torch.get_num_threads() == 1


def test_memory_is_told():
    assert peak_memory_bytes(torch.device("cpu")) > 50 * 2**20
