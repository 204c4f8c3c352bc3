"""What ends a command becomes one line and an exit code."""

import errno
import os

import pytest

from sentiment import cli


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("std::bad_alloc"),
        RuntimeError("can't start new thread"),
    ],
)
def test_every_way_of_lacking_memory_ends_with_4(error, monkeypatch, capsys):
    def fail(arguments, standalone_mode):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr(cli, "stop_at_once", lambda: None)
    assert cli.run(["predict", "x"]) == 4
    assert capsys.readouterr().err == "error: not enough memory; lower batches.tokens or model.hidden\n"
