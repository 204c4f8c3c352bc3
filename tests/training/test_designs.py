"""Every design of the article can be trained, stopped, resumed, saved and loaded."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import sentiment
from sentiment.config import read_config
from sentiment.data.prepare import prepare
from sentiment.evaluation.judge import score_run
from sentiment.runs import read_run
from sentiment.system.device import find_machine
from sentiment.training.loop import Epoch, Step, train
from sentiment.training.run import train_run
from sentiment.training.stages import plan_stages
from sentiment.training.state import TrainingState

DESIGNS = sorted((Path(__file__).parents[2] / "configs" / "article").glob("*.toml"))
TINY = [
    "machine.threads=1",
    "machine.device=cpu",
    "vocabulary.min_frequency=1",
    "batches.tokens=256",
    "model.embedding=8",
    "model.hidden=4",
    "training.epochs=2",
    "training.average=0.9",
]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Write sixty reviews of twenty films."""
    path = tmp_path_factory.mktemp("designs") / "reviews.jsonl"
    random = np.random.default_rng(1)
    words = np.array(["the", "a", "film", "plot", "was", "it", "this", "that", "and", "but", "Actor"])
    rows = [
        {
            "text": " ".join([*random.choice(words, random.integers(2, 30)), ["bad", "good"][index % 2]]),
            "label": index % 2,
            "film": f"f{index // 3}",
        }
        for index in range(60)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tiny_config(design, reviews):
    return read_config(design, [*TINY, f"data.source={json.dumps(str(reviews))}"])


@pytest.mark.parametrize("design", DESIGNS, ids=lambda path: path.stem)
def test_a_design_resumes_and_loads_to_the_same_bits(design, reviews, tmp_path):
    config = tiny_config(design, reviews)
    whole = train_run(config, tmp_path / "run")
    weights = read_run(tmp_path / "run").weights

    machine = find_machine(config.machine)
    prepared = prepare(config, workers=1)
    plan = (plan_stages(config, prepared), config.training, machine.device)
    stopped = TrainingState(*plan)
    for event in train(stopped, prepared.validation, config, machine):
        if isinstance(event, Step) and event.step == 2:
            break
    resumed = TrainingState.restore(*plan, tensors=stopped.tensors(), progress=stopped.progress_dict())
    list(train(resumed, prepared.validation, config, machine))
    (best,) = resumed.finished
    assert weights.keys() == best.keys()
    assert all(torch.equal(weights[name], best[name]) for name in weights)

    loaded = sentiment.load(tmp_path / "run", device="cpu", threads=1)
    judged = score_run(loaded, split="validation").judge().evaluation
    assert judged.loss == pytest.approx(whole["result"]["validation"]["loss"], abs=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("design", DESIGNS, ids=lambda path: path.stem)
def test_a_design_learns_the_sample(design):
    overrides = [
        "data.source=sample",
        "machine.threads=1",
        "vocabulary.min_frequency=1",
        "batches.tokens=2048",
        "model.embedding=64",
        "model.hidden=32",
        "training.epochs=10",
        "training.patience=10",
        "training.learning_rate=4e-3",
    ]
    config = read_config(design, overrides)
    machine, prepared = find_machine(config.machine), prepare(config, workers=1)
    state = TrainingState(plan_stages(config, prepared), config.training, machine.device)
    torch.set_flush_denormal(True)  # as in every run
    events = train(state, prepared.validation, config, machine)
    # The first epoch that shows it ends the training.
    assert any(isinstance(event, Epoch) and event.validation.accuracy >= 0.85 for event in events)
