"""Where processes meet: a private file, and the loopback interface."""

import errno
import os
import socket
import stat

import pytest

from sentiment.errors import MachineError
from sentiment.system.meeting import (
    LOOPBACK,
    SOCKET_VARIABLES,
    loopback_only,
    meeting_file,
    remove_meeting,
    require_loopback,
)


def test_the_meeting_is_in_a_folder_of_this_user_alone_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    previous = os.umask(0)
    try:
        with meeting_file() as file:
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            file.write_text("process 1 is here")
    finally:
        os.umask(previous)
    assert list(tmp_path.iterdir()) == []


def test_an_assistant_removes_the_meeting_of_a_killed_leader_and_nothing_else(tmp_path):
    meeting = tmp_path / "meeting" / "processes"
    meeting.parent.mkdir()
    meeting.touch()
    remove_meeting(meeting)
    remove_meeting(meeting)  # by another assistant
    assert not meeting.parent.exists()
    (tmp_path / "other").touch()
    remove_meeting(tmp_path / "processes")
    assert (tmp_path / "other").exists()


def test_without_a_place_for_temporary_files_the_error_says_what_to_set(monkeypatch):
    def fail(prefix):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.mkdtemp", fail)
    with pytest.raises(MachineError, match=r"No usable .*; set TMPDIR=FOLDER, or use --processes 1"):
        meeting_file().__enter__()


def test_a_loopback_interface_that_is_down_is_named(monkeypatch):
    require_loopback()

    def fail(address, timeout):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(MachineError, match=rf"\(Network is .*\); enable it with ip link set {LOOPBACK} up"):
        require_loopback()


def test_the_callers_variables_are_put_back(monkeypatch):
    first, second = SOCKET_VARIABLES
    monkeypatch.setenv(first, "eth7")
    monkeypatch.delenv(second, raising=False)
    with loopback_only():
        assert os.environ[first] == os.environ[second] == LOOPBACK
    assert os.environ[first] == "eth7" and second not in os.environ


def test_a_meeting_that_torch_makes_again_is_removed_too(tmp_path, monkeypatch):
    meeting = tmp_path / "meeting" / "processes"
    meeting.parent.mkdir()
    again, remove = iter([True, False]), type(meeting).rmdir

    def remove_folder(folder):
        if next(again):
            meeting.touch()
        remove(folder)

    monkeypatch.setattr(type(meeting), "rmdir", remove_folder)
    remove_meeting(meeting)
    assert not meeting.parent.exists()
