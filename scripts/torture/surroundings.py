"""Campaign 19: commands where the system lacks something that a program takes for granted (row 14)."""

import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench
from .children import ROOT
from .frame import Outcome, Skipped, count_rows, repeat

ROW = 14  # the attack in docs/reliability.md
SECONDS = 120.0  # a command must end within this time, also on a busy machine
MANY = 2_500  # lines, so many that other processes tokenize
NOISE = re.compile(r"Traceback|Exception|[a-z]Warning|libgomp|OpenBLAS|oneMKL|OMP:|frame #|\[[WE]\d{4}")
COMMANDS = {
    "one": "predict --run {whole} --threads 2 -- 'a great film, sch\u00f6n \u4e2d'",
    "many": "predict --run {whole} --threads 2 --file {many}",
    "explain": "predict --run {whole} --explain -- 'a great film, sch\u00f6n \u4e2d'",
    "train": "train {recipe} --run {run} --processes 1",
    "together": "train {recipe} --run {run} --processes 2",
    "own run": "train {recipe} --processes 1",
    "help": "train --help",
}
NO_UTF8 = "LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
FULL = "mkdir full; mount -t tmpfs -o size=4k tmpfs full; head -c 4096 /dev/zero > full/x;"
READ_ONLY = "mkdir ro; mount -t tmpfs -o ro tmpfs ro;"
IN_TERMINAL = "script -qefc {} /dev/null"
# As a user without a home who can read all files, like root, but start few processes.
AS_USER = (
    "setpriv --reuid 12345 --clear-groups --inh-caps +dac_override --ambient-caps +dac_override bash -c {}"
)
WRAPPERS = {"stty ": IN_TERMINAL, "ulimit -u ": AS_USER, "unset HOME": AS_USER}


@dataclass(frozen=True)
class Surrounding:
    """What is wrong, the shell line that arranges it, and what must happen."""

    name: str
    line: str
    """`{}` is the command."""
    command: str
    code: int = 0
    word: str = ""
    """What the error must contain."""


def _cases(name: str, line: str, commands: str, code: int = 0, word: str = "") -> list[Surrounding]:
    """Return a case for each of the commands, whose names have commas between them."""
    return [Surrounding(name, line, command, code, word) for command in commands.split(",")]


CASES = (
    *_cases("/dev/shm read-only", "mount -t tmpfs -o ro tmpfs /dev/shm; {}", "many,train,together"),
    *_cases("/dev/shm full", f"{FULL} mount --bind full /dev/shm; {{}}", "many"),
    *_cases("loopback down", "{}", "together", 4, "ip link set lo up"),
    *_cases("loopback down", "{}", "train,many"),
    *_cases("folder deleted", "mkdir gone; cd gone; rmdir ../gone; {}", "one,train", 4, "folder is gone"),
    *_cases("folder read-only", f"{READ_ONLY} cd ro; {{}}", "one"),
    *_cases("folder read-only", f"{READ_ONLY} cd ro; {{}}", "own run", 4, "Read-only file system"),
    *_cases("ulimit -f 0", "ulimit -f 0; {}", "one", 4, "TMPDIR"),
    *_cases("ulimit -f 1", "ulimit -f 1; {}", "many"),
    *_cases("ulimit -f 1", "ulimit -f 1; {} > out", "many", 4, "cannot write the output: File too large"),
    *_cases("ulimit -f 1", "ulimit -f 1; {}", "train", 4, "File too large"),
    *_cases("ulimit -f 20", "ulimit -f 20; {}", "train", 4, "File too large"),
    *_cases("1 column", "COLUMNS=1 {}", "explain"),
    *_cases("7 columns", "COLUMNS=7 {}", "explain,help"),
    *_cases("0 columns", "COLUMNS=0 {}", "explain"),
    *_cases("abc columns", "COLUMNS=abc {}", "explain"),
    *_cases("a terminal of 7 columns", "stty cols 7; {}", "explain,train"),
    *_cases("no locale", "LC_ALL=C {}", "explain"),
    *_cases("no locale and no UTF-8", f"{NO_UTF8} {{}}", "one", 3, "is not Unicode"),
    *_cases("no locale and no UTF-8", f"{NO_UTF8} {{}}", "many,train"),
    *_cases("a locale that is missing", "LC_ALL=xx_YY.UTF-8 {}", "explain"),
    *_cases("output in ASCII", "PYTHONIOENCODING=ascii {}", "explain"),
    *_cases("output in ASCII, strictly", "PYTHONIOENCODING=ascii:strict {}", "explain"),
    *_cases("output in UTF-16", "PYTHONIOENCODING=utf-16 {}", "explain"),
    *_cases("TMPDIR missing", "TMPDIR=/no/such/folder {}", "together"),
    *_cases("TMPDIR read-only", f"{READ_ONLY} TMPDIR=$PWD/ro {{}}", "together"),
    *_cases("TMPDIR full", f"{FULL} TMPDIR=$PWD/full {{}}", "together"),
    *_cases("no HOME", "unset HOME XDG_CACHE_HOME; TMPDIR=$PWD {}", "train"),
    *_cases("HOME read-only", f"{READ_ONLY} HOME=$PWD/ro {{}}", "one"),
    *_cases(
        "cache read-only", f"{READ_ONLY} XDG_CACHE_HOME=$PWD/ro {{}}", "train", 4, "Read-only file system"
    ),
    *_cases("cache a file", "touch x; XDG_CACHE_HOME=$PWD/x {}", "train", 4, "Not a directory"),
    *_cases("cache a file", "touch x; XDG_CACHE_HOME=$PWD/x {}", "one"),
    *_cases("stdin closed", "{} <&-", "train,together"),
    *_cases("stdout closed", "{} >&-", "train", 4, "stdout is closed"),
    *_cases("stderr closed", "{} 2>&-", "train,together"),
    *_cases("all streams closed", "{} <&- >&- 2>&-", "one", 4),
    *_cases("TERM=dumb", "TERM=dumb {}", "explain"),
    *_cases("ulimit -n 6", "ulimit -n 6; {}", "one"),
    *_cases("ulimit -n 20", "ulimit -n 20; {}", "many,train,together"),
    *_cases("ulimit -u 1", "ulimit -u 1; {}", "many", 4, "ulimit -u"),
    *_cases("ulimit -u 6", "ulimit -u 6; {}", "many", 4, "ulimit -u"),
    *_cases("abc threads", "OMP_NUM_THREADS=abc {}", "explain"),
    *_cases("-1 threads", "OMP_NUM_THREADS=-1 {}", "explain"),
    *_cases("1,000,000 threads", "OMP_NUM_THREADS=1000000 {}", "explain"),
    *_cases("warnings are errors", "PYTHONWARNINGS=error {}", "train,many"),
    *_cases("no assertions", "PYTHONOPTIMIZE=2 {}", "many"),
)


