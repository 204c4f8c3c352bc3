"""The checks for a GPU, at a tiny size on the CPU; and what they say without a GPU."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.gpu_check import __main__ as gpu_check
from scripts.gpu_check import checks
from scripts.gpu_check.findings import Finding
from scripts.gpu_check.training import best_accuracy, choose_epochs
from sentiment.config import read_config
from sentiment.errors import CheckError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "check_gpu.sh"
CPU = torch.device("cpu")
TINY_RECIPE = """
vocabulary.min_frequency = 1
batches.tokens = 64
model = { embedding = 5, hidden = 4, layers = 1 }
pretraining = { epochs = 3, samples = 0 }
"""


@pytest.mark.parametrize("name", [name for name in checks.CHECKS if name != "same bits and resuming"])
def test_each_check_passes_on_the_cpu(name):
    finding = checks.CHECKS[name](CPU, checks.TINY)
    assert finding.passed and finding.text


@pytest.mark.slow
def test_trainings_have_the_same_bits_and_resume():
    finding = checks.CHECKS["same bits and resuming"](CPU, checks.TINY)
    assert finding.passed, finding.text
    assert "stopped after line" in finding.text


def test_a_check_that_fails_is_named_and_the_next_one_runs(monkeypatch, capsys):
    def fail(device, sizes):
        raise RuntimeError("cuDNN error\nmore")

    passing = {"good": lambda device, sizes: Finding(True, "as expected")}
    monkeypatch.setattr(gpu_check, "CHECKS", {"broken": fail, **passing})
    with pytest.raises(CheckError, match="1 of 2 checks failed: broken"):
        gpu_check.run_checks(CPU)
    out = capsys.readouterr().out
    assert "FAILED: broken: RuntimeError: cuDNN error (" in out and "ok: good: as expected (" in out


@pytest.mark.parametrize("name", ["logits of every encoder", "gradients"])
def test_a_device_that_computes_otherwise_fails(monkeypatch, name):
    """Each call gives slightly larger states than the one before."""
    run, calls = checks.ExactLSTM._run_kernel, []

    def another(layer, gated_BTE, initial, weights):
        calls.append(1)
        states_BTM, ends = run(layer, gated_BTE, initial, weights)
        return states_BTM * (1 + 1e-3 * len(calls)), ends

    monkeypatch.setattr(checks.ExactLSTM, "_run_kernel", another)
    assert not checks.CHECKS[name](CPU, checks.TINY).passed


def test_as_many_epochs_of_pretraining_are_taken_as_fit():
    config = read_config("imdb-gpu")
    seconds_of = {"pretraining": 20.0, "training": 10.0, "self-training": 30.0}  # the others take 100 s
    assert [choose_epochs(config, seconds_of, left) for left in (0, 100, 1.3 * 170, 1e4)] == [1, 1, 3, 10]


def test_the_best_validated_epoch_of_a_stopped_run_counts(tmp_path):
    with pytest.raises(CheckError, match="more --seconds"):
        best_accuracy(tmp_path)
    judged = [None, {"accuracy": 0.5}, {"accuracy": 0.75}, {"accuracy": 0.7}]
    lines = [json.dumps({"event": "epoch", "validation": found}) for found in judged]
    (tmp_path / "metrics.jsonl").write_text("\n".join(['{"event": "step"}', *lines]))
    assert best_accuracy(tmp_path) == 0.75


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epochs", "said"), [(1, "that of the whole model"), (100_000, "at its best epoch; the time was over")]
)
def test_a_training_ends_in_time_with_an_accuracy(tmp_path, epochs, said):
    draws = random.Random(1)
    for split in ("train", "unsupervised"):
        rows = [
            {
                "text": f"take {n} {'the film ' * draws.randint(0, 3)}{['dull', 'great'][n % 2]}",
                "label": n % 2,
            }
            for n in range(60)
        ]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(f"{TINY_RECIPE}training = {{ epochs = {epochs}, patience = 100_000 }}")
    given = ["--device", "cpu", "--data", tmp_path, "--recipe", recipe, "--seconds", 60]
    command = [sys.executable, "-m", "scripts.gpu_check", "train", *given, "--run", tmp_path / "run"]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pretraining takes " in done.stdout and "validation accuracy " in done.stdout
    assert done.stdout.endswith(f"{said}\n")


needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="skipped: there is a GPU here")


@needs_no_gpu
def test_without_a_gpu_it_says_that_nothing_was_run(capsys, monkeypatch):
    monkeypatch.setattr("sentiment.system.interrupts.SIGNALS", ())  # pytest keeps its own Ctrl-C
    assert gpu_check.main(["tests"]) == 4
    assert "error: no GPU: not run\n" in capsys.readouterr().err


def run_script(*options, **variables):
    environment = os.environ | variables
    return subprocess.run([SCRIPT, *options], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [[], ["--train", "480"], ["--train"], ["--wrong"]])
def test_the_script_says_how_it_is_used(options):
    done = run_script(*options)
    assert done.returncode == 2 and done.stderr.startswith("usage: ")


@needs_no_gpu
@pytest.mark.slow
def test_the_script_says_what_is_missing(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # without its libraries
    bare.chmod(0o755)
    for python, said in (
        (sys.executable, "no GPU: not run (torch "),
        (bare, "bring its wheels with --wheels"),
    ):
        done = run_script("--tests", PYTHON=str(python))
        assert done.returncode == 4 and said in done.stderr
    assert "missing: torch, numpy" in done.stdout
