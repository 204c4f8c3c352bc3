"""The script that makes the shipped model, with few reviews and a tiny recipe."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import sentiment
from sentiment.runs import SHIPPED, read_run

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_pretrained.py"
RECIPE = """
[vocabulary]
min_frequency = 1
[batches]
tokens = 256
[model]
embedding = 8
hidden = 8
layers = 1
[pretraining]
epochs = 1
[training]
epochs = 2
average = 0.9
[self_training]
epochs = 1
[evidence]
weight = 0.5
size = 100
phrases = 1.0
[machine]
device = "cpu"
threads = 1
"""


@pytest.fixture
def make_pretrained(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_pretrained", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    monkeypatch.setattr(module, "RECIPE", tmp_path / "recipe.toml")
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "shipped")
    return module


def write_reviews(path):
    random = np.random.default_rng(0)
    words = np.array(["the", "a", "film", "plot", "was", "it", "this", "that", "and", "but"])
    rows = [
        {
            "text": " ".join([*random.choice(words, random.integers(2, 20)), ["bad", "good"][index % 2]]),
            "label": index % 2,
            "film": f"f{index // 3}",
        }
        for index in range(60)
    ]
    path.mkdir()
    (path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    unlabelled = [{"text": row["text"][::2]} for row in rows[:20]]
    (path / "unsupervised.jsonl").write_text("".join(json.dumps(row) + "\n" for row in unlabelled))


def test_a_mistake_is_one_line_and_an_exit_code(tmp_path, monkeypatch, make_pretrained, capsys):
    monkeypatch.setattr("sentiment.system.interrupts.SIGNALS", ())
    monkeypatch.setattr(sys, "argv", ["make_pretrained", "--data", str(tmp_path / "nothing.csv")])
    with pytest.raises(SystemExit) as stop:
        make_pretrained.main()
    message = capsys.readouterr().err
    assert stop.value.code == 3 and message.startswith("error: ") and message.count("\n") == 1


@pytest.mark.slow
def test_the_shipped_model_is_a_run_with_a_card_without_local_paths(tmp_path, make_pretrained):
    write_reviews(tmp_path / "data")
    make_pretrained.make(str(tmp_path / "data"), 2, tmp_path / "runs")
    shipped = read_run(tmp_path / "shipped")
    everything = read_run(tmp_path / "runs" / "everything")
    assert shipped.facts["data"]["train"] == 60 and everything.config.data.validation == "none"
    for file in shipped.path.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file
    card = (shipped.path / "README.md").read_text()
    judged = read_run(tmp_path / "runs" / "judged").facts["data"]
    assert f"without {judged['validation']} reviews" in card
    assert "seed 2; epochs: pretraining 1, training 2, self-training 1" in card
    assert "the unlabelled reviews again, with the answers of an earlier classifier" in card
    assert "for the n-grams, the project's own short texts" in card
    assert "| as trained |" in card and "| as shipped |" in card
    small = sentiment.load(shipped.path, device="cpu").predict(["a good film"])[0]
    full = sentiment.load(everything.path, device="cpu").predict(["a good film"])[0]
    assert small.probability == pytest.approx(full.probability, abs=0.01)


def test_the_model_that_ships_works_and_is_small():
    model = sentiment.load(device="cpu", threads=1)
    praise, blame = model.predict(["This film is not terrible, it's great!", "A dull mess. Avoid it."])
    assert praise.label == "positive" and blame.label == "negative"
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 8_000_000
