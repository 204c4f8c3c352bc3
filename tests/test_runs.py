"""The run folder: what is saved goes through storage, and nothing damaged, foreign or hostile is taken in."""

import pytest
import torch

from sentiment.errors import MachineError
from sentiment.runs import RunFolder


def test_a_full_disk_under_a_checkpoint_is_a_failure_of_the_machine(tmp_path, monkeypatch):
    """Of the tensors too, which safetensors would write by a way of its own."""
    written = []

    def write_bytes(path, content):
        written.append(path.name)
        if path.name == "state.safetensors":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", write_bytes)
    run = RunFolder(tmp_path)
    with pytest.raises(MachineError, match=r"cannot write .*step-1: No space left on device"):
        run.save_checkpoint({"w": torch.zeros(2)}, {"step": 1})
    assert written == ["progress.json", "state.safetensors"]
    assert run.checkpoints() == [] and list((tmp_path / "checkpoints").iterdir()) == []
