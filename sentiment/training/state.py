"""Everything that changes while a model trains: enough to go on from any step as if nothing had happened."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sentiment.config import TrainingSettings


@dataclass
class Progress:
    """Where a run stands. Random draws follow from (seed, step), so no generator's state is needed."""

    epoch: int = 0
    """Epochs that are complete."""
    position: int = 0
    """Batches of the current epoch that are done."""
    step: int = 0
    """Optimizer steps since the start."""
    loss_sum: float = 0.0
    """Sum of the loss over the current epoch's reviews so far."""
    hits: int = 0
    """Of those, the reviews that were classified rightly."""
    reviews: int = 0
    best_loss: float | None = None
    """Lowest validation loss so far."""
    best_epoch: int = 0
    seconds: float = 0.0
    """Time spent training and validating, over all the processes that took part."""
    metrics_bytes: int = 0
    """How much of metrics.jsonl belongs to the steps up to here."""


class TrainingState:
    """Network, optimizer, averaged weights, best weights and progress."""

    def __init__(self, model: nn.Module, settings: TrainingSettings) -> None:
        self.model = model
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.average = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.average))  # type: ignore[no-untyped-call]
            if settings.average
            else None
        )
        self.best: dict[str, Tensor] = {}
        self.progress = Progress()

    @property
    def judged(self) -> nn.Module:
        """The network that is evaluated and kept: the averaged one where there is one."""
        return self.model if self.average is None else self.average.module

    def keep_best(self) -> None:
        """Remember the judged weights as the best so far."""
        self.best = {name: value.detach().cpu().clone() for name, value in self.judged.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor under a name of its own, on the CPU."""
        named = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            named |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items()}
        if self.average is not None:
            named |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        named |= {f"best.{name}": value for name, value in self.best.items()}
        return {name: value.detach().cpu().contiguous() for name, value in named.items()}

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
        """Put back what `tensors` and `asdict(progress)` gave.

        Raises KeyError, TypeError, ValueError or RuntimeError if they do not fit.
        """
        self.model.load_state_dict(_under("model.", tensors))
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer.", tensors).items():
            index, slot = name.split(".")
            slots.setdefault(int(index), {})[slot] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        if self.average is not None:
            self.average.load_state_dict(_under("average.", tensors))
        self.best = _under("best.", tensors)
        self.progress = Progress(**progress)

    def progress_dict(self) -> dict[str, Any]:
        """Progress as JSON knows it."""
        return asdict(self.progress)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
