"""Two processes that train together: started by `torchrun`, or one by the other."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from scripts.torture.sockets import LOOPBACK, listening_addresses
from sentiment.config import read_config
from sentiment.inference.scoring import BATCHES
from sentiment.runs import RunFolder
from sentiment.training.run import train_run

CONFIG = """
seed = 3
[vocabulary]
min_frequency = 1
[batches]
tokens = 24
[model]
embedding = 6
hidden = 4
layers = 1
readout = "max"
embedding_dropout = 0.0
dropout = 0.0
[pretraining]
epochs = 1
[training]
epochs = 4
learning_rate = 0.02
adversarial = 0.02
average = 0.5
checkpoint_steps = 5
[self_training]
epochs = 1
[evidence]
weight = 0.4
size = 20
[machine]
device = "cpu"
threads = 1
"""


def write_reviews(path, count, generator):
    """Write reviews of 1 to 24 words; return the number of words."""
    total = 0
    with path.open("w") as file:
        for label in itertools.islice(itertools.cycle((0, 1)), count):
            words = generator.choices(["the", "film", "plot", "was", "it", "but"], k=generator.randint(0, 23))
            words.insert(len(words) // 2, generator.choice([["awful", "dull"], ["great", "superb"]][label]))
            file.write(json.dumps({"text": " ".join(words), "label": label}) + "\n")
            total += len(words)
    return total


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Many training batches are a single review; validation needs several batches."""
    folder = tmp_path_factory.mktemp("together")
    generator = random.Random(5)
    (folder / "reviews").mkdir()
    write_reviews(folder / "reviews" / "train.jsonl", 36, generator)
    write_reviews(folder / "reviews" / "unsupervised.jsonl", 20, generator)
    assert write_reviews(folder / "reviews" / "validation.jsonl", 1500, generator) > BATCHES.tokens
    source = json.dumps(str(folder / "reviews"))
    (folder / "recipe.toml").write_text(CONFIG + f"[data]\nsource = {source}\n")
    return folder / "recipe.toml"


def run_of(recipe, processes):
    path = recipe.parent / f"run-of-{processes}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(recipe.parent / "cache"))
        train_run(read_config(recipe, [f"machine.processes={processes}"]), path)
    return path


@pytest.fixture(scope="module")
def alone(recipe):
    """The run of a single process."""
    return run_of(recipe, 1)


@pytest.fixture(scope="module")
def both(recipe):
    """The run of two processes that were never stopped."""
    return run_of(recipe, 2)


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture
def start(environment):
    """Start Python with arguments."""
    started = []

    def start(*arguments, cwd=".", **variables):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(params=["processes", "torchrun"])
def together(request, start):
    """Start `sentiment train ...` in two processes; without `--` torchrun would take --run for its own."""
    if request.param == "torchrun":
        return lambda *arguments: start(*TORCHRUN, "-m", "--", "sentiment", "train", *arguments)
    return lambda *arguments: start("-m", "sentiment", "train", "--processes", 2, *arguments)


def assert_near(path, other):
    weights, expected = load_file(path / "model.safetensors"), load_file(other / "model.safetensors")
    assert weights.keys() == expected.keys()
    for name, value in weights.items():
        assert float((value - expected[name]).abs().max()) < 1e-5, name


def records_of(path, event):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


@pytest.mark.slow
def test_two_processes_find_the_weights_of_one(recipe, alone, together, request, tmp_path):
    path = tmp_path / "run"
    process = together(recipe, "--run", path)
    if "torchrun" not in request.node.name and Path("/proc").is_dir():
        wait_for_steps(process, path, 1)
        assert listening_addresses((process.pid, process_of(process, 1))) == {LOOPBACK}
    out, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert_near(path, alone)
    assert_same_records(path, alone)
    assert out.count("of validation (95%") == out.count("of training") == 1  # of one process
    for epoch in range(1, 5):
        assert errors.count(f"training {epoch}/4: loss") == 1
    assert errors.count("fitting the n-gram evidence") == 1


def assert_same_records(path, alone):
    steps, expected = records_of(path, "step"), records_of(alone, "step")
    assert len(steps) > 20 and {1, 2, 3} <= {step["reviews"] for step in steps}
    for step, one in zip(steps, expected, strict=True):
        assert step == one | {
            "loss": pytest.approx(one["loss"], abs=1e-4),
            "gradient_norm": pytest.approx(one["gradient_norm"], abs=1e-4),
        }
    for epoch, one in zip(records_of(path, "epoch"), records_of(alone, "epoch"), strict=True):
        assert epoch["train_accuracy"] == one["train_accuracy"]
        assert epoch["train_loss"] == pytest.approx(one["train_loss"], abs=1e-4)
        if one["stage"] != "pretraining":
            assert epoch["validation"]["loss"] == pytest.approx(one["validation"]["loss"], abs=1e-4)


@pytest.mark.slow
def test_two_processes_started_from_python_find_the_weights_of_one(alone, both):
    assert_near(both, alone)
    assert_same_records(both, alone)


@pytest.mark.slow
def test_four_processes_find_the_weights_of_one(recipe, alone):
    """Some batches have fewer reviews than there are processes."""
    path = run_of(recipe, 4)
    assert_near(path, alone)
    assert_same_records(path, alone)


