"""The four comparisons."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import numpy as np

from sentiment.config import Config, ModelSettings
from sentiment.data.batches import shuffled_batches
from sentiment.data.prepare import Prepared, prepare
from sentiment.system.device import Machine

from .arithmetic import layer_ways, operations_per_token, sgemm_way
from .article import article_batches, article_way
from .tables import describe, describe_evenness, describe_padding, print_ratios, print_table
from .ways import Way, loop_way, measure, packed_way

ARTICLE = Path(__file__).parents[2] / "configs" / "article" / "article.toml"
OUR_BATCHES = ["batches.tokens=8192", "batches.reviews=0"]
EVERY_TOKEN = ["text.head=0", "text.tail=0"]
DESIGN_SIZES = ["model.hidden=128", "model.layers=2", "model.readout=max"]
DESIGNS: tuple[str, ...] = get_args(ModelSettings.model_fields["encoder"].annotation)
SGEMM_SIZE = 2048
LAYER_STEPS = 300
PACKED_ROUNDS = 6  # for each round of the others


def compare_steps(config_of: Callable[..., Config], machine: Machine, rounds: int) -> None:
    """Print A and B."""
    ours = config_of(ARTICLE, *OUR_BATCHES)
    default = config_of(None, "pretraining.epochs=0", "self_training.epochs=0")
    article = config_of(ARTICLE, *EVERY_TOKEN)
    prepared = prepare(ours, machine.threads)
    batches = article_batches(article, prepare(article, machine.threads), rounds)
    words = len(prepared.vocabulary.channels[0])
    with ExitStack() as stack:

        def article_step(flush: bool) -> Way:
            way = article_way(article, words, batches, threads=machine.threads, flush=flush)
            return stack.enter_context(way)

        ways = {
            "article": article_step(flush=False),
            "article, denormal numbers flushed": article_step(flush=True),
            "ours": loop_way(ours, prepared, machine),
            "ours, default": loop_way(default, prepare(default, machine.threads), machine),
            "sgemm": sgemm_way(SGEMM_SIZE),
        }
        speed = measure(ways, rounds)
    many = PACKED_ROUNDS * rounds
    next_to_packed = measure(
        {"packed": packed_way(ours, prepared, many), "ours": loop_way(ours, prepared, machine)}, many
    )
    lengths_N = prepared.train.reviews.lengths_N
    batches_of_lengths = [
        lengths_N[indices] for indices in shuffled_batches(lengths_N, ours.batches, ours.seed, epoch=0)
    ]
    article_lengths = [np.array([len(review) for review in reviews]) for reviews, _ in batches[1:]]
    print(f"A. Whole training steps: {describe(ours)}, {words:,} words")
    print(f"   `ours, default`: {describe(default)}")
    print(f"   `article`: {article.batches.reviews} whole reviews, {describe_padding(article_lengths)}")
    print(f"   `ours`: {describe_padding(batches_of_lengths[1 : rounds + 1])}")
    print("   denormal numbers are flushed, except in the first row of `article`\n")
    sgemm = speed.pop("sgemm") / 1e9
    print_ratios(speed, "ours")
    print(f"   Over {many} batches, {describe_evenness(batches_of_lengths[1 : many + 1])}")
    print(f"   (an epoch has {len(batches_of_lengths):,}, {describe_evenness(batches_of_lengths)}):\n")
    print_ratios(next_to_packed, "ours")
    operations = operations_per_token(ours.model)
    reached = speed["ours"] * operations / 1e9
    print(
        f"B. Arithmetic: `ours` takes {operations / 1e6:.2f} MFLOP a token; sgemm of {SGEMM_SIZE} squared\n"
    )
    rows = [["ours", f"{reached:,.1f}", f"{reached / sgemm:.2f}"], ["sgemm", f"{sgemm:,.1f}", "1.00"]]
    print_table(["way", "GFLOP/s", "way / sgemm"], rows)


def compare_layers(config_of: Callable[..., Config], rounds: int) -> None:
    """Print C, at the sizes of the default recipe."""
    config = config_of(None)
    batch = max(1, config.batches.tokens // LAYER_STEPS)
    speed = measure(layer_ways(config.model, batch, LAYER_STEPS), rounds)
    sizes = f"E{config.model.embedding} H{config.model.hidden} B{batch} T{LAYER_STEPS}"
    print(f"C. One bidirectional layer: {sizes}\n")
    print_ratios(speed, "exact")


def compare_designs(config_of: Callable[..., Config], machine: Machine, rounds: int) -> None:
    """Print D."""
    configs = {
        name: config_of(ARTICLE, *OUR_BATCHES, *DESIGN_SIZES, f"model.encoder={name}") for name in DESIGNS
    }
    prepared_of: dict[tuple[str, ...], Prepared] = {}
    ways = {}
    for name, config in configs.items():
        views = tuple(config.model.views)
        if views not in prepared_of:
            prepared_of[views] = prepare(config, machine.threads)
        ways[name] = loop_way(config, prepared_of[views], machine)
    speed = measure(ways, rounds)
    print(f"D. Whole training steps of every design, for example {describe(configs['stacked'])}\n")
    rows = []
    for name, config in configs.items():
        channels = len(config.model.views) or 1
        ratio = channels * speed[name] / speed["stacked"]
        rows.append(
            [name, str(channels), f"{speed[name]:,.0f}", f"{channels * speed[name]:,.0f}", f"{ratio:.2f}"]
        )
    print_table(["design", "channels", "tokens/s", "times channels", "times channels / stacked"], rows)
