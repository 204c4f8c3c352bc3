"""Campaign 13: values that are not finite, planted where a training could use them."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from sentiment.runs import RunFolder
from sentiment.system import storage
from sentiment.training import loop
from sentiment.training.optimizer import PlainAdamW
from sentiment.training.state import TrainingState, first_infinite

from .bench import Bench, newest
from .frame import Outcome, repeat

NAN, INFINITY = float("nan"), float("inf")
STEP = 5  # steps before the plant; the next step would be saved
PLANTS = (
    ("loss", NAN),
    ("loss", INFINITY),
    ("gradient", NAN),
    ("gradient", -INFINITY),
    ("weight", NAN),
    ("weight", INFINITY),
    ("checkpoint", NAN),
    ("checkpoint", INFINITY),
    ("vectors", NAN),
    ("vectors", INFINITY),
)


def plant_numbers(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that training stops before the step or the save, names the last good step, and can be resumed."""
    bench = Bench(folder / "bench")

    def trial(number: int, generator: random.Random, place: Path) -> None:
        where, value = PLANTS[number]
        run = place / "run"
        if where == "checkpoint":
            _plant_in_checkpoint(bench.stopped(run), value)
            ended = bench.resume(run)
            ended.assert_code(3)
            assert str(newest(run)) in ended.error and "not finite" in ended.error, ended.error
        elif where == "vectors":
            (place / "vectors.txt").write_text(f"film {'0.5 ' * 11}{value}\nplot {'0.5 ' * 12}\n")
            ended = bench.train(run, "--set", f"vocabulary.vectors={place / 'vectors.txt'}")
            ended.assert_code(3)
            assert "vectors.txt" in ended.error and "not finite" in ended.error, ended.error
        else:
            ended = bench.train(run, before=partial(PLANT[where], value))
            ended.assert_code(5)
            assert f"step {STEP + 1};" in ended.error and "last good" in ended.error, ended.error
            checkpoint = RunFolder(run).newest_checkpoint(_refuse)
            assert checkpoint is not None and checkpoint.progress["step"] <= STEP
            assert first_infinite(checkpoint.tensors) is None, "it was saved"
            bench.assert_resumes(run)

    return repeat(trial, [number for number in trials if number < len(PLANTS)], seed, folder)


def _refuse(message: str) -> None:
    raise AssertionError(message)


def _plant_in_checkpoint(run: Path, value: float) -> None:
    state = newest(run) / "state.safetensors"
    tensors = safetensors.torch.load(state.read_bytes())
    next(tensors[name] for name in tensors if name.endswith("exp_avg")).view(-1)[0] = value
    state.write_bytes(safetensors.torch.save(tensors))
    storage.write_manifest(state.parent)


# --- for a child process, because nothing restores the functions ---------------------------------------


def _after_backward(spoil: Callable[[TrainingState, float], float]) -> None:
    original = loop._forward_backward

    def forward_backward(state: TrainingState, *arguments: Any) -> tuple[float, int]:
        loss, hits = original(state, *arguments)
        return (spoil(state, loss) if state.progress.step == STEP else loss), hits

    setattr(loop, "_forward_backward", forward_backward)  # noqa: B010


def _plant_in_loss(value: float) -> None:
    _after_backward(lambda state, loss: value)


def _plant_in_gradient(value: float) -> None:
    def spoil(state: TrainingState, loss: float) -> float:
        gradient = next(state.model.parameters()).grad
        assert gradient is not None
        gradient.view(-1)[-1] = value
        return loss

    _after_backward(spoil)


def _plant_in_weight(value: float) -> None:
    """Spoil a weight as an overflowing optimizer step would; the loss before it is finite."""
    original, steps = PlainAdamW.step, [0]

    def step(self: PlainAdamW, *arguments: Any, **options: Any) -> Any:
        result = original(self, *arguments, **options)
        steps[0] += 1
        if steps[0] == STEP + 1:
            with torch.no_grad():
                self.param_groups[0]["params"][0].view(-1)[-1] = value
        return result

    setattr(PlainAdamW, "step", step)  # noqa: B010


PLANT = {"loss": _plant_in_loss, "gradient": _plant_in_gradient, "weight": _plant_in_weight}
