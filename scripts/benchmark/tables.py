"""Print tables of speeds, and say in words what was measured."""

from collections.abc import Sequence

import numpy as np

from sentiment.config import Config


def describe(config: Config) -> str:
    """Return what decides the cost of a step, in one phrase."""
    model = config.model
    phrases = [
        f"E{model.embedding} H{model.hidden}",
        model.encoder,
        f"{model.layers} layer{'s' * (model.layers != 1)}",
        "bidirectional" if model.bidirectional else "one direction",
        f"readout {model.readout}",
        *(["adversarial steps"] if config.training.adversarial else []),
    ]
    return ", ".join(phrases)


def describe_padding(lengths: Sequence[np.ndarray]) -> str:
    """Return the share of padding in some batches, from the lengths of their reviews."""
    longest = [int(lengths_B.max()) for lengths_B in lengths]
    positions = sum(len(lengths_B) * steps for lengths_B, steps in zip(lengths, longest, strict=True))
    share = 1 - sum(int(lengths_B.sum()) for lengths_B in lengths) / positions
    return f"batches up to {', '.join(map(str, longest))} tokens long, {share:.0%} padding"


def describe_evenness(lengths: Sequence[np.ndarray]) -> str:
    """Return the share of batches whose reviews all have the same length."""
    even = sum(lengths_B.min() == lengths_B.max() for lengths_B in lengths)
    return f"{even / len(lengths):.0%} with reviews of one length only"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print(flush=True)


def print_ratios(speed: dict[str, float], own: str) -> None:
    """Print the speed of each way, and how many times as fast our `own` is."""
    rows = [[name, f"{value:,.0f}", f"{speed[own] / value:.2f}"] for name, value in speed.items()]
    print_table(["way", "tokens/s", f"{own} / way"], rows)
