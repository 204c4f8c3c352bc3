"""Measure the exact LSTM layer beside the plain padded `nn.LSTM` and the packed one, all in one run.

One training step of a layer (forward, max over the states, backward) on random input whose lengths lie within
5% of each other, as bucketing makes them. Speeds count real tokens; rounds alternate, medians are printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sentiment.device import available_cores
from sentiment.models.lstm import ExactLSTM

Step = Callable[[], Tensor]


def steps_of(features: int, hidden: int, batch: int, steps: int) -> tuple[dict[str, Step], int]:
    """The same work three ways, and its real tokens."""
    lengths_B = torch.randint(int(0.95 * steps), steps + 1, (batch,)).sort(descending=True).values
    lengths_B[0] = steps
    inputs_BTE = torch.randn(batch, steps, features, requires_grad=True)
    exact = ExactLSTM(features, hidden)
    plain = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)

    def run_exact() -> Tensor:
        states: Tensor = exact(inputs_BTE, lengths_B).states_BTDH
        return states.amax(1).sum()

    def run_plain() -> Tensor:
        states: Tensor = plain(inputs_BTE)[0]
        return states.amax(1).sum()

    def run_packed() -> Tensor:
        states: Tensor = plain(pack_padded_sequence(inputs_BTE, lengths_B, batch_first=True))[0].data
        return states.amax(0).sum()

    return {"exact": run_exact, "plain": run_plain, "packed": run_packed}, int(lengths_B.sum())


def seconds(step: Step) -> float:
    """Time of one forward and backward."""
    start = time.perf_counter()
    step().backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - start


def compare(features: int, hidden: int, batch: int, steps: int, rounds: int) -> None:
    """Print one line: tokens/s of each way and the ratios."""
    ways, tokens = steps_of(features, hidden, batch, steps)
    for step in ways.values():
        seconds(step)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, step in ways.items():
            times[name].append(seconds(step))
    speed = {name: tokens / statistics.median(values) for name, values in times.items()}
    print(
        f"E{features} H{hidden} B{batch} T{steps}: "
        + ", ".join(f"{name} {value:,.0f} tokens/s" for name, value in speed.items())
        + f"; exact / plain {speed['exact'] / speed['plain']:.2f}"
        + f", exact / packed {speed['exact'] / speed['packed']:.1f}"
    )


def main() -> None:
    """Parse the options and measure three sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, one bidirectional layer, training step")
    for features, hidden in ((100, 128), (100, 256)):
        compare(features, hidden, 64, arguments.steps, arguments.rounds)


if __name__ == "__main__":
    main()
