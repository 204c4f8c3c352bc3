"""What a person sees of a training: bars that vanish where nobody watches, a line an epoch, curves."""

import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from sentiment.errors import MachineError
from sentiment.inference.scoring import Scored
from sentiment.system.console import say
from sentiment.training.loop import Epoch, Event, Rehearsal, Step
from sentiment.training.state import TrainingState


class Logger(Protocol):
    """Follows the events of a training loop."""

    def show(self, event: Event, state: TrainingState) -> None:
        """Take note of an event; `state` is where training stands after it."""
        ...

    def close(self) -> None:
        """Let go of whatever is open."""
        ...


class ProgressDisplay:
    """Shows the events of a training loop."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._tokens = 0
        self._training_seconds = 0.0
        self._last = time.perf_counter()

    def show(self, event: Event, state: TrainingState) -> None:
        """Update the bar, or print the line of a stage or an epoch."""
        if isinstance(event, Rehearsal):
            self.close()
            self._show_rehearsal(event)
        elif isinstance(event, Step):
            self._show_step(event, state)
        elif isinstance(event, Scored):
            self._open(event.purpose, event.of, "reviews")
            self._advance(event.reviews)
        else:
            self.close()
            self._show_epoch(event, state)
        self._last = time.perf_counter()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_rehearsal(self, rehearsal: Rehearsal) -> None:
        say(
            f"{rehearsal.stage}: largest batch {rehearsal.padded_tokens:,} tokens; an epoch ~"
            f"{rehearsal.epoch_seconds:,.0f} s; memory {rehearsal.peak_memory_bytes / 2**20:,.0f} MiB"
        )

    def _show_step(self, step: Step, state: TrainingState) -> None:
        progress, epochs = state.progress, state.stage.epochs
        self._open(f"{step.stage} {step.epoch}/{epochs}", step.batches, "batches", progress.position - 1)
        self._tokens += step.tokens
        self._training_seconds += time.perf_counter() - self._last
        accuracy = (
            f"accuracy {progress.hits / progress.terms:.1%}, " if state.stage.objective.classifies else ""
        )
        speed = self._tokens / self._training_seconds / 1000
        self._advance(1, f"loss {progress.loss_sum / progress.terms:.3f}, {accuracy}{speed:,.1f}k tokens/s")
        if progress.position == step.batches:
            self.close()

    def _show_epoch(self, epoch: Epoch, state: TrainingState) -> None:
        speed = self._tokens / max(self._training_seconds, 1e-9) / 1000
        figures = _figures(epoch.train_loss, epoch.train_accuracy)
        say(f"{epoch.stage} {epoch.epoch}/{state.stage.epochs}: {figures}; {speed:,.1f}k tokens/s")
        if judged := epoch.validation:
            best = "; the best so far" if epoch.is_best else ""
            say(f"  validation: {_figures(judged.loss, judged.accuracy)}{best}")
        self._tokens, self._training_seconds = 0, 0.0

    def _open(self, description: str, total: int, unit: str, initial: int = 0) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=total, initial=initial, desc=description, unit=f" {unit}", disable=None, leave=False
            )

    def _advance(self, amount: int, postfix: str = "") -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(postfix, refresh=False)
            self._bar.update(amount)


def _figures(loss: float, accuracy: float | None) -> str:
    return f"loss {loss:.3f}" + ("" if accuracy is None else f", accuracy {accuracy:.1%}")


class TensorBoardLog:
    """Writes the curves of a training as TensorBoard's event files; a resumed run goes on where it stands."""

    def __init__(self, folder: Path, step: int) -> None:
        """Take the steps that are done; what was written after them is void."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(folder, purge_step=step + 1)

    def show(self, event: Event, state: TrainingState) -> None:
        """Add a point to each curve."""
        if isinstance(event, Step):
            names = ("loss", "gradient_norm", "learning_rate")
            self._add(event, "step", {name: getattr(event, name) for name in names})
        elif isinstance(event, Epoch):
            self._add(event, "train", {"loss": event.train_loss, "accuracy": event.train_accuracy})
            if event.validation is not None:
                names = ("loss", "accuracy", "calibration_error")
                self._add(event, "validation", {name: getattr(event.validation, name) for name in names})

    def close(self) -> None:
        """Write out what is buffered."""
        self._writer.close()

    def _add(self, event: Step | Epoch, kind: str, values: Mapping[str, float | None]) -> None:
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(f"{event.stage}/{kind} {name}", value, event.step)


def require_tensorboard() -> None:
    """Raise MachineError if the package that writes event files is not there."""
    if find_spec("tensorboard") is None:
        raise MachineError("logging.tensorboard needs a package: pip install tensorboard")