@pytest.mark.slow
@pytest.mark.parametrize("processes_of_each", [1, 2])
def test_two_torchruns_as_on_two_machines_find_the_weights_of_one(
    recipe, alone, start, tmp_path, processes_of_each
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    path, meeting = tmp_path / "run", ("--master-addr", "127.0.0.1", "--master-port", port)
    torchruns = [
        start(
            *("-m", "torch.distributed.run", "--nnodes", 2, "--node-rank", node, *meeting),
            *("--nproc-per-node", processes_of_each, "-m", "--", "sentiment", "train", recipe, "--run", path),
            GLOO_SOCKET_IFNAME="lo",
        )
        for node in (0, 1)
    ]
    ended = [torchrun.communicate(timeout=180) for torchrun in torchruns]
    assert [torchrun.returncode for torchrun in torchruns] == [0, 0], ended
    assert_near(path, alone)
    assert_same_records(path, alone)
    assert [out.count("of validation (95%") for out, _ in ended] == [1, 0]  # of the first process


@pytest.mark.slow
def test_a_divergence_is_reported_once_and_files_here_hide_no_module(recipe, start, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('this is not the library')\n")
    options = ("--processes", 2, "--set", "training.learning_rate=1e38", "--set", "pretraining.epochs=0")
    program = "from sentiment.cli import main; main()"
    process = start("-P", "-c", program, "train", recipe, "--run", tmp_path / "run", *options, cwd=tmp_path)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 5, errors
    assert errors.count("error: ") == 1 and "no longer finite" in errors


@pytest.mark.slow
def test_processes_of_torchrun_need_a_folder(recipe, start):
    process = start(*TORCHRUN, "-m", "sentiment", "train", recipe)
    out, errors = process.communicate(timeout=180)
    assert process.returncode != 0 and out == ""
    assert "error: processes that train together need --run, the folder of the one that writes\n" in errors


def process_of(first, rank):
    """Return the process of this rank that `first` has started, or `first` if there is none."""
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    for child in children:
        with contextlib.suppress(OSError):  # it also starts helpers, which may have ended by now
            if f"RANK={rank}" in Path(f"/proc/{child}/environ").read_text().split("\0"):
                return int(child)
    return first.pid


def wait_for_steps(process, path, steps):
    metrics, end = path / "metrics.jsonl", time.monotonic() + 120
    while not (metrics.exists() and len(metrics.read_text().splitlines()) >= steps):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.005)


needs_proc = pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="skipped: no /proc here to find a process in"
)


def wait_until_gone(number, seconds):
    end = time.monotonic() + seconds
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("steps", [0, 8])
def test_the_end_of_the_first_process_ends_the_other(recipe, start, tmp_path, steps):
    path, temporary = tmp_path / "run", tmp_path / "temporary"
    temporary.mkdir()
    command = ("-m", "sentiment", "train", recipe, "--run", path, "--processes", 2)
    process = start(*command, TMPDIR=str(temporary))
    if steps:
        wait_for_steps(process, path, steps)
    while (other := process_of(process, 1)) == process.pid:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    wait_until_gone(other, 20)
    assert list(temporary.glob("sentiment-*")) == []  # torch leaves a folder of its own


@pytest.mark.slow
@needs_proc
def test_the_end_of_one_process_ends_all_and_one_alone_can_resume(recipe, alone, together, command, tmp_path):
    path = tmp_path / "run"
    process = together(recipe, "--run", path)
    wait_for_steps(process, path, 8)
    leading = process_of(process, 0)
    os.kill(process_of(process, 1), signal.SIGKILL)
    died = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - died < 60
    assert process.returncode != 0 and out == ""
    # torchrun stops the first process too: before it notices, while it reports, or when it has reported
    assert "error: another process of this training has ended" in errors or "to resume: " in errors, errors
    assert not Path(f"/proc/{leading}").exists()

    warnings = []
    checkpoint = RunFolder(path).newest_checkpoint(warnings.append)
    assert checkpoint.progress["step"] >= 5 and warnings == []
    assert len(records_of(path, "step")) < len(records_of(alone, "step"))
    assert command("train", "--resume", "--run", path, "--processes", 1).returncode == 0
    assert_near(path, alone)
    assert [step["step"] for step in records_of(path, "step")] == [
        step["step"] for step in records_of(alone, "step")
    ]


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_first_stops_both_and_they_resume_to_the_same_bytes(
    recipe, both, start, tmp_path, number
):
    path = tmp_path / "run"
    process = start("-m", "sentiment", "train", recipe, "--run", path, "--processes", 2)
    wait_for_steps(process, path, 8)
    other = process_of(process, 1)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + number, "")
    assert "stopped; saved" in errors and "error" not in errors
    assert other != process.pid and not Path(f"/proc/{other}").exists()
    going_on = start("-m", "sentiment", "train", "--resume", "--run", path)
    _, errors = going_on.communicate(timeout=180)
    assert going_on.returncode == 0 and "resuming from" in errors, errors
    weights = [folder / "model.safetensors" for folder in (path, both)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
