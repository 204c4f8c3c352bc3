"""A pipe gives its lines as they come, and tells when it pauses."""

import io
import os
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings
from sentiment.errors import DataError
from sentiment.inference.pipes import PipeLines
from sentiment.inference.reading import read_lines


@pytest.fixture
def pipe():
    """Both ends of a pipe."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with suppress(OSError):
            os.close(end)


def test_it_is_idle_while_no_whole_line_is_there(pipe):
    reading, writing = pipe
    lines = PipeLines(reading, "stdin")
    assert lines.is_idle()
    os.write(writing, b"good")
    assert lines.is_idle()
    os.write(writing, b" film\nbad film\nthe")
    assert [next(lines), lines.is_idle(), next(lines), lines.is_idle()] == [
        b"good film\n",
        False,
        b"bad film\n",
        True,
    ]
    os.close(writing)
    assert not lines.is_idle()
    assert list(lines) == [b"the"]
    assert not lines.is_idle()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(content=st.text("ab\n\r").map(str.encode), size=st.integers(1, 4))
def test_the_lines_are_those_of_a_file(content, size):
    reading, writing = os.pipe()

    def write():
        for start in range(0, len(content), size):
            os.write(writing, content[start : start + size])
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    assert list(PipeLines(reading, "stdin")) == list(io.BytesIO(content))
    thread.join()
    os.close(reading)


def test_a_line_of_a_pipe_may_not_be_too_long(pipe, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.budget.MOST_CHARACTERS", 6_000)
    reading, writing = pipe
    lines = PipeLines(reading, "stdin")
    for _ in range(3):
        os.write(writing, b"x" * 4_000 + b"\n")
    assert [len(next(lines)) for _ in range(3)] == [4_001] * 3
    os.write(writing, b"x" * 4_000)
    assert lines.is_idle()
    os.write(writing, b"x" * 4_000)
    with pytest.raises(DataError, match="stdin has a line of more than 6,000 characters; split it or remove"):
        next(lines)


def test_stdin_and_named_pipes_tell_when_they_pause_and_files_never_do(pipe, tmp_path, monkeypatch):
    reading, writing = pipe
    monkeypatch.setattr(sys, "stdin", open(reading, closefd=False))  # noqa: SIM115
    os.write(writing, b"good\n")
    lines = read_lines("-", DataSettings())
    assert (next(lines).text, lines.is_idle()) == ("good", True)
    (tmp_path / "r.txt").write_text("good\n")
    lines = read_lines(str(tmp_path / "r.txt"), DataSettings())
    assert (next(lines).text, lines.is_idle()) == ("good", False)
