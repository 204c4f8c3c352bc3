"""Ways to make a training step, and how they are measured: in turns, by all work over all time."""

import itertools
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence

from sentiment.config import Config, ModelSettings
from sentiment.data.batches import Batch, shuffled_batches
from sentiment.data.ids import PADDING_ID
from sentiment.data.prepare import Prepared
from sentiment.system.device import Machine
from sentiment.training.loop import Step, train
from sentiment.training.stages import plan_stages
from sentiment.training.state import TrainingState

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
    """Return a way that makes one training step per call. The first call also tries the largest batch."""
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
