"""Campaign 12: SIGINT and SIGTERM in every phase of a training."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import sentiment.training.loop
from sentiment.data import parts
from sentiment.data import prepare as preparing
from sentiment.runs import RunFolder
from sentiment.system import storage

from .bench import Bench, mixed_benches, newest_whole
from .children import Child
from .frame import Outcome, repeat

TRIALS = 70
SECONDS = 10.0  # the process must end within this time
ENDINGS = {signal.SIGINT: 130, signal.SIGTERM: 143}


def stop_anywhere(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Stop a training: it ends in seconds with 130 or 143, its checkpoint is complete, and resume is exact.

    A second signal changes nothing. A quarter of the runs has three classes, and another quarter starts from
    a finished run.
    """
    benches = mixed_benches(folder)
    phases = list(PHASES)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        first, second = generator.sample(list(ENDINGS), 2)
        phase = phases[number % len(phases)]
        run, bench = place / "run", generator.choice(benches)
        if phase == "import":
            child = bench.start("train", bench.recipe, "--run", run, output=place / "output")
            _wait_for_handler(child)
            time.sleep(generator.uniform(0, 1.5))
            (place / "sent").write_text(str(time.time()))
            child.send(first)
        else:
            numbers = [first, second] if "twice" in phase else [first]
            before = partial(PHASES[phase], generator, numbers, place)
            child = bench.fork("train", bench.recipe, "--run", run, output=place / "output", before=before)
        try:
            _check_stop(bench, child, place, ENDINGS[first])
        except AssertionError as error:
            raise AssertionError(f"{first.name} in phase {phase}: {error}") from None

    outcome = repeat(trial, trials, seed, folder)
    outcome.notes.append(f"phases: {', '.join(phases)}")
    return outcome


def _check_stop(bench: Bench, child: Child, place: Path, code: int) -> None:
    run = place / "run"
    ended = child.wait()
    ended.assert_code(code)
    sent = place / "sent"
    seconds = time.time() - float(sent.read_text()) if sent.exists() else 0.0
    assert seconds < SECONDS, f"ended after {seconds:.1f} s"
    assert "Traceback" not in ended.err and "error: " not in ended.err, ended.err
    whole = newest_whole(run) if run.exists() else None
    if "stopped; saved" in ended.err:
        assert whole is not None and f"saved {whole}\n" in ended.err, f"{whole} is not the one it named"
    if run.exists() and (run / storage.MANIFEST).exists():
        return bench.assert_same_result(run)  # the signal came after the last byte was written
    bench.assert_resumes(run)
    return None


def _wait_for_handler(child: Child) -> None:
    """Wait until the command handles signals itself. Before that, a signal simply ends it."""
    wanted = 1 << signal.SIGTERM - 1
    while not child.poll():
        status = Path(f"/proc/{child.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & wanted:
            return
        time.sleep(0.005)


# --- for a child process: send the signals when a phase is reached -------------------------------------

Arrange = Callable[[random.Random, Sequence[int], Path], None]


def _send(numbers: Sequence[int], place: Path) -> None:
    (place / "sent").write_text(str(time.time()))
    for number in numbers:
        os.kill(os.getpid(), number)


def _when_called(owner: Any, name: str, calls: int) -> Arrange:
    """Send the signals before or after one of the first `calls` calls of a function, drawn at random."""

    def arrange(generator: random.Random, numbers: Sequence[int], place: Path) -> None:
        original, left = getattr(owner, name), [generator.randrange(calls)]
        before = generator.random() < 0.5

        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == -1 and before:
                _send(numbers, place)
            result = original(*arguments, **options)
            if left[0] == -1 and not before:
                _send(numbers, place)
            return result

        setattr(owner, name, call)

    return arrange


def _import(generator: random.Random, numbers: Sequence[int], place: Path) -> None:
    """Do nothing here: the signal is sent from outside to a new process."""


STEPS, SAVES = 36, 20  # a little fewer than a training has
PHASES: dict[str, Arrange] = {
    "import": _import,
    "load": _when_called(preparing, "ReviewSource", 1),
    "tokenize": _when_called(parts, "tokenize_cached", 1),
    "vocabulary": _when_called(preparing, "build_vocabulary", 1),
    "try_largest_batch": _when_called(sentiment.training.loop, "try_largest_batch", 1),
    "first step": _when_called(sentiment.training.loop, "_take_step", 1),
    "step": _when_called(sentiment.training.loop, "_take_step", STEPS),
    "evaluate": _when_called(sentiment.training.loop, "evaluate", 3),
    "save": _when_called(RunFolder, "save_checkpoint", SAVES),
    "inside a save": _when_called(storage, "sync_file", 4 * SAVES),
    "inside a save, twice": _when_called(storage, "sync_folder", 2 * SAVES),
    "save, twice": _when_called(RunFolder, "save_checkpoint", SAVES),
    "finish": _when_called(RunFolder, "finish", 1),
    "inside finish": _when_called(storage, "write_manifest", 1),
}
