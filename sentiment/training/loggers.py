"""What a person sees of a training: bars that vanish where nobody watches, and one line an epoch."""

import time
from typing import Any

from tqdm import tqdm

from sentiment.training.loop import Epoch, Rehearsal, Scored, Step
from sentiment.training.state import Progress


def say(message: str) -> None:
    """Print a line on stderr without tearing a bar."""
    import sys

    tqdm.write(message, file=sys.stderr)


class ProgressDisplay:
    """Shows the events of a training loop."""

    def __init__(self, epochs: int, validation_reviews: int) -> None:
        self._epochs = epochs
        self._validation_reviews = validation_reviews
        self._bar: tqdm[Any] | None = None
        self._tokens = 0
        self._training_seconds = 0.0
        self._last = time.perf_counter()

    def show_rehearsal(self, rehearsal: Rehearsal) -> None:
        """Say what an epoch will take."""
        say(
            f"largest batch: {rehearsal.padded_tokens:,} tokens; an epoch takes about "
            f"{rehearsal.epoch_seconds:,.0f} s; memory so far {rehearsal.peak_memory_bytes / 2**20:,.0f} MiB"
        )

    def show(self, event: Step | Scored | Epoch, progress: Progress) -> None:
        """Update the bar, or print the line of an epoch."""
        if isinstance(event, Step):
            self._show_step(event, progress)
        elif isinstance(event, Scored):
            self._open(f"validating {progress.epoch + 1}/{self._epochs}", self._validation_reviews, "reviews")
            self._advance(event.reviews)
        else:
            self.close()
            self._show_epoch(event)
        self._last = time.perf_counter()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_step(self, step: Step, progress: Progress) -> None:
        self._open(f"epoch {step.epoch}/{self._epochs}", step.batches, "batches", progress.position - 1)
        self._tokens += step.tokens
        self._training_seconds += time.perf_counter() - self._last
        loss, accuracy = progress.loss_sum / progress.reviews, progress.hits / progress.reviews
        speed = self._tokens / self._training_seconds
        self._advance(1, f"loss {loss:.3f}, accuracy {accuracy:.1%}, {speed / 1000:,.1f}k tokens/s")
        if progress.position == step.batches:
            self.close()

    def _show_epoch(self, epoch: Epoch) -> None:
        judged = epoch.validation
        say(
            f"epoch {epoch.epoch}/{self._epochs}: "
            f"train loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}; "
            f"validation loss {judged.loss:.3f}, accuracy {judged.accuracy:.1%}"
            + (" (best)" if epoch.is_best else "")
            + f"; {self._tokens / max(self._training_seconds, 1e-9):,.0f} tokens/s"
        )
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
