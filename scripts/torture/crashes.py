"""Campaigns 1 to 3: processes that die at any moment, and disks that fail at any call."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from .bench import CHECKPOINT_FILES, Bench, leftovers, mixed_benches, newest_whole
from .calls import count_calls, die_at_call
from .children import PATIENCE, Child, Ended
from .faults import KILLED, MANNERS, Faults, read_log
from .frame import Outcome, repeat

FRESH_ONE_IN = 20  # one trial in so many starts a new `python -m sentiment`; the others fork
KILLED_OFTEN_ONE_IN = 10
STRACE_PATH = r'(?:\w+<([^>]*)>, )?"([^"]*)"'  # a folder that is open, if one is named, and a path in it
FAULT_TRIALS = 68 * len(MANNERS)  # the number of calls changes if a run is written in another way


# --- 1: killed at random moments -----------------------------------------------------------------------


def kill_at_random(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Kill with `kill -9`, resume, and compare every byte; every tenth run is killed three times.

    Half of the kills come from outside after a random time. The other half come from within, at a random call
    of a Python function; such a failure can be repeated. A quarter of the runs has three classes, and another
    quarter starts from a finished run.
    """
    benches = mixed_benches(folder)
    count, seconds = cache(_count_calls), cache(_time)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        run, bench = place / "run", generator.choice(benches)
        for _ in range(3 if number % KILLED_OFTEN_ONE_IN == 0 else 1):
            if number % 2:
                before = partial(die_at_call, generator.randrange(count(bench)))
                _fork_training(bench, run, before).wait()
            else:
                start = _start_training if number % FRESH_ONE_IN == 2 else _fork_training
                moment = generator.uniform(0, seconds(bench, start))
                child = start(bench, run)
                time.sleep(moment)
                child.send(signal.SIGKILL)
                child.wait()
        bench.assert_resumes(run)

    outcome = repeat(trial, trials, seed, folder)
    calls = count(benches[0])
    outcome.notes.append(f"a training makes {calls:,} calls of Python functions")
    return outcome


def _arguments(bench: Bench, run: Path) -> list[object]:
    if (run / "config.toml").exists():
        return ["train", "--resume", "--run", run]
    return ["train", bench.recipe, "--run", run]


def _fork_training(bench: Bench, run: Path, before: Callable[[], None] | None = None) -> Child:
    return bench.fork(*_arguments(bench, run), output=run, before=before)


def _start_training(bench: Bench, run: Path) -> Child:
    return bench.start(*_arguments(bench, run), output=run)


def _time(bench: Bench, start: Callable[[Bench, Path], Child]) -> float:
    run = bench.folder / start.__name__
    ended = start(bench, run).wait()
    ended.assert_code(0)
    shutil.rmtree(run)
    return ended.seconds


def _count_calls(bench: Bench) -> int:
    run = partial(bench.train, bench.folder / "counted")
    return count_calls(lambda before: run(before=before), bench.folder / "calls")


# --- 2: every call fails once --------------------------------------------------------------------------


