"""The machine: a device that is there, threads, and arithmetic that stays fast."""

import pytest
import torch

from sentiment.config import MachineSettings
from sentiment.errors import MachineError
from sentiment.system.device import (
    Machine,
    available_cores,
    peak_memory_bytes,
    process_count,
    set_up_machine,
    set_up_training_arithmetic,
    threads_of_each,
)


@pytest.mark.parametrize("name", ["cuda:63", "mps"])
def test_a_device_that_is_not_there_is_a_machine_error(name):
    with pytest.raises(MachineError, match="--device cpu"):
        set_up_machine(MachineSettings(device=name, threads=1))


def test_auto_takes_what_is_there():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert set_up_machine(MachineSettings(threads=1)).device.type == expected


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


def test_those_that_were_started_are_the_processes(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert process_count(MachineSettings(processes=2), Machine(torch.device("cpu"), torch.float32, 8)) == 3


def test_processes_share_the_threads(monkeypatch):
    machines = [set_up_machine(MachineSettings(device="cpu", threads=threads)) for threads in (1, 3, 4)]
    assert [threads_of_each(machine, 2) for machine in machines] == [1, 1, 2]
    monkeypatch.setenv("WORLD_SIZE", "4")  # on two machines
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert [threads_of_each(machine, 4) for machine in machines] == [1, 1, 2]


@pytest.mark.parametrize("name", ["mps", "cuda:1"])
def test_processes_do_not_share_one_gpu(name, monkeypatch):
    machine = Machine(torch.device(name), torch.float32, 8)
    with pytest.raises(MachineError, match=f"^2 processes cannot share {name}; use one"):
        process_count(MachineSettings(device=name, processes=2), machine)
    assert process_count(MachineSettings(device=name, processes=1), machine) == 1
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")  # each on a machine of its own
    assert process_count(MachineSettings(device=name), machine) == 4
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(MachineError, match=f"^2 processes cannot share {name}"):
        process_count(MachineSettings(device=name), machine)


def test_reduced_precision_is_probed():
    with pytest.raises(MachineError, match="bfloat16 needs a CUDA device"):
        set_up_machine(MachineSettings(device="cpu", precision="bfloat16"))


def test_denormal_numbers_are_flushed():
    if not torch.set_flush_denormal(False):
        pytest.skip("skipped: this CPU cannot flush denormal numbers")
    small = torch.tensor([1e-30])
    assert float(small * 1e-10) > 0
    set_up_training_arithmetic()
    assert float(small * 1e-10) == 0


def test_cores_and_memory_are_told():
    assert available_cores() >= 1
    assert peak_memory_bytes(torch.device("cpu")) > 50 * 2**20
