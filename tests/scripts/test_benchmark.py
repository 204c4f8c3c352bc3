"""The benchmark runs, and counts and uses the batches that its description says."""

import re
from pathlib import Path

import pytest
import torch

SCRIPTS = Path(__file__).parents[2] / "scripts"
TINY = ["model.embedding=4", "model.hidden=4", "batches.tokens=400", "machine.threads=1"]


@pytest.fixture
def benchmark(monkeypatch):
    """Import the script as a module that child processes can import, too."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import benchmark

    monkeypatch.setattr(benchmark, "SGEMM_SIZE", 64)
    monkeypatch.setattr(benchmark, "LAYER_STEPS", 20)
    return benchmark


def numbers(output, name):
    """Return the figures in the first row with this name."""
    row = re.search(rf"^\| {re.escape(name)} +\|(.*)\|$", output, re.MULTILINE)
    return [float(cell.replace(",", "")) for cell in row[1].split("|")]


@pytest.mark.slow
def test_a_tiny_run_prints_every_comparison(benchmark, capsys):
    benchmark.main(["--data", "sample", "--rounds", "1", *(part for key in TINY for part in ("--set", key))])
    output = capsys.readouterr().out
    for name in ("article", "article, denormal numbers flushed", "packed", "ours", "ours, default"):
        assert min(numbers(output, name)) > 0
    assert numbers(output, "sgemm")[1] == numbers(output, "exact")[1] == 1
    for name in benchmark.DESIGNS:
        channels, speed, times_channels, _ = numbers(output, name)
        assert times_channels == pytest.approx(channels * speed, abs=channels)
    assert numbers(output, "stacked")[3] == 1


def test_packed_and_ours_step_on_the_same_batches(benchmark, config_for):
    config = config_for("sample", *TINY)
    prepared = benchmark.prepare(config, 1)
    ours = benchmark.loop_way(config, prepared, benchmark.find_machine(config.machine))
    packed = benchmark.packed_way(config, prepared, rounds=3)
    ours(), packed()  # the first steps, which are not counted
    assert [ours() for _ in range(3)] == [packed() for _ in range(3)]


def test_the_packed_network_reads_each_review_to_its_own_end(benchmark, config_for):
    settings = config_for("sample", *TINY, "model.dropout = 0").model
    network = benchmark.PlainClassifier(settings, words=9, packed=True)
    reviews = [torch.tensor(ids).numpy() for ids in ([2, 3, 4], [5], [6, 7])]
    together = network(benchmark.collate(reviews))
    alone = torch.cat([network(benchmark.collate([review])) for review in reviews])
    torch.testing.assert_close(together, alone)


def test_operations_of_the_articles_sizes(benchmark, config_for):
    bottom, top = 8 * 256 * (100 + 256), 8 * 256 * (512 + 256)
    assert benchmark.operations_per_token(config_for("sample").model) == 3 * 2 * (bottom + top)


def test_every_round_counts_and_the_first_step_does_not(benchmark, monkeypatch):
    clock = iter([0, 1, 0, 2, 0, 10])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(clock))
    work = iter([999, 10, 10, 10])
    assert benchmark.measure({"way": lambda: next(work)}, rounds=3) == {"way": 30 / 13}
