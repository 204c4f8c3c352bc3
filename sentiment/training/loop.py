"""The training loop: a generator that steps and yields; its caller saves, logs and stops."""

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_

from sentiment.config import Config, TrainingSettings
from sentiment.data.batches import LabelledReviews, shuffled_batches
from sentiment.device import Machine, peak_memory_bytes
from sentiment.errors import DivergedError
from sentiment.metrics import Evaluation, evaluate
from sentiment.scoring import score_batches
from sentiment.training.state import Progress, TrainingState


@dataclass(frozen=True)
class Step:
    """One optimizer step is done; the state may be saved here."""

    step: int
    epoch: int
    loss: float
    """Mean loss of the batch in nats."""
    gradient_norm: float
    """L2 norm before clipping."""
    learning_rate: float
    reviews: int
    tokens: int
    """Real tokens, padding not counted."""
    batches: int
    """Steps in this epoch."""


@dataclass(frozen=True)
class Scored:
    """One batch of the validation split is scored."""

    reviews: int


@dataclass(frozen=True)
class Epoch:
    """An epoch is trained and validated; the state may be saved here."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation: Evaluation
    is_best: bool


def train(
    state: TrainingState,
    train: LabelledReviews,
    validation: LabelledReviews,
    config: Config,
    machine: Machine,
) -> Iterator[Step | Scored | Epoch]:
    """Train from wherever `state` stands to the last epoch, or until validation stops improving.

    Raises DivergedError before a step whose loss or gradient is not finite.
    """
    progress = state.progress
    while not is_finished(progress, config.training):
        batches = shuffled_batches(train.reviews.lengths_N, config.batches, config.seed, progress.epoch)
        for indices in batches[progress.position :]:
            yield _take_step(state, train, indices, len(batches), config, machine)
        logits_N = np.empty(len(validation.reviews), dtype=np.float32)
        for indices, logits_B in score_batches(state.judged, validation.reviews, machine):
            logits_N[indices] = logits_B
            yield Scored(len(indices))
        yield _close_epoch(state, evaluate(logits_N, validation.labels_N))


def is_finished(progress: Progress, settings: TrainingSettings) -> bool:
    """Whether all epochs are done, or `patience` of them went by without a better validation loss."""
    return progress.epoch >= settings.epochs or progress.epoch - progress.best_epoch >= settings.patience


def _take_step(
    state: TrainingState,
    train: LabelledReviews,
    indices: list[int],
    batches: int,
    config: Config,
    machine: Machine,
) -> Step:
    progress, settings = state.progress, config.training
    done = (progress.epoch + (progress.position + 1) / batches) / settings.epochs
    learning_rate = settings.learning_rate * learning_rate_factor(done, settings.warmup)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate
    # The draws of a step follow from its number, so a resumed run repeats them without a saved generator.
    torch.manual_seed(random.Random(f"{config.seed} {progress.step}").getrandbits(63))
    logits_B, loss = _forward_backward(state, train, indices, machine)
    norm = float(clip_grad_norm_(state.model.parameters(), settings.clip_norm))
    _refuse_divergence(loss, norm, progress.step)
    state.optimizer.step()
    if state.average is not None:
        state.average.update_parameters(state.model)
    progress.position += 1
    progress.step += 1
    progress.loss_sum += loss * len(indices)
    progress.hits += int(((logits_B > 0) == (train.labels_N[indices] == 1)).sum())
    progress.reviews += len(indices)
    tokens = int(train.reviews.lengths_N[indices].sum())
    return Step(progress.step, progress.epoch + 1, loss, norm, learning_rate, len(indices), tokens, batches)


def _forward_backward(
    state: TrainingState, train: LabelledReviews, indices: list[int], machine: Machine
) -> tuple[np.ndarray, float]:
    """Leave the gradient of the batch's mean loss in the parameters; return logits_B and the loss."""
    batch = train.reviews.batch(indices).to(machine.device)
    labels_B = torch.from_numpy(train.labels_N[indices]).to(machine.device, torch.float32)
    state.model.train()
    state.optimizer.zero_grad()
    with machine.autocast():
        logits_B = state.model(batch.tokens_BT, batch.lengths_B)
    loss = binary_cross_entropy_with_logits(logits_B, labels_B)
    loss.backward()  # type: ignore[no-untyped-call]
    return logits_B.detach().cpu().numpy(), float(loss.detach())


def learning_rate_factor(done: float, warmup: float) -> float:
    """Rise linearly over the first `warmup` of the training, then fall along half a cosine to zero."""
    if done < warmup:
        return done / warmup
    return (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2


def _refuse_divergence(loss: float, norm: float, step: int) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = "loss" if not math.isfinite(loss) else "gradient"
        raise DivergedError(
            f"the {what} is no longer finite at step {step + 1}; the last good step is {step}; "
            "lower training.learning_rate or training.clip_norm"
        )


def _close_epoch(state: TrainingState, validation: Evaluation) -> Epoch:
    progress = state.progress
    is_best = progress.best_loss is None or validation.loss < progress.best_loss
    progress.epoch += 1
    if is_best:
        progress.best_loss, progress.best_epoch = validation.loss, progress.epoch
        state.keep_best()
    loss, accuracy = progress.loss_sum / progress.reviews, progress.hits / progress.reviews
    progress.position, progress.loss_sum, progress.hits, progress.reviews = 0, 0.0, 0, 0
    return Epoch(progress.epoch, progress.step, loss, accuracy, validation, is_best)


@dataclass(frozen=True)
class Rehearsal:
    """What the largest batch took before the first step."""

    padded_tokens: int
    epoch_seconds: float
    """An epoch's time at the speed of a batch of middling length, validation not counted."""
    peak_memory_bytes: int


def rehearse(state: TrainingState, train: LabelledReviews, config: Config, machine: Machine) -> Rehearsal:
    """Run the largest batch forward and backward, so that too little memory shows now; nothing is learned."""
    lengths_N = train.reviews.lengths_N
    batches = shuffled_batches(lengths_N, config.batches, config.seed, state.progress.epoch)
    longest = np.array([lengths_N[indices].max() for indices in batches])
    sizes = longest * np.array([len(indices) for indices in batches])
    largest, middling = int(sizes.argmax()), int(longest.argsort()[len(batches) // 2])
    _forward_backward(state, train, batches[largest], machine)  # this also warms up the kernels
    start = time.perf_counter()
    _forward_backward(state, train, batches[middling], machine)
    seconds = time.perf_counter() - start
    state.optimizer.zero_grad()
    epoch_seconds = seconds * float(sizes.sum() / sizes[middling])
    return Rehearsal(int(sizes[largest]), epoch_seconds, peak_memory_bytes(machine.device))
