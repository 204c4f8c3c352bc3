"""A shell reads what messages tell the user to type as it was meant."""

import os
import subprocess
from pathlib import Path

import pytest

from sentiment.config.shell import quote_path, quote_run, quote_word
from sentiment.runs.commands import report_command_line, resume_command_line

NAMES = [
    "plain",
    "two  spaces",
    "it's",
    'a "quote"',
    "-dash",
    "--run",
    "$(touch x) `y` $HOME ~ * ; & | \\n %s",
    "break\nin it",
    "break at the end\n",
    "tab\t",
    "\x1b[31mred\x1b[0m\x07\x7f\x9b",
    "right-to-left \u202e \u2066 \u2028",
    "caf\u00e9 \u6f22",
    os.fsdecode(b"not UTF-8 \xff-\xfe% it's"),
]


def read_by(shell, command):
    """Return the arguments that a shell gives to `sentiment`."""
    script = "sentiment() { printf '%s\\0' \"$@\"; }; " + command
    result = subprocess.run([shell, "-c", os.fsencode(script)], capture_output=True, check=True)
    assert result.stderr == b""
    return [os.fsdecode(argument) for argument in result.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_reads_every_name_as_it_is(shell):
    quoted = [quote_path(f"folder/{name}") for name in NAMES]
    assert all(word.isprintable() for word in quoted)  # so it is printed as it is
    read = read_by(shell, f"sentiment {' '.join(quoted)}")
    assert list(map(Path, read)) == [Path("folder", name) for name in NAMES]
    words = [name.rstrip("\n") for name in NAMES]
    assert read_by(shell, f"sentiment {' '.join(map(quote_word, words))}") == words


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_quoted_as_a_path(name):
    (read,) = read_by("sh", f"sentiment {quote_run(Path(name))}")
    assert read.startswith("./") and Path(read) == Path(name)


def test_the_commands_that_are_printed_can_be_pasted():
    run, source = Path(NAMES[-1]), "-" + NAMES[-1]
    *options, read = read_by("sh", resume_command_line(run, source, ['machine.device="it\'s"']))
    assert options[:3] == ["train", "--resume", "--run"] and Path(options[3]) == run
    assert options[4:] == ["--data", f"./{source}", "--set"] and read == 'machine.device="it\'s"'
    assert read_by("sh", report_command_line(Path("-x/y")))[1] == "./-x/y"
