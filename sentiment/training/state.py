"""Everything that changes while a run trains: enough to go on from any step as if nothing had happened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import torch
from pydantic import TypeAdapter
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sentiment.config import TrainingSettings
from sentiment.errors import RunError
from sentiment.runs import Checkpoint
from sentiment.training.stages import Stage, Weights


@dataclass
class Progress:
    """Where a run stands. Random draws follow from (seed, step), so no generator's state is needed."""

    epoch: int = 0
    """Epochs of the current stage that are complete."""
    position: int = 0
    """Batches of the current epoch that are done."""
    step: int = 0
    """Optimizer steps since the start of the run."""
    loss_sum: float = 0.0
    """Sum of the loss over the current epoch's terms so far."""
    terms: int = 0
    """Of a classifier one a review, of a language model one a word and direction."""
    hits: int = 0
    """Of the current epoch's reviews so far, those that were classified rightly."""
    best_loss: float | None = None
    """Lowest validation loss of the stage so far."""
    best_epoch: int = 0
    finished: list[dict[str, Any]] = field(default_factory=list)
    """For each stage that is done, its name, epochs and best epoch."""
    seconds: float = 0.0
    """Time spent training and validating, over every stop and resume."""
    metrics_bytes: int = 0
    """How much of metrics.jsonl belongs to the steps up to here."""


class TrainingState:
    """The current stage's network, optimizer, averaged and best weights; earlier results; progress."""

    def __init__(
        self,
        stages: Sequence[Stage],
        settings: TrainingSettings,
        device: torch.device,
        finished: Sequence[Weights] = (),
    ) -> None:
        """Begin the stage that comes after the `finished` ones."""
        self.stages = stages
        self.finished = list(finished)
        self.progress = Progress()
        self.best: Weights = {}
        self._settings = settings
        self._device = device
        self._begin_stage()

    @classmethod
    def restore(
        cls,
        stages: Sequence[Stage],
        settings: TrainingSettings,
        device: torch.device,
        tensors: Mapping[str, Tensor],
        progress: Mapping[str, Any],
    ) -> Self:
        """Go on from what `tensors` and `progress_dict` gave.

        Raises IndexError, KeyError, TypeError, ValueError or RuntimeError if they do not fit.
        """
        restored = _parse_progress(progress)
        if name := first_infinite(tensors):
            raise ValueError(f"{name} holds values that are not finite numbers")
        ended = [stage["name"] for stage in restored.finished]
        if ended != [stage.name for stage in stages[: len(ended)]]:
            raise ValueError(f"its finished stages are not those of this version: {', '.join(ended)}")
        finished = [_under(f"finished.{index}.", tensors) for index in range(len(ended))]
        state = cls(stages, settings, device, finished)
        state._check_finished()
        state.model.load_state_dict(_under("model.", tensors))
        parameters = list(state.model.parameters())
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer.", tensors).items():
            index, slot = name.split(".")
            slots.setdefault(int(index), {})[slot] = value
            if value.shape not in ((), parameters[int(index)].shape):
                raise ValueError(f"optimizer.{name} has another shape than its weights")
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        if state.average is not None:
            state.average.load_state_dict(_under("average.", tensors))
        state.best = _under("best.", tensors)
        state.progress = restored
        return state

    @property
    def stage(self) -> Stage:
        """The stage that is under way, or the last one."""
        return self.stages[min(len(self.finished), len(self.stages) - 1)]

    @property
    def is_finished(self) -> bool:
        """Whether every stage is done."""
        return len(self.finished) == len(self.stages)

    @property
    def judged(self) -> nn.Module:
        """The network that is evaluated and kept: the averaged one where there is one."""
        return self.model if self.average is None else self.average.module

    @property
    def members(self) -> list[Weights]:
        """What the finished stages gave that are part of the network the run ends with, in order."""
        ended = zip(self.stages, self.finished, strict=False)
        return [weights for stage, weights in ended if stage.is_member]

    def keep_best(self) -> None:
        """Remember the judged weights as the best so far."""
        self.best = _copy(self.judged)

    def finish_stage(self) -> None:
        """Put aside what the stage gave, its best weights or its last, and begin the next one."""
        progress = self.progress
        progress.finished.append(
            {"name": self.stage.name, "epochs": progress.epoch, "best_epoch": progress.best_epoch}
        )
        progress.epoch, progress.best_loss, progress.best_epoch = 0, None, 0
        self.finished.append(self.best or _copy(self.judged))
        if not self.is_finished:
            self._begin_stage()

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor under a name of its own, on the CPU."""
        named = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            named |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items()}
        if self.average is not None:
            named |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        named |= {f"best.{name}": value for name, value in self.best.items()}
        for index, weights in enumerate(self.finished):
            named |= {f"finished.{index}.{name}": value for name, value in weights.items()}
        return {name: value.detach().cpu().contiguous() for name, value in named.items()}

    def progress_dict(self) -> dict[str, Any]:
        """Progress as JSON knows it."""
        return asdict(self.progress)

    def _begin_stage(self) -> None:
        stage, settings = self.stage, self._settings
        torch.manual_seed(stage.seed)
        self.model = stage.build().to(self._device)
        if stage.start is not None:
            self.model.load_state_dict(self.finished[stage.start], strict=False)
        # What is in the network now, or never will be, need not stand in any checkpoint.
        still_read = self._still_read()
        self.finished = [
            weights if index in still_read or self.stages[index].is_member else {}
            for index, weights in enumerate(self.finished)
        ]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=stage.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.average = (
            AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(stage.average))  # type: ignore[no-untyped-call]
            if stage.average
            else None
        )
        self.best = {}

    def _still_read(self) -> set[int]:
        """The finished stages whose weights this stage or a later one is going to read."""
        read = {self.stage.teacher}
        for later in self.stages[len(self.finished) + 1 :]:
            read |= {later.start, later.teacher}
        return {index for index in read if index is not None and index < len(self.finished)}

    def _check_finished(self) -> None:
        """Raise ValueError if weights that are still to be read are missing or of another shape."""
        shapes = {name: value.shape for name, value in self.model.state_dict().items()}
        for index in self._still_read():
            weights = self.finished[index]
            known = weights.keys() & shapes.keys()
            is_whole = weights.keys() == shapes.keys() if index == self.stage.teacher else bool(known)
            if not is_whole or any(weights[name].shape != shapes[name] for name in known):
                raise ValueError(
                    f"finished.{index} holds other weights than those of {self.stages[index].name}"
                )


def begin_or_restore(
    checkpoint: Checkpoint | None,
    stages: Sequence[Stage],
    settings: TrainingSettings,
    device: torch.device,
) -> TrainingState:
    """The state at the beginning, or at a checkpoint; raises RunError if that does not fit the stages."""
    if checkpoint is None:
        return TrainingState(stages, settings, device)
    try:
        return TrainingState.restore(stages, settings, device, checkpoint.tensors, checkpoint.progress)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{checkpoint.path} does not fit the run's configuration: {error}") from None


def first_infinite(tensors: Mapping[str, Tensor]) -> str | None:
    """Name a tensor with a value that is not a finite number, if there is one."""
    return next((name for name, value in tensors.items() if not torch.isfinite(value).all()), None)


def _parse_progress(values: Mapping[str, Any]) -> Progress:
    if values.keys() != Progress.__dataclass_fields__.keys():
        raise ValueError("its progress is not that of a run")
    return TypeAdapter(Progress).validate_python(dict(values))


def _copy(model: nn.Module) -> Weights:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
