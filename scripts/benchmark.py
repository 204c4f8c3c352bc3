"""Measure the speed of training on a CPU and compare it with other ways, all on the same reviews.

A. Whole training steps (batch, forward, loss, backward, clip, AdamW) at the article's sizes.
   `article` is the article's own step: batches of 64 whole reviews in random order, `nn.LSTM` over the
   padding, read at `outputs[:, -1]`, Adam and no clipping. It runs in its own process, because the article's
   script does not flush denormal numbers, and threads inherit that. A second row has the speed with flushing.
   `packed` is the same network on our batches, packed, and read at the end of each direction.
   `ours` is the project's training loop. `ours, default` is the same with the default recipe.
B. The arithmetic of `ours` as a share of the machine's speed in a product of two float32 matrices. A layer of
   H units that reads I features takes 2 * 4H * (I + H) operations forward for each real token and direction,
   and twice as many backward. A multiply-add is two operations. Padding and all other parts are not counted.
C. The exact layer, the plain padded `nn.LSTM` and the packed one: forward, maximum over states, backward.
D. Every encoder at the same sizes, with steps as in A. An encoder of C channels does the work C times, so its
   tokens count C times. The project promises at least half the speed of `stacked`.

Speeds count real tokens, never padding. The ways take turns: in each round, all but `article` get the same
next batch of an epoch. The first step of each way is not counted. If all reviews of a batch have the same
length, torch uses the padded kernel for the packed way. Therefore `packed` and `ours` are compared over many
more batches, with the same share of such batches as in an epoch.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence

from sentiment.config import Config, ModelSettings, override, read_config
from sentiment.data.batches import Batch, collate, shuffled_batches
from sentiment.data.ids import PADDING_ID
from sentiment.data.prepare import Prepared, prepare
from sentiment.models.lstm import ExactLSTM
from sentiment.system.device import Machine, find_machine, training_arithmetic
from sentiment.training.loop import Step, train
from sentiment.training.stages import plan_stages
from sentiment.training.state import TrainingState

ARTICLE = Path(__file__).parents[1] / "configs" / "article" / "article.toml"
OUR_BATCHES = ["batches.tokens=8192", "batches.reviews=0"]
EVERY_TOKEN = ["text.head=0", "text.tail=0"]
DESIGN_SIZES = ["model.hidden=128", "model.layers=2", "model.readout=max"]
DESIGNS: tuple[str, ...] = get_args(ModelSettings.model_fields["encoder"].annotation)
SGEMM_SIZE, SGEMM_PRODUCTS = 2048, 5
LAYER_STEPS = 300
PACKED_ROUNDS = 6  # for each round of the others

Way = Callable[[], int]
"""Does one piece of work, such as a training step. Returns its size: real tokens, or operations."""


def measure(ways: dict[str, Way], rounds: int) -> dict[str, float]:
    """Return the work per second of each way. The ways take turns for `rounds`, after one first step each.

    It is all work divided by all time, as in an epoch: batches differ, and a median would pick one of them.
    """
    for step in ways.values():
        step()
    work, seconds = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        for name, step in ways.items():
            start = time.perf_counter()
            work[name] += step()
            seconds[name] += time.perf_counter() - start
    return {name: work[name] / seconds[name] for name in ways}


class PlainClassifier(nn.Module):
    """The article's network. With `packed` it does not read padding."""

    def __init__(self, settings: ModelSettings, words: int, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        self.directions = 2 if settings.bidirectional else 1
        self.embedding = nn.Embedding(words, settings.embedding, padding_idx=PADDING_ID)
        self.lstm = nn.LSTM(
            settings.embedding,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=settings.bidirectional,
            dropout=settings.dropout,
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(self.directions * settings.hidden, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits_B."""
        inputs_BTE = self.dropout(self.embedding(batch.tokens_BT))
        if self.packed:
            packed = pack_padded_sequence(inputs_BTE, batch.lengths_B, batch_first=True, enforce_sorted=False)
            hidden_XBH = self.lstm(packed)[1][0]  # X: layers times directions
            last_BM = hidden_XBH[-self.directions :].transpose(0, 1).flatten(1)
        else:
            last_BM = self.lstm(inputs_BTE)[0][:, -1]
        logits_B: Tensor = self.head(self.dropout(last_BM))[:, 0]
        return logits_B


def plain_way(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[tuple[Batch, Tensor]],
    clip_norm: float | None = None,
) -> Way:
    """Return a way that makes one training step per call, on one batch after the other."""
    turns = itertools.cycle(batches)

    def step() -> int:
        batch, labels_B = next(turns)
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(model(batch), labels_B)
        loss.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        return int(batch.lengths_B.sum())

    return step


def loop_way(config: Config, prepared: Prepared, machine: Machine) -> Way:
    """Return a way that makes one step of the project's training per call. The first call also rehearses."""
    state = TrainingState(plan_stages(config, prepared), config.training, machine.device)
    events = train(state, prepared.validation, config, machine)
    return lambda: next(event.tokens for event in events if isinstance(event, Step))


def packed_way(config: Config, prepared: Prepared, rounds: int) -> Way:
    """Return the packed network's way, on the batches of `loop_way` after a small first one."""
    reviews, labels_N = prepared.train
    first, *others = shuffled_batches(reviews.lengths_N, config.batches, config.seed, epoch=0)
    batches = [
        (reviews.batch(indices), torch.from_numpy(labels_N[indices]).float())
        for indices in [first[:2], *others[:rounds]]
    ]
    model = PlainClassifier(config.model, len(prepared.vocabulary.channels[0]), packed=True)
    return plain_way(
        model, torch.optim.AdamW(model.parameters(), fused=True), batches, config.training.clip_norm
    )


RawBatch = tuple[list[np.ndarray], np.ndarray]
"""Ids of each review, and labels_B. Unlike tensors, they reach another process without shared memory."""


def article_batches(config: Config, prepared: Prepared, rounds: int) -> list[RawBatch]:
    """Return batches in random order, as the article makes them, after a small first one."""
    reviews, labels_N = prepared.train
    order_N = np.random.default_rng(config.seed).permutation(len(reviews))
    size = config.batches.reviews
    chosen = [order_N[:2], *(order_N[start : start + size] for start in range(0, rounds * size, size))]
    return [([reviews[index] for index in indices], labels_N[indices]) for indices in chosen]


def serve_article(
    connection: Connection, config: Config, words: int, batches: list[RawBatch], *, threads: int, flush: bool
) -> None:
    """Make a step of the article each time the other process asks for one."""
    torch.set_flush_denormal(flush)
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    model = PlainClassifier(config.model, words, packed=False)
    tensors = [(collate(reviews), torch.from_numpy(labels_B).float()) for reviews, labels_B in batches]
    step = plain_way(model, torch.optim.Adam(model.parameters()), tensors)
    with suppress(EOFError):  # the other process has closed the connection
        while True:
            connection.recv()
            connection.send(step())


@contextmanager
def article_way(
    config: Config, words: int, batches: list[RawBatch], *, threads: int, flush: bool
) -> Iterator[Way]:
    """Run the article's step in a new process, which shares no setting of torch with this one."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=serve_article,
        args=(theirs, config, words, batches),
        kwargs={"threads": threads, "flush": flush},
        daemon=True,
    )
    process.start()
    theirs.close()

    def step() -> int:
        ours.send(None)
        tokens: int = ours.recv()
        return tokens

    try:
        yield step
    finally:
        ours.close()
        process.join()


def sgemm_way(size: int) -> Way:
    """Return a way that makes a few products of two square float32 matrices per call."""
    first_NN, second_NN = torch.rand(size, size), torch.rand(size, size)

    def step() -> int:
        for _ in range(SGEMM_PRODUCTS):
            torch.mm(first_NN, second_NN)
        return SGEMM_PRODUCTS * 2 * size**3

    return step


def operations_per_token(settings: ModelSettings) -> int:
    """Return the operations of the LSTM layers alone, forward and backward: see B above."""
    hidden, directions = settings.hidden, 2 if settings.bidirectional else 1
    widths = [settings.embedding] + [directions * hidden] * (settings.layers - 1)
    return 3 * directions * sum(2 * 4 * hidden * (width + hidden) for width in widths)


def layer_ways(settings: ModelSettings, batch: int, steps: int) -> dict[str, Way]:
    """Return three ways to run a bidirectional layer, on random input whose lengths differ by at most 5%."""
    lengths_B = torch.randint(int(0.95 * steps), steps + 1, (batch,)).sort(descending=True).values
    lengths_B[0] = steps
    inputs_BTE = torch.randn(batch, steps, settings.embedding, requires_grad=True)
    exact = ExactLSTM(settings.embedding, settings.hidden)
    plain = nn.LSTM(settings.embedding, settings.hidden, batch_first=True, bidirectional=True)

    def backward(states: Tensor) -> int:
        states.flatten(0, -2).amax(0).sum().backward()  # type: ignore[no-untyped-call]
        return int(lengths_B.sum())

    return {
        "exact": lambda: backward(exact(inputs_BTE, lengths_B).states_BTDH),
        "plain": lambda: backward(plain(inputs_BTE)[0]),
        "packed": lambda: backward(
            plain(pack_padded_sequence(inputs_BTE, lengths_B, batch_first=True))[0].data
        ),
    }


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the options, and print the four comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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
    print(f"took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
