"""Campaigns 9 and 16: several processes with one cache or run folder, and one training in many processes."""

import hashlib
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from .bench import RESULT, Bench, newest
from .children import PATIENCE
from .frame import Outcome, repeat

# --- 9: one cache, one run folder ----------------------------------------------------------------------

CACHE_TRIALS = 50
TRIALS = CACHE_TRIALS + 20  # the others use run folders
KILLED_ONE_IN = 3


def share_folders(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Let two or four processes prepare one cache, some of them killed, and two trainings use one folder."""
    bench = Bench(folder / "bench", reviews=600)
    small = Bench(folder / "small")
    expected = _prepare_alone(bench)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        if number < CACHE_TRIALS:
            found = _share_cache(bench, number, generator, place)
            assert found == expected, "the cache differs from that of a single process"
        else:
            _share_run(small, number, generator, place)

    return repeat(trial, trials, seed, folder)


def _prepare_alone(bench: Bench) -> str:
    bench.fork("prepare", bench.recipe, output=bench.folder / "alone").wait().assert_code(0)
    return _only_entry(bench.folder / "cache")


def _only_entry(caches: Path) -> str:
    """Return a hash of the one entry of the cache, its name included. Fail if there is not exactly one."""
    entries = [entry for entry in (caches / "sentiment" / "tokens").iterdir() if entry.name[0] != "."]
    assert len(entries) == 1, f"{len(entries)} entries in the cache"
    content = hashlib.sha256(entries[0].name.encode())
    for file in sorted(entries[0].iterdir()):
        content.update(file.name.encode() + file.read_bytes())
    return content.hexdigest()


def _share_cache(bench: Bench, number: int, generator: random.Random, place: Path) -> str:
    """Let several processes prepare one cache; return the hash of its entry."""
    caches = place / "caches"
    bench.environment["XDG_CACHE_HOME"] = str(caches)
    processes = [
        bench.fork("prepare", bench.recipe, output=place / str(index))
        for index in range(2 + 2 * (number % 2))
    ]
    killed = processes[0] if number % KILLED_ONE_IN == 0 else None
    if killed is not None:
        end = time.monotonic() + PATIENCE
        while not list(caches.rglob(".*.tmp")) and not killed.poll() and time.monotonic() < end:
            time.sleep(0.0005)  # until an entry is being written
        time.sleep(generator.uniform(0, 0.02))
        killed.send(signal.SIGKILL)
    for process in processes:
        ended = process.wait(patience=60)
        if process is not killed:
            ended.assert_code(0)
    return _only_entry(caches)


def _share_run(bench: Bench, number: int, generator: random.Random, place: Path) -> None:
    """Check that the second training is refused however it starts, and that the first ends as usual."""
    run = place / "run"
    first = bench.fork("train", bench.recipe, "--run", run, output=place / "first")
    manner = number % 4
    if manner:  # else both begin at once
        while not (run / "config.toml").exists() and not first.poll():
            time.sleep(0.0005)
        time.sleep(generator.uniform(0, 0.1))
    commands: list[list[object]] = [
        ["train", bench.recipe],
        ["train", bench.recipe, "--force"],
        ["train", "--resume"],
    ]
    second = bench.fork(*commands[manner % 3], "--run", run, output=place / "second")
    ended, other = first.wait(), second.wait()
    if manner == 0 and ended.code != 0:  # if two begin at once, either may win
        ended, other = other, ended
    ended.assert_code(0)
    # Without --force or --resume, a folder that exists is refused.
    other.assert_code(4, 2) if manner % 3 == 0 else other.assert_code(4)
    assert str(run) in other.error
    bench.assert_same_result(run)


# --- 16: the same bytes each time ----------------------------------------------------------------------

PROCESSES = 5
THREADS = (1, 2)
REPEATS = PROCESSES * len(THREADS)


def repeat_training(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Train in new processes with different hash seeds: the same bytes for the same number of threads."""
    bench = Bench(folder / "bench")
    found: dict[int, str] = {}

    def trial(number: int, generator: random.Random, place: Path) -> None:
        threads = THREADS[number // PROCESSES]
        run = place / "run"
        bench.environment["PYTHONHASHSEED"] = str(generator.randrange(2**32))
        child = bench.start(
            "train", bench.recipe, "--run", run, "--threads", threads, output=place / "output"
        )
        child.wait().assert_code(0)
        content = hashlib.sha256()
        for name in (*(name for name in RESULT if name != "config.toml"), "state.safetensors"):
            file = newest(run) / name if name == "state.safetensors" else run / name
            content.update(file.read_bytes())
        first = found.setdefault(threads, content.hexdigest())
        assert first == content.hexdigest(), f"different bytes with {threads} threads"

    outcome = repeat(trial, [number for number in trials if number < REPEATS], seed, folder)
    if len(found) == len(THREADS):
        same = "the same" if len(set(found.values())) == 1 else "different"
        outcome.notes.append(f"1 and 2 threads give {same} bytes")
    return outcome
