"""A short run of the soak test (`make soak` runs all of it), and what it takes for growth."""

import importlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIB = 2**20


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return lambda name: importlib.import_module(f"torture.soak.{name}")


@pytest.mark.slow
def test_a_short_soak_has_no_failure():
    short = ["--hours", "0.002", "--stops", "4", "--predictions", "5000", "--minutes", "0.2"]
    result = subprocess.run(
        [sys.executable, "-m", "scripts.torture.soak", *short],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert rows == [["part", "result"], ["training", "ok"], ["predictions", "ok"], ["fuzzing", "ok"]]


def test_memory_grows_only_if_it_is_more_than_noise(soak):
    find_slope, generator = soak("memory").find_slope, random.Random(1)
    hours = [number / 10 for number in range(30)]
    noise = [generator.randint(0, MIB) for _ in hours]
    growing = find_slope(hours, [round(MIB * 5 * hour) + noise[n] for n, hour in enumerate(hours)])
    assert growing.mib == pytest.approx(5, abs=1) and growing.grows_beyond(1.0)
    assert not growing.grows_beyond(6.0)
    assert not find_slope(hours, noise).grows_beyond(1.0)
    warm = [100 * MIB * (hour < 1.4) + noise[n] for n, hour in enumerate(hours)]
    assert not find_slope(hours, warm).grows_beyond(1.0)
    assert not find_slope([0.1, 0.2], [0, 900 * MIB]).grows_beyond(1.0)
    brief = find_slope([n / 1e6 for n in range(20)], [n * MIB // 10 for n in range(20)])
    assert brief.mib > 1e4 and not brief.grows_beyond(1.0)


def test_a_damaged_input_is_new_not_too_long_and_the_same_for_a_seed(soak):
    mutate = soak("fuzzing").mutate
    seed = b'{"text": "fine"}\n' * 500
    found = [mutate(seed, random.Random(number)) for number in range(100)]
    assert found == [mutate(seed, random.Random(number)) for number in range(100)]
    assert len(set(found)) > 90 and max(map(len, found)) == 2**20
    assert isinstance(mutate(b"", random.Random(1)), bytes)


def test_a_reader_with_another_error_or_too_much_time_or_memory_is_found(soak, tmp_path):
    fuzzing, kind = soak("fuzzing"), soak("seeds").Kind
    errors = importlib.import_module("sentiment.errors")

    def refuse(path):
        raise errors.DataError("no")

    def find(read, limit=2**40):
        return fuzzing._find_mistake(kind("k", "k.txt", b"", read), b"x", tmp_path, limit)

    assert find(refuse) == ""
    assert "ZeroDivisionError" in find(lambda path: 1 / 0)
    assert "held " in find(refuse, limit=2**20)
