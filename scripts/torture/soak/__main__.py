"""Run the soak test and print one table."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sentiment  # noqa: F401  # first: it sets variables that torch reads when it is imported

from .. import warm  # noqa: F401
from .fuzzing import fuzz_readers
from .predictions import predict_many
from .training import train_for


def main() -> int:
    """Parse the options, run the three parts and print the table. Return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.torture.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=3.0, help="how long to train")
    parser.add_argument("--stops", type=int, default=30, help="how often the training is stopped")
    parser.add_argument("--predictions", type=int, default=1_000_000, help="how many texts to predict")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to fuzz")
    parser.add_argument("--seed", type=int, default=1, help="seed of the damaged inputs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    parts: dict[str, Callable[[Path], str]] = {
        "training": lambda place: train_for(options.hours, options.stops, place),
        "predictions": lambda place: predict_many(options.predictions, place),
        "fuzzing": lambda place: fuzz_readers(options.minutes, options.seed, place),
    }
    failures = 0
    print(f"{'part':<12}{'result':<8}{'seconds':>8}  measured", flush=True)
    for name, run in parts.items():
        (folder / name).mkdir()
        start = time.perf_counter()
        try:
            result, measured = "ok", run(folder / name)
        except Exception as error:
            result, measured = "FAILED", str(error) or repr(error)
            failures += 1
        print(f"{name:<12}{result:<8}{time.perf_counter() - start:>8.0f}  {measured}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
