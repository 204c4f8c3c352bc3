"""A training that is stopped and resumed in one process, for hours."""

import os
import signal
import time
from pathlib import Path

from sentiment import cli

from ..bench import Bench
from ..children import Ended, fork
from .memory import held_bytes, print_measurements, require_flat

BOUND = 1.0  # MiB an hour
LONG = 1_000_000  # epochs, more than there is time for, also without a better validation loss
ENDLESS = ["--set=training.checkpoint_steps=50"] + [
    f"--set=training.{key}={LONG}" for key in ("epochs", "patience")
]
SHORT_STOPS = 4  # of the training whose weights are compared
STOPPED = 128 + signal.SIGTERM


def train_for(hours: float, stops: int, folder: Path) -> str:
    """Stop and resume a training; raises AssertionError if memory grows or if the weights are others.

    Return what was measured.
    """
    bench = Bench(folder / "bench")
    _compare_weights(bench, folder / "compared")
    output = folder / "trained"
    ended = fork(lambda: _stop_often(bench, folder / "run", hours, stops), output, bench.environment).wait(
        3_600 * hours + 60 * stops + 120
    )
    return require_flat(ended, f"{stops} stops", bound=BOUND, unit="an hour")


def _stop_often(bench: Bench, run: Path, hours: float, stops: int) -> int:
    """Train in this process, be stopped after equal times, and print the memory at each stop."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    start, measured_at, held = time.monotonic(), [], []
    for _ in range(stops):
        begin = ["--resume"] if run.exists() else [str(bench.recipe), *ENDLESS]
        signal.setitimer(signal.ITIMER_REAL, 3_600 * hours / stops)
        code = cli.run(["train", *begin, "--run", str(run)])
        if code != STOPPED:
            return code or 1
        measured_at.append((time.monotonic() - start) / 3_600)
        held.append(held_bytes())
    print_measurements(measured_at, held)
    return 0


def _compare_weights(bench: Bench, run: Path) -> None:
    """Fail unless a short training with stops ends with the bytes of one without."""
    seconds = _train_whole(bench).seconds

    def train() -> int:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        for stop in range(SHORT_STOPS + 1):
            begin = ["--resume"] if run.exists() else [str(bench.recipe)]
            signal.setitimer(signal.ITIMER_REAL, seconds / SHORT_STOPS if stop < SHORT_STOPS else 0)
            code = cli.run(["train", *begin, "--run", str(run)])
            signal.setitimer(signal.ITIMER_REAL, 0)
            if code != STOPPED:
                return code
        return 1

    fork(train, run.with_name("compared-output"), bench.environment).wait().assert_code(0)
    bench.assert_same_result(run)


def _train_whole(bench: Bench) -> Ended:
    ended = bench.train(bench.folder / "timed")
    ended.assert_code(0)
    return ended
