"""Files that killed processes have left are removed, and no others."""

import os
import time

import pytest

from sentiment.system import storage
from sentiment.system.unfinished import LEAST_AGE, hold, remove_unfinished


@pytest.fixture
def leave(tmp_path):
    """Return a function that leaves a file of a certain age in the folder, and returns its path."""

    def leave(name, age=LEAST_AGE + 60):
        (tmp_path / name).write_text("half a row")
        os.utime(tmp_path / name, (0, time.time() - age))
        return tmp_path / name

    return leave


def test_what_a_killed_process_left_beside_a_file_is_removed(leave, tmp_path):
    leave(".o*t.csv.123.tmp")
    kept = [
        leave(".o*t.csv.5.tmp", age=0),  # perhaps of a process that has just begun
        leave(".out.csv.123.tmp"),
        leave("o*t.csv"),
        leave(".o*t.csv.swp"),
    ]
    (tmp_path / ".o*t.csv.6.tmp").symlink_to(kept[1])
    os.mkfifo(tmp_path / ".o*t.csv.7.tmp")
    remove_unfinished(tmp_path / "o*t.csv")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {path.name for path in kept} | {".o*t.csv.6.tmp", ".o*t.csv.7.tmp"}


def test_what_another_process_is_writing_stays(tmp_path):
    path = tmp_path / "out.csv"
    with storage.new_file(path) as file:
        hold(file)
        (temporary,) = tmp_path.iterdir()
        os.utime(temporary, (0, 0))
        remove_unfinished(path)
        assert list(tmp_path.iterdir()) == [temporary]
    assert list(tmp_path.iterdir()) == [path]
