"""Parse the options, and print the comparisons."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from sentiment.config import Config, override, read_config
from sentiment.system.device import find_machine, training_arithmetic

from . import __doc__ as description
from .comparisons import compare_designs, compare_layers, compare_steps
from .prediction import compare_prediction


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the options, and print the comparisons."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="stanfordnlp/imdb", help="the reviews: a hub name, folder or file")
    parser.add_argument("--rounds", type=int, default=3, help="steps of each way, fewer than an epoch has")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a.b=value",
        help="change one key in every configuration",
    )
    options = parser.parse_args(arguments)

    def config_of(path: Path | None, *settings: str) -> Config:
        source = override("data.source", options.data)
        return read_config(path, [source, "machine.device=cpu", *settings, *options.set])

    started = time.perf_counter()
    with training_arithmetic():  # before the first thread, as threads inherit it
        machine = find_machine(config_of(None).machine)
        with machine.using_threads():
            torch.manual_seed(0)
            print(
                f"torch {torch.__version__}, CPU, threads: {machine.threads}, data: {options.data}, "
                f"{options.rounds} rounds\n"
            )
            compare_steps(config_of, machine, options.rounds)
            compare_layers(config_of, options.rounds)
            compare_designs(config_of, machine, options.rounds)
            compare_prediction(config_of, machine, options.rounds)
    print(f"took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
