"""What is special about a GPU, tried on a CPU; scripts/check_gpu.sh tries it on a GPU."""

import pytest
import torch

from sentiment.config import MachineSettings
from sentiment.errors import MachineError
from sentiment.system.device import find_machine, settle_precision
from sentiment.system.gpu import require_same_bits


def test_another_fault_of_the_gpu_is_not_explained_away(monkeypatch):
    def fail(*matrices):
        raise RuntimeError("no memory")

    require_same_bits(torch.device("cpu"))
    monkeypatch.setattr(torch, "mm", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        require_same_bits(torch.device("cpu"))


@pytest.mark.parametrize(
    ("instructions", "cudnn", "expected"),
    [(True, 91300, "bfloat16"), (True, 91002, "float32"), (True, None, "float32"), (False, 91900, "float32")],
)
def test_bfloat16_on_a_gpu_needs_instructions_and_a_new_cudnn(monkeypatch, instructions, cudnn, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: instructions)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: cudnn)
    assert settle_precision(MachineSettings(precision="auto")).precision == expected
    if expected == "float32":
        with pytest.raises(MachineError, match=r"instructions for it and cuDNN 9\.13; cuda:0 has none"):
            find_machine(MachineSettings(precision="bfloat16"))
