"""Whole trainings on a device: the same bits twice, and after a stop."""

import json
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path
from unittest.mock import patch

import torch

from sentiment.config import Config, override, parse_config
from sentiment.errors import Interrupted
from sentiment.system.device import settle_precision
from sentiment.training.run import resume_run, train_run

from .findings import Finding, Sizes


def check_resume(device: torch.device, sizes: Sizes) -> Finding:
    """Whether two trainings of all stages end with the same bytes, and one that is stopped and resumed."""
    with (
        tempfile.TemporaryDirectory() as name,
        patch.dict(os.environ, {"XDG_CACHE_HOME": f"{name}/cache"}),
    ):
        folder = Path(name)
        config = _small_training(folder / "reviews", device, sizes)
        train_run(config, folder / "whole")
        train_run(config, folder / "again")
        lines = len((folder / "whole" / "metrics.jsonl").read_text().splitlines())
        stopped_at = _train_and_stop(config, folder / "stopped", lines // 2)
        if stopped_at >= lines:
            return Finding(False, "it ended before it was stopped")
        resume_run(folder / "stopped")
        files = ("model.safetensors", "metrics.jsonl", "golden.json")
        differing = [
            f"{run}/{file}"
            for run in ("again", "stopped")
            for file in files
            if (folder / run / file).read_bytes() != (folder / "whole" / file).read_bytes()
        ]
    found = f"other bytes in {', '.join(differing)}" if differing else "the same bytes"
    precision = settle_precision(config.machine).precision
    return Finding(not differing, f"{found} in {precision}, stopped after line {stopped_at} of {lines}")


def _small_training(reviews: Path, device: torch.device, sizes: Sizes) -> Config:
    """Write reviews of random words, and return a recipe with every stage for them."""
    draws, longest = random.Random(5), sizes.steps // 2
    reviews.mkdir()
    for split, count in (("train", 8 * sizes.batch), ("unsupervised", 8 * sizes.batch)):
        with (reviews / f"{split}.jsonl").open("w") as file:
            for number in range(count):
                words = draws.choices(
                    ["the", "film", "plot", "was", "it", "but"], k=draws.randint(1, longest)
                )
                words.append(draws.choice([["awful", "dull"], ["great", "superb"]][number % 2]))
                file.write(json.dumps({"text": " ".join(words), "label": number % 2}) + "\n")
    recipe = f"""
        vocabulary.min_frequency = 1
        batches.tokens = {4 * sizes.steps}
        model = {{ embedding = {sizes.embedding}, hidden = {sizes.hidden}, layers = 1, readout = "max_mean" }}
        pretraining = {{ epochs = 1, samples = 0 }}
        training = {{ epochs = 1, adversarial = 0.02, average = 0.9, checkpoint_steps = 5 }}
        self_training.epochs = 1
        evidence = {{ weight = 0.4, size = 20 }}
        machine.precision = "auto"
    """
    return parse_config(
        recipe, "the check", [override("data.source", str(reviews)), override("machine.device", str(device))]
    )


def _train_and_stop(config: Config, run: Path, lines: int) -> int:
    """Train until the log has so many lines, then send SIGINT; return how many it has."""
    log = run / "metrics.jsonl"
    ended = threading.Event()

    def stop() -> None:
        while not ended.is_set():
            if log.exists() and log.read_bytes().count(b"\n") >= lines:
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.001)

    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # for one that comes too late
    watcher = threading.Thread(target=stop)
    watcher.start()
    try:
        train_run(config, run)
    except Interrupted:
        pass
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)
    return log.read_bytes().count(b"\n")
