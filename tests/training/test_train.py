"""A run with every kind of stage: two members with pretraining and self-training, and n-gram evidence."""

import json
import os
import shutil
import signal
from contextlib import nullcontext
from unittest.mock import Mock

import numpy as np
import pytest
import safetensors.torch
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import sentiment
from sentiment.data.batches import EncodedReviews, LabelledReviews
from sentiment.data.prepare import GOLDEN_REVIEWS, prepare
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.errors import DivergedError, Interrupted, MachineError, UsageError
from sentiment.evaluation.judge import score_run
from sentiment.evaluation.metrics import evaluate
from sentiment.explain.inspection import inspect_text
from sentiment.inference.predictor import Predictor
from sentiment.inference.scoring import probabilities, score_in_turn
from sentiment.runs import SHIPPED, RunFolder, read_metrics, read_run
from sentiment.system.device import Machine, flushes_denormals
from sentiment.system.place import ONLY_PROCESS
from sentiment.system.processes import Processes
from sentiment.training.evidence import fit_evidence
from sentiment.training.objectives import PseudoLabels
from sentiment.training.optimizer import PlainAdamW
from sentiment.training.run import resume_run, train_run
from sentiment.training.session import training_machine
from sentiment.training.state import TrainingState

STAGES = [
    "batches.tokens = 120",
    "model.embedding = 8",
    "model.hidden = 6",
    "model.layers = 1",
    "model.word_dropout = 0.1",
    "pretraining.epochs = 2",
    "pretraining.samples = 10",
    "training.epochs = 2",
    "training.learning_rate = 0.02",
    "training.members = 2",
    "training.adversarial = 0.1",
    "training.checkpoint_steps = 3",
    "self_training.epochs = 2",
    "evidence.weight = 0.4",
    "evidence.size = 15",
    "evidence.unlabelled = 0.5",
    "machine.device = 'cpu'",
    "machine.threads = 1",
]
STAGE_NAMES = [
    f"{name} {member} of 2" for member in (1, 2) for name in ("pretraining", "member", "self-training")
]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a folder with train.jsonl and unsupervised.jsonl."""
    folder = tmp_path_factory.mktemp("reviews")
    films = [f"film{number}" for number in range(8)]
    words = ["was dull and awful", "was bright and lovely"]
    train = [
        {"text": f"Take {take} of {film} {words[label]}.", "label": label, "film": film}
        for film in films
        for take in range(3)
        for label in (0, 1)
    ]
    unlabelled = [{"text": f"It {words[number % 2]}, said {films[number]}."} for number in range(8)]
    for name, rows in (("train", train), ("unsupervised", unlabelled)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def config(source, config_for):
    return config_for(source, *STAGES)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of the run that `run` trains once."""
    return tmp_path_factory.mktemp("runs") / "whole"


@pytest.fixture
def run(config, finished):
    if not finished.exists():
        train_run(config, finished)
    return finished


def train_until_killed(config, run, whole, share, monkeypatch):
    """Train a run whose process is killed after a share of the steps of the whole one."""

    class Killed(BaseException):
        pass

    append, appended = RunFolder.append_metrics, []
    last = int(share * len((whole / "metrics.jsonl").read_text().splitlines()))

    def append_and_die(self, record):
        appended.append(append(self, record))
        if len(appended) > last:
            raise Killed
        return appended[-1]

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(RunFolder, "append_metrics", append_and_die)
        train_run(config, run)


