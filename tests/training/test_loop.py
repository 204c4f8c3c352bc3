"""The training loop: its steps, when it refuses a step, and when it ends."""

import copy
import dataclasses
import inspect
import math
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch

from sentiment.config import (
    Config,
    PretrainingSettings,
    SelfTrainingSettings,
    TrainingSettings,
    parse_config,
)
from sentiment.data.batches import EncodedReviews, LabelledReviews
from sentiment.data.prepare import Prepared
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DivergedError
from sentiment.system.device import find_machine
from sentiment.training.loggers import ProgressDisplay
from sentiment.training.loop import (
    DryRun,
    Epoch,
    Step,
    is_over,
    learning_rate_factor,
    train,
    try_largest_batch,
)
from sentiment.training.stages import Stage, plan_stages
from sentiment.training.state import Progress, TrainingState

CONFIG = parse_config(
    """
    [vocabulary]
    min_frequency = 1
    [batches]
    tokens = 60
    [model]
    embedding = 8
    hidden = 8
    layers = 1
    readout = "max"
    [training]
    epochs = 3
    learning_rate = 0.02
    average = 0.9
    [machine]
    device = "cpu"
    threads = 1
    """,
    "test",
)
PRETRAINING = PretrainingSettings(epochs=2, learning_rate=0.02, samples=8)


def labelled(count: int = 40) -> tuple[LabelledReviews, Vocabulary]:
    """Return reviews of random words; positive ones contain `good`, negative ones `bad`."""
    random = np.random.default_rng(0)
    forms = ["good", "bad", *(f"w{i}" for i in range(20))]
    reviews = []
    for index in range(count):
        review = random.integers(2, len(forms), size=random.integers(1, 12))
        reviews.append(np.append(review, index % 2).astype(np.int32))
    offsets = np.concatenate([[0], np.cumsum([len(review) for review in reviews])])
    tokens = Tokens(forms, np.concatenate(reviews), offsets)
    vocabulary = Vocabulary.build(tokens, np.arange(count), CONFIG.vocabulary)
    labels_N = np.array([(index + 1) % 2 for index in range(count)], dtype=np.int8)
    return LabelledReviews(EncodedReviews(tokens, vocabulary, CONFIG.text), labels_N), vocabulary


@pytest.fixture
def machine():
    return find_machine(CONFIG.machine)


def no_reviews(vocabulary: Vocabulary) -> LabelledReviews:
    """Return an empty split."""
    tokens = Tokens([], np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64))
    return LabelledReviews(EncodedReviews(tokens, vocabulary, CONFIG.text), np.zeros(0, dtype=np.int8))


def plan(
    reviews: LabelledReviews,
    vocabulary: Vocabulary,
    config: Config = CONFIG,
    validation: LabelledReviews | None = None,
) -> tuple[list[Stage], TrainingSettings, torch.device]:
    """Return what a training state is made of: stages, settings and device."""
    unlabelled = reviews.reviews if config.reads_unlabelled else None
    pretraining = unlabelled if config.pretraining.epochs else None
    validation = reviews if validation is None else validation
    prepared = Prepared(
        vocabulary=vocabulary,
        train=reviews,
        extra=None,
        phrases=None,
        validation=validation,
        golden=[],
        pretraining=pretraining,
        unlabelled=unlabelled,
        rule="random",
        shared_groups=None,
        data_hash="",
        further_hash="",
        split_hashes={},
    )
    return plan_stages(config, prepared), config.training, torch.device("cpu")


def new_state(
    reviews: LabelledReviews,
    vocabulary: Vocabulary,
    config: Config = CONFIG,
    validation: LabelledReviews | None = None,
) -> TrainingState:
    return TrainingState(*plan(reviews, vocabulary, config, validation))


def changed(**training) -> Config:
    return CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update=training)})


