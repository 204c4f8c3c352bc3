"""The training loop: a generator that steps and yields; its caller saves, logs and stops."""

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from sentiment.config import Config
from sentiment.data.batches import LabelledReviews, shuffled_batches
from sentiment.errors import DivergedError
from sentiment.evaluation.metrics import Evaluation, evaluate
from sentiment.inference.scoring import Scored, score_in_turn
from sentiment.system.device import Machine, peak_memory_bytes
from sentiment.training.stages import Stage
from sentiment.training.state import Progress, TrainingState


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What the largest batch needed before a stage begins or resumes."""

    stage: str
    padded_tokens: int
    epoch_seconds: float
    """Estimated seconds of an epoch, without validation, from three batches of medium lengths."""
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One optimizer step is done; the state may be saved here."""

    stage: str
    step: int
    epoch: int
    loss: float
    """Mean loss of the batch in nats, for each review or each word that a language model predicts."""
    gradient_norm: float
    """L2 norm before clipping."""
    learning_rate: float
    reviews: int
    tokens: int
    """Real tokens, without padding."""
    batches: int
    """How many steps this epoch has."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """An epoch is trained and, in a judged stage, validated; the state may be saved here."""

    stage: str
    epoch: int
    step: int
    train_loss: float
    train_accuracy: float | None
    validation: Evaluation | None
    is_best: bool


Event = DryRun | Step | Scored | Epoch


def train(
    state: TrainingState, validation: LabelledReviews, config: Config, machine: Machine
) -> Iterator[Event]:
    """Train from `state` to the end of its last stage; yield each event.

    A judged stage ends early when validation stops improving. When a stage begins or resumes, its largest
    batch is tried first. Raises DivergedError before a step whose loss or gradient is not finite.
    """
    progress = state.progress
    while not state.is_finished:
        stage = state.stage
        if not is_over(
            stage, progress, config.training.patience
        ):  # a run that stopped at the end of a stage resumes here
            if stage.ask is not None and stage.teacher is not None:
                yield from stage.ask(state.finished[stage.teacher], machine.in_float32())
            yield try_largest_batch(state, config, machine)
        while not is_over(stage, progress, config.training.patience):
            batches = shuffled_batches(stage.objective.lengths_N, config.batches, stage.seed, progress.epoch)
            for indices in batches[progress.position :]:
                yield _take_step(state, indices, config, machine, batches=len(batches))
            evaluation = None
            if stage.is_judged:
                judge = machine.in_float32()
                logits = yield from score_in_turn(state.judged, validation.reviews, judge, "validating")
                evaluation = evaluate(logits, validation.labels_N)
            yield _close_epoch(state, evaluation)
        state.finish_stage()


def is_over(stage: Stage, progress: Progress, patience: int) -> bool:
    """Whether a stage has had all its epochs, or `patience` epochs without a better validation loss."""
    if progress.epoch >= stage.epochs:
        return True
    return stage.is_judged and progress.epoch - progress.best_epoch >= patience


def _take_step(
    state: TrainingState, indices: list[int], config: Config, machine: Machine, *, batches: int
) -> Step:
    progress, stage = state.progress, state.stage
    # Measured in the middle of a step: at its end the last step would have a rate of zero and learn nothing.
    done = (progress.epoch + (progress.position + 0.5) / batches) / stage.epochs
    learning_rate = stage.learning_rate * learning_rate_factor(done, config.training.warmup)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate
    # The random draws of a step follow from its number: a resumed run repeats them without a saved generator.
    draws = f"{config.seed} {progress.step} {machine.processes.rank}"
    torch.manual_seed(random.Random(draws).getrandbits(63))
    terms = stage.objective.terms(indices)
    loss, hits = _forward_backward(state, indices, machine)
    norm = float(clip_grad_norm_(state.model.parameters(), config.training.clip_norm))
    _refuse_divergence(loss, norm, progress.step, stage)
    state.optimizer.step()
    if state.average is not None:
        state.average.update_parameters(state.model)
    progress.position += 1
    progress.step += 1
    progress.loss_sum += loss * terms
    progress.terms += terms
    progress.hits += hits
    return Step(
        stage=stage.name,
        step=progress.step,
        epoch=progress.epoch + 1,
        loss=loss,
        gradient_norm=norm,
        learning_rate=learning_rate,
        reviews=len(indices),
        tokens=int(stage.objective.lengths_N[indices].sum()),
        batches=batches,
    )


def _forward_backward(state: TrainingState, indices: list[int], machine: Machine) -> tuple[float, int]:
    """Compute the gradient of the batch's mean loss into the parameters; return the loss and the hits."""
    state.model.train()
    state.optimizer.zero_grad()
    objective = state.stage.objective
    own, terms = machine.processes.share(indices), objective.terms(indices)
    loss, hits = objective.backward(state.model, own, terms, machine) if own else (0.0, 0)
    mean_loss, all_hits = machine.processes.sum_gradients(state.model.parameters(), loss, hits)
    return mean_loss, int(all_hits)


def learning_rate_factor(done: float, warmup: float) -> float:
    """Return a factor that rises linearly over the share `warmup`, then falls along half a cosine to zero."""
    if done < warmup:
        return done / warmup
    return (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2


def _refuse_divergence(loss: float, norm: float, step: int, stage: Stage) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        infinite = "loss" if not math.isfinite(loss) else "gradient"
        raise DivergedError(
            f"the {infinite} is no longer finite at step {step + 1}; the last good step is {step}; "
            f"lower the learning rate: --set {stage.half_learning_rate}"
        )


def _close_epoch(state: TrainingState, validation: Evaluation | None) -> Epoch:
    progress = state.progress
    progress.epoch += 1
    is_best = False
    if validation is not None and (progress.best_loss is None or validation.loss < progress.best_loss):
        is_best = True
        progress.best_loss, progress.best_epoch = validation.loss, progress.epoch
        state.keep_best()
    loss = progress.loss_sum / progress.terms
    accuracy = progress.hits / progress.terms if state.stage.objective.classifies else None
    progress.position, progress.loss_sum, progress.terms, progress.hits = 0, 0.0, 0, 0
    return Epoch(
        stage=state.stage.name,
        epoch=progress.epoch,
        step=progress.step,
        train_loss=loss,
        train_accuracy=accuracy,
        validation=validation,
        is_best=is_best,
    )


def try_largest_batch(state: TrainingState, config: Config, machine: Machine) -> DryRun:
    """Run the largest batch forward and backward, to fail early if memory is too small; learn nothing."""
    stage = state.stage
    lengths_N = stage.objective.lengths_N
    batches = shuffled_batches(lengths_N, config.batches, stage.seed, state.progress.epoch)
    longest = np.array([lengths_N[indices].max() for indices in batches])
    sizes = longest * np.array([len(indices) for indices in batches])
    largest = int(sizes.argmax())
    quartiles = longest.argsort()[[len(batches) * quarter // 4 for quarter in (1, 2, 3)]]
    _forward_backward(state, batches[largest], machine)  # this also warms up the kernels
    start = time.perf_counter()
    for index in quartiles:
        _forward_backward(state, batches[index], machine)
    seconds = time.perf_counter() - start
    state.optimizer.zero_grad()
    epoch_seconds = seconds * float(sizes.sum() / sizes[quartiles].sum())
    return DryRun(
        stage=stage.name,
        padded_tokens=int(sizes[largest]),
        epoch_seconds=epoch_seconds,
        peak_memory_bytes=peak_memory_bytes(machine.device),
    )