def assert_same_bytes(run, whole):
    for name in ("model.safetensors", "metrics.jsonl", "golden.json", "vocabulary.txt"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def records_of(run, event):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def test_the_stages_follow_each_other(run):
    epochs = records_of(run, "epoch")
    assert [(epoch["stage"], epoch["epoch"]) for epoch in epochs] == [
        (stage, epoch) for stage in STAGE_NAMES for epoch in (1, 2)
    ]
    for epoch in epochs:
        judged = not epoch["stage"].startswith("pretraining")
        assert (epoch["validation"] is not None) == judged == (epoch["train_accuracy"] is not None)
    steps = records_of(run, "step")
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    reviews = {
        stage: sum(step["reviews"] for step in steps if step["stage"] == stage) for stage in STAGE_NAMES
    }
    trained = read_run(run).facts["data"]["train"]
    both = trained + 8
    assert reviews == dict(zip(STAGE_NAMES, [2 * both, 2 * trained, 2 * both] * 2, strict=True))


def test_run_json_lists_the_stages(run):
    stages = read_run(run).facts["result"]["stages"]
    assert [stage["name"] for stage in stages] == STAGE_NAMES
    assert [stage["epochs"] for stage in stages] == [2] * 6
    assert [stage["best_epoch"] > 0 for stage in stages] == [False, True, True] * 2


def test_the_model_joins_its_members_and_their_evidence(run, config):
    """The saved run predicts as the model did during training."""
    prepared = prepare(config, 1)
    predictor = sentiment.load(run, device="cpu", threads=1)
    members, evidence = predictor.model.members, predictor.model.evidence
    assert len(members) == 2
    assert not torch.equal(members[0].head.weight, members[1].head.weight)

    def mix(reviews, evidence):
        batch = reviews.batch(range(len(reviews)))
        with torch.inference_mode():
            logits = [member(batch.tokens_BT, batch.lengths_B) for member in members]
            return 0.6 * (logits[0] + logits[1]) / 2 + 0.4 * evidence(batch.tokens_BT)

    (words,) = prepared.vocabulary.sizes
    first = fit_evidence(prepared.train, words, config.evidence, seed=config.seed)
    final = {name: value.clone() for name, value in evidence.state_dict().items()}
    evidence.load_state_dict(first.state_dict())
    guessed = LabelledReviews(prepared.unlabelled, probabilities(predictor.logits(prepared.unlabelled)))
    evidence.load_state_dict(final)
    refitted = fit_evidence(prepared.train, words, config.evidence, seed=config.seed, guessed=guessed)
    assert not torch.equal(first.weights_G, refitted.weights_G)
    for name, value in refitted.state_dict().items():
        assert torch.equal(evidence.state_dict()[name], value), name

    validation = prepared.validation.reviews
    mixed_N = mix(validation, refitted)
    np.testing.assert_allclose(predictor.logits(validation), mixed_N.numpy(), atol=1e-5)
    hits = int(((mixed_N > 0).numpy() == (prepared.validation.labels_N == 1)).sum())
    judged = read_run(run).facts["result"]["validation"]
    assert judged["accuracy"] == pytest.approx(hits / len(validation))


def test_unlabelled_reviews_get_labels_from_classifier_and_evidence(run, config, tmp_path, monkeypatch):
    """If the run is stopped while they are labelled, it labels them again when it is resumed."""
    asked, teachers = [], []

    def ask_and_stop(self, teacher, machine):
        teachers.append(teacher)
        for event in ask(self, teacher, machine):
            if len(teachers) == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            yield event
        asked.append((self._targets.copy(), self._reviews))

    ask = PseudoLabels.ask
    monkeypatch.setattr(PseudoLabels, "ask", ask_and_stop)
    with pytest.raises(Interrupted, match="SIGTERM"):
        train_run(config, tmp_path / "run")
    resume_run(tmp_path / "run")
    (labels_N, reviews), prepared = asked[0], prepare(config, 1)
    assert len(teachers) == 3 and len(asked) == 2
    trained = len(prepared.train.reviews)
    assert (labels_N[:trained] == prepared.train.labels_N).all()
    batch = reviews.batch(range(len(reviews)))
    with torch.inference_mode():
        (member,), evidence = teachers[1].members, teachers[1].evidence
        logits_N = 0.6 * member(batch.tokens_BT, batch.lengths_B) + 0.4 * evidence(batch.tokens_BT)
    np.testing.assert_allclose(labels_N[trained:], logits_N.sigmoid()[trained:], atol=1e-6)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes(), name


def test_a_stop_prints_the_new_place_of_the_data(config, source, tmp_path, monkeypatch, capsys):
    first, moved, path = tmp_path / "first", tmp_path / "now here", tmp_path / "run"
    shutil.copytree(source, first)
    finish_stage = TrainingState.finish_stage

    def finish_and_signal(self):
        finish_stage(self)
        os.kill(os.getpid(), signal.SIGTERM)

    for number in (1, 2):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            patch.setattr(TrainingState, "finish_stage", finish_and_signal)
            if number == 1:
                train_run(config.with_source(str(first)), path)
            else:
                first.rename(moved)
                resume_run(path, source=str(moved))
        option = f" --data '{moved}'" if number == 2 else ""
        assert capsys.readouterr().err.endswith(f"sentiment train --resume --run {path}{option}\n")
    assert resume_run(path, source=str(moved))["result"]


def test_without_unlabelled_reviews_there_is_no_self_training(config_for, source, tmp_path, capsys):
    config = config_for(source / "train.jsonl", *STAGES)
    stages = train_run(config, tmp_path / "run")["result"]["stages"]
    assert [stage["name"] for stage in stages] == [name for name in STAGE_NAMES if "self" not in name]
    keys = "self_training.epochs, evidence.unlabelled"
    assert f"no unlabelled reviews, so these keys have no effect: {keys}\n" in capsys.readouterr().err


@pytest.mark.parametrize("unlabelled", [True, False])
def test_only_the_final_evidence_learns_the_phrases(config_for, source, tmp_path, monkeypatch, unlabelled):
    fitted = []

    def fit(*arguments, phrases=None, guessed=None, **settings):
        fitted.append((phrases is not None, guessed is not None))
        return fit_evidence(*arguments, phrases=phrases, guessed=guessed, **settings)

    for module in ("session", "finish"):
        monkeypatch.setattr(f"sentiment.training.{module}.fit_evidence", fit)
    reviews = source if unlabelled else source / "train.jsonl"
    few = [line for line in STAGES if not line.startswith(("pretraining", "training.members"))]
    train_run(config_for(reviews, *few, "evidence.phrases = 0.3"), tmp_path / "run")
    assert fitted == ([(False, False), (True, True)] if unlabelled else [(True, False)])


@pytest.fixture
def taught(source, config_for):
    """The configuration of a run with lessons."""
    few = [
        line for line in STAGES if not line.startswith(("pretraining", "training.members", "evidence.size"))
    ]
    return config_for(
        source,
        *few,
        "lessons.everyday = 0.5",
        "lessons.excerpts = 0.5",
        "evidence.lessons = 0.3",
        "calibration.short_texts = 'auto'",
    )


def test_the_last_stage_and_the_final_evidence_learn_the_lessons(taught, tmp_path, monkeypatch):
    fitted = []

    def fit(*arguments, lessons=None, **settings):
        fitted.append(0 if lessons is None else len(lessons.reviews))
        return fit_evidence(*arguments, lessons=lessons, **settings)

    for module in ("session", "finish"):
        monkeypatch.setattr(f"sentiment.training.{module}.fit_evidence", fit)
    data = train_run(taught, tmp_path / "run")["data"]
    lessons = sum(data["lessons"].values())
    assert fitted == [0, lessons] and data["lessons"].keys() == {"everyday", "excerpts"}
    read = {"training": data["train"], "self-training": data["train"] + data["unlabelled"] + lessons}
    for stage, texts in read.items():
        steps = [one for one in records_of(tmp_path / "run", "step") if one["stage"] == stage]
        assert sum(step["reviews"] for step in steps) == taught.training.epochs * texts


@pytest.fixture
def turned(tmp_path, config_for):
    """The configuration of a run that turns reviews without labels round."""
    words = ["awful, dull, stupid and terrible", "superb, clever, witty and excellent"]
    folder = tmp_path / "turned"
    folder.mkdir()
    train = [{"text": f"Take {n // 2} was {words[n % 2]}.", "label": n % 2} for n in range(40)]
    unlabelled = [{"text": f"Film {n // 2} is {words[n % 2]}."} for n in range(10)]
    for name, rows in (("train", train), ("unsupervised", unlabelled)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    few = [line for line in STAGES if not line.startswith(("pretraining", "training.members"))]
    return config_for(folder, *few, "lessons.unlabelled = 1.0")


@pytest.mark.parametrize("sureness", [0.9, 0.7])
def test_turned_reviews_get_the_opposite_label_if_the_teacher_agrees_with_their_words(
    turned, tmp_path, monkeypatch, sureness
):
    """The teacher is right about the first eight reviews and wrong about the last two."""
    given = np.array([(1 - sureness, sureness)[n % 2] for n in range(8)] + [sureness, 1 - sureness])
    asked = []

    def ask(self, teacher, machine):
        yield from original(self, teacher, machine)
        asked.append((self._targets[self._labelled :][10:], len(self.lengths_N) - self._labelled - 10))

    original = PseudoLabels.ask
    monkeypatch.setattr(PseudoLabels, "ask", ask)
    monkeypatch.setattr("sentiment.training.objectives.probabilities", lambda logits: given)
    train_run(turned, tmp_path / "run")
    (targets, kept), originals_N = asked[0], prepare(turned, 1).turned.originals_N
    np.testing.assert_allclose(targets, 1 - given[originals_N], rtol=1e-6)
    assert kept == (8 if sureness == 0.9 else 0)
    steps = [one for one in records_of(tmp_path / "run", "step") if one["stage"] == "self-training"]
    texts = len(prepare(turned, 1).train.reviews) + 10 + kept
    assert sum(step["reviews"] for step in steps) == turned.self_training.epochs * texts


def test_a_run_with_turned_reviews_that_is_killed_ends_with_the_same_bytes(turned, tmp_path, monkeypatch):
    train_run(turned, tmp_path / "whole")
    train_until_killed(turned, tmp_path / "killed", tmp_path / "whole", 0.8, monkeypatch)
    resume_run(tmp_path / "killed")
    assert_same_bytes(tmp_path / "killed", tmp_path / "whole")


def test_a_run_with_lessons_that_is_killed_ends_with_the_same_bytes(taught, tmp_path, monkeypatch):
    train_run(taught, tmp_path / "whole")
    train_until_killed(taught, tmp_path / "killed", tmp_path / "whole", 0.8, monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # the lessons are made again
    resume_run(tmp_path / "killed")
    assert_same_bytes(tmp_path / "killed", tmp_path / "whole")


def test_a_run_keeps_the_precision_that_was_faster_when_it_began(taught, tmp_path, monkeypatch, capsys):
    wanted = taught.model_copy(update={"machine": taught.machine.model_copy(update={"precision": "auto"})})
    asked, judged = [], []

    def score(model, reviews, machine, purpose):
        judged.append(machine.precision)
        return score_in_turn(model, reviews, machine, purpose)

    for module in ("training.loop", "training.objectives", "inference.scoring"):
        monkeypatch.setattr(f"sentiment.{module}.score_in_turn", score)
    with monkeypatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
        # The processor of a test may have no such instructions; what counts here is who asks for them.
        patch.setattr(Machine, "autocast", lambda machine: nullcontext(asked.append(machine.precision)))
        facts = train_run(wanted, tmp_path / "whole")
        train_until_killed(wanted, tmp_path / "killed", tmp_path / "whole", 0.8, monkeypatch)
        resume_run(tmp_path / "killed", wanted)
    assert "training in bfloat16, the faster precision on this machine" in capsys.readouterr().err
    assert facts["machine"]["precision"] == "bfloat16" and set(judged) == {torch.float32}
    assert_same_bytes(tmp_path / "killed", tmp_path / "whole")
    assert torch.bfloat16 in asked and len(asked) > len(judged)


def test_a_gpu_that_may_give_other_bits_is_refused(config, monkeypatch):
    """torch remembers how it found cuBLAS's variable at its first product on a GPU."""
    gpu = Machine(torch.device("cuda"), torch.float32, 1)
    monkeypatch.setattr("sentiment.training.session.find_machine", lambda settings, place: gpu)
    for name in ("ones", "mm"):
        monkeypatch.setattr(torch, name, Mock())
    torch.mm.side_effect = RuntimeError("not deterministic: set CUBLAS_WORKSPACE_CONFIG=:4096:8")
    with (
        pytest.raises(MachineError, match="has used the GPU without CUBLAS_WORKSPACE_CONFIG=:4096:8; import"),
        training_machine(config, ONLY_PROCESS),
    ):
        pass
    torch.mm.side_effect = None
    with training_machine(config, ONLY_PROCESS) as machine:
        assert machine is gpu and torch.backends.cudnn.rnn.fp32_precision == "ieee"


def test_inspect_gives_the_logit_that_predict_gives(run, config):
    predictor = sentiment.load(run, device="cpu", threads=1)
    text = "Take 1 was bright and lovely."
    (prediction,) = predictor.predict([text])
    found = inspect_text(config, text, predictor.vocabulary, predictor.model)
    assert 1 / (1 + np.exp(-found.logits[0])) == pytest.approx(prediction.probability, abs=1e-6)


@pytest.mark.parametrize("share", [0.25, 0.45, 0.9])
def test_a_run_killed_in_any_stage_ends_with_the_same_bytes(run, config, tmp_path, monkeypatch, share):
    """The run is resumed from the files alone."""
    train_until_killed(config, tmp_path / "run", run, share, monkeypatch)
    resume_run(tmp_path / "run")
    assert_same_bytes(tmp_path / "run", run)


def test_a_failing_disk_names_the_whole_checkpoint(config, tmp_path, monkeypatch):
    append, path = RunFolder.append_metrics, tmp_path / "run"

    def fail_at_5(self, record):
        if record["event"] == "step" and record["step"] == 5:
            raise MachineError("cannot write metrics.jsonl: Input/output error")
        return append(self, record)

    monkeypatch.setattr(RunFolder, "append_metrics", fail_at_5)
    with pytest.raises(MachineError) as failure:
        train_run(config, path)
    newest = RunFolder(path).checkpoints()[-1]
    how = f"{newest} is whole; to resume: sentiment train --resume --run {path}"
    assert str(failure.value) == f"cannot write metrics.jsonl: Input/output error; {how}"


def test_a_stop_while_a_failure_is_reported_prints_how_to_resume(config, tmp_path, monkeypatch, capsys):
    answers = iter([Interrupted(signal.SIGTERM), "sentiment train --resume"])

    def answer(*arguments):
        if isinstance(value := next(answers), Interrupted):
            raise value
        return value

    def fail(*arguments, **options):
        raise MachineError("another process of this training has ended")

    monkeypatch.setattr("sentiment.training.finish.fit_evidence", fail)
    monkeypatch.setattr("sentiment.training.follow.resume_command_line", answer)
    with pytest.raises(Interrupted):
        train_run(config, tmp_path / "run")
    assert "to resume: sentiment train --resume\n" in capsys.readouterr().err


@pytest.mark.parametrize("failure", [Interrupted(signal.SIGINT), MemoryError()])
def test_a_stop_in_the_last_fit_prints_how_to_resume(config, tmp_path, monkeypatch, capsys, failure):
    def fail(*arguments, **options):
        raise failure

    path = tmp_path / "a run"
    asked = config.model_copy(update={"training": config.training.model_copy(update={"members": 1})})
    with monkeypatch.context() as patch, pytest.raises((Interrupted, MachineError)) as raised:
        patch.setattr("sentiment.training.finish.fit_evidence", fail)
        train_run(asked, path)
    how = f"to resume: sentiment train --resume --run '{path}'"
    printed = capsys.readouterr().err + str(raised.value)
    assert how in printed and ("not enough memory; " in printed) == isinstance(failure, MemoryError)
    elsewhere = asked.model_copy(update={"machine": asked.machine.model_copy(update={"threads": 2})})
    with monkeypatch.context() as patch, pytest.raises((Interrupted, MachineError)) as raised:
        patch.setattr("sentiment.training.finish.fit_evidence", fail)
        resume_run(path, elsewhere)
    assert f"{how} --set machine.threads=2" in capsys.readouterr().err + str(raised.value)


def test_a_stop_before_the_first_checkpoint_prints_how_to_resume(config, tmp_path, monkeypatch, capsys):
    def stop(*arguments):
        raise Interrupted(signal.SIGINT)

    path = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr("sentiment.training.run.follow_training", stop)
        train_run(config, path)
    how = f"stopped before anything was learned\nto resume: sentiment train --resume --run {path}\n"
    assert capsys.readouterr().err.endswith(how)
    resume_run(path)
    assert "nothing was saved yet; starting from the beginning" in capsys.readouterr().err


def test_processes_that_train_together_need_one_recipe_but_not_one_machine(
    config, source, config_for, tmp_path, monkeypatch
):
    starts = []

    def note_and_stop(self, start):
        starts.append(start)
        raise KeyboardInterrupt

    monkeypatch.setattr(Processes, "require_same", note_and_stop)
    moved = shutil.copytree(source, tmp_path / "moved")
    elsewhere = config_for(moved, *STAGES[:-1], "machine.threads = 2")
    other = config_for(source, *STAGES, "training.warmup = 0.5")
    for number, asked in enumerate([config, elsewhere, other]):
        with pytest.raises(KeyboardInterrupt):
            train_run(asked, tmp_path / f"{number}")
    assert starts[0] == starts[1] != starts[2]


def test_training_and_predicting_leave_the_settings_of_the_caller_alone(config, tmp_path):
    """The configuration has two threads; the caller has one, and no deterministic kernels."""
    asked = config.model_copy(
        update={
            "machine": config.machine.model_copy(update={"threads": 2}),
            "training": config.training.model_copy(update={"members": 1, "epochs": 1}),
        }
    )
    settings = [torch.get_num_threads, torch.are_deterministic_algorithms_enabled, flushes_denormals]
    before = [setting() for setting in settings]
    train_run(asked, tmp_path / "run")
    assert [setting() for setting in settings] == before == [1, False, False]
    predictor = sentiment.load(tmp_path / "run", threads=2)
    predictor.predict(["A fine film."])
    assert [setting() for setting in settings] == before


def test_a_signal_after_the_last_save_is_not_lost(run, config, tmp_path, monkeypatch):
    finish_stage = TrainingState.finish_stage

    def finish_and_signal(self):
        finish_stage(self)
        if self.is_finished:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="SIGTERM"):
        patch.setattr(TrainingState, "finish_stage", finish_and_signal)
        train_run(config, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").is_finished
    resume_run(tmp_path / "run")
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes(), name


def test_a_state_with_infinite_weights_is_not_saved(config, tmp_path, monkeypatch):
    step = PlainAdamW.step
    steps = []

    def spoil_the_sixth(self, *arguments, **options):
        step(self, *arguments, **options)
        steps.append(1)
        if len(steps) == 6:
            with torch.no_grad():
                self.param_groups[0]["params"][0].view(-1)[0] = float("inf")

    monkeypatch.setattr(PlainAdamW, "step", spoil_the_sixth)
    with pytest.raises(DivergedError, match=r"after step 6; the last good checkpoint is step-\d;"):
        train_run(config, tmp_path / "run")
    assert RunFolder(tmp_path / "run").newest_checkpoint(pytest.fail).progress["step"] < 6


def test_the_evidence_of_a_run_has_its_size_and_leans_the_right_way(run, config):
    weights = safetensors.torch.load_file(run / "model.safetensors")
    assert int((weights["evidence.keys_G"] < torch.iinfo(torch.int64).max).sum()) == 15
    predictor = sentiment.load(run, device="cpu", threads=1)
    assert predictor.model.weight == 0.4
    tokens = shared_tokenizer(TextRules.of(config.text)).tokenize(["lovely", "awful"])
    reviews = EncodedReviews(tokens, predictor.vocabulary, config.text)
    batch = reviews.batch([0, 1])
    good, bad = predictor.model.evidence(batch.tokens_BT).tolist()
    assert good > bad


def test_empty_evidence_gives_a_warning(config_for, tmp_path, capsys):
    """No word is in two reviews."""
    rows = [{"text": f"one{number} two{number} three{number}", "label": number % 2} for number in range(12)]
    (tmp_path / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny = ["model.embedding = 4", "model.hidden = 4", "training.epochs = 1", "machine.device = 'cpu'"]
    config = config_for(
        tmp_path / "reviews.jsonl", *tiny, "data.validation = 'none'", "evidence.weight = 0.5"
    )
    train_run(config, tmp_path / "run")
    assert "no n-gram is in two reviews" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["auto", 5.0])
def test_short_texts_are_made_less_sure_at_the_end(config, run, tmp_path, monkeypatch, wanted):
    monkeypatch.setattr("sentiment.training.finish.ENOUGH_TO_CALIBRATE", 1)
    monkeypatch.setattr("sentiment.training.finish.best_half_length", lambda *judged: 3.0)
    calibration = config.calibration.model_copy(update={"short_texts": wanted})
    facts = train_run(config.model_copy(update={"calibration": calibration}), tmp_path / "run")
    half_length = facts["result"]["half_length"]
    assert half_length == (3.0 if wanted == "auto" else wanted)
    reviews, labels_N = prepare(config, 1).validation
    before, after = (sentiment.load(path).logits(reviews) for path in (run, tmp_path / "run"))
    lengths_N = reviews.lengths_N
    np.testing.assert_allclose(after, before * lengths_N / (lengths_N + half_length), rtol=1e-4, atol=1e-6)
    assert facts["result"]["validation"]["loss"] == pytest.approx(evaluate(after, labels_N).loss)


def test_too_few_first_sentences_leave_short_texts_as_they_are(config, tmp_path):
    calibration = config.calibration.model_copy(update={"short_texts": "auto"})
    facts = train_run(config.model_copy(update={"calibration": calibration}), tmp_path / "run")
    assert facts["result"]["half_length"] == 0


def test_a_temperature_is_folded_into_the_weights_and_changes_no_label(config, run, tmp_path, monkeypatch):
    """The validation reviews are scored once, for the temperature and for the result."""
    logits = Predictor.logits
    monkeypatch.setattr("sentiment.training.finish.best_temperature", lambda logits_N, labels_N: 2.5)
    asked = config.model_copy(
        update={"calibration": config.calibration.model_copy(update={"temperature": True})}
    )
    scored = []
    monkeypatch.setattr(Predictor, "logits", lambda self, texts: scored.append(texts) or logits(self, texts))
    facts = train_run(asked, tmp_path / "run")
    assert [len(texts) for texts in scored] == [facts["data"]["validation"], GOLDEN_REVIEWS]
    plain, scaled = sentiment.load(run), sentiment.load(tmp_path / "run")
    temperature = facts["result"]["temperature"]
    assert scaled.temperature == temperature == 2.5 and plain.temperature == 1
    before, after = (read_run(path).facts["result"]["validation"] for path in (run, tmp_path / "run"))
    assert after["accuracy"] == before["accuracy"] and after["loss"] != before["loss"]
    reviews = prepare(config, 1).validation.reviews
    np.testing.assert_allclose(
        scaled.logits(reviews) * temperature, plain.logits(reviews), rtol=1e-4, atol=1e-6
    )
    judged = score_run(scaled, split="validation").judge()
    assert judged.uncalibrated_error == pytest.approx(before["calibration_error"], abs=1e-6)
    assert judged.evaluation.calibration_error == pytest.approx(after["calibration_error"])
    assert judged.evaluation.loss == pytest.approx(after["loss"])


def test_the_metrics_of_a_run_can_be_read(run):
    records = read_metrics(run)
    steps = [record["step"] for record in records if record["event"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert next(record["stage"] for record in records if record["event"] == "epoch") == STAGE_NAMES[0]
    assert read_metrics(SHIPPED) == []


def test_curves_for_tensorboard_continue_after_a_stop(config, tmp_path, monkeypatch):
    """Points after the checkpoint are written again, and each appears once."""
    asked = config.model_copy(update={"logging": config.logging.model_copy(update={"tensorboard": True})})
    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("sentiment.training.run.finish_run", stop_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            train_run(asked, path)
    *_, newest = RunFolder(path).checkpoints()
    shutil.rmtree(newest)
    resume_run(path)
    events = EventAccumulator(str(path / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    for record in read_metrics(path):
        if record["event"] == "step":
            values = {scalar.step: scalar.value for scalar in events.Scalars(f"{record['stage']}/step loss")}
            assert values[record["step"]] == pytest.approx(record["loss"], rel=1e-6)
    steps = [s.step for s in events.Scalars(f"{STAGE_NAMES[-1]}/step loss")]
    assert len(steps) == len(set(steps))
    assert events.Scalars("member 1 of 2/validation accuracy")


def stop_at_the_end(*_):
    raise KeyboardInterrupt


def test_a_missing_tensorboard_is_reported_before_anything_is_read(config, tmp_path, monkeypatch):
    asked = config.model_copy(update={"logging": config.logging.model_copy(update={"tensorboard": True})})
    monkeypatch.setattr("sentiment.training.loggers.find_spec", lambda _: None)
    monkeypatch.setattr("sentiment.training.session.prepare", stop_at_the_end)
    with pytest.raises(MachineError, match=r'pip install "lstm-sentiment\[tensorboard\]"'):
        train_run(asked, tmp_path / "run")


def test_extra_texts_are_trained_on_and_counted_separately(run, config_for, source, tmp_path):
    extra = tmp_path / "extra.jsonl"
    extra.write_text('{"text": "Hardly dull.", "label": 1}\n{"text": "Hardly lovely.", "label": 0}\n')
    path = tmp_path / "extra"
    plain = read_run(run).facts["data"]
    taught = train_run(config_for(source, *STAGES, f"data.extra = '{extra}'"), path)["data"]
    assert plain["extra"] == 0 and (taught["train"], taught["extra"]) == (plain["train"], 2)
    with_extra, without = (sum(step["reviews"] for step in records_of(one, "step")) for one in (path, run))
    assert with_extra - without == 2 * 2 * 2 * 2  # texts, members, stages of labels, epochs
    predictor = sentiment.load(path)
    assert score_run(predictor, split="train").judge().evaluation.reviews == plain["train"]
    assert len(score_run(predictor, split="validation").logits) == taught["validation"]


def test_a_source_that_is_not_utf8_is_refused_before_it_is_read(config, tmp_path):
    named = config.with_source(str(tmp_path / "\udcff.jsonl"))
    with pytest.raises(UsageError, match=r"^data\.source is not UTF-8; rename "):
        train_run(named, tmp_path / "run")
    assert not (tmp_path / "run").exists()
