"""Trainings that start from a finished run."""

import json
import shutil

import numpy as np
import pytest
import torch

import sentiment
from sentiment.config import read_config
from sentiment.errors import DataError, Interrupted, RunError, UsageError
from sentiment.runs import RunFolder, read_run
from sentiment.system.place import read_place
from sentiment.training.parent import inherit_settings, open_parent
from sentiment.training.run import resume_run, train_run
from sentiment.training.session import open_session, training_machine

PARENT = """
[batches]
tokens = 240
[vocabulary]
min_frequency = 1
[model]
embedding = 8
hidden = 6
layers = 1
readout = "max_mean"
[training]
epochs = 6
learning_rate = 0.05
members = 2
[evidence]
weight = 0.4
size = 60
[machine]
device = "cpu"
threads = 1
"""
CHILD = """
[batches]
tokens = 120
[vocabulary]
min_frequency = 1
[training]
epochs = 3
learning_rate = 0.01
checkpoint_steps = 2
average = 0.5
[machine]
device = "cpu"
threads = 1
"""
OLD = {"negative": "was dull and awful", "positive": "was bright and lovely"}
NEW = {"negative": "broke and stopped", "positive": "works, a gem"}


def write(path, words, count):
    rows = [
        {"text": f"Thing {number} {text}.", "label": label}
        for label, text in words.items()
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with old.jsonl, a run `parent` trained on it, new.jsonl, and the configuration child.toml."""
    folder = tmp_path_factory.mktemp("adapting")
    write(folder / "old.jsonl", OLD, 20)
    write(folder / "new.jsonl", NEW, 12)
    (folder / "parent.toml").write_text(PARENT)
    (folder / "child.toml").write_text(CHILD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        train_run(configuration(folder, "parent", "old.jsonl", start=""), folder / "parent")
    return folder


@pytest.fixture(autouse=True)
def cache(folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def configuration(folder, name="child", source="new.jsonl", *changes, start=None):
    start = f"{folder / 'parent'}" if start is None else start
    own = [f"data.source={folder / source}", "data.validation=random", f"start.run={start}"]
    return read_config(folder / f"{name}.toml", [*own, *changes])


@pytest.fixture(scope="module")
def child(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        train_run(configuration(folder), folder / "child")
    return folder / "child"


def test_the_network_and_the_reading_of_texts_are_those_of_the_parent(folder, child):
    own, given = read_run(child).config, read_run(folder / "parent").config
    assert own.model == given.model and own.text == given.text
    assert own.training.members == 2 and own.evidence.weight == 0.4
    assert own.evidence.size == given.evidence.size + 50_000


def test_words_and_ngrams_of_the_parent_keep_their_place(folder, child):
    own, given = read_run(child), read_run(folder / "parent")
    known, words = given.vocabulary.channels[0].words, own.vocabulary.channels[0].words
    assert words[: len(known)] == known and {"gem", "works", "broke"} <= set(words[len(known) :])
    parent = sentiment.load(folder / "parent").model.evidence
    keys = own.weights["evidence.keys_G"]
    assert set(parent.keys_with(len(words)).tolist()) <= set(keys.tolist())
    assert (keys[1:] >= keys[:-1]).all()


def test_run_json_has_the_hash_of_the_parent(folder, child):
    start = json.loads((child / "run.json").read_text())["start"]
    assert start == {"run": f"{folder / 'parent'}", "hash": open_parent(configuration(folder)).digest}
    assert json.loads((folder / "parent" / "run.json").read_text())["start"] == {}


def test_a_child_begins_with_the_logits_of_the_parent(folder):
    """Before its first step, for texts of known words."""
    given, place = configuration(folder), read_place()
    config = inherit_settings(given, open_parent(given))
    texts = ["Thing 3 was dull and awful.", "Thing 1 was bright and lovely", "awful"]
    with training_machine(config, place) as machine:
        session = open_session(config, place, machine)
    assert session.parent is not None
    batch = session.parent.predictor.encode(texts).batch([0, 1, 2])
    for stage, given in zip(session.stages, session.parent.members, strict=True):
        with torch.no_grad():
            own_B = stage.build().eval()(batch.tokens_BT, batch.lengths_B)
            np.testing.assert_allclose(own_B, given.eval()(batch.tokens_BT, batch.lengths_B), atol=1e-6)


def test_it_learns_the_new_texts_and_is_compared_with_its_parent(child):
    result = json.loads((child / "run.json").read_text())["result"]
    (compared,) = result["comparison"]
    assert compared["split"] == "validation" and compared["adapted"] == 1.0
    assert compared["parent"] < 1.0 and compared["baseline"] is not None
    assert compared["adapted"] == result["validation"]["accuracy"]
    assert not any("too few to learn" in warning for warning in result["checks"]["warnings"])


def test_a_stopped_training_ends_with_the_same_bytes(folder, child):
    def stop(self, record, append=RunFolder.append_metrics):
        if record["event"] == "step" and record["step"] == 5:
            raise Interrupted(2)
        return append(self, record)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(RunFolder, "append_metrics", stop)
        train_run(configuration(folder), folder / "stopped")
    resume_run(folder / "stopped")
    for name in ("model.safetensors", "vocabulary.txt", "golden.json", "metrics.jsonl"):
        assert (folder / "stopped" / name).read_bytes() == (child / name).read_bytes(), name


def test_a_parent_that_has_changed_is_refused(folder):
    shutil.copytree(folder / "parent", folder / "other")
    config = configuration(folder, "child", "new.jsonl", start=f"{folder / 'other'}")

    def stop(self, record, append=RunFolder.append_metrics):
        raise Interrupted(2)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(RunFolder, "append_metrics", stop)
        train_run(config, folder / "orphan")
    shutil.rmtree(folder / "other")
    with pytest.raises(RunError, match=r"^start\.run: no run at"):
        resume_run(folder / "orphan")
    changed = configuration(folder, "parent", "old.jsonl", "seed=9", start="")
    train_run(changed, folder / "other")
    with pytest.raises(RunError, match="the run that this one started from has changed; restore it"):
        resume_run(folder / "orphan")


def test_old_reviews_can_be_rehearsed(folder):
    config = configuration(folder, "child", "new.jsonl", f"data.rehearse={folder / 'old.jsonl'}")
    facts = train_run(config, folder / "rehearsed")
    assert facts["data"]["rehearsed"] == 24 and facts["data"]["extra"] == 0
    new, old = facts["result"]["comparison"]
    assert (new["split"], old["split"], old["reviews"]) == ("validation", "old", 16)
    assert old["parent"] == old["adapted"] == 1.0


def test_other_classes_get_a_new_last_layer_and_use_the_parents_evidence(folder):
    write(folder / "moods.jsonl", {"bad": "broke, awful", "fair": "is plain", "good": "is lovely, bright"}, 8)
    facts = train_run(configuration(folder, "child", "moods.jsonl"), folder / "moods")
    assert facts["data"]["class_names"] == ["bad", "fair", "good"]
    (compared,) = facts["result"]["comparison"]
    assert compared["parent"] is None and compared["adapted"] == 1.0
    run = read_run(folder / "moods")
    assert run.weights["members.0.head.weight"].shape[0] == 3
    assert run.weights["evidence.weights_G"].shape[1] == 3
    # A heir of the heir, with two classes again.
    config = configuration(folder, "child", "new.jsonl", start=f"{folder / 'moods'}")
    assert train_run(config, folder / "back")["result"]["comparison"][0]["adapted"] == 1.0
    sentiment.load(folder / "back")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("model.hidden=7", "model.hidden cannot be changed: the training starts from"),
        ("model.readout=last", "model.readout cannot be changed"),
        ("vocabulary.lower=false", "vocabulary.lower cannot be changed"),
        ("text.language=de", "text.language cannot be changed"),
        ("evidence.size=5", "evidence.size=5 is too small: "),
        ("vocabulary.vectors=glove.6B.50d", "start.run has its own word vectors"),
        ("start.run=", "data.rehearse needs a run to start from"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(folder, change, reason):
    rehearse = [f"data.rehearse={folder / 'old.jsonl'}"] if change == "start.run=" else []
    with pytest.raises(UsageError, match=reason):
        train_run(configuration(folder, "child", "new.jsonl", *rehearse, change), folder / "never")
    assert not (folder / "never").exists()


def test_a_run_cannot_start_from_itself(folder):
    with pytest.raises(UsageError, match="cannot start from itself"):
        train_run(configuration(folder), folder / "parent", force=True)
    sentiment.load(folder / "parent")


def test_a_damaged_parent_is_refused(folder):
    shutil.copytree(folder / "parent", folder / "damaged")
    (folder / "damaged" / "vocabulary.txt").write_text("[lower]\n")
    with pytest.raises(RunError, match=r"^start\.run: .*damaged"):
        train_run(configuration(folder, start=f"{folder / 'damaged'}"), folder / "never")


def test_a_run_that_does_not_say_what_it_started_from_is_damaged(folder):
    def stop(self, record, append=RunFolder.append_metrics):
        raise Interrupted(2)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(RunFolder, "append_metrics", stop)
        train_run(configuration(folder), folder / "blank")
    path = folder / "blank" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"start": []}))
    with pytest.raises(RunError, match="is damaged: it does not describe the start of the run"):
        resume_run(folder / "blank")


def test_bundled_texts_of_other_classes_are_not_rehearsed(folder):
    write(folder / "tones.jsonl", {"bad": "broke, awful", "fair": "is plain", "good": "is lovely"}, 6)
    config = configuration(folder, "child", "tones.jsonl", "data.rehearse=phrases")
    with pytest.raises(DataError, match=r"^data\.rehearse: phrases has the classes negative and positive"):
        train_run(config, folder / "never")


def test_the_newest_run_is_recorded_by_its_path(folder, monkeypatch):
    monkeypatch.setattr("sentiment.runs.locate.newest_finished", lambda root: folder / "parent")
    config = configuration(folder, start="newest")
    assert inherit_settings(config, open_parent(config)).start.run == f"{folder / 'parent'}"
