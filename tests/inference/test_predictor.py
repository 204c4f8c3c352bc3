"""A run that loads predicts as it did after training; one that cannot load gives the reason."""

import json
import shutil
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
import safetensors.torch
import tomli_w
import torch

import sentiment
from sentiment.config import override, parse_config
from sentiment.data.text_rules import TextRules
from sentiment.errors import DataError, RunError
from sentiment.inference.in_place import predict_each
from sentiment.inference.lines import Line
from sentiment.inference.predictor import Predictor
from sentiment.runs import read_run
from sentiment.system import storage
from sentiment.training.run import train_run
from tests.helpers import TINY_CONFIG, reviews


@pytest.fixture(scope="module")
def run(tmp_path_factory, write_rows):
    """Return the folder of a run of one epoch."""
    folder = tmp_path_factory.mktemp("predictor")
    source = write_rows(folder / "reviews.jsonl", reviews(48, ["dull and awful", "bright and lovely"]))
    changes = [override("data.source", str(source)), "text.head=2", "text.tail=3"]
    train_run(parse_config(TINY_CONFIG, "test", changes), folder / "run")
    return folder / "run"


@pytest.fixture
def copy(run, tmp_path):
    """Return a copy of the run for a test to change."""
    return shutil.copytree(run, tmp_path / "run")


def load(path):
    return sentiment.load(path, device="cpu", threads=1)


def test_a_prediction_reports_the_tokens_read(run):
    whole, cut = load(run).predict(["lovely zyzzyva", "take 1 was <br /> bright and lovely"])
    assert (whole.tokens, whole.unknown, whole.cut) == (2, 0.5, False)
    assert (cut.tokens, cut.unknown, cut.cut) == (5, 0.0, True)
    for prediction in (whole, cut):
        assert prediction.label == ("positive" if prediction.probability > 0.5 else "negative")
        assert 0 < prediction.probability < 1


def test_no_texts_give_no_predictions(run):
    assert load(run).predict([]) == []


@pytest.mark.parametrize("text", ["", "  \n", "<br />", "half \ud83d a pair"])
def test_an_unreadable_text_is_named(run, text):
    with pytest.raises(DataError, match="review 2: the text is"):
        load(run).predict(["fine", text])


def test_a_stream_gives_the_predictions_of_single_calls(run, monkeypatch):
    monkeypatch.setattr("sentiment.inference.predictor.REVIEWS_AT_A_TIME", 7)
    monkeypatch.setattr("sentiment.data.workers.PARALLEL_FROM", 20)
    texts = [f"take {n} was {('bright', 'dull')[n % 2]} and w{n}" for n in range(100)]
    alone = sentiment.load(run, device="cpu", threads=1)
    together = sentiment.load(run, device="cpu", threads=2)
    expected = [alone.predict([text])[0] for text in texts]
    for model in (alone, together):
        found = list(model.predict_stream(iter(texts)))
        assert [p.probability for p in found] == pytest.approx([p.probability for p in expected], abs=1e-6)
        assert [p.unknown for p in found] == [p.unknown for p in expected]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [0, 3, 7, 50, 98])
def test_a_stream_predicts_the_reviews_before_a_bad_one(run, monkeypatch, threads, bad):
    monkeypatch.setattr("sentiment.inference.predictor.REVIEWS_AT_A_TIME", 7)
    monkeypatch.setattr("sentiment.data.workers.PARALLEL_FROM", 20)
    texts = ["take 1 was bright"] * 99
    texts[bad] = ""
    seen = 0
    with pytest.raises(DataError, match=f"review {bad + 1}: the text is empty"):
        for _ in sentiment.load(run, device="cpu", threads=threads).predict_stream(texts):
            seen += 1
    assert seen == bad


def test_threads_may_share_a_model(run, monkeypatch):
    monkeypatch.setattr("sentiment.data.tokenizer.REMEMBERED", 0)
    model = load(run)
    expected = {n: model.predict([f"take {n} was bright x{n}"])[0].probability for n in range(60)}

    def ask(n):
        return model.predict([f"take {n} was bright x{n}"])[0].probability

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, list(expected) * 3))
    assert found == pytest.approx(list(expected.values()) * 3, abs=1e-6)


def test_at_a_pause_each_line_has_its_answer_also_one_with_a_flaw(run):
    lines = [Line("1", "take 1 was bright"), Line("2", "", flaw="the text is empty"), Line("3", "take 3")]
    given = []
    read = (given.append(line) or line for line in lines)
    model = load(run)
    for number, (line, found) in enumerate(predict_each(model, read, lambda: True), start=1):
        assert len(given) == number and line == lines[number - 1]
        assert found == (None if line.flaw else model.predict([line.text])[0])


def test_one_review_is_scored_on_one_core(run, monkeypatch):
    model = sentiment.load(run, device="cpu", threads=2)
    forward, threads = model.model.forward, []

    def note_threads(*batch):
        threads.append(torch.get_num_threads())
        return forward(*batch)

    monkeypatch.setattr(model.model, "forward", note_threads)
    model.predict(["take 1 was bright"])
    model.predict(["take 1 was bright", "take 2 was dull"])
    assert threads == [1, 2]


def test_a_single_string_is_refused(run):
    with pytest.raises(TypeError, match="a list of reviews"):
        load(run).predict("good")


