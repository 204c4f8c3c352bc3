"""Parse the options, run the checks or the training, and end with the exit code of a command."""

import argparse
import importlib.metadata
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import torch

from sentiment.cli.guard import guard
from sentiment.errors import CheckError, MachineError

from . import __doc__ as description
from .checks import CHECKS, FULL, TINY
from .findings import Finding
from .training import train_for

LIBRARIES = ("numpy", "spacy", "datasets", "pydantic", "safetensors", "scikit-learn", "torchtext")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; return 0, 4 without the device, or 6 if a check fails."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("what", choices=["tests", "train"])
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a tiny size")
    parser.add_argument("--seconds", type=float, default=480, help="for `train`: all of it, with preparing")
    parser.add_argument("--data", default="stanfordnlp/imdb", help="for `train`: the reviews")
    parser.add_argument("--run", type=Path, default=Path("runs/gpu-check"), help="for `train`: its folder")
    parser.add_argument("--recipe", default="imdb-gpu", help="for `train`")
    given = parser.parse_args(arguments)

    def check() -> None:
        device = torch.device(given.device)
        print_machine(device)
        if given.what == "tests":
            run_checks(device)
        else:
            train_for(
                given.seconds, began, data=given.data, run=given.run, device=device, recipe=given.recipe
            )

    return guard(check)


def print_machine(device: torch.device) -> None:
    """Print what was found; raises MachineError if there is no GPU but one is wanted."""
    found = {"python": platform.python_version(), "torch": torch.__version__, "CUDA": torch.version.cuda}
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise MachineError("no GPU: not run")
        found["GPU"] = torch.cuda.get_device_name(device)
        found["cuDNN"] = f"{torch.backends.cudnn.version()}"  # type: ignore[no-untyped-call]
    for name in LIBRARIES:
        found[name] = importlib.metadata.version(name)
    print(", ".join(f"{name} {version}" for name, version in found.items()), flush=True)


def run_checks(device: torch.device) -> None:
    """Run every check, even if one fails, and print what each found; raises CheckError if one failed."""
    sizes, failed = (FULL if device.type == "cuda" else TINY), []
    for name, check in CHECKS.items():
        start = time.perf_counter()
        try:
            finding = check(device, sizes)
        except Exception as error:  # minutes on a GPU are few: the next check may still say something
            traceback.print_exc()
            finding = Finding(False, f"{type(error).__name__}: {error}".partition("\n")[0])
        if not finding.passed:
            failed.append(name)
        seconds = time.perf_counter() - start
        print(f"{'ok' if finding.passed else 'FAILED'}: {name}: {finding.text} ({seconds:.0f} s)", flush=True)
    if failed:
        raise CheckError(f"{len(failed)} of {len(CHECKS)} checks failed: {', '.join(failed)}")
    print(f"{len(CHECKS)} checks passed on {device}")


if __name__ == "__main__":
    sys.exit(main())