def meet_surroundings(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Run a command where something is wrong: it works, or ends soon with one line and the right code."""
    bench = Bench(folder / "bench")
    many = folder / "many.txt"
    many.write_text("a great film\n" * MANY)
    words = {"whole": bench.whole, "recipe": bench.recipe, "many": many}

    def trial(number: int, generator: random.Random, place: Path) -> None:
        case = CASES[number]
        arguments = COMMANDS[case.command].format(run=place / "run", **words)
        line = _shell_line(case, f"{sys.executable} -P -m sentiment {arguments}")
        started = time.monotonic()
        done = subprocess.run(
            [*_namespaces(case), "bash", "-c", line],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | bench.environment,
            capture_output=True,
            timeout=3 * SECONDS,
            stdin=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - started
        try:
            _check(case, done.returncode, done.stdout, done.stderr)
            assert seconds < SECONDS, f"took {seconds:.0f} s"
        except AssertionError as error:
            raise AssertionError(f"row {ROW}, {case.name}, {case.command}: {error}") from None
        if case.code and (place / "run" / "checkpoints").exists():
            bench.assert_resumes(place / "run")

    made = [number for number in trials if number < len(CASES)]
    outcome = repeat(trial, made, seed, folder)
    outcome.notes.append(count_rows(ROW for _ in made))
    return outcome


def _shell_line(case: Surrounding, command: str) -> str:
    line = "set -e; " + case.line.replace("{}", command)
    for sign, wrapper in WRAPPERS.items():
        if sign in case.line:
            if shutil.which(program := wrapper.split()[0]) is None:
                raise Skipped(f"no program {program} here")
            line = wrapper.format(shlex.quote(line))
    return line


def _namespaces(case: Surrounding) -> list[str]:
    """Return the command that gives the shell mounts, or a network without a loopback, of its own."""
    options = ["--mount"] if "mount " in case.line else ["--net"] if "loopback" in case.name else []
    if (options or case.line.startswith(("ulimit -u ", "unset HOME"))) and os.geteuid() != 0:
        raise Skipped("only root may mount file systems and become another user")
    if options and subprocess.run(["unshare", *options, "true"], capture_output=True).returncode:
        raise Skipped("no namespaces here")
    return ["unshare", *options] if options else []


def _check(case: Surrounding, code: int, out: bytes, err: bytes) -> None:
    told = err.decode(errors="replace")
    if "stty " in case.line:  # a terminal has both streams
        told += out.decode(errors="replace")
    assert code == case.code, f"exit code {code}, not {case.code}: {told[-1000:]}"
    assert "a bug of ours" not in told, told[-1000:]
    assert not NOISE.search(told), f"noise of a library: {told[-1000:]}"
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    closed = "2>&-" in case.line
    assert len(errors) == (case.code != 0 and not closed), f"not one line: {told[-1000:]}"
    assert all(case.word in line and len(line) <= 300 for line in errors), errors
    if case.code == 0:
        assert out, "no output"