def test_steps_and_checkpoints_need_no_compiler(machine, monkeypatch):
    """To import torch's takes two seconds. It is imported once, so what remembers that is forgotten."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        method = inspect.unwrap(getattr(torch.optim.Optimizer, name))
        monkeypatch.delattr(method, "__dynamo_disable", raising=False)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    reviews, vocabulary = labelled()
    planned = plan(reviews, vocabulary)
    state = TrainingState(*planned)
    events = train(state, reviews, CONFIG, machine)
    assert [type(next(events)) for _ in range(3)] == [DryRun, Step, Step]
    state = TrainingState.restore(*planned, tensors=state.tensors(), progress=state.progress_dict())
    assert any(isinstance(event, Step) for event in train(state, reviews, CONFIG, machine))


def test_a_finished_state_forgets_its_steps_and_keeps_its_members(machine):
    reviews, vocabulary = labelled()
    config = changed(epochs=1)
    state = new_state(reviews, vocabulary, config)
    for _ in train(state, reviews, config, machine):
        pass
    before = state.members[0]
    assert sum(name.startswith(("optimizer.", "average.")) for name in state.tensors()) > 0
    state.forget_steps()
    assert state.members[0] is before
    assert not any(name.startswith(("optimizer.", "average.")) for name in state.tensors())


def test_loop_learns_and_reports_each_epoch(machine):
    reviews, vocabulary = labelled()
    config = changed(epochs=12, patience=12)
    events = list(train(new_state(reviews, vocabulary, config), reviews, config, machine))
    epochs = [event for event in events if isinstance(event, Epoch)]
    steps = [event for event in events if isinstance(event, Step)]
    assert [epoch.epoch for epoch in epochs] == list(range(1, 13))
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert epochs[-1].validation.accuracy == 1.0
    assert sum(step.reviews for step in steps) == 12 * 40
    assert sum(step.tokens for step in steps) == 12 * int(reviews.reviews.lengths_N.sum())


def test_train_figures_are_sums_over_reviews_not_means_of_batches(machine):
    reviews, vocabulary = labelled()
    one = changed(epochs=1)
    events = list(train(new_state(reviews, vocabulary, one), reviews, one, machine))
    steps = [event for event in events if isinstance(event, Step)]
    epoch = events[-1]
    weighted = sum(step.loss * step.reviews for step in steps) / 40
    assert len({step.reviews for step in steps}) > 1
    assert epoch.train_loss == pytest.approx(weighted)
    assert epoch.train_loss != pytest.approx(np.mean([step.loss for step in steps]), abs=1e-9)


def test_gradient_is_clipped_and_its_norm_reported_before_clipping(machine, monkeypatch):
    reviews, vocabulary = labelled()
    config = changed(epochs=1, clip_norm=0.01)
    state = new_state(reviews, vocabulary, config)
    norms = []
    step = state.optimizer.step

    def spy():
        grads = [parameter.grad for parameter in state.model.parameters()]
        norms.append(float(torch.linalg.vector_norm(torch.cat([grad.flatten() for grad in grads]))))
        step()

    monkeypatch.setattr(state.optimizer, "step", spy)
    events = train(state, reviews, config, machine)
    reported = [event.gradient_norm for event in events if isinstance(event, Step)]
    assert max(norms) <= 0.01 * (1 + 1e-4)
    assert min(reported) > 0.01


@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_divergence_stops_before_the_step(machine, poison):
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary)
    if poison == "loss":
        with torch.no_grad():
            state.model.head.bias.fill_(math.nan)
    else:
        state.model.head.weight.register_hook(lambda gradient: gradient * math.inf)
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    message = f"the {poison} .* step 1; the last good step is 0; .*--set training.learning_rate=0.01$"
    with pytest.raises(DivergedError, match=message):
        list(train(state, reviews, CONFIG, machine))
    after = state.model.state_dict()
    assert all(torch.equal(before[name], after[name]) or poison == "loss" for name in before)
    assert state.progress.step == 0


def test_a_diverged_language_model_names_its_own_learning_rate(machine):
    reviews, vocabulary = labelled()
    config = CONFIG.model_copy(update={"pretraining": PRETRAINING})
    state = new_state(reviews, vocabulary, config)
    state.model.bias_V.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(DivergedError, match=r"--set pretraining\.learning_rate=0\.01$"):
        list(train(state, reviews, config, machine))


def test_patience_ends_training(machine):
    reviews, vocabulary = labelled()
    flipped = LabelledReviews(reviews.reviews, 1 - reviews.labels_N)  # learning makes validation worse
    config = changed(epochs=40, patience=2, warmup=0.0, average=0.0)
    epochs = [
        event
        for event in train(new_state(reviews, vocabulary, config), flipped, config, machine)
        if isinstance(event, Epoch)
    ]
    best = max(epoch.epoch for epoch in epochs if epoch.is_best)
    assert len(epochs) == best + 2 < 40


def test_best_weights_are_those_of_the_best_epoch(machine):
    reviews, vocabulary = labelled()
    flipped = LabelledReviews(reviews.reviews, 1 - reviews.labels_N)
    config = changed(epochs=6, patience=5, warmup=0.0)
    state = new_state(reviews, vocabulary, config)
    kept, epochs_at_best = {}, 0
    for event in train(state, flipped, config, machine):
        if isinstance(event, Epoch) and event.is_best:
            epochs_at_best = event.epoch
            kept = {name: value.clone() for name, value in state.judged.state_dict().items()}
    assert state.progress.finished == [
        {"name": "training", "epochs": 6, "best_epoch": epochs_at_best, "steps": state.progress.step}
    ]
    assert epochs_at_best < 6
    assert all(torch.equal(kept[name], state.finished[0][name]) for name in kept)
    assert not all(torch.equal(kept[name], value) for name, value in state.judged.state_dict().items())


def test_without_validation_the_last_averaged_weights_are_kept(machine):
    reviews, vocabulary = labelled()
    config = changed(epochs=2)
    nothing = no_reviews(vocabulary)
    state = new_state(reviews, vocabulary, config, nothing)
    epochs = [event for event in train(state, nothing, config, machine) if isinstance(event, Epoch)]
    assert [epoch.validation for epoch in epochs] == [None, None] and epochs[0].train_accuracy is not None
    last = state.judged.state_dict()
    assert all(torch.equal(state.finished[0][name], last[name]) for name in last)
    assert state.judged is not state.model


def test_averaged_weights_lag_behind_and_are_the_ones_judged(machine):
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary)
    list(train(state, reviews, CONFIG, machine))
    assert state.judged is not state.model
    assert not torch.equal(state.judged.head.weight, state.model.head.weight)
    plain = new_state(reviews, vocabulary, changed(average=0.0))
    assert plain.judged is plain.model


def test_the_dry_run_learns_nothing(machine):
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary)
    before = {name: value.clone() for name, value in state.tensors().items()}
    dry_run = try_largest_batch(state, CONFIG, machine)
    after = state.tensors()
    assert dry_run.padded_tokens <= CONFIG.batches.tokens
    assert dry_run.epoch_seconds > 0 and dry_run.peak_memory_bytes > 2**20
    assert before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)


def test_learning_rate_rises_then_falls_to_zero():
    rates = [learning_rate_factor(done, 0.1) for done in np.linspace(0, 1, 101)]
    assert rates[0] == 0 and max(rates) == rates[10] == 1 and rates[-1] == pytest.approx(0, abs=1e-12)
    assert rates[:11] == sorted(rates[:11]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert learning_rate_factor(0.0, 0.0) == 1


def test_every_step_has_a_learning_rate_above_zero(machine):
    """This holds even if a stage has a single step."""
    reviews, vocabulary = labelled(count=3)
    config = changed(epochs=1, warmup=0.0)
    steps = [
        event
        for event in train(new_state(reviews, vocabulary, config), reviews, config, machine)
        if isinstance(event, Step)
    ]
    assert len(steps) == 1 and steps[0].learning_rate == pytest.approx(config.training.learning_rate / 2)


def test_a_stage_is_over_after_its_epochs_or_its_patience():
    reviews, vocabulary = labelled()
    stages, *_ = plan(reviews, vocabulary, changed(epochs=5).model_copy(update={"pretraining": PRETRAINING}))
    pretraining, training = stages
    assert not is_over(training, Progress(epoch=4, best_epoch=3), patience=2)
    assert is_over(training, Progress(epoch=5, best_epoch=5), patience=2)
    assert is_over(training, Progress(epoch=4, best_epoch=2), patience=2)
    assert not is_over(pretraining, Progress(epoch=1), patience=1)  # it is not judged
    assert is_over(pretraining, Progress(epoch=2), patience=9)


STAGES = CONFIG.model_copy(
    update={
        "pretraining": PRETRAINING,
        "training": CONFIG.training.model_copy(update={"epochs": 2, "members": 2, "adversarial": 0.05}),
    }
)


TAUGHT = STAGES.model_copy(update={"self_training": SelfTrainingSettings(epochs=1)})


def choose_stops(steps: list[Step]) -> dict[str, int]:
    """Choose the first step, and one within an epoch and at the end of an epoch, of a stage and of all.

    The later they are, the less is left to train.
    """
    kinds = {
        "within an epoch": lambda one, two: (one.stage, one.epoch) == (two.stage, two.epoch),
        "the end of an epoch": lambda one, two: one.stage == two.stage and one.epoch != two.epoch,
        "the end of a stage": lambda one, two: one.stage != two.stage,
    }
    chosen = {"the first": steps[0].step, "the last": steps[-1].step}
    for name, is_there in kinds.items():
        found = [one.step for one, two in pairwise(steps) if is_there(one, two)]
        if found:
            chosen[name] = found[-2:][0]
    return chosen


@pytest.mark.parametrize(
    "config", [CONFIG, STAGES, TAUGHT], ids=["one stage", "pretraining and two members", "self-training too"]
)
def test_a_restored_state_continues_bit_for_bit(machine, config):
    """The state is copied in memory after a step, also at the ends of epochs and stages."""
    reviews, vocabulary = labelled()
    whole, steps, copies = new_state(reviews, vocabulary, config), [], {}
    for event in train(whole, reviews, config, machine):
        if isinstance(event, Step):
            steps.append(event)
            tensors = {name: value.clone() for name, value in whole.tensors().items()}
            copies[event.step] = tensors, copy.deepcopy(whole.progress_dict())
    expected, stops = whole.tensors(), choose_stops(steps)
    assert len(stops) == (4 if config is CONFIG else 5)  # a single stage ends with all
    for name, step in stops.items():
        tensors, progress = copies[step]
        second = TrainingState.restore(*plan(reviews, vocabulary, config), tensors=tensors, progress=progress)
        list(train(second, reviews, config, machine))
        found = second.tensors()
        assert expected.keys() == found.keys(), name
        assert all(torch.equal(expected[key], found[key]) for key in expected), name
        first, again = (dataclasses.replace(state.progress, seconds=0) for state in (whole, second))
        assert first == again, name


def test_a_state_of_other_stages_is_not_restored(machine):
    """Another version could have other stages: the weights fit, but their positions do not."""
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary, STAGES)
    list(train(state, reviews, STAGES, machine))
    progress = copy.deepcopy(state.progress_dict())
    progress["finished"][2]["name"] = "member 1 of 3"
    with pytest.raises(ValueError, match="stages are not those of this version"):
        TrainingState.restore(*plan(reviews, vocabulary, STAGES), tensors=state.tensors(), progress=progress)


def test_each_member_starts_from_a_language_model_of_its_own(machine):
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary, STAGES)
    starts, ends = [], {}
    for event in train(state, reviews, STAGES, machine):
        weights = {name: value.clone() for name, value in state.model.state_dict().items()}
        if isinstance(event, DryRun):
            starts.append(weights)
        elif isinstance(event, Epoch):
            ends[event.stage] = weights
    assert [stage["name"] for stage in state.progress.finished] == [
        "pretraining 1 of 2",
        "member 1 of 2",
        "pretraining 2 of 2",
        "member 2 of 2",
    ]
    language_models = ends["pretraining 1 of 2"], ends["pretraining 2 of 2"]
    members = state.members
    shared = [name for name in members[0] if name.startswith(("embeddings.", "encoder."))]
    for language_model, start in zip(language_models, starts[1::2], strict=True):
        assert all(torch.equal(start[name], language_model[name]) for name in shared)
    for first, second in (starts[::2], starts[1::2], members):
        assert not any(torch.equal(first[name], second[name]) for name in shared)


def test_a_checkpoint_drops_language_models_that_are_no_longer_needed(machine):
    reviews, vocabulary = labelled()
    state = new_state(reviews, vocabulary, STAGES)
    for event in train(state, reviews, STAGES, machine):
        if isinstance(event, Step) and event.stage == "member 2 of 2":
            break
    kept = {name.split(".")[1] for name in state.tensors() if name.startswith("finished.")}
    assert kept == {"1"}  # the first member; stages 0 and 2 were language models


def stop_in(stage: str, reviews: LabelledReviews, vocabulary: Vocabulary, machine) -> TrainingState:
    """A state of `TAUGHT` after the first step of a stage."""
    state = new_state(reviews, vocabulary, TAUGHT)
    for event in train(state, reviews, TAUGHT, machine):
        if isinstance(event, Step) and event.stage == stage:
            break
    return state


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("member 1 of 2", {"0"}),  # the language model that the student will start from
        ("self-training 1 of 2", {"1"}),  # the teacher, which labels again when the run is resumed
        ("pretraining 2 of 2", {"2"}),
        ("self-training 2 of 2", {"2", "4"}),
    ],
)
def test_a_checkpoint_has_all_weights_that_are_still_needed(machine, stage, kept):
    reviews, vocabulary = labelled()
    state = stop_in(stage, reviews, vocabulary, machine)
    tensors, progress = state.tensors(), state.progress_dict()
    assert {name.split(".")[1] for name in tensors if name.startswith("finished.")} == kept
    read = kept - {"2"}  # a member is needed only at the end
    for index in read:
        names = [name for name in tensors if name.startswith(f"finished.{index}.")]
        without = {name: value for name, value in tensors.items() if name not in names}
        other = tensors | {name: torch.zeros(3, 2) for name in names}
        for spoilt in (without, other):
            message = f"finished.{index} does not hold the weights|size mismatch"
            with pytest.raises((ValueError, RuntimeError), match=message):
                TrainingState.restore(
                    *plan(reviews, vocabulary, TAUGHT), tensors=spoilt, progress=copy.deepcopy(progress)
                )


def test_each_epoch_and_each_validation_has_its_own_progress_bar(machine, monkeypatch):
    opened = []

    class Bar:
        def __init__(self, description, total, *options, **more):
            opened.append((description, total))

        def update(self, amount): ...
        def set_postfix_str(self, text, refresh): ...
        def close(self): ...

    monkeypatch.setattr("sentiment.training.loggers.progress_bar", Bar)
    reviews, vocabulary = labelled()
    config = TAUGHT.model_copy(update={"training": changed(epochs=1).training})
    state, display = new_state(reviews, vocabulary, config), ProgressDisplay()
    steps = {}
    for event in train(state, reviews, config, machine):
        display.show(event, state)
        if isinstance(event, Step):
            steps[event.stage] = event.batches
    assert opened == [
        ("pretraining 1/2", steps["pretraining"]),
        ("pretraining 2/2", steps["pretraining"]),
        ("training 1/1", steps["training"]),
        ("validating", 40),
        ("labelling", 40),
        ("self-training 1/1", steps["self-training"]),
        ("validating", 40),
    ]


def test_the_first_member_equals_a_member_trained_alone(machine):
    reviews, vocabulary = labelled()
    alone = STAGES.model_copy(update={"training": STAGES.training.model_copy(update={"members": 1})})
    first, second = (new_state(reviews, vocabulary, config) for config in (STAGES, alone))
    for state, config in ((first, STAGES), (second, alone)):
        list(train(state, reviews, config, machine))
    assert len(first.members) == 2 and len(second.members) == 1
    for name, value in second.members[0].items():
        assert torch.equal(first.members[0][name], value), name


def test_pretraining_lowers_the_loss_of_the_words(machine):
    reviews, vocabulary = labelled()
    config = CONFIG.model_copy(update={"pretraining": PRETRAINING.model_copy(update={"epochs": 8})})
    events = train(new_state(reviews, vocabulary, config), reviews, config, machine)
    losses = [
        event.train_loss for event in events if isinstance(event, Epoch) and event.stage == "pretraining"
    ]
    assert len(losses) == 8 and losses[-1] < losses[0]
