"""Train a recipe for so many seconds, and tell the validation accuracy that it reached."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import torch

from sentiment.config import Config, override, read_config
from sentiment.errors import CheckError, Interrupted
from sentiment.system import interrupts
from sentiment.system.place import ONLY_PROCESS
from sentiment.training.loop import try_largest_batch
from sentiment.training.run import train_run
from sentiment.training.session import open_session, training_machine
from sentiment.training.state import TrainingState

SLOWER = 1.3  # a step of a training also clips, updates and logs
SHARE_OF_THE_REST = 0.25  # of the time: preparing again, labelling, fitting the evidence, judging
SECONDS_TO_STOP = 20.0  # before the end, for a training that takes longer than expected


def train_for(
    seconds: float, began: float, *, data: str, run: Path, device: torch.device, recipe: str
) -> None:
    """Train as many epochs of pretraining as fit, at most those of the recipe, and print the accuracy.

    `began` is when the seconds began, as a time of `time.monotonic`. A training that is late is stopped, and
    its best validated epoch counts. Raises CheckError if none was validated.
    """
    changes = [override("data.source", data), override("machine.device", str(device)), "logging.report=false"]
    config = read_config(recipe, changes)
    seconds_of = measure_epochs(config)
    print("seconds of an epoch: " + ", ".join(f"{name} {found:.1f}" for name, found in seconds_of.items()))
    epochs = choose_epochs(config, seconds_of, seconds * (1 - SHARE_OF_THE_REST) - (time.monotonic() - began))
    print(f"pretraining takes {epochs} of the recipe's {config.pretraining.epochs} epochs", flush=True)
    config = read_config(recipe, [*changes, f"pretraining.epochs={epochs}"])
    left = seconds - SECONDS_TO_STOP - (time.monotonic() - began)
    alarm = threading.Timer(left, os.kill, (os.getpid(), signal.SIGINT))
    alarm.daemon = True
    try:
        alarm.start()
        accuracy = train_run(config, run, force=True)["result"]["validation"]["accuracy"]
        what = "of the whole model"
    except Interrupted:
        interrupts.stop_at_once()  # forgets the signal, which was the alarm's
        accuracy, what = best_accuracy(run), "of the network alone, at its best epoch; the time was over"
    finally:
        alarm.cancel()
    print(f"validation accuracy {accuracy:.2%} after {time.monotonic() - began:.0f} s: that {what}")


def measure_epochs(config: Config) -> dict[str, float]:
    """Return the seconds that an epoch of each stage takes, by its name, from a few batches of each."""
    seconds = {}
    with training_machine(config, ONLY_PROCESS) as machine:
        session = open_session(config, ONLY_PROCESS, machine)
        for stage in session.stages:
            alone = replace(stage, start=None, teacher=None, ask=None)
            state = TrainingState([alone], config.training, machine.device)
            seconds[stage.name] = try_largest_batch(state, config, machine).epoch_seconds
    return seconds


def choose_epochs(config: Config, seconds_of: dict[str, float], left: float) -> int:
    """Return how many epochs of pretraining fit into the time that is left next to all other stages."""
    others = {"training": config.training.epochs, "self-training": config.self_training.epochs}
    rest = sum(epochs * seconds_of.get(name, 0.0) for name, epochs in others.items())
    fitting = (left / SLOWER - rest) / seconds_of["pretraining"]
    return max(1, min(config.pretraining.epochs, int(fitting)))


def best_accuracy(run: Path) -> float:
    """Return the highest validation accuracy in the log of a stopped run; raises CheckError without one."""
    log = run / "metrics.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    judged = [record["validation"] for record in map(json.loads, lines) if record.get("validation")]
    if not judged:
        raise CheckError("the time was over before an epoch was validated; give it more --seconds")
    return max(float(found["accuracy"]) for found in judged)
