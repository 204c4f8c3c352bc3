"""Campaign 20: processes that train together (attacks 4 and 16), and forked ones (attack 9)."""

import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from sentiment.system import interrupts

from .bench import Bench, newest_whole
from .children import PATIENCE, ROOT, Child
from .forking import MANNERS
from .frame import Case, Outcome, repeat_cases
from .sockets import LOOPBACK, listening_addresses
from .standby import assist_by_fork

SECONDS_TO_ANSWER = 3.0  # in place of 30, in half of the trials of row 16
SECONDS = 20.0  # a stop takes no longer
STEPS = 36  # a training has a few more


def keep_company(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Watch the sockets of two processes, stop one that does not answer, and fork while predicting."""
    bench = Bench(folder / "bench")
    bench.recipe.write_text(bench.recipe.read_text().replace("threads = 1", "threads = 2\nprocesses = 2"))
    return repeat_cases(bench, CASES, trials, seed, folder)


# --- 4 and 16: processes that train together -----------------------------------------------------------


def _start(bench: Bench, place: Path, fresh: bool, patience: float = interrupts.SECONDS_TO_ANSWER) -> Child:
    """Begin a training of two processes, whose meeting place is below `place`."""
    temporary = place / "temporary"
    temporary.mkdir()

    def before() -> None:
        _choose_assistant(place, fresh)
        tempfile.tempdir = str(temporary)
        interrupts.SECONDS_TO_ANSWER = patience

    return bench.fork("train", bench.recipe, "--run", place / "run", output=place / "output", before=before)


def _choose_assistant(place: Path, fresh: bool) -> None:
    """Let the leader that this process will be start a new process, as it usually does, or fork."""
    if not fresh:
        assist_by_fork(place / "assistant")


def _wait_for_assistant(leader: Child, place: Path) -> int:
    """Return the number of the process that a leader has started."""
    told, end = place / "assistant", time.monotonic() + PATIENCE
    while not leader.poll() and time.monotonic() < end:
        if told.exists() and (number := told.read_text()):
            return int(number)
        for child in _read_proc(leader.pid, f"task/{leader.pid}/children").split():
            if "RANK=1" in _read_proc(int(child), "environ").split("\0"):
                return int(child)
        time.sleep(0.01)
    raise AssertionError("no second process was started")


def _read_proc(process: int, name: str) -> str:
    with suppress(OSError):  # it has ended
        return Path(f"/proc/{process}/{name}").read_text()
    return ""


def _wait_for_steps(leader: Child, run: Path, steps: int) -> None:
    metrics, end = run / "metrics.jsonl", time.monotonic() + PATIENCE
    while not leader.poll() and time.monotonic() < end:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= steps:
            return
        time.sleep(0.005)


def _watch_sockets(bench: Bench, generator: random.Random, place: Path, *, fresh: bool) -> None:
    """Check that nothing listens beyond this machine, and that the meeting place is private and removed."""
    leader = _start(bench, place, fresh)
    assistant = _wait_for_assistant(leader, place)
    found: set[str] = set()
    while not leader.poll():
        with suppress(OSError):  # one of them has ended
            found |= listening_addresses((leader.pid, assistant))
        for meeting in (place / "temporary").glob("sentiment-*"):
            with suppress(FileNotFoundError):
                assert stat.S_IMODE(meeting.stat().st_mode) == 0o700, "others can read the meeting place"
        time.sleep(0.02)
    leader.wait().assert_code(0)
    assert found == {LOOPBACK}, f"listens at {found}"
    assert not list((place / "temporary").glob("sentiment-*")), "the meeting place is left"
    bench.assert_same_result(place / "run")


def _kill_leader(bench: Bench, generator: random.Random, place: Path, *, fresh: bool) -> None:
    """Check that a killed leader leaves neither its assistant nor their meeting place."""
    leader = _start(bench, place, fresh)
    assistant = _wait_for_assistant(leader, place)
    _wait_for_steps(leader, place / "run", generator.randrange(STEPS))
    leader.send(signal.SIGKILL)
    leader.wait()
    end = time.monotonic() + PATIENCE
    while _read_proc(assistant, "environ"):
        assert time.monotonic() < end, "the assistant lives on"
        time.sleep(0.05)
    assert not list((place / "temporary").glob("sentiment-*")), "the meeting place is left"
    bench.assert_resumes(place / "run", partial(_choose_assistant, place, fresh))


def _stop_silent(bench: Bench, generator: random.Random, place: Path, *, twice: bool, fresh: bool) -> None:
    """Check that a training whose assistant is suspended ends after two signals, or some time after one."""
    leader = _start(bench, place, fresh, 600.0 if twice else SECONDS_TO_ANSWER)
    assistant = _wait_for_assistant(leader, place)
    _wait_for_steps(leader, place / "run", generator.randrange(1, STEPS))
    os.kill(assistant, signal.SIGSTOP)
    time.sleep(generator.uniform(0, 0.5))
    first, second = generator.sample([signal.SIGINT, signal.SIGTERM], 2)
    leader.send(first)
    if twice:
        time.sleep(generator.uniform(0.1, 1))
        leader.send(second)
    try:
        ended = leader.wait(SECONDS)
    finally:
        with suppress(ProcessLookupError):  # a suspended process does not notice that its leader is gone
            os.kill(assistant, signal.SIGKILL)
    if ended.code == 0:
        return bench.assert_same_result(place / "run")  # it had no need of the other any more
    ended.assert_code(128 + first)
    assert "Traceback" not in ended.err and "error: " not in ended.err, ended.err
    newest_whole(place / "run")
    bench.assert_resumes(place / "run", partial(_choose_assistant, place, fresh))
    return None


# --- 9: forks ------------------------------------------------------------------------------------------


def _fork(bench: Bench, generator: random.Random, place: Path, *, manner: str) -> None:
    """Check that the children of a process that predicts answer as it does."""
    seed = f"{generator.random()}"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.torture.forking", str(bench.whole), manner, seed],
        cwd=ROOT,
        env=os.environ | bench.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, f"{manner}: {done.stderr[-1000:]}"


CASES: tuple[Case[Bench], ...] = (
    *((4, partial(_watch_sockets, fresh=number == 0)) for number in range(3)),
    *((4, partial(_kill_leader, fresh=number == 0)) for number in range(4)),
    *((16, partial(_stop_silent, twice=bool(number % 2), fresh=number < 2)) for number in range(12)),
    *((9, partial(_fork, manner=manner)) for manner in MANNERS for _ in range(2)),
)
