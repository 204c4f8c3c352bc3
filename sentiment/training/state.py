"""Everything that changes while a run trains: enough to resume exactly from any step."""

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
from sentiment.training.optimizer import PlainAdamW
from sentiment.training.stages import Stage, Weights


@dataclass
class Progress:
    """How far a run is. Random draws follow from (seed, step): no generator's state is needed."""

    epoch: int = 0
    """Epochs of the current stage that are complete."""
    position: int = 0
    """Batches of the current epoch that are done."""
    step: int = 0
    """Optimizer steps since the start of the run."""
    loss_sum: float = 0.0
    """Sum of the loss over the current epoch's terms so far."""
    terms: int = 0
    """The current epoch's terms so far: reviews (classifier), or predicted words (language model)."""
    hits: int = 0
    """How many of the current epoch's reviews so far were classified right."""
    best_loss: float | None = None
    """Lowest validation loss of the stage so far."""
    best_epoch: int = 0
    finished: list[dict[str, Any]] = field(default_factory=list)
    """Name, epochs, best epoch and optimizer steps of each finished stage."""
    seconds: float = 0.0
    """Time for training and validating, without the time between a stop and a resume."""
    metrics_bytes: int = 0
    """The size of metrics.jsonl after the steps up to here."""


class TrainingState:
    """The current stage's network, optimizer, averaged and best weights; the finished stages; progress."""

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
        self.average: AveragedModel | None = None
        self._settings = settings
        self._device = device
        self._begin_stage()

    @classmethod
    def restore(
        cls,
        stages: Sequence[Stage],
        settings: TrainingSettings,
        device: torch.device,
        *,
        tensors: Mapping[str, Tensor],
        progress: Mapping[str, Any],
    ) -> Self:
        """Make the state again from the values of `tensors` and `progress_dict`.

        Raises IndexError, KeyError, TypeError, ValueError or RuntimeError if they do not fit.
        """
        restored = _parse_progress(progress)
        if name := first_infinite(tensors):
            raise ValueError(f"{name} holds values that are not finite numbers")
        ended = [stage["name"] for stage in restored.finished]
        if ended != [stage.name for stage in stages[: len(ended)]]:
            raise ValueError(f"its finished stages are not those of this version: {', '.join(ended)}")
        finished = [_select_prefix(f"finished.{index}.", tensors) for index in range(len(ended))]
        state = cls(stages, settings, device, finished)
        state._check_finished()
        state.model.load_state_dict(_select_prefix("model.", tensors))
        parameters = list(state.model.parameters())
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _select_prefix("optimizer.", tensors).items():
            index, slot = name.split(".")
            slots.setdefault(int(index), {})[slot] = value
            if value.shape not in ((), parameters[int(index)].shape):
                raise ValueError(f"optimizer.{name} has another shape than its weights")
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        if state.average is not None:
            state.average.load_state_dict(_select_prefix("average.", tensors))
        state.best = _select_prefix("best.", tensors)
        state.progress = restored
        return state

    @property
    def stage(self) -> Stage:
        """The current stage, or the last one if all are done."""
        return self.stages[min(len(self.finished), len(self.stages) - 1)]

    @property
    def is_finished(self) -> bool:
        """Whether every stage is done."""
        return len(self.finished) == len(self.stages)

    @property
    def judged(self) -> nn.Module:
        """The network that is evaluated and kept: the averaged one, if any."""
        return self.model if self.average is None else self.average.module

    @property
    def members(self) -> list[Weights]:
        """The weights of the finished stages that are part of the final network, in order."""
        ended = zip(self.stages, self.finished, strict=False)
        return [weights for stage, weights in ended if stage.is_member]

    def keep_best(self) -> None:
        """Remember the judged weights as the best so far."""
        self.best = _copy_weights(self.judged)

    def finish_stage(self) -> None:
        """Keep the stage's best weights, or its last ones if none were judged, and begin the next stage."""
        progress = self.progress
        progress.finished.append(
            {
                "name": self.stage.name,
                "epochs": progress.epoch,
                "best_epoch": progress.best_epoch,
                "steps": progress.step - sum(stage.get("steps", 0) for stage in progress.finished),
            }
        )
        progress.epoch, progress.best_loss, progress.best_epoch = 0, None, 0
        self.finished.append(self.best or _copy_weights(self.judged))
        if not self.is_finished:
            self._begin_stage()

    def forget_steps(self) -> None:
        """Drop what only another step would need, so that ending the training has its memory."""
        self.optimizer.state.clear()
        self.average = None

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor on the CPU, each under its own name."""
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
        """Return the progress as JSON values."""
        return asdict(self.progress)

    def _begin_stage(self) -> None:
        stage, settings = self.stage, self._settings
        torch.manual_seed(stage.seed)
        self.model = stage.build().to(self._device)
        if stage.start is not None:
            self.model.load_state_dict(self.finished[stage.start], strict=False)
        # A checkpoint needs no weights that are already in the network or are never read again.
        still_read = self._still_read()
        self.finished = [
            weights if index in still_read or self.stages[index].is_member else {}
            for index, weights in enumerate(self.finished)
        ]
        self.optimizer = PlainAdamW(
            self.model.parameters(), lr=stage.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.average = None
        if stage.average:
            decay = get_ema_multi_avg_fn(stage.average)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.model, multi_avg_fn=decay)
        self.best = {}

    def _still_read(self) -> set[int]:
        """Return the finished stages whose weights this stage or a later one will read."""
        read = {self.stage.teacher}
        for later in self.stages[len(self.finished) + 1 :]:
            read |= {later.start, later.teacher}
        return {index for index in read if index is not None and index < len(self.finished)}

    def _check_finished(self) -> None:
        """Raise ValueError if weights that will be read are missing or have another shape."""
        shapes = {name: value.shape for name, value in self.model.state_dict().items()}
        for index in self._still_read():
            weights = self.finished[index]
            known = weights.keys() & shapes.keys()
            is_whole = weights.keys() == shapes.keys() if index == self.stage.teacher else bool(known)
            if not is_whole or any(weights[name].shape != shapes[name] for name in known):
                raise ValueError(f"finished.{index} does not hold the weights of {self.stages[index].name}")


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
        return TrainingState.restore(
            stages, settings, device, tensors=checkpoint.tensors, progress=checkpoint.progress
        )
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{checkpoint.path} does not fit the run's configuration: {error}") from None


def first_infinite(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of a tensor with a value that is not a finite number, if any."""
    return next((name for name, value in tensors.items() if not torch.isfinite(value).all()), None)


def _parse_progress(values: Mapping[str, Any]) -> Progress:
    if values.keys() != Progress.__dataclass_fields__.keys():
        raise ValueError("its progress has missing or unknown fields")
    return TypeAdapter(Progress).validate_python(dict(values))


def _copy_weights(model: nn.Module) -> Weights:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _select_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