def test_long_streams_keep_memory_flat(run, monkeypatch):
    """spaCy stores the first words it reads, and no more after that."""
    model = load(run)
    strings = sentiment.data.tokenizer.shared_tokenizer(TextRules.of(model.config.text))._nlp.vocab.strings
    monkeypatch.setattr("sentiment.data.tokenizer.REMEMBERED", len(strings) + 1000)
    for start in range(0, 20_000, 500):
        model.predict([" ".join(f"w{number}x{start}" for number in range(start, start + 500))])
        assert len(strings) < sentiment.data.tokenizer.REMEMBERED + 1001
    before = len(strings)
    model.predict(["one more zyzzyva2000"])
    assert len(strings) == before >= sentiment.data.tokenizer.REMEMBERED


OLD_KEYS = ("head", "tail")  # the section `text` of a run that is older than `text.rules`
CURLY = "take 1 isn\u2019t <b>bright</b> &amp; lovely"
PLAIN = "take 1 isn't <b>bright</b> & lovely"


def make_old(path, golden=()):
    """Write config.toml as it was before `text.rules`, and `golden` as what the run then predicted."""
    config = tomllib.loads((path / "config.toml").read_text())
    config["text"] = {key: config["text"][key] for key in OLD_KEYS}
    (path / "config.toml").write_text(tomli_w.dumps(config))
    if golden:
        records = [{"text": text, "probability": probability} for text, probability in golden]
        (path / "golden.json").write_text(json.dumps({"reviews": records}))
    storage.write_manifest(path)


def with_rules(path, **rules):
    """The predictor of a run, with other rules for its texts."""
    model = load(path)
    return Predictor(model.config.with_text(**rules), model.vocabulary, model.model, model.machine)


def test_an_old_run_reads_plain_quotes_and_entities_but_keeps_tags(copy):
    expected = with_rules(copy, tags=False, invisible=False).predict([CURLY, PLAIN])
    make_old(copy)
    assert read_run(copy).config.text.rules == 1
    assert load(copy).predict([CURLY, PLAIN]) == expected
    assert expected[0] == expected[1] != load(copy).predict(["take 1 isn't bright & lovely"])[0]


def test_an_old_run_whose_golden_predictions_need_its_own_rules_keeps_them(copy):
    text = "take 1 was br&#105;ght"
    old = with_rules(copy, rules=1)
    with torch.no_grad():
        old.model.head.weight.mul_(30)  # a network that has learned more
    (expected,) = old.predict([text])
    change_weights(copy, lambda weights: weights | {"head.weight": weights["head.weight"] * 30})
    make_old(copy, golden=[(text, expected.probability)])
    assert load(copy).config.text.rules == 1
    assert load(copy).predict([text]) == [expected]
    plain = with_rules(copy, rules=2).predict([text])
    make_old(copy, golden=[("take 1 was bright", plain[0].probability)])
    assert load(copy).predict([text]) == plain != [expected]


def test_plain_text_is_the_same_to_an_old_run(run, copy):
    texts = ["take 1 was bright and lovely", "it isn't <br /> good - at all"]
    make_old(copy)
    assert load(copy).predict(texts) == load(run).predict(texts) == with_rules(run, rules=1).predict(texts)


def test_the_shipped_model_reads_curly_quotes_as_plain_ones():
    model = sentiment.load(device="cpu", threads=1)
    plain, curly = model.predict(["it isn't good", "it isn\u2019t good"])
    assert curly.probability == pytest.approx(plain.probability, abs=1e-6) and plain.label == "negative"


def change_weights(path, change):
    """Rewrite the weights and the manifest, as an attacker would."""
    weights = safetensors.torch.load_file(path / "model.safetensors")
    safetensors.torch.save_file(change(weights), path / "model.safetensors")
    storage.write_manifest(path)


def test_weights_that_are_not_finite_are_refused(copy):
    change_weights(copy, lambda weights: weights | {"head.bias": torch.tensor([float("nan")])})
    with pytest.raises(RunError, match="not finite"):
        load(copy)


def test_weights_of_another_shape_are_refused(copy):
    change_weights(copy, lambda weights: weights | {"head.bias": torch.zeros(3)})
    with pytest.raises(RunError, match="does not fit its configuration"):
        load(copy)


def test_a_huge_configuration_is_refused_before_memory_is_taken(copy):
    text = (copy / "config.toml").read_text().replace("hidden = 4", "hidden = 1000000000")
    (copy / "config.toml").write_text(text)
    storage.write_manifest(copy)
    with pytest.raises(RunError, match="does not fit its configuration"):
        load(copy)


def test_a_moved_golden_prediction_names_the_library_that_changed(copy):
    facts = json.loads((copy / "run.json").read_text())
    facts["versions"]["spacy"] = "0.1"
    (copy / "run.json").write_text(json.dumps(facts))
    change_weights(copy, lambda weights: weights | {"head.bias": weights["head.bias"] + 1})
    with pytest.raises(RunError, match=r"no longer predicts .* spacy 0\.1 -> "):
        load(copy)


@pytest.mark.parametrize("threads", [1, 2])
def test_before_a_pause_everything_read_so_far_is_predicted(run, monkeypatch, threads):
    monkeypatch.setattr("sentiment.data.workers.PARALLEL_FROM", 20)
    monkeypatch.setattr("sentiment.inference.predictor.REVIEWS_AT_A_TIME", 7)
    model = sentiment.load(run, device="cpu", threads=threads)
    read, predicted = [], []

    def texts():
        for number in range(60):
            if pauses():  # the text before this one was the last for now
                assert len(predicted) == len(read)
            read.append(f"take {number} was bright")
            yield read[-1]

    def pauses():
        return len(read) in (1, 5, 30, 31, 50)

    for prediction in model.predict_stream(texts(), pauses):
        predicted.append(prediction)
    assert len(predicted) == 60
