"""Every error of a command becomes one line and an exit code."""

import errno
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest

from sentiment import cli
from sentiment.__main__ import main
from sentiment.cli.guard import guard
from sentiment.cli.limits import check_limits
from sentiment.cli.options import overrides
from sentiment.config import parse_config
from sentiment.errors import MachineError
from sentiment.system.own_command import own_command, own_environment
from tests.helpers import assert_one_error


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
        RuntimeError("could not create a primitive"),
    ],
)
def test_every_lack_of_memory_ends_with_4(error, monkeypatch, capsys):
    def fail(arguments, **settings):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr(cli.interrupts, "SIGNALS", ())
    assert cli.run(["predict", "x"]) == 4
    assert capsys.readouterr().err == "error: not enough memory; lower batches.tokens or model.hidden\n"


def test_a_signal_while_an_error_is_reported_does_not_hide_it(monkeypatch, capsys):
    def fail(arguments, **settings):
        raise MachineError("another process has ended")

    def say(message):
        os.kill(os.getpid(), signal.SIGTERM)
        print(message)

    handlers = [signal.getsignal(number) for number in cli.interrupts.SIGNALS]
    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr(sys.modules[guard.__module__], "say_error", say)
    try:
        assert cli.run(["predict", "x"]) == 4
    finally:
        for number, handler in zip(cli.interrupts.SIGNALS, handlers, strict=True):
            signal.signal(number, handler)
    assert capsys.readouterr().out == "another process has ended\n"


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
        (ImportError("libtorch.so: cannot open shared object file: Too many open files"), "ulimit -n"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "TMPDIR"),
        (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "ulimit -u"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "cannot write the output: File too large"),
    ],
)
def test_what_the_system_refuses_ends_with_4_and_a_remedy(error, remedy, monkeypatch, capfd):
    def fail(arguments, **settings):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr(cli.interrupts, "SIGNALS", ())
    assert cli.run(["predict", "x"]) == 4
    told = capfd.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1 and remedy in told


@pytest.mark.parametrize("afterwards", [None, RecursionError("half a library is imported")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_a_library_catches_still_ends_the_command(number, afterwards, monkeypatch, capsys):
    def swallow(arguments, **settings):
        try:
            os.kill(os.getpid(), number)
        except BaseException:
            if afterwards is not None:
                raise afterwards from None

    monkeypatch.setattr(cli, "app", swallow)
    handlers = {signal_number: signal.getsignal(signal_number) for signal_number in cli.interrupts.SIGNALS}
    try:
        assert cli.run(["train"]) == 128 + number
        with cli.interrupts.deferred() as stop:
            assert stop.signal_number == number  # a training stops at its first safe point
    finally:
        cli.interrupts.stop_at_once()  # forgets the signal
        for signal_number, handler in handlers.items():
            signal.signal(signal_number, handler)
    assert capsys.readouterr().err == ""


def test_too_little_address_space_is_refused_before_anything_is_imported(monkeypatch, capsys):
    monkeypatch.setattr("resource.getrlimit", lambda kind: (500 * 2**20, -1))
    monkeypatch.setattr(cli.interrupts, "SIGNALS", ())
    assert cli.run(["train", "nothing.toml"]) == 4
    assert "limited to 500 MiB, too little to load torch; allow 2,000 MiB" in capsys.readouterr().err


def test_a_current_folder_that_is_gone_is_refused(monkeypatch):
    def fail():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr("sentiment.cli.limits.os.getcwd", fail)
    with pytest.raises(MachineError, match=r"the current folder is gone .*; go to another: cd ~"):
        check_limits()


def test_a_system_that_starts_no_threads_is_refused_before_a_library_ends_the_program(monkeypatch):
    started = []

    class Thread(threading.Thread):
        def start(self):
            if len(started) == 3:
                raise RuntimeError("can't start new thread")
            super().start()
            started.append(self)

    monkeypatch.setattr("sentiment.cli.limits.threading.Thread", Thread)
    with pytest.raises(MachineError, match=r"start 3 threads, too few; allow \d+ more with ulimit -u"):
        check_limits()
    assert not any(thread.is_alive() for thread in started)


def test_warnings_of_libraries_are_not_printed(monkeypatch, recwarn):
    monkeypatch.setattr(cli.interrupts, "SIGNALS", ())
    monkeypatch.setattr(cli, "main", lambda: warnings.warn("joblib: serial mode", stacklevel=1))
    main()
    assert not recwarn.list


@pytest.mark.parametrize("name", ["a\U0001f600.jsonl", 'a "quoted" name', "a\\b", "tab\t"])
def test_an_option_reaches_the_configuration_as_it_was_given(name):
    config = parse_config("", "test", overrides(None, name))
    assert config.data.source == name


@pytest.mark.parametrize(
    "arguments", [["probe"], ["inspect"], ["eval"], ["report"], ["predict", "hello", "--run"]]
)
def test_a_folder_called_shipped_is_not_the_shipped_model(arguments, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shipped").mkdir()
    assert_one_error(command(*arguments, "./shipped"), 3, "shipped")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_character_that_stdout_cannot_encode_is_replaced(encoding, folder):
    environment = own_environment() | {"PYTHONIOENCODING": encoding}
    review = "sch\u00f6n \U0001f600 good"  # --explain marks each word as unknown: (?)
    command = own_command(["predict", "--run", str(folder / "run"), "--explain", review])
    result = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    for word in ("sch\u00f6n", "\U0001f600"):
        assert word.encode(encoding, "replace") + b"(?)" in result.stdout
