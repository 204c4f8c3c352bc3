"""The benchmark runs, and counts and uses the batches that its description says."""

import importlib
import re
from pathlib import Path

import pytest
import torch

import sentiment
from sentiment.data.batches import collate
from sentiment.data.prepare import prepare
from sentiment.system.device import find_machine

ROOT = Path(__file__).parents[2]
TINY = ["model.embedding=4", "model.hidden=4", "batches.tokens=400", "machine.threads=1"]


@pytest.fixture
def part(monkeypatch):
    """Return a function that imports a module of the benchmark, as child processes can, too."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"scripts.benchmark.{name}")


def numbers(output, name):
    """Return the figures in the first row with this name."""
    row = re.search(rf"^\| {re.escape(name)} +\|(.*)\|$", output, re.MULTILINE)
    return [float(cell.replace(",", "")) for cell in row[1].split("|")]


@pytest.mark.slow
def test_a_tiny_run_prints_every_comparison(part, monkeypatch, capsys):
    comparisons = part("comparisons")
    monkeypatch.setattr(comparisons, "SGEMM_SIZE", 64)
    monkeypatch.setattr(comparisons, "LAYER_STEPS", 20)
    settings = [word for key in TINY for word in ("--set", key)]
    part("__main__").main(["--data", "sample", "--rounds", "1", *settings])
    output = capsys.readouterr().out
    for name in ("article", "article, denormal numbers flushed", "packed", "ours", "ours, default"):
        assert min(numbers(output, name)) > 0
    assert numbers(output, "sgemm")[1] == numbers(output, "exact")[1] == 1
    for name in comparisons.DESIGNS:
        channels, speed, times_channels, _ = numbers(output, name)
        assert times_channels == pytest.approx(channels * speed, abs=channels)
    assert numbers(output, "stacked")[3] == 1
    assert min(numbers(output, "modules")) > 0 and numbers(output, "in bulk")[1] == 1


def test_every_way_of_prediction_counts_its_reviews(part, monkeypatch):
    monkeypatch.setattr(part("prediction"), "SINGLE_REVIEWS", 4)
    texts = [f"take {n} was bright" for n in range(8)]
    model = sentiment.load(device="cpu", threads=1)
    ways = part("prediction").prediction_ways(model, [texts[:5], texts[5:]])
    assert [[way() for way in ways.values()] for _ in range(2)] == [[5, 5, 5, 4], [3, 3, 3, 3]]


def test_packed_and_ours_step_on_the_same_batches(part, config_for):
    config = config_for("sample", *TINY)
    prepared, ways = prepare(config, 1), part("ways")
    ours = ways.loop_way(config, prepared, find_machine(config.machine))
    packed = ways.packed_way(config, prepared, rounds=3)
    ours(), packed()  # the first steps, which are not counted
    assert [ours() for _ in range(3)] == [packed() for _ in range(3)]


def test_the_packed_network_reads_each_review_to_its_own_end(part, config_for):
    settings = config_for("sample", *TINY, "model.dropout = 0").model
    network = part("ways").PlainClassifier(settings, words=9, packed=True)
    reviews = [torch.tensor(ids).numpy() for ids in ([2, 3, 4], [5], [6, 7])]
    together = network(collate(reviews))
    alone = torch.cat([network(collate([review])) for review in reviews])
    torch.testing.assert_close(together, alone)


def test_operations_of_the_articles_sizes(part, config_for):
    bottom, top = 8 * 256 * (100 + 256), 8 * 256 * (512 + 256)
    model = config_for("sample").model
    assert part("arithmetic").operations_per_token(model) == 3 * 2 * (bottom + top)


def test_every_round_counts_and_the_first_step_does_not(part, monkeypatch):
    ways = part("ways")
    clock = iter([0, 1, 0, 2, 0, 10])
    monkeypatch.setattr(ways.time, "perf_counter", lambda: next(clock))
    work = iter([999, 10, 10, 10])
    assert ways.measure({"way": lambda: next(work)}, rounds=3) == {"way": 30 / 13}