def fail_every_call(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Fail each call that changes the run folder once in each manner: at the start, in a save, at the end.

    Trial n has manner n % 4 and the (n // 4)-th of these calls.
    """
    bench = Bench(folder / "bench")
    points = _points(bench)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        run, manner = place / "run", MANNERS[number % len(MANNERS)]
        at = points[number // len(MANNERS)]
        faults = Faults(run, place / "log", at, manner)
        ended = bench.train(run, before=faults.install)
        call = " ".join(read_log(place / "log")[at]).replace(str(run), "RUN")
        try:
            _check_after_fault(bench, run, ended, manner)
        except AssertionError as error:
            raise AssertionError(f"{manner} at call {at}, {call}: {error}") from None

    possible = len(points) * len(MANNERS)
    outcome = repeat(trial, [number for number in trials if number < possible], seed, folder)
    if possible > FAULT_TRIALS:
        raise AssertionError(f"{possible} trials are possible; set FAULT_TRIALS")
    outcome.notes.append(f"{len(points)} calls, each {', '.join(MANNERS)}")
    return outcome


def _points(bench: Bench) -> list[int]:
    """Return the calls at the start, in one later save, and at the end."""
    run, log = bench.folder / "listed", bench.folder / "log"
    bench.train(run, before=Faults(run, log).install).assert_code(0)
    calls = [(call, " ".join(paths)) for call, *paths in read_log(log)]
    # A save begins with the sync of its metrics and ends with the removal of the oldest checkpoint.
    saves = [
        index
        for index, (call, paths) in enumerate(calls)
        if call == "fsync" and paths.endswith("metrics.jsonl")
    ]
    end = next(index for index, (_, paths) in enumerate(calls) if ".model.safetensors." in paths)
    first_step = next(index for index, (call, paths) in enumerate(calls) if paths.endswith("metrics.jsonl"))
    return [*range(first_step + 2), *range(saves[3], saves[4]), *range(end, len(calls))]


def _check_after_fault(bench: Bench, run: Path, ended: Ended, manner: str) -> None:
    code, err = ended.code, ended.err
    whole = newest_whole(run)
    if manner == KILLED:
        assert code == -signal.SIGKILL, f"exit code {code}"
    elif code == 0:  # cleaning up may fail without harm
        bench.assert_same_result(run)
        return
    else:
        assert code == 4, f"exit code {code}: {err}"
        last = err.splitlines()[-1]
        assert last.startswith("error: ") and "Traceback" not in err, err
        assert whole is None or str(whole) in last, f"does not name {whole}: {last}"
        assert not leftovers(run), f"left behind: {leftovers(run)}"
    bench.assert_resumes(run)


# --- 3: the order of one save --------------------------------------------------------------------------


def order_of_a_save(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check the order of a save: sync the files, then their folder, then rename, then sync the parent."""
    bench = Bench(folder / "bench")
    strace = _usable_strace()

    def trial(number: int, generator: random.Random, place: Path) -> None:
        run = place / "run"
        calls = _traced(bench, run, strace) if strace else _audited(bench, run)
        assert_order(run, calls)

    outcome = repeat(trial, trials, seed, folder)
    outcome.notes.append(
        "watched by strace" if strace else "no strace here; watched by the calls that Python makes"
    )
    return outcome


def _usable_strace() -> str | None:
    """Return the path of strace, or None if it is missing or may not trace."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    done = subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True)
    return strace if done.returncode == 0 else None


def order_of_python_calls(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check the same by the calls that Python makes."""
    bench = Bench(folder / "bench")

    def trial(number: int, generator: random.Random, place: Path) -> None:
        assert_order(place / "run", _audited(bench, place / "run"))

    return repeat(trial, trials, seed, folder)


def assert_order(run: Path, calls: list[list[str]]) -> None:
    """Fail unless every checkpoint was synced and renamed in an order that survives a loss of power."""
    saves = 0
    for index, (call, *paths) in enumerate(calls):
        if call not in ("rename", "replace") or not re.fullmatch(r"step-\d+", Path(paths[-1]).name):
            continue
        saves += 1
        temporary, final = paths
        synced = {paths[0]: at for at, (call, *paths) in enumerate(calls[:index]) if call == "fsync"}
        files = [f"{temporary}/{name}" for name in CHECKPOINT_FILES]
        for file in files:
            # The manifest is synced under its temporary name.
            assert file in synced, f"{file} is renamed without a sync"
        assert temporary in synced, f"{temporary} is renamed without a sync of the folder"
        assert max(synced[file] for file in files) < synced[temporary], "the folder is synced before a file"
        after = [paths[0] for call, *paths in calls[index:] if call == "fsync"]
        assert after[:1] == [str(Path(final).parent)], (
            f"after the rename {after[:1]} is synced, not its parent"
        )
    assert saves > 0, f"no save was seen in {run}"


def _audited(bench: Bench, run: Path) -> list[list[str]]:
    log = run.with_suffix(".log")
    bench.train(run, before=Faults(run, log).install).assert_code(0)
    return read_log(log)


def _traced(bench: Bench, run: Path, strace: str) -> list[list[str]]:
    """Return the fsync and rename calls that the kernel saw, in order."""
    log = run.with_suffix(".strace")
    watch = "trace=fsync,fdatasync,rename,renameat,renameat2"
    command = [
        strace,
        "-f",
        "-y",
        "-s",
        "4096",
        "-e",
        watch,
        "-o",
        str(log),
        sys.executable,
        "-m",
        "sentiment",
    ]
    arguments = ["train", str(bench.recipe), "--run", str(run)]
    subprocess.run(
        command + arguments,
        env=os.environ | bench.environment,
        check=True,
        capture_output=True,
        timeout=PATIENCE * 2,
    )
    calls = []
    for line in log.read_text().splitlines():
        if match := re.search(r"\bf(?:data)?sync\(\d+<([^>]*)>\)\s*=\s*0", line):
            calls.append(["fsync", match[1]])
        elif match := re.search(rf"\brename(?:at2?)?\({STRACE_PATH}, {STRACE_PATH}.*=\s*0", line):
            calls.append(["rename", str(Path(match[1] or "", match[2])), str(Path(match[3] or "", match[4]))])
    return calls
