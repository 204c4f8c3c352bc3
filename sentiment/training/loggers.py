"""Show a training: progress bars on a terminal, a line for each epoch, TensorBoard curves."""

import secrets
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sentiment.errors import MachineError
from sentiment.inference.scoring import Scored
from sentiment.system.console import progress_bar, say
from sentiment.system.versions import install_command
from sentiment.training.loop import DryRun, Epoch, Event, Step
from sentiment.training.state import TrainingState

if TYPE_CHECKING:
    from tqdm import tqdm


class Logger(Protocol):
    """Follows the events of a training loop."""

    def show(self, event: Event, state: TrainingState) -> None:
        """Show or record an event; `state` is the state after it."""
        ...

    def close(self) -> None:
        """Close everything that is open."""
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
        if isinstance(event, DryRun):
            self.close()
            self._show_dry_run(event)
        elif isinstance(event, Step):
            self._show_step(event, state)
        elif isinstance(event, Scored):
            self._open_bar(event.purpose, event.of, "reviews")
            self._advance_bar(event.reviews)
        else:
            self.close()
            self._show_epoch(event, state)
        self._last = time.perf_counter()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_dry_run(self, dry_run: DryRun) -> None:
        say(
            f"{dry_run.stage}: largest batch {dry_run.padded_tokens:,} tokens; an epoch ~"
            f"{dry_run.epoch_seconds:,.0f} s; memory {dry_run.peak_memory_bytes / 2**20:,.0f} MiB"
        )

    def _show_step(self, step: Step, state: TrainingState) -> None:
        progress, epochs = state.progress, state.stage.epochs
        self._open_bar(f"{step.stage} {step.epoch}/{epochs}", step.batches, "batches", progress.position - 1)
        self._tokens += step.tokens
        self._training_seconds += time.perf_counter() - self._last
        accuracy = (
            f"accuracy {progress.hits / progress.terms:.1%}, " if state.stage.objective.classifies else ""
        )
        speed = self._tokens / self._training_seconds / 1000
        self._advance_bar(
            1, f"loss {progress.loss_sum / progress.terms:.3f}, {accuracy}{speed:,.1f}k tokens/s"
        )
        if progress.position == step.batches:
            self.close()

    def _show_epoch(self, epoch: Epoch, state: TrainingState) -> None:
        speed = self._tokens / max(self._training_seconds, 1e-9) / 1000
        train = _format_metrics(epoch.train_loss, epoch.train_accuracy)
        say(f"{epoch.stage} {epoch.epoch}/{state.stage.epochs}: {train}; {speed:,.1f}k tokens/s")
        if judged := epoch.validation:
            best = "; the best so far" if epoch.is_best else ""
            say(f"  validation: {_format_metrics(judged.loss, judged.accuracy)}{best}")
        self._tokens, self._training_seconds = 0, 0.0

    def _open_bar(self, description: str, total: int, unit: str, initial: int = 0) -> None:
        if self._bar is None:
            self._bar = progress_bar(description, total, unit, initial)

    def _advance_bar(self, amount: int, postfix: str = "") -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(postfix, refresh=False)
            self._bar.update(amount)


def _format_metrics(loss: float, accuracy: float | None) -> str:
    return f"loss {loss:.3f}" + ("" if accuracy is None else f", accuracy {accuracy:.1%}")


class TensorBoardLog:
    """Writes the curves of a training as TensorBoard event files; a resumed run continues them."""

    def __init__(self, folder: Path, step: int) -> None:
        """`step` is the number of steps that are done; later points in the files are dropped."""
        from torch.utils.tensorboard import SummaryWriter

        # Nobody can put a link at a name that is random.
        self._writer = SummaryWriter(folder, purge_step=step + 1, filename_suffix=f".{secrets.token_hex(8)}")

    def show(self, event: Event, state: TrainingState) -> None:
        """Add a point to each curve."""
        if isinstance(event, Step):
            names = ("loss", "gradient_norm", "learning_rate")
            self._add_points(event, "step", {name: getattr(event, name) for name in names})
        elif isinstance(event, Epoch):
            self._add_points(event, "train", {"loss": event.train_loss, "accuracy": event.train_accuracy})
            if event.validation is not None:
                names = ("loss", "accuracy", "calibration_error")
                self._add_points(
                    event, "validation", {name: getattr(event.validation, name) for name in names}
                )

    def close(self) -> None:
        """Write the points that are still buffered."""
        self._writer.close()

    def _add_points(self, event: Step | Epoch, kind: str, values: Mapping[str, float | None]) -> None:
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(f"{event.stage}/{kind} {name}", value, event.step)


def require_tensorboard() -> None:
    """Raise MachineError if the tensorboard package is not installed."""
    if find_spec("tensorboard") is None:
        raise MachineError(f"logging.tensorboard needs a package: {install_command('tensorboard')}")
